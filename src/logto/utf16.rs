//! Utf16 as JavaScript holds it: UTF-16 code units, perhaps with lone surrogates.

/// A JavaScript string, unit for unit, so that comparing and joining give what V8 would give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utf16(Vec<u16>);

impl Utf16 {
    /// Takes over UTF-16 code units, well formed or not.
    pub const fn new(units: Vec<u16>) -> Self {
        Self(units)
    }

    /// The code units.
    pub fn units(&self) -> &[u16] {
        &self.0
    }

    /// Appends code units as they are: two lone surrogates that meet become one character.
    pub fn push(&mut self, units: &[u16]) {
        self.0.extend_from_slice(units);
    }

    /// True if this is exactly `other`; without a copy.
    pub fn is(&self, other: &str) -> bool {
        self.0.iter().copied().eq(other.encode_utf16())
    }

    /// The text as it goes out: well formed, a lone surrogate replaced by U+FFFD.
    pub fn well_formed(&self) -> String {
        String::from_utf16_lossy(&self.0)
    }
}

impl From<&str> for Utf16 {
    fn from(value: &str) -> Self {
        // At most as many units as bytes: one allocation.
        let mut units = Vec::with_capacity(value.len());
        if value.is_ascii() {
            units.extend(value.bytes().map(u16::from));
        } else {
            units.extend(value.encode_utf16());
        }
        Self(units)
    }
}

#[cfg(test)]
mod tests {
    use super::Utf16;

    #[test]
    fn text_becomes_units() {
        for text in ["", "code 1", "\u{41a}\u{43e}\u{434} \u{1f600}"] {
            assert_eq!(Utf16::from(text).well_formed(), text);
            assert!(Utf16::from(text).is(text));
        }
    }

    #[test]
    fn a_lone_surrogate_goes_out_as_the_replacement_character() {
        assert_eq!(Utf16::new(vec![0x61, 0xd83d]).well_formed(), "a\u{fffd}");
    }

    #[test]
    fn halves_of_a_pair_that_meet_are_one_character() {
        let mut text = Utf16::new(vec![0xd83d]);
        text.push(&[0xde00]);
        assert_eq!(text.well_formed(), "\u{1f600}");
    }
}
