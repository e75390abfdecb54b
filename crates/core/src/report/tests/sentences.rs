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
            "Denied (no identity-based policy allows them): s3:ListBucket, dynamodb:Scan. Allowed, with a warning: dynamodb:GetItem. Inconclusive: s3:PutObject. \
             {} of {total} checks are as specified.",
            total - 4
        )
    );
    let one = run(specification(), |check| (check.action() != "sts:GetCallerIdentity").then(|| lacking(check)));
    let said = outcome(one);
    assert!(said.ends_with(&format!("1 of {total} checks is as specified.")), "{said}");
    // A headline says what is wrong, and the actions are named all the same.
    let missing = outcome(run(specification(), |check| check.action().starts_with("dynamodb:").then(no_table)));
    assert!(missing.starts_with("There is no table ModelMetadata"), "{missing}");
    assert!(missing.contains("Allowed, with a warning: ") && missing.contains("dynamodb:Scan"), "{missing}");
}

#[test]
fn what_is_denied_behind_an_action_names_that_action_and_is_no_check() {
    let key = "arn:aws:kms:us-east-1:123456789012:key/k";
    let report =
        rendered(run(specification(), |check| (check.action() == "s3:GetObject").then(|| lacks("kms:Decrypt", key))));
    let checks = report.rows.len() - 1;
    assert_eq!(
        describe_outcome(&report),
        format!(
            "kms:Decrypt is denied on {key} while s3:GetObject was called: no identity-based policy allows it. {} of {checks} \
             checks are as specified.",
            checks - 1
        )
    );
    // The action that was called is not silently well.
    let json = serde_json::to_value(&report).unwrap();
    let read = json["allowed"].as_array().unwrap().iter().find(|row| row["action"] == "s3:GetObject").unwrap();
    assert!(read["note"].as_str().unwrap().contains("AWS went on to kms:Decrypt, and denied that"), "{read}");
    for shown in [
        crate::report::text::render(&report, crate::report::text::Layout::default()),
        crate::report::html::fragment(&report, &crate::report::html::Shown::default()),
    ] {
        assert!(shown.contains("went on to kms:Decrypt") && shown.contains("while s3:GetObject was called"), "{shown}");
    }
}

#[test]
fn a_run_under_another_role_says_whose_it_is() {
    let report = rendered(run_as("another-role", specification(), |_| None));
    let said = describe_outcome(&report);
    assert!(
        said.starts_with("This is about the role another-role, not about the role lambda-ml-pipeline-role."),
        "{said}"
    );
}
