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
//! cargo run --package calibrate
//! ```
//!
//! The role's trust policy has to let you assume it. It sends the same requests
//! as the function, which change nothing.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use permissions_aws::http_client::Connections;
use permissions_aws::probes;
use permissions_aws::run::{self, Time};
use permissions_aws::session::{Clients, Session};
use permissions_core::finding::Finding;
use permissions_core::iam::actions::{CONTROL, PASS_ROLE};
use permissions_core::iam::denial::{Kind, PolicyType};
use permissions_core::judge::{Cause, Verdict};
use permissions_core::plan::{Check, plan};
use permissions_core::proof::Grade;
use permissions_core::text::{Rendering, Text};
use permissions_probe::config::{Config, environment, trust_store};
use permissions_probe::function::sdk;
use serde_json::json;

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
        .map_err(|invalid| missing.extend(invalid.problems.iter().map(|problem| show(&problem.describe()))));
    let (Some(role), Ok(config)) = (role, config) else {
        return Err(format!("nothing was verified, and nothing was sent:\n  {}", missing.join("\n  ")));
    };
    let own = sdk(&Connections::new(&trust_store(environment))).await;
    let checks = plan(&config.specification, &probes::infos()).checks;

    println!("== {role} under a session policy that denies everything");
    let denied = check(&config, &assume(&own, &role, Some(DENY_EVERYTHING)).await?, &checks).await;
    let mut sound = true;
    for finding in &denied {
        let judged = judge_denied(finding);
        sound &= judged.is_ok();
        println!("{:<32} {}", name(finding), judged.unwrap_or_else(|wrong| format!("WRONG: {wrong}")));
    }

    println!("\n== {role} as it is");
    let plain = check(&config, &assume(&own, &role, None).await?, &checks).await;
    for finding in &plain {
        let code = finding.proof.as_ref().map(|proof| show(&proof.code));
        let code = code.or(finding.cause.map(|cause| cause.name().to_owned())).unwrap_or_default();
        println!("{:<32} {} {code}", name(finding), finding.verdict.name());
    }

    println!("\n== Which comes first, the action or iam:PassRole");
    for action in PASSING {
        let check_of: Vec<_> =
            checks.iter().filter(|check| [CONTROL, action].contains(&check.action())).cloned().collect();
        for actions in [&[action][..], &[action, PASS_ROLE]] {
            let sdk = assume(&own, &role, Some(&deny_only(actions))).await?;
            let findings = check(&config, &sdk, &check_of).await;
            let finding = findings.iter().find(|finding| finding.is_check_of(action));
            // Without a role, AWS has no second action to look at: that request is sent only after iam:PassRole was denied.
            let form = finding.and_then(|finding| finding.proof.as_ref()?.request.as_ref());
            let again = form.is_some_and(|form| form.raw() == "without a role");
            let denied = finding.and_then(|finding| finding.denial.as_ref()?.action.as_ref());
            let named = if again { PASS_ROLE.to_owned() } else { denied.map_or("nothing".to_owned(), show) };
            let told = match named.as_str() {
                _ if named.eq_ignore_ascii_case(action) => "the action, as the probes take it",
                PASS_ROLE => "iam:PassRole FIRST: a denial of it proves nothing of the action",
                _ => "neither of the two, so this settles nothing",
            };
            println!("{action:<32} denied {}: AWS names {told}", actions.join(" and "));
            sound &= named != PASS_ROLE;
        }
    }

    println!("\n== Proofs that were inferred or documented, and have now been observed");
    for finding in &plain {
        let before = denied.iter().find(|other| other.key() == finding.key());
        let settled = before.is_some_and(|before| judge_denied(before).is_ok_and(|told| told.starts_with("denied")));
        let Some(proof) = finding.proof.as_ref().filter(|proof| settled && proof.grade != Grade::Observed) else {
            continue;
        };
        if finding.verdict == Verdict::Allowed {
            let (code, grade) = (show(&proof.code), proof.grade.name());
            let message = finding.message.as_ref().map_or("none".to_owned(), show);
            println!("{:<32} {code} ({grade}), message: {message}", name(finding));
        }
    }
    println!(
        "\n{}",
        if sound { "every probe can be denied" } else { "a probe is not what it is taken for: see above" }
    );
    Ok(sound)
}

/// What a finding under the policy that denies everything tells; an error, where it should not.
fn judge_denied(finding: &Finding) -> Result<String, String> {
    if finding.is_check_of(CONTROL) {
        let allowed = finding.verdict == Verdict::Allowed;
        return if allowed { Ok("allowed, as ever".to_owned()) } else { Err(format!("{finding:?}")) };
    }
    let denial = finding.denial.as_ref();
    let other = denial.and_then(|denial| denial.action.as_ref()).map(show).unwrap_or_default();
    match (finding.verdict, finding.cause) {
        (Verdict::Denied, _) if denial.is_some_and(|denial| denial.policy_type == Some(PolicyType::Session)) => {
            Ok("denied, session policy".to_owned())
        }
        (Verdict::Inconclusive, Some(Cause::OtherActionDenied)) => Ok(format!("not reached: {other} was denied")),
        (Verdict::Inconclusive, Some(Cause::NotConfigured)) => {
            Ok(format!("not tried: {}", finding.message.as_ref().map(show).unwrap_or_default()))
        }
        // S3 can deny without saying what.
        (Verdict::Denied, _) if denial.is_some_and(|denial| denial.kind == Kind::Unstated) => {
            Ok("denied, AWS does not say by what".to_owned())
        }
        _ => Err(format!("{finding:?}")),
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

/// What the checks find in this session.
async fn check(config: &Config, sdk: &SdkConfig, checks: &[Check]) -> Vec<Finding> {
    let region = sdk.region().map(ToString::to_string).unwrap_or_default();
    let clients = Clients::new(sdk, &config.settings);
    let session = Session::new(config.specification.clone(), config.settings.clone(), clients, &region, "");
    let time = Time::new(config.settings.timeout, Duration::ZERO, 0);
    run::run(checks, Arc::new(session), sdk, &time).await.findings
}

fn name(finding: &Finding) -> String {
    show(&finding.action)
}

fn show(text: &Text) -> String {
    Rendering::new(false).text(text)
}
