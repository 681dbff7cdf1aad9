//! Sends one request at most once: sockets, the pool, deadlines, the limit of a body, and whether a byte may have left.

use std::{
    error::Error as _,
    fmt,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::{
    Client, Response, Url, Version,
    header::{AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderValue},
    redirect,
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    encoding::Encoding,
    ledger::Ledger,
    net::connections::{Budget, CONNECTIONS, Waiting},
    net::health::Health,
    net::proxy::{ProxyVariables, Route, host_and_port},
    net::resolve::{LookupError, Resolver},
    net::tls::Roots,
    smsaero::gateway::{Gateway, Request},
    smsaero::reading::Reading,
};

/// The longest that a send may take by default, from the call to its settlement: Logto's sign-in page waits for 10 s.
pub const TOTAL: Duration = Duration::from_secs(8);

/// The longest that an embedder may make it.
pub const LONGEST_TOTAL: Duration = Duration::from_millis(9500);

/// The longest that connecting to one gateway may take by default, TLS handshake included: three gateways that are
/// all dead leave time for an answer.
pub const CONNECT: Duration = Duration::from_millis(2500);

/// A connection that had less time than this says nothing of the gateway.
const SHORTEST_FAIR_CONNECT: Duration = Duration::from_millis(250);

/// How long a connection without a request is kept. SMS Aero's own limit is not known; a connection that it closed
/// first is noticed before the next request is written.
const IDLE: Duration = Duration::from_secs(60);

/// How long a probe of a resting gateway may take.
const PROBE: Duration = Duration::from_millis(2500);

/// The most messages in doubt that ask for the list at a time; each needs a connection beside those of messages.
const LOOK_UPS: usize = 16;

/// The most HTTP clients that are kept.
const CLIENTS: usize = 64;

/// A process needs one of these: it holds the pool of kept connections and knows which gateways are up.
#[derive(Debug)]
pub struct Transport {
    pub(crate) roots: Roots,
    pub(crate) route: Route,
    pub(crate) resolver: Resolver,
    clients: Mutex<Vec<Arc<HostClient>>>,
    admission: Arc<Semaphore>,
    pub(crate) look_ups: Semaphore,
    pub(crate) ledger: Ledger,
    /// Which gateways could not be connected to lately.
    pub health: Health,
}

/// The HTTP client for one host and limits on connecting of about this length, which it shares between the host's
/// addresses.
#[derive(Debug)]
pub(crate) struct HostClient {
    /// Any URL of the host.
    url: Url,
    connect: Duration,
    pub(crate) client: Client,
    /// The same for every client of a host.
    pub(crate) budget: Budget,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the call to its settlement.
    pub total: Duration,
    /// For connecting to one gateway.
    pub connect: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { total: TOTAL, connect: CONNECT }
    }
}

impl Limits {
    /// From milliseconds, where an embedder gives some; the sentence says which option is wrong.
    pub fn from_millis(total: Option<f64>, connect: Option<f64>) -> Result<Self, String> {
        let limit = |name: &str, millis: Option<f64>, default: Duration| match millis {
            None => Ok(default),
            Some(millis) if millis >= 1.0 && millis <= LONGEST_TOTAL.as_secs_f64() * 1000.0 => {
                Ok(Duration::from_secs_f64(millis / 1000.0))
            }
            Some(_) => Err(format!(
                "The option `{name}` is not a number of milliseconds from 1 to {}. Logto's sign-in page gives up after 10 seconds.",
                LONGEST_TOTAL.as_millis()
            )),
        };
        Ok(Self { total: limit("timeoutMs", total, TOTAL)?, connect: limit("connectTimeoutMs", connect, CONNECT)? })
    }
}

/// The limits of one send.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// When the send was called for.
    pub started: Instant,
    /// How long it may take from then on.
    pub limits: Limits,
}

/// What was tried to get a request through.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// The gateway that was asked last.
    pub gateway: Option<Gateway>,
    /// How many gateways were tried.
    pub count: u32,
    /// How long the last one took to connect to; next to nothing on a kept connection.
    pub connect: Option<Duration>,
    /// What showed the outcome.
    pub confirmed_by: Option<ConfirmedBy>,
}

