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
    /// Replies like [`Method::Send`], but sends and charges nothing.
    TestSend,
    /// The messages of the account, in pages.
    List,
    /// The messages that went to [`Method::TestSend`], in pages.
    TestList,
    /// One message.
    Status,
    /// One message that went to [`Method::TestSend`].
    TestStatus,
    /// The account's money.
    Balance,
    /// The account's sender names, in pages.
    SenderNames,
}

impl Method {
    /// The path below a gateway's base URL.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Send => "/v2/sms/send",
            Self::TestSend => "/v2/sms/testsend",
            Self::List => "/v2/sms/list",
            Self::TestList => "/v2/sms/testlist",
            Self::Status => "/v2/sms/status",
            Self::TestStatus => "/v2/sms/teststatus",
            Self::Balance => "/v2/balance",
            Self::SenderNames => "/v2/sign/list",
        }
    }

    /// The most of a reply's body that is read, in bytes. A page of messages or of sender names may be long.
    #[must_use]
    pub const fn body_limit_bytes(self) -> usize {
        if self.is_reading() { 16 * BODY_LIMIT_BYTES } else { BODY_LIMIT_BYTES }
    }

    /// True if the method has no side effect, so that it may be called again.
    #[must_use]
    pub const fn is_reading(self) -> bool {
        !matches!(self, Self::Send | Self::TestSend)
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
#[must_use]
pub fn body(fields: &impl Serialize) -> Bytes {
    // Strings and numbers always serialize.
    serde_json::to_vec(fields).unwrap_or_default().into()
}

/// The `Authorization` header of an account.
#[must_use]
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
