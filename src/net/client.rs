//! One HTTP client per host: its roots, its route, and three limits on its connections.
//!
//! A connection carries a message, carries a question, or is being made; so there are never more than the three limits
//! together. The client begins one for every request that finds none to spare.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use reqwest::{Client, ClientBuilder, Proxy, Url, redirect};
use rustls::ClientConfig;
use tokio::{
    sync::{Semaphore, SemaphorePermit, TryAcquireError},
    task,
    time::Instant,
};
use tower_layer::layer_fn;
use tower_service::Service;

use super::{
    connect_error::ConnectError,
    deadline::until,
    proxy::{Route, UnusableProxy},
    resolve::Resolver,
    tls::Roots,
};

/// The most messages to one host that have a connection or wait for one; further ones wait for their turn.
const MESSAGES: usize = 152;

/// The most questions to one host at a time.
const QUESTIONS: usize = 16;

/// The most connections to one host that are being made at a time.
const CONNECTING: usize = 24;

/// The longest that a connection without a request is kept. A gateway that closes connections earlier usually says so in
/// the header `Keep-Alive`; one that does not may close a connection while a request is on its way to it.
const IDLE: Duration = Duration::from_secs(60);

/// The time for which the shortest `Keep-Alive` of a host counts.
const HINT_LASTS: Duration = Duration::from_secs(300);

/// The longest that connecting may take by default, TLS handshake included: three gateways that are all dead leave time for
/// an answer.
pub const CONNECT: Duration = Duration::from_millis(2500);

/// The most headers of a reply. Hyper's default of 100 turns an acceptance with more into an error; Node has no limit.
const MOST_HEADERS: usize = 512;

/// The settings that the clients of a process share.
pub struct Settings {
    /// The trusted authorities.
    pub roots: Roots,
    /// The proxy, where there is one.
    pub route: Route,
    /// Looks up names.
    pub resolver: Resolver,
}

/// A host, with its client and its limits.
pub struct Host {
    url: Url,
    proxy: Result<Option<Url>, UnusableProxy>,
    messages: Semaphore,
    questions: Semaphore,
    connecting: Arc<Connecting>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    built: Option<Built>,
    /// The shortest time that the host announced for a connection without a request, and the last time that it did.
    hint: Option<(Duration, Instant)>,
    last_reply: Option<Instant>,
}

#[derive(Debug)]
struct Built {
    client: Client,
    tls: Arc<ClientConfig>,
    at: Instant,
    connect: Duration,
    idle: Duration,
}

/// A request that finds all permits taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Waits for one.
    Wait,
    /// Goes without an answer.
    Skip,
}

