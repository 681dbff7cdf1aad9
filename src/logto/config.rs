//! The SMS Aero configuration, parsed from an untyped value: it cannot be wrong, or there is a list of issues.

use std::sync::OnceLock;

use serde_json::Value;

use crate::{
    logto::issue::{Issue, IssueCode, JsType, Step},
    logto::template::Handlebar,
    logto::utf16::Utf16,
    smsaero::phone::AllowedPrefixes,
};

/// The usage types without which the official guard refuses a configuration, in its order.
pub const REQUIRED_USAGE_TYPES: [&str; 4] = ["Register", "SignIn", "ForgotPassword", GENERIC];

/// The usage type that may stand in for any other.
pub const GENERIC: &str = "Generic";

/// A value of which nothing is known yet: a snapshot of JavaScript, or JSON.
pub trait Untyped: Sized {
    /// The type, in zod's sense.
    fn js_type(&self) -> JsType;
    /// The value of a key; `undefined` where there is none.
    #[must_use]
    fn property(&self, key: &'static str) -> Self;
    /// The elements of an array, in order.
    fn elements(&self) -> Vec<Self>;
    /// The characters of a string; none of one that is too long.
    fn text(&self) -> Utf16;
    /// True if it is a string that is too long for any use.
    fn is_too_long(&self) -> bool {
        false
    }
    /// Whether it is `true`.
    fn is_true(&self) -> bool;
}

/// A configuration that the guard accepts. It has no `Debug`, so that its key cannot be printed.
pub struct Config {
    /// The account's e-mail address, which is the user name at SMS Aero.
    pub email: String,
    /// The account's API key.
    pub api_key: String,
    /// The sender name (`sign` at SMS Aero).
    pub sender_name: String,
    /// The templates in their order.
    pub templates: Vec<Template>,
    /// Whether the Generic template stands in for a usage type without one. Absent: no.
    pub fallback_to_generic: bool,
    /// Whether messages go to `sms/testsend`, which sends and charges nothing. Absent: no.
    pub test_mode: bool,
    /// The prefixes of numbers that may be written to. Absent: all.
    pub allowed_prefixes: AllowedPrefixes,
}

/// What a message of one usage type says.
pub struct Template {
    /// The usage type.
    pub usage_type: Utf16,
    /// The text with its variables.
    pub content: Utf16,
    /// True if the text is too long to be sent; `content` is empty then.
    pub is_too_long: bool,
    /// The BCP 47 tag of the language it is written in. An empty tag says nothing and counts as none.
    pub locale: Option<String>,
    pub(crate) handlebars: OnceLock<Vec<Handlebar>>,
}

/// The keys of a configuration, in the order in which they are read.
pub const KEYS: [&str; 7] =
    ["email", "apiKey", "senderName", "templates", "fallbackToGeneric", "testMode", "allowedPrefixes"];

/// The keys of a template, in the order in which they are read.
pub const TEMPLATE_KEYS: [&str; 3] = ["usageType", "content", "locale"];

impl Config {
    /// Reads a configuration as the official guard does: every key once and in its order, unknown keys ignored.
    pub fn parse<V: Untyped>(input: &V) -> Result<Self, Vec<Issue>> {
        let mut reader = Reader { path: Vec::new(), issues: Vec::new() };
        match reader.config(input) {
            Some(config) if reader.issues.is_empty() => Ok(config),
            _ => Err(reader.issues),
        }
    }
}

/// Walks a value, keeping the path to where it is. What it refuses is `None`, and leaves an issue behind.
struct Reader {
    path: Vec<Step>,
    issues: Vec<Issue>,
}

impl Reader {
    fn config<V: Untyped>(&mut self, input: &V) -> Option<Config> {
        if !self.is(input, JsType::Object) {
            return None;
        }
        let [email, api_key, sender_name, templates, fallback_to_generic, test_mode, allowed_prefixes] = KEYS;
        let email = self.key(input, email, Self::email);
        let api_key = self.key(input, api_key, Self::string);
        let sender_name = self.key(input, sender_name, Self::string);
        let templates = self.key(input, templates, |reader, value| reader.templates(&value));
        let fallback_to_generic = self.key(input, fallback_to_generic, Self::optional_flag);
        let test_mode = self.key(input, test_mode, Self::optional_flag);
        let allowed_prefixes = self.key(input, allowed_prefixes, Self::optional_prefixes);
        Some(Config {
            email: email?.well_formed(),
            api_key: api_key?.well_formed(),
            sender_name: sender_name?.well_formed(),
            templates: templates?,
            fallback_to_generic,
            test_mode,
            allowed_prefixes,
        })
    }

