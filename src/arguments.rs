//! The options of a connector, and the arguments of the functions that need no Logto.

use std::time::Duration;

use crate::{
    error::ArgumentProblem,
    logto::{
        config::{Untyped, is_email},
        issue::JsType,
    },
    net::{
        client::CONNECT,
        transport::{LONGEST_TOTAL, Limits, TOTAL},
    },
    smsaero::{
        account::{Account, SHARED_NAME},
        segment::MOST_CHARACTERS,
    },
};

/// Parses an account: `email` and `apiKey`, perhaps `senderName` and `testMode`. A whole configuration will do.
///
/// # Errors
/// The part that is wrong.
pub fn account<V: Untyped>(input: &V) -> Result<Account, (String, ArgumentProblem)> {
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
        let text = part(key, JsType::String, ArgumentProblem::NotAString)?.text();
        match text.units().len() {
            0 => Err((format!("account.{key}"), ArgumentProblem::Empty)),
            1..=MOST_CHARACTERS => Ok(text),
            _ => Err((format!("account.{key}"), ArgumentProblem::TooLong)),
        }
    };
    let email = text("email")?;
    if !is_email(&email) {
        return Err(("account.email".to_owned(), ArgumentProblem::NotAnEmail));
    }
    let api_key = text("apiKey")?.well_formed();
    let sign = if is_absent("senderName") { SHARED_NAME.to_owned() } else { text("senderName")?.well_formed() };
    let test_mode =
        !is_absent("testMode") && part("testMode", JsType::Boolean, ArgumentProblem::NotABoolean)?.is_true();
    Ok(Account::new(email.well_formed(), api_key, sign, test_mode))
}

/// Parses the options `timeoutMs` and `connectTimeoutMs`.
///
/// # Errors
/// A sentence that names the option that is wrong.
pub fn limits(total: Option<f64>, connect: Option<f64>) -> Result<Limits, String> {
    let limit = |name: &str, millis: Option<f64>, default: Duration| match millis {
        None => Ok(default),
        Some(millis) if millis >= 1.0 && millis <= LONGEST_TOTAL.as_secs_f64() * 1000.0 => {
            Ok(Duration::from_secs_f64(millis / 1000.0))
        }
        Some(_) => Err(format!(
            "The option `{name}` is not a number of milliseconds from 1 to {}. Logto's sign-in page gives up after 10 seconds.",
            LONGEST_TOTAL.as_millis()
        )),
    };
    Ok(Limits { total: limit("timeoutMs", total, TOTAL)?, connect: limit("connectTimeoutMs", connect, CONNECT)? })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{CONNECT, LONGEST_TOTAL, Limits, TOTAL, account, limits};

    fn wrong(value: &Value) -> Option<String> {
        account(&Some(value)).err().map(|(part, problem)| format!("{part} {problem}"))
    }

    #[test]
    fn an_account_needs_credentials_only() {
        let account = super::account(&Some(&json!({ "email": "a@b.co", "apiKey": "key" }))).ok().unwrap();
        assert_eq!((account.sign.as_str(), account.test_mode), ("SMS Aero", false));
        let named = json!({ "email": "a@b.co", "apiKey": "key", "senderName": "Shop", "testMode": true, "more": 1 });
        let account = super::account(&Some(&named)).ok().unwrap();
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

    #[test]
    fn limits_have_defaults_and_bounds() {
        assert_eq!(limits(None, None), Ok(Limits { total: TOTAL, connect: CONNECT }));
        assert!(limits(Some(9500.0), Some(1.0)).is_ok());
        let longest = LONGEST_TOTAL.as_secs_f64() * 1000.0;
        for bad in [0.0, longest + 0.1, -1.0, f64::NAN, f64::INFINITY] {
            let total = limits(Some(bad), None);
            assert!(total.is_err_and(|sentence| sentence.contains("timeoutMs")), "{bad}");
            let connect = limits(None, Some(bad));
            assert!(connect.is_err_and(|sentence| sentence.contains("connectTimeoutMs")), "{bad}");
        }
    }
}
