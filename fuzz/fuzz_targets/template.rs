//! Whatever the template: only known handlebars are touched, and what is left of the text stays in its order.
#![no_main]

use std::convert::Infallible;

use connector_smsaero_native::{
    template::{Lookup, Path, render},
    utf16::Utf16,
};
use libfuzzer_sys::fuzz_target;

/// Knows every root key, or none.
struct Payload(bool);

impl Lookup for Payload {
    type Thrown = Infallible;

    fn lookup(&self, path: &Path<'_>) -> Result<Option<Utf16>, Infallible> {
        assert!(!path.root().is_empty());
        Ok(self.0.then(Utf16::default))
    }
}

fuzz_target!(|units: Vec<u16>| {
    let content = Utf16::new(units);
    let Ok(untouched) = render(&content, &Payload(false));
    assert_eq!(untouched, content);
    let Ok(emptied) = render(&content, &Payload(true));
    let mut rest = content.units().iter();
    assert!(emptied.units().iter().all(|unit| rest.any(|other| other == unit)));
    let _ = emptied.well_formed();
});
