//! TLS to gateways: trusted authorities, verification, and failures in plain words.

/// The trusted authorities, read again when that may help.
mod roots;

/// ring's cryptography and the curves of OpenSSL.
mod provider;

/// A failure in plain words.
mod advice;

pub use advice::{advice, handshake_advice, is_unknown_issuer, tls_error};
pub use roots::{ReadRoots, Roots};

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};

/// The TLS of connections that trust these authorities and nothing else.
#[must_use]
pub fn client_config(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(provider::provider()))
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .unwrap_or_else(|_| unreachable!("ring speaks TLS 1.2 and 1.3"))
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The authorities in a PEM text, without the blocks that do not decode.
#[must_use]
pub fn roots(pem: &str) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates(pem));
    store
}

/// Not by rustls' reader: its constant-time decoding, which keys need, took a millisecond of the first message.
fn certificates(pem: &str) -> impl Iterator<Item = CertificateDer<'static>> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let bodies = blocks.filter_map(|block| Some(block.split_once("-----END CERTIFICATE-----")?.0));
    bodies.filter_map(|body| {
        let text = body.split_ascii_whitespace().collect::<String>();
        STANDARD.decode(text).ok().map(CertificateDer::from)
    })
}
