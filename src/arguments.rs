//! The arguments of the functions that need no Logto.

use crate::{
    error::ArgumentProblem,
    logto::{
        config::{Untyped, is_email},
        issue::JsType,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::account;

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
}