/// What shows the outcome of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedBy {
    /// The gateway's reply.
    Reply,
    /// SMS Aero's list of messages, since no reply did.
    List,
}

/// When a request left, and when its reply has been awaited for long.
#[derive(Debug, Default)]
pub struct Departure {
    at: OnceLock<Instant>,
    overdue_at: OnceLock<Gateway>,
    overdue: Notify,
}

impl Departure {
    /// When the request left, as far as is known: after its end, or once the reply is overdue.
    #[must_use]
    pub fn at(&self) -> Option<Instant> {
        self.at.get().copied()
    }

    /// The gateway whose reply is overdue.
    #[must_use]
    pub fn overdue_at(&self) -> Option<&Gateway> {
        self.overdue_at.get()
    }

    /// Half the time in all has passed since the request left, or half of what there was then.
    pub async fn overdue(&self) {
        self.overdue.notified().await;
    }
}

/// A reply, whole or as much of it as came.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, as much as the method may have.
    pub body: Vec<u8>,
    /// Whether there was more of the body.
    pub cut: bool,
    /// How the body is compressed, though nobody asked for it.
    pub encoding: Encoding,
    /// The gateway's clock, where a question was asked.
    pub date: Option<SystemTime>,
}

/// Why there is no reply.
#[derive(Debug)]
pub enum Failure {
    /// No byte of the request left; what happened with each gateway that was tried.
    NotSent(Vec<(Gateway, ConnectError)>),
    /// A byte may have left: nothing may be tried again.
    Lost,
}

/// Why one gateway gave no reply.
enum ExchangeError {
    /// No byte of the request left: another gateway may be tried.
    NotDelivered(ConnectError),
    /// A byte may have left.
    Lost,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The deadline for connecting passed; the proxy in between, if there is one.
    Deadline(Option<String>),
    /// The whole time passed while other messages used all connections.
    Busy,
    /// The connection could not be made; the system's or the TLS layer's error.
    Refused(String),
    /// This machine could not even try, for want of threads, descriptors, memory or ports; its error.
    Local(String),
    /// There was a connection, and no reply to a question came over it.
    NoReply,
}

impl ConnectError {
    /// Whether only time was wanting.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Deadline(_) | Self::Busy | Self::NoReply)
    }

    /// The same with the proxy named, if one stands between here and the gateway.
    fn through(self, proxy: Option<String>) -> Self {
        match (self, proxy) {
            (Self::Deadline(_), proxy) => Self::Deadline(proxy),
            (Self::Refused(cause), Some(proxy)) => Self::Refused(format!("through the proxy {proxy}: {cause}")),
            (error, _) => error,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(None) => f.write_str("no connection in time"),
            Self::Deadline(Some(proxy)) => write!(f, "through the proxy {proxy}: no connection in time"),
            Self::Busy => f.write_str("all connections were in use"),
            Self::NoReply => f.write_str("no complete reply"),
            Self::Refused(cause) => f.write_str(cause),
            Self::Local(cause) => write!(f, "this server could not connect: {cause}"),
        }
    }
}

/// One message's right to a connection.
type Admission = OwnedSemaphorePermit;

impl Transport {
    /// A client that trusts these roots and nothing else.
    #[must_use]
    pub fn new(roots: Roots, variables: &ProxyVariables) -> Arc<Self> {
        Self::with(roots, Route::new(variables), Resolver::default())
    }

    /// A client for gateways on this machine: no TLS to trust, and never through a proxy.
    #[must_use]
    pub fn local() -> Arc<Self> {
        Self::with(Roots::new("", None), Route::Direct, Resolver::default())
    }

    /// A client that trusts these roots, goes this way and looks up names with this resolver.
    #[must_use]
    pub fn with(roots: Roots, route: Route, resolver: Resolver) -> Arc<Self> {
        let transport = Self {
            roots,
            route,
            resolver,
            clients: Mutex::default(),
            admission: Arc::new(Semaphore::new(CONNECTIONS - LOOK_UPS)),
            look_ups: Semaphore::new(LOOK_UPS),
            ledger: Ledger::default(),
            health: Health::default(),
        };
        Arc::new(transport)
    }

