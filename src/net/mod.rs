//! Bytes to hosts: HTTP requests, connections, names, proxies. Knows no messages.

/// Base URLs.
pub mod gateway;

/// One request at most once.
pub mod transport;

/// One HTTP client per host, with its limits.
pub mod client;

/// Deadlines that read what has arrived before they strike.
pub mod deadline;

/// The reason why a gateway gave no reply.
pub mod connect_error;

/// The gateway to try first.
pub mod health;

/// The proxy on the way to a host.
pub mod proxy;

/// TLS: trust, verification, failures.
pub mod tls;

/// Name look-ups.
pub mod resolve;
