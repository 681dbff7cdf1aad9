//! SMS Aero's API as pure functions over bytes.

/// Accounts: credentials, sender name, test mode.
pub mod account;
/// Base URLs, requests, and what a reply to a message means.
pub mod gateway;
/// Masks phone numbers and limits which ones may receive messages.
pub mod phone;
/// What a reply to a read-only call means.
pub mod reading;
/// Why a message is not sent, as a stable code.
pub mod reason;
/// Counts the parts of a message.
pub mod segment;
