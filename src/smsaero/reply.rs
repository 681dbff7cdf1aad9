//! The meaning of a reply. Nothing counts as accepted unless the reply shows it.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{phone::last_digits, reason::Reason};

/// States of a message that will not arrive.
const UNDELIVERED: i64 = 2;
const REJECTED: i64 = 6;

/// Parses the reply to a message to this number. `body` is `None` if it came compressed, which was not asked for.
pub fn parse_send_reply(status: u16, body: Option<&[u8]>, number: &str) -> Result<Accepted, ReplyError> {
    let reply = parse(status, body)?;
    if let Some(refusal) = old_refusal(&reply) {
        return Err(ReplyError::Refused(refusal));
    }
    let message = match (reply.get("success"), reply.get("data")) {
        (Some(_), Some(Value::Array(list))) => list.first().filter(|_| list.len() == 1),
        (Some(_), data) => data,
        // The old style has no envelope.
        (None, _) => Some(&reply).filter(|message| message.get("id").is_some_and(Value::is_number)),
    };
    let message = message.filter(|message| is_about(message, number)).ok_or(ReplyError::Unreadable)?;
    if matches!(integer(message, "status"), Some(UNDELIVERED | REJECTED)) {
        return Err(ReplyError::Refused(Refusal::new(Reason::Rejected, words(&reply, "message"))));
    }
    accepted(message).ok_or(ReplyError::Unreadable)
}

/// Parses the reply to a read-only call and returns its `data`. `body` is `None` if it came compressed.
pub fn parse_read_reply(status: u16, body: Option<&[u8]>) -> Result<Value, ReplyError> {
    let mut reply = parse(status, body)?;
    let is_success = reply.get("success").is_some();
    reply.get_mut("data").filter(|_| is_success).map(Value::take).ok_or(ReplyError::Unreadable)
}

/// A reply that does not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// SMS Aero, or a host that answered instead of it, refused.
    Refused(Refusal),
    /// An HTTP success that is not SMS Aero's, not this method's, or about another message.
    Unreadable,
}

/// A refusal of a message or of a read-only call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of reason.
    pub reason: Reason,
    /// The body of an HTTP error, or the envelope's message of a refusal with HTTP 200.
    pub message: Option<String>,
    /// The sentence in the envelope, or a short body that is no envelope: safe to display.
    pub sentence: Option<String>,
    /// Fields of the request that the provider found wrong, with its codes.
    pub fields: Vec<FieldFault>,
    /// True if SMS Aero itself refused, and cannot list the message.
    pub is_plain: bool,
}

impl Refusal {
    fn new(reason: Reason, message: Option<String>) -> Self {
        let sentence = message.as_deref().and_then(sentence);
        Self { reason, sentence, message, fields: Vec::new(), is_plain: false }
    }
}

/// A field of the request that the provider found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The field.
    pub field: Field,
    /// The provider's codes, such as `required`.
    pub codes: Vec<String>,
}

/// The fields of a send request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `number`
    Number,
    /// `sign`
    Sign,
    /// `text`
    Text,
}

/// A message as SMS Aero describes it once it has accepted it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The provider's id of the message.
    #[serde(serialize_with = "serialize_id")]
    pub id: u64,
    /// The sender name in use.
    pub from: Option<String>,
    /// 0 queued, 1 delivered, 3 with the operator, 4 waiting, 8 in moderation.
    pub status: Option<i64>,
    /// The status in a word.
    pub extend_status: Option<String>,
    /// The provider's channel, such as "FREE SIGN".
    pub channel: Option<String>,
    /// The price in the account's currency.
    pub cost: Option<f64>,
    /// Unix seconds.
    pub date_create: Option<i64>,
    /// Unix seconds.
    pub date_send: Option<i64>,
}

impl Accepted {
    /// True if the message will not arrive.
    pub const fn is_rejected(&self) -> bool {
        matches!(self.status, Some(UNDELIVERED | REJECTED))
    }
}

