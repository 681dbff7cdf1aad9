//! The words in which zod 3 says what is wrong with a value: kinds, codes, paths and sentences.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// The type of a JavaScript value, as zod 3 names it (`getParsedType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsType {
    /// `undefined`, or a missing key.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number other than NaN.
    Number,
    /// NaN.
    Nan,
    /// A primitive string.
    String,
    /// A bigint.
    Bigint,
    /// A symbol.
    Symbol,
    /// Anything callable.
    Function,
    /// `Array.isArray` says yes.
    Array,
    /// An object with callable `then` and `catch`.
    Promise,
    /// A `Map`.
    Map,
    /// A `Set`.
    Set,
    /// A `Date`.
    Date,
    /// Every other object.
    Object,
}

impl JsType {
    /// The word zod uses for it in `expected` and `received`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Nan => "nan",
            Self::String => "string",
            Self::Bigint => "bigint",
            Self::Symbol => "symbol",
            Self::Function => "function",
            Self::Array => "array",
            Self::Promise => "promise",
            Self::Map => "map",
            Self::Set => "set",
            Self::Date => "date",
            Self::Object => "object",
        }
    }
}

/// One step from a configuration to a value inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of an object.
    Key(&'static str),
    /// A place in an array, from 0.
    Index(u32),
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Key(key) => serializer.serialize_str(key),
            Self::Index(index) => serializer.serialize_u32(*index),
        }
    }
}

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssueCode {
    /// The value has another type.
    Type {
        /// The type asked for.
        expected: JsType,
        /// The type found.
        received: JsType,
    },
    /// A string that zod 3.24's e-mail rule refuses.
    Email,
    /// Required usage types without a template.
    MissingTemplates(Vec<&'static str>),
}

/// A problem and the path to it; serializes to the JSON of a zod issue, keys in zod's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The fault.
    pub problem: IssueCode,
    /// The path from the root of the configuration.
    pub path: Vec<Step>,
}

impl Issue {
    /// A value of the wrong type.
    #[must_use]
    pub fn wrong_type(expected: JsType, received: JsType, path: &[Step]) -> Self {
        Self { problem: IssueCode::Type { expected, received }, path: path.to_vec() }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            IssueCode::Type { received: JsType::Undefined, .. } => f.write_str("Required"),
            IssueCode::Type { expected, received } => {
                write!(f, "Expected {}, received {}", expected.word(), received.word())
            }
            IssueCode::Email => f.write_str("Invalid email"),
            IssueCode::MissingTemplates(types) => {
                write!(f, "Template with UsageType ({}) should be provided!", types.join(", "))
            }
        }
    }
}

impl Serialize for Issue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.problem {
            IssueCode::Type { expected, received } => {
                map.serialize_entry("code", "invalid_type")?;
                map.serialize_entry("expected", expected.word())?;
                map.serialize_entry("received", received.word())?;
                map.serialize_entry("path", &self.path)?;
                map.serialize_entry("message", &self.to_string())?;
            }
            IssueCode::Email => {
                map.serialize_entry("validation", "email")?;
                map.serialize_entry("code", "invalid_string")?;
                map.serialize_entry("message", &self.to_string())?;
                map.serialize_entry("path", &self.path)?;
            }
            IssueCode::MissingTemplates(_) => {
                map.serialize_entry("code", "custom")?;
                map.serialize_entry("message", &self.to_string())?;
                map.serialize_entry("path", &self.path)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{Issue, JsType, Step};

    #[test]
    fn a_missing_value_reads_as_zod_says_it() {
        let issue = Issue::wrong_type(JsType::String, JsType::Undefined, &[Step::Key("email")]);
        assert_eq!(
            serde_json::to_string(&issue).ok().as_deref(),
            Some(
                r#"{"code":"invalid_type","expected":"string","received":"undefined","path":["email"],"message":"Required"}"#
            )
        );
    }
}
