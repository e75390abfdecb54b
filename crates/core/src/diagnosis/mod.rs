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
use crate::principal::Principal;
use crate::specification::Specification;

pub use advisory::{Advisory, advisories};
pub use remedy::{Advice, KeyDenied, MissingResource, Refusal, Remedy, Unanswered, remedies};
pub use root_cause::{RootCause, SilentServices, TableDifference, root_cause};

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
}

impl Run {
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
        self.principal.as_ref().filter(is_unexpected)
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
pub(crate) fn actions_of(findings: &[&Finding]) -> Vec<crate::text::Text> {
    let mut actions = Vec::new();
    for finding in findings {
        if !actions.contains(&finding.action) {
            actions.push(finding.action.clone());
        }
    }
    actions
}
