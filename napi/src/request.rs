//! One send as the JavaScript half hands it over: fields with their length before them, in one string.
#![forbid(unsafe_code)]

use std::time::Duration;

use connector_smsaero_native::{error::Audience, utf16::Utf16};

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
    /// Reads the fields; `None` if there are too few, which the JavaScript half never writes.
    pub fn decode(units: &[u16]) -> Option<Self> {
        let mut fields = Fields { units };
        let id = fields.number()?;
        let template = fields.number()?;
        let waited_ms = fields.text()?.parse::<f64>().ok()?;
        let flags = fields.text()?;
        Some(Self {
            id,
            template,
            waited: Duration::try_from_secs_f64(waited_ms / 1000.0).unwrap_or_default(),
            audience: if flags.contains('a') { Audience::Administrator } else { Audience::EndUser },
            is_traced: flags.contains('t'),
            to: fields.next()??,
            usage_type: fields.next()??,
            values: fields.collect(),
        })
    }
}

struct Fields<'a> {
    units: &'a [u16],
}

impl Fields<'_> {
    fn text(&mut self) -> Option<String> {
        Some(self.next()??.well_formed())
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }
}

impl Iterator for Fields<'_> {
    type Item = Option<Utf16>;

    fn next(&mut self) -> Option<Self::Item> {
        const ABSENT: u16 = b'-' as u16;
        const COLON: u16 = b':' as u16;
        if let [ABSENT, rest @ ..] = self.units {
            self.units = rest;
            return Some(None);
        }
        let colon = self.units.iter().position(|&unit| unit == COLON)?;
        let (length, rest) = self.units.split_at_checked(colon)?;
        let length = String::from_utf16(length).ok()?.parse().ok()?;
        let (text, rest) = rest.get(1..)?.split_at_checked(length)?;
        self.units = rest;
        Some(Some(Utf16::new(text.to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use connector_smsaero_native::{error::Audience, utf16::Utf16};

    use super::SendRequest;

    fn decode(text: &str) -> Option<SendRequest> {
        SendRequest::decode(Utf16::from(text).units())
    }

    #[test]
    fn a_send_reads_as_it_was_written() {
        let request = decode("1:71:24:12.52:at2:796:SignIn3:a:b-0:").unwrap();
        assert_eq!((request.id, request.template, request.waited), (7, 2, Duration::from_micros(12_500)));
        assert_eq!((request.audience, request.is_traced), (Audience::Administrator, true));
        assert_eq!((request.to, request.usage_type), (Utf16::from("79"), Utf16::from("SignIn")));
        assert_eq!(request.values, [Some(Utf16::from("a:b")), None, Some(Utf16::default())]);
    }

    #[test]
    fn a_send_with_a_field_too_few_is_none() {
        for broken in ["", "1:7", "1:71:2", "1:71:21:00:2:79", "1:x1:21:00:2:790:", "9:7"] {
            assert!(decode(broken).is_none(), "{broken}");
        }
    }
}
