//! Brings outcomes from the worker thread to the JavaScript thread, many with one wake-up.
#![forbid(unsafe_code)]

use std::{
    mem::take,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use connector_smsaero_native::error::Error;
use napi::{
    Status,
    bindgen_prelude::{Function, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

/// The number of outcomes that are handed over without waiting for others.
const BATCH: usize = 16;

/// How long an outcome that took `FAR` or longer waits for those of other sends: replies from far away come one by one.
const WAIT: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_millis(10);

/// Weak, so it does not keep the process alive: pending sends do.
type Wake = ThreadsafeFunction<(), Unknown<'static>, String, Status, false, true, 0>;

/// The outcomes of one environment that JavaScript has not taken yet.
pub struct Completions {
    batch: Arc<Mutex<Batch>>,
    /// Sends without an outcome.
    pending: AtomicUsize,
    wake: Wake,
}

#[derive(Default)]
struct Batch {
    /// A JSON array but for its end.
    json: Vec<u8>,
    count: usize,
    /// True if JavaScript has been woken for it.
    is_announced: bool,
}

impl Completions {
    /// `settle` will be called with a JSON array of `[id, accepted, outcome, trace]`, or with an empty string.
    pub fn new(settle: &Function<'_, String, Unknown<'static>>) -> napi::Result<Self> {
        let batch = Arc::<Mutex<Batch>>::default();
        let taken = Arc::clone(&batch);
        let settle = settle.build_threadsafe_function::<()>().weak::<true>();
        let wake = settle.build_callback(move |_| Ok(take(&mut *locked(&taken)).into_json()))?;
        Ok(Self { batch, pending: AtomicUsize::new(0), wake })
    }

    /// Hands over an outcome that took so long, with those of the tasks that are ready to run. Not when the worker thread is
    /// about to sleep: one reply that comes in drops can keep it busy for seconds.
    fn complete(self: &Arc<Self>, completion: &impl Serialize, took: Duration) {
        let others = self.pending.fetch_sub(1, Ordering::Relaxed) - 1;
        let mut batch = locked(&self.batch);
        let is_first = batch.count == 0;
        batch.json.push(if is_first { b'[' } else { b',' });
        // Neither strings and numbers nor a vector that is written to can fail.
        let _: Result<(), serde_json::Error> = serde_json::to_writer(&mut batch.json, completion);
        batch.count += 1;
        let is_full = batch.count >= BATCH;
        drop(batch);
        // A task that is dropped outside the worker thread has no turn to wait for.
        if is_full || tokio::task::try_id().is_none() {
            self.wake();
        } else if is_first {
            let completions = Arc::clone(self);
            tokio::spawn(async move {
                if others > 0 && took >= FAR {
                    sleep(WAIT).await;
                }
                completions.wake();
            });
        }
    }

    fn wake(&self) {
        let mut batch = locked(&self.batch);
        if batch.count == 0 || batch.is_announced {
            return;
        }
        batch.is_announced = true;
        drop(batch);
        // An environment that is closing takes nothing any more, and nobody waits there.
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

impl Batch {
    fn into_json(mut self) -> String {
        if self.count > 0 {
            self.json.push(b']');
        }
        String::from_utf8(self.json).unwrap_or_default()
    }
}

fn locked(batch: &Mutex<Batch>) -> MutexGuard<'_, Batch> {
    batch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A send whose promise is not settled yet. It will be, even if its task panics or is dropped.
pub struct PendingSend {
    id: u32,
    completions: Arc<Completions>,
    /// The error when there is no other outcome.
    lost: Option<Error>,
}

impl PendingSend {
    pub fn new(id: u32, completions: Arc<Completions>, lost: Error) -> Self {
        completions.pending.fetch_add(1, Ordering::Relaxed);
        Self { id, completions, lost: Some(lost) }
    }

    /// Hands over the outcome, which took so long.
    pub fn settle<T: Serialize>(mut self, outcome: &Result<T, Error>, trace: Option<&impl Serialize>, took: Duration) {
        self.lost = None;
        match outcome {
            Ok(receipt) => self.completions.complete(&(self.id, true, receipt, trace), took),
            Err(error) => self.completions.complete(&(self.id, false, error, trace), took),
        }
    }
}

impl PendingSend {
    /// Hands over the error for which the send was not started, and its trace.
    pub fn refuse(mut self, error: &Error) {
        self.lost = None;
        let trace = json!({ "outcome": "not_sent", "reason": error.reason() });
        self.completions.complete(&(self.id, false, error, trace), Duration::ZERO);
    }

    /// Hands over what was found out, where nothing was to be sent.
    pub fn answer(mut self, answer: &impl Serialize) {
        self.lost = None;
        self.completions.complete(&(self.id, true, answer, ()), Duration::ZERO);
    }
}

impl Drop for PendingSend {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take() {
            self.completions.complete(&(self.id, false, lost, ()), Duration::ZERO);
        }
    }
}
