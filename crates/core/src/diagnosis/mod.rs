//! What is wrong, as far as AWS's answers tell: the one root cause, the
//! remedies, and what the policy leaves out.
//!
//! Nothing here is a sentence: [`wording`] has them all.

mod advisory;
mod remedy;
mod root_cause;
pub mod wording;

use std::sync::Arc;

use crate::finding::{Finding, Note};
use crate::iam::actions::ASSUME_ROLE;
use crate::judge::{Cause, Verdict};
use crate::place::Place;
use crate::plan::{NotCovered, Plan, Purpose};
use crate::principal::Principal;
use crate::specification::Specification;
use crate::text::Text;

pub use advisory::{Advisory, advisories};
pub use remedy::{Advice, KeyDenied, MissingResource, Refusal, Remedy, Unanswered, remedies};
pub use root_cause::{FunctionRole, RootCause, SilentServices, TableDifference, root_cause};

/// A run that was made, and what is diagnosed from it.
#[derive(Debug)]
pub struct Run {
    pub findings: Vec<Finding>,
    pub specification: Arc<Specification>,
    /// Who AWS says is calling, if it did.
    pub principal: Option<Principal>,
    pub place: Place,
    /// Whether the role to check is known to be of another account than the caller's own.
    pub is_elsewhere: bool,
    /// Whether requests go through a proxy.
    pub through_proxy: bool,
    /// The actions that a probe is there for.
    pub known_actions: Vec<&'static str>,
    /// How much of a policy of the user's own was checked.
    pub coverage: Option<Coverage>,
}

/// How much of a policy was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many actions on a resource were checked, and how many the policy asks for.
    pub checked: usize,
    pub of: usize,
    pub not_covered: Vec<NotCovered>,
}

impl Run {
    /// Whether what is allowed and must not be fails the check.
    pub fn is_strict(&self) -> bool {
        self.specification.strict == Some(true)
    }

    /// Adds how much of the policy was checked. The functions whose configuration could not be read are set aside: that costs
    /// no verdict.
    pub fn cover(&mut self, plan: &Plan) {
        let (checked, of) = plan.coverage();
        let mut not_covered = plan.not_covered.clone();
        let is_unread = |finding: &Finding| {
            finding.check().is_some_and(|check| check.purpose == Purpose::Function)
                && finding.verdict != Verdict::Allowed
        };
        let (unread, told): (Vec<_>, Vec<_>) = std::mem::take(&mut self.findings).into_iter().partition(is_unread);
        self.findings = told;
        // AWS denied the same action behind no other one, so its row goes with it.
        for finding in unread {
            let why = match finding.verdict {
                Verdict::Denied => {
                    "AWS denied to read the configuration of this function, which costs nothing but this note: \
                                    allow the action on the function to have its role compared"
                        .to_owned()
                }
                _ => finding.cause.map_or("no answer tells of it", Cause::meaning).to_owned(),
            };
            let resource = finding.resource.as_ref().map_or("", Text::raw).to_owned();
            not_covered.push(NotCovered { action: finding.action.raw().to_owned(), resource, reason: why, count: 1 });
        }
        self.coverage = Some(Coverage { checked, of, not_covered });
    }

    /// The findings that are not as they should be.
    pub fn wrong(&self) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| !finding.is_clean()).collect()
    }

    /// The role that the calls should come from: the one that was assumed, else the caller's own.
    pub fn expected_role(&self) -> &str {
        match &self.specification.assumed_role {
            Some(role) if self.not_assumed().is_none() => role.name(),
            _ => &self.specification.expected.role,
        }
    }

    /// The account of that role, where it is known.
    pub fn expected_account(&self) -> Option<&(String, String)> {
        let assumed = self.specification.assumed_role.is_some() && self.not_assumed().is_none();
        self.specification.expected.account.as_ref().filter(|_| !assumed)
    }

    /// Who called, if not the role that should have.
    pub fn unexpected_principal(&self) -> Option<&Principal> {
        let of_another_account = |principal: &Principal| {
            self.expected_account()
                .is_some_and(|(partition, account)| principal.partition() != partition || principal.account != *account)
        };
        let is_unexpected =
            |principal: &&Principal| principal.role() != Some(self.expected_role()) || of_another_account(principal);
        // Where no role is expected, none is another one.
        let expects = !self.expected_role().is_empty();
        self.principal.as_ref().filter(is_unexpected).filter(|_| expects)
    }

    /// The attempt to assume the role to check, where it did not succeed.
    pub fn not_assumed(&self) -> Option<&Finding> {
        let finding = self.findings.iter().find(|finding| finding.is_check_of(ASSUME_ROLE))?;
        // Where a control says that nothing allowed is to be believed, the session was opened all the same.
        let opened = finding.verdict == Verdict::Allowed
            || matches!(finding.note, Some(Note::Disbelieved { would_prove: Verdict::Allowed }));
        (!opened).then_some(finding)
    }

    /// The Region that the policy names, where it is another one.
    pub fn other_region(&self) -> Option<&str> {
        self.specification.expected.region.as_deref().filter(|expected| *expected != self.place.region)
    }

    /// How many findings are not as they should be, and are not denied.
    pub fn unclear(&self) -> usize {
        self.findings.iter().filter(|finding| !finding.is_clean() && finding.verdict != Verdict::Denied).count()
    }
}

/// Whether no answer came.
pub(crate) fn is_silent(finding: &Finding) -> bool {
    matches!(finding.cause, Some(Cause::Network | Cause::TimedOut))
}

/// The actions of findings, each once, in their order.
pub(crate) fn actions_of(findings: &[&Finding]) -> Vec<Text> {
    let mut actions = Vec::new();
    for finding in findings {
        if !actions.contains(&finding.action) {
            actions.push(finding.action.clone());
        }
    }
    actions
}
