//! SMS Aero's API as pure functions over bytes. Knows no Logto and no network.

/// Accounts: credentials, sender name, test mode.
pub mod account;

/// Methods and bodies of requests.
pub mod request;

/// The meaning of replies.
pub mod reply;

/// Why a message is not sent, as a stable code.
pub mod reason;

/// Counts the parts of a message.
pub mod segment;

/// Phone numbers.
pub mod phone;
