//! A deployment that waits for a run: CloudFormation, of which the function is a
//! custom resource, or CodeDeploy, whose hook it is.
//!
//! Both wait, for an hour if nobody says otherwise, and for an answer that goes
//! another way than the response. So one is sent whatever becomes of the run, and a part of the
//! invocation's time is kept for it.

mod custom_resource;
mod lifecycle_hook;

use std::time::Duration;

use aws_config::SdkConfig;
use permissions_aws::http_client::Connections;
use permissions_core::finding::{Conformity, Finding};
use permissions_core::iam::actions::ASSUME_ROLE;
use permissions_core::judge::{Cause, Verdict};
use permissions_core::problem::Problem;
use permissions_core::report::Rendered;
use permissions_core::report::json::{Advice, Row};
use permissions_core::report::sentence::{describe_row, list_actions};
use permissions_core::text::Text;
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;

use crate::config::Gates;
use custom_resource::CustomResource;
use lifecycle_hook::LifecycleHook;

/// Who waits.
#[derive(Debug, PartialEq, Eq)]
pub enum Gate {
    CloudFormation(CustomResource),
    CodeDeploy(LifecycleHook),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateDecision {
    pub passes: bool,
    pub reason: String,
}

/// How many bytes of an answer the sentences of the rows may have: CloudFormation takes 4,096 in all.
const MAX_ROWS_BYTES: usize = 2800;

/// For how long what is denied is tried again, unless the gate says otherwise:
/// a deployment asks seconds after it has made the role or its policy.
const SETTLE: Duration = Duration::from_secs(30);

impl Gate {
    /// The deployment that an event comes from, if it does and the function is
    /// configured to be asked by it. Only AWS's own services, or who may invoke the
    /// function, can ask: an HTTP front end's caller cannot.
    ///
    /// # Errors
    ///
    /// What keeps the deployment from being answered.
    pub fn from_event(event: &Value, gates: &Gates, region: &str) -> Option<Result<Self, Vec<Problem>>> {
        let has = |name: &str| event.get(name).is_some();
        if gates.cloudformation && (has("ResponseURL") || (has("RequestType") && has("StackId"))) {
            let stand_in = gates.stand_in.as_deref();
            Some(CustomResource::parse(event, stand_in, region).map(Self::CloudFormation))
        } else if gates.codedeploy && has("DeploymentId") && has("LifecycleEventHookExecutionId") {
            Some(LifecycleHook::parse(event).map(Self::CodeDeploy))
        } else {
            None
        }
    }

    /// Whether the gate itself is deleted, and the function's log group may be gone already.
    pub fn is_deleted(&self) -> bool {
        matches!(self, Self::CloudFormation(resource) if resource.is_deleted())
    }

    /// What is answered without a check, where none is needed or possible.
    pub fn decision_without_check(&self) -> Option<GateDecision> {
        match self {
            Self::CloudFormation(resource) => resource.decision_without_check(),
            Self::CodeDeploy(_) => None,
        }
    }

    /// The event of the check that the deployment waits for.
    pub fn event(&self) -> Value {
        let mut options = match self {
            Self::CloudFormation(resource) => resource.options(),
            Self::CodeDeploy(_) => json!({}),
        };
        // What is no object is for the check to refuse.
        if let Some(options) = options.as_object_mut() {
            options.entry("settleSeconds").or_insert_with(|| SETTLE.as_secs().into());
        }
        json!({ "probe": options })
    }

    /// Sends the answer.
    ///
    /// # Errors
    ///
    /// Why the deployment has not heard of it.
    pub async fn answer(
        &self,
        decision: &GateDecision,
        connections: &Connections,
        sdk: &SdkConfig,
    ) -> Result<(), Problem> {
        match self {
            Self::CloudFormation(resource) => resource.answer(decision, connections).await,
            Self::CodeDeploy(hook) => hook.answer(decision, sdk).await,
        }
    }

    /// Who waits, by name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CloudFormation(_) => "CloudFormation",
            Self::CodeDeploy(_) => "CodeDeploy",
        }
    }
}

impl GateDecision {
    /// What a run decides. What could not be told lets nothing pass. `logged` is the level up to which lines are written.
    pub fn new(rendered: &Rendered, logged: LevelFilter) -> Self {
        let (report, json) = (&rendered.report, &rendered.json);
        // What another role may do says nothing of the one that was to be checked.
        let unexpected_role = report.is_of_unexpected_role();
        let passes = report.problems.is_empty() && report.verdict == Verdict::Allowed && !unexpected_role;
        let mut reason: Vec<String> = Vec::new();
        reason.extend(json.problems.iter().map(|problem| format!("{}.", problem.sentence)));
        reason.extend(json.headline.iter().map(|headline| headline.text.clone()));
        if report.problems.is_empty() {
            let mut told = json.wrong();
            told.retain(|row| !matches!(row.conformity, Conformity::Unknown(_)));
            let rows = told.iter().map(|row| describe_row(row)).collect::<Vec<_>>().join(" ");
            // Where each would have a sentence, there would be no room for what to do.
            let rows = if rows.len() > MAX_ROWS_BYTES { list_actions(&told, true) } else { rows };
            reason.extend(Some(rows).filter(|rows| !rows.is_empty()));
            reason.extend(explain_causes(&json.rows));
        }
        if unexpected_role && json.headline.is_none() {
            reason.extend(json.advice.first().map(|advice| advice.text.clone()));
        }
        if passes {
            reason.push(match report.summary.allowed {
                1 => "1 action is allowed and none is denied.".to_owned(),
                several => format!("{several} actions are allowed and none is denied."),
            });
        }
        // Without the permission to log, there is no report there.
        let logs = |finding: &Finding| finding.is_of_service("logs") && finding.conformity() == Conformity::Missing;
        // Under a role that was assumed, those rows are not about the function, which logs under its own.
        let assumed = report.findings().iter().any(|finding| finding.is_check_of(ASSUME_ROLE));
        let may_log = assumed || !report.findings().iter().any(logs);
        // The rows of a run that passes are at INFO.
        let level = if passes { LevelFilter::INFO } else { LevelFilter::WARN };
        if may_log && logged >= level {
            let log = json.log_group.as_ref().map(|log| format!(" in {log}")).unwrap_or_default();
            reason.push(format!("The report is logged{log}, with function_request_id {}.", json.request_id));
        }
        // Last, since it is the longest, and what does not fit is cut.
        reason.extend(json.advice.iter().filter_map(write_statements));
        Self { passes, reason: reason.join(" ") }
    }

