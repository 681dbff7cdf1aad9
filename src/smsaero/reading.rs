//! What SMS Aero's methods that only read answer: the list of messages, the state of one, the balance, sender names.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::smsaero::gateway::{
    Accepted, Refusal, accepted, decimal, envelope, integer, refusal_of_status, refusal_of_success,
};

/// What a reply to a question means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What was asked for.
    Data(Value),
    /// Nothing, and why.
    Refused(Refusal),
    /// Not SMS Aero, or not this method.
    NotAReply,
}

/// Judges a whole reply to a question.
#[must_use]
pub fn judge(status: u16, body: &[u8]) -> Reading {
    let json = envelope(body);
    if !(200..300).contains(&status) {
        return Reading::Refused(refusal_of_status(status, body, json.as_ref()));
    }
    let Some(mut json) = json else { return Reading::NotAReply };
    if let Some(refusal) = refusal_of_success(&json) {
        return Reading::Refused(refusal);
    }
    let is_success = json.get("success") == Some(&Value::Bool(true));
    json.get_mut("data").filter(|_| is_success).map_or(Reading::NotAReply, |data| Reading::Data(data.take()))
}

/// A message in SMS Aero's list. It has no `Debug`: its text and number are nobody's to print.
#[derive(Clone)]
pub struct Row {
    /// The phone number in digits.
    pub number: String,
    /// The text, as it was sent.
    pub text: String,
    /// What a receipt would say.
    pub accepted: Accepted,
}

impl Row {
    /// Whether SMS Aero says that the message will not arrive.
    #[must_use]
    pub const fn is_rejected(&self) -> bool {
        matches!(self.accepted.status, Some(2 | 6))
    }
}

/// The rows of a list; `None` for something else. A row that lacks a part that proves anything is left out.
#[must_use]
pub fn rows(data: &Value) -> Option<Vec<Row>> {
    let row = |value: &Value| {
        Some(Row {
            number: digits(value.get("number")?)?,
            text: value.get("text")?.as_str()?.to_owned(),
            accepted: accepted(value)?,
        })
    };
    Some(items(data)?.filter_map(row).collect())
}

/// A message's state at SMS Aero.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageStatus {
    #[serde(flatten)]
    accepted: Accepted,
    /// When the operator answered for the phone, in unix seconds.
    date_answer: Option<i64>,
    state: State,
    is_final: bool,
}

/// The states of a message, as SMS Aero numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Queued,
    Delivered,
    Undelivered,
    AtOperator,
    Waiting,
    Rejected,
    Moderation,
    /// Not documented.
    Unknown,
}

/// The state of a message; `None` for something else.
#[must_use]
pub fn message_status(data: &Value) -> Option<MessageStatus> {
    let accepted = accepted(data)?;
    let state = match accepted.status? {
        0 => State::Queued,
        1 => State::Delivered,
        2 => State::Undelivered,
        3 => State::AtOperator,
        4 => State::Waiting,
        6 => State::Rejected,
        8 => State::Moderation,
        _ => State::Unknown,
    };
    let is_final = matches!(state, State::Delivered | State::Undelivered | State::Rejected);
    Some(MessageStatus { accepted, date_answer: data.get("dateAnswer").and_then(integer), state, is_final })
}

/// The balance, in the account's currency; `None` for something else.
#[must_use]
pub fn balance(data: &Value) -> Option<f64> {
    decimal(data.get("balance")?)
}

/// A sender name of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SenderName {
    id: Option<i64>,
    name: String,
    status: Option<i64>,
    is_approved: bool,
    extend_status: Option<String>,
}

/// A page of sender names, and how many there are in all; `None` for something else.
#[must_use]
pub fn sender_names(data: &Value) -> Option<(Vec<SenderName>, usize)> {
    /// Of the states of a name, the one that counts.
    const APPROVED: i64 = 1;
    let name = |value: &Value| {
        let status = value.get("status").and_then(integer);
        Some(SenderName {
            id: value.get("id").and_then(integer),
            name: value.get("name")?.as_str()?.to_owned(),
            status,
            is_approved: status == Some(APPROVED),
            extend_status: value.get("extendStatus").and_then(Value::as_str).map(str::to_owned),
        })
    };
    let names = items(data)?.filter_map(name).collect::<Vec<_>>();
    let total = data.get("totalCount").and_then(integer).and_then(|count| usize::try_from(count).ok());
    let total = total.unwrap_or(names.len());
    Some((names, total))
}

