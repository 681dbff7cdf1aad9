//! Detects a secret of a send in a text from outside, which is then withheld as a whole.
//!
//! A text is searched as it is, with one kind of escape undone, and with two, one after the other. Case does not matter,
//! and between digits only letters do. A secret has at least four characters and counts by its first 64 bytes; where a
//! text was cut off, the first four bytes at its end are enough.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// The sentence in place of a text that holds a secret.
pub const WITHHELD: &str = "The reply is not shown, because it repeats a part of the message or of the credentials. See the reason and the HTTP status.";

/// In characters. A shorter secret would be found by chance.
const SHORTEST: usize = 4;

const LONGEST_BYTES: usize = 64;

/// Escapes within escapes: JSON in HTML, a query within a query.
const NESTED: usize = 2;

const HASH_BITS: u32 = 12;

/// The secrets of one send. It has no `Debug`, so that it cannot be printed.
#[derive(Clone, Default)]
pub struct Secrets {
    /// The account's e-mail address.
    pub email: String,
    /// The account's API key.
    pub api_key: String,
    /// The phone number.
    pub number: String,
    /// The text of the message.
    pub text: String,
    /// The parts of the text that are secret by themselves, such as the one-time code or a link.
    pub values: Vec<String>,
}

/// Detects the secrets of one send.
pub struct Redactor {
    /// What to search for, sorted; none begins with another one.
    sorted: Vec<Vec<u8>>,
    /// True for the hashes of their first four bytes: few places of a text need more than this.
    starts: Vec<bool>,
}

impl Redactor {
    /// A redactor of these secrets.
    pub fn new(Secrets { email, api_key, number, text, values }: &Secrets) -> Self {
        let credentials = STANDARD_NO_PAD.encode(format!("{email}:{api_key}"));
        let whole = [email, api_key, number, text, &credentials].into_iter().chain(values).map(String::as_str);
        // A token may come back without the link around it.
        let runs = values.iter().chain([api_key]).flat_map(|value| value.split(|char: char| !char.is_alphanumeric()));
        let codes = values.iter().map(|value| digits(value)).collect::<Vec<_>>();
        let number = digits(number);
        // A calling code has up to three digits; a number without it is as good as the whole.
        let national = (0..=3).filter_map(|code| number.get(code..));
        let words =
            whole.chain(runs).chain(codes.iter().flat_map(|code| code.split(' '))).chain(national).map(str::trim);
        let long = words.filter(|word| word.chars().nth(SHORTEST - 1).is_some());
        let bytes = long.map(|word| lower(word).bytes().take(LONGEST_BYTES).collect());
        let mut sorted = bytes.collect::<Vec<Vec<u8>>>();
        sorted.sort_unstable();
        sorted.dedup_by(|longer, shorter| longer.starts_with(shorter));
        let mut starts = vec![false; 1 << HASH_BITS];
        for word in &sorted {
            if let Some(start) = start_of(word).and_then(|start| starts.get_mut(start)) {
                *start = true;
            }
        }
        Self { sorted, starts }
    }

    /// True if the text holds a secret. `cut` tells that its end is missing.
    pub fn holds_secret(&self, text: &str, cut: bool) -> bool {
        views(lower(text)).iter().any(|view| {
            self.is_in(view) || self.is_in(&digits(view)) || cut && ends(view).any(|text| self.begins_at_the_end(text))
        })
    }

    /// The text, or a sentence in its place if it holds a secret.
    pub fn redact(&self, text: String, cut: bool) -> String {
        if self.holds_secret(&text, cut) { WITHHELD.to_owned() } else { text }
    }

    fn is_in(&self, text: &str) -> bool {
        let text = text.as_bytes();
        text.windows(SHORTEST).enumerate().any(|(at, window)| {
            let may_start = start_of(window).and_then(|start| self.starts.get(start)).is_some_and(|start| *start);
            may_start && text.get(at..).is_some_and(|rest| self.is_first_in(rest))
        })
    }

    /// As no word begins with another, only the last one that is not after the text can be at its start.
    fn is_first_in(&self, text: &[u8]) -> bool {
        let after = self.sorted.partition_point(|word| word.as_slice() <= text);
        after.checked_sub(1).and_then(|last| self.sorted.get(last)).is_some_and(|word| text.starts_with(word))
    }

