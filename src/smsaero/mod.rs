//! SMS Aero's API as pure functions over bytes.

/// Accounts: credentials, sender name, test mode.
pub mod account;
/// Base URLs.
pub mod gateway;
/// Masks phone numbers and limits which ones may receive messages.
pub mod phone;
/// Why a message is not sent, as a stable code.
pub mod reason;
/// The meaning of replies.
pub mod reply;
/// Methods and bodies of requests.
pub mod request;
/// Counts the parts of a message.
pub mod segment;
