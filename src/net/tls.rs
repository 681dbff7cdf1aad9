//! TLS to gateways: trusted authorities, verification, and failures in plain words.

mod advice;
mod provider;
mod roots;

pub use advice::{handshake_advice, is_unknown_issuer, tls_error};
pub use roots::{ReadRoots, Roots};

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};

/// The TLS of connections that trust only the authorities in a PEM text. Blocks that do not decode are skipped.
fn client_config(pem: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(pem));
    ClientConfig::builder_with_provider(Arc::new(provider::provider()))
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .unwrap_or_else(|_| unreachable!("ring speaks TLS 1.2 and 1.3"))
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The certificates in a PEM text. rustls' own reader decodes in constant time, which costs the first message a millisecond.
fn certificates(pem: &str) -> impl Iterator<Item = CertificateDer<'static>> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let bodies = blocks.filter_map(|block| Some(block.split_once("-----END CERTIFICATE-----")?.0));
    bodies.filter_map(|body| {
        let text = body.split_ascii_whitespace().collect::<String>();
        STANDARD.decode(text).ok().map(CertificateDer::from)
    })
}
