//! An SMS Aero account: credentials, sender name, test mode.

use reqwest::header::HeaderValue;

use super::request::authorization;

/// The sender name that all customers share, as SMS Aero's own examples spell it.
pub const SHARED_NAME: &str = "SMS Aero";

/// An account of SMS Aero. It has no `Debug`, so that its key cannot be printed.
pub struct Account {
    /// The e-mail address, which is the user name.
    pub email: String,
    /// The API key.
    pub api_key: String,
    /// The credentials as a header.
    pub authorization: HeaderValue,
    /// The sender name.
    pub sign: String,
    /// True if messages go to the method that sends and charges nothing, and questions to its counterparts.
    pub test_mode: bool,
}

impl Account {
    /// An account with these credentials.
    pub fn new(email: String, api_key: String, sign: String, test_mode: bool) -> Self {
        Self { authorization: authorization(&email, &api_key), email, api_key, sign, test_mode }
    }
}