/// Serializes an id as a number, or as a string of digits where JavaScript's numbers are not exact.
pub(crate) fn serialize_id<S: Serializer>(
    id: &(impl Into<Option<u64>> + Copy),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
    match (*id).into() {
        Some(id) if id > MAX_SAFE_INTEGER => serializer.collect_str(&id),
        id => id.serialize(serializer),
    }
}

/// A message in SMS Aero's list. It has no `Debug`, so that its text and number cannot be printed.
#[derive(Clone)]
pub struct Row {
    /// The phone number in digits.
    pub number: String,
    /// The text, as it was sent.
    pub text: String,
    /// Unix seconds.
    pub date_create: Option<i64>,
    /// The rest, as in a receipt; `None` if it has no id.
    pub accepted: Option<Accepted>,
}

/// Returns the rows of a list; `None` if it is no list. A row without number or text is left out.
pub fn rows(data: &Value) -> Option<Vec<Row>> {
    let row = |row: &Value| {
        let (number, text) = (digits(row.get("number")?)?, text(row, "text")?);
        Some(Row { number, text, date_create: integer(row, "dateCreate"), accepted: accepted(row) })
    };
    Some(items(data)?.into_iter().filter_map(row).collect())
}

/// The state of a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageStatus {
    #[serde(flatten)]
    accepted: Accepted,
    /// When the operator answered for the phone, in unix seconds.
    date_answer: Option<i64>,
    state: &'static str,
    is_final: bool,
}

/// Returns the state of a message; `None` if there is none.
pub fn message_status(data: &Value) -> Option<MessageStatus> {
    let accepted = accepted(data)?;
    let (state, is_final) = match accepted.status? {
        0 => ("queued", false),
        1 => ("delivered", true),
        UNDELIVERED => ("undelivered", true),
        3 => ("at_operator", false),
        4 => ("waiting", false),
        REJECTED => ("rejected", true),
        8 => ("moderation", false),
        // Not documented.
        _ => ("unknown", false),
    };
    Some(MessageStatus { accepted, date_answer: integer(data, "dateAnswer"), state, is_final })
}

