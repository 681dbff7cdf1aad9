//! Templates: chosen by usage type and language, their variables listed and filled in.

use std::{ops::Range, sync::OnceLock};

use crate::logto::utf16::Utf16;

/// The usage type that may stand in for any other.
pub const GENERIC: &str = "Generic";

/// The text for a usage type.
pub struct Template {
    /// The usage type.
    pub usage_type: Utf16,
    /// The text with its variables.
    pub content: Utf16,
    /// The BCP 47 tag of the text's language.
    pub locale: Option<String>,
    handlebars: OnceLock<Vec<Handlebar>>,
}

impl Template {
    /// A template for a usage type, in a language if it has one.
    pub const fn new(usage_type: Utf16, content: Utf16, locale: Option<String>) -> Self {
        Self { usage_type, content, locale, handlebars: OnceLock::new() }
    }

    /// The paths of the variables, in the order in which they stand in the text and as often: keys joined by dots, ASCII
    /// letters, digits and underscores only. The first key must be in the payload itself.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.handlebars().iter().map(|bar| bar.path.as_str())
    }

    /// The text with the values of its variables, in the same order; a variable without a value stays as it is.
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
            let mut found = Vec::new();
            let mut start = 0;
            while start < units.len() {
                let Some(bar) = Handlebar::at(units, start) else {
                    start += 1;
                    continue;
                };
                start = bar.place.end;
                found.push(bar);
            }
            found.retain(|bar| !bar.path.starts_with('.'));
            found
        })
    }
}

/// A place in a text where the value of a variable goes.
struct Handlebar {
    place: Range<usize>,
    path: String,
}

impl Handlebar {
    /// The match of `{{\s*([\w.]+)\s*}}` that begins at this place.
    fn at(units: &[u16], start: usize) -> Option<Self> {
        const OPEN: u16 = b'{' as u16;
        const CLOSE: u16 = b'}' as u16;
        let run = |from: usize, belongs: fn(u16) -> bool| {
            from + units.get(from..).unwrap_or_default().iter().take_while(|&&unit| belongs(unit)).count()
        };
        if units.get(start..start + 2) != Some(&[OPEN, OPEN]) {
            return None;
        }
        let path_start = run(start + 2, is_space);
        let path_end = run(path_start, is_path);
        let end = run(path_end, is_space);
        let path = units.get(path_start..path_end).filter(|path| !path.is_empty())?;
        let is_closed = units.get(end..end + 2) == Some(&[CLOSE, CLOSE]);
        is_closed.then(|| Self { place: start..end + 2, path: String::from_utf16_lossy(path) })
    }
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

/// True if the user's languages make a difference for this usage type.
pub fn depends_on_languages(templates: &[Template], fallback_to_generic: bool, usage_type: &Utf16) -> bool {
    templates.iter().any(|template| {
        template.locale.is_some()
            && (template.usage_type == *usage_type || fallback_to_generic && template.usage_type.is(GENERIC))
    })
}

/// The index of the template for a usage type.
///
/// The best one for the languages (most wanted first), else the one without a language, else Generic's if it may stand in,
/// else the first of the type, which the official connector would take.
pub fn choose(
    templates: &[Template],
    fallback_to_generic: bool,
    usage_type: &Utf16,
    languages: &[String],
) -> Option<usize> {
    let of_type = |wanted: &Utf16| {
        let templates = templates.iter().enumerate();
        templates.filter(|(_, template)| template.usage_type == *wanted).collect::<Vec<_>>()
    };
    let exact = of_type(usage_type);
    let generic = if fallback_to_generic { of_type(&Utf16::from(GENERIC)) } else { Vec::new() };
    let best = in_language(&exact, languages).or_else(|| in_language(&generic, languages));
    best.or_else(|| exact.first().or_else(|| generic.first()).map(|(index, _)| *index))
}

/// RFC 4647 lookup among the templates of one usage type, ending at the first one without a language.
fn in_language(templates: &[(usize, &Template)], languages: &[String]) -> Option<usize> {
    let find = |is_wanted: &dyn Fn(Option<&str>) -> bool| {
        templates.iter().find(|(_, template)| is_wanted(template.locale.as_deref())).map(|(index, _)| *index)
    };
    for language in languages {
        let mut range = Some(language.as_str());
        while let Some(wanted) = range.filter(|wanted| !wanted.is_empty()) {
            if let Some(index) = find(&|tag| tag.is_some_and(|tag| tag.eq_ignore_ascii_case(wanted))) {
                return Some(index);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Template, choose, depends_on_languages};
    use crate::logto::{config::Config, utf16::Utf16};

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
        let templates = Config::parse(&Some(&value)).ok()?.templates;
        let languages = languages.iter().map(ToString::to_string).collect::<Vec<_>>();
        let usage_type = Utf16::from(usage_type);
        let index = choose(&templates, fallback, &usage_type, &languages)?;
        if !depends_on_languages(&templates, fallback, &usage_type) {
            assert_eq!(choose(&templates, fallback, &usage_type, &[]), Some(index));
        }
        Some(templates[index].content.well_formed())
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
