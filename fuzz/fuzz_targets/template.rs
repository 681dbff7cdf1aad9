//! Whatever the template: only known handlebars are touched, and what is left of the text stays in its order.
#![no_main]

use connector_smsaero_native::{logto::template::Template, logto::utf16::Utf16};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|units: Vec<u16>| {
    let text = Utf16::new(units);
    let template = Template::new(Utf16::default(), text.clone(), None);
    let count = template.variables().count();
    assert_eq!(template.render(&vec![None; count]), text);
    let emptied = template.render(&vec![Some(Utf16::default()); count]);
    let mut rest = text.units().iter();
    assert!(emptied.units().iter().all(|unit| rest.any(|other| other == unit)));
    let _ = emptied.well_formed();
});
