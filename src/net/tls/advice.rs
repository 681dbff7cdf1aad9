//! A failed TLS handshake in plain words: what happened and what to do.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

/// The rustls error in a chain of causes, those that an `io::Error` wraps and does not name as its source included.
#[must_use]
pub fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// True if the certificate's authority is not among the trusted ones, which may have changed since they were read.
#[must_use]
pub fn is_unknown_issuer(error: &(dyn Error + 'static)) -> bool {
    matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)))
}

/// The advice for a failed connection to `name`, if TLS failed or the connection ended during the handshake.
#[must_use]
pub fn handshake_advice(error: &(dyn Error + 'static), name: &str) -> Option<String> {
    let is_closed = |cause: &io::Error| {
        matches!(
            cause.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        )
    };
    if let Some(error) = tls_error(error) {
        return Some(advice(error, name));
    }
    causes(error).filter_map(|cause| cause.downcast_ref()).any(is_closed).then(|| {
        format!(
            "The connection to {name} was closed during the TLS handshake. A firewall or a proxy may forbid it, or the port is not one for TLS."
        )
    })
}

/// Two sentences: what happened and what to do. `name` is a gateway or a proxy.
#[must_use]
pub fn advice(error: &rustls::Error, name: &str) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error, name),
        rustls::Error::NoCertificatesPresented => {
            format!("{name} presents no certificate. Configure one there.")
        }
        rustls::Error::UnsupportedNameType => {
            format!("{name} is not a name that a certificate can be for. Use a host name or an IP address.")
        }
        rustls::Error::AlertReceived(alert) => alerted(*alert, name),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => outdated(name),
        rustls::Error::PeerIncompatible(_) => nothing_in_common(name),
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::InvalidEmptyPayload
            | InvalidMessage::MessageTooLarge,
        ) => format!(
            "What answers at {name} does not speak TLS. Check the address and the port: it may be one for plain HTTP."
        ),
        rustls::Error::InvalidMessage(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::PeerMisbehaved(_)
        | rustls::Error::PeerSentOversizedRecord
        | rustls::Error::DecryptError => format!(
            "What {name} sends is not correct TLS ({}). Something in between may change it: check proxies and firewalls.",
            word(error)
        ),
        other => format!("The TLS handshake with {name} failed ({}). Check what stands in between.", word(other)),
    }
}

fn certificate(error: &CertificateError, name: &str) -> String {
    match error {
        CertificateError::UnknownIssuer => format!(
            "The certificate of {name} is not signed by an authority that Node trusts. Where a proxy inspects TLS or the authority is your own, name its certificate in NODE_EXTRA_CA_CERTS, or start Node with --use-system-ca."
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
            "The certificate of {name} has expired. Check this machine's clock; if it is right, the certificate must be renewed."
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("The certificate of {name} is not valid yet. Check this machine's clock.")
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
            "The certificate of {name} names no host in its subjectAltName, and the common name does not count. Have one made that does."
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "The certificate of {name} is for another name. Something else answers there: check DNS, the proxy and SMSAERO_GATEWAYS."
        ),
        CertificateError::BadSignature => format!(
            "A signature of {name}, or in its certificate, cannot be verified. Check that RSA keys have 2,048 to 8,192 bits and that the whole chain is the server's own."
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. } => {
            unsupported(name, &algorithm(signature_algorithm_id))
        }
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            public_key_algorithm_id,
        } => {
            let [signature, key] = [signature_algorithm_id, public_key_algorithm_id].map(|id| algorithm(id));
            unsupported(name, &format!("{signature} (key: {key})"))
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => format!(
            "The certificate of {name} is not for servers. Have one made with the extended key usage serverAuth."
        ),
        CertificateError::UnhandledCriticalExtension => critical_extension(name),
        CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::UnsupportedCertVersion) => format!(
                "The certificate of {name} is of X.509 version 1, which Node takes and this connector does not. Have one of version 3 made, with a subjectAltName."
            ),
            Some(webpki::Error::CaUsedAsEndEntity) => format!(
                "The certificate of {name} is that of an authority (CA:TRUE), which Node takes from a server and this connector does not. Have the authority sign one for the server (CA:FALSE)."
            ),
            Some(webpki::Error::EndEntityUsedAsCa) => format!(
                "The certificate of {name} is signed by one that is no authority's (CA:FALSE). Have it signed by an authority."
            ),
            Some(webpki::Error::UnsupportedCriticalExtension) => critical_extension(name),
            Some(webpki::Error::NameConstraintViolation | webpki::Error::PathLenConstraintViolated) => format!(
                "An authority of the certificate of {name} may not sign it (name constraints or path length). Have it signed by another one."
            ),
            Some(other) => unusable(name, &word(other)),
            None => unusable(name, &other.to_string()),
        },
        other => unusable(name, &word(other)),
    }
}

