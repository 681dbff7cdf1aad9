//! Takes what must not be seen out of a text that came back from outside.
#![forbid(unsafe_code)]

use std::{fmt::Write as _, ops::Range};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What stands in the place of something hidden.
const HIDDEN: &str = "***";

/// Shorter than this, a secret would be found by chance and its removal would mangle the text.
const SHORTEST_CHARS: usize = 4;

/// What one send must never show, in its own words. It has no `Debug`, so that it cannot be printed.
pub struct Secrets {
    /// The account's e-mail address.
    pub email: String,
    /// The account's API key.
    pub api_key: String,
    /// The phone number.
    pub number: String,
    /// The text of the message.
    pub text: String,
    /// The one-time code.
    pub code: String,
}

impl Secrets {
    /// The text without any secret, in none of the spellings in which a server echoes what it was sent.
    /// `cut` says that the text ends where it was cut off: there, the beginning of a secret counts as well.
    #[must_use]
    pub fn scrub(&self, text: &str, cut: bool) -> String {
        let needles = self.spellings();
        let mut hits = needles.iter().flat_map(|needle| occurrences(text, needle)).collect::<Vec<_>>();
        // Addresses come back in lower case, whatever case they went out in.
        let email = self.email.to_ascii_lowercase();
        if email.chars().count() >= SHORTEST_CHARS {
            hits.extend(occurrences(&text.to_ascii_lowercase(), &email));
        }
        if cut {
            hits.extend(needles.iter().filter_map(|needle| beginning_at_the_end(text, needle)));
        }
        without(text, hits)
    }

    fn spellings(&self) -> Vec<String> {
        let credentials = STANDARD.encode(format!("{}:{}", self.email, self.api_key));
        let secrets = [&self.email, &self.api_key, &self.number, &self.text, &self.code, &credentials];
        let long_enough = secrets.into_iter().filter(|secret| secret.chars().count() >= SHORTEST_CHARS);
        let mut all = long_enough.flat_map(|secret| spellings_of(secret)).collect::<Vec<_>>();
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn spellings_of(secret: &str) -> Vec<String> {
    let json = inside_quotes(secret);
    let ascii = ascii_json(&json);
    vec![
        secret.to_owned(),
        json.replace('/', "\\/"),
        ascii.replace('/', "\\/"),
        upper_escapes(&ascii),
        percent(secret, "%20", |byte| format!("%{byte:02X}")),
        percent(secret, "+", |byte| format!("%{byte:02X}")),
        percent(secret, "%20", |byte| format!("%{byte:02x}")),
        html(secret),
        json,
        ascii,
    ]
}

fn inside_quotes(secret: &str) -> String {
    let json = serde_json::to_string(secret).unwrap_or_default();
    json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// JSON as PHP and Python write it: nothing but ASCII.
fn ascii_json(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        out
    })
}

/// The same with the digits of `\u…` in upper case.
fn upper_escapes(json: &str) -> String {
    let mut parts = json.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(4).unwrap_or((part, ""));
        let _ = write!(out, "\\u{}{rest}", digits.to_ascii_uppercase());
    }
    out
}

fn percent(secret: &str, space: &str, escape: fn(u8) -> String) -> String {
    secret.bytes().fold(String::with_capacity(secret.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push_str(space),
            _ => out.push_str(&escape(byte)),
        }
        out
    })
}

fn html(secret: &str) -> String {
    secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn occurrences<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = Range<usize>> + use<'a> {
    text.match_indices(needle).map(|(start, found)| start..start + found.len())
}

fn beginning_at_the_end(text: &str, needle: &str) -> Option<Range<usize>> {
    let beginnings = needle.char_indices().map(|(end, _)| end).skip(SHORTEST_CHARS);
    let longest = beginnings.filter_map(|end| needle.get(..end)).filter(|start| text.ends_with(start)).last()?;
    Some(text.len() - longest.len()..text.len())
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
            text: "Ваш код 482913 <да>".to_owned(),
            code: "482913".to_owned(),
        }
    }

    #[test]
    fn no_spelling_of_a_secret_survives() {
        let secrets = secrets();
        for (echo, shown) in [
            ("for owner@example.com", "for ***"),
            ("code 482913.", "code ***."),
            ("+79001234567", "+***"),
            (r#"{"text":"Ваш код 482913 <да>"}"#, r#"{"text":"***"}"#),
            (r"\u0412\u0430\u0448 \u043a\u043e\u0434 482913 <\u0434\u0430>", "***"),
            ("Ваш код 482913 &lt;да&gt;", "***"),
            (r#""k\/ey\"1""#, "\"***\""),
            ("k%2Fey%221", "***"),
            ("Basic T3duZXJAZXhhbXBsZS5jb206ay9leSIx", "Basic ***"),
        ] {
            assert_eq!(secrets.scrub(echo, false), shown, "{echo}");
        }
    }

    #[test]
    fn a_short_secret_does_not_mangle_the_text() {
        let mut secrets = secrets();
        secrets.api_key = "e".to_owned();
        assert_eq!(secrets.scrub("seen here", false), "seen here");
    }

    #[test]
    fn a_secret_that_was_cut_off_is_hidden_as_far_as_it_goes() {
        assert_eq!(secrets().scrub("number 7900123", true), "number ***");
        assert_eq!(secrets().scrub("number 7900123", false), "number 7900123");
        assert_eq!(secrets().scrub("number 790", true), "number 790");
    }
}
