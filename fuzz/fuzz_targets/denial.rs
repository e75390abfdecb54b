//! Any message: what is read out of it stands in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use permissions_core::iam::denial::parse;
use permissions_core::text::{Rendering, Text};

fuzz_target!(|message: &str| {
    if let Some(denial) = parse(message) {
        // Lines of what is pasted into a thread can be broken, with an escaped line break even.
        let letters = |text: String| text.chars().filter(char::is_ascii_alphabetic).collect::<String>();
        let lower = message.to_ascii_lowercase();
        let readings = [letters(lower.clone()), letters(lower.replace(r"\n", " "))];
        assert!(readings.iter().any(|reading| reading.contains("notauthorizedtoperform")));
        assert!(!denial.action.is_empty() && message.contains(denial.action));
        assert!(denial.action.contains(':') && !denial.action.contains(char::is_whitespace));
        for part in [denial.policy_arn, denial.authorization_id, denial.details_link].into_iter().flatten() {
            assert!(message.contains(part));
        }
    }
    for masks in [false, true] {
        let shown = Rendering::new(masks).text(&Text::new(message));
        assert!(!shown.contains(char::is_control) && shown.len() <= 10 * (8 * 1024 + 64));
    }
});
