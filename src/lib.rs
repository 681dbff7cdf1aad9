//! The core of the SMS Aero connector for Logto: plain Rust that knows neither Node nor JavaScript.
//!
//! The modules stand in the order in which a message passes them.
#![forbid(unsafe_code)]

/// Read-only API calls: status, balance, sender names.
pub mod ask;
/// Finds out what became of a message whose reply was lost.
pub mod confirm;
/// Finds out what stands between this machine and a gateway.
pub mod diagnose;
/// The one error type.
pub mod error;
/// Decides whose a row of SMS Aero's list is.
pub mod ledger;
/// Logto's side: configuration, templates, metadata. Knows no SMS Aero and no network.
pub mod logto;
/// HTTP requests to gateways. Knows no messages.
pub mod net;
/// Removes secrets from texts from outside.
pub mod redact;
/// One message, from configuration to outcome.
pub mod send;
/// SMS Aero's API as pure functions. Knows no Logto and no network.
pub mod smsaero;
/// The public record of a send.
pub mod trace;
