//! Looks up host names, one look-up per host at a time, on threads of its own.
//!
//! Tokio's look-up panics where no thread can be started, and a handful of silent name servers would use up its threads.

use std::{
    collections::HashMap,
    fmt, io,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::watch;

/// The most look-ups at a time, each of another host and each on a thread of its own.
const LOOKUPS: usize = 16;

/// The result of a look-up; `None` until it has ended.
type Answer = Option<Result<Vec<SocketAddr>, LookupError>>;

/// A function that looks up a host. The addresses have port 0.
type Lookup = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Looks up names for the HTTP client. Clones share their look-ups.
#[derive(Clone)]
pub struct Resolver {
    lookup: Arc<Lookup>,
    running: Arc<Mutex<HashMap<String, watch::Receiver<Answer>>>>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new(|host| (host, 0).to_socket_addrs().map(Iterator::collect))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl Resolver {
    /// A resolver that asks `lookup` instead of the system.
    pub fn new(lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self { lookup: Arc::new(lookup), running: Arc::default() }
    }

    /// The addresses of a host, with port 0, in the order in which they are to be tried.
    pub async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, LookupError> {
        let mut answer = self.join(host)?;
        // An error means that the look-up panicked, so that its thread ended without an answer.
        let answer = answer.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        answer.unwrap_or_else(|| Err(LookupError::Local("the look-up broke off".to_owned())))
    }

    /// The running look-up of this host, begun unless there is one.
    fn join(&self, host: &str) -> Result<watch::Receiver<Answer>, LookupError> {
        let mut running = self.running();
        if let Some(answer) = running.get(host) {
            return Ok(answer.clone());
        }
        if running.len() >= LOOKUPS {
            return Err(LookupError::Local("too many name look-ups are waiting for an answer".to_owned()));
        }
        let (sender, receiver) = watch::channel(None);
        running.insert(host.to_owned(), receiver.clone());
        drop(running);
        let (lookup, host) = (Arc::clone(&self.lookup), host.to_owned());
        let run = move || {
            let found = lookup(&host).map_err(|error| LookupError::Unanswered(error.to_string()));
            sender.send_replace(Some(found));
        };
        thread::Builder::new()
            .name("smsaero-dns".to_owned())
            .spawn(run)
            .map_err(|error| LookupError::Local(format!("no thread could be started to look up the name: {error}")))?;
        Ok(receiver)
    }

    /// The look-ups that have not ended: a closed channel without an answer is one that panicked or never began.
    fn running(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<Answer>>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, answer| answer.borrow().is_none() && answer.has_changed().is_ok());
        running
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The reason why there are no addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// The system's error.
    Unanswered(String),
    /// This machine could not even ask; the gateway is not to blame.
    Local(String),
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unanswered(cause) | Self::Local(cause)) = self;
        f.write_str(cause)
    }
}

impl std::error::Error for LookupError {}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Arc, Mutex,
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
    };

    use super::{LOOKUPS, LookupError, Resolver};

    /// A resolver whose look-ups wait until the sender gives them leave; it counts them.
    fn waiting() -> (Resolver, mpsc::Sender<()>, Arc<AtomicUsize>) {
        let (leave, wait) = mpsc::channel();
        let wait = Mutex::new(wait);
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let resolver = Resolver::new(move |host| {
            count.fetch_add(1, Ordering::SeqCst);
            if host.starts_with("silent") {
                let _ = wait.lock().unwrap().recv();
            }
            assert_ne!(host, "panics");
            Ok(vec![([127, 0, 0, 1], 0).into()])
        });
        (resolver, leave, begun)
    }

    #[tokio::test]
    async fn a_host_is_looked_up_once_for_all_who_wait() {
        let (resolver, leave, begun) = waiting();
        let lookups = (0..50).map(|_| {
            let resolver = resolver.clone();
            tokio::spawn(async move { resolver.addresses("silent").await })
        });
        let lookups = lookups.collect::<Vec<_>>();
        tokio::task::yield_now().await;
        drop(leave);
        for lookup in lookups {
            assert_eq!(lookup.await.unwrap().unwrap().len(), 1);
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        resolver.addresses("silent").await.unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 2, "an answer is not kept");
    }

    #[tokio::test]
    async fn a_silent_look_up_delays_no_other_host_and_their_number_is_bounded() {
        let (resolver, leave, _) = waiting();
        for number in 0..LOOKUPS {
            resolver.join(&format!("silent-{number}")).unwrap();
        }
        assert!(matches!(resolver.addresses("another").await, Err(LookupError::Local(_))));
        leave.send(()).unwrap();
        while resolver.running().len() == LOOKUPS {
            tokio::task::yield_now().await;
        }
        assert!(resolver.addresses("another").await.is_ok());
        drop(leave);
    }

    #[tokio::test]
    async fn a_look_up_that_fails_or_panics_is_an_error_and_is_tried_again() {
        let (resolver, _leave, _) = waiting();
        for _ in 0..2 {
            assert!(matches!(resolver.addresses("panics").await, Err(LookupError::Local(_))));
        }
        let refused = Resolver::new(|_| Err(io::Error::other("no such host")));
        assert_eq!(refused.addresses("x").await, Err(LookupError::Unanswered("no such host".to_owned())));
    }
}
