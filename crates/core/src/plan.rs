//! From what is asked for to the checks of one run: each probe on each of its
//! resources.

use crate::answer::Leftover;
use crate::iam::actions::{ASSUME_ROLE, CONTROL, PASS_ROLE};
use crate::place::Place;
use crate::probe::ProbeInfo;
use crate::specification::{Specification, Target};

/// One action on one resource.
#[derive(Clone, Debug)]
pub struct Check {
    pub probe: &'static ProbeInfo,
    pub target: Target,
    pub expect: Expect,
    pub purpose: Purpose,
}

/// The verdict that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Allowed,
    Denied,
}

/// Why an action is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The specification asks for it.
    Specified,
    /// What comes of it says whether the others are to be believed: one that is
    /// allowed and must not be is no grant that is too wide.
    Control,
    /// It opens the session in which all others are tried.
    OpensSession,
}

impl Check {
    pub fn action(&self) -> &'static str {
        self.probe.action
    }

    /// Whether it is there to say what the others are worth.
    pub fn is_control(&self) -> bool {
        self.purpose == Purpose::Control
    }

    /// Whether the run is sound only if this is denied.
    pub fn must_be_denied(&self) -> bool {
        self.expect == Expect::Denied
    }

    pub fn resources(&self, place: &Place) -> Vec<String> {
        self.probe.on.resources(&self.target, place)
    }

    pub fn leftover(&self, place: &Place) -> Option<Leftover> {
        self.probe.on.leftover(&self.target, place)
    }
}

/// The checks that a specification asks for, in the order of the probes.
pub fn plan(specification: &Specification, probes: &[&'static ProbeInfo]) -> Vec<Check> {
    let mut checks = Vec::new();
    for probe in probes.iter().copied() {
        let must_be_denied = specification.deny_control.as_deref() == Some(probe.action);
        let (expect, purpose, role) = match probe.action {
            CONTROL => (Expect::Allowed, Purpose::Control, None),
            ASSUME_ROLE => (Expect::Allowed, Purpose::OpensSession, specification.assumed_role.as_ref()),
            // The guide's policy leaves it out, and the pipeline needs it where it hands a role over.
            PASS_ROLE => (Expect::Allowed, Purpose::Specified, specification.passed_role.as_ref()),
            _ if must_be_denied => (Expect::Denied, Purpose::Control, None),
            action if specification.policy.grants(action) => (Expect::Allowed, Purpose::Specified, None),
            _ => continue,
        };
        let targets = probe.on.targets(specification, role);
        checks.extend(targets.into_iter().map(|target| Check { probe, target, expect, purpose }));
    }
    checks
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures::{PROBES, specification};
    use crate::specification::{Bucket, Role, guide_policy};

    fn planned(specification: &Specification) -> Vec<String> {
        let named = |check: &Check| format!("{} {}", check.action(), check.target.name()).trim().to_owned();
        plan(specification, PROBES).iter().map(named).collect()
    }

    #[test]
    fn the_policy_decides_what_is_tried_and_the_control_is_always() {
        let policy = guide_policy("b", "t");
        let checks = planned(&Specification::of_policy(policy));
        assert_eq!(checks[..3], ["sts:GetCallerIdentity", "s3:GetObject b", "s3:PutObject b"]);
        assert!(!checks.iter().any(|check| check.starts_with("iam:") || check.starts_with("dynamodb:ListTables")));
        let mut only = Specification::of_policy(guide_policy("b", "t"));
        only.policy.statement.truncate(1);
        assert_eq!(planned(&only), ["sts:GetCallerIdentity", "s3:GetObject b", "s3:PutObject b", "s3:ListBucket b"]);
    }

    #[test]
    fn each_resource_is_a_check_of_its_own() {
        let mut two = specification();
        two.buckets.push(Arc::new(Bucket { name: "second".to_owned(), ..Bucket::default() }));
        let checks = planned(&two);
        let lists: Vec<_> = checks.iter().filter(|check| check.starts_with("s3:ListBucket")).collect();
        assert_eq!(lists, ["s3:ListBucket your-bucket-name", "s3:ListBucket second"]);
    }

    #[test]
    fn what_is_named_is_tried_and_what_must_be_denied_is_a_control() {
        let mut named = specification();
        named.passed_role = Some(Arc::new(Role::new("arn:aws:iam::123456789012:role/p")));
        named.assumed_role = Some(Arc::new(Role::new("arn:aws:iam::123456789012:role/a")));
        named.deny_control = Some("dynamodb:ListTables".to_owned());
        let checks = plan(&named, PROBES);
        let of = |action: &str| checks.iter().find(|check| check.action() == action).unwrap();
        assert_eq!(of("iam:PassRole").target.name(), "arn:aws:iam::123456789012:role/p");
        assert_eq!(of("iam:PassRole").purpose, Purpose::Specified);
        assert_eq!(of("sts:AssumeRole").target.name(), "arn:aws:iam::123456789012:role/a");
        assert_eq!(of("sts:AssumeRole").purpose, Purpose::OpensSession);
        let control = of("dynamodb:ListTables");
        assert!(control.must_be_denied() && control.is_control());
        assert!(of(CONTROL).is_control() && !of(CONTROL).must_be_denied());
        assert!(!of("s3:GetObject").is_control());
    }
}
