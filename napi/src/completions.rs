//! Brings outcomes from the worker thread to the JavaScript thread, many with one wake-up.
#![forbid(unsafe_code)]

use std::{
    cell::RefCell,
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

/// So many outcomes do not wait for others.
const BATCH: usize = 16;

/// How long a receipt may wait for the receipts of other messages, if its own took as long as `FAR` or longer.
const WAIT: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_millis(10);

/// When outcomes are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    /// At once.
    Now,
    /// When the worker thread is about to sleep: what came in together is then settled together.
    OnPark,
    /// A little later, with those that come meanwhile.
    After(Duration),
}

/// When a batch of so many outcomes is handed over, of which the last has just come.
const fn flush_of(batched: usize, still_pending: usize, is_receipt: bool, took: Duration) -> Flush {
    if batched >= BATCH {
        Flush::Now
    } else if still_pending > 0 && is_receipt && took.as_nanos() >= FAR.as_nanos() {
        // Somebody may be at their deadline with a failure; with a receipt from far away, a millisecond is nothing.
        Flush::After(WAIT)
    } else {
        Flush::OnPark
    }
}

/// Weak, so it does not keep the process alive: pending sends do.
type Wake = ThreadsafeFunction<(), Unknown<'static>, String, Status, false, true, 0>;

thread_local! {
    /// Those with something to hand over when the worker thread sleeps next.
    static WAITING: RefCell<Vec<Arc<Completions>>> = const { RefCell::new(Vec::new()) };
}

/// Hands over what waits for the worker thread to sleep.
pub fn flush() {
    for completions in WAITING.take() {
        completions.wake();
    }
}

/// The outcomes of one environment that JavaScript has not taken yet.
pub struct Completions {
    batch: Arc<Mutex<Batch>>,
    /// Sends whose outcome is not known yet.
    pending: AtomicUsize,
    wake: Wake,
}

#[derive(Default)]
struct Batch {
    /// A JSON array but for its end.
    json: Vec<u8>,
    count: usize,
    /// Whether JavaScript has been woken for it.
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

    fn complete(self: &Arc<Self>, completion: &impl Serialize, is_receipt: bool, took: Duration) {
        let still_pending = self.pending.fetch_sub(1, Ordering::Relaxed) - 1;
        let mut batch = locked(&self.batch);
        let is_first = batch.count == 0;
        batch.json.push(if is_first { b'[' } else { b',' });
        // Neither strings and numbers nor a vector that is written to can fail.
        let _: Result<(), serde_json::Error> = serde_json::to_writer(&mut batch.json, completion);
        batch.count += 1;
        let flush = flush_of(batch.count, still_pending, is_receipt, took);
        drop(batch);
        match flush {
            // A task that is dropped outside the worker thread can wait for no sleep of it.
            _ if tokio::task::try_id().is_none() => self.wake(),
            Flush::Now => self.wake(),
            Flush::OnPark => WAITING.with_borrow_mut(|waiting| waiting.push(Arc::clone(self))),
            Flush::After(time) if is_first => {
                let completions = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    completions.wake();
                });
            }
            Flush::After(_) => {}
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
            Ok(receipt) => self.completions.complete(&(self.id, true, receipt, trace), true, took),
            Err(error) => self.completions.complete(&(self.id, false, error, trace), false, took),
        }
    }
}

impl PendingSend {
    /// Hands over the error for which the send was not started, and its trace.
    pub fn refuse(mut self, error: &Error) {
        self.lost = None;
        let trace = json!({ "outcome": "not_sent", "reason": error.reason() });
        self.completions.complete(&(self.id, false, error, trace), false, Duration::ZERO);
    }

    /// Hands over what was found out, where nothing was to be sent.
    pub fn answer(mut self, answer: &impl Serialize) {
        self.lost = None;
        self.completions.complete(&(self.id, true, answer, ()), true, Duration::ZERO);
    }
}

impl Drop for PendingSend {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take() {
            self.completions.complete(&(self.id, false, lost, ()), false, Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BATCH, FAR, Flush, WAIT, flush_of};

    #[test]
    fn a_lone_outcome_and_a_failure_wait_for_nothing_but_the_work_at_hand() {
        assert_eq!(flush_of(1, 0, true, FAR), Flush::OnPark);
        assert_eq!(flush_of(1, 5, false, FAR), Flush::OnPark);
        assert_eq!(flush_of(1, 5, true, Duration::ZERO), Flush::OnPark);
    }

    #[test]
    fn receipts_from_far_away_wait_for_each_other_until_there_are_enough() {
        assert_eq!(flush_of(1, 5, true, FAR), Flush::After(WAIT));
        assert_eq!(flush_of(BATCH, 5, true, FAR), Flush::Now);
    }
}
