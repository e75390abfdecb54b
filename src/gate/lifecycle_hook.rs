//! CodeDeploy's lifecycle event hook (CodeDeploy API Reference,
//! `PutLifecycleEventHookExecutionStatus`).
//!
//! CodeDeploy takes a status and no reason: the reason is in the log. The answer
//! is a call that the function's role needs a permission for, which the guide's
//! policy does not grant.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use permissions_aws::form::call;
use permissions_core::answer::{Answer, Reply};
use permissions_core::diagnosis::{Refusal, wording::describe_refusal};
use permissions_core::finding::DenialFound;
use permissions_core::form::{Call, Form, HarmlessOn, Request, Service, Success};
use permissions_core::iam::denial::{self, Kind};
use permissions_core::iam::policy::Statement;
use permissions_core::probe::{On, ProbeInfo};
use permissions_core::problem::Problem;
use permissions_core::proof::Proof;
use permissions_core::text::Text;
use serde_json::{Value, json};

use crate::gate::{GateDecision, problem, read_text};

/// A hook of a deployment that waits.
#[derive(Debug, PartialEq, Eq)]
pub struct LifecycleHook {
    deployment_id: String,
    execution_id: String,
}

/// The permission that the answer needs.
const ACTION: &str = "codedeploy:PutLifecycleEventHookExecutionStatus";

/// The request that gives it. It is data, as those of most probes are, so that no crate of the SDK is needed for it.
static FORM: Form = Form {
    info: ProbeInfo {
        action: ACTION,
        on: On::Resource("nothing"),
        request: "PutLifecycleEventHookExecutionStatus",
        harmless: "it is the answer that CodeDeploy waits for",
        side_effect: "the deployment goes on, or is rolled back",
        proofs: &[Proof::success("200")],
        dependent_actions: &[],
    },
    service: Service { host: "codedeploy", global: None, signing: "codedeploy", id: "CODEDEPLOY" },
    arn: "",
    harmless_on: HarmlessOn::None,
    longest_name: 0,
    call: Call::Json { version: "1.1", target: TARGET, body: "{}" },
    success: Some(Success::Member("lifecycleEventHookExecutionId")),
};

const TARGET: &str = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus";

impl LifecycleHook {
    /// # Errors
    ///
    /// Without any of these, CodeDeploy cannot be answered.
    pub fn parse(event: &Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut text = |name: &str| read_text(event, name, "a text, which CodeDeploy sends", &mut problems);
        let hook = Self { deployment_id: text("DeploymentId"), execution_id: text("LifecycleEventHookExecutionId") };
        if problems.is_empty() { Ok(hook) } else { Err(problems) }
    }

    /// # Errors
    ///
    /// Why CodeDeploy did not take the answer, and what helps.
    pub async fn answer(&self, decision: &GateDecision, sdk: &SdkConfig) -> Result<(), Problem> {
        // CodeDeploy accepts these two and no other status.
        let status = if decision.passes { "Succeeded" } else { "Failed" };
        let sdk = sdk
            .to_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(3)).build())
            .build();
        let body = json!({
            "deploymentId": self.deployment_id,
            "lifecycleEventHookExecutionId": self.execution_id,
            "status": status,
        });
        let request = Request {
            method: "POST",
            path: "/".to_owned(),
            query: Vec::new(),
            headers: vec![
                ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
                ("x-amz-target".to_owned(), TARGET.to_owned()),
            ],
            body: body.to_string().into_bytes(),
        };
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let answer = call(&sdk, &region, &FORM, request).await;
        match &answer.reply {
            // As in a run, who answers without a request id is not AWS.
            Reply::Success(_) | Reply::Error { .. } if answer.request_id.is_none() => {
                Err(problem(ACTION, Some("an answer without AWS's request id".to_owned()), "an answer of CodeDeploy"))
            }
            Reply::Success(_) => Ok(()),
            // Lambda invokes a hook at least once: another run has answered.
            Reply::Error { .. } if answer.code() == Some("LifecycleEventAlreadyCompletedException") => Ok(()),
            Reply::Error { status, code, message } => {
                let code = code.as_deref().map_or(format!("HTTP status {status}"), str::to_owned);
                let message = message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
                Err(problem(ACTION, Some(format!("{code}{message}")), &describe_help(&answer)))
            }
            Reply::None { detail, .. } => Err(problem(ACTION, Some(detail.clone()), "an answer of CodeDeploy")),
        }
    }
}

/// What would make CodeDeploy take the answer.
fn describe_help(answer: &Answer) -> String {
    let Some(denial) = answer.message().and_then(denial::parse) else {
        return "that CodeDeploy takes the status of the hook; without it, the deployment fails after an hour"
            .to_owned();
    };
    let found = DenialFound::new(&denial);
    if found.kind != Kind::Unstated && !found.is_missing_statement() {
        return format!("a permission. {}", describe_refusal(&Refusal::of(&found)));
    }
    let resource = found.resource.as_ref().map(Text::raw).filter(|resource| resource.starts_with("arn:"));
    // AWS SAM's own examples grant it on all deployment groups (AWS SAM, "safe_lambda_deployments").
    let statement = Statement::allow(vec![ACTION.to_owned()], vec![resource.unwrap_or("*").to_owned()]);
    let statement = serde_json::to_string(&statement).unwrap_or_default();
    match found.kind {
        Kind::Unstated => {
            format!("a permission. If no policy of the function's role grants it, this statement does: {statement}")
        }
        _ => format!("a permission. This statement in a policy of the function's role grants it: {statement}"),
    }
}
