//! Decides whose a row of SMS Aero's list is, among the sends of a process. Only positive proof counts.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::smsaero::reply::Row;

/// How much earlier than the request a row may have been created, in seconds: the header `Date` has whole ones, and the
/// machines behind a gateway need not agree.
const TOLERANCE_SECONDS: i64 = 3;

/// The most messages known to be confirmed that are remembered.
const CLAIMS: usize = 4096;

/// How long, and how many at most, messages are remembered of which nobody knows what became: a row may be theirs for another
/// send that was on its way at the same time, or that seems a little younger than the row. No send takes longer.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);
const UNKNOWNS: usize = 1024;

/// The sends of a process that may own a row of the list.
#[derive(Debug, Default)]
pub struct Ledger {
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By what a row would have in common with the message; a collision makes a proof harder, never easier.
    sends: HashMap<u64, Vec<Entry>>,
    last_id: u64,
    /// Messages that belong to somebody, with SMS Aero's number, the oldest first.
    claimed: VecDeque<(u64, u64)>,
    /// Sends that ended without anybody knowing how, the oldest first: when, and of which message.
    unknown: VecDeque<(Instant, u64)>,
}

/// One send, as far as others of the same message are concerned.
struct Entry {
    id: u64,
    /// When its request left, if its outcome is in doubt.
    in_doubt_since: Option<Instant>,
    row: Option<Row>,
    found: Arc<Notify>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Takes in a send, until the place that it gets is dropped. `message` is all that tells its row from others, where it
    /// is listed among it.
    pub fn enter(&self, message: impl Hash) -> Place<'_> {
        let key = self.hasher.hash_one(message);
        let found = Arc::<Notify>::default();
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        let send = Entry { id, in_doubt_since: None, row: None, found: Arc::clone(&found) };
        state.sends.entry(key).or_default().push(send);
        drop(state);
        Place { ledger: self, key, id, found }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn claim(&mut self, key: u64, number: u64) {
        if self.claimed.len() >= CLAIMS {
            self.claimed.pop_front();
        }
        self.claimed.push_back((key, number));
    }

    fn remove(&mut self, key: u64, id: u64) {
        if let Some(sends) = self.sends.get_mut(&key) {
            sends.retain(|send| send.id != id);
            if sends.is_empty() {
                self.sends.remove(&key);
            }
        }
    }

    fn forget_unknown(&mut self, now: Instant) {
        while self.unknown.len() > UNKNOWNS
            || self.unknown.front().is_some_and(|(since, _)| now.duration_since(*since) > UNKNOWN_FOR)
        {
            self.unknown.pop_front();
        }
    }

    fn send(&mut self, key: u64, id: u64) -> Option<&mut Entry> {
        self.sends.get_mut(&key)?.iter_mut().find(|send| send.id == id)
    }
}

/// The place of one send among the others.
pub struct Place<'a> {
    ledger: &'a Ledger,
    key: u64,
    id: u64,
    found: Arc<Notify>,
}

