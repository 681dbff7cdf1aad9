//! Zod 3's issues: codes, types, paths and messages.

use std::fmt;

use serde::{
    Serialize,
    ser::{SerializeMap as _, Serializer},
};

/// The type of a JavaScript value, as zod 3 names it (`getParsedType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
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
    /// A value for which `Array.isArray` is true.
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

impl fmt::Display for JsType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One step from a configuration to a value inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// A key of an object.
    Key(&'static str),
    /// An index of an array, from 0.
    Index(u32),
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

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            IssueCode::Type { received: JsType::Undefined, .. } => f.write_str("Required"),
            IssueCode::Type { expected, received } => write!(f, "Expected {expected}, received {received}"),
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
                map.serialize_entry("expected", expected)?;
                map.serialize_entry("received", received)?;
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
    use super::{Issue, IssueCode, JsType, Step};

    #[test]
    fn a_missing_value_is_required() {
        let problem = IssueCode::Type { expected: JsType::String, received: JsType::Undefined };
        let issue = Issue { problem, path: vec![Step::Key("email")] };
        assert_eq!(
            serde_json::to_string(&issue).ok().as_deref(),
            Some(
                r#"{"code":"invalid_type","expected":"string","received":"undefined","path":["email"],"message":"Required"}"#
            )
        );
    }
}
