//! Sends one request at most once: the order of gateways, deadlines, the limit of a body, and the moment of writing.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::{
    Client, Response, Url,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue},
};
use serde::de::IgnoredAny;
use tokio::{sync::Notify, task::yield_now, time::Instant};

use super::{
    client::{CONNECT, Host, Queue, Settings},
    connect_error::{ConnectError, FailedAttempt},
    deadline::{until, until_around},
    gateway::Gateway,
    health::Health,
    proxy::{ProxyVariables, Route, host_and_port},
    resolve::Resolver,
    tls::Roots,
};

/// The longest that a send may take by default, from the call to its settlement: Logto's sign-in page waits for 10 s.
pub const TOTAL: Duration = Duration::from_secs(8);

/// The longest that an embedder may make it.
pub const LONGEST_TOTAL: Duration = Duration::from_millis(9500);

/// Too short a limit to judge a gateway by.
const SHORTEST_FAIR_CONNECT: Duration = Duration::from_millis(250);

/// The time that a refusal waits for its body, and a success for another chunk before it is judged by those that came.
const BODY_PAUSE: Duration = Duration::from_secs(1);

/// The longest that a probe of a gateway may take; more than connecting may.
const PROBE: Duration = Duration::from_secs(4);

/// The most of a refusal's body that is read, in bytes: it is searched for secrets.
const REFUSAL_LIMIT_BYTES: usize = 64 * 1024;

/// The most hosts that are remembered: embedders may name others with every message.
const HOSTS: usize = 64;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Sends requests. A process needs one of these: it holds the connections and the state of the gateways.
pub struct Transport {
    settings: Settings,
    hosts: Mutex<Vec<Arc<Host>>>,
    /// The gateways that could not be connected to lately.
    pub health: Health,
}

/// A request, whatever gateway it goes to. It has no `Debug`, so that its body and its credentials cannot be printed.
pub struct Post {
    /// The path below the gateway's base URL.
    pub path: &'static str,
    /// The JSON body.
    pub body: Bytes,
    /// The credentials.
    pub authorization: HeaderValue,
    /// The most of a reply's body that is read, in bytes.
    pub body_limit_bytes: usize,
}

/// The limits on time.
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

/// The limits of one send.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// The time of the call.
    pub started: Instant,
    /// The time that it may take from then on.
    pub limits: Limits,
}

impl Deadlines {
    /// The time by which the send is settled.
    pub fn done_by(&self) -> Instant {
        self.started + self.limits.total
    }
}

/// The gateways that were tried with a request.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// The gateway that was asked last.
    pub gateway: Option<Gateway>,
    /// The number of gateways that were tried.
    pub count: u32,
    /// The time that the last one took to connect to; next to nothing on a kept connection.
    pub connect: Option<Duration>,
}

impl Attempts {
    fn begin(&mut self, gateway: &Gateway) {
        self.count += 1;
        self.gateway = Some(gateway.clone());
    }
}

/// A reply, whole or as much of it as came.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, as much as the request wanted.
    pub body: Vec<u8>,
    /// True if there was more of the body.
    pub cut: bool,
    /// True if the body is compressed, though nothing compressed was asked for.
    pub is_compressed: bool,
    /// The gateway's clock, where the reply has one.
    pub clock: Option<Clock>,
}

impl Reply {
    /// The body; `None` if it came compressed.
    pub fn plain_body(&self) -> Option<&[u8]> {
        (!self.is_compressed).then_some(&self.body)
    }
}

/// The time of a gateway's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The header `Date`.
    pub date: SystemTime,
    /// This machine's clock when the head of the reply came.
    pub local: SystemTime,
    /// The moment when the head of the reply came.
    pub at: Instant,
}

impl Transport {
    /// A client that trusts these authorities and goes by these proxies.
    pub fn new(roots: Roots, variables: &ProxyVariables) -> Arc<Self> {
        Self::with(roots, Route::new(variables), Resolver::default())
    }

    /// A client for gateways on this machine: no TLS to trust, and never through a proxy.
    pub fn local() -> Arc<Self> {
        Self::with(Roots::new("", None), Route::default(), Resolver::default())
    }

    /// A client that trusts these authorities, goes this way and looks up names with this resolver.
    pub fn with(roots: Roots, route: Route, resolver: Resolver) -> Arc<Self> {
        let settings = Settings { roots, route, resolver };
        Arc::new(Self { settings, hosts: Mutex::default(), health: Health::default() })
    }

