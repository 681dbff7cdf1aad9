//! SMS Aero as pure functions: where it is, what a request says, what a reply means.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use reqwest::{Url, header::HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::smsaero::reason::Reason;

/// The official gateways in the official order.
pub const OFFICIAL: [&str; 3] = ["https://gate.smsaero.ru", "https://gate.smsaero.org", "https://gate.smsaero.net"];

/// States of a message that say that it will not arrive.
const UNDELIVERED: i64 = 2;
const REJECTED: i64 = 6;

/// The most of a reply to a message that is read, in bytes.
pub const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// One place that speaks SMS Aero's API: a base URL below which `/v2/` is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gateway(Arc<Url>);

impl Gateway {
    /// Reads a base URL. Plain http is for this machine only: the key travels in a header.
    pub fn parse(base: &str) -> Result<Self, BadGateway> {
        let base = Url::parse(base.trim()).map_err(|_| BadGateway::NotAUrl)?;
        // Credentials first, so that no later sentence can show them.
        if !base.username().is_empty() || base.password().is_some() {
            return Err(BadGateway::Credentials);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(BadGateway::Query);
        }
        match base.scheme() {
            "https" => Ok(Self::at(base)),
            "http" if is_loopback(&base) => Ok(Self::at(base)),
            "http" => Err(BadGateway::PlainHttp(base.host_str().unwrap_or_default().to_owned())),
            _ => Err(BadGateway::NotAUrl),
        }
    }

    /// Reads base URLs from entries, each of which may hold several, separated by commas.
    pub fn parse_all<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, BadGateway> {
        let bases = entries.into_iter().flat_map(|entry| entry.split(',')).map(str::trim);
        let gateways = bases.filter(|base| !base.is_empty()).map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        if gateways.is_empty() { Err(BadGateway::None) } else { Ok(gateways) }
    }

    /// The gateways of SMS Aero itself.
    #[must_use]
    pub fn official() -> Vec<Self> {
        OFFICIAL.iter().filter_map(|base| Self::parse(base).ok()).collect()
    }

    fn at(base: Url) -> Self {
        Self(Arc::new(base))
    }

    /// The address of a path below the base URL.
    #[must_use]
    pub fn url(&self, path: &str) -> Url {
        let mut url = (*self.0).clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// The base URL itself.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.0
    }

    /// The same as people read it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.base().as_str().trim_end_matches('/')
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a URL's host is this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Why something is not a gateway's base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadGateway {
    /// Nothing is listed.
    None,
    /// Not an http or https URL.
    NotAUrl,
    /// It has a user name or a password in it.
    Credentials,
    /// It has a query or a fragment.
    Query,
    /// Plain http to another machine.
    PlainHttp(String),
}

impl fmt::Display for BadGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The SMS Aero gateways (option `gateways`, or the variable SMSAERO_GATEWAYS) cannot be used: ")?;
        match self {
            Self::None => f.write_str("the list is empty. Leave it out to use SMS Aero's own gateways, or name at least one base URL such as https://gate.smsaero.ru."),
            Self::NotAUrl => f.write_str("an entry is not an http(s) URL. Write base URLs such as https://gate.smsaero.ru, separated by commas, and host names in ASCII, with xn-- where they need it."),
            Self::Credentials => f.write_str("an entry has a user name or password in it. Credentials come from the connector's configuration; remove them from the URL."),
            Self::Query => f.write_str("an entry has a query or a fragment. Write the base URL alone, such as https://gate.smsaero.ru."),
            Self::PlainHttp(host) => write!(f, "http://{host} would send the API key unencrypted. Use https; plain http is for this machine (127.0.0.1, [::1], localhost) only."),
        }
    }
}

/// What is asked of SMS Aero.
#[derive(Serialize)]
pub struct Order<'a> {
    /// The phone number: digits with the country code.
    pub number: &'a str,
    /// The sender name.
    pub sign: &'a str,
    /// The message.
    pub text: &'a str,
}

/// What of the API is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Sends a message.
    Send,
    /// Answers like the other one, while nothing is sent or charged.
    TestSend,
    /// The messages of the account, in pages.
    List,
    /// Those that were sent to be answered only.
    TestList,
    /// One message.
    Status,
    /// One of those that were sent to be answered only.
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

    /// Whether it has no side effect, so that it may be asked again.
    #[must_use]
    pub const fn is_reading(self) -> bool {
        !matches!(self, Self::Send | Self::TestSend)
    }
}