    /// Sends a request through the first gateway that can be connected to, at most once, and reads the reply. Gateways
    /// that are down are tried last, and one of them is probed afterwards, when it has rested.
    pub async fn send(
        self: &Arc<Self>,
        request: &Request,
        gateways: &[Gateway],
        deadlines: Deadlines,
        attempts: &mut Attempts,
        departure: &Departure,
    ) -> Result<Reply, Failure> {
        let done_by = deadlines.started + deadlines.limits.total;
        let result = match timeout_at(done_by, Arc::clone(&self.admission).acquire_owned()).await {
            Ok(Ok(admission)) => self.try_in_order(request, gateways, deadlines, attempts, departure, admission).await,
            Ok(Err(_)) | Err(_) => Err(Failure::NotSent(
                gateways.first().map(|first| (first.clone(), ConnectError::Busy)).into_iter().collect(),
            )),
        };
        self.probe_when_rested(gateways);
        result
    }

    async fn try_in_order(
        &self,
        request: &Request,
        gateways: &[Gateway],
        deadlines: Deadlines,
        attempts: &mut Attempts,
        departure: &Departure,
        _admission: Admission,
    ) -> Result<Reply, Failure> {
        let Deadlines { started, limits } = deadlines;
        let done_by = started + limits.total;
        let mut errors = Vec::new();
        for gateway in self.health.order(gateways) {
            if Instant::now() >= done_by {
                break;
            }
            attempts.count += 1;
            attempts.gateway = Some(gateway.clone());
            match self.exchange(gateway, request, departure, limits, done_by).await {
                Ok((reply, connect)) => {
                    attempts.connect = Some(connect);
                    return Ok(reply);
                }
                Err(ExchangeError::Lost) => return Err(Failure::Lost),
                Err(ExchangeError::NotDelivered(error)) => errors.push((gateway.clone(), error)),
            }
        }
        Err(Failure::NotSent(errors))
    }

    /// Asks a question, which may be asked again whatever happened: the next gateway is tried until one of them answers as
    /// SMS Aero does, each with its share of the time.
    pub(crate) async fn read(
        &self,
        request: &Request,
        order: &[&Gateway],
        connect: Duration,
        done_by: Instant,
        attempts: &mut Attempts,
    ) -> Result<Reply, Failure> {
        let mut errors = Vec::new();
        let mut other_reply = None;
        for (gateway, left) in order.iter().zip((1..=order.len()).rev()) {
            let now = Instant::now();
            let share = done_by.saturating_duration_since(now) / u32::try_from(left).unwrap_or(u32::MAX);
            if share.is_zero() {
                break;
            }
            attempts.count += 1;
            attempts.gateway = Some((*gateway).clone());
            let limits = Limits { total: share, connect };
            match self.exchange(gateway, request, &Departure::default(), limits, now + share).await {
                Ok((reply, _)) if is_answer(&reply) => return Ok(reply),
                Ok((reply, _)) => other_reply = Some(reply),
                Err(ExchangeError::Lost) => errors.push(((*gateway).clone(), ConnectError::NoReply)),
                Err(ExchangeError::NotDelivered(error)) => errors.push(((*gateway).clone(), error)),
            }
        }
        other_reply.ok_or(Failure::NotSent(errors))
    }

    /// Sends a request once through one gateway and reads the reply, which must be there by `done_by`.
    async fn exchange(
        &self,
        gateway: &Gateway,
        request: &Request,
        departure: &Departure,
        Limits { total, connect }: Limits,
        done_by: Instant,
    ) -> Result<(Reply, Duration), ExchangeError> {
        let url = gateway.method(request.method);
        let url = url.as_ref();
        if self.route.is_unusable_for(url) {
            let cause =
                "HTTPS_PROXY or ALL_PROXY does not name a proxy with http:// or https://, the kinds that can be used";
            return Err(ExchangeError::NotDelivered(ConnectError::Refused(cause.to_owned())));
        }
        let host = self.client(url, connect).map_err(|error| {
            ExchangeError::NotDelivered(ConnectError::Local(format!("the HTTP client could not be set up: {error}")))
        })?;
        take_turns().await;
        let started = Instant::now();
        let connected_by = (started + connect).min(done_by);
        let state = Arc::new(WriteState::new(host.budget.wait()));
        let exchange = Exchange { gateway, state: Arc::clone(&state), request, departure, connected_by, done_by };
        let reply = exchange.run(&host.client, url.clone(), total / 2).await;
        let connected_in = state.begun_at().map(|at| departure.at.get_or_init(|| at).duration_since(started));
        match reply {
            Ok(reply) => {
                self.health.mark_up(gateway);
                Ok((reply, connected_in.unwrap_or_default()))
            }
            Err(ExchangeError::NotDelivered(error)) => {
                let had_its_time = connect >= SHORTEST_FAIR_CONNECT && started + connect <= done_by;
                let is_to_blame = match &error {
                    ConnectError::Refused(_) => true,
                    ConnectError::Deadline(_) => had_its_time && !host.budget.is_used_up(),
                    ConnectError::Busy | ConnectError::Local(_) | ConnectError::NoReply => false,
                };
                if is_to_blame {
                    self.health.mark_down(gateway, Instant::now());
                }
                Err(ExchangeError::NotDelivered(error.through(self.route.proxy_for(url).map(host_and_port))))
            }
            Err(ExchangeError::Lost) => Err(ExchangeError::Lost),
        }
    }

