//! What is told of a send to whoever listens: where it went, how long it took, what came of it, and nothing secret.
#![forbid(unsafe_code)]

use std::time::Duration;

use serde::Serialize;

use crate::{
    error::{Error, Kind, Reason},
    segment::Segments,
    send::Delivered,
};

/// What is known of a message before it goes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The phone number with its middle hidden.
    pub number: String,
    /// The usage type asked for.
    pub usage_type: String,
    /// Whether it goes to the method that sends and charges nothing.
    pub test_mode: bool,
    /// The alphabet that the text is transmitted in.
    pub alphabet: &'static str,
    /// The number of parts it takes.
    pub parts: usize,
}

impl Facts {
    /// From a number that is masked already.
    #[must_use]
    pub const fn new(number: String, usage_type: String, test_mode: bool, segments: Segments) -> Self {
        Self { number, usage_type, test_mode, alphabet: segments.alphabet.name(), parts: segments.parts }
    }
}

/// The way that a message took.
#[derive(Clone, Debug, Default)]
pub struct Journey {
    /// The gateway that was asked last.
    pub gateway: Option<String>,
    /// How many gateways were tried.
    pub attempts: u32,
    /// How long the last one took to connect to; next to nothing on a kept connection.
    pub connect: Option<Duration>,
}

/// What came of a send.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace<'a> {
    #[serde(flatten)]
    facts: Facts,
    gateway: Option<&'a str>,
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

impl<'a> Trace<'a> {
    /// The trace of a send that took `total`.
    #[must_use]
    pub fn new(facts: Facts, journey: &'a Journey, total: Duration, result: &'a Result<Delivered, Error>) -> Self {
        let milliseconds = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        let accepted = result.as_ref().ok().map(|delivered| &delivered.accepted);
        let error = result.as_ref().err();
        Self {
            facts,
            gateway: journey.gateway.as_deref(),
            attempts: journey.attempts,
            connect_ms: journey.connect.map(milliseconds),
            total_ms: milliseconds(total),
            outcome: error.map_or(Outcome::Accepted, |error| match error.kind() {
                Kind::Refused { .. } | Kind::Redirected { .. } | Kind::NotAReply { .. } => Outcome::Refused,
                Kind::UnknownOutcome => Outcome::Unknown,
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
