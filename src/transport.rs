//! The only room with a socket: connections, deadlines, the limit of a body, and whether a byte may have left.
#![forbid(unsafe_code)]

use std::{
    error::Error as _,
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc,
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
use tokio::time::{Instant, timeout_at};

use crate::gateway::{BODY_LIMIT_BYTES, Request};

/// How long a connection without a request is kept. SMS Aero's own limit is not known; a connection that it closed
/// first is noticed before the next request is written.
const IDLE: Duration = Duration::from_secs(60);

/// A process needs one of these: it holds the pool of kept connections.
#[derive(Clone, Debug)]
pub struct Transport {
    client: Client,
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
    /// The deadline for connecting passed.
    Deadline,
    /// The connection could not be made; what the system or the TLS layer said.
    Refused(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("no connection in time"),
            Self::Refused(words) => f.write_str(words),
        }
    }
}

impl Transport {
    /// A client that trusts these roots, given as PEM, and nothing else.
    pub fn new<'a>(roots: impl IntoIterator<Item = &'a str>) -> Result<Self, reqwest::Error> {
        let mut store = RootCertStore::empty();
        for pem in roots {
            store.add_parsable_certificates(CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok));
        }
        Self::with_store(store, Client::builder())
    }

    /// A client for gateways on this machine: no TLS to trust, and never through a proxy.
    pub fn local() -> Result<Self, reqwest::Error> {
        Self::with_store(RootCertStore::empty(), Client::builder().no_proxy())
    }

    fn with_store(store: RootCertStore, builder: reqwest::ClientBuilder) -> Result<Self, reqwest::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .unwrap_or_else(|_| unreachable!("ring speaks TLS 1.2 and 1.3"))
            .with_root_certificates(store)
            .with_no_client_auth();
        let client = builder
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self { client })
    }

    /// Sends a request once and reads the reply. A connection must stand by `connected_by`, all be done by `done_by`.
    pub async fn exchange(&self, url: Url, request: &Request, connected_by: Instant, done_by: Instant) -> Result<Reply, Failure> {
        // What the kernel knows of kept connections is taken in first, so that a dead one is not chosen.
        tokio::task::yield_now().await;
        let departure = Arc::new(Departure::default());
        let witness = Witness { bytes: Some(request.body.clone()), departure: Arc::clone(&departure) };
        let mut sending = pin!(
            self.client
                .post(url)
                .header(AUTHORIZATION, secret(&request.authorization))
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(reqwest::Body::wrap(witness))
                .send()
        );
        let sent = match timeout_at(connected_by.min(done_by), &mut sending).await {
            Ok(sent) => sent,
            Err(_) if departure.recall() => return Err(Failure::NotDelivered(Obstacle::Deadline)),
            Err(_) => timeout_at(done_by, sending).await.map_err(|_| Failure::Lost)?,
        };
        match sent {
            Ok(response) => read(response, done_by).await,
            Err(error) if departure.recall() => Err(Failure::NotDelivered(Obstacle::Refused(told(&error)))),
            Err(_) => Err(Failure::Lost),
        }
    }
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
            Ok(Err(_)) | Err(_) if !status.is_success() => return Ok(Reply { status: status.as_u16(), body, cut: true }),
            Ok(Err(_)) | Err(_) => return Err(Failure::Lost),
        }
    }
}

fn secret(value: &str) -> HeaderValue {
    // Base64 after "Basic ": always a valid header value.
    let mut value = HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
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
struct Departure(AtomicU8);

impl Departure {
    const WAITING: u8 = 0;
    const DEPARTED: u8 = 1;
    const RECALLED: u8 = 2;

    /// Called before the first byte is handed to a connection; false forbids handing it over.
    fn depart(&self) -> bool {
        self.0.compare_exchange(Self::WAITING, Self::DEPARTED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether no byte has left, and none will from now on.
    fn recall(&self) -> bool {
        self.0.compare_exchange(Self::WAITING, Self::RECALLED, Ordering::AcqRel, Ordering::Acquire).is_ok()
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
