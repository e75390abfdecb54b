//! What a person sees of a run: the response in the Lambda console, and the end of the log.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::emulator::SUCCESS;
use crate::harness::{Request, Server, action_of, error_of, healthy};
use crate::lambda::{Lambda, environment};

/// AWS's answer to a request whose action is denied for this reason.
fn denied(request: &Request, reason: &str) -> Vec<u8> {
    let action = action_of(request);
    if reason == BARE {
        return error_of(request, 403, "AccessDenied", BARE);
    }
    let resource = match action.split(':').next() {
        Some("s3") => "\"arn:aws:s3:::your-bucket-name\"",
        Some("dynamodb") => "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata",
        Some("logs") => "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/permissions-probe:log-stream:",
        _ => "arn:aws:sagemaker:us-east-1:123456789012:training-job/permissions-probe-c1a60834e43733f9",
    };
    let code = if action.starts_with("s3:") { "AccessDenied" } else { "AccessDeniedException" };
    let sentence = format!(
        "User: arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/permissions-probe is not authorized to perform: \
         {action} on resource: {resource} {}",
        reason.replace("ACTION", &action)
    );
    error_of(request, 403, code, &sentence)
}

/// S3's denial that names nothing.
const BARE: &str = "Access Denied";

const MISSING: &str = "because no identity-based policy allows the ACTION action";

/// A run in which these actions are denied, each for its reason: the response and the log.
fn run(denials: &'static [(&'static str, &'static str)]) -> (String, String) {
    let aws = Server::start(move |request: &Request| {
        let reason = denials.iter().find(|(action, _)| *action == action_of(request)).map(|(_, reason)| reason);
        reason.map_or_else(|| healthy(request), |reason| denied(request, reason))
    });
    let lambda = Lambda::start(&environment(&aws));
    let response = lambda.invoke_text(b"{}");
    (response, lambda.log())
}

/// Where each key stands in a text, in the order in which they are given.
fn places(text: &str, keys: &[&str]) -> Vec<usize> {
    keys.iter().map(|key| text.find(key).unwrap_or_else(|| panic!("{key}: {text}"))).collect()
}

#[test]
fn one_denial_is_a_sentence_and_a_short_report_with_the_worst_first() {
    let (text, _) = run(&[("dynamodb:PutItem", MISSING)]);
    println!("{} bytes: {text}", text.len());
    let response: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        response["body"],
        "dynamodb:PutItem is denied on arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata: no identity-based policy \
         allows it. 16 of 17 checks are as specified."
    );
    let keys =
        ["\"report\":", "\"verdict\":", "\"summary\":", "\"wrong\":[", "\"advice\":[", "\"allowed\":[", "\"body\":"];
    let order = places(&text, &keys);
    assert!(order.is_sorted(), "{order:?}: {text}");
    let report = &response["report"];
    assert_eq!(report["wrong"].as_array().unwrap().len(), 1);
    let allowed = report["allowed"].as_array().unwrap();
    assert_eq!(allowed.len(), 16);
    for entry in allowed {
        let keys: Vec<_> = entry.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["action", "proof", "resource"], "{entry}");
    }
    assert!(!text.contains(":null"), "{text}");
    // The row with AWS's sentence, and the policy and the command that mend it, are half of it.
    assert!(text.len() <= 3600, "{} bytes", text.len());
}

#[test]
fn nothing_allowed_is_a_report_that_can_still_be_read() {
    let (text, log) = run(&[
        ("s3:GetObject", MISSING),
        ("s3:PutObject", MISSING),
        ("s3:ListBucket", MISSING),
        ("dynamodb:PutItem", MISSING),
        ("dynamodb:UpdateItem", MISSING),
        ("dynamodb:GetItem", MISSING),
        ("dynamodb:Scan", MISSING),
        ("dynamodb:Query", MISSING),
        ("sagemaker:CreateTrainingJob", MISSING),
        ("sagemaker:DescribeTrainingJob", MISSING),
        ("sagemaker:CreateModel", MISSING),
        ("sagemaker:CreateEndpoint", MISSING),
        ("sagemaker:InvokeEndpoint", MISSING),
        ("logs:CreateLogGroup", MISSING),
        ("logs:CreateLogStream", MISSING),
        ("logs:PutLogEvents", MISSING),
    ]);
    println!("{} bytes; log {}", text.len(), log.len());
    let response: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(response["report"]["wrong"].as_array().unwrap().len(), 16);
    assert!(text.len() <= 20 * 1024, "{} bytes", text.len());
}

#[test]
fn a_healthy_run_logs_three_lines_at_most() {
    let aws = Server::start(healthy);
    let lambda = Lambda::start(&environment(&aws));
    assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    let log = lambda.log();
    println!("{} bytes: {log}", log.len());
    assert!(log.lines().count() <= 3 && log.len() <= 1536, "{} bytes: {log}", log.len());
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&last["level"], &last["kind"]), (&"INFO".into(), &"run".into()));
    assert_eq!(last["message"], "All 17 checks are as specified.");
}

#[test]
fn the_end_of_the_log_has_every_denied_action_and_the_statement_to_add() {
    const DENIED: &str = "with an explicit deny in a service control policy: \
                          arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/service_control_policy/p-a1b2c3d4";
    const BOUNDARY: &str = "because no permissions boundary allows the ACTION action";
    const UNSTATED: &str = "";
    for denials in [
        &[("dynamodb:PutItem", MISSING)][..],
        &[("dynamodb:PutItem", MISSING), ("s3:PutObject", MISSING), ("sagemaker:CreateEndpoint", MISSING)],
        &[
            ("s3:GetObject", MISSING),
            ("dynamodb:Query", MISSING),
            ("sagemaker:InvokeEndpoint", MISSING),
            ("sagemaker:CreateEndpoint", MISSING),
            ("logs:PutLogEvents", MISSING),
        ],
        &[
            ("s3:GetObject", DENIED),
            ("dynamodb:Query", MISSING),
            ("dynamodb:Scan", BOUNDARY),
            ("sagemaker:CreateEndpoint", UNSTATED),
            ("logs:PutLogEvents", MISSING),
        ],
        &[
            ("s3:GetObject", BARE),
            ("s3:PutObject", BARE),
            ("dynamodb:Scan", UNSTATED),
            ("dynamodb:Query", MISSING),
            ("sagemaker:InvokeEndpoint", MISSING),
        ],
    ] {
        let (response, log) = run(denials);
        let response: Value = serde_json::from_str(&response).unwrap();
        // Lambda's own lines about the end of an invocation take about 300 bytes of the 4 KB.
        let end = &log[log.floor_char_boundary(log.len().saturating_sub(4096 - 300))..];
        let missing: BTreeSet<_> =
            denials.iter().map(|(action, _)| *action).filter(|action| !end.contains(action)).collect();
        assert!(missing.is_empty(), "{missing:?}: {end}");
        for advice in response["report"]["advice"].as_array().unwrap() {
            let Some(policy) = advice.get("policy") else { continue };
            let lines = end.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            assert!(lines.map(|line| line["policy"].clone()).any(|logged| logged == *policy), "{policy}: {end}");
        }
        let last: Value = serde_json::from_str(end.lines().last().unwrap()).unwrap();
        assert_eq!(last["message"], response["body"]);
        for (action, _) in denials {
            // A write that S3 denies without a word can be denied for its key, and is then inconclusive.
            let named = ["deniedActions", "inconclusiveActions"].map(|list| last[list].as_str().unwrap_or_default());
            assert!(named.iter().any(|list| list.contains(action)), "{last}");
        }
    }
}
