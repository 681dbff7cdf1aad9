//! The SMS Aero configuration, parsed from an untyped value: it cannot be wrong, or there is a list of issues.
#![forbid(unsafe_code)]

use serde_json::Value;

use crate::{
    issue::{Issue, Kind, Problem, Step},
    text::Text,
};

/// The usage types without which the official guard refuses a configuration, in its order.
pub const REQUIRED_USAGE_TYPES: [&str; 4] = ["Register", "SignIn", "ForgotPassword", GENERIC];

/// The usage type that may stand in for any other.
pub const GENERIC: &str = "Generic";

/// A value of which nothing is known yet: a live JavaScript value, or JSON.
pub trait Untyped: Sized {
    /// What reading a value may throw (a getter, a proxy).
    type Thrown;

    /// The type, in zod's sense.
    fn kind(&self) -> Result<Kind, Self::Thrown>;
    /// The value of a key; `undefined` where there is none. Asked of objects only.
    fn property(&self, key: &'static str) -> Result<Self, Self::Thrown>;
    /// The elements as `...` would spread them, and how many there are. Asked of arrays only.
    fn elements(&self) -> Result<(Self, u32), Self::Thrown>;
    /// The element at a place, from 0. Asked of what `elements` gave only.
    fn element(&self, index: u32) -> Result<Self, Self::Thrown>;
    /// The characters. Asked of strings only.
    fn text(&self) -> Result<Text, Self::Thrown>;
    /// Whether it is `true`. Asked of booleans only.
    fn truth(&self) -> Result<bool, Self::Thrown>;
}

/// A configuration that the guard accepts. Strings stay where they are until somebody needs their characters.
#[derive(Debug)]
pub struct Config<V> {
    /// The account's e-mail address, which is the user name at SMS Aero.
    pub email: V,
    /// The account's API key.
    pub api_key: V,
    /// The sender name (`sign` in SMS Aero's words).
    pub sender_name: V,
    /// The templates in their order.
    pub templates: Vec<Template<V>>,
    /// Whether the Generic template stands in for a usage type without one. Absent: no.
    pub fallback_to_generic: Option<V>,
    /// Whether messages go to `sms/testsend`, which sends and charges nothing. Absent: no.
    pub test_mode: Option<V>,
    /// The calling codes that may be written to, as given. Absent: all.
    pub allowed_prefixes: Option<Prefixes<V>>,
}

/// What a message of one usage type says.
#[derive(Debug)]
pub struct Template<V> {
    /// `usageType` as given.
    pub usage_type: V,
    /// The characters of `usageType`: the guard has read them anyway.
    pub usage: Text,
    /// The text with its handlebars.
    pub content: V,
    /// The BCP 47 tag of the language it is written in, if it says one.
    pub locale: Option<V>,
}

/// `allowedPrefixes` in its two forms.
#[derive(Debug)]
pub enum Prefixes<V> {
    /// Separated by commas or white space, as the form field holds them.
    Written(V),
    /// A list.
    Listed(Vec<V>),
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum Flaw<T> {
    /// The value is not an SMS Aero configuration.
    Issues(Vec<Issue>),
    /// Reading the value threw.
    Unreadable {
        /// What was being read.
        path: Vec<Step>,
        /// What was thrown.
        thrown: T,
    },
}

impl<V: Untyped> Config<V> {
    /// Reads a configuration as the official guard does: every key once and in its order, unknown keys ignored.
    pub fn parse(input: &V) -> Result<Self, Flaw<V::Thrown>> {
        let mut reader = Reader { path: Vec::new(), issues: Vec::new() };
        let config = reader.config(input).map_err(|thrown| Flaw::Unreadable { path: reader.path.clone(), thrown })?;
        match config {
            Some(config) if reader.issues.is_empty() => Ok(config),
            _ => Err(Flaw::Issues(reader.issues)),
        }
    }
}

/// Walks a value, keeping the path to where it is: what it throws is told with that path.
struct Reader {
    path: Vec<Step>,
    issues: Vec<Issue>,
}

impl Reader {
    fn config<V: Untyped>(&mut self, input: &V) -> Result<Option<Config<V>>, V::Thrown> {
        if !self.is(input, Kind::Object)? {
            return Ok(None);
        }
        let email = self.key(input, "email", Self::email)?;
        let api_key = self.key(input, "apiKey", Self::string)?;
        let sender_name = self.key(input, "senderName", Self::string)?;
        let templates = self.key(input, "templates", |reader, value| reader.templates(&value))?;
        let fallback_to_generic = self.key(input, "fallbackToGeneric", Self::optional_boolean)?;
        let test_mode = self.key(input, "testMode", Self::optional_boolean)?;
        let allowed_prefixes = self.key(input, "allowedPrefixes", Self::optional_prefixes)?;
        let (Some(email), Some(api_key), Some(sender_name), Some(templates)) = (email, api_key, sender_name, templates)
        else {
            return Ok(None);
        };
        Ok(Some(Config { email, api_key, sender_name, templates, fallback_to_generic, test_mode, allowed_prefixes }))
    }

    fn email<V: Untyped>(&mut self, value: V) -> Result<Option<V>, V::Thrown> {
        let Some(value) = self.string(value)? else { return Ok(None) };
        if is_email(&value.text()?) {
            return Ok(Some(value));
        }
        self.refuse(Problem::Email);
        Ok(None)
    }

    fn string<V: Untyped>(&mut self, value: V) -> Result<Option<V>, V::Thrown> {
        Ok(self.is(&value, Kind::String)?.then_some(value))
    }