    fn email<V: Untyped>(&mut self, value: V) -> Option<Utf16> {
        let email = self.string(value)?;
        if is_email(&email) {
            return Some(email);
        }
        self.refuse(IssueCode::Email);
        None
    }

    #[expect(clippy::needless_pass_by_value, reason = "the shape of what reads the value of a key")]
    fn string<V: Untyped>(&mut self, value: V) -> Option<Utf16> {
        self.is(&value, JsType::String).then(|| value.text())
    }

    fn templates<V: Untyped>(&mut self, value: &V) -> Option<Vec<Template>> {
        if !self.is(value, JsType::Array) {
            return None;
        }
        let templates = self.elements(value, |reader, value| reader.template(&value))?;
        let is_missing = |required: &&str| !templates.iter().any(|template| template.usage_type.is(required));
        let missing = REQUIRED_USAGE_TYPES.into_iter().filter(is_missing).collect::<Vec<_>>();
        if !missing.is_empty() {
            self.refuse(IssueCode::MissingTemplates(missing));
        }
        Some(templates)
    }

    fn template<V: Untyped>(&mut self, value: &V) -> Option<Template> {
        if !self.is(value, JsType::Object) {
            return None;
        }
        let found_before = self.issues.len();
        let [usage_type, content, locale] = TEMPLATE_KEYS;
        let usage_type = self.key(value, usage_type, Self::string);
        let mut is_too_long = false;
        let content = self.key(value, content, |reader, value| {
            is_too_long = value.is_too_long();
            reader.string(value)
        });
        let locale = self.key(value, locale, |reader, value| reader.optional(value, Self::string));
        let (usage_type, content) = (usage_type?, content?);
        let locale = locale.map(|tag| tag.well_formed()).filter(|tag| !tag.is_empty());
        (self.issues.len() == found_before)
            .then(|| Template { is_too_long, ..Template::new(usage_type, content, locale) })
    }

    fn optional_flag<V: Untyped>(&mut self, value: V) -> bool {
        let flag = self.optional(value, |reader, value| reader.is(&value, JsType::Boolean).then(|| value.is_true()));
        flag.unwrap_or_default()
    }

    fn optional_prefixes<V: Untyped>(&mut self, value: V) -> AllowedPrefixes {
        let entries = self.optional(value, |reader, value| {
            if value.js_type() == JsType::Array {
                return reader.elements(&value, Self::string);
            }
            reader.string(value).map(|line| vec![line])
        });
        let entries = entries.unwrap_or_default().iter().map(Utf16::well_formed).collect::<Vec<_>>();
        AllowedPrefixes::new(entries.iter().map(String::as_str))
    }

    /// `None` without an issue for a value that is not there.
    fn optional<V: Untyped, T>(&mut self, value: V, read: impl FnOnce(&mut Self, V) -> Option<T>) -> Option<T> {
        if value.js_type() == JsType::Undefined { None } else { read(self, value) }
    }

    /// Every element, so that all issues are found; `None` if one of them has issues.
    fn elements<V: Untyped, T>(
        &mut self,
        array: &V,
        mut read: impl FnMut(&mut Self, V) -> Option<T>,
    ) -> Option<Vec<T>> {
        let elements = array.elements();
        let mut items = Some(Vec::with_capacity(elements.len()));
        for (index, element) in (0..).zip(elements) {
            self.path.push(Step::Index(index));
            match (read(self, element), &mut items) {
                (Some(item), Some(items)) => items.push(item),
                (Some(_), None) => {}
                (None, _) => items = None,
            }
            self.path.pop();
        }
        items
    }

    fn key<V: Untyped, T>(&mut self, object: &V, key: &'static str, read: impl FnOnce(&mut Self, V) -> T) -> T {
        self.path.push(Step::Key(key));
        let value = read(self, object.property(key));
        self.path.pop();
        value
    }

    fn is<V: Untyped>(&mut self, value: &V, expected: JsType) -> bool {
        let received = value.js_type();
        if received != expected {
            self.issues.push(Issue::wrong_type(expected, received, &self.path));
        }
        received == expected
    }

