//! The only room with a socket: connections, deadlines, the limit of a body, and whether a byte may have left.
#![forbid(unsafe_code)]

use std::{
    error::Error as _,
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::{
    Client, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    redirect,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::yield_now,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    gateway::{BODY_LIMIT_BYTES, Gateway, Request, is_loopback},
    health::Health,
    proxy::{ProxyVariables, Route, shown},
};

/// How long a connection without a request is kept. SMS Aero's own limit is not known; a connection that it closed
/// first is noticed before the next request is written.
const IDLE: Duration = Duration::from_secs(60);

/// The most connections at a time. A burst waits for one of these rather than use up the host's descriptors.
const CONNECTIONS: usize = 192;

/// How long a probe of a resting gateway may take.
const PROBE: Duration = Duration::from_millis(2500);

/// A process needs one of these: it holds the pool of kept connections and knows which gateways work.
#[derive(Debug)]
pub struct Transport {
    client: Client,
    route: Route,
    slots: Arc<Semaphore>,
    /// Which gateways could not be connected to lately.
    pub health: Health,
}

/// A reply, whole or as much of it as came.
#[derive(Debug)]
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    /// The body, at most [`BODY_LIMIT_BYTES`].
    pub body: Vec<u8>,
    /// Whether there was more of the body.
    pub cut: bool,
}

/// Why there is no reply.
#[derive(Debug)]
pub enum Failure {
    /// No byte of the request left: another gateway may be tried.
    NotDelivered(Obstacle),
    /// A byte may have left: nothing may be tried again.
    Lost,
}

/// What stood in the way of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The deadline for connecting passed; the proxy in between, if there is one.
    Deadline(Option<String>),
    /// The whole time passed while other messages used all connections.
    Busy,
    /// The connection could not be made; what the system or the TLS layer said.
    Refused(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(None) => f.write_str("no connection in time"),
            Self::Deadline(Some(proxy)) => write!(f, "through the proxy {proxy}: no connection in time"),
            Self::Busy => f.write_str("all connections were in use"),
            Self::Refused(words) => f.write_str(words),
        }
    }
}

impl Obstacle {
    /// The same with the proxy named, if one stands between here and the gateway.
    fn on_the_way(self, proxy: Option<String>) -> Self {
        match (self, proxy) {
            (Self::Deadline(_), proxy) => Self::Deadline(proxy),
            (Self::Refused(words), Some(proxy)) => Self::Refused(format!("through the proxy {proxy}: {words}")),
            (obstacle, _) => obstacle,
        }
    }
}

impl Transport {
    /// A client that trusts these roots, given as PEM, and nothing else.
    pub fn new(roots: &str, variables: &ProxyVariables) -> Result<Self, reqwest::Error> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(CertificateDer::pem_slice_iter(roots.as_bytes()).filter_map(Result::ok));
        Self::with(store, Route::new(variables))
    }

    /// A client for gateways on this machine: no TLS to trust, and never through a proxy.
    pub fn local() -> Result<Self, reqwest::Error> {
        Self::with(RootCertStore::empty(), Route::Direct)
    }

    fn with(roots: RootCertStore, route: Route) -> Result<Self, reqwest::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .unwrap_or_else(|_| unreachable!("ring speaks TLS 1.2 and 1.3"))
            .with_root_certificates(roots)
            .with_no_client_auth();
        let builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            // Proxies are ours to choose: reqwest would also send http to this machine through one.
            .no_proxy();
        let builder = match &route {
            Route::Through(..) => builder.proxy(route.clone().into_proxy()),
            Route::Direct | Route::Unusable => builder,
        };
        Ok(Self {
            client: builder.build()?,
            route,
            slots: Arc::new(Semaphore::new(CONNECTIONS)),
            health: Health::default(),
        })
    }

    /// Sends a request once and reads the reply, which must be there by `done_by`. A connection may take `connect`.
    pub async fn exchange(
        &self,
        gateway: &Gateway,
        request: &Request,
        connect: Duration,
        done_by: Instant,
    ) -> Result<(Reply, Duration), Failure> {
        let url = gateway.method(request.method);
        if matches!(self.route, Route::Unusable) && !is_loopback(url) {
            let words =
                "HTTPS_PROXY or ALL_PROXY does not name a proxy with http:// or https://, the kinds that can be used";
            return Err(Failure::NotDelivered(Obstacle::Refused(words.to_owned())));
        }
        let Ok(Ok(slot)) = timeout_at(done_by, Arc::clone(&self.slots).acquire_owned()).await else {
            return Err(Failure::NotDelivered(Obstacle::Busy));
        };
        // What the kernel knows of kept connections is taken in first, so that a dead one is not chosen.
        yield_now().await;
        let started = Instant::now();
        let departure = Arc::new(Departure::default());
        let reply = self.attempt(url.clone(), request, &departure, (started + connect).min(done_by), done_by).await;
        tokio::spawn(give_back(slot));
        let connected_in = departure.at().map(|at| at.duration_since(started));
        match reply {
            Ok(reply) => {
                self.health.works(gateway);
                Ok((reply, connected_in.unwrap_or_default()))
            }
            Err(Failure::NotDelivered(obstacle)) => {
                self.health.fails(gateway, Instant::now());
                Err(Failure::NotDelivered(obstacle.on_the_way(self.route.proxy_for(url).map(shown))))
            }
            Err(Failure::Lost) => Err(Failure::Lost),
        }
    }

    async fn attempt(
        &self,
        url: Url,
        request: &Request,
        departure: &Arc<Departure>,
        connected_by: Instant,
        done_by: Instant,
    ) -> Result<Reply, Failure> {
        let witness = Witness { bytes: Some(request.body.clone()), departure: Arc::clone(departure) };
        let mut sending = pin!(
            self.client
                .post(url)
                .header(AUTHORIZATION, request.authorization.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(reqwest::Body::wrap(witness))
                .send()
        );
        let sent = match timeout_at(connected_by, &mut sending).await {
            Ok(sent) => sent,
            Err(_) if departure.recall() => return Err(Failure::NotDelivered(Obstacle::Deadline(None))),
            Err(_) => timeout_at(done_by, sending).await.map_err(|_| Failure::Lost)?,
        };
        match sent {
            Ok(response) => read(response, done_by).await,
            Err(error) if departure.recall() => Err(Failure::NotDelivered(Obstacle::Refused(told(&error)))),
            Err(_) => Err(Failure::Lost),
        }
    }

    /// Finds out whether a resting gateway can be connected to again. Carries no credentials, and any answer will do.
    pub async fn probe(&self, gateway: &Gateway) {
        match timeout(PROBE, self.client.head(gateway.base().clone()).send()).await {
            Ok(Ok(_)) => self.health.works(gateway),
            Ok(Err(_)) | Err(_) => self.health.fails(gateway, Instant::now()),
        }
    }
}

