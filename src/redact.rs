//! Takes what must not be seen out of a text that came back from outside.
#![forbid(unsafe_code)]

use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What stands in the place of something hidden.
const HIDDEN: &str = "***";

/// Shorter than this, a secret would be found by chance and its removal would mangle the text.
const SHORTEST_CHARS: usize = 4;

/// What one send must never show, in its own words. It has no `Debug`, so that it cannot be printed.
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
    /// The one-time code, in each form in which a template asked for it.
    pub codes: Vec<String>,
}

impl Secrets {
    /// The text without any secret, however a server has escaped what it was sent.
    /// `cut` says that the text ends where it was cut off: there, the beginning of a secret counts as well.
    #[must_use]
    pub fn redact(&self, text: &str, cut: bool) -> String {
        let needles = self.needles();
        let mut hits = Vec::new();
        for view in views(text) {
            for needle in &needles {
                hits.extend(needle.occurrences(&view));
                if cut && let Some(start) = needle.beginning_at_the_end(&view) {
                    hits.push(start..text.len());
                }
            }
        }
        without(text, hits)
    }

    fn needles(&self) -> Vec<Needle> {
        let credentials = STANDARD.encode(format!("{}:{}", self.email, self.api_key));
        let plain = [&self.api_key, &self.number, &self.text, &credentials];
        let plain = plain.into_iter().chain(&self.codes).map(|secret| Needle::new(secret, false));
        // Addresses come back in lower case, whatever case they went out in.
        let all = plain.chain([Needle::new(&self.email, true)]);
        all.filter(|needle| needle.chars.len() >= SHORTEST_CHARS).collect()
    }
}

/// Something to look for.
struct Needle {
    chars: Vec<char>,
    in_any_case: bool,
}

impl Needle {
    fn new(secret: &str, in_any_case: bool) -> Self {
        Self { chars: secret.chars().collect(), in_any_case }
    }

    fn occurrences<'a>(&'a self, view: &'a [Glyph]) -> impl Iterator<Item = Range<usize>> + use<'a> {
        view.windows(self.chars.len()).filter(|window| self.is_same(&self.chars, window)).filter_map(|window| {
            let (first, last) = (window.first()?, window.last()?);
            Some(first.start..last.end)
        })
    }

    /// Where the longest beginning of the secret starts that the view ends with.
    fn beginning_at_the_end(&self, view: &[Glyph]) -> Option<usize> {
        // The last glyphs may be an escape that was cut in two.
        const LONGEST_ESCAPE: usize = 9;
        (0..=LONGEST_ESCAPE.min(view.len())).find_map(|broken| {
            let (view, tail) = view.split_at_checked(view.len() - broken)?;
            if broken > 0 && !tail.first().is_some_and(|glyph| "\\%&".contains(glyph.char)) {
                return None;
            }
            (SHORTEST_CHARS..self.chars.len()).rev().find_map(|length| {
                let window = view.get(view.len().checked_sub(length)?..)?;
                self.is_same(self.chars.get(..length)?, window).then(|| window.first().map(|glyph| glyph.start))?
            })
        })
    }

    fn is_same(&self, chars: &[char], window: &[Glyph]) -> bool {
        chars
            .iter()
            .zip(window)
            .all(|(char, glyph)| *char == glyph.char || self.in_any_case && char.eq_ignore_ascii_case(&glyph.char))
    }
}

/// A character as somebody meant it, and the bytes of the text that stand for it.
#[derive(Clone, Copy)]
struct Glyph {
    char: char,
    start: usize,
    end: usize,
}

/// The text as it is, and as it reads when escapes of one kind or of two are undone.
fn views(text: &str) -> Vec<Vec<Glyph>> {
    let plain = text.char_indices().map(|(start, char)| Glyph { char, start, end: start + char.len_utf8() });
    let plain = plain.collect::<Vec<_>>();
    let mut views = Vec::new();
    if text.contains('\\') {
        let once = decoded(&plain, json_escape);
        let twice = decoded(&once, json_escape);
        if text.contains('&') {
            views.push(decoded(&once, html_entity));
        }
        views.extend([once, twice]);
    }
    if text.contains('&') {
        let entities = decoded(&plain, html_entity);
        views.push(decoded(&entities, json_escape));
        views.push(entities);
    }
    if text.contains(['%', '+']) {
        views.push(decoded(&plain, percent_escape));
        views.push(decoded(&plain, form_escape));
    }
    views.push(plain);
    views
}

/// Undoes one kind of escape: `escape` gives the character that the first glyphs mean, and how many glyphs those are.
fn decoded(glyphs: &[Glyph], escape: fn(&[Glyph]) -> Option<(char, usize)>) -> Vec<Glyph> {
    let mut out = Vec::with_capacity(glyphs.len());
    let mut rest = glyphs;
    while let Some(first) = rest.first() {
        let (char, taken) = escape(rest).unwrap_or((first.char, 1));
        let (escaped, after) = rest.split_at(taken.clamp(1, rest.len()));
        out.push(Glyph { char, start: first.start, end: escaped.last().map_or(first.end, |last| last.end) });
        rest = after;
    }
    out
}

fn is(glyphs: &[Glyph], place: usize, char: char) -> bool {
    glyphs.get(place).is_some_and(|glyph| glyph.char == char)
}

fn number(glyphs: &[Glyph], radix: u32) -> Option<u32> {
    if glyphs.is_empty() {
        return None;
    }
    glyphs.iter().try_fold(0_u32, |number, glyph| number.checked_mul(radix)?.checked_add(glyph.char.to_digit(radix)?))
}