    /// The HTTP client for the host of this URL. The one that was used least lately goes when there are too many.
    pub(crate) fn client(&self, url: &Url, connect: Duration) -> Result<Arc<HostClient>, reqwest::Error> {
        let is_same_host =
            |known: &HostClient| known.url.scheme() == url.scheme() && known.url.authority() == url.authority();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let connect = client_limit(connect);
        let place = clients.iter().position(|known| known.connect == connect && is_same_host(known));
        let found = if let Some(place) = place {
            clients.remove(place)
        } else {
            let other = clients.iter().find(|known| is_same_host(known));
            let budget = other.map(|known| known.budget.clone()).unwrap_or_default();
            let client = self.build_client(connect, &budget)?;
            Arc::new(HostClient { url: url.clone(), connect, client, budget })
        };
        if clients.len() >= CLIENTS {
            clients.remove(0);
        }
        clients.push(Arc::clone(&found));
        drop(clients);
        Ok(found)
    }

    fn build_client(&self, connect: Duration, budget: &Budget) -> Result<Client, reqwest::Error> {
        let builder = Client::builder()
            .tls_backend_preconfigured((*self.roots.config()).clone())
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            // Also for a connection that the client goes on making after its message went by another one.
            .connect_timeout(connect)
            .connector_layer(budget.clone())
            .dns_resolver(Arc::new(self.resolver.clone()))
            // Proxies are ours to choose: reqwest would also send http to this machine through one.
            .no_proxy();
        match &self.route {
            Route::Through(..) => builder.proxy(self.route.clone().into_proxy()),
            Route::Direct | Route::Unusable(_) => builder,
        }
        .build()
    }

    /// Finds out in the background whether a gateway that has rested can be connected to again. A probe carries no
    /// credentials, and any answer will do.
    fn probe_when_rested(self: &Arc<Self>, gateways: &[Gateway]) {
        let Some(gateway) = self.health.claim_probe(gateways, Instant::now()) else { return };
        let transport = Arc::clone(self);
        tokio::spawn(async move {
            let answer = match transport.client(gateway.base(), CONNECT) {
                Ok(host) => {
                    let _waiting = host.budget.wait();
                    timeout(PROBE, host.client.head(gateway.base().clone()).send()).await.is_ok_and(|sent| sent.is_ok())
                }
                Err(_) => false,
            };
            if answer {
                transport.health.mark_up(&gateway);
            } else {
                transport.health.probe_failed(&gateway, Instant::now());
            }
        });
    }
}