/// An HTTP request, whatever gateway it goes to.
#[derive(Clone)]
pub struct Request {
    /// The API method.
    pub method: Method,
    /// The JSON body.
    pub body: Bytes,
    /// The `Authorization` header.
    pub authorization: HeaderValue,
}

impl Request {
    /// A message to send, or a question with what it is about.
    #[must_use]
    pub fn new(method: Method, fields: &impl Serialize, authorization: HeaderValue) -> Self {
        // Strings and numbers always serialize.
        Self { method, body: serde_json::to_vec(fields).unwrap_or_default().into(), authorization }
    }
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

/// What SMS Aero says of a message that it took.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The provider's number for the message.
    pub id: u64,
    /// The sender name in use.
    pub from: Option<String>,
    /// 0 queued, 1 delivered, 3 with the operator, 4 waiting, 8 in moderation.
    pub status: Option<i64>,
    /// The same in a word.
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

/// What a reply means.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// The message is SMS Aero's to deliver.
    Accepted(Accepted),
    /// The message was not taken.
    Refused(Refusal),
    /// A success without a message in it: not SMS Aero, or not this method.
    NotAReply,
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of reason.
    pub reason: Reason,
    /// The provider's words: the body of an HTTP error, the envelope's message of a refusal with HTTP 200.
    pub message: Option<String>,
    /// The sentence in the envelope, or a short body that is no envelope: safe to display.
    pub sentence: Option<String>,
    /// Fields of the request that the provider found wrong, with its codes.
    pub fields: Vec<FieldFault>,
}

/// A field of the request that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// Which one.
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

/// Judges a whole reply. Nothing counts as accepted unless the reply says so.
#[must_use]
pub fn judge(status: u16, body: &[u8]) -> Judgement {
    if (200..300).contains(&status)
        && let Some(accepted) = usually_accepted(body)
    {
        return Judgement::Accepted(accepted);
    }
    judge_at_length(status, body)
}

/// A success as SMS Aero writes it, key for key. It is read without a tree being built of it, which is most of the work;
/// a reply with anything else in it is judged at length, to the same end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsualReply<'a> {
    success: bool,
    #[serde(borrow)]
    data: UsualMessage<'a>,
    #[expect(dead_code, reason = "nothing but null is usual")]
    message: Option<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UsualMessage<'a> {
    id: i64,
    from: Option<String>,
    #[expect(dead_code, reason = "it has to be readable, and nothing more")]
    number: Option<Value>,
    #[serde(borrow)]
    #[expect(dead_code, reason = "it has to be readable, and nothing more")]
    text: Option<Cow<'a, str>>,
    status: i64,
    extend_status: Option<String>,
    channel: Option<String>,
    cost: Option<Value>,
    date_create: Option<i64>,
    date_send: Option<i64>,
}

fn usually_accepted(body: &[u8]) -> Option<Accepted> {
    let UsualReply { success: true, data, .. } = serde_json::from_slice(body).ok()? else { return None };
    if matches!(data.status, UNDELIVERED | REJECTED) {
        return None;
    }
    Some(Accepted {
        id: data.id.try_into().ok()?,
        from: data.from,
        status: Some(data.status),
        extend_status: data.extend_status,
        channel: data.channel,
        cost: data.cost.as_ref().and_then(decimal),
        date_create: data.date_create,
        date_send: data.date_send,
    })
}

fn judge_at_length(status: u16, body: &[u8]) -> Judgement {
    let json = envelope(body);
    if !(200..300).contains(&status) {
        return Judgement::Refused(refusal_of_status(status, body, json.as_ref()));
    }
    let Some(json) = json else { return Judgement::NotAReply };
    if let Some(refusal) = refusal_of(&json) {
        return Judgement::Refused(refusal);
    }
    let message = match json.get("success") {
        Some(Value::Bool(true)) => json.get("data").and_then(only_message),
        None => json.get("id").is_some_and(Value::is_number).then_some(&json),
        Some(_) => None,
    };
    message.and_then(accepted).map_or(Judgement::NotAReply, Judgement::Accepted)
}

