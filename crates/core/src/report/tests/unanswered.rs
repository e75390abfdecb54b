//! What keeps AWS from answering, or an answer from proving anything.

use super::{assert_snapshot, json_of, show};
use crate::answer::{Answer, Means, NoAnswer, Reply};
use crate::diagnosis::Run;
use crate::fixtures::*;
use crate::specification::Specification;

/// A run in which these actions are answered so.
fn answered(answers: &[(&str, Answer)]) -> Run {
    answered_for(specification(), answers)
}

fn answered_for(specification: Specification, answers: &[(&str, Answer)]) -> Run {
    run(specification, |check| answers.iter().find(|it| it.0 == check.action()).map(|it| it.1.clone()))
}

fn texts(run: Run) -> Vec<String> {
    let json = json_of(&report(run), false);
    json["advice"].as_array().unwrap().iter().map(|advice| advice["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_wrong_on_the_way_is_told_for_each_cause() {
    let page = Answer::new(Reply::Error { status: 403, code: None, message: None }, None);
    assert_snapshot!(show(answered(&[
        ("s3:GetObject", error("RequestTimeTooSkewed", "The difference is too large.")),
        ("s3:PutObject", error("SlowDown", "Please reduce your request rate.")),
        ("s3:ListBucket", page),
        ("dynamodb:PutItem", Answer::none(NoAnswer::NotSent, "no endpoint is known")),
        ("dynamodb:GetItem", error("InternalServerError", "")),
        ("dynamodb:Scan", Answer::none(NoAnswer::TimedOut, "no answer within 5 s")),
        ("sagemaker:DescribeTrainingJob", error("OptInRequired", "The account is not subscribed.")),
        ("sagemaker:CreateTrainingJob", Answer::none(NoAnswer::Unreadable, "not JSON")),
        ("sagemaker:CreateModel", Answer::none(NoAnswer::ProbePanicked, "index out of bounds")),
        ("logs:PutLogEvents", silent()),
    ])));
}

#[test]
fn what_is_wrong_with_a_resource_or_its_setting_is_told_for_each_cause() {
    assert_snapshot!(show(answered_for(
        with_passed_role(),
        &[
            ("s3:GetObject", error("KMS.DisabledException", "arn:aws:kms:us-east-1:1:key/k is disabled.")),
            ("s3:PutObject", error("AccessDenied", "Access Denied because object protected by object lock.")),
            ("s3:ListBucket", error("NoSuchBucket", "The specified bucket does not exist")),
            ("dynamodb:PutItem", error("Teapot", "I am one")),
            ("dynamodb:GetItem", error("SerializationException", "")),
            (
                "sagemaker:CreateTrainingJob",
                error("ValidationException", "Cannot create already existing training job")
            ),
            ("sagemaker:CreateModel", error("ValidationException", "Cannot create already existing model")),
            ("sagemaker:InvokeEndpoint", Answer::none(NoAnswer::NotConfigured, "PROBE_ENDPOINT_NAME is not set")),
            ("iam:PassRole", error("AccessDeniedException", "Cross-account pass role is not allowed.")),
            ("logs:PutLogEvents", error("ResourceNotFoundException", "The specified log group does not exist.")),
        ]
    )));
}

#[test]
fn a_bucket_elsewhere_is_told_with_its_region_where_s3_names_it() {
    let named = answered_for(two_of_each(), &[("s3:GetObject", elsewhere(None)), ("dynamodb:Scan", silent())]);
    let texts = texts(named);
    assert_eq!(
        texts[..2],
        ["your-bucket-name", "second-bucket"]
            .map(|bucket| format!("The bucket {bucket} is in another Region, which S3 does not name."))
    );
}

#[test]
fn a_bucket_whose_region_another_answer_names_is_told_once() {
    let run = answered(&[("s3:GetObject", elsewhere(None)), ("s3:ListBucket", elsewhere(Some("eu-west-1")))]);
    let json = json_of(&report(run), false);
    assert_eq!(json["headline"]["cause"], "bucketRegion");
    assert_eq!(json["advice"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["advice"][0]["text"], json["headline"]["text"]);
    let unnamed = json_of(&report(answered(&[("s3:GetObject", elsewhere(None))])), false);
    assert_eq!(unnamed.get("headline"), None, "there is no Region to name");
}

#[test]
fn one_slow_answer_sends_nobody_to_the_network() {
    let slow = || Answer::none(NoAnswer::TimedOut, "no answer within 5 s");
    let run = answered(&[("dynamodb:Scan", slow())]);
    let json = json_of(&report(run), false);
    assert_eq!(json.get("headline"), None, "others of DynamoDB were answered");
    let text = json["advice"][0]["text"].as_str().unwrap();
    assert!(text.contains("raise PROBE_TIMEOUT_MS and the function's timeout."), "{text}");
    // Beside a service that answers nothing, the slow action is told for itself.
    let both = || answered(&[("dynamodb:Scan", slow()), ("logs:PutLogEvents", slow())]);
    assert_eq!(json_of(&report(both()), false).get("headline"), None, "it is not the network alone");
    let texts = texts(both());
    assert_eq!(texts.len(), 2);
    assert!(texts[0].contains("raise PROBE_TIMEOUT_MS"), "{texts:?}");
    assert!(texts[1].contains("com.amazonaws.us-east-1.logs") && !texts[1].contains("DynamoDB"), "{texts:?}");
}

#[test]
fn another_action_that_was_denied_first_is_to_be_fixed_first() {
    let list = |reason: &str| denial("s3:ListBucket", "arn:aws:s3:::your-bucket-name", reason);
    assert_snapshot!(show(answered(&[
        ("s3:GetObject", list(&missing("s3:ListBucket"))),
        ("s3:ListBucket", list(&missing("s3:ListBucket"))),
        ("dynamodb:Scan", error("SlowDown", "")),
    ])));
    let explicit = "with an explicit deny in a session policy";
    let texts = texts(answered(&[("s3:GetObject", list(explicit)), ("s3:ListBucket", list(explicit))]));
    assert_eq!(
        texts[1],
        "AWS denied s3:ListBucket first: fix that, as the advice on it says, and run the check again."
    );
}

#[test]
fn what_nobody_could_try_is_told_after_its_reason() {
    let mut run = answered_for(
        with_assumed_role(),
        &[
            ("sts:AssumeRole", error("SlowDown", "")),
            ("s3:GetObject", Answer::none(NoAnswer::NotAssumed, "the role was not assumed")),
            ("s3:PutObject", Answer::none(NoAnswer::NotAssumed, "the role was not assumed")),
        ],
    );
    // Whatever comes first in the plan.
    run.findings.reverse();
    let texts = texts(run);
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].starts_with("AWS limited the rate") && texts[1].ends_with("fix that first."), "{texts:?}");
}

#[test]
fn a_record_in_the_way_without_a_command_is_still_told() {
    let run = answered(&[("dynamodb:Scan", error("ValidationException", "Cannot create already existing table"))]);
    assert_eq!(
        texts(run),
        ["A record of an earlier run, with the name that this request uses, stands in the way; delete it."]
    );
}

#[test]
fn each_setting_is_named_in_the_words_of_the_face() {
    let run =
        answered_for(with_passed_role(), &[("iam:PassRole", Answer::none(NoAnswer::OtherAccount, "another account"))]);
    assert_eq!(
        texts(run),
        ["SageMaker takes only roles of the caller's own account: correct PROBE_SAGEMAKER_ROLE_ARN."]
    );
}

#[test]
fn a_denial_that_means_nothing_is_an_answer_that_nobody_knows() {
    let run = answered(&[("dynamodb:Scan", bare(Means::Nothing))]);
    assert!(texts(run)[0].starts_with("AWS's answers to these requests are not known to prove anything"));
}

#[test]
fn a_service_that_is_not_known_is_slow_and_not_silent() {
    let mut run = answered(&[("logs:PutLogEvents", silent())]);
    for finding in &mut run.findings {
        if finding.action.raw() == "logs:PutLogEvents" {
            finding.action = "events:PutEvents".into();
        }
    }
    assert!(texts(run)[0].contains("raise PROBE_TIMEOUT_MS"));
}