/// Gives a slot back when its connection has returned to the pool, which takes the client a moment: whoever gets the
/// slot is to find the connection there.
async fn give_back(slot: OwnedSemaphorePermit) {
    for _ in 0..5 {
        yield_now().await;
    }
    drop(slot);
}

/// Reads the body. A refusal stands by its status even when its body breaks off; a success does not.
async fn read(mut response: Response, done_by: Instant) -> Result<Reply, Failure> {
    let status = response.status();
    let mut body = Vec::new();
    loop {
        match timeout_at(done_by, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = BODY_LIMIT_BYTES - body.len();
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    return Ok(Reply { status: status.as_u16(), body, cut: true });
                }
            }
            Ok(Ok(None)) => return Ok(Reply { status: status.as_u16(), body, cut: false }),
            Ok(Err(_)) | Err(_) if !status.is_success() => {
                return Ok(Reply { status: status.as_u16(), body, cut: true });
            }
            Ok(Err(_)) | Err(_) => return Err(Failure::Lost),
        }
    }
}

/// The innermost cause, which says most and names neither the request nor its headers.
fn told(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut words = None;
    while let Some(inner) = cause {
        words = Some(inner.to_string());
        cause = inner.source();
    }
    words.unwrap_or_else(|| "the connection could not be made".to_owned())
}

/// Whether the request may have begun to leave. Either it departs or it is recalled, never both.
#[derive(Debug, Default)]
struct Departure {
    state: AtomicU8,
    at: OnceLock<Instant>,
}

impl Departure {
    const WAITING: u8 = 0;
    const DEPARTED: u8 = 1;
    const RECALLED: u8 = 2;

    /// Called before the first byte is handed to a connection; false forbids handing it over.
    fn depart(&self) -> bool {
        let departs = self.settle(Self::DEPARTED);
        if departs {
            self.at.get_or_init(Instant::now);
        }
        departs
    }

    /// Whether no byte has left, and none will from now on.
    fn recall(&self) -> bool {
        self.settle(Self::RECALLED)
    }

    /// When the connection stood and the request began to leave.
    fn at(&self) -> Option<Instant> {
        self.at.get().copied()
    }

    fn settle(&self, state: u8) -> bool {
        self.state.compare_exchange(Self::WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A request body that is asked for its bytes only when a connection stands and the request is being written to it.
struct Witness {
    bytes: Option<Bytes>,
    departure: Arc<Departure>,
}

impl http_body::Body for Witness {
    type Data = Bytes;
    type Error = Recalled;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Recalled>>> {
        let departure = Arc::clone(&self.departure);
        Poll::Ready(self.bytes.take().map(|bytes| departure.depart().then(|| Frame::data(bytes)).ok_or(Recalled)))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// The request was given up before it could leave.
#[derive(Debug)]
struct Recalled;

impl fmt::Display for Recalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was given up before it left")
    }
}

impl std::error::Error for Recalled {}