/// The refusal that an HTTP status other than a success is.
pub(crate) fn refusal_of_status(status: u16, body: &[u8], json: Option<&Value>) -> Refusal {
    let body = String::from_utf8_lossy(body).into_owned();
    Refusal {
        reason: reason_of_status(status, json),
        sentence: json.map_or_else(|| one_line(&body), |json| json.get("message")?.as_str().and_then(one_line)),
        message: Some(body),
        fields: json.map(fields_of).unwrap_or_default(),
    }
}

/// The JSON object that every reply of the API is; a byte order mark before it does no harm.
pub(crate) fn envelope(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let json = serde_json::from_slice(body).or_else(|_| serde_json::from_str(&well_formed(body)));
    json.ok().filter(Value::is_object)
}

/// The body with what no text can hold replaced: bytes that are not UTF-8, and halves of a surrogate pair by themselves,
/// with which the echo of a message may end where the provider cut it.
fn well_formed(body: &[u8]) -> String {
    const REPLACEMENT: &str = "\\ufffd";
    let text = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let taken = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(_), _) => {
                out.push_str(REPLACEMENT);
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            // A backslash and what it escapes, which may be another backslash.
            (None, _) => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (kept, after) = escape.split_at(taken);
        out.push_str(kept);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The half of a surrogate pair that a text begins with as an escape.
fn surrogate(text: &str) -> Option<u16> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// `data` is the message, or a list of exactly one.
fn only_message(data: &Value) -> Option<&Value> {
    match data {
        Value::Array(list) => list.first().filter(|_| list.len() == 1),
        _ => Some(data),
    }
}

pub(crate) fn accepted(message: &Value) -> Option<Accepted> {
    let text = |key| message.get(key).and_then(Value::as_str).map(str::to_owned);
    let whole = |key| message.get(key).and_then(integer);
    Some(Accepted {
        id: whole("id").and_then(|id| u64::try_from(id).ok())?,
        from: text("from"),
        status: whole("status"),
        extend_status: text("extendStatus"),
        channel: text("channel"),
        cost: message.get("cost").and_then(decimal),
        date_create: whole("dateCreate"),
        date_send: whole("dateSend"),
    })
}

/// A refusal that came with a success of HTTP: `success: false`, the old `result`, or a status of undelivered or rejected.
fn refusal_of(json: &Value) -> Option<Refusal> {
    if let Some(refusal) = refusal_of_success(json) {
        return Some(refusal);
    }
    let words = words_of(json);
    if let Some(result) = json.get("result").and_then(Value::as_str)
        && (result != "accepted" || json.get("success").is_none() && json.get("id").is_none())
    {
        let message =
            json.get("reason").filter(|reason| !reason.is_null()).map_or_else(|| result.to_owned(), self::words);
        let reason = reason_of_words(&format!("{result} {message}"));
        return Some(Refusal { reason, sentence: one_line(&message), message: Some(message), fields: Vec::new() });
    }
    let message = json.get("data").and_then(only_message).filter(|data| data.is_object()).unwrap_or(json);
    let status = message.get("status").and_then(integer);
    matches!(status, Some(UNDELIVERED | REJECTED)).then(|| Refusal {
        reason: Reason::Rejected,
        sentence: words.as_deref().and_then(one_line),
        message: words,
        fields: Vec::new(),
    })
}

/// The refusal that `success: false` is.
pub(crate) fn refusal_of_success(json: &Value) -> Option<Refusal> {
    (json.get("success") == Some(&Value::Bool(false))).then(|| {
        let words = words_of(json);
        let reason = reason_of_words(words.as_deref().unwrap_or_default());
        Refusal { reason, sentence: words.as_deref().and_then(one_line), message: words, fields: fields_of(json) }
    })
}

fn words_of(json: &Value) -> Option<String> {
    json.get("message").filter(|message| !message.is_null()).map(words)
}

const fn reason_of_status(status: u16, json: Option<&Value>) -> Reason {
    match status {
        400 | 422 => Reason::Validation,
        401 | 403 => Reason::Unauthorized,
        402 => Reason::NoMoney,
        404 => Reason::IpNotAllowed,
        429 => Reason::RateLimited,
        // The provider waited for itself or for what stands before it.
        408 | 500.. => Reason::Unavailable,
        // The API answered in its own form, though with an undocumented status.
        405..500 if json.is_some() => Reason::Rejected,
        _ => Reason::BadResponse,
    }
}

/// HTTP 200 with a refusal inside: the reason is in its words only.
fn reason_of_words(words: &str) -> Reason {
    let words = words.to_ascii_lowercase();
    let say = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if say(&["not enough money", "no credits", "no money"]) {
        Reason::NoMoney
    } else if say(&["invalid credentials", "unauthorized"]) {
        Reason::Unauthorized
    } else if say(&["ip-address", "ip address"]) {
        Reason::IpNotAllowed
    } else if say(&["validation error"]) {
        Reason::Validation
    } else {
        Reason::Rejected
    }
}

/// The most codes of one field that are repeated to an administrator.
const MOST_CODES: usize = 8;

fn fields_of(json: &Value) -> Vec<FieldFault> {
    let Some(data) = json.get("data").and_then(Value::as_object) else { return Vec::new() };
    let faults = data.iter().filter_map(|(name, codes)| {
        let field = match name.as_str() {
            "number" | "numbers" => Field::Number,
            "sign" => Field::Sign,
            "text" => Field::Text,
            _ => return None,
        };
        let codes = match codes {
            Value::Array(list) => list.iter().take(MOST_CODES).map(words).collect(),
            other => vec![words(other)],
        };
        Some(FieldFault { field, codes })
    });
    faults.collect()
}

/// A text that reads as a sentence: neither a page nor a dump.
fn one_line(text: &str) -> Option<String> {
    let text = text.trim();
    let reads = !text.is_empty() && text.chars().count() <= 200 && !text.contains(['<', '{', '\n', '\r']);
    reads.then(|| text.to_owned())
}

/// A value as a reader would say it: a string without quotes, anything else as JSON.
fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A whole number, which the provider writes as a number or in quotes.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| whole(value.as_f64()?)).or_else(|| value.as_str()?.parse().ok())
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds are checked in the same line, and both are exact")]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

