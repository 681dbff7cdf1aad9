//! What all environments of a process share: one worker thread and the transports, begun when first needed.
#![forbid(unsafe_code)]

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, LazyLock, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use connector_smsaero_native::{
    lost_reply::Sends,
    net::{
        gateway::Gateway,
        proxy::ProxyVariables,
        tls::{ReadRoots, Roots},
        transport::Transport,
    },
};
use napi::{
    Status,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use tokio::{
    runtime::{Builder, Handle},
    sync::{Notify, oneshot},
    time::sleep,
};

static WORKER: OnceLock<Handle> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());
static SETTINGS: OnceLock<HostSettings> = OnceLock::new();
static SECURE: OnceLock<Arc<Transport>> = OnceLock::new();
static LOCAL: OnceLock<Arc<Transport>> = OnceLock::new();
static SENDS: LazyLock<Sends> = LazyLock::new(Sends::default);

/// The worker thread, started with the first call. An error means that it could not be; the next call tries again.
pub fn worker() -> io::Result<&'static Handle> {
    if let Some(worker) = WORKER.get() {
        return Ok(worker);
    }
    let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(worker) = WORKER.get() {
        return Ok(worker);
    }
    // Tokio's own worker threads panic when the system refuses one; a thread of ours is an error instead.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("smsaero".to_owned()).spawn(move || runtime.block_on(keep_time()))?;
    let worker = WORKER.get_or_init(|| handle);
    drop(starting);
    Ok(worker)
}

/// How long a timer of the worker thread's own runs, and is begun again while there are messages.
const TICK: Duration = Duration::from_secs(2);

/// Messages since the last tick.
static BUSY: AtomicBool = AtomicBool::new(false);
static BEGUN: Notify = Notify::const_new();

/// Says that there is a message. On the worker thread.
pub fn note_message() {
    if !BUSY.swap(true, Ordering::Relaxed) {
        BEGUN.notify_one();
    }
}

/// Keeps a timer that ends before those of messages do: tokio wakes a thread, with a system call, to begin a timer that ends
/// before all others, even the thread that begins it. Nothing runs while there are no messages.
async fn keep_time() {
    loop {
        BEGUN.notified().await;
        while BUSY.swap(false, Ordering::Relaxed) {
            sleep(TICK).await;
        }
    }
}

/// What the worker thread does. Boxed, so that tokio's part is compiled once for all of it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a task from another thread.
pub fn spawn(worker: &Handle, task: impl Future<Output = ()> + Send + 'static) {
    let task: Task = Box::pin(task);
    worker.spawn(task);
}

/// What the connector takes over from its host Node.
pub struct HostSettings {
    /// The certificates that Node trusts, as PEM.
    pub roots: String,
    /// The proxy, and what goes without one.
    pub variables: ProxyVariables,
}

/// Calls `hostSettings` of one environment from the worker thread. Weak, so it does not keep the process alive.
pub type ReadAgain = ThreadsafeFunction<(), Vec<String>, (), Status, false, true, 0>;

/// The one of the environment that sent last, which may have ended since.
static READ_AGAIN: Mutex<Option<Arc<ReadAgain>>> = Mutex::new(None);

/// Reads the host's settings before the first secure gateway is asked. On the JavaScript thread, which alone can ask Node
/// for them: once per process.
pub fn read_settings<E>(
    gateways: &[Gateway],
    again: &Arc<ReadAgain>,
    read: impl FnOnce() -> Result<HostSettings, E>,
) -> Result<(), E> {
    if are_local(gateways) {
        return Ok(());
    }
    if SETTINGS.get().is_none() {
        let settings = read()?;
        SETTINGS.get_or_init(|| settings);
    }
    let mut known = READ_AGAIN.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.as_ref().is_some_and(|known| Arc::ptr_eq(known, again)) {
        *known = Some(Arc::clone(again));
    }
    drop(known);
    Ok(())
}

/// Asks the environment that sent last whom it trusts now.
fn read_roots() -> ReadRoots {
    Box::new(|| {
        let again = READ_AGAIN.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let hand_over = move |settings: napi::Result<Vec<String>>, _| {
                // The receiver is gone if that took too long.
                let _: Result<(), _> = answer.send(settings.ok());
                Ok(())
            };
            again?.call_with_return_value((), ThreadsafeFunctionCallMode::NonBlocking, hand_over);
            answered.await.ok()??.into_iter().next()
        })
    })
}

/// The transport for these gateways, set up with the first message. On the worker thread, since it takes a while.
pub fn transport(gateways: &[Gateway]) -> &'static Arc<Transport> {
    match SETTINGS.get() {
        Some(HostSettings { roots, variables }) if !are_local(gateways) => {
            SECURE.get_or_init(|| Transport::new(Roots::new(roots, Some(read_roots())), variables))
        }
        _ => LOCAL.get_or_init(Transport::local),
    }
}

/// The sends of the process, whatever transport they use.
pub fn sends() -> &'static Sends {
    &SENDS
}

fn are_local(gateways: &[Gateway]) -> bool {
    gateways.iter().all(|gateway| gateway.base().scheme() == "http")
}
