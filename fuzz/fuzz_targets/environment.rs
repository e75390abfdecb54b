//! Any environment, as lines of NAME=VALUE: a configuration that keeps AWS's
//! naming rules, or problems that say what is expected.
#![no_main]

use libfuzzer_sys::fuzz_target;
use permissions_probe_fuzz::config::{Config, Logging, is_role_name};

fuzz_target!(|bytes: &[u8]| {
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    let lookup = |name: &str| {
        // No file of this machine is any of this program's business.
        if name == "AWS_CA_BUNDLE" || name == "SSL_CERT_FILE" {
            return None;
        }
        let value = lines.iter().find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        Some(std::str::from_utf8(value).map(str::to_owned).map_err(|_| String::from_utf8_lossy(value).into_owned()))
    };
    Logging::from_env(lookup);
    match Config::from_env(lookup) {
        Ok(config) => {
            assert!((3..=63).contains(&config.bucket.len()) && (3..=255).contains(&config.table.len()));
            assert!(config.bucket.is_ascii() && config.table.is_ascii());
            assert!(is_role_name(&config.expected_role));
            assert!((100..=60_000).contains(&config.timeout.as_millis()));
            let keys = config.object_key.iter().chain([&config.prefix]);
            assert!(keys.into_iter().all(|key| key.len() <= 1024 && !key.contains(char::is_control)));
        }
        Err(invalid) => {
            let problems = invalid.problems;
            assert!(!problems.is_empty() && problems.iter().all(|problem| !problem.expected.is_empty()));
        }
    }
});
