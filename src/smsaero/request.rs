//! Requests to SMS Aero's API: methods, JSON bodies, the `Authorization` header.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use reqwest::header::HeaderValue;
use serde::Serialize;

/// The base URLs of SMS Aero's own gateways, in the official order.
pub const OFFICIAL_GATEWAYS: [&str; 3] =
    ["https://gate.smsaero.ru", "https://gate.smsaero.org", "https://gate.smsaero.net"];

/// The most of a reply to a message that is read, in bytes.
const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// A method of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Sends a message.
    Send,
    /// The messages of the account, in pages.
    List,
    /// One message.
    Status,
    /// The account's money.
    Balance,
    /// The account's sender names, in pages.
    SenderNames,
}

impl Method {
    /// The path below a gateway's base URL; for test messages there are methods of their own, which send and charge nothing.
    pub const fn path(self, test_mode: bool) -> &'static str {
        match (self, test_mode) {
            (Self::Send, false) => "/v2/sms/send",
            (Self::Send, true) => "/v2/sms/testsend",
            (Self::List, false) => "/v2/sms/list",
            (Self::List, true) => "/v2/sms/testlist",
            (Self::Status, false) => "/v2/sms/status",
            (Self::Status, true) => "/v2/sms/teststatus",
            (Self::Balance, _) => "/v2/balance",
            (Self::SenderNames, _) => "/v2/sign/list",
        }
    }

    /// The most of a reply's body that is read, in bytes. A page of messages or of sender names may be long.
    pub const fn body_limit_bytes(self) -> usize {
        if matches!(self, Self::Send) { BODY_LIMIT_BYTES } else { 16 * BODY_LIMIT_BYTES }
    }
}

/// The fields of [`Method::Send`].
#[derive(Serialize)]
pub struct SendParams<'a> {
    /// The phone number: digits with the country code.
    pub number: &'a str,
    /// The sender name.
    pub sign: &'a str,
    /// The message.
    pub text: &'a str,
}

/// The JSON body of a call with these fields.
pub fn body(fields: &impl Serialize) -> Bytes {
    // Strings and numbers always serialize.
    serde_json::to_vec(fields).unwrap_or_default().into()
}

/// The `Authorization` header of an account.
pub fn authorization(email: &str, api_key: &str) -> HeaderValue {
    let credentials = STANDARD.encode(format!("{email}:{api_key}"));
    // Base64 is always valid in a header.
    let mut value =
        HeaderValue::try_from(format!("Basic {credentials}")).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::{SendParams, authorization, body};

    #[test]
    fn a_send_request_has_the_bytes_of_the_official_connector() {
        let params = SendParams { number: "79001234567", sign: "SMS Aero", text: "Код \"1\"\n" };
        assert_eq!(body(&params), r#"{"number":"79001234567","sign":"SMS Aero","text":"Код \"1\"\n"}"#);
        assert_eq!(authorization("a@b.co", "ключ"), "Basic YUBiLmNvOtC60LvRjtGH");
    }
}
