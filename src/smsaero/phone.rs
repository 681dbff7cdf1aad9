//! Phone numbers.

/// The number with its middle hidden: the first four and the last two digits of a number of ten or more, else nothing.
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

/// True if SMS Aero takes this for a phone number: 7 to 15 digits.
pub fn is_number(text: &str) -> bool {
    (7..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The last ten digits of a number, by which numbers are compared: SMS Aero may write 8900… as 7900….
pub fn last_digits(number: &str) -> String {
    number.chars().rev().filter(char::is_ascii_digit).take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn masking_never_shows_a_whole_number() {
        assert_eq!(masked("79001234567"), "7900*****67");
        assert_eq!(masked("112"), "***");
        assert_eq!(masked(""), "");
    }
}