pub(crate) fn decimal(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::{
        BadGateway, Gateway, Judgement, Method, Order, Request, authorization, judge, judge_at_length,
        usually_accepted, well_formed,
    };
    use crate::smsaero::reason::Reason;

    fn reason(status: u16, body: &str) -> Option<Reason> {
        match judge(status, body.as_bytes()) {
            Judgement::Refused(refusal) => Some(refusal.reason),
            _ => None,
        }
    }

    fn is_accepted(body: &str) -> bool {
        matches!(judge(200, body.as_bytes()), Judgement::Accepted(_))
    }

    #[test]
    fn accepted_replies() {
        for body in [
            r#"{"success":true,"data":{"id":1,"status":8,"cost":"1.95"},"message":null}"#,
            r#"{"success":true,"data":[{"id":1,"status":0}],"message":null}"#,
            r#"{"id":12,"status":1}"#,
            r#"{"id":12,"result":"accepted"}"#,
            "\u{feff}{\"success\":true,\"data\":{\"id\":\"17\"}}",
            r#"{"success":true,"data":{"id":1,"status":8,"text":"\ud800"},"message":null}"#,
            r#"{"success":true,"data":{"id":1,"status":8,"text":"\\\ud83d\ude00\udc00\ud83d"},"message":null}"#,
        ] {
            assert!(is_accepted(body), "{body}");
        }
    }

    #[test]
    fn an_echo_that_is_no_text_changes_nothing() {
        let body = b"{\"success\":true,\"data\":{\"id\":1,\"status\":8,\"text\":\"\xd0\xff\"},\"message\":null}";
        assert!(matches!(judge(200, body), Judgement::Accepted(_)));
        assert_eq!(well_formed(br#""\ud800 \\ud800 \uD83D\uDE00 \""#), r#""\ufffd \\ud800 \uD83D\uDE00 \""#);
    }

    const USUAL: &str = concat!(
        r#"{"success":true,"data":{"id":100000001,"from":"SMS Aero","number":"79001234567","text":"a \"code\"","#,
        r#""status":8,"extendStatus":"moderation","channel":"FREE SIGN","cost":5.49,"dateCreate":1760000000,"#,
        r#""dateSend":1760000000},"message":null}"#,
    );

    #[test]
    fn a_usual_reply_is_judged_as_at_length() {
        let mut usual = 0;
        // Each part replaced by something that may come in its place.
        for part in USUAL.split([',', ':', '{', '}']).filter(|part| !part.is_empty()) {
            for other in [
                part,
                "1",
                "-1",
                "1.5",
                "1e2",
                "2",
                "6",
                "null",
                "true",
                "\"x\"",
                "\"\\ud800\"",
                "[]",
                "{}",
                "\"17\"",
                "",
            ] {
                let body = USUAL.replacen(part, other, 1);
                let at_length = judge_at_length(200, body.as_bytes());
                if let Some(accepted) = usually_accepted(body.as_bytes()) {
                    usual += 1;
                    assert_eq!(Judgement::Accepted(accepted), at_length, "{body}");
                }
                assert_eq!(judge(200, body.as_bytes()), at_length, "{body}");
            }
        }
        assert!(usual > 60, "{usual}");
        assert!(usually_accepted(USUAL.as_bytes()).is_some());
    }

    #[test]
    fn successes_that_are_no_send_reply() {
        for body in [
            "",
            "<html>",
            "null",
            "[]",
            "{}",
            "17",
            r#"{"success":true}"#,
            r#"{"success":true,"data":null,"message":"Successful authorization."}"#,
            r#"{"success":true,"data":[]}"#,
            r#"{"success":true,"data":[{"id":1},{"id":2}]}"#,
            r#"{"success":"true","data":{"id":1}}"#,
            r#"{"success":true,"data":{"id":1.5}}"#,
            r#"{"success":true,"data":{"id":-1}}"#,
            r#"{"id":"12"}"#,
        ] {
            assert_eq!(judge(200, body.as_bytes()), Judgement::NotAReply, "{body}");
        }
    }

    #[test]
    fn refusals_with_http_200() {
        for (body, expected) in [
            (r#"{"success":false,"data":null,"message":null}"#, Reason::Rejected),
            (r#"{"success":false,"message":["odd"]}"#, Reason::Rejected),
            (r#"{"success":false,"message":"Not enough money"}"#, Reason::NoMoney),
            (r#"{"success":false,"data":{"sign":["required"]},"message":"Validation error."}"#, Reason::Validation),
            (r#"{"success":true,"data":{"id":1,"status":6}}"#, Reason::Rejected),
            (r#"{"success":true,"data":[{"id":1,"status":2}]}"#, Reason::Rejected),
            (r#"{"id":1,"status":6}"#, Reason::Rejected),
            (r#"{"result":"reject","reason":"empty field"}"#, Reason::Rejected),
            (r#"{"id":1,"result":"reject"}"#, Reason::Rejected),
            (r#"{"result":"no credits"}"#, Reason::NoMoney),
        ] {
            assert_eq!(reason(200, body), Some(expected), "{body}");
        }
    }

    #[test]
    fn refusals_by_status() {
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
            assert_eq!(reason(status, "<html>"), Some(expected), "{status}");
        }
        assert_eq!(reason(409, r#"{"success":false}"#), Some(Reason::Rejected));
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for base in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost",
            "https://egress.example/sms/",
        ] {
            assert!(Gateway::parse(base).is_ok(), "{base}");
        }
        for base in ["http://gate.smsaero.ru", "http://0.0.0.0", "http://127.0.0.1.example.com", "http://10.0.0.1"] {
            assert!(matches!(Gateway::parse(base), Err(BadGateway::PlainHttp(_))), "{base}");
        }
        assert_eq!(Gateway::parse("https://user:secret@host"), Err(BadGateway::Credentials));
        assert_eq!(Gateway::parse("gate.smsaero.ru"), Err(BadGateway::NotAUrl));
        assert_eq!(Gateway::parse("ftp://host"), Err(BadGateway::NotAUrl));
        assert_eq!(Gateway::parse("https://host/?a"), Err(BadGateway::Query));
        assert_eq!(Gateway::parse_all([" , "]), Err(BadGateway::None));
    }

    #[test]
    fn a_base_may_have_a_path() {
        let url =
            Gateway::parse("https://egress.example/sms/").map(|gateway| gateway.url(Method::Send.path()).to_string());
        assert_eq!(url.as_deref(), Ok("https://egress.example/sms/v2/sms/send"));
    }

    #[test]
    fn the_wire_is_that_of_the_official_connector() {
        let order = Order { number: "79001234567", sign: "SMS Aero", text: "Код \"1\"\n" };
        let request = Request::new(Method::Send, &order, authorization("a@b.co", "ключ"));
        assert_eq!(request.body, r#"{"number":"79001234567","sign":"SMS Aero","text":"Код \"1\"\n"}"#);
        assert_eq!(request.authorization, "Basic YUBiLmNvOtC60LvRjtGH");
        assert_eq!(request.method, Method::Send);
    }
}