    pub fn failed(reason: impl Into<String>) -> Self {
        Self { passes: false, reason: reason.into() }
    }
}

/// What could not be told, in a sentence for each cause.
fn explain_causes(rows: &[Row]) -> Vec<String> {
    let mut causes: Vec<(Cause, Vec<&str>)> = Vec::new();
    for row in rows {
        let Some(cause) = row.cause else { continue };
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, actions)) => actions.push(&row.action),
            None => causes.push((cause, vec![&row.action])),
        }
    }
    let sentence = |(cause, actions): (Cause, Vec<&str>)| {
        format!("Inconclusive ({}: {}): {}.", cause.name(), cause.meaning(), actions.join(", "))
    };
    causes.into_iter().map(sentence).collect()
}

/// What to add, where that helps. A stack that rolls back can take the log along.
fn write_statements(advice: &Advice) -> Option<String> {
    let policy = advice.policy.as_ref().or(advice.trust_policy.as_ref())?;
    Some(format!("{} {}", advice.text, policy.to_json()))
}

fn problem(name: &str, value: Option<String>, expected: &str) -> Problem {
    Problem::new(name, value.map(Text::new), expected)
}

/// A text of an event; what is wrong with it is added to the problems.
fn read_text(event: &Value, name: &str, expected: &str, problems: &mut Vec<Problem>) -> String {
    match &event[name] {
        Value::String(text) if !text.is_empty() => text.clone(),
        other => {
            problems.push(problem(name, (!other.is_null()).then(|| other.to_string()), expected));
            String::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x";
    const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/s/guid";

    fn gate_of(event: &Value) -> Option<Result<Gate, Vec<Problem>>> {
        Gate::from_event(event, &Gates { cloudformation: true, codedeploy: true, stand_in: None }, "us-east-1")
    }

    #[test]
    fn only_a_deployment_is_one() {
        let resource = json!({
            "RequestType": "Create", "ResponseURL": URL, "StackId": STACK, "RequestId": "r", "LogicalResourceId": "l",
        });
        let hook = json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e"});
        assert_eq!(gate_of(&resource).unwrap().unwrap().name(), "CloudFormation");
        assert_eq!(gate_of(&hook).unwrap().unwrap().name(), "CodeDeploy");
        for event in [json!({}), json!(null), json!({"DeploymentId": "d-1"}), json!({"RequestType": "Create"})] {
            assert_eq!(gate_of(&event), None, "{event}");
        }
        // A function that is no gate takes their events for any other.
        for event in [&resource, &hook] {
            assert_eq!(Gate::from_event(event, &Gates::default(), "us-east-1"), None, "{event}");
        }
        let only = Gates { codedeploy: true, ..Gates::default() };
        assert_eq!(Gate::from_event(&resource, &only, "us-east-1"), None);
        let problems = gate_of(&json!({"DeploymentId": "", "LifecycleEventHookExecutionId": 7})).unwrap().unwrap_err();
        let names: Vec<_> = problems.iter().map(|problem| problem.name.raw()).collect();
        assert_eq!(names, ["DeploymentId", "LifecycleEventHookExecutionId"]);
        assert!(gate_of(&json!({"RequestType": "Create", "StackId": "s"})).unwrap().is_err());
    }

    #[test]
    fn what_is_denied_is_tried_again_for_half_a_minute_unless_the_gate_says_otherwise() {
        let event = |properties: Value| {
            let event = json!({
                "RequestType": "Create", "ResponseURL": URL, "StackId": STACK, "RequestId": "r", "LogicalResourceId": "l",
                "ResourceProperties": properties,
            });
            gate_of(&event).unwrap().unwrap().event()
        };
        assert_eq!(event(json!({})), json!({"probe": {"settleSeconds": 30}}));
        assert_eq!(event(json!({"Probe": {"settleSeconds": "0"}})), json!({"probe": {"settleSeconds": 0}}));
        assert_eq!(event(json!({"Probe": "soon"})), json!({"probe": "soon"}), "for the check to refuse");
        let hook = json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e"});
        assert_eq!(gate_of(&hook).unwrap().unwrap().event(), json!({"probe": {"settleSeconds": 30}}));
    }
}