    fn templates<V: Untyped>(&mut self, value: &V) -> Result<Option<Vec<Template<V>>>, V::Thrown> {
        if !self.is(value, Kind::Array)? {
            return Ok(None);
        }
        let templates = self.elements(value, |reader, value| reader.template(&value))?;
        let Some(templates) = templates else { return Ok(None) };
        let missing = REQUIRED_USAGE_TYPES
            .into_iter()
            .filter(|required| !templates.iter().any(|template| template.usage.is(required)))
            .collect::<Vec<_>>();
        if !missing.is_empty() {
            self.refuse(Problem::MissingTemplates(missing));
        }
        Ok(Some(templates))
    }

    fn template<V: Untyped>(&mut self, value: &V) -> Result<Option<Template<V>>, V::Thrown> {
        if !self.is(value, Kind::Object)? {
            return Ok(None);
        }
        let found_before = self.issues.len();
        let usage_type = self.key(value, "usageType", Self::string)?;
        let content = self.key(value, "content", Self::string)?;
        let locale = self.key(value, "locale", |reader, value| reader.optional(value, Self::string))?;
        match (usage_type, content) {
            (Some(usage_type), Some(content)) if self.issues.len() == found_before => {
                Ok(Some(Template { usage: usage_type.text()?, usage_type, content, locale }))
            }
            _ => Ok(None),
        }
    }

    fn optional_boolean<V: Untyped>(&mut self, value: V) -> Result<Option<V>, V::Thrown> {
        self.optional(value, |reader, value| Ok(reader.is(&value, Kind::Boolean)?.then_some(value)))
    }

    fn optional_prefixes<V: Untyped>(&mut self, value: V) -> Result<Option<Prefixes<V>>, V::Thrown> {
        self.optional(value, |reader, value| {
            if value.kind()? == Kind::Array {
                return Ok(reader.elements(&value, Self::string)?.map(Prefixes::Listed));
            }
            Ok(reader.string(value)?.map(Prefixes::Written))
        })
    }

    /// `None` for a value that is not there, and for one that is wrong, which leaves an issue behind.
    fn optional<V: Untyped, T>(
        &mut self,
        value: V,
        read: impl FnOnce(&mut Self, V) -> Result<Option<T>, V::Thrown>,
    ) -> Result<Option<T>, V::Thrown> {
        if value.kind()? == Kind::Undefined { Ok(None) } else { read(self, value) }
    }

    /// Every element, so that all issues are found; `None` if one of them has issues.
    fn elements<V: Untyped, T>(
        &mut self,
        array: &V,
        mut read: impl FnMut(&mut Self, V) -> Result<Option<T>, V::Thrown>,
    ) -> Result<Option<Vec<T>>, V::Thrown> {
        let (array, length) = array.elements()?;
        let mut items = Some(Vec::new());
        for index in 0..length {
            self.path.push(Step::Index(index));
            let item = read(self, array.element(index)?)?;
            self.path.pop();
            match item {
                Some(item) => {
                    if let Some(items) = &mut items {
                        items.push(item);
                    }
                }
                None => items = None,
            }
        }
        Ok(items)
    }

    fn key<V: Untyped, T>(
        &mut self,
        object: &V,
        key: &'static str,
        read: impl FnOnce(&mut Self, V) -> Result<T, V::Thrown>,
    ) -> Result<T, V::Thrown> {
        // What is thrown leaves the path standing, so that it says where.
        self.path.push(Step::Key(key));
        let value = read(self, object.property(key)?)?;
        self.path.pop();
        Ok(value)
    }

    fn is<V: Untyped>(&mut self, value: &V, expected: Kind) -> Result<bool, V::Thrown> {
        let received = value.kind()?;
        if received == expected {
            return Ok(true);
        }
        self.issues.push(Issue::wrong_type(expected, received, &self.path));
        Ok(false)
    }

    fn refuse(&mut self, problem: Problem) {
        self.issues.push(Issue { problem, path: self.path.clone() });
    }
}

/// Zod 3.24's e-mail rule, in one pass without a regular expression.
fn is_email(text: &Text) -> bool {
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
    type Thrown = std::convert::Infallible;

    fn kind(&self) -> Result<Kind, Self::Thrown> {
        Ok(match self {
            None => Kind::Undefined,
            Some(Value::Null) => Kind::Null,
            Some(Value::Bool(_)) => Kind::Boolean,
            Some(Value::Number(_)) => Kind::Number,
            Some(Value::String(_)) => Kind::String,
            Some(Value::Array(_)) => Kind::Array,
            Some(Value::Object(_)) => Kind::Object,
        })
    }

    fn property(&self, key: &'static str) -> Result<Self, Self::Thrown> {
        Ok(self.and_then(|value| value.get(key)))
    }

    fn elements(&self) -> Result<(Self, u32), Self::Thrown> {
        let length = self.and_then(Value::as_array).map_or(0, Vec::len);
        Ok((*self, u32::try_from(length).unwrap_or(u32::MAX)))
    }

    fn element(&self, index: u32) -> Result<Self, Self::Thrown> {
        Ok(self.and_then(|value| value.get(index as usize)))
    }

    fn text(&self) -> Result<Text, Self::Thrown> {
        Ok(Text::from(self.and_then(Value::as_str).unwrap_or_default()))
    }

    fn truth(&self) -> Result<bool, Self::Thrown> {
        Ok(self.and_then(Value::as_bool).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Config, Flaw, is_email};
    use crate::text::Text;

    fn issues(value: &Value) -> Value {
        match Config::parse(&Some(value)) {
            Err(Flaw::Issues(issues)) => json!(issues),
            _ => json!([]),
        }
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
        for (mail, verdict) in [
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
            assert_eq!(is_email(&Text::from(mail)), verdict, "{mail}");
        }
    }
}