/// Returns the balance in the account's currency; `None` if there is none.
pub fn balance(data: &Value) -> Option<f64> {
    decimal(data, "balance")
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

/// Returns a page of sender names and the number of all of them; `None` if it is no page.
pub fn sender_names(data: &Value) -> Option<(Vec<SenderName>, usize)> {
    const APPROVED: i64 = 1;
    let name = |row: &Value| {
        let status = integer(row, "status");
        Some(SenderName {
            id: integer(row, "id"),
            name: text(row, "name")?,
            status,
            is_approved: status == Some(APPROVED),
            extend_status: text(row, "extendStatus"),
        })
    };
    let names = items(data)?.into_iter().filter_map(name).collect::<Vec<_>>();
    let total = integer(data, "totalCount").unwrap_or(names.len());
    Some((names, total))
}

/// Parses a reply that is not a refusal by its HTTP status or by `success`, into the JSON object that every reply is. If
/// `success` is there, it is true; any other part may be missing or of another type.
fn parse(status: u16, body: Option<&[u8]>) -> Result<Value, ReplyError> {
    let reply = body.and_then(json_object);
    if !(200..300).contains(&status) {
        return Err(ReplyError::Refused(refusal_of_status(status, body, reply.as_ref())));
    }
    let reply = reply.ok_or(ReplyError::Unreadable)?;
    match reply.get("success") {
        None | Some(Value::Bool(true)) => Ok(reply),
        Some(Value::Bool(false)) => {
            let message = words(&reply, "message");
            let reason = reason_of_message(message.as_deref().unwrap_or_default());
            let fields = field_faults(&reply);
            Err(ReplyError::Refused(Refusal { fields, is_plain: true, ..Refusal::new(reason, message) }))
        }
        Some(_) => Err(ReplyError::Unreadable),
    }
}

/// Parses a body, which may begin with a byte order mark.
fn json_object(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let json = serde_json::from_slice(body).or_else(|_| serde_json::from_str(&well_formed(body)));
    json.ok().filter(Value::is_object)
}

/// Maps a non-2xx status to a refusal.
fn refusal_of_status(status: u16, body: Option<&[u8]>, reply: Option<&Value>) -> Refusal {
    let reason = match status {
        400 | 422 => Reason::Validation,
        401 | 403 => Reason::Unauthorized,
        402 => Reason::NoMoney,
        404 => Reason::IpNotAllowed,
        429 => Reason::RateLimited,
        // SMS Aero timed out, or a proxy in front of it did.
        408 | 500.. => Reason::Unavailable,
        // The API answered in its own form, though with an undocumented status.
        405..500 if reply.is_some() => Reason::Rejected,
        _ => Reason::BadResponse,
    };
    // The limit may have left half of a character at the end.
    let decoded = |body| String::from_utf8_lossy(body).trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned();
    let refusal = Refusal::new(reason, body.map(decoded));
    let Some(reply) = reply else { return refusal };
    let sentence = reply.get("message").and_then(Value::as_str).and_then(sentence);
    let is_plain = reason != Reason::Unavailable && reply.get("success") == Some(&Value::Bool(false));
    Refusal { sentence, fields: field_faults(reply), is_plain, ..refusal }
}

/// Returns the refusal of the old style: a `result` and perhaps a `reason`.
fn old_refusal(reply: &Value) -> Option<Refusal> {
    let result = text(reply, "result")?;
    if result == "accepted" && (reply.get("success").is_some() || reply.get("id").is_some()) {
        return None;
    }
    let message = words(reply, "reason").unwrap_or_else(|| result.clone());
    Some(Refusal::new(reason_of_message(&format!("{result} {message}")), Some(message)))
}

/// Maps the message of a refusal with HTTP 200, the only place of its reason.
fn reason_of_message(message: &str) -> Reason {
    let message = message.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if has(&["not enough money", "no credits", "no money"]) {
        Reason::NoMoney
    } else if has(&["invalid credentials", "unauthorized"]) {
        Reason::Unauthorized
    } else if has(&["ip-address", "ip address"]) {
        Reason::IpNotAllowed
    } else if has(&["validation error"]) {
        Reason::Validation
    } else {
        Reason::Rejected
    }
}

fn field_faults(reply: &Value) -> Vec<FieldFault> {
    /// The most codes of one field that an error repeats.
    const MOST_CODES: usize = 8;
    let fault = |(name, codes): (&String, &Value)| {
        let field = match name.as_str() {
            "number" | "numbers" => Field::Number,
            "sign" => Field::Sign,
            "text" => Field::Text,
            _ => return None,
        };
        let codes = match codes {
            Value::Array(list) => list.iter().take(MOST_CODES).map(plain).collect(),
            other => vec![plain(other)],
        };
        Some(FieldFault { field, codes })
    };
    reply.get("data").and_then(Value::as_object).into_iter().flatten().filter_map(fault).collect()
}

/// True unless the message has another number.
fn is_about(message: &Value, number: &str) -> bool {
    let Some(echo @ (Value::Number(_) | Value::String(_))) = message.get("number") else { return true };
    digits(echo).is_some_and(|echo| last_digits(&echo) == last_digits(number))
}

fn accepted(message: &Value) -> Option<Accepted> {
    Some(Accepted {
        id: integer(message, "id")?,
        from: text(message, "from"),
        status: integer(message, "status"),
        extend_status: text(message, "extendStatus"),
        channel: text(message, "channel"),
        cost: decimal(message, "cost"),
        date_create: integer(message, "dateCreate"),
        date_send: integer(message, "dateSend"),
    })
}

/// Returns the items of a page: an object keyed "0", "1" … beside `links` and `totalCount`, or an array.
fn items(data: &Value) -> Option<Vec<&Value>> {
    let Value::Object(fields) = data else { return data.as_array().map(|list| list.iter().collect()) };
    let numbered = fields.iter().filter(|(key, _)| key.parse::<usize>().is_ok());
    let items = numbered.map(|(_, value)| value).collect::<Vec<_>>();
    let is_page = fields.is_empty() || fields.contains_key("totalCount") || fields.contains_key("links");
    (is_page || !items.is_empty()).then_some(items)
}

/// Returns the digits of a phone number, which the provider writes as a number or as a string.
fn digits(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.chars().filter(char::is_ascii_digit).collect()),
        _ => u64::try_from(whole(value)?).ok().map(|number| number.to_string()),
    }
}

