//! What all environments of a process share: one Tokio worker thread and the pools of connections, begun when first needed.
#![forbid(unsafe_code)]

use std::{future::Future, io, sync::OnceLock};

use tokio::runtime::{Builder, Runtime};

use crate::{gateway::Gateway, transport::Transport};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static SECURE: OnceLock<Transport> = OnceLock::new();
static LOCAL: OnceLock<Transport> = OnceLock::new();

/// Runs a future on the worker thread.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let runtime = match RUNTIME.get() {
        Some(runtime) => runtime,
        None => {
            // Of two environments that get here at once, one throws its runtime away again.
            let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("smsaero").enable_all().build()?;
            RUNTIME.get_or_init(|| runtime)
        }
    };
    runtime.spawn(future);
    Ok(())
}

/// The transport for these gateways. `roots` gives the certificates to trust, as PEM, and is asked once in a process.
pub fn transport<E: From<reqwest::Error>>(
    gateways: &[Gateway],
    roots: impl FnOnce() -> Result<String, E>,
) -> Result<&'static Transport, E> {
    let is_local = gateways.iter().all(|gateway| gateway.base().scheme() == "http");
    let cell = if is_local { &LOCAL } else { &SECURE };
    match cell.get() {
        Some(transport) => Ok(transport),
        None => {
            let transport = if is_local { Transport::local()? } else { Transport::new([roots()?.as_str()])? };
            Ok(cell.get_or_init(|| transport))
        }
    }
}
