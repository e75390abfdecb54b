//! Any pasted text: an explanation with every key, or none; and nothing in it that a terminal would obey.
#![no_main]

use libfuzzer_sys::fuzz_target;
use permissions_core::explain::{explain, render_json, render_text};
use permissions_core::report::text::Layout;

fuzz_target!(|text: &str| {
    let told = explain(text);
    let json = render_json(told.as_ref());
    assert_eq!(json["isDenial"], told.is_some());
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(10));
    assert!(told.is_none() || !json["kind"].is_null());
    let shown = render_text(told.as_ref(), Layout::default());
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
});
