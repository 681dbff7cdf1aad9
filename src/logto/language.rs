//! The sentence for somebody signing in, in the languages that SMS Aero's customers write to.

/// A language that the sentence is there in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// For whoever wants none of the others.
    #[default]
    English,
    /// Russian.
    Russian,
    /// German.
    German,
    /// French.
    French,
    /// Kazakh.
    Kazakh,
}

impl Language {
    /// The first of these BCP 47 tags, most wanted first and separated by white space, that there is a sentence for.
    pub fn wanted(tags: &str) -> Self {
        let known = |tag: &str| {
            let language = tag.split(['-', '_']).next()?;
            Some(match language.to_ascii_lowercase().as_str() {
                "en" => Self::English,
                "ru" => Self::Russian,
                "de" => Self::German,
                "fr" => Self::French,
                "kk" => Self::Kazakh,
                _ => return None,
            })
        };
        tags.split_whitespace().find_map(known).unwrap_or_default()
    }

    /// Says that no message went out, the same whatever happened.
    pub const fn apology(self) -> &'static str {
        match self {
            Self::English => "The text message could not be sent. Please try again later.",
            Self::Russian => "Не удалось отправить СМС. Повторите попытку позже.",
            Self::German => "Die SMS konnte nicht gesendet werden. Bitte versuchen Sie es später noch einmal.",
            Self::French => "Le SMS n’a pas pu être envoyé. Veuillez réessayer plus tard.",
            Self::Kazakh => "SMS жіберу мүмкін болмады. Кейінірек қайталап көріңіз.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_first_tag_that_is_known_decides() {
        for (tags, language) in [
            ("", Language::English),
            ("ru", Language::Russian),
            ("es-MX pt kk-Cyrl-KZ ru", Language::Kazakh),
            ("DE_AT", Language::German),
            ("fr-CA en", Language::French),
            ("en-GB ru", Language::English),
            ("tlh rus - _", Language::English),
        ] {
            assert_eq!(Language::wanted(tags), language, "{tags}");
        }
    }

    #[test]
    fn each_language_has_a_sentence_of_its_own() {
        let all = ["en", "ru", "de", "fr", "kk"].map(|tag| Language::wanted(tag).apology());
        let mut different = all.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), all.len());
    }
}
