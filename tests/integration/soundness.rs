//! Who is calling, and what an unexpected caller or Region is told.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::emulator::{account, invoke, scrubbed, tool, verdicts};

#[tokio::test]
async fn the_wrong_role_and_the_wrong_region_are_named_first() {
    let mut environment = account().with_policies(&[]);
    environment.insert("PROBE_EXPECTED_ROLE".to_owned(), "lambda-ml-pipeline-role".to_owned());
    environment.insert("PROBE_EXPECTED_REGION".to_owned(), "ap-southeast-1".to_owned());
    let response = invoke(&environment, json!({})).await;
    assert_eq!(response["report"]["headline"]["cause"], "wrongRole", "{response}");
    let advice = response["report"]["advice"].as_array().unwrap();
    assert!(advice.iter().all(|advice| advice.get("policy").is_none()), "no policy for the wrong role: {advice:?}");
    let first = advice[0]["text"].as_str().unwrap();
    assert!(first.starts_with("The function does not run under the role lambda-ml-pipeline-role but as arn:aws:sts::"));
    let second = advice[1]["text"].as_str().unwrap();
    assert!(
        second.starts_with("The function runs in us-east-1, and the policy's ARNs are expected to name ap-southeast-1")
    );
}

#[tokio::test]
async fn another_role_that_may_do_everything_is_a_success_and_is_named() {
    let mut environment = account().environment.clone();
    environment.insert("PROBE_EXPECTED_ROLE".to_owned(), "another-role".to_owned());
    let response = invoke(&environment, json!({"probe": {"verbose": true}})).await;
    assert_eq!(response["statusCode"], 200, "{response}");
    let advice = response["report"]["advice"].as_array().unwrap();
    assert_eq!(advice.len(), 1);
    assert!(advice[0]["text"].as_str().unwrap().contains("does not run under the role another-role"), "{advice:?}");
}

#[tokio::test]
async fn the_advice_pasted_makes_the_run_clean() {
    let denied = invoke(&account().with_policies(&[]), json!({})).await;
    let advice = &denied["report"]["advice"][0];
    assert_valid_for_iam(&advice["policy"]);
    let command = advice["command"].as_str().unwrap();
    assert!(command.starts_with("aws iam put-role-policy --role-name=role-"), "{command}");
    let (_, document) = command.split_once(" --policy-document '").unwrap();
    let document: Value = serde_json::from_str(document.strip_suffix('\'').unwrap()).unwrap();
    assert_eq!(document, advice["policy"], "what is pasted is what is shown");
    let environment = account().with_policies(std::slice::from_ref(&advice["policy"]));
    assert_eq!(invoke(&environment, json!({})).await["statusCode"], 200);
}

#[tokio::test]
async fn passing_the_role_is_advised_for_sagemaker_alone() {
    let mut environment = account().with_policies(&account().policies());
    let role = "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role";
    environment.insert("PROBE_SAGEMAKER_ROLE_ARN".to_owned(), role.to_owned());
    let response = invoke(&environment, json!({})).await;
    let policy = &response["report"]["advice"][0]["policy"];
    assert_eq!(
        policy["Statement"],
        json!([{
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": [role],
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        }])
    );
    assert!(lint(policy), "{policy}");
}

/// Asserts that nothing is wrong with a policy, and that it would have been found.
fn assert_valid_for_iam(policy: &Value) {
    assert!(lint(policy), "{policy}");
    let wrong = policy.to_string().replacen("s3:GetObject", "s3:GetObjekt", 1);
    assert!(!lint(&serde_json::from_str(&wrong).unwrap()), "{wrong}");
}

/// Whether cfn-lint, which knows IAM's grammar and its actions, finds nothing wrong with a policy.
fn lint(policy: &Value) -> bool {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}}
    });
    let name = format!("policy-{}.json", FILES.fetch_add(1, Ordering::Relaxed));
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, template.to_string()).unwrap();
    scrubbed(&tool("cfn-lint")).arg(&file).output().map(|done| done.status).unwrap().success()
}

#[tokio::test]
async fn credentials_that_aws_does_not_know_are_not_a_denial() {
    let mut environment = account().environment.clone();
    environment.insert("AWS_ACCESS_KEY_ID".to_owned(), "AKIAIOSFODNN7EXAMPLE".to_owned());
    let response = invoke(&environment, json!({})).await;
    assert_eq!(response["statusCode"], 503, "{response}");
    assert!(verdicts(&response).values().all(|verdict| verdict == "inconclusive"), "{response}");
    assert_eq!(response["report"]["wrong"][0]["cause"], "credentials");
}
