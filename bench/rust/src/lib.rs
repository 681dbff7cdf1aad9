//! What the programs of the bench share.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

/// The cryptography of all contenders that are written in Rust.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
