//! The connector's configuration, parsed from an untyped value: either a valid `Config` or a list of issues.

use serde_json::Value;

use crate::logto::{
    issue::{Issue, IssueCode, JsType, Step},
    prefixes::AllowedPrefixes,
    template::{GENERIC, Template},
    utf16::Utf16,
};

/// The usage types without which the official guard refuses a configuration, in its order.
pub const REQUIRED_USAGE_TYPES: [&str; 4] = ["Register", "SignIn", "ForgotPassword", GENERIC];

/// An unparsed value: a JavaScript snapshot or JSON.
pub trait Untyped: Sized {
    /// The type, in zod's sense.
    fn js_type(&self) -> JsType;
    /// The value of a key; `undefined` if there is none.
    fn property(&self, key: &'static str) -> Self;
    /// The elements of an array, in order; none if it is not an array.
    fn elements(&self) -> Vec<Self>;
    /// The characters of a string; none if it is not a string.
    fn text(&self) -> Utf16;
    /// True if it is `true`.
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
    /// True if the Generic template stands in for a usage type without one. Absent: false.
    pub fallback_to_generic: bool,
    /// True if messages go to `sms/testsend`, which sends and charges nothing. Absent: false.
    pub test_mode: bool,
    /// The prefixes of numbers that may receive messages. Absent: all.
    pub allowed_prefixes: AllowedPrefixes,
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

/// Walks a value and keeps the path to its place. An invalid value is read as an empty one and leaves an issue.
struct Reader {
    path: Vec<Step>,
    issues: Vec<Issue>,
}

impl Reader {
    fn config<V: Untyped>(&mut self, input: &V) -> Option<Config> {
        let [email, api_key, sender_name, templates, fallback_to_generic, test_mode, allowed_prefixes] = KEYS;
        self.is(input, JsType::Object).then(|| Config {
            email: self.key(input, email, Self::email).well_formed(),
            api_key: self.key(input, api_key, Self::string).well_formed(),
            sender_name: self.key(input, sender_name, Self::string).well_formed(),
            templates: self.key(input, templates, Self::templates),
            fallback_to_generic: self.key(input, fallback_to_generic, Self::flag),
            test_mode: self.key(input, test_mode, Self::flag),
            allowed_prefixes: self.key(input, allowed_prefixes, Self::prefixes),
        })
    }

    fn email<V: Untyped>(&mut self, value: &V) -> Utf16 {
        let email = self.string(value);
        if value.js_type() == JsType::String && !is_email(&email) {
            self.refuse(IssueCode::Email);
        }
        email
    }

    fn templates<V: Untyped>(&mut self, value: &V) -> Vec<Template> {
        let found_before = self.issues.len();
        self.is(value, JsType::Array);
        let templates = self.elements(value, Self::template).into_iter().flatten().collect::<Vec<_>>();
        let is_missing = |required: &&str| !templates.iter().any(|template| template.usage_type.is(required));
        let missing = REQUIRED_USAGE_TYPES.into_iter().filter(is_missing).collect::<Vec<_>>();
        // Zod refines only a value that is valid as far as it goes.
        if !missing.is_empty() && self.issues.len() == found_before {
            self.refuse(IssueCode::MissingTemplates(missing));
        }
        templates
    }

    fn template<V: Untyped>(&mut self, value: &V) -> Option<Template> {
        let [usage_type, content, locale] = TEMPLATE_KEYS;
        self.is(value, JsType::Object).then(|| {
            let usage_type = self.key(value, usage_type, Self::string);
            let content = self.key(value, content, Self::string);
            Template::new(usage_type, content, self.key(value, locale, Self::locale))
        })
    }

    /// An empty tag counts as none: it names no language.
    fn locale<V: Untyped>(&mut self, value: &V) -> Option<String> {
        let is_there = value.js_type() != JsType::Undefined;
        is_there.then(|| self.string(value).well_formed()).filter(|tag| !tag.is_empty())
    }

    fn flag<V: Untyped>(&mut self, value: &V) -> bool {
        value.js_type() != JsType::Undefined && self.is(value, JsType::Boolean) && value.is_true()
    }

    fn prefixes<V: Untyped>(&mut self, value: &V) -> AllowedPrefixes {
        let entries = match value.js_type() {
            JsType::Undefined => Vec::new(),
            JsType::Array => self.elements(value, Self::string),
            _ => vec![self.string(value)],
        };
        let entries = entries.iter().map(Utf16::well_formed).collect::<Vec<_>>();
        AllowedPrefixes::new(entries.iter().map(String::as_str))
    }

    fn string<V: Untyped>(&mut self, value: &V) -> Utf16 {
        self.is(value, JsType::String);
        value.text()
    }

    fn elements<V: Untyped, T>(&mut self, array: &V, mut read: impl FnMut(&mut Self, &V) -> T) -> Vec<T> {
        let mut items = Vec::new();
        for (index, element) in (0..).zip(array.elements()) {
            self.path.push(Step::Index(index));
            items.push(read(self, &element));
            self.path.pop();
        }
        items
    }

    fn key<V: Untyped, T>(&mut self, object: &V, key: &'static str, read: impl FnOnce(&mut Self, &V) -> T) -> T {
        self.path.push(Step::Key(key));
        let value = read(self, &object.property(key));
        self.path.pop();
        value
    }

    fn is<V: Untyped>(&mut self, value: &V, expected: JsType) -> bool {
        let received = value.js_type();
        if received != expected {
            self.refuse(IssueCode::Type { expected, received });
        }
        received == expected
    }

    fn refuse(&mut self, problem: IssueCode) {
        self.issues.push(Issue { problem, path: self.path.clone() });
    }
}

/// Zod 3.24's e-mail rule, in one pass without a regular expression.
pub(crate) fn is_email(text: &Utf16) -> bool {
    let text = text.well_formed();
    text.split_once('@').is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain))
}

fn is_local_part(local: &str) -> bool {
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || "_'+-.".contains(char);
    !local.is_empty()
        && local.chars().all(is_allowed)
        && !local.starts_with('.')
        && !local.ends_with(['.', '\''])
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let Some((labels, top)) = domain.rsplit_once('.') else { return false };
    let is_inside = |char: char| char.is_ascii_alphanumeric() || char == '-';
    let is_label = |label: &str| !label.is_empty() && !label.starts_with('-') && label.chars().all(is_inside);
    top.len() >= 2 && top.chars().all(|char| char.is_ascii_alphabetic()) && labels.split('.').all(is_label)
}

/// JSON, with `None` for `undefined`.
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
    fn untouched_fields_of_the_console_pass() {
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