fn alerted(alert: AlertDescription, name: &str) -> String {
    match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => nothing_in_common(name),
        AlertDescription::ProtocolVersion => outdated(name),
        AlertDescription::UnrecognisedName => {
            format!("What answers at {name} does not serve that name. Check DNS, the proxy and SMSAERO_GATEWAYS.")
        }
        AlertDescription::CertificateRequired | AlertDescription::BadCertificate | AlertDescription::AccessDenied => {
            format!("{name} wants a client certificate, and the connector has none. Let it in without one.")
        }
        other => format!("{name} broke off the TLS handshake ({}). Look for the reason in its log.", word(&other)),
    }
}

fn nothing_in_common(name: &str) -> String {
    format!(
        "{name} offers no TLS that this connector speaks, or wants a client certificate. Allow TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM or ChaCha20: RSA and DHE key exchange and CBC are refused, as are RSA-PSS and Ed448 keys."
    )
}

fn outdated(name: &str) -> String {
    format!("{name} speaks no TLS newer than 1.1. Allow TLS 1.2 or 1.3 there.")
}

fn unsupported(name: &str, algorithm: &str) -> String {
    format!(
        "The certificate of {name}, or one of its authority's, is signed with {algorithm}, which this connector cannot verify. Have one signed with RSA or ECDSA and SHA-256."
    )
}

fn critical_extension(name: &str) -> String {
    format!(
        "The certificate of {name} has a critical extension that this connector does not understand. Have one made without it, or with it not critical."
    )
}

fn unusable(name: &str, why: &str) -> String {
    format!("The certificate of {name} cannot be used ({why}). Have a new one made.")
}

/// The causes of an error, itself included. An `io::Error` hides the error that it was made of.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| {
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| cause.source())
    })
}

/// The innermost name of an error, without the numbers and texts that it holds.
fn word(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let name = |text: &str| text.chars().take_while(|character| character.is_alphanumeric()).collect::<String>();
    let outer = name(&text);
    let inner = text.get(outer.len() + 1..).map(name).unwrap_or_default();
    if inner.is_empty() { outer } else { inner }
}

/// The name of an algorithm by its identifier in DER. For a key on an elliptic curve that is the curve, its second part.
fn algorithm(id: &[u8]) -> String {
    let Some((first, rest)) = object_identifier(id) else { return "an unknown algorithm".to_owned() };
    let oid = object_identifier(rest).map_or(first, |(second, _)| second);
    let known = ALGORITHMS.iter().find(|(known, _)| *known == oid);
    known.map_or_else(|| format!("the algorithm {}", dotted(oid)), |(_, name)| (*name).to_owned())
}

/// The object identifier at the beginning, and what follows it.
fn object_identifier(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [6, length, rest @ ..] = der else { return None };
    rest.split_at_checked(usize::from(*length))
}

/// An object identifier as people write it.
fn dotted(oid: &[u8]) -> String {
    let mut numbers = Vec::new();
    let mut number = 0_u64;
    for byte in oid {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(std::mem::take(&mut number));
        }
    }
    // The first number holds two.
    let both = numbers.first().copied().unwrap_or_default();
    let top = (both / 40).min(2);
    let numbers = [top, both - top * 40].into_iter().chain(numbers.into_iter().skip(1));
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(".")
}