impl Place<'_> {
    /// The reply says that the message has this number. A row that was found before is the send's all the same, so that
    /// no two sends ever have one number.
    #[must_use]
    pub fn claim(&self, number: u64) -> Option<Row> {
        let mut state = self.ledger.state();
        let row = state.send(self.key, self.id).and_then(|send| send.row.take());
        if row.is_none() {
            state.claim(self.key, number);
        }
        row
    }

    /// Nobody knows what became of the message; its row may still come, and is not another one's then.
    #[must_use]
    pub fn end_unknown(self) -> Option<Row> {
        let now = Instant::now();
        let mut state = self.ledger.state();
        let row = state.send(self.key, self.id).and_then(|send| send.row.take());
        if row.is_none() {
            state.unknown.push_back((now, self.key));
            state.forget_unknown(now);
        }
        drop(state);
        row
    }

    /// From now on a row of the list may be this send's, whose request left at this time.
    pub fn doubt(&self, departed: Instant) {
        if let Some(send) = self.ledger.state().send(self.key, self.id) {
            send.in_doubt_since = Some(departed);
        }
    }

    /// The row that is this send's.
    #[must_use]
    pub fn row(&self) -> Option<Row> {
        self.ledger.state().send(self.key, self.id)?.row.clone()
    }

    /// Until another send of the same message finds the row of this one too.
    pub async fn found(&self) {
        self.found.notified().await;
    }

    /// Shares rows of this message out among its sends, in the order in which they began, if there are enough for all that
    /// may own one.
    pub fn share_out(&self, rows: &[Row], clock: Clock) {
        let mut state = self.ledger.state();
        state.forget_unknown(Instant::now());
        let State { sends, claimed, unknown, .. } = &mut *state;
        let ended = unknown.iter().filter(|(_, key)| *key == self.key).map(|(ended, _)| *ended).collect::<Vec<_>>();
        let Some(sends) = sends.get_mut(&self.key) else { return };
        let mut owners = sends.iter_mut().filter(|send| send.row.is_none()).collect::<Vec<_>>();
        // Somebody's reply may yet say which row is theirs.
        let departed = owners.iter().map(|send| send.in_doubt_since).collect::<Option<Vec<_>>>();
        let Some(departed) = departed else { return };
        let Some(&first) = departed.iter().min() else { return };
        let is_free = |row: &&Row| !claimed.contains(&(self.key, row.accepted.id)) && clock.is_since(row, first);
        let mut ids = rows.iter().filter(is_free).map(|row| row.accepted.id).collect::<Vec<_>>();
        ids.sort_unstable();
        ids.dedup();
        // Those that ended meanwhile may own one as well.
        let rivals = ended.iter().filter(|ended| **ended >= first).count();
        let Some(spare) = ids.len().checked_sub(owners.len()).filter(|spare| *spare >= rivals) else { return };
        let shares = ids.iter().skip(spare).filter_map(|id| rows.iter().find(|row| row.accepted.id == *id));
        let shares = shares.collect::<Vec<_>>();
        let is_proof =
            |(row, departed)| clock.is_since(row, departed) && (ended.is_empty() || clock.is_after(row, departed));
        if !shares.iter().copied().zip(departed).all(is_proof) {
            return;
        }
        for (send, row) in owners.iter_mut().zip(&shares) {
            send.row = Some((*row).clone());
            send.found.notify_one();
        }
        for row in shares {
            state.claim(self.key, row.accepted.id);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.ledger.state().remove(self.key, self.id);
    }
}

/// A look at the provider's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// What it showed.
    pub unix_seconds: i64,
    /// When.
    pub at: Instant,
}

impl Clock {
    /// Whether a row was created no earlier than a request that left at this time, as far as clocks can tell.
    fn is_since(self, row: &Row, departed: Instant) -> bool {
        self.is_later(row, departed, TOLERANCE_SECONDS)
    }

    /// The same to the second.
    fn is_after(self, row: &Row, departed: Instant) -> bool {
        self.is_later(row, departed, 0)
    }

