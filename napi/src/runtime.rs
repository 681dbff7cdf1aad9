//! What all environments of a process share: one Tokio worker thread and the pools of connections, begun when first needed.
#![forbid(unsafe_code)]

use std::{future::Future, io, sync::OnceLock};

use tokio::runtime::{Builder, Runtime};

use crate::completions;
use connector_smsaero_native::{gateway::Gateway, proxy::ProxyVariables, transport::Transport};

/// The most threads that resolve names at a time.
const BLOCKING_THREADS: usize = 4;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static SURROUNDINGS: OnceLock<Surroundings> = OnceLock::new();
static SECURE: OnceLock<Transport> = OnceLock::new();
static LOCAL: OnceLock<Transport> = OnceLock::new();

/// Runs a future on the worker thread.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    if let Some(runtime) = RUNTIME.get() {
        runtime.spawn(future);
        return Ok(());
    }
    let built = Builder::new_multi_thread()
        .worker_threads(1)
        // Names are resolved on these; a burst is not to start a thread for each of its messages.
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("smsaero")
        .on_thread_park(completions::send_round)
        .enable_all()
        .build()?;
    // Of two environments that get here at once, one shuts its runtime down again.
    RUNTIME.get_or_init(|| built).spawn(future);
    Ok(())
}

/// What the connector takes over from its host Node.
pub struct Surroundings {
    /// The certificates that Node trusts, as PEM.
    pub roots: String,
    /// The proxy, and what goes without one.
    pub variables: ProxyVariables,
}

/// Sees to it that the surroundings are known before the first secure gateway is asked. On the JavaScript thread, which
/// alone can ask Node for them: once in a process.
pub fn look_around<E>(gateways: &[Gateway], ask: impl FnOnce() -> Result<Surroundings, E>) -> Result<(), E> {
    if !are_local(gateways) && SURROUNDINGS.get().is_none() {
        let surroundings = ask()?;
        SURROUNDINGS.get_or_init(|| surroundings);
    }
    Ok(())
}

/// The transport for these gateways, set up with the first message. On the worker thread, since it takes a while.
pub fn transport(gateways: &[Gateway]) -> Result<&'static Transport, reqwest::Error> {
    let is_local = are_local(gateways);
    let cell = if is_local { &LOCAL } else { &SECURE };
    if let Some(transport) = cell.get() {
        return Ok(transport);
    }
    let transport = match SURROUNDINGS.get() {
        Some(Surroundings { roots, variables }) if !is_local => Transport::new(roots, variables)?,
        _ => Transport::local()?,
    };
    Ok(cell.get_or_init(|| transport))
}

fn are_local(gateways: &[Gateway]) -> bool {
    gateways.iter().all(|gateway| gateway.base().scheme() == "http")
}
