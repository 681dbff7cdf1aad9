//! A configuration as the JavaScript face describes it: read once, in zod's order, and handed over in one string.
#![forbid(unsafe_code)]

use std::rc::Rc;

use connector_smsaero_native::{config::Untyped, issue::Kind, utf16::Utf16};

/// A described value, cheap to clone. It has no `Debug`, so that a key in it cannot be printed.
#[derive(Clone)]
pub enum Described {
    /// A string with its characters: `s`, the number of code units, `:`, the code units.
    Text(Rc<[u16]>),
    /// `t` or `f`.
    Boolean(bool),
    /// An object whose keys were read: `o`, then the values in the order in which the face reads them, then `.`.
    Object(Rc<Vec<Self>>),
    /// An array: `a`, then the elements, then `.`.
    Array(Rc<Vec<Self>>),
    /// Anything else, of which only the kind matters: one letter.
    Other(Kind),
}

/// The keys of a configuration in the order in which the face reads them.
const KEYS: [&str; 7] =
    ["email", "apiKey", "senderName", "templates", "fallbackToGeneric", "testMode", "allowedPrefixes"];

/// The keys of a template in the order in which the face reads them.
const TEMPLATE_KEYS: [&str; 3] = ["usageType", "content", "locale"];

impl Described {
    /// Reads a description; one that breaks off reads as `undefined` from there on.
    #[must_use]
    pub fn read(units: &[u16]) -> Self {
        Reader { units, depth: 0 }.value().unwrap_or(Self::Other(Kind::Undefined))
    }
}

struct Reader<'a> {
    units: &'a [u16],
    depth: u8,
}

impl Reader<'_> {
    /// The next value; nothing at the end of what it is part of.
    fn value(&mut self) -> Option<Described> {
        let described = match self.letter()? {
            's' => {
                let length = self.length()?;
                let (text, rest) = self.units.split_at_checked(length).unwrap_or((self.units, &[]));
                self.units = rest;
                Described::Text(text.into())
            }
            't' => Described::Boolean(true),
            'f' => Described::Boolean(false),
            'o' => Described::Object(self.values()),
            'a' => Described::Array(self.values()),
            'n' => Described::Other(Kind::Null),
            '#' => Described::Other(Kind::Number),
            'N' => Described::Other(Kind::Nan),
            'b' => Described::Other(Kind::Bigint),
            'y' => Described::Other(Kind::Symbol),
            'F' => Described::Other(Kind::Function),
            'p' => Described::Other(Kind::Promise),
            'm' => Described::Other(Kind::Map),
            'S' => Described::Other(Kind::Set),
            'd' => Described::Other(Kind::Date),
            'u' => Described::Other(Kind::Undefined),
            _ => return None,
        };
        Some(described)
    }

    fn letter(&mut self) -> Option<char> {
        let (&unit, rest) = self.units.split_first()?;
        self.units = rest;
        char::from_u32(unit.into())
    }

    fn values(&mut self) -> Rc<Vec<Described>> {
        // A configuration is an object of arrays of objects; nothing deeper is ever described.
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
            match self.letter()? {
                ':' => return Some(length),
                digit => length = length.checked_mul(10)?.checked_add(digit.to_digit(10)?.try_into().ok()?)?,
            }
        }
    }
}

impl Untyped for Described {
    fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::String,
            Self::Boolean(_) => Kind::Boolean,
            Self::Object(_) => Kind::Object,
            Self::Array(_) => Kind::Array,
            Self::Other(kind) => *kind,
        }
    }

    fn property(&self, key: &'static str) -> Self {
        let among = |keys: &[&str]| keys.iter().position(|known| *known == key);
        let value = match self {
            Self::Object(values) => among(&KEYS).or_else(|| among(&TEMPLATE_KEYS)).and_then(|place| values.get(place)),
            _ => None,
        };
        value.cloned().unwrap_or(Self::Other(Kind::Undefined))
    }

    fn elements(&self) -> Vec<Self> {
        if let Self::Array(values) = self { values.to_vec() } else { Vec::new() }
    }

    fn text(&self) -> Utf16 {
        if let Self::Text(units) = self { Utf16::new(units.to_vec()) } else { Utf16::default() }
    }

    fn truth(&self) -> bool {
        matches!(self, Self::Boolean(true))
    }
}

#[cfg(test)]
mod tests {
    use super::Described;
    use connector_smsaero_native::{
        config::{Config, Untyped as _},
        utf16::Utf16,
    };

    fn read(description: &str) -> Described {
        Described::read(Utf16::from(description).units())
    }

    #[test]
    fn a_described_configuration_reads_as_it_was() {
        let templates = ["Register", "SignIn", "ForgotPassword", "Generic"]
            .map(|name| format!("os{}:{name}s5:a.b:cu.", name.len()))
            .concat();
        let value = read(&format!("os6:a@b.cos0:s1:.a{templates}.tuu."));
        let config = Config::parse(&value).unwrap();
        assert_eq!(config.email.text(), Utf16::from("a@b.co"));
        assert_eq!(config.sender_name.text(), Utf16::from("."));
        assert_eq!(config.templates[3].content.text(), Utf16::from("a.b:c"));
        assert!(config.fallback_to_generic.unwrap().truth());
    }

    #[test]
    fn a_description_that_breaks_off_is_no_configuration() {
        for broken in ["", "o", "os", "os9", "os99999999999999999999:", "os6:a@", "x", "aaaaaaaaaaaa"] {
            assert!(Config::parse(&read(broken)).is_err(), "{broken}");
        }
    }
}
