//! What all environments of a process share: one Tokio worker thread and the pools of connections, begun when first needed.
#![forbid(unsafe_code)]

use std::{future::Future, io, sync::OnceLock};

use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

use super::outbox;
use crate::{gateway::Gateway, proxy::ProxyVariables, transport::Transport};

/// The most threads that resolve names at a time.
const BLOCKING_THREADS: usize = 4;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
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
        .on_thread_park(outbox::send_round)
        .enable_all()
        .build()?;
    // Of two environments that get here at once, one shuts its runtime down again.
    RUNTIME.get_or_init(|| built).spawn(future);
    Ok(())
}

/// What the connector takes over from its host Node.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Surroundings {
    /// The certificates that Node trusts, as PEM.
    roots: String,
    /// The proxy that the variables name; empty if none.
    proxy: String,
    /// What goes without the proxy.
    no_proxy: String,
}

/// The transport for these gateways. The surroundings are asked for once in a process, with the first secure gateway.
pub fn transport<E: From<reqwest::Error>>(
    gateways: &[Gateway],
    surroundings: impl FnOnce() -> Result<Surroundings, E>,
) -> Result<&'static Transport, E> {
    let is_local = gateways.iter().all(|gateway| gateway.base().scheme() == "http");
    let cell = if is_local { &LOCAL } else { &SECURE };
    if let Some(transport) = cell.get() {
        return Ok(transport);
    }
    let transport = if is_local {
        Transport::local()?
    } else {
        let Surroundings { roots, proxy, no_proxy } = surroundings()?;
        Transport::new(&roots, &ProxyVariables { proxy, no_proxy })?
    };
    Ok(cell.get_or_init(|| transport))
}