    /// Sends a request through the first gateway that can be connected to, at most once, and reads the reply.
    ///
    /// Gateways that are down are tried last, and one of them is probed afterwards, when it has rested.
    ///
    /// # Errors
    /// Every gateway was tried in vain, or the last one of the list got the request and gave no reply.
    pub async fn send(
        self: &Arc<Self>,
        post: &Post,
        gateways: &[Gateway],
        deadlines: Deadlines,
        write_state: &Arc<WriteState>,
        attempts: &mut Attempts,
    ) -> Result<Reply, Vec<FailedAttempt>> {
        let order = self.health.order(gateways);
        let mut failures = Vec::new();
        for (gateway, after) in order.iter().zip((0..order.len()).rev()) {
            if Instant::now() >= deadlines.done_by() {
                break;
            }
            attempts.begin(gateway);
            let exchange = Exchange {
                gateway,
                post,
                write_state,
                done_by: deadlines.done_by(),
                connect: deadlines.limits.connect,
            };
            let host = self.host(gateway.base());
            let result = async {
                // Another gateway may have room sooner.
                let until = if after == 0 { exchange.done_by } else { exchange.connected_by() };
                let _permit = host.admit_message(until).await?;
                exchange.run(&host, &self.settings, &self.health).await
            };
            match result.await {
                Ok((reply, connect)) => {
                    attempts.connect = Some(connect);
                    self.probe_when_rested(gateways);
                    return Ok(reply);
                }
                Err(error) => {
                    let is_lost = matches!(error, ConnectError::NoReply);
                    failures.push(failed(gateway, &host, error));
                    if is_lost {
                        break;
                    }
                }
            }
        }
        self.probe_when_rested(gateways);
        Err(failures)
    }

    /// Asks a question, which may be asked again whatever happened: the next gateway is tried until one of them gives an
    /// answer, each with its share of the time.
    ///
    /// # Errors
    /// No gateway replied. A reply that is no answer comes back if there is no better one.
    pub async fn ask(
        &self,
        question: &Question<'_>,
        is_answer: impl Fn(&Reply) -> bool,
        attempts: &mut Attempts,
    ) -> Result<Reply, Vec<FailedAttempt>> {
        let mut failures = Vec::new();
        let mut other_reply = None;
        for (gateway, left) in question.gateways.iter().zip((1..=question.gateways.len()).rev()) {
            let now = Instant::now();
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            let share = question.done_by.saturating_duration_since(now) / left;
            if share.is_zero() {
                break;
            }
            attempts.begin(gateway);
            let (done_by, write_state) = (now + share, Arc::default());
            let exchange = Exchange {
                gateway,
                post: question.post,
                write_state: &write_state,
                done_by,
                connect: question.connect,
            };
            let host = self.host(gateway.base());
            let result = async {
                let _permit = host.admit_question(question.queue, done_by).await?;
                exchange.run(&host, &self.settings, &self.health).await
            };
            match result.await {
                Ok((reply, _)) if is_answer(&reply) => return Ok(reply),
                Ok((reply, _)) => other_reply = Some(reply),
                Err(error) => failures.push(failed(gateway, &host, error)),
            }
        }
        other_reply.ok_or(failures)
    }

    /// Asks a gateway for its front page, without credentials; any answer will do. Returns the time that it took.
    ///
    /// # Errors
    /// The gateway could not be connected to, or did not answer.
    pub async fn probe(&self, gateway: &Gateway) -> Result<Duration, FailedAttempt> {
        let (started, host) = (Instant::now(), self.host(gateway.base()));
        let answer = async {
            let _permit = host.admit_question(Queue::Wait, started + PROBE).await?;
            let (client, _) = host.client(CONNECT, &self.settings)?;
            match until(started + PROBE, pin!(client.head(gateway.base().clone()).send())).await {
                Some(Ok(_)) => Ok(started.elapsed()),
                Some(Err(error)) => Err(ConnectError::new(error)),
                None => Err(ConnectError::NoReply),
            }
        };
        answer.await.map_err(|error| failed(gateway, &host, error))
    }

    /// True if the variables name a proxy on the way to a gateway, usable or not.
    pub fn is_proxied(&self, gateway: &Gateway) -> bool {
        self.host(gateway.base()).is_proxied()
    }

    /// Makes the next request to a gateway use new connections, unless its host has replied since `instant`.
    pub fn renew(&self, gateway: &Gateway, instant: Instant) {
        self.host(gateway.base()).renew(instant);
    }

