//! What the report says of itself: the verdict, the summary, the status, and whether it is complete.

use std::time::Duration;

use super::{assert_snapshot, json_of, show_report};
use crate::fixtures::*;
use crate::judge::Verdict;
use crate::plan::plan;
use crate::problem::Problem;
use crate::report::{Report, Summary};

#[test]
fn a_clean_run_is_allowed_and_complete() {
    let report = report(run(specification(), |_| None));
    assert_eq!((report.verdict, report.status(), report.unclear()), (Verdict::Allowed, 200, 0));
    assert!(report.is_complete() && !report.is_of_unexpected_role());
    let (documented, observed, inferred) = (7, 0, 5);
    let expected = Summary { allowed: 12, denied: 0, inconclusive: 0, documented, observed, inferred };
    assert_eq!(report.summary, expected);
    assert!(report.run().is_some());
}

#[test]
fn one_denial_makes_the_run_denied_and_leaves_it_complete() {
    let report = report(run(specification(), |check| (check.action() == "dynamodb:Scan").then(|| lacking(check))));
    assert_eq!((report.verdict, report.status(), report.unclear()), (Verdict::Denied, 403, 0));
    assert!(report.is_complete(), "of every action it is told that it is allowed or denied");
    assert_eq!((report.summary.allowed, report.summary.denied, report.summary.documented), (11, 1, 7));
}

#[test]
fn what_cannot_be_told_makes_the_run_inconclusive() {
    let report = report(run(specification(), |check| (check.action() == "dynamodb:Scan").then(silent)));
    assert_eq!((report.verdict, report.status(), report.unclear()), (Verdict::Inconclusive, 503, 1));
    assert!(!report.is_complete());
    assert_eq!((report.summary.inconclusive, report.summary.documented), (1, 6));
}

#[test]
fn a_flaw_makes_the_run_inconclusive_though_all_is_allowed() {
    let report = report(run(specification(), |check| (check.action() == "dynamodb:Scan").then(no_table)));
    assert_eq!((report.verdict, report.status(), report.unclear()), (Verdict::Inconclusive, 503, 1));
    assert_eq!((report.summary.allowed, report.summary.observed), (12, 1));
    assert!(!report.is_complete());
}

#[test]
fn a_denial_beside_what_cannot_be_told_is_denied_and_not_complete() {
    let run = run(specification(), |check| match check.action() {
        "dynamodb:Scan" => Some(silent()),
        "dynamodb:GetItem" => Some(lacking(check)),
        "dynamodb:PutItem" => Some(no_table()),
        _ => None,
    });
    assert_eq!(run.unclear(), 2);
    let report = report(run);
    assert_eq!((report.status(), report.unclear(), report.is_complete()), (403, 2, false));
}

#[test]
fn what_must_be_denied_counts_only_where_it_is_not() {
    let counted = |allowed: bool| {
        let run = run(with_deny_control(), |check| (allowed && check.must_be_denied()).then(success));
        let report = report(run);
        (report.summary.allowed, report.summary.denied, report.summary.inconclusive, report.status())
    };
    assert_eq!(counted(false), (12, 0, 0, 200));
    assert_eq!(counted(true), (2, 0, 11, 503));
    let unclear = report(run(with_deny_control(), |check| check.must_be_denied().then(silent)));
    assert_eq!((unclear.summary.allowed, unclear.summary.inconclusive), (12, 1));
}

#[test]
fn a_run_of_some_actions_is_never_complete() {
    let report = Report::new(run(specification(), |_| None), "REQUEST".into(), Duration::from_millis(70), true);
    assert_eq!((report.status(), report.is_filtered, report.is_complete()), (200, true, false));
}

#[test]
fn where_nothing_was_tried_the_problems_are_the_report() {
    let checks = plan(&specification(), PROBES).checks;
    let problems = vec![
        Problem::new("PROBE_BUCKET", Some("My_Bucket".into()), "the name of a bucket"),
        Problem::new("AWS_REGION", None, "a Region"),
    ];
    let report = Report::of_problems(&checks, problems, "REQUEST".into());
    assert_eq!((report.verdict, report.status(), report.is_complete()), (Verdict::Inconclusive, 503, false));
    assert!(report.run().is_none() && !report.is_of_unexpected_role());
    assert_eq!(report.unclear(), report.findings().len());
    assert_snapshot!(show_report(&report, false));
    let json = json_of(&report, false);
    assert_eq!((json.get("principal"), json.get("region")), (None, None), "what is not known is left out");
}

#[test]
fn a_problem_makes_even_an_empty_report_incomplete() {
    let report = Report::of_problems(&[], vec![Problem::new("AWS_REGION", None, "a Region")], "R".into());
    assert_eq!((report.unclear(), report.is_complete()), (0, false));
}
