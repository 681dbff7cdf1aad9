//! The core of the SMS Aero connector for Logto: plain Rust that knows neither Node nor JavaScript.
//!
//! The modules of a message come first, in the order in which it passes them; then those of questions and reports.
#![forbid(unsafe_code)]

/// Logto's side: configuration, templates, metadata. Knows no SMS Aero and no network.
pub mod logto;

/// Parses the arguments of the functions that need no Logto.
pub mod arguments;

/// One message, from configuration to outcome.
pub mod send;

/// SMS Aero's API as pure functions. Knows no Logto and no network.
pub mod smsaero;

/// HTTP requests to gateways. Knows no messages.
pub mod net;

/// Looks a message up in SMS Aero's list when its reply is lost.
pub mod lost_reply;

/// Read-only API calls: status, balance, sender names.
pub mod ask;

/// Keeps secrets out of texts from outside.
pub mod redact;

/// The one error type.
pub mod error;

/// The public record of a send.
pub mod trace;
