//! Looks a message up in SMS Aero's list when its reply is lost, if it is alone.
//!
//! A message is alone if no other send of the same number and text was in flight since ten seconds before it began. Nothing
//! tells which row of the list belongs to which of two, so a message that is not alone stays unknown.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use tokio::time::{Instant, sleep_until};

use crate::{
    net::{
        client::Queue,
        gateway::Gateway,
        transport::{Attempts, Clock, Post, Question, Reply, Transport},
    },
    smsaero::{
        phone::last_digits,
        reply::{Accepted, ReplyError, Row, parse_read_reply, rows},
    },
};

/// The time for which a send that has ended counts as a twin of others of the same number and text. No send takes longer.
const TWIN_LASTS: Duration = Duration::from_secs(10);

/// The most numbers and texts that are remembered.
const REMEMBERED: usize = 16_384;

/// The tolerance of the window, since `Date` has whole seconds and the machines behind a gateway differ.
const TOLERANCE_SECONDS: i64 = 3;

/// A `Date` further than this from this machine's clock is ignored.
const CLOCKS_AGREE: Duration = Duration::from_secs(30);

/// The pause before the list is asked again: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_millis(1200);

/// The pause before the second question about a refusal by an outage.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// The sends of a process, by number and text.
#[derive(Debug, Default)]
pub struct Sends {
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By a hash: a collision makes two messages that have nothing in common stay unknown, and nothing worse.
    entries: HashMap<u64, Entry>,
    /// The last time when ended sends were forgotten early; any of them may have been a twin.
    forgotten: Option<Instant>,
}

/// The sends of one number and text.
#[derive(Debug, Default)]
struct Entry {
    in_flight: usize,
    /// The last end of one that SMS Aero may have listed.
    ended: Option<Instant>,
}

impl Sends {
    /// Registers a send until the returned value is dropped.
    pub fn enter(&self, number: &str, text: &str) -> Registered<'_> {
        let key = self.hasher.hash_one((last_digits(number), text));
        let began = Instant::now();
        let mut state = self.state();
        if state.entries.len() >= REMEMBERED {
            state.forget(began);
        }
        state.entries.entry(key).or_default().in_flight += 1;
        drop(state);
        Registered { sends: self, key, began, may_be_listed: true }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets ended sends that are no twins any more; all of them if that is not enough.
    fn forget(&mut self, now: Instant) {
        let is_twin = |entry: &Entry| entry.ended.is_some_and(|ended| now.duration_since(ended) <= TWIN_LASTS);
        self.entries.retain(|_, entry| entry.in_flight > 0 || is_twin(entry));
        if self.entries.len() >= REMEMBERED {
            self.entries.retain(|_, entry| entry.in_flight > 0);
            self.forgotten = Some(now);
        }
    }
}

/// A send among the others of its process.
pub struct Registered<'a> {
    sends: &'a Sends,
    key: u64,
    began: Instant,
    may_be_listed: bool,
}

impl Registered<'_> {
    /// Notes that SMS Aero cannot list the message: it was not sent, or plainly refused.
    pub const fn set_unlisted(&mut self) {
        self.may_be_listed = false;
    }

    fn twins(&self) -> Twins {
        let is_before = |ended: Option<Instant>| ended.is_none_or(|ended| ended + TWIN_LASTS < self.began);
        let state = self.sends.state();
        let (in_flight, ended) = state.entries.get(&self.key).map_or((1, None), |entry| (entry.in_flight, entry.ended));
        let forgotten = state.forgotten;
        drop(state);
        match in_flight {
            _ if !is_before(ended) || !is_before(forgotten) => Twins::Ended,
            1 => Twins::None,
            _ => Twins::InFlight,
        }
    }
}

/// The other sends of the same number and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twins {
    /// The message is alone.
    None,
    /// It may yet turn out that none of them can be listed.
    InFlight,
    /// One has ended that may be listed.
    Ended,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let mut state = self.sends.state();
        let Some(entry) = state.entries.get_mut(&self.key) else { return };
        entry.in_flight -= 1;
        if self.may_be_listed {
            entry.ended = Some(Instant::now());
        } else if entry.in_flight == 0 && entry.ended.is_none() {
            state.entries.remove(&self.key);
        }
    }
}

/// The schedule of look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Until the deadline: for lost and unreadable replies.
    UntilDeadline,
    /// Twice within two seconds: a refusal by an outage is likely to be true.
    Twice,
}

/// A message whose reply is lost or a 5xx.
pub struct LostReply<'a> {
    /// Asks the gateways.
    pub transport: &'a Transport,
    /// The gateways, in the order to ask them.
    pub gateways: Vec<&'a Gateway>,
    /// The question: the list, by number and text.
    pub post: Post,
    /// The number of the message.
    pub number: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The message among others.
    pub registered: &'a Registered<'a>,
    /// The time when its request was written.
    pub written: Instant,
    /// The longest that connecting to a gateway may take.
    pub connect: Duration,
    /// The time by which its send is settled.
    pub done_by: Instant,
}

