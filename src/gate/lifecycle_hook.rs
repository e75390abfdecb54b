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
use aws_sdk_codedeploy::types::LifecycleEventStatus;
use serde_json::Value;

use crate::advice::no_use;
use crate::answer::{Answer, Reply};
use crate::config::Problem;
use crate::denial::{self, Kind};
use crate::gate::{Decision, problem, text};
use crate::report::{DenialLine, Statement};

/// A hook of a deployment that waits.
#[derive(Debug, PartialEq, Eq)]
pub struct LifecycleHook {
    deployment_id: String,
    execution_id: String,
}

/// The permission that the answer needs.
const ACTION: &str = "codedeploy:PutLifecycleEventHookExecutionStatus";

impl LifecycleHook {
    /// # Errors
    ///
    /// Without any of these, CodeDeploy cannot be answered.
    pub fn parse(event: &Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut read = |name: &str| text(event, name, "a text, which CodeDeploy sends", &mut problems);
        let hook = Self { deployment_id: read("DeploymentId"), execution_id: read("LifecycleEventHookExecutionId") };
        if problems.is_empty() { Ok(hook) } else { Err(problems) }
    }

    /// # Errors
    ///
    /// Why CodeDeploy did not take the answer, and what helps.
    pub async fn answer(&self, decision: &Decision, sdk: &SdkConfig) -> Result<(), Problem> {
        // CodeDeploy accepts these two and no other status.
        let status = if decision.passes { LifecycleEventStatus::Succeeded } else { LifecycleEventStatus::Failed };
        let config = aws_sdk_codedeploy::config::Builder::from(sdk)
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(3)).build())
            .build();
        let result = aws_sdk_codedeploy::Client::from_conf(config)
            .put_lifecycle_event_hook_execution_status()
            .deployment_id(&self.deployment_id)
            .lifecycle_event_hook_execution_id(&self.execution_id)
            .status(status)
            .send()
            .await;
        let answer = Answer::read(result, |_| "200");
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
                Err(problem(ACTION, Some(format!("{code}{message}")), &helps(&answer)))
            }
            Reply::Nothing { detail, .. } => Err(problem(ACTION, Some(detail.clone()), "an answer of CodeDeploy")),
        }
    }
}

/// What would make CodeDeploy take the answer.
fn helps(answer: &Answer) -> String {
    let Some(denial) = answer.message().and_then(denial::parse) else {
        return "that CodeDeploy takes the status of the hook; without it, the deployment fails after an hour"
            .to_owned();
    };
    let line = DenialLine::new(&denial);
    if line.kind != Kind::Unstated && !line.is_missing_statement() {
        return format!("a permission. {}", no_use(&line));
    }
    let resource = line.resource.filter(|resource| resource.starts_with("arn:"));
    let statement = Statement {
        effect: "Allow",
        principal: None,
        action: vec![ACTION.to_owned()],
        // AWS SAM's own examples grant it on all deployment groups (AWS SAM, "safe_lambda_deployments").
        resource: vec![resource.unwrap_or_else(|| "*".to_owned())],
        condition: None,
    };
    let statement = serde_json::to_string(&statement).unwrap_or_default();
    match line.kind {
        Kind::Unstated => {
            format!("a permission. If no policy of the function's role grants it, this statement does: {statement}")
        }
        _ => format!("a permission. This statement in a policy of the function's role grants it: {statement}"),
    }
}
