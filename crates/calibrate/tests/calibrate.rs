//! The verification against a live account, here against a server that answers
//! as AWS is documented to: the two runs, and what it says without an account.

#![allow(clippy::unwrap_used, reason = "unwrap belongs in tests")]

use std::process::{Command, Output};

use fake_aws::{Request, Server, action_of, error_of, healthy, session};

fn calibrate(variables: &[(&str, &str)]) -> Output {
    let variables = variables.iter().copied();
    // Nobody's AWS settings.
    Command::new(env!("CARGO_BIN_EXE_calibrate"))
        .env_clear()
        .envs(variables)
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap()
}

/// The key of a session, which tells whether it has a policy.
fn key_of(request: &Request) -> &'static str {
    if String::from_utf8_lossy(&request.body).contains("&Policy=") { "AKIADENIED" } else { "AKIAPLAIN" }
}

/// Sessions whose key tells which of the two policies they have.
fn aws(request: &Request) -> Vec<u8> {
    if action_of(request) == "sts:AssumeRole" {
        return session(key_of(request));
    }
    let action = action_of(request);
    if action == "sts:GetCallerIdentity" || !request.header("authorization").unwrap().contains("AKIADENIED") {
        return healthy(request);
    }
    let code = if action.starts_with("s3:") { "AccessDenied" } else { "AccessDeniedException" };
    let message = format!(
        "User: u is not authorized to perform: {action} on resource: r with an explicit deny in a session policy"
    );
    error_of(request, 403, code, &message)
}

const ROLE: (&str, &str) = ("PROBE_LIVE_ROLE_ARN", "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role");

fn variables(endpoint: &str) -> Vec<(&str, &str)> {
    vec![
        ROLE,
        ("PROBE_BUCKET", "your-bucket-name"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAOWN"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/permissions-probe"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]abc"),
        ("AWS_ENDPOINT_URL", endpoint),
    ]
}

#[test]
fn without_a_configuration_nothing_is_verified_and_that_is_said() {
    let done = calibrate(&[]);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(
        said.contains("nothing was verified") && said.contains("PROBE_LIVE_ROLE_ARN") && said.contains("PROBE_BUCKET"),
        "{said}"
    );
}

#[test]
fn every_row_is_denied_and_then_the_proofs_are_observed() {
    let server = Server::start(aws);
    let done = calibrate(&variables(&format!("http://{}", server.address)));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said} {}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(said.matches(" denied, session policy\n").count(), 16, "{said}");
    let (_, observed) = said.split_once("have now been observed").unwrap();
    assert!(observed.contains("sagemaker:CreateModel            ValidationException (inferred)"), "{said}");
    assert!(!observed.contains("dynamodb:GetItem"), "it was observed before: {said}");
}

#[test]
fn which_comes_first_is_settled_for_the_actions_that_pass_a_role() {
    let server = Server::start(aws);
    let done = calibrate(&variables(&format!("http://{}", server.address)));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(said.matches(": AWS names the action, as the probes take it").count(), 4, "{said}");
    let policies: Vec<_> =
        server.seen.requests().into_iter().filter(|request| action_of(request) == "sts:AssumeRole").collect();
    let policies: Vec<_> = policies.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    for action in ["CreateTrainingJob", "CreateModel"] {
        let of_action = policies.iter().filter(|policy| policy.contains(&format!("sagemaker%3A{action}")));
        assert_eq!(of_action.filter(|policy| policy.contains("iam%3APassRole")).count(), 1, "{policies:?}");
    }

    // A service that looks at iam:PassRole first refutes what the two rows take for granted.
    let server = Server::start(|request: &Request| {
        let sentence = "User: u is not authorized to perform: iam:PassRole on resource: r with an explicit deny in a session policy";
        let action = action_of(request);
        let passes = String::from_utf8_lossy(&request.body).contains("RoleArn\":");
        if passes && request.header("authorization").unwrap().contains("AKIADENIED") {
            return error_of(request, 403, "AccessDeniedException", sentence);
        }
        if action == "sts:AssumeRole" { session(key_of(request)) } else { aws(request) }
    });
    let done = calibrate(&variables(&format!("http://{}", server.address)));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("iam:PassRole FIRST").count(), 4, "{said}");
}

#[test]
fn a_probe_that_a_deny_of_everything_does_not_deny_is_found() {
    let server = Server::start(|request: &Request| match action_of(request).as_str() {
        "sagemaker:CreateModel" => healthy(request),
        _ => aws(request),
    });
    let done = calibrate(&variables(&format!("http://{}", server.address)));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("sagemaker:CreateModel            WRONG: "), "{said}");
}
