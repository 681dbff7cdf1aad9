//! Logto's side of the connector.

/// Parses a configuration.
pub mod config;
/// Zod's issues.
pub mod issue;
/// The end user's error message.
pub mod language;
/// The connector's description for Logto's Console.
pub mod metadata;
/// Chooses and renders templates.
pub mod template;
/// JavaScript text.
pub mod utf16;
