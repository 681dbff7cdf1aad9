//! Whatever JSON comes in: a result, and every issue says where.
#![no_main]

use connector_smsaero_native::logto::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(input) {
        match Config::parse(&Some(&value)) {
            Ok(config) => assert!(config.templates.len() >= 4),
            Err(issues) => {
                assert!(!issues.is_empty());
                assert!(issues.iter().all(|issue| !issue.path.is_empty() || !value.is_object()));
            }
        }
    }
});
