//! Holds the probes against AWS itself, for people who have an account.
//!
//! It assumes a role twice: once under a session policy that denies everything,
//! when every row has to come back "denied, session policy", and once without,
//! when the answers show which proofs have now been seen. A row that is not
//! denied under a policy that denies everything is a probe that proves nothing.
//!
//! Then it settles whether SageMaker authorizes its own action before it looks at
//! `iam:PassRole`, which two rows rest on: under a session policy that denies the
//! action only, and under one that denies the action and `iam:PassRole`, AWS has
//! to deny the action both times.
//!
//! ```sh
//! export PROBE_LIVE_ROLE_ARN=arn:aws:iam::123456789012:role/lambda-ml-pipeline-role
//! export PROBE_BUCKET=your-bucket-name    # and what else the function is configured with
//! export AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/permissions-probe   # that exist, for the logs actions
//! export AWS_LAMBDA_LOG_STREAM_NAME='2026/01/01/[$LATEST]…'
//! cargo run --example live
//! ```
//!
//! The role's trust policy has to let you assume it. It sends the same requests
//! as the function, which change nothing.

use std::process::ExitCode;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use lambda_runtime::{Context, LambdaEvent};
use permissions_probe::config::{Config, environment, roots};
use permissions_probe::handler::{App, sdk};
use permissions_probe::http::Connections;
use permissions_probe::probes::CONTROL;
use permissions_probe::request::Event;
use serde_json::{Value, json};

/// IAM User Guide, "Session policies": what a session may do is what both the
/// role's policies and this one allow.
const DENY_EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// The actions behind which AWS looks at `iam:PassRole`, which may be the order or not.
const PASSING: [&str; 2] = ["sagemaker:CreateTrainingJob", "sagemaker:CreateModel"];

