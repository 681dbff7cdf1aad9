//! The trusted authorities, read again while the process runs.

use std::{
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::ClientConfig;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{client_config, roots};

/// The time between two readings.
const PAUSE: Duration = Duration::from_secs(2);

/// The longest that a reading may take; a host that is busy for longer is asked another time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads the host's trusted authorities as PEM; `None` if the host does not answer.
pub type ReadRoots = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync>;

/// The trusted authorities of a transport, and a way to read them again.
///
/// A program may add authorities after the first message, as `tls.setDefaultCACertificates` of Node does. The new ones matter
/// only where a certificate's issuer is unknown, so they are read then and not before.
pub struct Roots {
    current: RwLock<Arc<ClientConfig>>,
    read: Option<ReadRoots>,
    last: Mutex<Reading>,
}

/// The last reading.
struct Reading {
    hash: u64,
    /// `None` for the first one, which may be long ago.
    at: Option<Instant>,
}

impl Roots {
    /// The authorities in a PEM text; without `read`, they stay the same.
    #[must_use]
    pub fn new(pem: &str, read: Option<ReadRoots>) -> Self {
        let current = RwLock::new(Arc::new(client_config(roots(pem))));
        Self { current, read, last: Mutex::new(Reading { hash: hash(pem), at: None }) }
    }

    /// The TLS for new connections.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The TLS to try a connection with again that failed with `used` for an unknown issuer; `None` if the authorities are
    /// still the same.
    ///
    /// Connections that fail together share one reading, and there is at most one in two seconds.
    pub async fn refreshed(&self, used: &Arc<ClientConfig>) -> Option<Arc<ClientConfig>> {
        let read = self.read.as_ref()?;
        let mut last = self.last.lock().await;
        let current = self.config();
        if !Arc::ptr_eq(&current, used) {
            return Some(current);
        }
        if last.at.is_some_and(|at| at.elapsed() < PAUSE) {
            return None;
        }
        last.at = Some(Instant::now());
        let pem = timeout(PATIENCE, read()).await.ok().flatten()?;
        if last.hash == hash(&pem) {
            return None;
        }
        last.hash = hash(&pem);
        let fresh = Arc::new(client_config(roots(&pem)));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        drop(last);
        Some(fresh)
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").finish_non_exhaustive()
    }
}

fn hash(pem: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    pem.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::{
        join,
        time::{advance, pause},
    };

    use super::{PAUSE, Roots, client_config, roots};

    const PEM: &str = include_str!("../../../tests/fixtures/ecdsa.pem");

    /// Authorities that were none at first and are `PEM` from the second reading on, and a count of the readings.
    fn changing() -> (Roots, Arc<AtomicUsize>) {
        let readings = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&readings);
        let read = Box::new(move || {
            let pem = if counted.fetch_add(1, Ordering::Relaxed) == 0 { "" } else { PEM };
            Box::pin(async move { Some(pem.to_owned()) }) as _
        });
        (Roots::new("", Some(read)), readings)
    }

    #[tokio::test]
    async fn roots_are_read_again_after_a_pause_and_count_if_they_changed() {
        pause();
        let (roots, readings) = changing();
        let first = roots.config();
        assert!(roots.refreshed(&first).await.is_none(), "unchanged");
        assert!(roots.refreshed(&first).await.is_none(), "read a moment ago");
        assert_eq!(readings.load(Ordering::Relaxed), 1);
        advance(PAUSE).await;
        let second = roots.refreshed(&first).await.unwrap();
        assert!(Arc::ptr_eq(&second, &roots.config()) && !Arc::ptr_eq(&second, &first));
        assert!(roots.refreshed(&second).await.is_none());
    }

    #[tokio::test]
    async fn connections_that_fail_together_share_one_reading() {
        let (roots, readings) = changing();
        readings.store(1, Ordering::Relaxed);
        let used = roots.config();
        let (one, other) = join!(roots.refreshed(&used), roots.refreshed(&used));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        assert_eq!(readings.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_host_that_does_not_answer_changes_nothing() {
        pause();
        let silent = Roots::new("", Some(Box::new(|| Box::pin(std::future::pending()))));
        assert!(silent.refreshed(&silent.config()).await.is_none());
        let fixed = Roots::new("", None);
        assert!(fixed.refreshed(&Arc::new(client_config(roots("")))).await.is_none());
    }
}
