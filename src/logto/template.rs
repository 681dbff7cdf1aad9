//! Chooses the template for a usage type and a language, lists its variables and fills them in.

use std::{ops::Range, sync::OnceLock};

use crate::{
    logto::config::{Config, GENERIC, Template},
    logto::utf16::Utf16,
};

/// Whether the languages that a user wants make a difference for this usage type.
#[must_use]
pub fn depends_on_languages(config: &Config, usage_type: &Utf16) -> bool {
    let generic = generic_of(config);
    let is_candidate = |template: &&Template| {
        template.usage_type == *usage_type || generic.is_some_and(|generic| template.usage_type.is(generic))
    };
    config.templates.iter().filter(is_candidate).any(|template| template.locale.is_some())
}

/// The place of the template for a usage type.
///
/// The best one for the languages (most wanted first), else the one without a language, else Generic's where the
/// configuration allows it, else the first of the type, which the official connector would take.
#[must_use]
pub fn choose(config: &Config, usage_type: &Utf16, languages: &[String]) -> Option<usize> {
    let of_type = |is_wanted: &dyn Fn(&Utf16) -> bool| {
        let templates = config.templates.iter().enumerate();
        templates.filter(|(_, template)| is_wanted(&template.usage_type)).collect::<Vec<_>>()
    };
    let exact = of_type(&|usage| usage == usage_type);
    let generic = generic_of(config).map(|generic| of_type(&|usage| usage.is(generic))).unwrap_or_default();
    let best = in_language(&exact, languages).or_else(|| in_language(&generic, languages));
    best.or_else(|| exact.first().or_else(|| generic.first()).map(|(place, _)| *place))
}

/// The usage type that may stand in for others, where it may.
fn generic_of(config: &Config) -> Option<&'static str> {
    config.fallback_to_generic.then_some(GENERIC)
}

/// RFC 4647 lookup among the templates of one usage type, ending at the first one without a language.
fn in_language(templates: &[(usize, &Template)], languages: &[String]) -> Option<usize> {
    let find = |is_wanted: &dyn Fn(Option<&str>) -> bool| {
        templates.iter().find(|(_, template)| is_wanted(template.locale.as_deref())).map(|(place, _)| *place)
    };
    for language in languages {
        let mut range = Some(language.as_str());
        while let Some(wanted) = range.filter(|wanted| !wanted.is_empty()) {
            if let Some(place) = find(&|tag| tag.is_some_and(|tag| tag.eq_ignore_ascii_case(wanted))) {
                return Some(place);
            }
            range = narrowed(wanted);
        }
    }
    find(&|tag| tag.is_none())
}

/// A language range without its last subtag, and without a single letter left dangling before it.
fn narrowed(range: &str) -> Option<&str> {
    let (shorter, _) = range.rsplit_once('-')?;
    match shorter.rsplit_once('-') {
        Some((rest, single)) if single.len() == 1 => Some(rest),
        _ => Some(shorter),
    }
}

/// A place in a text where the value of a variable goes.
pub(crate) struct Handlebar {
    place: Range<usize>,
    path: String,
}

impl Template {
    /// A template for a usage type, in a language if it has one.
    #[must_use]
    pub const fn new(usage_type: Utf16, content: Utf16, locale: Option<String>) -> Self {
        Self { usage_type, content, is_too_long: false, locale, handlebars: OnceLock::new() }
    }

    /// The paths of the variables, in the order in which they stand in the text and as often: keys joined by dots, ASCII
    /// letters, digits and underscores only. The first key must be in the payload itself.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.handlebars().iter().map(|bar| bar.path.as_str())
    }

    /// The text with the values of its variables, in the same order; a variable without a value stays as it is.
    #[must_use]
    pub fn render(&self, values: &[Option<Utf16>]) -> Utf16 {
        let units = self.content.units();
        let length = units.len() + values.iter().flatten().map(|value| value.units().len()).sum::<usize>();
        let mut rendered = Utf16::new(Vec::with_capacity(length));
        let mut copied = 0;
        for (Handlebar { place, .. }, value) in self.handlebars().iter().zip(values) {
            if let Some(value) = value {
                rendered.push(units.get(copied..place.start).unwrap_or_default());
                rendered.push(value.units());
                copied = place.end;
            }
        }
        rendered.push(units.get(copied..).unwrap_or_default());
        rendered
    }

    /// The handlebars that name a variable: found once, for all messages.
    fn handlebars(&self) -> &[Handlebar] {
        self.handlebars.get_or_init(|| {
            let units = self.content.units();
            let mut from = 0;
            let next = move || {
                let (place, path) = next_handlebar(units, from)?;
                from = place.end;
                Some(Handlebar { place, path: units.get(path).map(ascii).unwrap_or_default() })
            };
            std::iter::from_fn(next).filter(|bar| !bar.path.starts_with('.')).collect()
        })
    }
}

/// Whether a variable is the one-time code, whole or in part.
#[must_use]
pub fn is_code(path: &str) -> bool {
    path.split('.').next() == Some("code")
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
    use serde_json::json;

    use super::{choose, depends_on_languages, is_code};
    use crate::{
        logto::config::{Config, Template},
        logto::utf16::Utf16,
    };

    fn rendered(content: &str) -> String {
        let template = Template::new(Utf16::default(), Utf16::from(content), None);
        let value = |path: &str| match path {
            "code" => Some(Utf16::from("123456")),
            "a_1" => Some(Utf16::from("x")),
            "code.length" => Some(Utf16::default()),
            _ => None,
        };
        let values = template.variables().map(value).collect::<Vec<_>>();
        template.render(&values).well_formed()
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

    #[test]
    fn variables_are_listed_in_order_and_as_often_as_they_stand() {
        let content = Utf16::from("{{b.c}} {{ a }} {{.x}} {{}} {{a}}");
        let template = Template::new(Utf16::default(), content, None);
        assert_eq!(template.variables().collect::<Vec<_>>(), ["b.c", "a", "a"]);
        assert!(is_code("code.part") && !is_code("codes"));
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
        let config = Config::parse(&Some(&value)).ok()?;
        let languages = languages.iter().map(ToString::to_string).collect::<Vec<_>>();
        let usage_type = Utf16::from(usage_type);
        let place = choose(&config, &usage_type, &languages)?;
        if !depends_on_languages(&config, &usage_type) {
            assert_eq!(choose(&config, &usage_type, &[]), Some(place));
        }
        Some(config.templates[place].content.well_formed())
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