    /// True if the text, or its digits, end with the beginning of a secret.
    fn begins_at_the_end(&self, text: &str) -> bool {
        const SPACED_NUMBER_CHARS: usize = 256;
        let start = text.char_indices().nth_back(SPACED_NUMBER_CHARS).map_or(0, |(at, _)| at);
        let digits = digits(text.split_at(start).1);
        [text, &digits].map(str::as_bytes).into_iter().any(|text| {
            let mut tails = (SHORTEST..=LONGEST_BYTES).filter_map(|bytes| text.get(text.len().checked_sub(bytes)?..));
            tails.any(|tail| {
                let first = self.sorted.partition_point(|word| word.as_slice() < tail);
                self.sorted.get(first).is_some_and(|word| word.starts_with(tail))
            })
        })
    }
}

/// A text that was cut off, also without the part of a character or of an escape that it may end with.
fn ends(text: &str) -> impl Iterator<Item = &str> {
    const LONGEST_ESCAPE_BYTES: usize = 12;
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let last = text.char_indices().rev().take(LONGEST_ESCAPE_BYTES);
    let marks = last.filter(|(_, char)| ESCAPES.iter().any(|(mark, _)| mark == char));
    marks.map(|(at, _)| at).chain([text.len()]).map(|end| text.split_at(end).0)
}

/// A hash of the first four bytes.
fn start_of(text: &[u8]) -> Option<usize> {
    const GOLDEN_RATIO: u32 = 0x9e37_79b1;
    let hash = u32::from_be_bytes(*text.first_chunk()?).wrapping_mul(GOLDEN_RATIO);
    usize::try_from(hash >> (u32::BITS - HASH_BITS)).ok()
}

/// A text in lower case, character by character: unlike `str::to_lowercase`, the same for a part of it.
fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(char::to_lowercase).collect() }
}

/// The digits of a text, with a space instead of letters.
fn digits(text: &str) -> String {
    let (mut digits, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let end = rest.bytes().position(|byte| byte.is_ascii_digit()).unwrap_or(rest.len());
        let (between, after) = rest.split_at(end);
        if between.contains(char::is_alphabetic) {
            digits.push(' ');
        }
        let end = after.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(after.len());
        let (run, after) = after.split_at(end);
        digits.push_str(run);
        rest = after;
    }
    digits
}

/// The text as it is, and each other text that undoing escapes makes of it, as often as they may be nested.
fn views(text: String) -> Vec<String> {
    let mut views = vec![text];
    let mut read = 0;
    for _ in 0..NESTED {
        let undo =
            |view: &String| ESCAPES.into_iter().filter_map(|(mark, read)| undone(view, mark, read)).collect::<Vec<_>>();
        let deeper = views.iter().skip(read).flat_map(undo).collect::<Vec<_>>();
        read = views.len();
        for view in deeper {
            if !views.contains(&view) {
                views.push(view);
            }
        }
    }
    views
}

/// Reads one escape: the character that it stands for, if any, and the text after it.
type Read = fn(&str) -> Option<(Option<char>, &str)>;

/// Each kind of escape with the character that it begins with.
const ESCAPES: [(char, Read); 5] = [
    ('\\', backslash),
    ('&', entity),
    ('%', |text| utf8(text, "%")),
    // A space in a form.
    ('+', |text| Some((Some(' '), text.strip_prefix('+')?))),
    ('<', tag),
];