/// Algorithms of signatures and keys that OpenSSL knows, some of which neither library takes from a server.
const ALGORITHMS: [(&[u8], &str); 29] = [
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "RSA"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", "RSA and MD5"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "RSA and SHA-1"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA-PSS of unusual parameters"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "RSA and SHA-256"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", "RSA and SHA-384"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", "RSA and SHA-512"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", "RSA and SHA-224"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0e", "RSA and SHA3-256"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0f", "RSA and SHA3-384"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x10", "RSA and SHA3-512"),
    (b"\x2a\x86\x48\xce\x3d\x04\x01", "ECDSA and SHA-1"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x01", "ECDSA and SHA-224"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", "ECDSA and SHA-256"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x03", "ECDSA and SHA-384"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x04", "ECDSA and SHA-512"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0a", "ECDSA and SHA3-256"),
    (b"\x2b\x65\x70", "Ed25519"),
    (b"\x2b\x65\x71", "Ed448"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x02", "DSA and SHA-256"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x12", "ML-DSA-65"),
    (b"\x2a\x86\x48\xce\x3d\x02\x01", "an elliptic curve of its own"),
    (b"\x2a\x86\x48\xce\x3d\x03\x01\x07", "P-256"),
    (b"\x2b\x81\x04\x00\x22", "P-384"),
    (b"\x2b\x81\x04\x00\x23", "P-521"),
    (b"\x2b\x81\x04\x00\x0a", "secp256k1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07", "brainpoolP256r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", "brainpoolP384r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", "brainpoolP512r1"),
];

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use rustls::{
        AlertDescription as Alert, CertificateError as Certificate, Error, InvalidMessage, OtherError,
        PeerIncompatible, PeerMisbehaved,
        pki_types::{ServerName, UnixTime},
    };

    use super::{advice, dotted, handshake_advice, is_unknown_issuer};

    fn other(error: webpki::Error) -> Error {
        Error::InvalidCertificate(Certificate::Other(OtherError(Arc::new(error))))
    }

    fn signed(signature: &[u8], key: Option<&[u8]>) -> Error {
        let id = |oid: &[u8]| [&[6, u8::try_from(oid.len()).unwrap()], oid].concat();
        let signature_algorithm_id = [id(signature), vec![5, 0]].concat();
        Error::InvalidCertificate(key.map_or_else(
            || Certificate::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: signature_algorithm_id.clone(),
                supported_algorithms: Vec::new(),
            },
            |key| Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: signature_algorithm_id.clone(),
                public_key_algorithm_id: [id(b"\x2a\x86\x48\xce\x3d\x02\x01"), id(key)].concat(),
            },
        ))
    }

    /// The errors that servers of OpenSSL 3.0 made, with what was odd about each.
    #[test]
    fn each_kind_of_failure_has_its_own_sentence() {
        let name = || ServerName::try_from("gate.test").unwrap();
        let (time, not_after) = (UnixTime::now(), UnixTime::now());
        let rows = [
            ("unknown authority", Error::InvalidCertificate(Certificate::UnknownIssuer), "NODE_EXTRA_CA_CERTS"),
            (
                "notAfter in the past",
                Error::InvalidCertificate(Certificate::ExpiredContext { time, not_after }),
                "has expired. Check this machine's clock",
            ),
            (
                "notBefore in the future",
                Error::InvalidCertificate(Certificate::NotValidYetContext { time, not_before: not_after }),
                "is not valid yet. Check this machine's clock",
            ),
            (
                "common name alone",
                Error::InvalidCertificate(Certificate::NotValidForNameContext {
                    expected: name(),
                    presented: Vec::new(),
                }),
                "no host in its subjectAltName",
            ),
            (
                "another name",
                Error::InvalidCertificate(Certificate::NotValidForNameContext {
                    expected: name(),
                    presented: vec!["DnsName(\"other.example\")".to_owned()],
                }),
                "is for another name",
            ),
            ("RSA of 1,024 bits", Error::InvalidCertificate(Certificate::BadSignature), "2,048 to 8,192 bits"),
            ("version 1", other(webpki::Error::UnsupportedCertVersion), "X.509 version 1, which Node takes"),
            ("CA:TRUE", other(webpki::Error::CaUsedAsEndEntity), "that of an authority (CA:TRUE)"),
            ("signed by a leaf", other(webpki::Error::EndEntityUsedAsCa), "no authority's (CA:FALSE)"),
            ("critical policies", other(webpki::Error::UnsupportedCriticalExtension), "critical extension"),
            ("name constraints", other(webpki::Error::NameConstraintViolation), "name constraints"),
            ("odd encoding", other(webpki::Error::InvalidSerialNumber), "cannot be used (InvalidSerialNumber)"),
            ("no DER", Error::InvalidCertificate(Certificate::BadEncoding), "cannot be used (BadEncoding)"),
            ("for clients", Error::InvalidCertificate(Certificate::InvalidPurpose), "serverAuth"),
            ("-sha224", signed(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", None), "signed with RSA and SHA-224,"),
            ("-sha3-256", signed(b"\x60\x86\x48\x01\x65\x03\x04\x03\x0e", None), "signed with RSA and SHA3-256,"),
            ("no name here", signed(b"\x2a\x03\x04", None), "signed with the algorithm 1.2.3.4,"),
            (
                "authority on another curve",
                signed(b"\x2a\x86\x48\xce\x3d\x04\x03\x02", Some(b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07")),
                "signed with ECDSA and SHA-256 (key: brainpoolP256r1),",
            ),
            ("RSA or DHE key exchange, CBC, RSA-PSS key", Error::AlertReceived(Alert::HandshakeFailure), "ECDHE"),
            ("no group", Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon), "ECDHE"),
            ("-tls1_1", Error::AlertReceived(Alert::ProtocolVersion), "no TLS newer than 1.1"),
            (
                "-tls1_1, without an alert",
                Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                "no TLS newer than 1.1",
            ),
            ("-Verify 1", Error::AlertReceived(Alert::CertificateRequired), "wants a client certificate"),
            ("other SNI", Error::AlertReceived(Alert::UnrecognisedName), "does not serve that name"),
            ("other alert", Error::AlertReceived(Alert::InternalError), "(InternalError)"),
            ("HTTP, SSH, SMTP", Error::InvalidMessage(InvalidMessage::InvalidContentType), "does not speak TLS"),
            ("bytes changed", Error::DecryptError, "not correct TLS (DecryptError)"),
            ("a rule broken", Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare), "(InvalidKeyShare)"),
            ("no certificate", Error::NoCertificatesPresented, "presents no certificate"),
            ("anything else", Error::General("of 400 characters".to_owned()), "failed (General)"),
        ];
        for (what, error, expected) in rows {
            let sentences = advice(&error, "gate.test");
            assert!(sentences.contains(expected), "{what}: {sentences}");
            assert!(sentences.contains("gate.test") && sentences.ends_with('.'), "{what}: {sentences}");
            assert!(sentences.len() < 320, "{what}: {sentences}");
        }
    }

    #[test]
    fn errors_are_found_inside_the_io_errors_that_wrap_them() {
        let unknown = Error::InvalidCertificate(Certificate::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, unknown));
        assert!(is_unknown_issuer(&wrapped));
        assert!(handshake_advice(&wrapped, "gate.test").unwrap().contains("NODE_EXTRA_CA_CERTS"));
        let closed = io::Error::other(io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof"));
        assert!(handshake_advice(&closed, "gate.test").unwrap().contains("was closed during"));
        assert_eq!(handshake_advice(&io::Error::from(io::ErrorKind::ConnectionRefused), "gate.test"), None);
    }

    #[test]
    fn object_identifiers_are_written_with_dots() {
        assert_eq!(dotted(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), "1.2.840.113549.1.1.11");
        assert_eq!(dotted(b"\x60\x86\x48\x01\x65\x03\x04\x03\x02"), "2.16.840.1.101.3.4.3.2");
    }
}