/// Lets the connections go first that the last look at the sockets has woken, so that one that was closed meanwhile is not
/// chosen. Tokio's own yield would look at the sockets once more, and a thread that has slept has just done so.
async fn take_turns() {
    let mut had_theirs = false;
    poll_fn(|context| {
        if had_theirs {
            return Poll::Ready(());
        }
        had_theirs = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The limit of the client for this limit on connecting: the default one, made shorter or longer by 5/8 until it fits. Less
/// than twice as long, so that a second address has its turn in time, and few, so that messages share connections.
fn client_limit(connect: Duration) -> Duration {
    /// Shorter ones share a client: its connections are closed by then.
    const SHORTEST: Duration = Duration::from_millis(30);
    let mut limit = CONNECT;
    while limit < connect {
        limit = limit * 8 / 5;
    }
    while limit > SHORTEST && limit * 5 / 8 >= connect {
        limit = limit * 5 / 8;
    }
    limit
}

/// Whether a reply answers a question, or a gateway could not answer it.
fn is_answer(reply: &Reply) -> bool {
    match reply.status {
        200..300 => {
            matches!(crate::smsaero::reading::judge(reply.status, &reply.body), Reading::Data(_) | Reading::Refused(_))
        }
        400..500 => reply.status != 408,
        _ => false,
    }
}

/// A request on its way through one gateway.
struct Exchange<'a> {
    gateway: &'a Gateway,
    request: &'a Request,
    state: Arc<WriteState>,
    departure: &'a Departure,
    connected_by: Instant,
    done_by: Instant,
}

impl Exchange<'_> {
    /// Sends the request and reads the reply; says when the reply has been awaited for longer than `patience`.
    async fn run(&self, client: &Client, url: Url, patience: Duration) -> Result<Reply, ExchangeError> {
        let mut replying = pin!(self.reply(client, url));
        // A connection may be allowed more time than a reply.
        for limit in [self.connected_by.min(Instant::now() + patience), self.connected_by] {
            if let Ok(reply) = timeout_at(limit, &mut replying).await {
                return reply;
            }
            if self.state.begun_at().is_some() {
                break;
            }
        }
        if self.state.recall() {
            return Err(ExchangeError::NotDelivered(ConnectError::Deadline(None)));
        }
        let departed = *self.departure.at.get_or_init(|| self.state.begun_at().unwrap_or(self.connected_by));
        // Of what time there is left, the list has to have its share.
        let patience = patience.min(self.done_by.saturating_duration_since(departed) / 2);
        if let Ok(reply) = timeout_at(departed + patience, &mut replying).await {
            return reply;
        }
        self.departure.overdue_at.get_or_init(|| self.gateway.clone());
        self.departure.overdue.notify_one();
        timeout_at(self.done_by, replying).await.unwrap_or(Err(ExchangeError::Lost))
    }

    async fn reply(&self, client: &Client, url: Url) -> Result<Reply, ExchangeError> {
        let body = TrackedBody { bytes: Some(self.request.body.clone()), state: Arc::clone(&self.state) };
        let sent = client
            .post(url)
            .header(AUTHORIZATION, self.request.authorization.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(reqwest::Body::wrap(body))
            .send()
            .await;
        match sent {
            Ok(response) => {
                let closes = response
                    .headers()
                    .get(CONNECTION)
                    .is_some_and(|value| value.as_bytes().to_ascii_lowercase().windows(5).any(|word| word == b"close"));
                let is_kept = !closes && response.version() == Version::HTTP_11;
                self.read(response, || {
                    if is_kept {
                        self.state.keep();
                    }
                })
                .await
            }
            Err(error) if self.state.recall() => Err(ExchangeError::NotDelivered(connect_error(&error))),
            Err(_) => Err(ExchangeError::Lost),
        }
    }

    /// Reads the body. A refusal stands by its status even when its body breaks off; a success does not.
    async fn read(&self, mut response: Response, at_end: impl FnOnce()) -> Result<Reply, ExchangeError> {
        let method = self.request.method;
        let status = response.status();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap_or("unreadable"));
        let encoding = header(CONTENT_ENCODING).map_or(Encoding::Identity, Encoding::new);
        let date = header(DATE).filter(|_| method.is_reading()).and_then(|date| httpdate::parse_http_date(date).ok());
        let reply = |body, cut| Ok(Reply { status: status.as_u16(), body, cut, encoding, date });
        let mut body = Vec::new();
        loop {
            match timeout_at(self.done_by, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    let left = method.body_limit_bytes() - body.len();
                    body.extend_from_slice(chunk.get(..left).unwrap_or(&chunk));
                    if chunk.len() > left {
                        return reply(body, true);
                    }
                }
                Ok(Ok(None)) => {
                    at_end();
                    return reply(body, false);
                }
                Ok(Err(_)) | Err(_) if !status.is_success() => {
                    return reply(body, true);
                }
                Ok(Err(_)) | Err(_) => return Err(ExchangeError::Lost),
            }
        }
    }
}

