//! Undoes the compression of a refusal that came compressed although nobody asked for it.

use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

use crate::smsaero::gateway::BODY_LIMIT_BYTES;

/// How a body is compressed, as its `Content-Encoding` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// It is not.
    #[default]
    Identity,
    /// `gzip`
    Gzip,
    /// `deflate`: zlib's format, or what is in it alone.
    Deflate,
    /// Something else, or several.
    Unknown,
}

impl Encoding {
    /// From the value of the header; none is `identity`.
    #[must_use]
    pub fn new(header: &str) -> Self {
        match header.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            _ => Self::Unknown,
        }
    }

    /// The body decompressed, at most [`BODY_LIMIT_BYTES`] of it, and whether there was more; `None` when that fails.
    #[must_use]
    pub fn decode(self, body: &[u8]) -> Option<(Vec<u8>, bool)> {
        match self {
            Self::Identity => Some((body.to_vec(), false)),
            Self::Gzip => inflate(GzDecoder::new(body)),
            Self::Deflate => inflate(ZlibDecoder::new(body)).or_else(|| inflate(DeflateDecoder::new(body))),
            Self::Unknown => None,
        }
    }
}

/// As much as can be read, unless that is nothing.
fn inflate(mut decoder: impl Read) -> Option<(Vec<u8>, bool)> {
    let mut body = vec![0; BODY_LIMIT_BYTES];
    let mut read = 0;
    let cut = loop {
        match body.get_mut(read..).map(|rest| decoder.read(rest)) {
            Some(Ok(0)) => break read == BODY_LIMIT_BYTES,
            Some(Ok(more)) => read += more,
            Some(Err(_)) | None => break true,
        }
    };
    body.truncate(read);
    (read > 0).then_some((body, cut))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::Encoding;
    use crate::smsaero::gateway::BODY_LIMIT_BYTES;

    const WORDS: &[u8] = b"Not enough money";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_words_are_read() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(WORDS).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(WORDS).unwrap();
        let read = Some((WORDS.to_vec(), false));
        assert_eq!(Encoding::new("GZip ").decode(&gzip(WORDS)), read);
        assert_eq!(Encoding::new("x-gzip").decode(&gzip(WORDS)), read);
        assert_eq!(Encoding::new("deflate").decode(&zlib.finish().unwrap()), read);
        assert_eq!(Encoding::new("deflate").decode(&raw.finish().unwrap()), read);
        assert_eq!(Encoding::new("").decode(WORDS), read);
    }

    #[test]
    fn a_body_that_cannot_be_read_gives_nothing() {
        assert_eq!(Encoding::new("br").decode(WORDS), None);
        assert_eq!(Encoding::new("gzip, deflate").decode(&gzip(WORDS)), None);
        assert_eq!(Encoding::Gzip.decode(WORDS), None);
        assert_eq!(Encoding::Gzip.decode(b""), None);
    }

    #[test]
    fn a_body_that_breaks_off_or_swells_is_cut() {
        let zeros = gzip(&vec![b'0'; 50 * BODY_LIMIT_BYTES]);
        let (body, cut) = Encoding::Gzip.decode(&zeros).unwrap();
        assert_eq!((body.len(), cut), (BODY_LIMIT_BYTES, true));
        let words = gzip(WORDS);
        let (body, cut) = Encoding::Gzip.decode(&words[..words.len() - 10]).unwrap();
        assert!(cut && WORDS.starts_with(&body));
    }
}
