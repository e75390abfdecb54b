//! What a report says in sentences.

use super::rendered;
use crate::diagnosis::Run;
use crate::fixtures::*;
use crate::report::sentence::{describe_outcome, describe_row};

const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata";

fn scan_denied(reason: &str) -> Run {
    run(specification(), |check| (check.action() == "dynamodb:Scan").then(|| denied(check, reason)))
}

#[test]
fn a_denial_is_told_with_its_resource_and_its_reason() {
    for (reason, said) in [
        ("because no identity-based policy allows the ACTION action", "no identity-based policy allows it"),
        ("because no permissions boundary allows the ACTION action", "no permissions boundary allows it"),
        ("with an explicit deny in an identity-based policy", "an identity-based policy explicitly denies it"),
        (
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p",
            "a service control policy (SCP) arn:aws:organizations::1:policy/p explicitly denies it",
        ),
        ("with an explicit deny", "a policy explicitly denies it, and AWS does not state of which type"),
        ("", "AWS does not say by which policy"),
    ] {
        let report = rendered(scan_denied(reason));
        assert_eq!(describe_row(report.wrong()[0]), format!("dynamodb:Scan is denied on {TABLE}: {said}."));
    }
}

#[test]
fn an_outcome_names_every_action_that_is_wrong_and_counts_the_rest() {
    let outcome = |run: Run| describe_outcome(&rendered(run));
    let total = rendered(run(specification(), |_| None)).rows.len();
    assert_eq!(outcome(run(specification(), |_| None)), format!("All {total} checks are as specified."));
    let several = run(specification(), |check| match check.action() {
        "dynamodb:Scan" | "s3:ListBucket" => Some(lacking(check)),
        "s3:PutObject" => Some(silent()),
        "dynamodb:GetItem" => Some(no_table()),
        _ => None,
    });
    assert_eq!(
        outcome(several),
        format!(
            "Denied: s3:ListBucket, dynamodb:Scan. Allowed, with a warning: dynamodb:GetItem. Inconclusive: s3:PutObject. \
             {} of {total} checks are as specified.",
            total - 4
        )
    );
    // A headline says what is wrong, and the actions are named all the same.
    let missing = outcome(run(specification(), |check| check.action().starts_with("dynamodb:").then(no_table)));
    assert!(missing.starts_with("There is no table ModelMetadata"), "{missing}");
    assert!(missing.contains("Allowed, with a warning: ") && missing.contains("dynamodb:Scan"), "{missing}");
}
