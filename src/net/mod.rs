//! Bytes to hosts: HTTP requests, connections, names, proxies.

/// Bounds the connections of a process.
pub mod connections;
/// Which gateway to try first.
pub mod health;
/// The proxy on the way to a gateway.
pub mod proxy;
/// Name look-ups.
pub mod resolve;
/// TLS: trust, verification, failures.
pub mod tls;
/// One request at most once.
pub mod transport;