    /// The host of this URL. The one that was used least lately goes when there are too many.
    fn host(&self, url: &Url) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = hosts.iter().position(|host| host.is_of(url)).map(|place| hosts.remove(place));
        let host = known.unwrap_or_else(|| Arc::new(Host::new(url, &self.settings.route)));
        if hosts.len() >= HOSTS
            // One that is in use has its limits to keep.
            && let Some(place) = hosts.iter().position(|host| Arc::strong_count(host) == 1)
        {
            hosts.remove(place);
        }
        hosts.push(Arc::clone(&host));
        drop(hosts);
        host
    }

    /// Finds out in the background whether a gateway that has rested can be connected to again.
    fn probe_when_rested(self: &Arc<Self>, gateways: &[Gateway]) {
        let Some(gateway) = self.health.claim_probe(gateways, Instant::now()) else { return };
        let transport = Arc::clone(self);
        tokio::spawn(async move {
            match transport.probe(&gateway).await {
                Ok(_) => transport.health.mark_up(&gateway),
                // A full house or this machine's want tells nothing; the gateway rests on.
                Err(failure) if matches!(failure.error, ConnectError::Full) || failure.error.is_local() => {}
                Err(_) => transport.health.probe_failed(&gateway, Instant::now()),
            }
        });
    }
}

fn failed(gateway: &Gateway, host: &Host, error: ConnectError) -> FailedAttempt {
    FailedAttempt { gateway: gateway.to_string(), proxy: host.proxy().map(host_and_port), error }
}

/// A request without side effect.
pub struct Question<'a> {
    /// The request.
    pub post: &'a Post,
    /// The gateways, in the order to ask them.
    pub gateways: Vec<&'a Gateway>,
    /// The longest that connecting to one of them may take.
    pub connect: Duration,
    /// The time by which an answer is wanted.
    pub done_by: Instant,
    /// The way to behave while too many questions are under way.
    pub queue: Queue,
}

/// A request on its way through one gateway.
struct Exchange<'a> {
    gateway: &'a Gateway,
    post: &'a Post,
    write_state: &'a Arc<WriteState>,
    done_by: Instant,
    connect: Duration,
}

impl Exchange<'_> {
    /// Sends the request and reads the reply; returns it with the time that connecting took.
    async fn run(&self, host: &Host, settings: &Settings, health: &Health) -> Result<(Reply, Duration), ConnectError> {
        let (client, tls) = host.client(self.connect, settings)?;
        // A connection that the gateway has closed meanwhile is not chosen: its end is looked at first.
        yield_now().await;
        let (started, made_before) = (Instant::now(), host.connections_made());
        let mut reply = self.attempt(&client, host).await;
        if let Err(error) = &reply
            && error.is_unknown_issuer()
            // The host's program may trust more authorities by now.
            && until(self.done_by, pin!(settings.roots.refreshed(&tls))).await.flatten().is_some()
        {
            let (client, _) = host.client(self.connect, settings)?;
            reply = self.attempt(&client, host).await;
        }
        match reply {
            Ok(reply) => {
                health.mark_up(self.gateway);
                Ok((reply, self.write_state.written_at().map(|at| at.duration_since(started)).unwrap_or_default()))
            }
            Err(error) => {
                // No blame for a short limit or for waiting behind others.
                let had_its_time = self.connect >= SHORTEST_FAIR_CONNECT && started + self.connect <= self.done_by;
                let is_to_blame = match &error {
                    ConnectError::Failed(_) => !error.is_local(),
                    ConnectError::Deadline => had_its_time && host.connections_made() == made_before,
                    ConnectError::Full | ConnectError::UnusableProxy | ConnectError::NoReply => false,
                };
                if is_to_blame {
                    health.mark_down(self.gateway, Instant::now());
                }
                Err(error)
            }
        }
    }

    async fn attempt(&self, client: &Client, host: &Host) -> Result<Reply, ConnectError> {
        let connected_by = self.connected_by();
        let attempt = self.write_state.attempt();
        let mut replying = pin!(self.reply(client, host, attempt));
        match until_around(connected_by, replying.as_mut()).await {
            Some(reply) => reply,
            None if self.write_state.cancel(attempt) => Err(ConnectError::Deadline),
            None => until_around(self.done_by, replying).await.unwrap_or(Err(ConnectError::NoReply)),
        }
    }

    fn connected_by(&self) -> Instant {
        (Instant::now() + self.connect).min(self.done_by)
    }

    async fn reply(&self, client: &Client, host: &Host, attempt: u32) -> Result<Reply, ConnectError> {
        let Post { path, body, authorization, .. } = self.post;
        let body = TrackedBody {
            bytes: Some(body.clone()),
            write_state: Arc::clone(self.write_state),
            attempt,
            gateway: self.gateway.clone(),
        };
        let sent = client
            .post(self.gateway.url(path))
            .header(AUTHORIZATION, authorization.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(reqwest::Body::wrap(body))
            .send()
            .await;
        match sent {
            Ok(response) => {
                let keep_alive = response.headers().get_all(KEEP_ALIVE).iter();
                host.note_reply(keep_alive.filter_map(|value| value.to_str().ok()));
                self.read(response).await
            }
            Err(error) if self.write_state.cancel(attempt) => Err(ConnectError::new(error)),
            Err(_) => Err(ConnectError::NoReply),
        }
    }

    /// Reads the body. A refusal stands by its status even if its body breaks off; a success if what came is whole.
    async fn read(&self, mut response: Response) -> Result<Reply, ConnectError> {
        let head_at = Instant::now();
        let status = response.status();
        let clock = clock(response.headers(), head_at);
        let mut codings = response.headers().get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
        let is_compressed = codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
        let limit = self.post.body_limit_bytes;
        let limit = if status.is_success() { limit } else { limit.min(REFUSAL_LIMIT_BYTES) };
        let mut body = Vec::new();
        let mut pause_from = head_at;
        let cut = loop {
            let deadline = (pause_from + BODY_PAUSE).min(self.done_by);
            match until(deadline, pin!(response.chunk())).await {
                Some(Ok(Some(chunk))) => {
                    // Space behind a reply that is whole does not prolong it.
                    if status.is_success() && !chunk.trim_ascii().is_empty() {
                        pause_from = Instant::now();
                    }
                    let left = limit - body.len();
                    body.extend_from_slice(chunk.get(..left).unwrap_or(&chunk));
                    if chunk.len() > left {
                        break true;
                    }
                }
                Some(Ok(None)) => break false,
                Some(Err(_)) | None if !status.is_success() => break true,
                Some(Err(_)) | None if is_whole(&body) => break false,
                None if deadline < self.done_by => pause_from = Instant::now(),
                Some(Err(_)) | None => return Err(ConnectError::NoReply),
            }
        };
        Ok(Reply { status: status.as_u16(), body, cut, is_compressed, clock })
    }
}

