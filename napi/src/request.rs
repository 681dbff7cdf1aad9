//! Sends as the JavaScript half hands them over: fields with their length before them, in one string.
#![forbid(unsafe_code)]

use std::time::Duration;

use connector_smsaero_native::{error::Audience, logto::language::Language, logto::utf16::Utf16};

/// What is to be sent, beside the configuration and the options, which have handles.
pub struct SendRequest {
    /// The number by which JavaScript knows the pending send.
    pub id: u32,
    /// The place of the template among those of the configuration.
    pub template: usize,
    /// How long the send has been waiting for its configuration.
    pub waited: Duration,
    /// Who reads an error.
    pub audience: Audience,
    /// Whether anybody wants the trace.
    pub is_traced: bool,
    /// The phone number.
    pub to: Utf16,
    /// The usage type.
    pub usage_type: Utf16,
    /// The texts for the variables of the template, in its order; `None` where the payload has none.
    pub values: Vec<Option<Utf16>>,
}

impl SendRequest {
    /// Reads one send after the other, up to one that breaks off, which the JavaScript half never writes.
    pub fn decode_all(units: &[u16]) -> impl Iterator<Item = Self> {
        let mut fields = Fields { units };
        std::iter::from_fn(move || Self::decode(&mut fields))
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let request = Self {
            id: fields.number()?,
            template: fields.number()?,
            waited: Duration::from_micros(fields.number()?),
            is_traced: !fields.next()??.is_empty(),
            audience: fields.next()?.map_or(Audience::Administrator, |tags| {
                Audience::EndUser(Language::wanted(&String::from_utf16_lossy(tags)))
            }),
            to: utf16(fields.next()??),
            usage_type: utf16(fields.next()??),
            values: Vec::new(),
        };
        let count = fields.number::<usize>()?;
        let values = (0..count).map(|_| fields.next().map(|value| value.map(utf16))).collect::<Option<_>>()?;
        Some(Self { values, ..request })
    }
}

struct Fields<'a> {
    units: &'a [u16],
}

impl Fields<'_> {
    fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        whole(self.next()??)?.try_into().ok()
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<&'a [u16]>;

    fn next(&mut self) -> Option<Self::Item> {
        const ABSENT: u16 = b'-' as u16;
        const COLON: u16 = b':' as u16;
        if let [ABSENT, rest @ ..] = self.units {
            self.units = rest;
            return Some(None);
        }
        let colon = self.units.iter().position(|&unit| unit == COLON)?;
        let (length, rest) = self.units.split_at_checked(colon)?;
        let (text, rest) = rest.get(1..)?.split_at_checked(whole(length)?.try_into().ok()?)?;
        self.units = rest;
        Some(Some(text))
    }
}

/// A whole number in decimal digits.
fn whole(digits: &[u16]) -> Option<u64> {
    let digit = |&unit: &u16| char::from_u32(unit.into())?.to_digit(10);
    let (first, rest) = digits.split_first()?;
    rest.iter()
        .try_fold(u64::from(digit(first)?), |number, unit| number.checked_mul(10)?.checked_add(u64::from(digit(unit)?)))
}

fn utf16(units: &[u16]) -> Utf16 {
    Utf16::new(units.to_vec())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use connector_smsaero_native::{error::Audience, logto::language::Language, logto::utf16::Utf16};

    use super::SendRequest;

    fn decode(text: &str) -> Vec<SendRequest> {
        SendRequest::decode_all(Utf16::from(text).units()).collect()
    }

    #[test]
    fn sends_read_as_they_were_written() {
        let all = decode("1:71:25:125001:t-2:796:SignIn1:33:a:b-0:1:81:01:00:-2:775:Other1:0");
        let [one, other] = all.as_slice() else { unreachable!() };
        assert_eq!((one.id, one.template, one.waited), (7, 2, Duration::from_micros(12_500)));
        assert_eq!((one.audience, one.is_traced), (Audience::Administrator, true));
        assert_eq!((&one.to, &one.usage_type), (&Utf16::from("79"), &Utf16::from("SignIn")));
        assert_eq!(one.values, [Some(Utf16::from("a:b")), None, Some(Utf16::default())]);
        assert_eq!((other.id, &other.to, other.values.len()), (8, &Utf16::from("77"), 0));
    }

    #[test]
    fn languages_mean_somebody_who_signs_in() {
        let all = decode("1:71:21:00:9:es-MX  RU2:790:1:0");
        let [request] = all.as_slice() else { unreachable!() };
        assert_eq!((request.audience, request.is_traced), (Audience::EndUser(Language::Russian), false));
    }

    #[test]
    fn a_send_with_a_field_too_few_is_none() {
        for broken in
            ["", "1:7", "1:71:2", "1:71:21:00:-2:79", "1:x1:21:00:-2:790:1:0", "9:7", ":", "1:71:21:00:-2:790:1:1"]
        {
            assert!(decode(broken).is_empty(), "{broken}");
        }
    }
}
