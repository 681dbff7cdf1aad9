//! Who speaks to SMS Aero: credentials, the sender name, and whether in earnest.

use reqwest::header::HeaderValue;

use crate::{
    error::ArgumentProblem,
    logto::config::{Config, Untyped, is_email},
    logto::issue::JsType,
    smsaero::gateway::authorization,
};

/// The sender name that all customers share, as SMS Aero's own examples spell it.
const SHARED_NAME: &str = "SMS Aero";

/// An account of SMS Aero. It has no `Debug`, so that its key cannot be printed.
pub struct Account {
    pub(crate) email: String,
    pub(crate) api_key: String,
    pub(crate) authorization: HeaderValue,
    pub(crate) sign: String,
    /// Whether messages go to the method that sends and charges nothing, and questions to its counterparts.
    pub(crate) test_mode: bool,
}

impl Account {
    /// The account of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::of(config.email.clone(), config.api_key.clone(), config.sender_name.clone(), config.test_mode)
    }

    /// The account that somebody names by itself: `email` and `apiKey`, perhaps `senderName` and `testMode`. A whole
    /// configuration will do. The error says which part is wrong.
    pub fn parse<V: Untyped>(input: &V) -> Result<Self, (String, ArgumentProblem)> {
        if input.js_type() != JsType::Object {
            return Err(("account".to_owned(), ArgumentProblem::NotAnObject));
        }
        let part = |key, expected: JsType, problem| {
            let value = input.property(key);
            let wrong = || (format!("account.{key}"), problem);
            if value.js_type() == expected { Ok(value) } else { Err(wrong()) }
        };
        let is_absent = |key| input.property(key).js_type() == JsType::Undefined;
        let text = |key| {
            let value = part(key, JsType::String, ArgumentProblem::NotAString)?;
            if value.is_too_long() {
                return Err((format!("account.{key}"), ArgumentProblem::TooLong));
            }
            let text = value.text();
            if text.units().is_empty() { Err((format!("account.{key}"), ArgumentProblem::Empty)) } else { Ok(text) }
        };
        let email = text("email")?;
        if !is_email(&email) {
            return Err(("account.email".to_owned(), ArgumentProblem::NotAnEmail));
        }
        let api_key = text("apiKey")?.well_formed();
        let sign = if is_absent("senderName") { SHARED_NAME.to_owned() } else { text("senderName")?.well_formed() };
        let test_mode =
            !is_absent("testMode") && part("testMode", JsType::Boolean, ArgumentProblem::NotABoolean)?.is_true();
        Ok(Self::of(email.well_formed(), api_key, sign, test_mode))
    }

    fn of(email: String, api_key: String, sign: String, test_mode: bool) -> Self {
        Self { authorization: authorization(&email, &api_key), email, api_key, sign, test_mode }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Account;

    fn wrong(value: &Value) -> Option<String> {
        Account::parse(&Some(value)).err().map(|(part, problem)| format!("{part} {problem}"))
    }

    #[test]
    fn an_account_needs_credentials_only() {
        let account = Account::parse(&Some(&json!({ "email": "a@b.co", "apiKey": "key" }))).ok().unwrap();
        assert_eq!((account.sign.as_str(), account.test_mode), ("SMS Aero", false));
        let named = json!({ "email": "a@b.co", "apiKey": "key", "senderName": "Shop", "testMode": true, "more": 1 });
        let account = Account::parse(&Some(&named)).ok().unwrap();
        assert_eq!((account.sign.as_str(), account.test_mode), ("Shop", true));
    }

    #[test]
    fn the_part_that_is_wrong_is_named() {
        for (value, sentence) in [
            (json!("a@b.co"), "account is not an object"),
            (json!({}), "account.email is not a string"),
            (json!({ "email": "a at b" }), "account.email is not an e-mail address"),
            (json!({ "email": "a@b.co", "apiKey": "" }), "account.apiKey is empty"),
            (json!({ "email": "a@b.co", "apiKey": 1 }), "account.apiKey is not a string"),
            (json!({ "email": "a@b.co", "apiKey": "k", "senderName": null }), "account.senderName is not a string"),
            (json!({ "email": "a@b.co", "apiKey": "k", "testMode": "no" }), "account.testMode is not true or false"),
        ] {
            assert_eq!(wrong(&value).as_deref(), Some(sentence));
        }
    }
}
