//! SMS Aero for Logto: the configuration guard, the templates and the HTTP client, plain Rust that knows neither Node nor JavaScript.
//!
//! The modules, in the order in which a message passes them.

/// Reads an SMS Aero configuration from an untyped value.
pub mod config;
/// Says why a message was not sent.
pub mod error;
/// Knows SMS Aero: where it is, what a request says, what a reply means.
pub mod gateway;
/// Remembers which gateways could not be connected to.
pub mod health;
/// Says what is wrong with a value in zod's words.
pub mod issue;
/// Describes the connector to Logto.
pub mod metadata;
/// Masks phone numbers and knows which ones may be written to.
pub mod phone;
/// Knows the proxy on the way to a gateway.
pub mod proxy;
/// Keeps secrets out of texts from outside.
pub mod redact;
/// Counts the parts of a message.
pub mod segment;
/// Tells the story of a message.
pub mod send;
/// Chooses a template and fills it.
pub mod template;
/// Tells what became of a send.
pub mod trace;
/// Talks to a gateway over a socket.
pub mod transport;
/// Holds text as JavaScript does.
pub mod utf16;
