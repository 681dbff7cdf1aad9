//! The reasons why a message is not sent, as stable codes.

use serde::Serialize;

/// A stable code: the `reason` in the data of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// SMS Aero found a field of the request wrong, or the call itself was not complete.
    Validation,
    /// Wrong e-mail or API key.
    Unauthorized,
    /// The account's balance does not cover the message.
    NoMoney,
    /// This server's address is not in the account's allow-list.
    IpNotAllowed,
    /// SMS Aero refused the message.
    Rejected,
    /// Too many messages in a short time.
    RateLimited,
    /// The gateway has an outage.
    Unavailable,
    /// The reply is not one of SMS Aero's API.
    BadResponse,
    /// Time ran out before anything could be sent.
    Timeout,
    /// No gateway could be connected to; nothing was sent.
    Unreachable,
    /// The request left and no reply came back: the message may or may not have been taken.
    UnknownOutcome,
    /// The number's prefix is not among `allowedPrefixes`.
    NumberNotAllowed,
}
