//! Finds out from SMS Aero's list of messages what became of one whose reply was lost.

use std::time::{Duration, UNIX_EPOCH};

use tokio::time::{Instant, timeout_at};

use crate::{
    ledger::{Clock, Place},
    net::transport::{Attempts, Reply, Transport},
    smsaero::gateway::Gateway,
    smsaero::reply::{ReplyError, Row, parse_read_reply, rows},
    smsaero::request::Request,
};

/// How long to wait before the list is asked again: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_millis(1200);
/// The same while too many others ask.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// After so many times without a list, a refusal stands. A lost reply is worth asking on.
const FAILURES: u32 = 2;

/// A message whose outcome is in doubt.
pub struct Doubt<'a> {
    /// Where to ask.
    pub transport: &'a Transport,
    /// In which order.
    pub gateways: Vec<&'a Gateway>,
    /// The question: the list, by number and text.
    pub request: Request,
    /// The number of the message.
    pub number: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Its place among others.
    pub place: &'a Place<'a>,
    /// When its request left.
    pub departed: Instant,
    /// The longest that connecting to a gateway may take.
    pub connect: Duration,
    /// When its send has to be settled.
    pub done_by: Instant,
}

impl Doubt<'_> {
    /// The row of the message, as soon as the list shows that it is. `is_unknown` says that no reply tells anything.
    pub async fn resolve(&self, is_unknown: bool) -> Option<Row> {
        self.place.doubt(self.departed);
        let mut pause = FIRST_PAUSE;
        let mut failures = 0;
        while Instant::now() < self.done_by {
            let look_up = self.look_up().await;
            match look_up {
                LookUp::Done => failures = 0,
                LookUp::Busy => {}
                LookUp::Refused => return self.place.row(),
                LookUp::Failed => failures += 1,
            }
            if let Some(row) = self.place.row() {
                return Some(row);
            }
            if failures == FAILURES && !is_unknown {
                return None;
            }
            let is_busy = matches!(look_up, LookUp::Busy);
            let again = (Instant::now() + if is_busy { BUSY_PAUSE } else { pause }).min(self.done_by);
            // Another send of the same message may find both rows.
            if timeout_at(again, self.place.found()).await.is_ok()
                && let Some(row) = self.place.row()
            {
                return Some(row);
            }
            if !is_busy {
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        None
    }

    async fn look_up(&self) -> LookUp {
        let Ok(_permit) = self.transport.look_ups.try_acquire() else { return LookUp::Busy };
        let Self { transport, gateways, request, connect, done_by, .. } = self;
        let mut attempts = Attempts::default();
        let Ok(reply) = transport.read(request, gateways, *connect, *done_by, &mut attempts).await else {
            return LookUp::Failed;
        };
        let data = match parse_read_reply(reply.status, reply.plain_body()) {
            Ok(data) => data,
            // What is refused now will be refused in a moment.
            Err(ReplyError::Refused(_)) if reply.status < 500 && reply.status != 429 => return LookUp::Refused,
            Err(_) => return LookUp::Failed,
        };
        let (Some(rows), Some(clock)) = (rows(&data), clock(&reply)) else { return LookUp::Failed };
        let is_same = |row: &Row| row.number == self.number && row.text == self.text;
        self.place.share_out(&rows.into_iter().filter(is_same).collect::<Vec<_>>(), clock);
        LookUp::Done
    }
}

/// How it went to ask for the list.
enum LookUp {
    /// There was one.
    Done,
    /// Too many ask.
    Busy,
    /// SMS Aero gives none.
    Refused,
    /// None came, or something else.
    Failed,
}

fn clock(reply: &Reply) -> Option<Clock> {
    let date = reply.date?.duration_since(UNIX_EPOCH).ok()?;
    Some(Clock { unix_seconds: date.as_secs().try_into().ok()?, at: Instant::now() })
}
