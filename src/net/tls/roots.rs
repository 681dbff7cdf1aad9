//! The trusted authorities, read again while the process runs.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    mem,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::ClientConfig;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::client_config;

/// The time between two readings.
const PAUSE: Duration = Duration::from_secs(2);

/// The longest that a reading may take.
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
    /// The hash of the last PEM text, and the time of the last reading by [`Self::refreshed`].
    last: Mutex<(u64, Option<Instant>)>,
}

impl Roots {
    /// The authorities in a PEM text; without `read`, they stay the same.
    pub fn new(pem: &str, read: Option<ReadRoots>) -> Self {
        Self { current: RwLock::new(Arc::new(client_config(pem))), read, last: Mutex::new((hash(pem), None)) }
    }

    /// The TLS for new connections.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The TLS to try a connection with again that failed with `used` for an unknown issuer; `None` if the authorities are
    /// still the same.
    ///
    /// Connections that fail together share one reading, and there is at most one in two seconds.
    pub async fn refreshed(&self, used: &Arc<ClientConfig>) -> Option<Arc<ClientConfig>> {
        let read = self.read.as_ref()?;
        let (last_hash, last_time) = &mut *self.last.lock().await;
        let current = self.config();
        if !Arc::ptr_eq(&current, used) {
            return Some(current);
        }
        if last_time.is_some_and(|time| time.elapsed() < PAUSE) {
            return None;
        }
        *last_time = Some(Instant::now());
        let pem = timeout(PATIENCE, read()).await.ok().flatten()?;
        if mem::replace(last_hash, hash(&pem)) == hash(&pem) {
            return None;
        }
        let fresh = Arc::new(client_config(&pem));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Some(fresh)
    }
}

fn hash(pem: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(pem)
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

    use super::{PAUSE, Roots};

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
        assert!(fixed.refreshed(&fixed.config()).await.is_none());
    }
}
