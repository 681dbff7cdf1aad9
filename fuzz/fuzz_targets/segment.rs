//! Whatever the text: the parts hold it, and one fewer would not.
#![no_main]

use connector_smsaero_native::smsaero::segment::{Alphabet, count};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let segments = count(text);
    let (single, multi) = match segments.alphabet {
        Alphabet::Gsm => (160, 153),
        Alphabet::Ucs2 => (70, 67),
    };
    if segments.parts == 1 {
        assert!(segments.units <= single);
    } else {
        assert!(segments.units > single);
        assert!(segments.units <= segments.parts * multi);
        // A character of two units that does not fit leaves one unit of a part unused, never more.
        assert!(segments.units > (segments.parts - 1) * (multi - 1));
    }
});
