//! Any event: a request for nothing but known actions, or problems.
#![no_main]

use libfuzzer_sys::fuzz_target;
use permissions_probe_fuzz::pattern;
use permissions_probe_fuzz::request::{Event, Request, is_http};
use serde::Deserialize;

const KNOWN: &[&str] =
    &["sts:GetCallerIdentity", "s3:GetObject", "s3:PutObject", "dynamodb:PutItem", "logs:PutLogEvents"];

fuzz_target!(|bytes: &[u8]| {
    // As lambda_runtime reads it.
    let event = Event::deserialize(&mut serde_json::Deserializer::from_slice(bytes)).expect("never an error");
    match Request::parse(&event, KNOWN) {
        Ok(request) => {
            let event = event.0.expect("what is not JSON is no request");
            if is_http(&event) || event.get("probe").is_none() {
                assert_eq!(request, Request::default());
            }
            for asked in request.actions.iter().flatten() {
                assert!(KNOWN.iter().any(|known| pattern::matches(asked, known)));
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty() && problems.len() <= 51);
            assert!(problems.iter().all(|problem| !problem.name.is_empty() && !problem.expected.is_empty()));
        }
    }
});
