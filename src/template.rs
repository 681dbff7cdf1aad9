//! Choosing the template for a usage type and a language, and filling its handlebars.
#![forbid(unsafe_code)]

use std::{fmt, ops::Range};

use crate::{
    config::{Config, GENERIC, Template, Untyped},
    utf16::Utf16,
};

/// Where the values for handlebars come from.
pub trait Lookup {
    /// What looking up may throw (a getter, a proxy, a `toString`).
    type Thrown;

    /// The text of the value at a path; `None` when the payload has no such root key.
    fn lookup(&self, path: &Path<'_>) -> Result<Option<Utf16>, Self::Thrown>;
}

/// What stands inside a handlebar: keys joined by dots, ASCII letters, digits and underscores only.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a>(&'a str);

impl<'a> Path<'a> {
    /// The key that must be in the payload itself; empty when the path begins with a dot.
    #[must_use]
    pub fn root(&self) -> &'a str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// All keys, the root first.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split('.')
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The template of a usage type.
///
/// The best one for the languages (most wanted first), else the one without a language, else Generic's where the
/// configuration allows it, else the first of the type, which the official connector would take.
pub fn choose<'a, V: Untyped, E>(
    config: &'a Config<V>,
    usage_type: &Utf16,
    languages: impl FnOnce() -> Result<Vec<String>, E>,
) -> Result<Option<&'a Template<V>>, E> {
    let of = |wanted: &Utf16| config.templates.iter().filter(|template| template.usage == *wanted).collect::<Vec<_>>();
    let falls_back = config.fallback_to_generic.as_ref().is_some_and(Untyped::truth);
    let exact = of(usage_type);
    let generic = if falls_back { of(&Utf16::from(GENERIC)) } else { Vec::new() };

    // Languages are read from the payload only where they can make a difference.
    let localized = exact.iter().chain(&generic).any(|template| template.locale.is_some());
    let languages = if localized { languages()? } else { Vec::new() };
    let best = in_language(&exact, &languages).or_else(|| in_language(&generic, &languages));
    Ok(best.or_else(|| exact.first().or_else(|| generic.first()).copied()))
}

/// RFC 4647 lookup among the templates of one usage type, ending at the first one without a language.
fn in_language<'a, V: Untyped>(templates: &[&'a Template<V>], languages: &[String]) -> Option<&'a Template<V>> {
    // An empty tag says nothing: the entry counts as one without a language.
    let tag_of =
        |template: &Template<V>| template.locale.as_ref().map(|tag| tag.text().well_formed()).unwrap_or_default();
    let tagged = templates.iter().map(|template| (tag_of(template), *template)).collect::<Vec<_>>();
    for language in languages {
        let mut range = Some(language.as_str());
        while let Some(wanted) = range.filter(|wanted| !wanted.is_empty()) {
            if let Some((_, template)) = tagged.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(wanted)) {
                return Some(template);
            }
            range = narrowed(wanted);
        }
    }
    tagged.iter().find(|(tag, _)| tag.is_empty()).map(|(_, template)| *template)
}

/// A language range without its last subtag, and without a single letter left dangling before it.
fn narrowed(range: &str) -> Option<&str> {
    let (shorter, _) = range.rsplit_once('-')?;
    match shorter.rsplit_once('-') {
        Some((rest, single)) if single.len() == 1 => Some(rest),
        _ => Some(shorter),
    }
}

/// Fills every handlebar whose root key the payload has; the others stay as they are.
pub fn render<L: Lookup>(content: &Utf16, payload: &L) -> Result<Utf16, L::Thrown> {
    let units = content.units();
    let mut rendered = Utf16::default();
    let mut copied = 0;
    let mut from = 0;
    while let Some((bar, path)) = next_handlebar(units, from) {
        from = bar.end;
        let path = units.get(path).map(ascii).unwrap_or_default();
        let path = Path(&path);
        if path.root().is_empty() {
            continue;
        }
        if let Some(value) = payload.lookup(&path)? {
            rendered.push(units.get(copied..bar.start).unwrap_or_default());
            rendered.push(value.units());
            copied = bar.end;
        }
    }
    rendered.push(units.get(copied..).unwrap_or_default());
    Ok(rendered)
}

/// The next match of `{{\s*([\w.]+)\s*}}` at or after a place: the whole of it, and the path inside.
fn next_handlebar(units: &[u16], from: usize) -> Option<(Range<usize>, Range<usize>)> {
    const OPEN: u16 = b'{' as u16;
    let mut start = from;
    loop {
        let rest = units.get(start..)?;
        start += rest.windows(2).position(|pair| pair == [OPEN, OPEN])?;
        if let Some(found) = handlebar_at(units, start) {
            return Some(found);
        }
        start += 1;
    }
}

fn handlebar_at(units: &[u16], start: usize) -> Option<(Range<usize>, Range<usize>)> {
    const CLOSE: u16 = b'}' as u16;
    let run = |from: usize, belongs: fn(u16) -> bool| {
        from + units.get(from..).unwrap_or_default().iter().take_while(|&&unit| belongs(unit)).count()
    };
    let path_start = run(start + 2, is_space);
    let path_end = run(path_start, is_path);
    let end = run(path_end, is_space);
    let closed = units.get(end..end + 2) == Some(&[CLOSE, CLOSE]);
    (closed && path_start < path_end).then_some((start..end + 2, path_start..path_end))
}

