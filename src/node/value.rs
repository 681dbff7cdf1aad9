//! Live JavaScript values as the core reads them: nothing is copied that is not needed, and V8 says what a value is.

use std::cell::RefCell;

use napi::{
    Env, JsValue, ValueType,
    bindgen_prelude::{FunctionRef, JsObjectValue, Object},
};

use crate::{
    config::Untyped,
    issue::Kind,
    send::Payload,
    template::{Lookup, Path},
    text::Text,
};

/// What only JavaScript can tell of a value, as functions of one environment.
pub struct Realm {
    /// Zod's kind of an object, as its place in [`OBJECT_KINDS`].
    pub kind_of: FunctionRef<Object<'static>, u32>,
    /// The elements of anything that `Array.isArray` accepts, as a true array.
    pub spread: FunctionRef<Object<'static>, Object<'static>>,
    /// The global `String`, which can write out even a symbol.
    pub string: FunctionRef<Object<'static>, Object<'static>>,
}

/// The kinds among objects, in the order in which the JavaScript face numbers them.
pub const OBJECT_KINDS: [Kind; 6] = [Kind::Object, Kind::Array, Kind::Promise, Kind::Map, Kind::Set, Kind::Date];

/// Reading a value did not work out. A JavaScript exception is pending, unless the value was of a useless type.
#[derive(Debug)]
pub struct Thrown {
    /// What was being read, where it is not known from elsewhere.
    pub field: Option<String>,
    /// What is wrong with it.
    pub problem: &'static str,
    /// What Node-API said.
    pub error: napi::Error,
}

impl From<napi::Error> for Thrown {
    fn from(error: napi::Error) -> Self {
        Self { field: None, problem: "threw an error when it was read", error }
    }
}

/// A value and the environment it lives in. Every value can be held as an `Object` here; what it is, `kind` tells.
#[derive(Clone, Copy)]
pub struct Live<'env> {
    value: Object<'env>,
    env: &'env Env,
    realm: &'env Realm,
}

impl<'env> Live<'env> {
    pub const fn new(value: Object<'env>, env: &'env Env, realm: &'env Realm) -> Self {
        Self { value, env, realm }
    }

    pub const fn value(&self) -> Object<'env> {
        self.value
    }

    pub fn type_of(&self) -> napi::Result<ValueType> {
        self.value.to_unknown().get_type()
    }

    /// The value of a number.
    pub fn number(&self) -> napi::Result<f64> {
        self.value.coerce_to_number()?.get_double()
    }

    /// The property of an object, by a key that is not known before.
    pub fn get(&self, key: &str) -> napi::Result<Self> {
        Ok(self.with(self.value.get_named_property_unchecked(key)?))
    }

    /// JavaScript's `String(value)`.
    fn stringified(&self) -> napi::Result<Text> {
        if self.type_of()? == ValueType::Symbol {
            let string = self.realm.string.borrow_back(self.env)?;
            return characters(&string.call(unbound(self.value))?);
        }
        characters(&self.value)
    }

    const fn with(&self, value: Object<'env>) -> Self {
        Self { value, env: self.env, realm: self.realm }
    }
}

/// Hands a value to a function reference, whose type parameter cannot name the scope of a single call.
pub fn unbound<'a>(value: impl JsValue<'a> + Copy) -> Object<'static> {
    Object::from_raw(value.value().env, value.raw())
}

fn characters(value: &Object<'_>) -> napi::Result<Text> {
    let string = value.coerce_to_string()?.into_utf16()?;
    // The slice that napi gives ends with the NUL that Node-API writes.
    let units = string.as_slice().split_last().map_or(&[][..], |(_, units)| units);
    Ok(Text::new(units.to_vec()))
}