    fn refuse(&mut self, problem: IssueCode) {
        self.issues.push(Issue { problem, path: self.path.clone() });
    }
}

/// Zod 3.24's e-mail rule, in one pass without a regular expression.
pub(crate) fn is_email(text: &Utf16) -> bool {
    let Some(bytes) = text.units().iter().map(|&unit| u8::try_from(unit).ok()).collect::<Option<Vec<u8>>>() else {
        return false;
    };
    let mut halves = bytes.split(|&byte| byte == b'@');
    let (Some(local), Some(domain), None) = (halves.next(), halves.next(), halves.next()) else { return false };
    is_local_part(local) && is_domain(domain)
}

fn is_local_part(local: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_'+-.".contains(byte);
    local.iter().all(allowed)
        && local.first().is_some_and(|&byte| byte != b'.')
        && local.last().is_some_and(|byte| !b"'.".contains(byte))
        && !local.windows(2).any(|pair| pair == b"..")
}

fn is_domain(domain: &[u8]) -> bool {
    let mut labels = domain.split(|&byte| byte == b'.').rev();
    let is_top = |label: &[u8]| label.len() >= 2 && label.iter().all(u8::is_ascii_alphabetic);
    let is_label = |label: &[u8]| {
        label.first().is_some_and(u8::is_ascii_alphanumeric)
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    let mut labels_below = 0;
    labels.next().is_some_and(is_top) && labels.inspect(|_| labels_below += 1).all(is_label) && labels_below > 0
}

/// JSON, with `None` for what JavaScript calls `undefined`.
impl Untyped for Option<&Value> {
    fn js_type(&self) -> JsType {
        match self {
            None => JsType::Undefined,
            Some(Value::Null) => JsType::Null,
            Some(Value::Bool(_)) => JsType::Boolean,
            Some(Value::Number(_)) => JsType::Number,
            Some(Value::String(_)) => JsType::String,
            Some(Value::Array(_)) => JsType::Array,
            Some(Value::Object(_)) => JsType::Object,
        }
    }

    fn property(&self, key: &'static str) -> Self {
        self.and_then(|value| value.get(key))
    }

    fn elements(&self) -> Vec<Self> {
        self.and_then(Value::as_array).map(|items| items.iter().map(Some).collect()).unwrap_or_default()
    }

    fn text(&self) -> Utf16 {
        Utf16::from(self.and_then(Value::as_str).unwrap_or_default())
    }

    fn is_true(&self) -> bool {
        self.and_then(Value::as_bool).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Config, is_email};
    use crate::logto::utf16::Utf16;

    fn issues(value: &Value) -> Value {
        json!(Config::parse(&Some(value)).err().unwrap_or_default())
    }

    fn config() -> Value {
        let templates = super::REQUIRED_USAGE_TYPES.map(|name| json!({ "usageType": name, "content": "{{code}}" }));
        json!({ "email": "owner@example.com", "apiKey": "", "senderName": "", "templates": templates })
    }

    #[test]
    fn empty_strings_pass() {
        assert_eq!(issues(&config()), json!([]));
    }

    #[test]
    fn the_refinement_waits_for_whole_templates() {
        let mut value = config();
        value["templates"] = json!([{ "usageType": 1, "content": "" }]);
        assert_eq!(issues(&value)[0]["path"], json!(["templates", 0, "usageType"]));
        assert_eq!(issues(&value).as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn missing_usage_types_are_named_in_order() {
        let mut value = config();
        value["templates"] = json!([{ "usageType": "SignIn", "content": "" }]);
        assert_eq!(
            issues(&value)[0]["message"],
            "Template with UsageType (Register, ForgotPassword, Generic) should be provided!"
        );
    }

    #[test]
    fn wrong_types_of_our_own_keys_have_their_path() {
        let mut value = config();
        value["allowedPrefixes"] = json!(["7", 375]);
        value["testMode"] = json!("yes");
        value["templates"][1]["locale"] = json!(1);
        let paths =
            issues(&value).as_array().map(|all| all.iter().map(|issue| issue["path"].clone()).collect::<Vec<_>>());
        assert_eq!(
            paths,
            Some(vec![json!(["templates", 1, "locale"]), json!(["testMode"]), json!(["allowedPrefixes", 1])])
        );
    }

    #[test]
    fn what_the_console_sends_for_fields_left_alone_passes() {
        for prefixes in [json!(""), json!([]), json!("7, 375")] {
            let mut value = config();
            value["allowedPrefixes"] = prefixes;
            value["fallbackToGeneric"] = json!(false);
            assert_eq!(issues(&value), json!([]));
        }
    }

    #[test]
    fn the_mail_rule_is_that_of_zod_3_24() {
        for (mail, judgement) in [
            ("a@b.co", true),
            ("A_B'c+d-e.f@x-.y9.IO", true),
            ("a@b", false),
            ("a@b.c", false),
            (".a@b.co", false),
            ("a.@b.co", false),
            ("a'@b.co", false),
            ("a..b@c.de", false),
            ("a@-b.co", false),
            ("a@b..co", false),
            ("a@b.c0", false),
            ("a@b@c.de", false),
            ("\u{e9}@b.co", false),
            ("a@b.co\n", false),
            ("@b.co", false),
            ("", false),
        ] {
            assert_eq!(is_email(&Utf16::from(mail)), judgement, "{mail}");
        }
    }
}
