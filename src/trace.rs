//! The public records of sends and questions: gateway, duration, outcome, and no secret.

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
    outcome: &'static str,
    confirmed_by: Option<ConfirmedBy>,
    reason: Option<Reason>,
    http_status: Option<u16>,
    #[serde(serialize_with = "serialize_id")]
    id: Option<u64>,
    status: Option<i64>,
    cost: Option<f64>,
}

impl Trace {
    /// The trace of a send that took `total`.
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
            outcome: match error.map(Error::kind) {
                None => "accepted",
                Some(
                    ErrorKind::Refused { .. }
                    | ErrorKind::Redirected { .. }
                    | ErrorKind::NotAReply { .. }
                    | ErrorKind::RejectedByList,
                ) => "refused",
                Some(ErrorKind::UnknownOutcome) => "unknown",
                Some(_) => "not_sent",
            },
            confirmed_by: *confirmed_by,
            reason: error.and_then(Error::reason),
            http_status: error.and_then(Error::status),
            id: accepted.map(|accepted| accepted.id),
            status: accepted.and_then(|accepted| accepted.status),
            cost: accepted.and_then(|accepted| accepted.cost),
        }
    }
}

/// The public record of a read-only call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskTrace {
    call: &'static str,
    gateway: Option<String>,
    attempts: u32,
    total_ms: f64,
    outcome: &'static str,
    reason: Option<Reason>,
    http_status: Option<u16>,
}

impl AskTrace {
    /// The trace of a question that took `total`, and its error if it has one.
    pub fn new(call: &'static str, attempts: &Attempts, total: Duration, error: Option<&Error>) -> Self {
        let http_status = error.and_then(Error::status);
        Self {
            call,
            gateway: attempts.gateway.as_ref().map(ToString::to_string),
            attempts: attempts.count,
            total_ms: milliseconds(total),
            outcome: match (error, http_status) {
                (None, _) => "answered",
                (Some(_), Some(_)) => "refused",
                (Some(_), None) => "unanswered",
            },
            reason: error.and_then(Error::reason),
            http_status,
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