    fn is_later(self, row: &Row, departed: Instant, tolerance_seconds: i64) -> bool {
        // Rounded so that the row of the request itself is never too early.
        let ago = self.at.duration_since(departed) + Duration::from_millis(999);
        let ago = i64::try_from(ago.as_secs()).unwrap_or(i64::MAX);
        let earliest = self.unix_seconds.saturating_sub(ago).saturating_sub(tolerance_seconds);
        row.accepted.date_create.is_some_and(|created| created >= earliest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::Instant;

    use super::{Clock, Ledger, Place, UNKNOWNS};
    use crate::smsaero::reply::{Row, rows};

    const NOW: i64 = 1_800_000_000;

    fn row(id: u64, created: i64) -> Row {
        let data = json!([{ "id": id, "number": 79_001_234_567_u64, "text": "a", "status": 0, "dateCreate": created }]);
        rows(&data).unwrap().remove(0)
    }

    fn ask(place: &Place<'_>, rows: &[Row]) -> Option<u64> {
        place.share_out(rows, Clock { unix_seconds: NOW, at: Instant::now() });
        place.row().map(|row| row.accepted.id)
    }

    fn in_doubt(ledger: &Ledger) -> Place<'_> {
        let place = ledger.enter("a");
        place.doubt(Instant::now());
        place
    }

    #[test]
    fn a_row_that_is_new_and_nobody_elses_is_proof() {
        let ledger = Ledger::default();
        assert_eq!(ask(&in_doubt(&ledger), &[]), None);
        assert_eq!(ask(&in_doubt(&ledger), &[row(1, NOW - 5)]), None);
        assert_eq!(ask(&in_doubt(&ledger), &[row(1, NOW - 3)]), Some(1));
        assert_eq!(ask(&in_doubt(&ledger), &[row(1, NOW)]), None, "it is claimed");
        assert!(ledger.enter("a").claim(2).is_none());
        assert_eq!(ask(&in_doubt(&ledger), &[row(2, NOW)]), None, "a reply has claimed it");
        assert_eq!(ask(&in_doubt(&ledger), &[row(1, NOW), row(2, NOW), row(3, NOW), row(3, NOW)]), Some(3));
    }

    #[test]
    fn a_row_is_as_old_as_the_providers_clock_says() {
        let ledger = Ledger::default();
        let place = ledger.enter("a");
        let Some(departed) = Instant::now().checked_sub(Duration::from_secs(5)) else { return };
        place.doubt(departed);
        assert_eq!(ask(&place, &[row(1, NOW - 10)]), None);
        assert_eq!(ask(&place, &[row(1, NOW - 8)]), Some(1));
    }

    #[test]
    fn one_row_is_no_proof_for_two() {
        let ledger = Ledger::default();
        let (one, other) = (in_doubt(&ledger), in_doubt(&ledger));
        assert_eq!(ask(&one, &[row(1, NOW)]), None);
        assert_eq!(ask(&other, &[row(2, NOW), row(1, NOW)]), Some(2));
        assert_eq!(one.row().map(|row| row.accepted.id), Some(1), "both were shared out");
        // A reply that comes a moment later does not take the other one's.
        assert_eq!(one.claim(2).map(|row| row.accepted.id), Some(1));
    }

    #[test]
    fn while_another_waits_for_its_reply_no_row_is_proof() {
        let ledger = Ledger::default();
        let (waiting, place) = (ledger.enter("a"), in_doubt(&ledger));
        let rows = [row(1, NOW), row(2, NOW)];
        assert_eq!(ask(&place, &rows), None);
        assert!(waiting.claim(2).is_none());
        drop(waiting);
        assert_eq!(ask(&place, &rows), Some(1));
    }

    #[test]
    fn after_a_send_of_which_nothing_is_known_a_row_has_to_be_newer() {
        let ledger = Ledger::default();
        assert!(in_doubt(&ledger).end_unknown().is_none());
        assert_eq!(ask(&in_doubt(&ledger), &[row(1, NOW - 2)]), None);
        assert_eq!(ask(&in_doubt(&ledger), &[row(1, NOW - 2), row(2, NOW)]), Some(2));
    }

    #[test]
    fn a_send_that_ended_meanwhile_may_own_a_row_as_well() {
        let ledger = Ledger::default();
        let (one, other) = (in_doubt(&ledger), in_doubt(&ledger));
        assert!(one.end_unknown().is_none());
        assert_eq!(ask(&other, &[row(1, NOW)]), None);
        assert_eq!(ask(&other, &[row(1, NOW), row(2, NOW)]), Some(2));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let ledger = Ledger::default();
        for number in 0..2 * UNKNOWNS {
            let place = ledger.enter(number);
            place.doubt(Instant::now());
            assert!(place.end_unknown().is_none());
        }
        drop((0..9).map(|number| ledger.enter(("in flight", number))).collect::<Vec<_>>());
        let state = ledger.state();
        assert_eq!((state.sends.len(), state.unknown.len()), (0, UNKNOWNS));
        drop(state);
    }
}