/// The text without escapes of one kind; `None` if it has none. No byte is looked at more than a fixed number of times.
fn undone(text: &str, mark: char, read: Read) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find(mark) {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        if let Some((char, after)) = read(escape) {
            match char {
                Some(char) if char.is_ascii() => out.push(char.to_ascii_lowercase()),
                char => out.extend(char.into_iter().flat_map(char::to_lowercase)),
            }
            (rest, found) = (after, true);
        } else {
            out.push(mark);
            (_, rest) = escape.split_at(1);
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

/// `\n`, `\"`, `\u0041`, `\u{41}`, `\x41`.
fn backslash(text: &str) -> Option<(Option<char>, &str)> {
    let mut rest = text.strip_prefix('\\')?.chars();
    let char = match rest.next()? {
        'u' => return unicode(rest.as_str()),
        'x' => return utf8(text, "\\x"),
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        other => other,
    };
    Some((Some(char), rest.as_str()))
}

/// Reads the code point in braces or the UTF-16 after `\u`.
fn unicode(text: &str) -> Option<(Option<char>, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (char, rest) = code_point(braced, 16)?;
        return Some((char, rest.strip_prefix('}')?));
    }
    let (digits, rest) = text.split_at_checked(4)?;
    let first = u16::from_str_radix(digits, 16).ok()?;
    if let Some(char) = char::from_u32(first.into()) {
        return Some((Some(char), rest));
    }
    let (digits, rest) = rest.strip_prefix("\\u")?.split_at_checked(4)?;
    let pair = [first, u16::from_str_radix(digits, 16).ok()?];
    Some((char::decode_utf16(pair).next()?.ok(), rest))
}

/// Reads a number in as many digits as there are.
fn code_point(text: &str, radix: u32) -> Option<(Option<char>, &str)> {
    let end = text.find(|char: char| !char.is_digit(radix)).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((Some(char::from_u32(u32::from_str_radix(digits, radix).ok()?)?), rest))
}

/// `&#65;`, `&#x41;`, `&amp;`, and without the semicolon, as browsers read them.
fn entity(text: &str) -> Option<(Option<char>, &str)> {
    const NAMES: [&str; 9] = ["amp", "lt", "gt", "quot", "apos", "nbsp", "commat", "plus", "sol"];
    const CHARS: &str = "&<>\"' @+/";
    let text = text.strip_prefix('&')?;
    let (char, rest) = if let Some(number) = text.strip_prefix('#') {
        number.strip_prefix('x').map_or_else(|| code_point(number, 10), |digits| code_point(digits, 16))?
    } else {
        NAMES.iter().zip(CHARS.chars()).find_map(|(name, char)| Some((Some(char), text.strip_prefix(name)?)))?
    };
    Some((char, rest.strip_prefix(';').unwrap_or(rest)))
}

/// Reads a character of which each UTF-8 byte is two hexadecimal digits after a mark.
fn utf8<'a>(text: &'a str, mark: &str) -> Option<(Option<char>, &'a str)> {
    let (mut bytes, mut rest) = ([0; 4], text);
    for length in 0..bytes.len() {
        let (digits, after) = rest.strip_prefix(mark)?.split_at_checked(2)?;
        *bytes.get_mut(length)? = u8::from_str_radix(digits, 16).ok()?;
        rest = after;
        if let Ok(char) = std::str::from_utf8(bytes.get(..=length)?) {
            return Some((char.chars().next(), rest));
        }
    }
    None
}

/// Reads a tag, which stands for nothing. A `<` before the `>` would begin another one.
fn tag(text: &str) -> Option<(Option<char>, &str)> {
    let inner = text.strip_prefix('<')?;
    let end = inner.find(['<', '>'])?;
    Some((None, inner.split_at(end).1.strip_prefix('>')?))
}

#[cfg(test)]
mod tests {
    use super::{Redactor, Secrets, WITHHELD, lower, views};

    const TOKEN: &str = "Zt9-oneTimeToken-7731";

    fn secrets() -> Secrets {
        Secrets {
            email: "Owner+sms@example.com".to_owned(),
            api_key: "k/Ey\"1&Rest".to_owned(),
            number: "79001234567".to_owned(),
            text: "Ваш код 482913 <да> 😀".to_owned(),
            values: vec!["482913".to_owned(), format!("https://shop.example/?token={TOKEN}"), "Анна Мария".to_owned()],
        }
    }

    fn holds_secret(text: &str) -> bool {
        Redactor::new(&secrets()).holds_secret(text, false)
    }

    fn is_withheld_when_cut(text: &str) -> bool {
        !holds_secret(text) && Redactor::new(&secrets()).holds_secret(text, true)
    }

    #[test]
    fn a_secret_is_found_in_any_spelling() {
        for text in [
            "for owner+sms@example.com",
            "for OWNER+SMS@EXAMPLE.COM",
            "for owner&#43;sms&#64;example.com",
            "for owner%2Bsms%40example.com",
            "Basic T3duZXIrc21zQGV4YW1wbGUuY29tOmsvRXkiMSZSZXN0",
            "basic=T3duZXIrc21zQGV4YW1wbGUuY29tOmsvRXkiMSZSZXN0==",
            "code 482913.",
            "code 482-913.",
            "code 4 8 2 9 1 3.",
            "code 4_8*2\u{200b}9—1/3.",
            "code 482\n\n        913",
            "code <b>482</b>913",
            "code < <b>482</b><i class=x>913</i>",
            "code &lt;b>482&lt;/b>913",
            r"code \u003cb\u003e482\u003c\/b\u003e913",
            "code &#52;&#0000056;&#x32;&#X0039;&#49&#51",
            "code &amp;#52;82913",
            r"code \x34\x382913",
            r"code \u{34}\u{000038}2913",
            r"code \\u003482913",
            "code %348%32913",
            "code %25348%2532913",
            "+79001234567",
            r#"{"text":"Ваш код 482913 <да> 😀"}"#,
            r"\u0412\u0430\u0448 \u043a\u043E\u0434 482913 \u003c\u0434\u0430> \ud83d\ude00",
            "Ваш+код+482913+%3Cда%3e+%F0%9F%98%80",
            r#""k\/Ey\"1&amp;Rest""#,
            r#"K\\/EY\\\"1\\u0026REST"#,
            "k%2FEy%221%26rest",
            "the rest",
            "АННА МАРИЯ",
            "Анна",
            r"\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0",
            "%D0%90%D0%BD%D0%BD%D0%B0",
            "stop word: oneTimeToken",
            "7731",
            "[7, 7, 3, 1]",
        ] {
            assert!(holds_secret(text), "{text}");
        }
    }

