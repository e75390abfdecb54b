//! The report as text: what a reader sees, and how it keeps to the width.

use super::{assert_snapshot, rendered};
use crate::diagnosis::Run;
use crate::fixtures::*;
use crate::problem::Problem;
use crate::report::Report;
use crate::report::text::{Layout, render};

/// A denial with a statement that mends it, something that cannot be told, and a missing table.
fn several() -> Run {
    run(specification(), |check| match check.action() {
        "dynamodb:Scan" => Some(lacking(check)),
        "s3:PutObject" => Some(silent()),
        "dynamodb:GetItem" => Some(no_table()),
        _ => None,
    })
}

fn of(run: Run, width: usize) -> String {
    render(&rendered(run), Layout { width, color: false })
}

#[test]
fn a_text_has_the_headline_first_and_what_to_do_last() {
    assert_snapshot!(of(several(), 100));
}

#[test]
fn a_success_is_a_sentence_and_a_table() {
    assert_snapshot!(of(run(specification(), |_| None), 100));
}

#[test]
fn problems_stand_without_rows_that_say_nothing() {
    let checks = crate::plan::plan(&specification(), PROBES).checks;
    let problems = vec![Problem::new("PROBE_BUCKET", Some("My_Bucket".into()), "the name of a bucket")];
    let report = Report::of_problems(&checks, problems, "REQUEST".into());
    let report = crate::report::json::Report::render(&report, VOICE, false);
    assert_eq!(
        render(&report, Layout::default()),
        "? inconclusive\nPROBE_BUCKET is \"My_Bucket\"; expected the name of a bucket. Nothing was checked.\n\n\
         request id REQUEST.\n"
    );
}

#[test]
fn a_line_of_words_keeps_to_the_width_and_what_is_copied_is_never_broken() {
    for width in [40, 60, 80, 200] {
        let text = of(several(), width);
        let (words, copied) = text.split_once("\n{\n").unwrap();
        for line in words.lines().filter(|line| line.chars().count() > width) {
            assert_eq!(line.split_whitespace().count(), 1, "only one word can be too long for {width}: {line}");
        }
        assert!(copied.contains("\naws iam put-role-policy "), "{copied}");
        let policy: String = text.lines().skip_while(|line| *line != "{").take_while(|line| !line.is_empty()).collect();
        assert!(serde_json::from_str::<serde_json::Value>(&policy).is_ok(), "{policy}");
        // A row that does not fit has its grade last, in parentheses.
        let words = |text: &str| {
            let mut words: Vec<_> =
                text.split_whitespace().map(|word| word.trim_matches(['(', ')']).to_owned()).collect();
            words.sort();
            words
        };
        assert_eq!(words(&text), words(&of(several(), 1000)), "no word is lost at {width}");
    }
}

#[test]
fn colors_change_no_word() {
    let report = rendered(several());
    let plain = render(&report, Layout::default());
    let colored = render(&report, Layout { color: true, ..Layout::default() });
    assert!(!plain.contains('\u{1b}') && colored.contains("\u{1b}[31m✗ denied\u{1b}[0m"), "{colored}");
    let mut stripped = colored;
    for code in ["31", "32", "33", "1", "0"] {
        stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(stripped, plain);
}
