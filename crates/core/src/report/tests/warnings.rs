//! What is wrong although the actions are allowed, and what is only good to know.

use std::sync::Arc;

use serde_json::json;

use super::{assert_snapshot, json_of, show};
use crate::answer::Answer;
use crate::fixtures::*;
use crate::place::tests::place;
use crate::specification::{Bucket, Endpoint, Specification, TrainingJob};

fn with_names() -> Specification {
    let bucket =
        Bucket { name: "your-bucket-name".to_owned(), object_key: Some("in/a.csv".to_owned()), ..Bucket::default() };
    Specification {
        buckets: vec![Arc::new(bucket)],
        endpoint: Arc::new(Endpoint { name: Some("prod".to_owned()) }),
        training_job: Arc::new(TrainingJob { name: Some("train-1".to_owned()) }),
        ..specification()
    }
}

#[test]
fn what_is_named_and_does_not_exist_is_told_by_its_kind() {
    let run = run(with_names(), |check| {
        let answer = match check.action() {
            "s3:GetObject" => error("NoSuchKey", ""),
            "sagemaker:InvokeEndpoint" => error("ValidationError", "Endpoint prod of account 1 not found."),
            "sagemaker:DescribeTrainingJob" => error("ValidationException", "Requested resource not found."),
            "dynamodb:Scan" => no_table(),
            _ => return None,
        };
        Some(answer.configured())
    });
    assert_snapshot!(show(run));
}

#[test]
fn what_aws_carried_out_is_named_with_the_command_that_deletes_it() {
    let run = run(specification(), |check| {
        ["s3:PutObject", "sagemaker:CreateModel", "sagemaker:CreateTrainingJob"].contains(&check.action()).then(success)
    });
    assert_snapshot!(show(run));
}

#[test]
fn what_aws_carried_out_and_cannot_be_deleted_is_to_be_looked_for() {
    let run = run(specification(), |check| (check.action() == "sagemaker:CreateTrainingJob").then(success));
    let json = json_of(&report(run), false);
    let advice = &json["advice"][0];
    let text = advice["text"].as_str().unwrap();
    let name = place().names.record_name();
    assert!(text.ends_with(&format!(" Look for the training job {name}.")), "{text}");
    assert_eq!(advice.get("command"), None);
}

#[test]
fn what_two_requests_left_behind_is_told_once() {
    let made = crate::answer::Leftover { what: "the object x".to_owned(), command: Some("rm x".to_owned()) };
    let run = run(two_of_each(), |check| (check.action() == "s3:PutObject").then(|| success().leaving(made.clone())));
    let json = json_of(&report(run), false);
    assert_eq!(json["advice"][0]["command"], "rm x");
}

fn pass_role_denied_on_made_up_name() -> Answer {
    lacks("iam:PassRole", &format!("arn:aws:iam::123456789012:role/{}", place().names.absent_name()))
}

#[test]
fn what_the_guides_policy_leaves_out_is_told_where_the_run_shows_it() {
    let answer = |check: &crate::plan::Check| {
        ["sagemaker:CreateModel", "sagemaker:CreateTrainingJob"]
            .contains(&check.action())
            .then(pass_role_denied_on_made_up_name)
    };
    let mut elsewhere = run(with_names(), answer);
    elsewhere.is_elsewhere = true;
    assert_snapshot!(show(elsewhere));
    // Where the role is named, it is tried.
    let named = run(with_passed_role(), answer);
    assert_eq!(json_of(&report(named), false).get("advisories"), None);
}

#[test]
fn a_clean_run_leaves_nothing_to_know() {
    let json = json_of(&report(run(specification(), |_| None)), false);
    assert_eq!((json.get("advisories"), &json["advice"], json.get("problems")), (None, &json!([]), None));
}

#[test]
fn iam_pass_role_is_not_left_out_where_it_is_denied_on_a_role_that_exists() {
    let exists = |check: &crate::plan::Check| {
        (check.action() == "sagemaker:CreateModel").then(|| lacks("iam:PassRole", SAGEMAKER_ROLE))
    };
    assert_eq!(json_of(&report(run(specification(), exists)), false).get("advisories"), None);
    // Nor where another action was denied on a made-up name, or nothing is believed.
    let name = format!("arn:aws:sagemaker:us-east-1:123456789012:model/{}", place().names.record_name());
    let other = |check: &crate::plan::Check| (check.action() == "s3:GetObject").then(|| lacks("kms:Decrypt", &name));
    assert_eq!(json_of(&report(run(specification(), other)), false).get("advisories"), None);
    let disbelieved = |check: &crate::plan::Check| match check.action() {
        "sts:GetCallerIdentity" => Some(silent()),
        "sagemaker:CreateModel" => Some(pass_role_denied_on_made_up_name()),
        _ => None,
    };
    assert_eq!(json_of(&report(run(specification(), disbelieved)), false).get("advisories"), None);
}
