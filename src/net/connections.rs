//! Bounds the connections to one host.
//!
//! The HTTP client begins one for every message that waits, and finishes those that a message no longer needs, since a
//! kept connection came free meanwhile.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, error::Elapsed, timeout_at},
};
use tower_layer::Layer;
use tower_service::Service;

/// The most connections to one host that are open at a time, and the most messages that have one or wait for one.
///
/// A burst waits for one of these rather than use up the host's descriptors.
pub const CONNECTIONS: usize = 192;

/// How long to wait for a connection to come back from another message before looking again.
const RETURN: Duration = Duration::from_millis(5);

/// How often a message looks again before a connection that was spare all the while is taken to be closed: the client
/// hands a spare one to whoever waits. Each time is a turn of the runtime, however busy the machine is.
const TURNS: u32 = 4;

/// Counts connections, and holds back those above the limit. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    counts: Arc<Mutex<Counts>>,
    freed: Arc<Notify>,
}

/// How many there are of each kind.
#[derive(Debug, Default)]
struct Counts {
    /// Messages without a connection yet.
    waiting: usize,
    /// Connections that are being made.
    connecting: usize,
    /// Connections without a message: fresh, kept, or on their way back from a message. The client does not say when
    /// one of them is closed, so there may be fewer.
    spare: usize,
    /// How many have become spare until now.
    became_spare: u64,
    /// Connections with a message on them.
    in_use: usize,
}

impl Counts {
    const fn add_spare(&mut self) {
        self.spare += 1;
        self.became_spare += 1;
    }

    const fn open(&self) -> usize {
        self.connecting + self.spare + self.in_use
    }

    /// Below half, a connection more than there are messages waiting does no harm.
    const fn may_begin(&self) -> bool {
        let is_needed = self.connecting < self.waiting || (self.waiting > 0 && self.open() < CONNECTIONS / 2);
        is_needed && self.open() < CONNECTIONS
    }

    /// Whether connections that are counted as spare are all that stands between a message and a new connection.
    const fn waits_for_spare(&self) -> bool {
        self.connecting < self.waiting && self.spare > 0
    }
}

impl Budget {
    /// A message that waits for a connection.
    #[must_use]
    pub fn wait(&self) -> Waiting {
        self.counts().waiting += 1;
        Waiting { budget: self.clone(), has_connection: false, is_kept: false }
    }

    /// Whether a message has to wait for the connection of another one.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.counts().open() >= CONNECTIONS
    }

    async fn begin(&self) -> Connecting {
        let mut turns = 0;
        let mut next_turn = Instant::now() + RETURN;
        let mut became_spare = self.counts().became_spare;
        loop {
            let freed = self.freed.notified();
            if let Some(connecting) = self.try_begin() {
                return connecting;
            }
            if !self.counts().waits_for_spare() {
                freed.await;
                continue;
            }
            // Only whether it is time matters here; `try_begin` looks at what was freed.
            let _: Result<(), Elapsed> = timeout_at(next_turn, freed).await;
            if Instant::now() < next_turn {
                continue;
            }
            turns += 1;
            if turns == TURNS {
                turns = 0;
                became_spare = self.forget_spare_before(became_spare);
            }
            next_turn = Instant::now() + RETURN;
        }
    }

    fn try_begin(&self) -> Option<Connecting> {
        let mut counts = self.counts();
        let may_begin = counts.may_begin();
        if may_begin {
            counts.connecting += 1;
        }
        drop(counts);
        may_begin.then(|| Connecting { budget: self.clone() })
    }

    /// Writes off connections that were spare when so many had become so: a message has waited since, and got none of
    /// them. Gives how many have become spare until now.
    fn forget_spare_before(&self, became_spare: u64) -> u64 {
        let mut counts = self.counts();
        let newer = usize::try_from(counts.became_spare - became_spare).unwrap_or(usize::MAX);
        counts.spare = counts.spare.min(newer);
        counts.became_spare
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one message in the count, given back when it is dropped.
#[derive(Debug)]
pub struct Waiting {
    budget: Budget,
    has_connection: bool,
    is_kept: bool,
}

impl Waiting {
    /// The message has got a connection.
    pub fn connected(&mut self) {
        if !self.has_connection {
            self.has_connection = true;
            let mut counts = self.budget.counts();
            counts.waiting -= 1;
            counts.spare = counts.spare.saturating_sub(1);
            counts.in_use += 1;
        }
    }

    /// The connection can take another message; without this it is closed with this one.
    pub const fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut counts = self.budget.counts();
        if self.has_connection {
            counts.in_use -= 1;
            if self.is_kept {
                counts.add_spare();
            }
        } else {
            counts.waiting -= 1;
        }
        drop(counts);
        self.budget.freed.notify_one();
    }
}

