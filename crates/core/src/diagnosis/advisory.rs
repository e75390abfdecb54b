//! What the policy leaves out, where the run shows that it will be needed. No
//! verdict depends on it.

use std::sync::Arc;

use crate::diagnosis::{Run, actions_of};
use crate::finding::Finding;
use crate::form::ladder::{PULL, PULL_ACTIONS};
use crate::iam::actions::{MANAGED_RULE_ACTIONS, PASS_ROLE};
use crate::iam::{catalogue, resource};
use crate::judge::Verdict;
use crate::plan::Purpose;
use crate::specification::Endpoint;
use crate::text::Text;

/// What is good to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advisory {
    /// The guide's policy leaves out `iam:PassRole`, and these actions need it.
    PassRoleLeftOut { actions: Vec<Text> },
    /// The actions on the caller's own log group were left out, since the role is of another account.
    LogsLeftOut,
    /// A policy of the user's own leaves out what AWS can ask for besides: each action with those that it stands behind.
    DependentLeftOut { behind: Vec<(&'static str, Vec<String>)> },
    /// The SageMaker SDK works in a bucket of its own, which the policy leaves out.
    DefaultBucketLeftOut { bucket: String },
    /// That SageMaker's own role may pull its image is inferred, and has been found otherwise.
    PullInferred { role: Text },
    /// AWS Step Functions waits for jobs by a rule of its own, which the policy leaves out.
    ManagedRuleLeftOut,
    /// The guide's policy leaves out what deploying this endpoint needs.
    EndpointActionsLeftOut { endpoint: Arc<Endpoint> },
}

impl Advisory {
    /// The actions that it is about.
    pub fn actions(&self) -> Vec<Text> {
        let named = |actions: &[&str]| actions.iter().map(|action| Text::from(*action)).collect();
        match self {
            Self::PassRoleLeftOut { actions } => actions.clone(),
            Self::LogsLeftOut => named(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
            Self::DependentLeftOut { behind } => behind.iter().map(|(action, _)| Text::from(*action)).collect(),
            Self::DefaultBucketLeftOut { .. } => named(DEFAULT_BUCKET_ACTIONS),
            Self::PullInferred { .. } => named(PULL_ACTIONS),
            Self::ManagedRuleLeftOut => named(MANAGED_RULE_ACTIONS),
            Self::EndpointActionsLeftOut { .. } => {
                named(&["sagemaker:CreateEndpointConfig", "sagemaker:DescribeEndpoint"])
            }
        }
    }
}

/// What the policy leaves out, as far as this run shows it.
///
/// What an event did not ask for, `is_filtered`, was not left out.
pub fn advisories(run: &Run, is_filtered: bool) -> Vec<Advisory> {
    let mut advisories = Vec::new();
    // AWS went on to iam:PassRole and denied it, on a role that does not exist.
    let passes = |finding: &&Finding| {
        let denied = finding.denial.as_ref().and_then(|denial| denial.action.as_ref());
        finding.verdict == Verdict::Allowed
            && finding.is_on_made_up_name(&run.place)
            && denied.is_some_and(|action| action.raw() == PASS_ROLE)
    };
    let passing: Vec<&Finding> = run.findings.iter().filter(passes).collect();
    let own = run.specification.own.is_some();
    if !passing.is_empty() && run.specification.passed_role.is_none() && !own {
        advisories.push(Advisory::PassRoleLeftOut { actions: actions_of(&passing) });
    }
    if run.is_elsewhere && !is_filtered {
        advisories.push(Advisory::LogsLeftOut);
    }
    let endpoint = &run.specification.endpoint;
    if own && !is_filtered {
        add_left_out(run, &mut advisories);
    }
    if endpoint.name.is_some() && !own {
        advisories.push(Advisory::EndpointActionsLeftOut { endpoint: endpoint.clone() });
    }
    advisories
}

/// What the SageMaker Python SDK does with its default bucket (its source, `session.py`: `default_bucket`).
const DEFAULT_BUCKET_ACTIONS: &[&str] = &["s3:CreateBucket", "s3:ListBucket", "s3:GetObject", "s3:PutObject"];

/// What a policy of the user's own leaves out, by AWS's list and by what tools are known to do.
fn add_left_out(run: &Run, advisories: &mut Vec<Advisory>) {
    let policy = &run.specification.policy;
    let mut behind: Vec<(&'static str, Vec<String>)> = Vec::new();
    for finding in run.findings.iter().filter(|finding| !finding.must_be_denied()) {
        let Some(check) = finding.check().filter(|check| check.purpose == Purpose::Specified) else { continue };
        let Some(action) = catalogue::find(check.action()) else { continue };
        for dependent in action.dependent.iter().copied().filter(|dependent| !policy.grants(dependent)) {
            match behind.iter_mut().find(|(known, _)| *known == dependent) {
                Some((_, actions)) if actions.contains(&action.name) => {}
                Some((_, actions)) => actions.push(action.name.clone()),
                None => behind.push((dependent, vec![action.name.clone()])),
            }
        }
    }
    if !behind.is_empty() {
        advisories.push(Advisory::DependentLeftOut { behind });
    }
    let makes = ["sagemaker:CreateTrainingJob", "sagemaker:CreateModel", "sagemaker:CreateProcessingJob"];
    if let Some(account) = run.place.account.as_deref().filter(|_| makes.iter().any(|action| policy.grants(action))) {
        let bucket = format!("sagemaker-{}-{account}", run.place.region);
        let object = format!("arn:{}:s3:::{bucket}/x", run.place.partition().name);
        if !policy.resources().any(|resource| resource::matches(resource, &object)) {
            advisories.push(Advisory::DefaultBucketLeftOut { bucket });
        }
    }
    for finding in
        run.findings.iter().filter(|finding| finding.verdict == Verdict::Allowed && finding.action.raw() == PULL)
    {
        advisories.extend(finding.principal.clone().map(|role| Advisory::PullInferred { role }));
    }
    if policy.grants("states:StartExecution") && !policy.grants("events:PutTargets") {
        advisories.push(Advisory::ManagedRuleLeftOut);
    }
}
