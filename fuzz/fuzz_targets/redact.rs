//! Secrets in any spelling among any text: each is found, and no page takes long (libFuzzer's `-timeout`).
#![no_main]

use arbitrary::Arbitrary;
use connector_smsaero_native::redact::{Redactor, Secrets, WITHHELD};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    parts: Vec<Part>,
    repeat: u8,
    cut: bool,
}

#[derive(Arbitrary, Debug)]
enum Part {
    Text(String),
    Secret(u8, Escape, Option<Escape>),
    Digits(bool, [u8; 12]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Escape {
    None,
    UpperCase,
    Json,
    Html,
    Percent,
}

fn secrets() -> Secrets {
    Secrets {
        email: "owner+sms@example.com".to_owned(),
        api_key: "Kd83_jf/0&s\"x".to_owned(),
        number: "79001234567".to_owned(),
        text: "Код 482913 — <никому>".to_owned(),
        values: vec!["482913".to_owned(), "https://shop.example/?t=Zt9-oneTimeToken".to_owned()],
    }
}

fn escaped(text: &str, escape: Escape) -> String {
    match escape {
        Escape::None => text.to_owned(),
        Escape::UpperCase => text.to_ascii_uppercase(),
        Escape::Json => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        Escape::Html => text.chars().map(|char| format!("&#{};", u32::from(char))).collect(),
        Escape::Percent => text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
    }
}

/// Digits with separators between them, each chosen by a byte.
fn separated(digits: &str, choices: &[u8]) -> String {
    const SEPARATORS: [&str; 8] = ["", "", "", " ", "-", ") ", "\u{a0}", "."];
    let separators = choices.iter().map(|choice| SEPARATORS[usize::from(choice % 8)]);
    digits
        .chars()
        .zip(separators.chain(std::iter::repeat("")))
        .map(|(digit, after)| format!("{digit}{after}"))
        .collect()
}

fuzz_target!(|input: Input| {
    let secrets = secrets();
    let words =
        [&secrets.email, &secrets.api_key, &secrets.number, &secrets.text, &secrets.values[0], &secrets.values[1]];
    let mut page = String::new();
    let mut has_secret = false;
    for part in &input.parts {
        let spelling = match part {
            Part::Text(text) => {
                page.push_str(text);
                continue;
            }
            Part::Digits(true, choices) => separated("89001234567", choices),
            Part::Digits(false, choices) => separated("482913", choices),
            Part::Secret(which, outer, inner) => {
                let word = words[usize::from(*which) % words.len()];
                escaped(&escaped(word, inner.unwrap_or(Escape::None)), *outer)
            }
        };
        // Nothing that stands before or after changes how it reads.
        page.push_str(" | ");
        page.push_str(&spelling);
        page.push_str(" | ");
        has_secret = true;
    }
    let page = page.repeat(usize::from(input.repeat % 4) + 1);
    let redactor = Redactor::new(&secrets);
    let is_found = redactor.holds_secret(&page, input.cut);
    assert!(is_found || !has_secret, "{page:?}");
    let shown = redactor.redact(page.clone(), input.cut);
    assert_eq!(shown, if is_found { WITHHELD } else { &page });
});
