//! SMS Aero for Logto: the configuration guard, the templates and the HTTP client, plain Rust that knows neither Node nor JavaScript.
//!
//! The modules, in the order in which a message passes them.

/// Who speaks to SMS Aero.
pub mod account;
/// Asks SMS Aero what has no side effect.
pub mod ask;
/// Reads an SMS Aero configuration from an untyped value.
pub mod config;
/// Finds out what became of a message whose reply was lost.
pub mod confirm;
/// Bounds the connections of a process.
pub mod connections;
/// Finds out what stands between this machine and a gateway.
pub mod diagnose;
/// Undoes the compression of a refusal.
pub mod encoding;
/// Says why a message was not sent.
pub mod error;
/// Knows SMS Aero: where it is, what a request says, what a reply means.
pub mod gateway;
/// Remembers which gateways could not be connected to.
pub mod health;
/// Says what is wrong with a value in zod's words.
pub mod issue;
/// Says sorry in the language of whoever signs in.
pub mod language;
/// Decides whose a row of SMS Aero's list is.
pub mod ledger;
/// Describes the connector to Logto.
pub mod metadata;
/// Masks phone numbers and knows which ones may be written to.
pub mod phone;
/// Knows the proxy on the way to a gateway.
pub mod proxy;
/// Knows what SMS Aero answers to questions.
pub mod reading;
/// Names the reasons for which a message is not sent.
pub mod reason;
/// Takes secrets out of texts from outside.
pub mod redact;
/// Looks up host names.
pub mod resolve;
/// Counts the parts of a message.
pub mod segment;
/// Sends one message, from configuration to outcome.
pub mod send;
/// Chooses a template and fills it.
pub mod template;
/// The public record of a send.
pub mod trace;
/// Sends one request at most once.
pub mod transport;
/// Holds text as JavaScript does.
pub mod utf16;