/// `\s` of a JavaScript regular expression: white space and line ends, NBSP and the byte order mark among them.
const fn is_space(unit: u16) -> bool {
    matches!(
        unit,
        0x09..=0x0d | 0x20 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000 | 0xfeff
    )
}

/// `[\w.]`, which is ASCII without the `u` flag.
const fn is_path(unit: u16) -> bool {
    matches!(unit, 0x30..=0x39 | 0x41..=0x5a | 0x5f | 0x61..=0x7a | 0x2e)
}

fn ascii(units: &[u16]) -> String {
    units.iter().filter_map(|&unit| u8::try_from(unit).ok()).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, convert::Infallible};

    use serde_json::{Value, json};

    use super::{Lookup, Path, choose, render};
    use crate::{config::Config, utf16::Utf16};

    struct Payload(HashMap<&'static str, &'static str>);

    impl Lookup for Payload {
        type Thrown = Infallible;

        fn lookup(&self, path: &Path<'_>) -> Result<Option<Utf16>, Infallible> {
            let nested = path.keys().count() > 1;
            Ok(self.0.get(path.root()).map(|value| Utf16::from(if nested { "" } else { *value })))
        }
    }

    fn rendered(content: &str) -> String {
        let payload = Payload(HashMap::from([("code", "123456"), ("a_1", "x")]));
        let Ok(text) = render(&Utf16::from(content), &payload);
        text.well_formed()
    }

    #[test]
    fn handlebars_are_filled_or_left() {
        for (content, expected) in [
            ("{{code}}", "123456"),
            ("{{ \u{a0}\u{feff}code\n}}{{a_1}}", "123456x"),
            ("{{other}} {{code}}", "{{other}} 123456"),
            ("{{code.length}}", ""),
            ("{{.code}} {{}} {{ }} {{co de}}", "{{.code}} {{}} {{ }} {{co de}}"),
            ("{{{code}}}", "{123456}"),
            ("{{ {{code}}", "{{ 123456"),
            ("{{code}", "{{code}"),
            ("{{\u{200b}code}}", "{{\u{200b}code}}"),
            ("", ""),
        ] {
            assert_eq!(rendered(content), expected, "{content}");
        }
    }

    fn chosen(
        templates: &[(&str, Option<&str>, &str)],
        fallback: bool,
        usage_type: &str,
        languages: &[&str],
    ) -> Option<String> {
        let mut list =
            ["Register", "SignIn", "ForgotPassword"].map(|name| json!({ "usageType": name, "content": name })).to_vec();
        for (usage_type, locale, content) in templates {
            let mut template = json!({ "usageType": usage_type, "content": content });
            if let Some(locale) = locale {
                template["locale"] = json!(locale);
            }
            list.push(template);
        }
        let value = json!({
            "email": "a@b.co", "apiKey": "", "senderName": "", "fallbackToGeneric": fallback, "templates": list,
        });
        let root = Some(&value);
        let config = Config::parse(&root).ok()?;
        let languages = languages.iter().map(ToString::to_string).collect();
        let Ok(template) = choose(&config, &Utf16::from(usage_type), || Ok::<_, Infallible>(languages));
        template.and_then(|template| template.content).and_then(Value::as_str).map(str::to_owned)
    }

    #[test]
    fn a_missing_usage_type_is_generic_only_where_allowed() {
        let templates = [("Generic", None, "generic")];
        assert_eq!(chosen(&templates, false, "BindMfa", &[]), None);
        assert_eq!(chosen(&templates, true, "BindMfa", &[]).as_deref(), Some("generic"));
    }

    #[test]
    fn the_users_language_narrows_before_the_next_one_is_tried() {
        let templates = [
            ("Generic", None, "plain"),
            ("Generic", Some("ru"), "ru"),
            ("Generic", Some("pt-BR"), "pt-BR"),
            ("Generic", Some("zh-Hant"), "zh-Hant"),
        ];
        for (languages, expected) in [
            (&["ru-RU", "pt-BR"][..], "ru"),
            (&["de", "PT-br"][..], "pt-BR"),
            (&["pt"][..], "plain"),
            (&["zh-Hant-x-TW"][..], "zh-Hant"),
            (&[][..], "plain"),
        ] {
            assert_eq!(chosen(&templates, false, "Generic", languages).as_deref(), Some(expected), "{languages:?}");
        }
    }

    #[test]
    fn a_type_with_other_languages_only_prefers_generic_and_then_its_first_entry() {
        let templates = [("MfaVerification", Some("ru"), "mfa-ru"), ("Generic", None, "generic")];
        assert_eq!(chosen(&templates, true, "MfaVerification", &["de"]).as_deref(), Some("generic"));
        assert_eq!(chosen(&templates, false, "MfaVerification", &["de"]).as_deref(), Some("mfa-ru"));
    }
}
