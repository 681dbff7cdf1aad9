//! The live payload as templates read it: looked up path by path, and V8 says how a value is written out.

use std::cell::RefCell;

use napi::{
    Env, JsValue, ValueType,
    bindgen_prelude::{FunctionRef, JsObjectValue, Object},
};

use connector_smsaero_native::{
    send::Payload,
    template::{Lookup, Path},
    utf16::Utf16,
};

/// Reading a value of the payload did not work out.
#[derive(Debug)]
pub struct Thrown {
    /// What was being read.
    pub field: String,
    /// What Node-API said, with a JavaScript exception pending; nothing if the payload is no object.
    pub error: Option<napi::Error>,
}

/// `data.payload`. Every value can be held as an `Object` here; what it is, its type tells.
pub struct LivePayload<'env> {
    root: Object<'env>,
    env: &'env Env,
    /// The global `String`, which can write out even a symbol.
    string: &'env FunctionRef<Object<'static>, Object<'static>>,
    /// What was rendered of the code, in each form that was asked for.
    codes: RefCell<Vec<String>>,
}

impl<'env> LivePayload<'env> {
    pub fn new(
        root: Object<'env>,
        env: &'env Env,
        string: &'env FunctionRef<Object<'static>, Object<'static>>,
    ) -> Self {
        Self { root, env, string, codes: RefCell::default() }
    }

    /// `None` where the root key is missing. Own properties only: what every object inherits is not meant.
    fn value(&self, path: &Path<'_>) -> napi::Result<Option<Utf16>> {
        if !self.root.has_own_property(path.root())? {
            return Ok(None);
        }
        let mut value = self.root;
        for key in path.keys() {
            if type_of(value)? != ValueType::Object || !value.has_own_property(key)? {
                return Ok(Some(Utf16::default()));
            }
            value = value.get_named_property_unchecked(key)?;
        }
        Ok(Some(match type_of(value)? {
            ValueType::Undefined | ValueType::Null => Utf16::default(),
            ValueType::Symbol => characters(self.string.borrow_back(self.env)?.call(unbound(value))?)?,
            _ => characters(value)?,
        }))
    }

    fn language(&self, key: &str) -> napi::Result<Option<String>> {
        if type_of(self.root)? != ValueType::Object || !self.root.has_own_property(key)? {
            return Ok(None);
        }
        let value = self.root.get_named_property_unchecked(key)?;
        Ok(if type_of(value)? == ValueType::String { Some(characters(value)?.well_formed()) } else { None })
    }
}

impl Lookup for LivePayload<'_> {
    type Thrown = Thrown;

    fn lookup(&self, path: &Path<'_>) -> Result<Option<Utf16>, Thrown> {
        if !matches!(type_of(self.root), Ok(ValueType::Object | ValueType::Function)) {
            return Err(Thrown { field: "data.payload".to_owned(), error: None });
        }
        let found = self.value(path).map_err(|error| threw(&path.to_string(), error))?;
        if let Some(text) = &found
            && path.root() == "code"
        {
            self.codes.borrow_mut().push(text.well_formed());
        }
        Ok(found)
    }
}

impl Payload for LivePayload<'_> {
    fn languages(&self) -> Result<Vec<String>, Thrown> {
        let mut languages = Vec::new();
        for key in ["uiLocales", "locale"] {
            let tags = self.language(key).map_err(|error| threw(key, error))?.unwrap_or_default();
            languages.extend(tags.split_whitespace().map(str::to_owned));
        }
        Ok(languages)
    }

    fn codes(&self) -> Vec<String> {
        self.codes.borrow().clone()
    }
}

fn threw(path: &str, error: napi::Error) -> Thrown {
    Thrown { field: format!("data.payload.{path}"), error: Some(error) }
}

/// Hands a value to a function reference, whose type parameter cannot name the scope of a single call.
pub fn unbound<'a>(value: impl JsValue<'a> + Copy) -> Object<'static> {
    Object::from_raw(value.value().env, value.raw())
}

fn type_of(value: Object<'_>) -> napi::Result<ValueType> {
    value.to_unknown().get_type()
}

/// What JavaScript's `String()` makes of anything but a symbol.
fn characters(value: Object<'_>) -> napi::Result<Utf16> {
    let string = value.coerce_to_string()?.into_utf16()?;
    // The slice that napi gives ends with the NUL that Node-API writes.
    let units = string.as_slice().split_last().map_or(&[][..], |(_, units)| units);
    Ok(Utf16::new(units.to_vec()))
}