/// A session policy that denies these actions and allows everything else.
fn deny_only(actions: &[&str]) -> String {
    let (allow, deny) = (
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        json!({"Effect": "Deny", "Action": actions, "Resource": "*"}),
    );
    json!({"Version": "2012-10-17", "Statement": [allow, deny]}).to_string()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match verify().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every probe is one that a policy which denies everything denies.
async fn verify() -> Result<bool, String> {
    let mut missing = Vec::new();
    let role = environment("PROBE_LIVE_ROLE_ARN").and_then(Result::ok).filter(|role| role.starts_with("arn:"));
    if role.is_none() {
        missing
            .push("PROBE_LIVE_ROLE_ARN: expected the ARN of the role to verify with, which you may assume".to_owned());
    }
    let config = Config::from_env(environment)
        .map_err(|invalid| missing.extend(invalid.problems.iter().map(ToString::to_string)));
    let (Some(role), Ok(config)) = (role, config) else {
        return Err(format!("nothing was verified, and nothing was sent:\n  {}", missing.join("\n  ")));
    };
    let connections = Connections::new(&roots(environment));
    let own = sdk(&connections).await;

    println!("== {role} under a session policy that denies everything");
    let denied = run(&config, assume(&own, &role, Some(DENY_EVERYTHING)).await?, &connections).await;
    let mut sound = true;
    for row in rows(&denied) {
        let judged = judge_denied(row);
        sound &= judged.is_ok();
        println!("{:<32} {}", text(row, "action"), judged.unwrap_or_else(|wrong| format!("WRONG: {wrong}")));
    }

    println!("\n== {role} as it is");
    let plain = run(&config, assume(&own, &role, None).await?, &connections).await;
    for row in rows(&plain) {
        let code = row["proof"]["code"].as_str().or(row["cause"].as_str()).unwrap_or_default();
        println!("{:<32} {} {code}", text(row, "action"), text(row, "verdict"));
    }

    println!("\n== Which comes first, the action or iam:PassRole");
    for action in PASSING {
        for actions in [&[action][..], &[action, "iam:PassRole"]] {
            let session = assume(&own, &role, Some(&deny_only(actions))).await?;
            let response = run_only(&config, session, &connections, &[action]).await;
            let row = rows(&response).into_iter().find(|row| row["action"] == action).cloned().unwrap_or_default();
            // Without a role, AWS has no second action to look at: that request is sent only after iam:PassRole was denied.
            let again = row["proof"]["request"] == "without a role";
            let named = if again { "iam:PassRole" } else { row["denial"]["action"].as_str().unwrap_or("nothing") };
            let told = match named {
                _ if named.eq_ignore_ascii_case(action) => "the action, as the probes take it",
                "iam:PassRole" => "iam:PassRole FIRST: a denial of it proves nothing of the action",
                _ => "neither of the two, so this settles nothing",
            };
            println!("{action:<32} denied {}: AWS names {told}", actions.join(" and "));
            sound &= named != "iam:PassRole";
        }
    }

    println!("\n== Proofs that were inferred or documented, and have now been observed");
    for row in rows(&plain) {
        let before = rows(&denied).into_iter().find(|other| other["action"] == row["action"]);
        let settled = before.is_some_and(|before| judge_denied(before).is_ok_and(|told| told.starts_with("denied")));
        if settled && row["verdict"] == "allowed" && row["proof"]["grade"] != "observed" {
            println!(
                "{:<32} {} ({}), message: {}",
                text(row, "action"),
                text(&row["proof"], "code"),
                text(&row["proof"], "grade"),
                row["message"]
            );
        }
    }
    println!(
        "\n{}",
        if sound { "every probe can be denied" } else { "a probe is not what it is taken for: see above" }
    );
    Ok(sound)
}

/// What a row under the policy that denies everything tells; an error, where it should not.
fn judge_denied(row: &Value) -> Result<String, String> {
    let (verdict, denial) = (text(row, "verdict"), &row["denial"]);
    if text(row, "action") == CONTROL.action {
        return if verdict == "allowed" { Ok("allowed, as ever".to_owned()) } else { Err(row.to_string()) };
    }
    match (verdict.as_str(), row["cause"].as_str()) {
        ("denied", _) if denial["policyType"] == "session" => Ok("denied, session policy".to_owned()),
        ("inconclusive", Some("otherActionDenied")) => Ok(format!("not reached: {} was denied", denial["action"])),
        ("inconclusive", Some("notConfigured")) => Ok(format!("not tried: {}", text(row, "message"))),
        // S3 can deny without saying what.
        ("denied", _) if denial["kind"] == "unstated" => Ok("denied, AWS does not say by what".to_owned()),
        _ => Err(row.to_string()),
    }
}

async fn assume(own: &SdkConfig, role: &str, policy: Option<&str>) -> Result<SdkConfig, String> {
    let request =
        aws_sdk_sts::Client::new(own).assume_role().role_arn(role).role_session_name("permissions-probe-live");
    let assumed = request.set_policy(policy.map(str::to_owned)).duration_seconds(900).send().await;
    let assumed = assumed.map_err(|error| format!("{role} could not be assumed: {}", error.into_service_error()))?;
    let session = assumed.credentials().ok_or("AWS gave no credentials")?;
    let credentials = Credentials::new(
        session.access_key_id(),
        session.secret_access_key(),
        Some(session.session_token().to_owned()),
        None,
        "live",
    );
    Ok(own.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build())
}

async fn run(config: &Config, sdk: SdkConfig, connections: &Connections) -> Value {
    run_with(config, sdk, connections, json!({"verbose": true})).await
}

async fn run_only(config: &Config, sdk: SdkConfig, connections: &Connections, actions: &[&str]) -> Value {
    run_with(config, sdk, connections, json!({"verbose": true, "actions": actions})).await
}

async fn run_with(config: &Config, sdk: SdkConfig, connections: &Connections, options: Value) -> Value {
    let event = Event(Ok(json!({ "probe": options })));
    let app = App::new(Ok(config.clone()), sdk, connections.clone());
    let response = app.handle(LambdaEvent::new(event, Context::default())).await;
    serde_json::to_value(response).unwrap_or_default()
}

fn rows(response: &Value) -> Vec<&Value> {
    response["report"]["actions"].as_array().into_iter().flatten().collect()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
