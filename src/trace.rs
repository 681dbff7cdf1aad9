//! The public record of a send: where it went, how long it took, its outcome, and no secret.

use std::time::Duration;

use serde::Serialize;

use crate::{
    error::{Error, ErrorKind},
    net::transport::Attempts,
    send::{ConfirmedBy, MessageInfo, SendOutcome},
    smsaero::reason::Reason,
    smsaero::reply::serialize_id,
};

/// The public record of a send.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    #[serde(flatten)]
    info: MessageInfo,
    gateway: Option<String>,
    attempts: u32,
    connect_ms: Option<f64>,
    total_ms: f64,
    outcome: Outcome,
    confirmed_by: Option<ConfirmedBy>,
    reason: Option<Reason>,
    http_status: Option<u16>,
    #[serde(serialize_with = "serialize_id")]
    id: Option<u64>,
    status: Option<i64>,
    cost: Option<f64>,
}

/// The outcome of a send in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// SMS Aero took the message.
    Accepted,
    /// SMS Aero, or what answered in its place, did not take it.
    Refused,
    /// Nothing left this machine.
    NotSent,
    /// The request left, and nothing more is known.
    Unknown,
}

/// The public record of a read-only call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskTrace {
    call: &'static str,
    gateway: Option<String>,
    attempts: u32,
    total_ms: f64,
    outcome: AskOutcome,
    reason: Option<Reason>,
    http_status: Option<u16>,
}

/// The outcome of a read-only call in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum AskOutcome {
    /// SMS Aero answered it.
    Answered,
    /// SMS Aero, or what answered in its place, did not.
    Refused,
    /// No reply came.
    Unanswered,
}

impl AskTrace {
    /// The trace of a question that took `total`, and its error if it has one.
    #[must_use]
    pub fn new(call: &'static str, attempts: &Attempts, total: Duration, error: Option<&Error>) -> Self {
        Self {
            call,
            gateway: attempts.gateway.as_ref().map(ToString::to_string),
            attempts: attempts.count,
            total_ms: milliseconds(total),
            outcome: error.map_or(AskOutcome::Answered, |error| {
                if error.status().is_some() { AskOutcome::Refused } else { AskOutcome::Unanswered }
            }),
            reason: error.and_then(Error::reason),
            http_status: error.and_then(Error::status),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl Trace {
    /// The trace of a send that took `total`.
    #[must_use]
    pub fn new(info: MessageInfo, outcome: &SendOutcome, total: Duration) -> Self {
        let SendOutcome { result, attempts, confirmed_by } = outcome;
        let accepted = result.as_ref().ok().map(|receipt| &receipt.accepted);
        let error = result.as_ref().err();
        Self {
            info,
            gateway: attempts.gateway.as_ref().map(ToString::to_string),
            attempts: attempts.count,
            connect_ms: attempts.connect.map(milliseconds),
            total_ms: milliseconds(total),
            outcome: error.map_or(Outcome::Accepted, |error| match error.kind() {
                ErrorKind::Refused { .. }
                | ErrorKind::Redirected { .. }
                | ErrorKind::NotAReply { .. }
                | ErrorKind::RejectedByList => Outcome::Refused,
                ErrorKind::UnknownOutcome => Outcome::Unknown,
                _ => Outcome::NotSent,
            }),
            confirmed_by: *confirmed_by,
            reason: error.and_then(Error::reason),
            http_status: error.and_then(Error::status),
            id: accepted.map(|accepted| accepted.id),
            status: accepted.and_then(|accepted| accepted.status),
            cost: accepted.and_then(|accepted| accepted.cost),
        }
    }
}