impl LostReply<'_> {
    /// Returns the row of the message as soon as the list has it.
    pub async fn find_row(&self, persistence: Persistence) -> Option<Accepted> {
        if persistence == Persistence::Twice {
            return self.find_row_during_outage().await;
        }
        let mut pause = FIRST_PAUSE;
        loop {
            match self.look_up(&self.gateways, Queue::Wait, self.done_by).await {
                LookUp::Found(row) => return Some(*row),
                LookUp::Unprovable => return None,
                LookUp::NotFound => {}
            }
            let next = Instant::now() + pause;
            if next >= self.done_by {
                return None;
            }
            sleep_until(next).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks another gateway now and the same one after a second, and not while others ask: an outage is no time for more requests.
    async fn find_row_during_outage(&self) -> Option<Accepted> {
        let mut next = Instant::now();
        for gateway in [self.gateways.first()?, self.gateways.last()?] {
            sleep_until(next).await;
            next = (next + OUTAGE_PAUSE).min(self.done_by);
            match self.look_up(&[gateway], Queue::Skip, next).await {
                LookUp::Found(row) => return Some(*row),
                LookUp::Unprovable => return None,
                LookUp::NotFound => {}
            }
        }
        None
    }

    async fn look_up(&self, gateways: &[&Gateway], queue: Queue, done_by: Instant) -> LookUp {
        match self.registered.twins() {
            Twins::None => {}
            Twins::InFlight => return LookUp::NotFound,
            Twins::Ended => return LookUp::Unprovable,
        }
        let question =
            Question { post: &self.post, gateways: gateways.to_vec(), connect: self.connect, done_by, queue };
        let Ok(reply) = self.transport.ask(&question, is_answer, &mut Attempts::default()).await else {
            return LookUp::NotFound;
        };
        let data = match parse_read_reply(reply.status, reply.plain_body()) {
            Ok(data) => data,
            // It would be refused again.
            Err(ReplyError::Refused(_)) if reply.status < 500 && reply.status != 429 => return LookUp::Unprovable,
            Err(_) => return LookUp::NotFound,
        };
        let window = reply.clock.and_then(|clock| window(clock, self.written));
        let (Some(rows), Some(window)) = (rows(&data), window) else { return LookUp::NotFound };
        // Others may have begun while the list was on its way.
        if self.registered.twins() != Twins::None {
            return LookUp::NotFound;
        }
        let row = proof(rows, self.number, self.text, &window);
        row.map_or(LookUp::NotFound, |row| LookUp::Found(Box::new(row)))
    }
}

/// The unix seconds at which a message may have been created that written at this time; `None` if the gateway's clock
/// cannot be believed.
fn window(clock: Clock, written: Instant) -> Option<RangeInclusive<i64>> {
    let apart = clock.date.duration_since(clock.local).unwrap_or_else(|error| error.duration());
    if apart > CLOCKS_AGREE {
        return None;
    }
    let answered = i64::try_from(clock.date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    // Rounded so that the message's own row is never too early.
    let took = clock.at.duration_since(written) + Duration::from_millis(999);
    let took = i64::try_from(took.as_secs()).ok()?;
    Some(answered - took - TOLERANCE_SECONDS..=answered + TOLERANCE_SECONDS)
}

/// The one row that can be the message's.
fn proof(rows: Vec<Row>, number: &str, text: &str, window: &RangeInclusive<i64>) -> Option<Accepted> {
    let number = last_digits(number);
    let is_own = |row: &Row| {
        let is_in_window = row.date_create.is_some_and(|created| window.contains(&created));
        is_in_window && row.text == text && last_digits(&row.number) == number
    };
    let mut own = rows.into_iter().filter(is_own);
    let accepted = own.next()?.accepted?;
    own.all(|other| other.accepted.as_ref() == Some(&accepted)).then_some(accepted)
}

/// The result of a look-up.
enum LookUp {
    /// The row of the message.
    Found(Box<Accepted>),
    /// No proof yet.
    NotFound,
    /// There will be none: SMS Aero gives no list, or a row of another send may be in it.
    Unprovable,
}

/// True if a reply answers a question; otherwise another gateway may.
pub(crate) fn is_answer(reply: &Reply) -> bool {
    match reply.status {
        200..300 => !matches!(parse_read_reply(reply.status, reply.plain_body()), Err(ReplyError::Unreadable)),
        400..500 => reply.status != 408,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::{REMEMBERED, Registered, Sends, TWIN_LASTS, Twins, proof, window};
    use crate::{net::transport::Clock, smsaero::reply::rows};

    const NUMBER: &str = "79001234567";

    /// Two sends at once.
    fn pair<'a>(sends: &'a Sends, number: &str, text: &str) -> (Registered<'a>, Registered<'a>) {
        (sends.enter(NUMBER, "text"), sends.enter(number, text))
    }

    #[test]
    fn a_message_is_alone_unless_the_same_is_in_flight() {
        let sends = Sends::default();
        for (number, text, is_alone) in [
            (NUMBER, "text", false),
            // SMS Aero may write one as the other.
            ("89001234567", "text", false),
            ("+7 (900) 123-45-67", "text", false),
            (NUMBER, "text ", true),
            ("79001234568", "text", true),
        ] {
            let (mut one, mut other) = pair(&sends, number, text);
            assert_eq!(
                (one.twins() == Twins::None, other.twins() == Twins::None),
                (is_alone, is_alone),
                "{number} {text}"
            );
            one.set_unlisted();
            other.set_unlisted();
        }
    }

    #[test]
    fn a_send_that_may_be_listed_is_twin_for_ten_seconds_after_its_end() {
        let sends = Sends::default();
        let (ended, before) = pair(&sends, NUMBER, "text");
        drop(ended);
        assert!(before.twins() != Twins::None);
        drop(before);
        let mut after = sends.enter(NUMBER, "text");
        assert!(after.twins() != Twins::None);
        after.began += TWIN_LASTS + Duration::from_secs(1);
        assert!(after.twins() == Twins::None);
    }

    #[test]
    fn a_send_that_cannot_be_listed_is_no_twin_after_its_end() {
        let sends = Sends::default();
        let (mut refused, message) = pair(&sends, NUMBER, "text");
        assert!(message.twins() != Twins::None);
        refused.set_unlisted();
        drop(refused);
        assert!(message.twins() == Twins::None);
    }

    #[test]
    fn sends_are_remembered_up_to_a_limit_and_forgotten_ones_are_twins_of_all() {
        let sends = Sends::default();
        let in_flight = sends.enter(NUMBER, "text");
        for number in 0..REMEMBERED {
            drop(sends.enter(&number.to_string(), "text"));
        }
        assert!(sends.state().entries.len() < REMEMBERED);
        let mut after = sends.enter(NUMBER, "another text");
        assert!(after.twins() != Twins::None && in_flight.twins() != Twins::None);
        after.began += TWIN_LASTS + Duration::from_secs(1);
        assert!(after.twins() == Twins::None);
    }

    fn unix_seconds(time: SystemTime) -> i64 {
        time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
    }

    /// The window of a message that written four seconds before the list's reply, whose `Date` is so far from this
    /// machine's clock; in seconds from that `Date`.
    fn window_with(date_ahead_seconds: i64) -> Option<(i64, i64)> {
        let (local, at) = (SystemTime::now(), Instant::now());
        let ahead = Duration::from_secs(date_ahead_seconds.unsigned_abs());
        let date = if date_ahead_seconds < 0 { local - ahead } else { local + ahead };
        let window = window(Clock { date, local, at }, at - Duration::from_secs(4))?;
        Some((window.start() - unix_seconds(date), window.end() - unix_seconds(date)))
    }

    #[test]
    fn a_row_may_be_three_seconds_earlier_or_later_than_the_message_was_under_way() {
        assert_eq!(window_with(0), Some((-7, 3)));
        assert_eq!(window_with(-20), Some((-7, 3)));
    }

    #[test]
    fn a_date_more_than_half_a_minute_from_this_machines_clock_is_no_clock() {
        for ahead in [-31, 31, 86_400] {
            assert_eq!(window_with(ahead), None, "{ahead}");
        }
    }

    #[test]
    fn one_row_of_this_number_and_text_in_the_window_is_proof() {
        let row = |id: u64, change: &dyn Fn(&mut Value)| {
            let mut row = json!({ "id": id, "number": NUMBER, "text": "text", "status": 0, "dateCreate": 100 });
            change(&mut row);
            row
        };
        let own = row(7, &|_| {});
        for (list, expected) in [
            (json!([own]), Some(7)),
            (json!([own, own]), Some(7)),
            (json!([own, row(8, &|row| row["dateCreate"] = json!(89))]), Some(7)),
            (json!([own, row(8, &|row| row["dateCreate"] = json!(101))]), None),
            (json!([row(7, &|row| row["number"] = json!(79_001_234_567_u64))]), Some(7)),
            (json!([row(7, &|row| row["dateCreate"] = json!("100"))]), Some(7)),
            (json!([row(7, &|row| row["dateCreate"] = json!(106))]), None),
            (json!([row(7, &|row| row["dateCreate"] = json!(100_000))]), None),
            (json!([row(7, &|row| row["dateCreate"] = json!(null))]), None),
            (json!([row(7, &|row| row["number"] = json!("89001234567"))]), Some(7)),
            (json!([own, row(7, &|row| row["status"] = json!(6))]), None),
            (json!([own, row(8, &|row| row["id"] = json!("a"))]), None),
            (json!([row(7, &|row| row["number"] = json!("79001234568"))]), None),
            (json!([row(7, &|row| row["text"] = json!("text "))]), None),
            (json!([]), None),
        ] {
            let found = proof(rows(&list).unwrap(), NUMBER, "text", &(90..=105));
            assert_eq!(found.map(|accepted| accepted.id), expected, "{list}");
        }
    }
}
