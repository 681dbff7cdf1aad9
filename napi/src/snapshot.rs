//! A configuration as the JavaScript half read it: once, in zod's order, and handed over in one string.
#![forbid(unsafe_code)]

use std::rc::Rc;

use connector_smsaero_native::{
    logto::config::{KEYS, TEMPLATE_KEYS, Untyped},
    logto::issue::JsType,
    logto::utf16::Utf16,
};

/// A value of a snapshot, cheap to clone. It has no `Debug`, so that a key in it cannot be printed.
#[derive(Clone)]
pub enum Value<'a> {
    /// A string with its characters: `s`, the number of code units, `:`, the code units.
    Text(&'a [u16]),
    /// A string that is too long for any use: `l`, without its characters.
    TooLong,
    /// `t` or `f`.
    Boolean(bool),
    /// An object whose keys were read: `o`, then the values in the order of `KEYS` or `TEMPLATE_KEYS`, then `.`.
    Object(Rc<Vec<Self>>),
    /// An array: `a`, then the elements, then `.`.
    Array(Rc<Vec<Self>>),
    /// Anything else, of which only the type matters: one tag.
    Other(JsType),
}

impl<'a> Value<'a> {
    /// Reads a snapshot; one that breaks off reads as `undefined` from there on.
    pub fn decode(units: &'a [u16]) -> Self {
        Reader { units, depth: 0 }.value().unwrap_or(Self::Other(JsType::Undefined))
    }
}

struct Reader<'a> {
    units: &'a [u16],
    depth: u8,
}

impl<'a> Reader<'a> {
    /// The next value; nothing at the end of what it is part of.
    fn value(&mut self) -> Option<Value<'a>> {
        let value = match self.tag()? {
            's' => {
                let length = self.length()?;
                let (text, rest) = self.units.split_at_checked(length).unwrap_or((self.units, &[]));
                self.units = rest;
                Value::Text(text)
            }
            'l' => Value::TooLong,
            't' => Value::Boolean(true),
            'f' => Value::Boolean(false),
            'o' => Value::Object(self.values()),
            'a' => Value::Array(self.values()),
            'n' => Value::Other(JsType::Null),
            '#' => Value::Other(JsType::Number),
            'N' => Value::Other(JsType::Nan),
            'b' => Value::Other(JsType::Bigint),
            'y' => Value::Other(JsType::Symbol),
            'F' => Value::Other(JsType::Function),
            'p' => Value::Other(JsType::Promise),
            'm' => Value::Other(JsType::Map),
            'S' => Value::Other(JsType::Set),
            'd' => Value::Other(JsType::Date),
            'u' => Value::Other(JsType::Undefined),
            _ => return None,
        };
        Some(value)
    }

    fn tag(&mut self) -> Option<char> {
        let (&unit, rest) = self.units.split_first()?;
        self.units = rest;
        char::from_u32(unit.into())
    }

    fn values(&mut self) -> Rc<Vec<Value<'a>>> {
        // A configuration is an object of arrays of objects; nothing deeper is ever in a snapshot.
        if self.depth > 3 {
            return Rc::default();
        }
        self.depth += 1;
        let mut values = Vec::with_capacity(KEYS.len());
        while let Some(value) = self.value() {
            values.push(value);
        }
        self.depth -= 1;
        Rc::new(values)
    }

    fn length(&mut self) -> Option<usize> {
        let mut length: usize = 0;
        loop {
            match self.tag()? {
                ':' => return Some(length),
                digit => length = length.checked_mul(10)?.checked_add(digit.to_digit(10)?.try_into().ok()?)?,
            }
        }
    }
}

impl Untyped for Value<'_> {
    fn js_type(&self) -> JsType {
        match self {
            Self::Text(_) | Self::TooLong => JsType::String,
            Self::Boolean(_) => JsType::Boolean,
            Self::Object(_) => JsType::Object,
            Self::Array(_) => JsType::Array,
            Self::Other(js_type) => *js_type,
        }
    }

    fn property(&self, key: &'static str) -> Self {
        let among = |keys: &[&str]| keys.iter().position(|known| *known == key);
        let value = match self {
            Self::Object(values) => among(&KEYS).or_else(|| among(&TEMPLATE_KEYS)).and_then(|place| values.get(place)),
            _ => None,
        };
        value.cloned().unwrap_or(Self::Other(JsType::Undefined))
    }

    fn elements(&self) -> Vec<Self> {
        if let Self::Array(values) = self { values.to_vec() } else { Vec::new() }
    }

    fn text(&self) -> Utf16 {
        if let Self::Text(units) = self { Utf16::new(units.to_vec()) } else { Utf16::default() }
    }

    fn is_too_long(&self) -> bool {
        matches!(self, Self::TooLong)
    }

    fn is_true(&self) -> bool {
        matches!(self, Self::Boolean(true))
    }
}

#[cfg(test)]
mod tests {
    use super::Value;
    use connector_smsaero_native::{logto::config::Config, logto::issue::Issue, logto::utf16::Utf16};

    fn parse(snapshot: &str) -> Result<Config, Vec<Issue>> {
        Config::parse(&Value::decode(Utf16::from(snapshot).units()))
    }

    #[test]
    fn a_configuration_reads_as_it_was() {
        let templates = ["Register", "SignIn", "ForgotPassword", "Generic"]
            .map(|name| format!("os{}:{name}s5:a.b:cu.", name.len()))
            .concat();
        let config = parse(&format!("os6:a@b.cos0:s1:.a{templates}.tuu.")).unwrap();
        assert_eq!(config.email, "a@b.co");
        assert_eq!(config.sender_name, ".");
        assert_eq!(config.templates[3].content, Utf16::from("a.b:c"));
        assert!(config.fallback_to_generic);
    }

    #[test]
    fn a_text_that_was_left_out_is_too_long() {
        let templates =
            ["Register", "SignIn", "ForgotPassword", "Generic"].map(|name| format!("os{}:{name}lu.", name.len()));
        let config = parse(&format!("os6:a@b.cos0:s0:a{}.uuu.", templates.concat())).unwrap();
        assert!(config.templates.iter().all(|template| template.is_too_long));
    }

    #[test]
    fn a_snapshot_that_breaks_off_is_not_a_configuration() {
        for broken in ["", "o", "os", "os9", "os99999999999999999999:", "os6:a@", "x", "aaaaaaaaaaaa"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
