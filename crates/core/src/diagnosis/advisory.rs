//! What the policy leaves out, where the run shows that it will be needed. No
//! verdict depends on it.

use std::sync::Arc;

use crate::diagnosis::{Run, actions_of};
use crate::finding::Finding;
use crate::iam::actions::PASS_ROLE;
use crate::judge::Verdict;
use crate::specification::Endpoint;
use crate::text::Text;

/// What is good to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advisory {
    /// The guide's policy leaves out `iam:PassRole`, and these actions need it.
    PassRoleLeftOut { actions: Vec<Text> },
    /// The actions on the caller's own log group were left out, since the role is of another account.
    LogsLeftOut,
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
    if !passing.is_empty() && run.specification.passed_role.is_none() {
        advisories.push(Advisory::PassRoleLeftOut { actions: actions_of(&passing) });
    }
    if run.is_elsewhere && !is_filtered {
        advisories.push(Advisory::LogsLeftOut);
    }
    let endpoint = &run.specification.endpoint;
    if endpoint.name.is_some() {
        advisories.push(Advisory::EndpointActionsLeftOut { endpoint: endpoint.clone() });
    }
    advisories
}
