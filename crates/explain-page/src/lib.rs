//! What explains a pasted denial, for a page that works from disk and sends no request.

use permissions_core::explain::{explain as explain_text, render_json, render_text};
use permissions_core::report::text::Layout;
use wasm_bindgen::prelude::wasm_bindgen;

/// The explanation of a text as JSON, the same that `permissions-doctor explain --format json` prints.
#[wasm_bindgen]
pub fn explain(text: &str) -> String {
    render_json(explain_text(text).as_ref()).to_string()
}

/// The first sentence of the explanation, for people.
#[wasm_bindgen]
pub fn summarize(text: &str) -> String {
    let wide = Layout { width: usize::MAX, color: false };
    render_text(explain_text(text).as_ref(), wide).lines().next().unwrap_or_default().to_owned()
}