/// A connection that is being made.
struct Connecting {
    budget: Budget,
}

impl Connecting {
    fn made(self) {
        self.budget.counts().add_spare();
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.budget.counts().connecting -= 1;
        self.budget.freed.notify_one();
    }
}

impl<S> Layer<S> for Budget {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Bounded<S> {
        Bounded { inner, budget: self.clone() }
    }
}

/// A connector that begins no connection while the limit is reached.
#[derive(Clone, Debug)]
pub struct Bounded<S> {
    inner: S,
    budget: Budget,
}

impl<S, R> Service<R> for Bounded<S>
where
    S: Service<R, Future: Send + 'static>,
    S::Response: Send,
    S::Error: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connection = self.inner.call(request);
        let budget = self.budget.clone();
        Box::pin(async move {
            let connecting = budget.begin().await;
            let connection = connection.await?;
            connecting.made();
            Ok(connection)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::{Budget, CONNECTIONS};

    #[test]
    fn no_connection_is_begun_beyond_the_limit() {
        let budget = Budget::default();
        let _waiting = (0..2 * CONNECTIONS).map(|_| budget.wait()).collect::<Vec<_>>();
        let connecting = (0..CONNECTIONS).map(|_| budget.try_begin().unwrap()).collect::<Vec<_>>();
        assert!(budget.try_begin().is_none());
        drop(connecting);
        assert!(budget.try_begin().is_some());
    }

    #[test]
    fn a_connection_counts_whether_it_is_made_spare_or_in_use() {
        let budget = Budget::default();
        let mut messages = (0..=CONNECTIONS).map(|_| budget.wait()).collect::<Vec<_>>();
        for _ in 0..CONNECTIONS {
            budget.try_begin().unwrap().made();
        }
        assert!(budget.try_begin().is_none(), "all of them are made and spare");
        for message in &mut messages[..CONNECTIONS] {
            message.connected();
        }
        assert!(budget.try_begin().is_none(), "all of them are in use");
        let mut first = messages.remove(0);
        first.keep();
        drop(first);
        assert!(budget.try_begin().is_none(), "the first one is on its way back");
        drop(messages.remove(0));
        assert!(budget.try_begin().is_some(), "the second one was closed with its message");
    }

    #[test]
    fn near_the_limit_no_more_are_begun_than_messages_wait() {
        let budget = Budget::default();
        let mut messages = (0..=CONNECTIONS / 2).map(|_| budget.wait()).collect::<Vec<_>>();
        for message in &mut messages[..CONNECTIONS / 2] {
            message.connected();
        }
        let _connecting = budget.try_begin().unwrap();
        assert!(budget.try_begin().is_none(), "one message waits, and one connection is being made");
    }

    #[tokio::test]
    async fn a_connection_that_is_held_back_goes_on_when_another_one_fails() {
        let budget = Budget::default();
        let _waiting = (0..=CONNECTIONS).map(|_| budget.wait()).collect::<Vec<_>>();
        let mut connecting = (0..CONNECTIONS).map(|_| budget.try_begin().unwrap()).collect::<Vec<_>>();
        let next = tokio::spawn({
            let budget = budget.clone();
            async move { drop(budget.begin().await) }
        });
        tokio::task::yield_now().await;
        assert!(!next.is_finished());
        drop(connecting.pop());
        next.await.unwrap();
    }

    #[tokio::test]
    async fn connections_that_were_closed_unseen_hold_back_nobody_for_long() {
        let budget = Budget::default();
        for _ in 0..CONNECTIONS {
            let mut message = budget.wait();
            budget.try_begin().unwrap().made();
            message.connected();
            message.keep();
        }
        let _waiting = (0..CONNECTIONS).map(|_| budget.wait()).collect::<Vec<_>>();
        while budget.try_begin().is_some() {}
        drop(budget.begin().await);
    }

    #[tokio::test]
    async fn nor_do_they_while_other_connections_come_and_go() {
        let budget = Budget::default();
        let mut connections = (0..CONNECTIONS)
            .map(|_| {
                let mut message = budget.wait();
                budget.try_begin().unwrap().made();
                message.connected();
                message.keep();
                message
            })
            .collect::<Vec<_>>();
        // All but two were closed unseen, and those two are in use without a pause.
        connections.truncate(2);
        let traffic = tokio::spawn({
            let budget = budget.clone();
            async move {
                loop {
                    for place in &mut connections {
                        let mut next = budget.wait();
                        next.keep();
                        drop(std::mem::replace(place, next));
                        place.connected();
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        });
        let _waiting = (0..CONNECTIONS).map(|_| budget.wait()).collect::<Vec<_>>();
        while budget.try_begin().is_some() {}
        drop(timeout(Duration::from_secs(10), budget.begin()).await.unwrap());
        traffic.abort();
    }
}
