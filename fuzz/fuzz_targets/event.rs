//! Any event: a request for nothing but known actions, or problems.
#![no_main]

use libfuzzer_sys::fuzz_target;
use permissions_core::event::Event;
use permissions_core::iam::wildcard;
use permissions_core::options::{AskedBy, Options};
use permissions_core::voice::{Face, Voice};
use serde::Deserialize;

const KNOWN: &[&str] =
    &["sts:GetCallerIdentity", "s3:GetObject", "s3:PutObject", "dynamodb:PutItem", "logs:PutLogEvents"];

fuzz_target!(|bytes: &[u8]| {
    // As lambda_runtime reads it.
    let event = Event::deserialize(&mut serde_json::Deserializer::from_slice(bytes)).expect("never an error");
    for asked_by in [AskedBy::Caller, AskedBy::Widget] {
        match Options::parse(&event, KNOWN, Voice { face: Face::Function, name_of: |_| "SETTING" }, asked_by) {
            Ok(options) => {
                let event = event.0.as_ref().expect("what is not JSON is no request");
                if event.get("probe").is_none() {
                    assert_eq!(options, Options::default());
                }
                assert!(options.max_age.is_none() || asked_by == AskedBy::Widget);
                for asked in options.actions.iter().flatten() {
                    assert!(KNOWN.iter().any(|known| wildcard::matches(asked, known)));
                }
            }
            Err(problems) => {
                assert!(!problems.is_empty() && problems.len() <= 51);
                assert!(problems.iter().all(|problem| !problem.name.is_empty() && !problem.expected.is_empty()));
            }
        }
    }
});
