//! The parts of an SMS, by GSM 03.38 and UCS-2 counting.

use serde::Serialize;

/// The most UTF-16 code units of a text, and of any string that becomes part of one. SMS Aero takes 640; a text without a limit
/// would hold up every other message.
pub const MOST_CHARACTERS: usize = 100_000;

/// The alphabet that a text is transmitted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Alphabet {
    /// The GSM 03.38 default alphabet with its extension table.
    #[serde(rename = "GSM")]
    Gsm,
    /// UTF-16, for any text with a character outside GSM 03.38.
    #[serde(rename = "UCS-2")]
    Ucs2,
}

/// The parts of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The alphabet it needs.
    pub alphabet: Alphabet,
    /// The number of parts, each billed as a message; an empty text is one.
    pub parts: usize,
    /// The length in units of the alphabet: septets, or UTF-16 code units.
    pub units: usize,
}

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Counts the parts of a text.
pub fn count(text: &str) -> Segments {
    let is_gsm = text.chars().all(|char| septets(char).is_some());
    let (alphabet, single, multi) = if is_gsm { (Alphabet::Gsm, 160, 153) } else { (Alphabet::Ucs2, 70, 67) };
    let width = |c: char| match alphabet {
        Alphabet::Gsm => septets(c).unwrap_or_default(),
        Alphabet::Ucs2 => c.len_utf16(),
    };
    let units = text.chars().map(width).sum();
    let parts = if units <= single { 1 } else { packed(text.chars().map(width), multi) };
    Segments { alphabet, parts, units }
}

/// Parts of a long text: a character that counts twice is never cut in half.
fn packed(widths: impl Iterator<Item = usize>, limit: usize) -> usize {
    let mut parts = 1;
    let mut used = 0;
    for width in widths {
        if used + width > limit {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    parts
}

fn septets(c: char) -> Option<usize> {
    match c {
        _ if BASIC.contains(c) => Some(1),
        _ if EXTENSION.contains(c) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Alphabet, count};

    #[test]
    fn the_limits_of_both_alphabets() {
        for (text, alphabet, parts) in [
            (String::new(), Alphabet::Gsm, 1),
            ("a".repeat(160), Alphabet::Gsm, 1),
            ("a".repeat(161), Alphabet::Gsm, 2),
            ("a".repeat(306), Alphabet::Gsm, 2),
            ("a".repeat(307), Alphabet::Gsm, 3),
            ("€".repeat(80), Alphabet::Gsm, 1),
            ("€".repeat(81), Alphabet::Gsm, 2),
            // 76 of them fill 152 of 153 septets: the next one starts a part.
            ("€".repeat(153), Alphabet::Gsm, 3),
            ("я".repeat(70), Alphabet::Ucs2, 1),
            ("я".repeat(71), Alphabet::Ucs2, 2),
            ("я".repeat(135), Alphabet::Ucs2, 3),
            ("😀".repeat(35), Alphabet::Ucs2, 1),
            ("😀".repeat(67), Alphabet::Ucs2, 3),
        ] {
            let segments = count(&text);
            assert_eq!((segments.alphabet, segments.parts), (alphabet, parts), "{text}");
        }
    }
}