/// The items of a page: an object keyed "0", "1" … beside `links` and `totalCount`, or an array.
fn items(data: &Value) -> Option<Box<dyn Iterator<Item = &Value> + '_>> {
    let is_place = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    match data {
        Value::Array(list) => Some(Box::new(list.iter())),
        Value::Object(fields) if is_page(fields) || fields.keys().any(|key| is_place(key)) => {
            Some(Box::new(fields.iter().filter(move |(key, _)| is_place(key)).map(|(_, value)| value)))
        }
        _ => None,
    }
}

fn is_page(fields: &Map<String, Value>) -> bool {
    fields.is_empty() || fields.contains_key("totalCount") || fields.contains_key("links")
}

/// A phone number, which the provider writes as a number or in quotes.
fn digits(value: &Value) -> Option<String> {
    let number = value.as_u64().map(|number| number.to_string());
    number.or_else(|| value.as_str().map(|text| text.trim_start_matches('+').to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Reading, balance, judge, message_status, rows, sender_names};

    fn ids(data: &Value) -> Option<Vec<u64>> {
        Some(rows(data)?.iter().map(|row| row.accepted.id).collect())
    }

    #[test]
    fn a_list_is_read_in_every_form_that_was_seen() {
        let row =
            json!({ "id": 5, "number": 79_001_234_567_u64, "text": "a", "status": 0, "cost": "1.50", "dateCreate": 9 });
        let page = json!({ "0": row, "links": { "self": "1" }, "totalCount": "1" });
        assert_eq!(ids(&page), Some(vec![5]));
        assert_eq!(ids(&json!([row])), Some(vec![5]));
        let text = json!({ "0": { "id": "6", "number": "+79001234567", "text": "a", "cost": 1.5 } });
        assert_eq!(ids(&text), Some(vec![6]));
        assert_eq!(rows(&text).unwrap()[0].number, "79001234567");
        assert_eq!(ids(&json!({ "links": {}, "totalCount": "0" })), Some(vec![]));
        assert_eq!(ids(&json!([])), Some(vec![]));
        assert_eq!(ids(&json!([{ "id": 5, "number": 1, "text": null }, 7, null])), Some(vec![]));
        for other in [json!(null), json!("x"), json!({ "balance": 1 })] {
            assert_eq!(ids(&other), None, "{other}");
        }
    }

    #[test]
    fn a_question_is_answered_refused_or_not_understood() {
        assert_eq!(
            judge(200, br#"{"success":true,"data":{"balance":"7.5"}}"#),
            Reading::Data(json!({ "balance": "7.5" }))
        );
        assert!(matches!(judge(200, br#"{"success":false,"data":null,"message":"no"}"#), Reading::Refused(_)));
        assert!(matches!(judge(401, b"<html>"), Reading::Refused(_)));
        assert_eq!(judge(200, b"<html>"), Reading::NotAReply);
        assert_eq!(judge(200, br#"{"success":true}"#), Reading::NotAReply);
        assert_eq!(balance(&json!({ "balance": "7.5" })), Some(7.5));
        assert_eq!(balance(&json!({ "balance": null })), None);
    }

    #[test]
    fn every_status_has_a_word_and_three_are_final() {
        let states = [0, 1, 2, 3, 4, 6, 8, 99]
            .map(|status| json!(message_status(&json!({ "id": 1, "status": status })).unwrap()))
            .map(|status| (status["state"].as_str().unwrap_or_default().to_owned(), status["isFinal"] == true));
        let states = states.iter().map(|(state, is_final)| (state.as_str(), *is_final)).collect::<Vec<_>>();
        assert_eq!(
            states,
            [
                ("queued", false),
                ("delivered", true),
                ("undelivered", true),
                ("at_operator", false),
                ("waiting", false),
                ("rejected", true),
                ("moderation", false),
                ("unknown", false)
            ]
        );
        assert!(message_status(&json!({ "id": 1 })).is_none() && message_status(&json!({ "status": 1 })).is_none());
    }

    #[test]
    fn sender_names_say_whether_they_are_approved() {
        let data = json!({
            "0": { "id": 1, "name": "Shop", "status": 1, "extendStatus": "active" },
            "1": { "id": 2, "name": "New", "status": "0" }, "totalCount": "3",
        });
        let (names, total) = sender_names(&data).unwrap();
        assert_eq!((names.len(), total), (2, 3));
        assert_eq!((names[0].is_approved, names[1].is_approved), (true, false));
    }
}
