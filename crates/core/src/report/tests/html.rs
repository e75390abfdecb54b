//! The report as HTML: what is in it, and that no text breaks out of its place.

use super::rendered;
use crate::answer::Answer;
use crate::fixtures::*;
use crate::report::html::{CheckNow, Shown, Theme, fragment, page};
use crate::report::json;

fn scan(message: &str) -> json::Report {
    rendered(run(specification(), |check| (check.action() == "dynamodb:Scan").then(|| denied(check, message))))
}

#[test]
fn a_fragment_has_what_is_wrong_what_to_do_and_the_rest_folded() {
    let report = scan(&missing("ACTION"));
    let shown = Shown {
        checked_at: "2026-01-31 12:00:00 UTC".to_owned(),
        age_seconds: Some(42),
        since: vec![Some("2026-01-31 11:00:00 UTC".to_owned()); report.rows.len()],
        check_now: Some(CheckNow { endpoint: "arn:f".to_owned(), parameters: r#"{"probe":{}}"#.to_owned() }),
        ..Shown::default()
    };
    let html = fragment(&report, &shown);
    let order = [
        "<div class=\"permissions-probe light\">",
        "✗ denied",
        "Checked at 2026-01-31 12:00:00 UTC, 42 s ago.",
        "role: <a href=\"https://console.aws.amazon.com/iam/home#/roles/details/lambda-ml-pipeline-role\"",
        "<cwdb-action action=\"call\" display=\"widget\" endpoint=\"arn:f\">{&quot;probe&quot;:{}}</cwdb-action>",
        "✗ denied: dynamodb:Scan",
        "No identity-based policy allows it.",
        "Found so since 2026-01-31 11:00:00 UTC",
        "What to do",
        "&quot;Action&quot;: [",
        "aws iam put-role-policy",
        "<summary>As specified: ",
        "✓ allowed",
    ];
    let places: Vec<_> = order.iter().map(|part| html.find(part).unwrap_or_else(|| panic!("{part}: {html}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(!html.contains("<script") && !html.contains("javascript:"), "{html}");
    let dark = fragment(&report, &Shown { theme: Theme::Dark, ..shown.clone() });
    assert_eq!(dark, html.replacen("permissions-probe light", "permissions-probe dark", 1), "a theme is a class");
    assert!(page(&report, &shown).contains(&html), "a page is the fragment with a document around it");
}

#[test]
fn no_text_from_outside_is_markup() {
    let hostile = "<script>alert(1)</script><img src=x onerror='alert(1)'>\"&amp;</pre></details></div>";
    let mut run = run(specification(), |check| (check.action() == "dynamodb:Scan").then(|| denied(check, hostile)));
    for finding in &mut run.findings {
        finding.message = Some(hostile.into());
        finding.resource = Some(hostile.into());
        finding.action = format!("a:{hostile}").into();
    }
    let html = fragment(&rendered(run), &Shown::default());
    let known = ["div", "style", "h2", "h3", "h4", "p", "ul", "ol", "li", "a", "pre", "details", "summary", "span"];
    for tag in html.split('<').skip(1) {
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(known.contains(&name.as_str()), "<{tag}");
        assert!(!tag.contains("onerror=") || tag.contains("&#39;alert"), "<{tag}");
    }
    let count = |what: &str| html.matches(what).count();
    for name in known {
        assert_eq!(count(&format!("<{name}>")) + count(&format!("<{name} ")), count(&format!("</{name}>")), "{name}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
}

#[test]
fn what_cannot_be_told_says_why_and_a_success_has_nothing_to_do() {
    let silent_run = run(specification(), |check| (check.action() == "s3:PutObject").then(|| silent() as Answer));
    let html = fragment(&rendered(silent_run), &Shown::default());
    assert!(html.contains("? inconclusive: s3:PutObject"), "{html}");
    let html = fragment(&rendered(run(specification(), |_| None)), &Shown::default());
    assert!(!html.contains("What to do") && !html.contains("Not as specified"), "{html}");
    assert!(html.contains("checks are as specified."), "{html}");
}