fn json_escape(glyphs: &[Glyph]) -> Option<(char, usize)> {
    if !is(glyphs, 0, '\\') {
        return None;
    }
    let char = match glyphs.get(1)?.char {
        'u' => return unicode_escape(glyphs),
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        other => other,
    };
    Some((char, 2))
}

fn unicode_escape(glyphs: &[Glyph]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let begins = is(glyphs, at, '\\') && is(glyphs, at + 1, 'u');
        u16::try_from(number(glyphs.get(at + 2..at + 6).filter(|_| begins)?, 16)?).ok()
    };
    let first = unit(0)?;
    if let Some(second) = unit(6)
        && let Some(Ok(char)) = char::decode_utf16([first, second]).next()
        && char.len_utf16() == 2
    {
        return Some((char, 12));
    }
    Some((char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

fn html_entity(glyphs: &[Glyph]) -> Option<(char, usize)> {
    const LONGEST: usize = 10;
    if !is(glyphs, 0, '&') {
        return None;
    }
    let end = glyphs.iter().take(LONGEST).position(|glyph| glyph.char == ';')?;
    let name = glyphs.get(1..end)?;
    let char = if is(name, 0, '#') {
        let is_hexadecimal = name.get(1).is_some_and(|glyph| matches!(glyph.char, 'x' | 'X'));
        let code = if is_hexadecimal { number(name.get(2..)?, 16)? } else { number(name.get(1..)?, 10)? };
        char::from_u32(code)?
    } else {
        match name.iter().map(|glyph| glyph.char).collect::<String>().as_str() {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => '\u{a0}',
            _ => return None,
        }
    };
    Some((char, end + 1))
}

/// A character in percent escapes, as many as its UTF-8 has bytes.
fn percent_escape(glyphs: &[Glyph]) -> Option<(char, usize)> {
    let byte = |place: usize| {
        let at = place * 3;
        let digits = glyphs.get(at + 1..at + 3).filter(|_| is(glyphs, at, '%'))?;
        u8::try_from(number(digits, 16)?).ok()
    };
    (1..=4).find_map(|length| {
        let bytes = (0..length).map(byte).collect::<Option<Vec<u8>>>()?;
        let char = std::str::from_utf8(&bytes).ok()?.chars().next()?;
        Some((char, length * 3))
    })
}

/// The same as forms write it: a plus is a space.
fn form_escape(glyphs: &[Glyph]) -> Option<(char, usize)> {
    if is(glyphs, 0, '+') { Some((' ', 1)) } else { percent_escape(glyphs) }
}

/// The text with every range hidden; ranges that touch or overlap become one.
fn without(text: &str, mut hits: Vec<Range<usize>>) -> String {
    hits.sort_unstable_by_key(|hit| (hit.start, hit.end));
    let mut out = String::with_capacity(text.len());
    let mut shown_to = 0;
    let mut hits = hits.into_iter().peekable();
    while let Some(mut hit) = hits.next() {
        while let Some(next) = hits.next_if(|next| next.start <= hit.end) {
            hit.end = hit.end.max(next.end);
        }
        out.push_str(text.get(shown_to..hit.start).unwrap_or_default());
        out.push_str(HIDDEN);
        shown_to = hit.end;
    }
    out.push_str(text.get(shown_to..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::Secrets;

    fn secrets() -> Secrets {
        Secrets {
            email: "Owner@example.com".to_owned(),
            api_key: "k/ey\"1".to_owned(),
            number: "79001234567".to_owned(),
            text: "Ваш код 482913 <да> 😀".to_owned(),
            codes: vec!["482913".to_owned()],
        }
    }

    #[test]
    fn no_spelling_of_a_secret_survives() {
        let secrets = secrets();
        for (echo, shown) in [
            ("for owner@example.com", "for ***"),
            ("code 482913.", "code ***."),
            ("+79001234567", "+***"),
            (r#"{"text":"Ваш код 482913 <да> 😀"}"#, r#"{"text":"***"}"#),
            (r"\u0412\u0430\u0448 \u043a\u043E\u0434 482913 \u003c\u0434\u0430> \ud83d\ude00", "***"),
            ("Ваш код 482913 &lt;да&#062; &#x1F600;", "***"),
            ("Ваш+код+482913+%3Cда%3e+%F0%9F%98%80", "***"),
            (r#""k\/ey\"1""#, "\"***\""),
            (r#"\"k/ey\\\"1\""#, r#"\"***\""#),
            ("k%2Fey%221", "***"),
            ("Basic T3duZXJAZXhhbXBsZS5jb206ay9leSIx", "Basic ***"),
        ] {
            assert_eq!(secrets.redact(echo, false), shown, "{echo}");
        }
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        let mut secrets = secrets();
        secrets.api_key = "e".to_owned();
        for text in ["seen here", "100 % & more\\", "%zz &nothing; \\u12", ""] {
            assert_eq!(secrets.redact(text, true), text);
        }
    }

    #[test]
    fn a_secret_that_was_cut_off_is_hidden_as_far_as_it_goes() {
        assert_eq!(secrets().redact("number 7900123", true), "number ***");
        assert_eq!(secrets().redact("number 7900123", false), "number 7900123");
        assert_eq!(secrets().redact("number 790", true), "number 790");
        assert_eq!(secrets().redact("for OWNER@exam", true), "for ***");
        assert_eq!(secrets().redact(r"\u0412\u0430\u0448 \u043a\u04", true), "***");
    }
}