/// True if a body is a JSON object to its end, whatever is wrong with the frame around it: an object that broke off cannot
/// be parsed.
fn is_whole(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    body.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// The gateway's clock; `None` if the head of the reply has no date, or two.
fn clock(headers: &HeaderMap, at: Instant) -> Option<Clock> {
    let mut dates = headers.get_all(DATE).iter();
    let (date, None) = (dates.next()?, dates.next()) else { return None };
    Some(Clock { date: httpdate::parse_http_date(date.to_str().ok()?).ok()?, local: SystemTime::now(), at })
}

/// The writing of a request, by one attempt at most: an attempt is cancelled before the next one begins, and one that was
/// cancelled is never written.
#[derive(Debug, Default)]
pub struct WriteState {
    /// The attempt that may be written, or [`WriteState::WRITTEN`].
    attempt: AtomicU32,
    written: OnceLock<(Instant, Gateway)>,
    notify: Notify,
}

impl WriteState {
    const WRITTEN: u32 = u32::MAX;

    /// Waits until the request is written; returns the time of its first byte and the gateway.
    pub async fn written(&self) -> (Instant, Gateway) {
        loop {
            if let Some(written) = self.written.get() {
                return written.clone();
            }
            self.notify.notified().await;
        }
    }

    /// The time when there was a connection and the first byte was written.
    pub fn written_at(&self) -> Option<Instant> {
        self.written.get().map(|(at, _)| *at)
    }

    fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Acquire)
    }

    /// Allows the first byte of an attempt to be written; false if it was cancelled.
    fn begin(&self, attempt: u32, gateway: &Gateway) -> bool {
        let begins = self.settle(attempt, Self::WRITTEN);
        if begins {
            self.written.get_or_init(|| (Instant::now(), gateway.clone()));
            self.notify.notify_one();
        }
        begins
    }

    /// Cancels an attempt; false if it has already been written.
    fn cancel(&self, attempt: u32) -> bool {
        self.settle(attempt, attempt.wrapping_add(1))
    }

    fn settle(&self, attempt: u32, next: u32) -> bool {
        attempt != Self::WRITTEN
            && self.attempt.compare_exchange(attempt, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A request body that is asked for its bytes only when there is a connection and the request is being written to it.
struct TrackedBody {
    bytes: Option<Bytes>,
    write_state: Arc<WriteState>,
    attempt: u32,
    gateway: Gateway,
}

impl http_body::Body for TrackedBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.bytes.take().map(|bytes| {
            if self.write_state.begin(self.attempt, &self.gateway) {
                Ok(Frame::data(bytes))
            } else {
                Err("the request was cancelled".into())
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_body_is_whole_if_it_is_a_json_object_to_its_end() {
        assert!(is_whole(br#"{"success":true,"data":{"id":1}} "#) && is_whole("\u{feff} {}".as_bytes()));
        for body in [r#"{"success":true,"data":{"id":1}"#, "", "17", "{}x", "<html>"] {
            assert!(!is_whole(body.as_bytes()), "{body}");
        }
    }
}