    #[test]
    fn a_number_is_found_in_national_spellings() {
        for number in [
            "+7 (900) 123-45-67",
            "8 900 123 45 67",
            "8(900)123-45-67",
            "89001234567",
            "09001234567",
            "9001234567",
            "900.123.45.67",
            "900\u{a0}123\u{2011}45\u{2013}67",
            "0079001234567",
            "8&nbsp;900&nbsp;1234567",
            r"8\u00a0900\u00a01234567",
            "%2B7%20900%201234567",
            "+7+900+1234567",
            "<td>900</td><td>1234567</td>",
        ] {
            assert!(holds_secret(&format!("number {number}, wrong")), "{number}");
        }
    }

    #[test]
    fn a_text_with_a_secret_is_withheld_and_any_other_comes_through_unchanged() {
        let redactor = Redactor::new(&secrets());
        assert_eq!(redactor.redact(format!("Forbidden: {TOKEN}"), false), WITHHELD);
        for text in [
            "Validation error.",
            "100 % & more\\",
            "%zz &nothing; \\u12 \\ud800 &#x110000; <",
            "",
            "7 900 on 2026-11-27",
            "482 rows, 913 columns",
            "Ваш адрес",
        ] {
            for cut in [false, true] {
                assert_eq!(redactor.redact(text.to_owned(), cut), text);
            }
        }
    }

    #[test]
    fn secrets_of_less_than_four_characters_are_left() {
        let short = Secrets {
            api_key: "key".to_owned(),
            values: ["913", "код", " e ", ""].map(str::to_owned).to_vec(),
            ..Secrets::default()
        };
        assert!(!Redactor::new(&short).holds_secret("key or code (код) wrong: 913 e ", true));
        let long = Secrets { values: vec!["коды".to_owned()], ..Secrets::default() };
        assert!(Redactor::new(&long).holds_secret("коды", false));
    }

    #[test]
    fn at_the_end_of_a_cut_text_the_beginning_of_a_secret_is_enough() {
        for text in [
            "number 7900123",
            "number +7 900 12",
            "number 8 (900) 12",
            "for OWNER+sms@exam",
            "for owner%2",
            "for owne&#11",
            r"\u0410\u043d\u043d\u04",
            "Анн\u{fffd}",
            "code 482<b>9</",
            "code 4829",
        ] {
            assert!(is_withheld_when_cut(text), "{text}");
        }
        for text in ["number 790", "for own%6", "4829 rows"] {
            assert!(!is_withheld_when_cut(text), "{text}");
        }
    }

    #[test]
    fn a_long_secret_counts_by_its_beginning() {
        let redactor = Redactor::new(&Secrets { text: "слово ".repeat(10_000), ..Secrets::default() });
        assert!(redactor.holds_secret(&"слово ".repeat(6), false));
        assert!(!redactor.holds_secret(&"слово ".repeat(5), false));
    }

    #[test]
    fn repetitions_take_time_linear_in_their_length() {
        // Looking at each byte once for each other one would take minutes.
        const BYTES: usize = 100_000;
        let repeated = format!("{}b", "a".repeat(63));
        let letters = |index: usize| index.to_string().bytes().map(|digit| char::from(digit + 55)).collect::<String>();
        let many = (0..BYTES / 6).map(letters).collect::<Vec<_>>();
        let redactor = Redactor::new(&Secrets { text: repeated, values: many, ..secrets() });
        for part in
            ["a", "9", "\\", "\\u{0", "&", "&#", "&#0", "%", "%d0", "<", "<a", "&amp;", "\\u0041", "%61", "98 ", "+"]
        {
            let page = part.repeat(BYTES / part.len());
            assert!(!redactor.holds_secret(&page, false), "{part}");
        }
    }

    #[test]
    fn no_text_has_more_than_a_fixed_number_of_views_none_longer_than_itself() {
        let page = lower(r"<p>\\u0026amp;%2541+&lt;b&gt;\x3c%26lt;</p>").repeat(100);
        let views = views(page.clone());
        assert!((10..=31).contains(&views.len()), "{}", views.len());
        assert!(views.iter().all(|view| view.len() <= page.len()));
    }
}
