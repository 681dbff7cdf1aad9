//! The prefixes of phone numbers that may receive messages.

/// Calling-code prefixes of numbers that may receive messages; none at all means every number may.
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

    /// True if every number may receive messages.
    pub const fn allow_all(&self) -> bool {
        self.0.is_empty()
    }

    /// True if this number may receive messages. An entry that is not digits allows nothing.
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
    use super::AllowedPrefixes;

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