fn connect_error(error: &reqwest::Error) -> ConnectError {
    if error.is_timeout() {
        return ConnectError::Deadline(None);
    }
    let cause = innermost_cause(error);
    if is_local(error) { ConnectError::Local(cause) } else { ConnectError::Refused(cause) }
}

/// The innermost cause, which says most and names neither the request nor its headers.
fn innermost_cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "the connection could not be made".to_owned(), ToString::to_string)
}

/// Whether this machine lacked something, so that no gateway is to blame.
fn is_local(error: &reqwest::Error) -> bool {
    /// No descriptors are left for the process, or for the machine; `ErrorKind` has no name for them.
    const NO_DESCRIPTORS: [i32; 3] = [24, 23, 10024];
    causes(error).any(|cause| {
        matches!(cause.downcast_ref(), Some(LookupError::Local(_)))
            || cause.downcast_ref::<io::Error>().is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock | io::ErrorKind::AddrNotAvailable
                ) || error.raw_os_error().is_some_and(|code| NO_DESCRIPTORS.contains(&code))
            })
    })
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// Whether the request may have begun to leave. Either it leaves or it is recalled, never both.
#[derive(Debug)]
struct WriteState {
    state: AtomicU8,
    begun_at: OnceLock<Instant>,
    waiting: Mutex<Waiting>,
}

impl WriteState {
    const WAITING: u8 = 0;
    const BEGUN: u8 = 1;
    const RECALLED: u8 = 2;

    const fn new(waiting: Waiting) -> Self {
        Self { state: AtomicU8::new(Self::WAITING), begun_at: OnceLock::new(), waiting: Mutex::new(waiting) }
    }

    /// Called before the first byte is handed to a connection; false forbids handing it over.
    fn begin(&self) -> bool {
        let begins = self.settle(Self::BEGUN);
        if begins {
            self.begun_at.get_or_init(Instant::now);
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).connected();
        }
        begins
    }

    /// The connection can take another request.
    fn keep(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).keep();
    }

    /// Whether no byte has left, and none will from now on.
    fn recall(&self) -> bool {
        self.settle(Self::RECALLED)
    }

    /// When there was a connection and the request began to leave.
    fn begun_at(&self) -> Option<Instant> {
        self.begun_at.get().copied()
    }

    fn settle(&self, state: u8) -> bool {
        self.state.compare_exchange(Self::WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A request body that is asked for its bytes only when there is a connection and the request is being written to it.
struct TrackedBody {
    bytes: Option<Bytes>,
    state: Arc<WriteState>,
}

impl http_body::Body for TrackedBody {
    type Data = Bytes;
    type Error = Recalled;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Recalled>>> {
        Poll::Ready(self.bytes.take().map(|bytes| self.state.begin().then(|| Frame::data(bytes)).ok_or(Recalled)))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CONNECT, LONGEST_TOTAL, Limits, TOTAL, client_limit};

    #[test]
    fn limits_of_endless_variety_need_few_clients() {
        assert_eq!(client_limit(CONNECT), CONNECT);
        let mut limits = Vec::new();
        for millis in 1..=u64::try_from(LONGEST_TOTAL.as_millis()).unwrap() {
            let (connect, limit) = (Duration::from_millis(millis), client_limit(Duration::from_millis(millis)));
            assert!(limit >= connect, "{limit:?} for {connect:?}");
            assert!(limit < connect * 2 || limit < Duration::from_millis(50), "{limit:?} for {connect:?}");
            limits.push(limit);
        }
        limits.dedup();
        assert!(limits.len() <= 16, "{limits:?}");
    }

    #[test]
    fn limits_have_defaults_and_bounds() {
        assert_eq!(Limits::from_millis(None, None), Ok(Limits { total: TOTAL, connect: CONNECT }));
        assert!(Limits::from_millis(Some(9500.0), Some(1.0)).is_ok());
        for bad in [0.0, 9500.1, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                Limits::from_millis(Some(bad), None).is_err_and(|sentence| sentence.contains("timeoutMs")),
                "{bad}"
            );
            assert!(
                Limits::from_millis(None, Some(bad)).is_err_and(|sentence| sentence.contains("connectTimeoutMs")),
                "{bad}"
            );
        }
    }
}
