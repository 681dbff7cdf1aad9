//! Brings outcomes from the worker thread to the JavaScript thread, many with one waking.
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

use napi::{
    Status,
    bindgen_prelude::{Function, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use serde::Serialize;

/// So many outcomes do not wait for others.
const BATCH: usize = 16;

/// How long a receipt may wait for the receipts of other messages, if its exchange took as long as `FAR` or longer.
const WAIT: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_millis(10);

/// Weak: waiting for an outcome is what keeps a process alive, not the means to bring it.
type Wake = ThreadsafeFunction<(), Unknown<'static>, String, Status, false, true, 0>;

thread_local! {
    /// The outboxes that the worker thread has put something into since it last had nothing to do.
    static POSTED: RefCell<Vec<Arc<Outbox>>> = const { RefCell::new(Vec::new()) };
}

/// Wakes the JavaScript threads for which there is something that waits no longer. To be called when the worker thread is
/// about to sleep: what came in together is then settled together.
pub fn send_round() {
    for outbox in POSTED.take() {
        outbox.call(outbox.letters());
    }
}

/// The outcomes of one environment that JavaScript has not taken yet.
pub struct Outbox {
    letters: Arc<Mutex<Letters>>,
    /// Tickets whose outcome is not known yet.
    open: AtomicUsize,
    wake: Wake,
}

#[derive(Default)]
struct Letters {
    /// The inside of a JSON array.
    text: String,
    count: usize,
    /// Whether JavaScript was told already.
    is_called: bool,
}

impl Outbox {
    /// `settle` will be called with a JSON array of `[ticket, accepted, outcome, trace]`, or with an empty string.
    pub fn new(settle: &Function<'_, String, Unknown<'static>>) -> napi::Result<Self> {
        let letters = Arc::<Mutex<Letters>>::default();
        let taken = Arc::clone(&letters);
        let settle = settle.build_threadsafe_function::<()>().weak::<true>();
        let wake = settle.build_callback(move |_| Ok(take(&mut *locked(&taken)).into_batch()))?;
        Ok(Self { letters, open: AtomicUsize::new(0), wake })
    }

    fn post(self: &Arc<Self>, letter: &impl Serialize, may_wait: bool) {
        let is_last = self.open.fetch_sub(1, Ordering::Relaxed) == 1;
        let letter = serde_json::to_string(letter).unwrap_or_default();
        let mut letters = self.letters();
        let is_first = letters.count == 0;
        letters.text.push(if is_first { '[' } else { ',' });
        letters.text.push_str(&letter);
        letters.count += 1;
        // Only the worker thread goes round, and only it runs tasks.
        if letters.count >= BATCH || tokio::task::try_id().is_none() {
            self.call(letters);
        } else if is_last || !may_wait {
            drop(letters);
            POSTED.with_borrow_mut(|posted| posted.push(Arc::clone(self)));
        } else if is_first {
            drop(letters);
            let outbox = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(WAIT).await;
                outbox.call(outbox.letters());
            });
        }
    }

    fn letters(&self) -> MutexGuard<'_, Letters> {
        locked(&self.letters)
    }

    fn call(&self, mut letters: MutexGuard<'_, Letters>) {
        if letters.count == 0 || letters.is_called {
            return;
        }
        letters.is_called = true;
        drop(letters);
        // An environment that is closing takes nothing any more, and nobody waits there.
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

impl Letters {
    fn into_batch(mut self) -> String {
        if self.count > 0 {
            self.text.push(']');
        }
        self.text
    }
}

fn locked(letters: &Mutex<Letters>) -> MutexGuard<'_, Letters> {
    letters.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The promise that one send will be settled, even if its task panics or is dropped.
pub struct Ticket<L: Serialize> {
    number: u32,
    outbox: Arc<Outbox>,
    /// What is said when nothing else was.
    lost: Option<L>,
}

impl<L: Serialize> Ticket<L> {
    pub fn new(number: u32, outbox: Arc<Outbox>, lost: L) -> Self {
        outbox.open.fetch_add(1, Ordering::Relaxed);
        Self { number, outbox, lost: Some(lost) }
    }

    /// Brings the outcome, which took so long. A failure waits for nothing: somebody may be at their deadline.
    pub fn settle<T: Serialize, E: Serialize>(
        mut self,
        outcome: &Result<T, E>,
        trace: Option<&impl Serialize>,
        took: Duration,
    ) {
        self.lost = None;
        match outcome {
            Ok(receipt) => self.outbox.post(&(self.number, true, receipt, trace), took >= FAR),
            Err(error) => self.outbox.post(&(self.number, false, error, trace), false),
        }
    }
}

impl<L: Serialize> Drop for Ticket<L> {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take() {
            self.outbox.post(&(self.number, false, lost, ()), false);
        }
    }
}