impl Host {
    /// The host of this URL; nothing is connected yet.
    pub fn new(url: &Url, route: &Route) -> Self {
        Self {
            url: url.clone(),
            proxy: route.proxy_for(url),
            messages: Semaphore::new(MESSAGES),
            questions: Semaphore::new(QUESTIONS),
            connecting: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// True if this is the host of `url`.
    pub fn is_of(&self, url: &Url) -> bool {
        self.url.scheme() == url.scheme() && self.url.authority() == url.authority()
    }

    /// True if the variables name a proxy on the way to the host, usable or not.
    pub const fn is_proxied(&self) -> bool {
        !matches!(self.proxy, Ok(None))
    }

    /// The proxy on the way to the host.
    pub fn proxy(&self) -> Option<&Url> {
        self.proxy.as_ref().ok()?.as_ref()
    }

    /// Waits for the right to send a message.
    ///
    /// # Errors
    /// All permits stay taken until `deadline`.
    pub async fn admit_message(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, ConnectError> {
        acquire(&self.messages, deadline).await
    }

    /// Takes the right to ask a question, or waits for it.
    ///
    /// # Errors
    /// All permits are taken, and stay taken until `deadline` if the question waits.
    pub async fn admit_question(&self, queue: Queue, deadline: Instant) -> Result<SemaphorePermit<'_>, ConnectError> {
        match (self.questions.try_acquire(), queue) {
            (Ok(permit), _) => Ok(permit),
            (Err(TryAcquireError::NoPermits), Queue::Wait) => acquire(&self.questions, deadline).await,
            (Err(_), _) => Err(ConnectError::Full),
        }
    }

    /// The HTTP client, and the TLS that it speaks. It gives connections so long to be made, or less while others are under way.
    ///
    /// # Errors
    /// No client can be built, or the proxy cannot be used.
    pub fn client(&self, connect: Duration, settings: &Settings) -> Result<(Client, Arc<ClientConfig>), ConnectError> {
        let proxy = self.proxy.as_ref().map_err(|_| ConnectError::UnusableProxy)?;
        let (now, tls) = (Instant::now(), settings.roots.config());
        let mut state = self.state();
        let idle = state.idle(now);
        // A replaced client keeps its idle connections until its last request ends, so other limits wait for a quiet moment.
        if let Some(built) = &state.built
            && Arc::ptr_eq(&built.tls, &tls)
            && (built.connect >= connect && built.idle == idle || self.under_way() > 1)
        {
            return Ok((built.client.clone(), tls));
        }
        let longest = state.built.as_ref().map_or(connect, |built| built.connect.max(connect));
        let connect = client_limit(longest);
        let client = self.builder(connect, idle, settings).tls_backend_preconfigured((*tls).clone());
        let client = match proxy {
            Some(proxy) => client.proxy(Proxy::all(proxy.clone()).map_err(ConnectError::new)?),
            None => client,
        };
        let client = client.build().map_err(ConnectError::new)?;
        state.built = Some(Built { client: client.clone(), tls: Arc::clone(&tls), at: now, connect, idle });
        drop(state);
        Ok((client, tls))
    }

    /// Makes the next request use new connections, unless the host has replied since `instant`.
    pub fn renew(&self, instant: Instant) {
        let mut state = self.state();
        let is_silent = state.last_reply.is_none_or(|last| last < instant);
        if is_silent && state.built.as_ref().is_some_and(|built| built.at < instant) {
            state.built = None;
        }
    }

    /// Notes a reply, and heeds its header `Keep-Alive`: connections are given up a second before the host closes them, as
    /// Node's agent does.
    pub fn note_reply<'a>(&self, keep_alive: impl Iterator<Item = &'a str>) {
        let now = Instant::now();
        let timeout = keep_alive.flat_map(|header| header.split(',')).find_map(|part| {
            let (name, seconds) = part.split_once('=')?;
            let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
            seconds.trim().parse::<u64>().ok().filter(|_| is_timeout)
        });
        let limit = timeout.map(|seconds| Duration::from_secs(seconds.saturating_sub(1)));
        let mut state = self.state();
        state.last_reply = Some(now);
        if let Some(limit) = limit.filter(|limit| *limit < IDLE)
            && state.hint.is_none_or(|(shortest, _)| limit <= shortest)
        {
            state.hint = Some((limit, now));
        }
    }

    /// The number of connections that were made to the host.
    pub fn connections_made(&self) -> u64 {
        self.connecting.made.load(Ordering::Relaxed)
    }

    fn under_way(&self) -> usize {
        MESSAGES + QUESTIONS - self.messages.available_permits() - self.questions.available_permits()
    }

    fn builder(&self, connect: Duration, idle: Duration, settings: &Settings) -> ClientBuilder {
        let connecting = Arc::clone(&self.connecting);
        let builder = Client::builder()
            .http1_only()
            .http1_max_headers(MOST_HEADERS)
            // Firewalls ask for one.
            .user_agent(concat!("connector-smsaero-native/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .pool_idle_timeout(idle)
            // Also for a connection that the client goes on making after its message went by another one.
            .connect_timeout(connect)
            .connector_layer(layer_fn(move |inner| Limited { inner, connecting: Arc::clone(&connecting) }))
            .dns_resolver(Arc::new(settings.resolver.clone()))
            // Proxies are ours to choose: reqwest would also send http to this machine through one.
            .no_proxy();
        let builder = with_keepalive(builder);
        // A limit of nothing would still collect connections until they are looked for.
        if idle.is_zero() { builder.pool_max_idle_per_host(0) } else { builder }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn idle(&mut self, now: Instant) -> Duration {
        self.hint = self.hint.filter(|(_, at)| now.duration_since(*at) < HINT_LASTS);
        self.hint.map_or(IDLE, |(limit, _)| limit)
    }
}

async fn acquire(permits: &Semaphore, deadline: Instant) -> Result<SemaphorePermit<'_>, ConnectError> {
    match until(deadline, pin!(permits.acquire())).await {
        Some(Ok(permit)) => Ok(permit),
        Some(Err(_)) | None => Err(ConnectError::Full),
    }
}

/// Notices within eight seconds that a firewall or a NAT has forgotten a connection without a request, which would
/// otherwise swallow the next message.
fn with_keepalive(builder: ClientBuilder) -> ClientBuilder {
    let builder = builder
        .tcp_keepalive(Duration::from_secs(5))
        .tcp_keepalive_interval(Duration::from_secs(1))
        .tcp_keepalive_retries(3);
    // Reqwest sets 30 s, and Linux then ignores the number of retries.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let builder = builder.tcp_user_timeout(None);
    builder
}

/// The limit of a client for connections that may take so long: the default one, or longer in coarse steps, so that limits of
/// endless variety seldom replace it. The client shares it between the addresses of a host.
fn client_limit(connect: Duration) -> Duration {
    let mut limit = CONNECT;
    while limit < connect {
        limit = limit * 8 / 5;
    }
    limit
}

/// The connections to a host that are being made.
#[derive(Debug)]
struct Connecting {
    permits: Semaphore,
    made: AtomicU64,
}

impl Default for Connecting {
    fn default() -> Self {
        Self { permits: Semaphore::new(CONNECTING), made: AtomicU64::default() }
    }
}

impl Connecting {
    /// Waits for a permit in the task of the request. Hyper moves a connection that its request no longer needs into a task
    /// of its own, where it must not queue for one.
    async fn admit(&self) -> Result<SemaphorePermit<'_>, BoxError> {
        let task = task::try_id();
        let mut acquire = pin!(self.permits.acquire());
        poll_fn(|context| {
            if task::try_id() != task {
                return Poll::Ready(Err("the request went by another connection".into()));
            }
            acquire.as_mut().poll(context).map_err(BoxError::from)
        })
        .await
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A connector that makes a limited number of connections at a time.
#[derive(Clone, Debug)]
pub struct Limited<S> {
    inner: S,
    connecting: Arc<Connecting>,
}

impl<S, R> Service<R> for Limited<S>
where
    S: Service<R, Error = BoxError, Future: Send + 'static>,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connection = self.inner.call(request);
        let connecting = Arc::clone(&self.connecting);
        Box::pin(async move {
            let _permit = connecting.admit().await?;
            let connection = connection.await?;
            connecting.made.fetch_add(1, Ordering::Relaxed);
            Ok(connection)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::Url;
    use tokio::time::Instant;

    use super::{CONNECT, Host, IDLE, QUESTIONS, Queue, client_limit};
    use crate::net::proxy::Route;

    fn host() -> Host {
        Host::new(&Url::parse("http://127.0.0.1:1").unwrap(), &Route::default())
    }

    #[test]
    fn limits_on_connecting_of_endless_variety_seldom_replace_a_client() {
        let mut limits = (1..=9500).map(Duration::from_millis).map(client_limit).collect::<Vec<_>>();
        assert!((1..).zip(&limits).all(|(millis, limit)| *limit >= CONNECT.max(Duration::from_millis(millis))));
        limits.dedup();
        assert!(limits.len() <= 4, "{limits:?}");
    }

    #[test]
    fn the_shortest_keep_alive_of_a_host_counts_a_second_less_and_lapses() {
        let host = host();
        let idle = |later: u64| host.state().idle(Instant::now() + Duration::from_secs(later)).as_secs();
        assert_eq!(idle(0), IDLE.as_secs());
        for (header, expected) in [
            ("max=5", 60),
            ("timeout=x", 60),
            ("timeout=90", 60),
            ("Timeout = 5, max=100", 4),
            ("max=1, timeout=7", 4),
            ("timeout=1", 0),
            ("timeout=0", 0),
        ] {
            host.note_reply(std::iter::once(header));
            assert_eq!(idle(0), expected, "{header}");
        }
        assert_eq!(idle(301), IDLE.as_secs());
    }

    #[tokio::test]
    async fn a_question_that_does_not_wait_goes_without_a_permit() {
        let host = host();
        let far = Instant::now() + Duration::from_secs(60);
        let taken = host.questions.acquire_many(QUESTIONS.try_into().unwrap()).await.unwrap();
        assert!(host.admit_question(Queue::Skip, far).await.is_err());
        assert!(host.admit_question(Queue::Wait, Instant::now()).await.is_err());
        drop(taken);
        assert!(host.admit_question(Queue::Skip, far).await.is_ok());
        assert!(host.admit_question(Queue::Wait, far).await.is_ok());
    }
}
