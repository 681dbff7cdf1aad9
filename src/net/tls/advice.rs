//! A failed TLS handshake in plain words: what happened and what to do.

use std::{error::Error, fmt::Debug, io};

use rustls::{AlertDescription as Alert, CertificateError as Certificate, Error as Tls, PeerIncompatible};

/// The rustls error in a chain of causes, those that an `io::Error` wraps and does not name as its source included.
pub fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Tls> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// True if the certificate's authority is not among the trusted ones, which may have changed since they were read.
pub fn is_unknown_issuer(error: &(dyn Error + 'static)) -> bool {
    matches!(tls_error(error), Some(Tls::InvalidCertificate(Certificate::UnknownIssuer)))
}

/// The advice for a failed connection, if TLS failed or the connection ended during the handshake.
pub fn handshake_advice(error: &(dyn Error + 'static)) -> Option<String> {
    const CLOSED: &str = "The connection was closed during the TLS handshake. A firewall or a proxy may forbid it, or the port is not one for TLS.";
    let is_closed = || causes(error).filter_map(|cause| cause.downcast_ref()).any(is_closed);
    tls_error(error).map(advice).or_else(|| is_closed().then(|| CLOSED.to_owned()))
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// The advice for a failure of TLS. The other side is the gateway, or a proxy that speaks TLS itself.
fn advice(error: &Tls) -> String {
    match error {
        Tls::InvalidCertificate(error) => return certificate_advice(error),
        Tls::AlertReceived(Alert::ProtocolVersion)
        | Tls::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "The other side speaks no TLS newer than 1.1. Allow TLS 1.2 or 1.3 there.",
        Tls::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity) | Tls::PeerIncompatible(_) => {
            "The other side offers no TLS that this connector speaks, or wants a client certificate. Allow TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM or ChaCha20: RSA and DHE key exchange and CBC are refused, as are RSA-PSS and Ed448 keys."
        }
        Tls::AlertReceived(Alert::CertificateRequired | Alert::BadCertificate | Alert::AccessDenied) => {
            "The other side wants a client certificate, and the connector has none. Let it in without one."
        }
        Tls::InvalidMessage(_) => {
            "The other side does not speak TLS correctly. Check the address and the port, which may be one for plain HTTP, and proxies in between."
        }
        other => {
            return format!(
                "TLS failed ({}). Check proxies and firewalls in between, and the other side's log.",
                innermost_name(other)
            );
        }
    }
    .to_owned()
}

fn certificate_advice(error: &Certificate) -> String {
    let reason = if let Certificate::Other(other) = error { other.0.downcast_ref() } else { None };
    match error {
        Certificate::UnknownIssuer => {
            "The certificate is not signed by an authority that Node trusts. If a proxy inspects TLS or the authority is your own, name its certificate in NODE_EXTRA_CA_CERTS, or start Node with --use-system-ca."
        }
        Certificate::Expired | Certificate::ExpiredContext { .. } => {
            "The certificate has expired. Check this machine's clock; if it is right, the certificate must be renewed."
        }
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            "The certificate is not valid yet. Check this machine's clock."
        }
        Certificate::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "The certificate has no subjectAltName with a host, and its common name does not count. Have one made that has."
        }
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
            "The certificate is for another name. Check DNS, the proxy and SMSAERO_GATEWAYS."
        }
        Certificate::BadSignature => {
            "A signature cannot be verified. Check that RSA keys have 2,048 to 8,192 bits and that the whole chain is the other side's own."
        }
        Certificate::UnsupportedSignatureAlgorithmContext { signature_algorithm_id: id, .. }
        | Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext { public_key_algorithm_id: id, .. } => {
            return format!(
                "The certificate, or an authority's, uses {}, which this connector cannot verify. Have it signed with RSA or ECDSA and SHA-256.",
                algorithm(id)
            );
        }
        _ if reason == Some(&webpki::Error::UnsupportedCertVersion) => {
            "The certificate is of X.509 version 1, which Node takes and this connector does not. Have one of version 3 made, with a subjectAltName."
        }
        _ if reason == Some(&webpki::Error::CaUsedAsEndEntity) => {
            "The certificate is an authority's (CA:TRUE), which Node takes from a server and this connector does not. Have the authority sign one for the server (CA:FALSE)."
        }
        other => {
            return format!("The certificate cannot be used ({}). Have a new one made.", innermost_name(other));
        }
    }
    .to_owned()
}

/// Names what OpenSSL takes from a server and rustls does not, by an identifier in DER; that of a curve stands last.
const fn algorithm(id: &[u8]) -> &'static str {
    match id {
        [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a, ..] => "RSA-PSS with unusual parameters",
        [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0e, ..]
        | [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1, ..] => "SHA-224",
        [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x09..=0x10, ..] => "SHA-3",
        [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11..=0x13, ..] => "ML-DSA",
        [6, 3, 0x2b, 0x65, 0x71, ..] => "Ed448",
        [.., 6, 5, 0x2b, 0x81, 4, 0, 0x0a] => "the curve secp256k1",
        [.., 6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, _] => "a brainpool curve",
        _ => "an unknown algorithm",
    }
}

