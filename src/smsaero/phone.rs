//! Phone numbers: masking them, and which ones may be sent to.

/// The number with its middle hidden: the first four and the last two digits of a number of ten or more, else nothing.
#[must_use]
pub fn masked(number: &str) -> String {
    let characters = number.chars().collect::<Vec<_>>();
    match (characters.len() >= 10, characters.first_chunk::<4>(), characters.last_chunk::<2>()) {
        (true, Some(head), Some(tail)) => head
            .iter()
            .copied()
            .chain(std::iter::repeat_n('*', characters.len() - 6))
            .chain(tail.iter().copied())
            .collect(),
        _ => "*".repeat(characters.len().min(9)),
    }
}

/// Whether SMS Aero takes this for a phone number: 7 to 15 digits.
#[must_use]
pub fn is_number(text: &str) -> bool {
    (7..=15).contains(&text.len()) && is_digits(text)
}

/// Calling-code prefixes that may be written to; none at all means every number may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedPrefixes(Vec<String>);

impl AllowedPrefixes {
    /// From entries as people write them: digits with an optional plus; white space and commas separate further ones.
    /// `all` and `*` allow every number: Logto's Console cannot empty a field that has been saved.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        let separator = |c: char| c == ',' || c.is_whitespace();
        let entries = entries.into_iter().flat_map(|entry| entry.split(separator));
        let entries = entries.filter(|entry| !entry.is_empty()).collect::<Vec<_>>();
        if entries.iter().any(|entry| *entry == "*" || entry.eq_ignore_ascii_case("all")) {
            return Self::default();
        }
        Self(entries.into_iter().map(without_plus).map(str::to_owned).collect())
    }

    /// Whether every number may be written to.
    #[must_use]
    pub const fn allow_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this number may be written to. An entry that is not digits allows nothing.
    #[must_use]
    pub fn allow(&self, number: &str) -> bool {
        let number = without_plus(number);
        self.allow_all() || self.0.iter().any(|prefix| is_digits(prefix) && number.starts_with(prefix.as_str()))
    }

    /// The entries that are not digits and so allow nothing.
    pub fn malformed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(|prefix| !is_digits(prefix))
    }
}

fn without_plus(text: &str) -> &str {
    text.strip_prefix('+').unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{AllowedPrefixes, masked};

    #[test]
    fn masking_never_shows_a_whole_number() {
        assert_eq!(masked("79001234567"), "7900*****67");
        assert_eq!(masked("112"), "***");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn prefixes_come_as_a_line_or_a_list() {
        for prefixes in [AllowedPrefixes::new(["7, +375"]), AllowedPrefixes::new(["+7", "375"])] {
            assert!(prefixes.allow("79001234567"));
            assert!(prefixes.allow("+375291234567"));
            assert!(!prefixes.allow("4915112345678"));
        }
    }

    #[test]
    fn no_prefix_allows_all_and_a_malformed_one_nothing() {
        for all in [" , ", "", "all", "ALL ", "*", "7, *"] {
            assert!(AllowedPrefixes::new([all]).allow("112"), "{all}");
        }
        let malformed = AllowedPrefixes::new(["Russia"]);
        assert!(!malformed.allow("79001234567"));
        assert_eq!(malformed.malformed().collect::<Vec<_>>(), ["Russia"]);
    }
}
