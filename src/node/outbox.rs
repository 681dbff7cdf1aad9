//! Brings outcomes from the worker thread to the JavaScript thread, many with one waking.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};

use napi::{
    Status,
    bindgen_prelude::{Function, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use serde::Serialize;

/// Weak: waiting for an outcome is what keeps a process alive, not the means to bring it.
type Wake = ThreadsafeFunction<(), Unknown<'static>, String, Status, false, true, 0>;

/// The outcomes of one environment that JavaScript has not taken yet, as the inside of a JSON array.
pub struct Outbox {
    letters: Arc<Mutex<String>>,
    wake: Wake,
}

impl Outbox {
    /// `settle` will be called with a JSON array of `[ticket, accepted, outcome, trace]`, or with an empty string.
    pub fn new(settle: &Function<'_, String, Unknown<'static>>) -> napi::Result<Self> {
        let letters = Arc::<Mutex<String>>::default();
        let taken = Arc::clone(&letters);
        let wake = settle.build_threadsafe_function::<()>().weak::<true>().build_callback(move |_| Ok(take(&taken)))?;
        Ok(Self { letters, wake })
    }

    fn post(&self, letter: &impl Serialize) {
        let letter = serde_json::to_string(letter).unwrap_or_default();
        let was_empty = {
            let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
            let was_empty = letters.is_empty();
            letters.push(if was_empty { '[' } else { ',' });
            letters.push_str(&letter);
            was_empty
        };
        if was_empty {
            // An environment that is closing takes nothing any more, and nobody waits there.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

fn take(letters: &Mutex<String>) -> String {
    let mut batch = std::mem::take(&mut *letters.lock().unwrap_or_else(PoisonError::into_inner));
    if !batch.is_empty() {
        batch.push(']');
    }
    batch
}

/// The promise that one send will be settled, even if its task panics or is dropped.
pub struct Ticket<L: Serialize> {
    number: u32,
    outbox: Arc<Outbox>,
    /// What is said when nothing else was.
    lost: Option<L>,
}

impl<L: Serialize> Ticket<L> {
    pub const fn new(number: u32, outbox: Arc<Outbox>, lost: L) -> Self {
        Self { number, outbox, lost: Some(lost) }
    }

    pub fn settle<T: Serialize, E: Serialize>(mut self, outcome: &Result<T, E>, trace: Option<&impl Serialize>) {
        self.lost = None;
        match outcome {
            Ok(receipt) => self.outbox.post(&(self.number, true, receipt, trace)),
            Err(error) => self.outbox.post(&(self.number, false, error, trace)),
        }
    }
}

impl<L: Serialize> Drop for Ticket<L> {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take() {
            self.outbox.post(&(self.number, false, lost, ()));
        }
    }
}