impl Untyped for Live<'_> {
    type Thrown = Thrown;

    fn kind(&self) -> Result<Kind, Thrown> {
        Ok(match self.type_of()? {
            ValueType::Undefined => Kind::Undefined,
            ValueType::Null => Kind::Null,
            ValueType::Boolean => Kind::Boolean,
            ValueType::Number if self.number()?.is_nan() => Kind::Nan,
            ValueType::Number => Kind::Number,
            ValueType::String => Kind::String,
            ValueType::BigInt => Kind::Bigint,
            ValueType::Symbol => Kind::Symbol,
            ValueType::Function => Kind::Function,
            _ if self.value.is_array()? => Kind::Array,
            _ => {
                let kind = self.realm.kind_of.borrow_back(self.env)?.call(unbound(self.value))?;
                usize::try_from(kind).ok().and_then(|kind| OBJECT_KINDS.get(kind)).copied().unwrap_or(Kind::Object)
            }
        })
    }

    fn property(&self, key: &'static str) -> Result<Self, Thrown> {
        Ok(self.get(key)?)
    }

    fn elements(&self) -> Result<(Self, u32), Thrown> {
        // A proxy of an array is an array to zod, but not to Node-API.
        let array = if self.value.is_array()? {
            self.value
        } else {
            self.realm.spread.borrow_back(self.env)?.call(unbound(self.value))?
        };
        Ok((self.with(array), array.get_array_length_unchecked()?))
    }

    fn element(&self, index: u32) -> Result<Self, Thrown> {
        Ok(self.with(self.value.get_element(index)?))
    }

    fn text(&self) -> Result<Text, Thrown> {
        Ok(characters(&self.value)?)
    }

    fn truth(&self) -> Result<bool, Thrown> {
        Ok(self.value.coerce_to_bool()?)
    }
}

/// `data.payload`, looked up path by path.
pub struct LivePayload<'env> {
    root: Live<'env>,
    /// The code as it was rendered, so that it can be kept out of sight.
    code: RefCell<Text>,
}

impl<'env> LivePayload<'env> {
    pub fn new(root: Live<'env>) -> Self {
        Self { root, code: RefCell::default() }
    }

    fn value(&self, path: &Path<'_>) -> Result<Option<Text>, Thrown> {
        match self.root.type_of()? {
            ValueType::Object | ValueType::Function => {}
            _ => {
                let error = napi::Error::from_status(napi::Status::ObjectExpected);
                return Err(Thrown { field: Some("data.payload".to_owned()), problem: "is not an object", error });
            }
        }
        if !self.root.value.has_own_property(path.root())? {
            return Ok(None);
        }
        let mut value = self.root;
        for key in path.keys() {
            if value.type_of()? != ValueType::Object || !value.value.has_own_property(key)? {
                return Ok(Some(Text::default()));
            }
            value = value.get(key)?;
        }
        Ok(Some(match value.type_of()? {
            ValueType::Undefined | ValueType::Null => Text::default(),
            _ => value.stringified()?,
        }))
    }
}

impl Lookup for LivePayload<'_> {
    type Thrown = Thrown;

    fn lookup(&self, path: &Path<'_>) -> Result<Option<Text>, Thrown> {
        let found = self.value(path).map_err(|thrown| {
            let field = thrown.field.unwrap_or_else(|| format!("data.payload.{path}"));
            Thrown { field: Some(field), ..thrown }
        })?;
        if let Some(text) = &found
            && path.root() == "code"
        {
            self.code.replace(text.clone());
        }
        Ok(found)
    }
}

impl Payload for LivePayload<'_> {
    fn languages(&self) -> Result<Vec<String>, Thrown> {
        let mut languages = Vec::new();
        for key in ["uiLocales", "locale"] {
            let named =
                |error: napi::Error| Thrown { field: Some(format!("data.payload.{key}")), ..Thrown::from(error) };
            if self.root.type_of()? != ValueType::Object || !self.root.value.has_own_property(key).map_err(named)? {
                continue;
            }
            let value = self.root.get(key).map_err(named)?;
            if value.type_of()? == ValueType::String {
                languages.extend(value.text()?.well_formed().split_whitespace().map(str::to_owned));
            }
        }
        Ok(languages)
    }

    fn code(&self) -> Result<Text, Thrown> {
        Ok(self.code.borrow().clone())
    }
}
