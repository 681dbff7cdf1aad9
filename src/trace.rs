//! The public record of a send: where it went, how long it took, its outcome, and no secret.
#![forbid(unsafe_code)]

use std::time::Duration;

use serde::Serialize;

use crate::{
    error::{Error, ErrorKind},
    reason::Reason,
    send::{MessageInfo, Receipt},
    transport::Attempts,
};

/// What came of a send.
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
    reason: Option<Reason>,
    http_status: Option<u16>,
    id: Option<u64>,
    status: Option<i64>,
    cost: Option<f64>,
}

/// What came of a send, in a word.
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

impl Trace {
    /// The trace of a send that took `total`.
    #[must_use]
    pub fn new(info: MessageInfo, attempts: &Attempts, total: Duration, result: &Result<Receipt, Error>) -> Self {
        let milliseconds = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        let accepted = result.as_ref().ok().map(|receipt| &receipt.accepted);
        let error = result.as_ref().err();
        Self {
            info,
            gateway: attempts.gateway.as_ref().map(ToString::to_string),
            attempts: attempts.count,
            connect_ms: attempts.connect.map(milliseconds),
            total_ms: milliseconds(total),
            outcome: error.map_or(Outcome::Accepted, |error| match error.kind() {
                ErrorKind::Refused { .. } | ErrorKind::Redirected { .. } | ErrorKind::NotAReply { .. } => {
                    Outcome::Refused
                }
                ErrorKind::UnknownOutcome => Outcome::Unknown,
                _ => Outcome::NotSent,
            }),
            reason: error.and_then(Error::reason),
            http_status: error.and_then(Error::status),
            id: accepted.map(|accepted| accepted.id),
            status: accepted.and_then(|accepted| accepted.status),
            cost: accepted.and_then(|accepted| accepted.cost),
        }
    }
}
