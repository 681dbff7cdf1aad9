//! Logto's side of the connector. Knows no SMS Aero and no network.

/// The connector's description for Logto's Console.
pub mod metadata;

/// Parses a configuration.
pub mod config;

/// Zod's issues.
pub mod issue;

/// The prefixes of phone numbers that may receive messages.
pub mod prefixes;

/// Chooses and renders templates.
pub mod template;

/// JavaScript text.
pub mod utf16;

/// The end user's error message.
pub mod language;