/// Returns a whole number, which the provider writes as a number or as a string.
fn whole(value: &Value) -> Option<i128> {
    match value {
        // A float that is whole has no point when printed.
        Value::Number(number) => number.as_i128().or_else(|| number.as_f64()?.to_string().parse().ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn integer<T: TryFrom<i128>>(object: &Value, key: &str) -> Option<T> {
    T::try_from(whole(object.get(key)?)?).ok()
}

fn decimal(object: &Value, key: &str) -> Option<f64> {
    let value = object.get(key)?;
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

fn text(object: &Value, key: &str) -> Option<String> {
    object.get(key)?.as_str().map(str::to_owned)
}

/// Returns words of the provider that are meant for people, of any type but `null`.
fn words(object: &Value, key: &str) -> Option<String> {
    object.get(key).filter(|value| !value.is_null()).map(plain)
}

/// Returns a string without quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns a text if it reads as a sentence, not as a page or a dump.
fn sentence(text: &str) -> Option<String> {
    let text = text.trim();
    let reads = !text.is_empty() && text.chars().count() <= 200 && !text.contains(['<', '{', '\n', '\r']);
    reads.then(|| text.to_owned())
}

/// Replaces bytes that are not UTF-8 and escapes of lone surrogates. The provider may cut the echo of a message in the middle
/// of a character.
fn well_formed(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((before, escape)) = rest.find('\\').map(|at| rest.split_at(at)) {
        out.push_str(before);
        let (length, replacement) = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(..0xdc00), Some(0xdc00..)) => (12, None),
            (Some(_), _) => (6, Some("\\ufffd")),
            // The backslash and the character after it, which may be a backslash.
            (None, _) => (2, None),
        };
        let (escape, after) = escape.split_at_checked(length).unwrap_or((escape, ""));
        out.push_str(replacement.unwrap_or(escape));
        rest = after;
    }
    out + rest
}

/// Returns the surrogate that a text begins with, as an escape.
fn surrogate(text: &str) -> Option<u16> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        Accepted, Field, Refusal, ReplyError, balance, message_status, parse_read_reply, parse_send_reply, rows,
        sender_names, well_formed,
    };
    use crate::smsaero::reason::Reason;

    const NUMBER: &str = "79001234567";

    fn send(status: u16, body: impl AsRef<[u8]>) -> Result<Accepted, ReplyError> {
        parse_send_reply(status, Some(body.as_ref()), NUMBER)
    }

    fn refusal(status: u16, body: impl AsRef<[u8]>) -> Refusal {
        match send(status, body.as_ref()) {
            Err(ReplyError::Refused(refusal)) => refusal,
            other => panic!("{other:?} {}", String::from_utf8_lossy(body.as_ref())),
        }
    }

    #[test]
    fn a_success_is_accepted_in_every_documented_form() {
        for body in [
            r#"{"success":true,"data":{"id":1,"status":8,"cost":"1.95"},"message":null}"#,
            r#"{"success":true,"data":{"id":1,"status":"0","more":[{}]},"message":["odd"],"more":{"a":1}}"#,
            r#"{"success":true,"data":[{"id":1,"status":0}],"message":null}"#,
            r#"{"success":true,"data":{"id":1e2}}"#,
            r#"{"id":12,"status":1}"#,
            r#"{"id":12,"result":"accepted"}"#,
            "\u{feff}{\"success\":true,\"data\":{\"id\":\"17\"}}",
            r#"{"success":true,"data":{"id":1,"status":8,"text":"\ud800"},"message":null}"#,
            r#"{"success":true,"data":{"id":1,"status":8,"text":"\\\ud83d\ude00\udc00\ud83d"},"message":null}"#,
        ] {
            assert!(send(200, body).is_ok(), "{body}");
        }
        assert!(send(299, b"{\"success\":true,\"data\":{\"id\":1,\"text\":\"\xd0\xff\"}}").is_ok());
    }

    #[test]
    fn an_acceptance_tells_all_that_a_receipt_needs() {
        let body = concat!(
            r#"{"success":true,"data":{"id":100000001,"from":"SMS Aero","number":"79001234567","text":"a \"code\"","#,
            r#""status":8,"extendStatus":"moderation","channel":"FREE SIGN","cost":"5.49","dateCreate":1760000000,"#,
            r#""dateSend":1760000001},"message":null}"#,
        );
        let receipt = json!({
            "id": 100_000_001, "from": "SMS Aero", "status": 8, "extendStatus": "moderation", "channel": "FREE SIGN",
            "cost": 5.49, "dateCreate": 1_760_000_000, "dateSend": 1_760_000_001,
        });
        assert_eq!(json!(send(200, body).unwrap()), receipt);
    }

    #[test]
    fn an_id_is_exact_and_a_string_where_javascripts_numbers_are_not() {
        for (id, expected) in [
            ("9007199254740991", json!(9_007_199_254_740_991_u64)),
            ("9007199254740992", json!("9007199254740992")),
            ("9007199254740993", json!("9007199254740993")),
            ("18446744073709551615", json!("18446744073709551615")),
        ] {
            for id in [id.to_owned(), format!("\"{id}\"")] {
                let body = format!(r#"{{"success":true,"data":{{"id":{id},"status":0}}}}"#);
                assert_eq!(json!(send(200, &body).unwrap())["id"], expected, "{body}");
                let data = parse_read_reply(200, Some(body.as_bytes())).unwrap();
                assert_eq!(json!(message_status(&data).unwrap())["id"], expected, "{body}");
            }
        }
    }

    #[test]
    fn an_acceptance_of_another_number_is_unreadable() {
        for (echo, sent, is_accepted) in [
            (json!("79001234567"), "79001234567", true),
            (json!(79_001_234_567_u64), "79001234567", true),
            (json!(79_001_234_567.0), "79001234567", true),
            (json!("+7 900 123-45-67"), "79001234567", true),
            (json!("79001234567"), "+7 (900) 123-45-67", true),
            (json!("79001234567"), "89001234567", true),
            (json!("9001234567"), "79001234567", true),
            (json!("1234567"), "1234567", true),
            (json!(null), "79001234567", true),
            (json!("79001234568"), "79001234567", false),
            (json!(70_000_000_000_u64), "79001234567", false),
            (json!("71234567"), "1234567", false),
            (json!("1234567"), "79001234567", false),
            (json!(1.5), "79001234567", false),
            (json!(""), "79001234567", false),
        ] {
            for status in [0, 6] {
                let message = json!({ "id": 1, "status": status, "number": echo });
                for body in [json!({ "success": true, "data": message }), message] {
                    let reply = parse_send_reply(200, Some(body.to_string().as_bytes()), sent);
                    assert_eq!(reply.is_ok(), is_accepted && status == 0, "{body} {sent}");
                    assert_eq!(reply == Err(ReplyError::Unreadable), !is_accepted, "{body} {sent}");
                }
            }
        }
    }

    #[test]
    fn a_success_without_one_message_is_unreadable() {
        let other = ["", "<html>", "null", "[]", "{}", "17", r#"{"id":"12"}"#, r#"{"success":true}"#];
        for body in other.into_iter().chain([
            r#"{"success":true,"data":null,"message":"Successful authorization."}"#,
            r#"{"success":true,"data":[]}"#,
            r#"{"success":true,"data":[{"id":1},{"id":2}]}"#,
            r#"{"success":"true","data":{"id":1}}"#,
            r#"{"success":true,"data":{"id":1.5}}"#,
            r#"{"success":true,"data":{"id":-1}}"#,
            r#"{"success":true,"data":{"id":18446744073709551616}}"#,
            r#"{"success":true,"data":{"id":1,"status":8}} {}"#,
            r#"{"success":true,"data":{"id":1,"status":8}"#,
        ]) {
            assert_eq!(send(200, body), Err(ReplyError::Unreadable), "{body}");
        }
    }

    #[test]
    fn a_refusal_with_http_200_is_known_by_its_message() {
        for (body, expected) in [
            (r#"{"success":false,"data":null,"message":null}"#, Reason::Rejected),
            (r#"{"success":false,"message":["odd"]}"#, Reason::Rejected),
            (r#"{"success":false,"message":"Not enough money"}"#, Reason::NoMoney),
            (r#"{"success":false,"message":"Your request was made with invalid credentials."}"#, Reason::Unauthorized),
            (r#"{"success":false,"message":"Invalid ip-address"}"#, Reason::IpNotAllowed),
            (r#"{"success":false,"data":{"sign":["required"]},"message":"Validation error."}"#, Reason::Validation),
            (r#"{"success":true,"data":{"id":1,"status":6}}"#, Reason::Rejected),
            (r#"{"success":true,"data":[{"id":1,"status":2}]}"#, Reason::Rejected),
            (r#"{"id":1,"status":6}"#, Reason::Rejected),
            (r#"{"result":"reject","reason":"empty field"}"#, Reason::Rejected),
            (r#"{"id":1,"result":"reject"}"#, Reason::Rejected),
            (r#"{"result":"no credits"}"#, Reason::NoMoney),
            (r#"{"result":"accepted"}"#, Reason::Rejected),
        ] {
            assert_eq!(refusal(200, body).reason, expected, "{body}");
        }
    }

    #[test]
    fn a_refusal_is_known_by_its_http_status() {
        for (status, expected) in [
            (301, Reason::BadResponse),
            (400, Reason::Validation),
            (401, Reason::Unauthorized),
            (402, Reason::NoMoney),
            (403, Reason::Unauthorized),
            (404, Reason::IpNotAllowed),
            (408, Reason::Unavailable),
            (422, Reason::Validation),
            (418, Reason::BadResponse),
            (429, Reason::RateLimited),
            (500, Reason::Unavailable),
            (503, Reason::Unavailable),
        ] {
            assert_eq!(refusal(status, "<html>").reason, expected, "{status}");
        }
        assert_eq!(refusal(409, r#"{"success":false}"#).reason, Reason::Rejected);
    }

    #[test]
    fn a_refusal_tells_body_sentence_and_fields() {
        let body =
            r#"{"success":false,"data":{"sign":["required"],"number":"odd","more":1},"message":"Validation error."}"#;
        let Refusal { message, sentence, fields, .. } = refusal(400, body);
        assert_eq!((message.as_deref(), sentence.as_deref()), (Some(body), Some("Validation error.")));
        let mut fields = fields.into_iter().map(|fault| (fault.field, fault.codes.join(" "))).collect::<Vec<_>>();
        fields.sort_by_key(|(field, _)| *field == Field::Sign);
        assert_eq!(fields, [(Field::Number, "odd".to_owned()), (Field::Sign, "required".to_owned())]);
        assert_eq!(refusal(402, " Not enough money\n").sentence.as_deref(), Some("Not enough money"));
        assert_eq!(refusal(502, "<html>").sentence, None);
        assert_eq!(refusal(402, b"Not enough \xd0").message.as_deref(), Some("Not enough "), "half a character");
    }

    #[test]
    fn a_compressed_refusal_has_only_its_status_and_a_compressed_success_is_unreadable() {
        let refused = || Err(ReplyError::Refused(Refusal::new(Reason::NoMoney, None)));
        assert_eq!(parse_send_reply(402, None, NUMBER), refused());
        assert_eq!(parse_read_reply(402, None), refused().map(|_: Accepted| Value::Null));
        assert_eq!(parse_send_reply(200, None, NUMBER), Err(ReplyError::Unreadable));
        assert_eq!(parse_read_reply(200, None), Err(ReplyError::Unreadable));
    }

    #[test]
    fn an_echo_that_is_not_unicode_is_replaced() {
        for (body, expected) in [
            (r#""\ud800 \\ud800 \uD83D\uDE00 \""#, r#""\ufffd \\ud800 \uD83D\uDE00 \""#),
            (r"\\\ud83d\ude00\udc00\ud83d", r"\\\ud83d\ude00\ufffd\ufffd"),
            (r"\ud83d \ude00 \ud83d\n\u00e9\ud8", r"\ufffd \ufffd \ufffd\n\u00e9\ud8"),
            (r"\ud83d\\ude00", r"\ufffd\\ude00"),
        ] {
            assert_eq!(well_formed(body.as_bytes()), expected);
        }
        assert_eq!(well_formed(b"\xd0\xff"), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_read_only_call_returns_data_or_is_refused_or_unreadable() {
        let parse = |status, body: &str| parse_read_reply(status, Some(body.as_bytes()));
        assert_eq!(parse(200, r#"{"success":true,"data":{"balance":"7.5"}}"#), Ok(json!({ "balance": "7.5" })));
        for (status, body) in [(200, r#"{"success":false,"data":null,"message":"no"}"#), (401, "<html>")] {
            assert!(matches!(parse(status, body), Err(ReplyError::Refused(_))), "{body}");
        }
        for body in ["<html>", r#"{"success":true}"#, r#"{"data":{"balance":1}}"#] {
            assert_eq!(parse(200, body), Err(ReplyError::Unreadable), "{body}");
        }
        assert_eq!(balance(&json!({ "balance": "7.5" })), Some(7.5));
        assert_eq!(balance(&json!({ "balance": null })), None);
    }

    #[test]
    fn a_list_may_be_an_object_or_an_array() {
        let ids = |data: &Value| {
            Some(rows(data)?.into_iter().map(|row| row.accepted.map_or(0, |accepted| accepted.id)).collect::<Vec<_>>())
        };
        let row =
            json!({ "id": 5, "number": 79_001_234_567_u64, "text": "a", "status": 0, "cost": "1.50", "dateCreate": 9 });
        let text = json!({ "0": { "id": "6", "number": "+79001234567", "text": "a", "cost": 1.5 } });
        for (data, expected) in [
            (json!({ "0": row, "links": { "self": "1" }, "totalCount": "1" }), Some(vec![5])),
            (json!([row]), Some(vec![5])),
            (text.clone(), Some(vec![6])),
            (json!({ "links": {}, "totalCount": "0" }), Some(vec![])),
            (json!([]), Some(vec![])),
            (json!([{ "id": 5, "number": 1, "text": null }, 7, null]), Some(vec![])),
            (json!(null), None),
            (json!("x"), None),
            (json!({ "balance": 1 }), None),
        ] {
            assert_eq!(ids(&data), expected, "{data}");
        }
        assert_eq!(rows(&text).unwrap()[0].number, NUMBER);
    }

    #[test]
    fn every_status_has_a_state_and_three_are_final() {
        for (status, state, is_final) in [
            (0, "queued", false),
            (1, "delivered", true),
            (2, "undelivered", true),
            (3, "at_operator", false),
            (4, "waiting", false),
            (6, "rejected", true),
            (8, "moderation", false),
            (99, "unknown", false),
        ] {
            let found = json!(message_status(&json!({ "id": 1, "status": status })).unwrap());
            assert_eq!((&found["state"], &found["isFinal"]), (&json!(state), &json!(is_final)));
        }
        assert!(message_status(&json!({ "id": 1 })).is_none() && message_status(&json!({ "status": 1 })).is_none());
    }

    #[test]
    fn sender_names_are_approved_by_their_status() {
        let data = json!({
            "0": { "id": 1, "name": "Shop", "status": 1, "extendStatus": "active" },
            "1": { "id": 2, "name": "New", "status": "0" }, "totalCount": "3",
        });
        let (names, total) = sender_names(&data).unwrap();
        assert_eq!((names.len(), total), (2, 3));
        assert_eq!((names[0].is_approved, names[1].is_approved), (true, false));
    }
}
