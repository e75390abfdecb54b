//! The function's pages for a CloudWatch dashboard: one of each root cause, a success, and texts that try to break out.
//! They are kept in tests/pages, where the tests of tests/browser look at them. `./dev docs` writes them.

use serde_json::Value;

use crate::docs::assert_written;
use crate::emulator::event;
use crate::harness::{Request, action_of, error_of, healthy};
use crate::root_causes::{CAUSES, cause_by, cause_full, run_by};

/// The event of a dashboard that wants a new run.
fn widget() -> Value {
    event("widget.json")
}

/// A page with one time for all: `2026-01-31 12:00:00 UTC`.
fn normalized(page: &Value) -> String {
    const TIME: &str = "2026-01-31 12:00:00";
    let mut page = page.as_str().unwrap().to_owned();
    let ends: Vec<_> = page.match_indices(" UTC").map(|(end, _)| end).collect();
    for end in ends {
        page.replace_range(end - TIME.len()..end, TIME);
    }
    page
}

#[tokio::test]
async fn the_page_of_each_root_cause() {
    for name in CAUSES.iter().chain(&["a success"]) {
        let page = cause_by(widget(), name).await;
        assert_written(&format!("tests/pages/{}.html", name.replace(' ', "-")), &normalized(&page));
    }
}

/// What a browser gets that opens the function's URL.
#[tokio::test]
async fn the_whole_page_of_a_denial_and_of_a_success() {
    let mut request = event("function-url.json");
    request["headers"]["accept"] = "text/html".into();
    for name in ["a missing statement", "a success"] {
        let response = cause_full(request.clone(), name).await;
        let page = normalized(&response["body"]);
        assert_written(&format!("tests/pages/whole-{}.html", name.replace(' ', "-")), &page);
    }
}

#[tokio::test]
async fn texts_that_try_to_break_out() {
    let long = "x".repeat(8 * 1024);
    for (name, text) in [
        (
            "markup",
            "<script>alert(1)</script><img src=x onerror=alert(1)><iframe src=https://example.com></iframe>\"'&amp;</pre></details></li></ul></div><h1>out</h1>",
        ),
        ("terminal", "\u{1b}[31mred\u{1b}[0m\u{9b}2J\u{7}\r\n\u{0}"),
        ("long-word", long.as_str()),
        ("right-to-left", "\u{202e}denied\u{202c}\u{2066}x\u{2069}\u{200f}שלום עולם"),
    ] {
        let text = text.to_owned();
        let page = run_by(widget(), &[], move |request: &Request| match action_of(request).as_str() {
            "dynamodb:PutItem" | "s3:PutObject" => {
                let sentence = format!("User: {text} is not authorized to perform: kms:Decrypt on resource: {text} because no identity-based policy allows the kms:Decrypt action");
                error_of(request, 403, "AccessDeniedException", &sentence)
            }
            "sagemaker:CreateModel" => error_of(request, 400, "ValidationException", &text),
            _ => healthy(request),
        })
        .await;
        assert_written(&format!("tests/pages/hostile-{name}.html"), &normalized(&page));
    }
}