/// The innermost name of an error, without the numbers and texts that it holds.
fn innermost_name(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    let names = text.split(|c: char| !c.is_alphanumeric() && c != '(').next().unwrap_or_default();
    names.rsplit('(').find(|name| name.starts_with(char::is_alphabetic)).unwrap_or_default().to_owned()
}

/// The causes of an error, itself included. An `io::Error` hides the error that it was made of.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| {
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| cause.source())
    })
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use rustls::{
        AlertDescription as Alert, CertificateError as Certificate, Error, InvalidMessage, OtherError,
        PeerIncompatible, PeerMisbehaved,
        pki_types::{ServerName, UnixTime},
    };

    use super::{advice, handshake_advice, is_unknown_issuer};

    fn other(error: webpki::Error) -> Error {
        Certificate::Other(OtherError(Arc::new(error))).into()
    }

    fn for_another_name(presented: &[&str]) -> Error {
        let expected = ServerName::try_from("gate.test").unwrap();
        let presented = presented.iter().map(ToString::to_string).collect();
        Certificate::NotValidForNameContext { expected, presented }.into()
    }

    fn signed(id: &[u8]) -> Error {
        let signature_algorithm_id = id.to_vec();
        let supported_algorithms = Vec::new();
        Certificate::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, supported_algorithms }.into()
    }

    fn signed_on_brainpool() -> Error {
        let id = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07";
        let (signature_algorithm_id, public_key_algorithm_id) = (Vec::new(), id.to_vec());
        Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            public_key_algorithm_id,
        }
        .into()
    }

    /// The errors that servers of OpenSSL 3.0 made, with what was odd about each.
    #[test]
    fn each_kind_of_failure_has_its_own_sentence() {
        let (time, not_after) = (UnixTime::now(), UnixTime::now());
        let rows = [
            ("unknown authority", Certificate::UnknownIssuer.into(), "NODE_EXTRA_CA_CERTS"),
            ("notAfter in the past", Certificate::ExpiredContext { time, not_after }.into(), "has expired"),
            (
                "notBefore in the future",
                Certificate::NotValidYetContext { time, not_before: not_after }.into(),
                "is not valid yet",
            ),
            ("common name alone", for_another_name(&[]), "no subjectAltName with a host"),
            ("another name", for_another_name(&["DnsName(\"other.example\")"]), "is for another name"),
            ("RSA of 1,024 bits", Certificate::BadSignature.into(), "2,048 to 8,192 bits"),
            ("version 1", other(webpki::Error::UnsupportedCertVersion), "X.509 version 1, which Node takes"),
            ("CA:TRUE", other(webpki::Error::CaUsedAsEndEntity), "is an authority's (CA:TRUE)"),
            ("odd encoding", other(webpki::Error::InvalidSerialNumber), "cannot be used (InvalidSerialNumber)"),
            ("no DER", Certificate::BadEncoding.into(), "cannot be used (BadEncoding)"),
            ("-sha224", signed(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e\x05\x00"), "uses SHA-224,"),
            ("-sha3-256", signed(b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03\x0e"), "uses SHA-3,"),
            ("1.2.3.4", signed(b"\x06\x03\x2a\x03\x04"), "uses an unknown algorithm,"),
            ("authority on another curve", signed_on_brainpool(), "uses a brainpool curve,"),
            ("RSA or DHE key exchange, CBC, RSA-PSS key", Error::AlertReceived(Alert::HandshakeFailure), "ECDHE"),
            ("no group", PeerIncompatible::NoKxGroupsInCommon.into(), "ECDHE"),
            ("-tls1_1", Error::AlertReceived(Alert::ProtocolVersion), "no TLS newer than 1.1"),
            ("no alert", PeerIncompatible::ServerDoesNotSupportTls12Or13.into(), "no TLS newer than 1.1"),
            ("-Verify 1", Error::AlertReceived(Alert::CertificateRequired), "wants a client certificate"),
            ("HTTP, SSH, SMTP", InvalidMessage::InvalidContentType.into(), "does not speak TLS correctly"),
            ("other alert", Error::AlertReceived(Alert::InternalError), "TLS failed (InternalError)"),
            ("alert without a name", Error::AlertReceived(Alert::from(99)), "TLS failed (AlertDescription)"),
            ("a rule broken", PeerMisbehaved::InvalidKeyShare.into(), "TLS failed (InvalidKeyShare)"),
            ("anything else", Error::General("of 400 (or more) characters".to_owned()), "TLS failed (General)"),
        ];
        for (what, error, expected) in rows {
            let sentences = advice(&error);
            assert!(sentences.contains(expected) && sentences.ends_with('.'), "{what}: {sentences}");
            assert!(sentences.len() < 320, "{what}: {sentences}");
        }
    }

    #[test]
    fn errors_are_found_inside_the_io_errors_that_wrap_them() {
        let unknown = Error::from(Certificate::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, unknown));
        assert!(is_unknown_issuer(&wrapped));
        assert!(handshake_advice(&wrapped).unwrap().contains("NODE_EXTRA_CA_CERTS"));
        let closed = io::Error::other(io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof"));
        assert!(handshake_advice(&closed).unwrap().contains("was closed during"));
        assert_eq!(handshake_advice(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
    }
}
