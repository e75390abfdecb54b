//! From what is asked for to the checks of one run: each probe on each of its
//! resources.

mod beside;
mod condition;
mod own;
mod target;

use std::sync::Arc;

use crate::answer::Leftover;
use crate::environment::OWN_SPECIFICATION;
use crate::iam::actions::{ASSUME_ROLE, CONTROL, PASS_ROLE};
use crate::place::{Names, Place};
use crate::probe::ProbeInfo;
use crate::problem::Problem;
use crate::specification::{Specification, Target};

/// One action on one resource.
#[derive(Clone, Debug)]
pub struct Check {
    pub probe: &'static ProbeInfo,
    pub target: Target,
    pub expect: Expect,
    pub purpose: Purpose,
    /// What a policy of the user's own asks for by this check.
    pub ask: Option<Arc<Ask>>,
}

/// What a policy of the user's own asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// The resource as the policy has it.
    pub resource: String,
    /// The Region that it names.
    pub region: Option<String>,
    /// The account that it names.
    pub account: Option<String>,
    /// The pipeline's own request, whether or not it is sent.
    pub request: Option<Arc<serde_json::Map<String, serde_json::Value>>>,
    /// The condition of the statement.
    pub condition: Option<serde_json::Value>,
    /// Whether a part of the target's name is made up, to fit the resource.
    pub is_made_up: bool,
    /// Of [`Purpose::Function`], the name of the role that the function should run under; of [`Purpose::OtherRole`], the
    /// ARN of the role that the check is about.
    pub role: Option<String>,
}

/// The checks of a specification, and what it asks for and no check tells.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub checks: Vec<Check>,
    pub not_covered: Vec<NotCovered>,
}

/// What the policy says, and no check tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCovered {
    /// The action, or the pattern of actions.
    pub action: String,
    /// The resources, as the policy has them.
    pub resource: String,
    /// Why, as a clause.
    pub reason: String,
    /// For how many actions on a resource it stands.
    pub count: usize,
}

/// The most checks that one specification may ask for.
pub const MAX_CHECKS: usize = 500;

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
    /// It tells whether a grant is wider than the policy.
    Scope,
    /// It reads the configuration of one of the pipeline's functions.
    Function,
    /// It tells what SageMaker's own role may do, by what SageMaker answers.
    OtherRole,
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
    pub fn is_deny_control(&self) -> bool {
        self.is_control() && self.must_be_denied()
    }

    /// Whether it has to be denied.
    pub fn must_be_denied(&self) -> bool {
        self.expect == Expect::Denied
    }

    pub fn resources(&self, place: &Place) -> Vec<String> {
        self.probe.on.resources(&self.target, place)
    }

    /// Where it is made: in the Region that the policy's resource names, else in the run's.
    pub fn place(&self, place: &Place) -> Place {
        let region = self.ask.as_ref().and_then(|ask| ask.region.clone());
        Place { region: region.unwrap_or_else(|| place.region.clone()), ..place.clone() }
    }

    /// Whether it is on a name that is made up, so that nothing is missing where AWS finds none.
    pub fn is_on_made_up_name(&self) -> bool {
        self.ask.as_ref().is_some_and(|ask| ask.is_made_up)
    }

    /// The ARN of the role that it is about, where that is not the caller's.
    pub fn other_role(&self) -> Option<&str> {
        self.ask.as_ref().filter(|_| self.purpose == Purpose::OtherRole)?.role.as_deref()
    }

    /// The ARN of the function whose configuration it reads.
    pub fn function_arn(&self, place: &Place) -> String {
        let name = match &self.target {
            Target::Resource(resource) => resource.name("name").unwrap_or_default(),
            _ => "",
        };
        place.arn("lambda", &format!("function:{name}"))
    }

    /// The same with the names that a run has made up.
    pub fn with_names(self, names: &Names) -> Self {
        // Of what a request would make, should AWS carry it out, there is never more than one.
        let verb = self.action().split(':').nth(1).unwrap_or_default();
        let makes = ["Create", "Put", "Start"].iter().any(|start| verb.starts_with(start));
        let (name, short) = if makes {
            (names.record_name(), names.short_record_name())
        } else {
            (names.absent_name(), names.short_absent_name())
        };
        Self { target: self.target.with_names(&name, &short), ..self }
    }

    pub fn leftover(&self, place: &Place) -> Option<Leftover> {
        self.probe.on.leftover(&self.target, place)
    }
}

/// The checks that a specification asks for: in the order of the probes, and of the statements of a policy of the user's own.
pub fn plan(specification: &Specification, probes: &[&'static ProbeInfo]) -> Plan {
    let of_policy = specification.own.as_ref().map(|own| own::plan_policy(specification, own, probes));
    let scope = if of_policy.is_none() && specification.strict.is_some() {
        beside::plan_scope(specification, probes)
    } else {
        Vec::new()
    };
    let mut checks = Vec::new();
    for probe in probes.iter().copied() {
        let must_be_denied = specification.deny_control.as_deref() == Some(probe.action);
        let (expect, purpose, role) = match probe.action {
            CONTROL => (Expect::Allowed, Purpose::Control, None),
            ASSUME_ROLE => (Expect::Allowed, Purpose::OpensSession, specification.assumed_role.as_ref()),
            // The guide's policy leaves it out, and the pipeline needs it where it hands a role over.
            PASS_ROLE => (Expect::Allowed, Purpose::Specified, specification.passed_role.as_ref()),
            _ if must_be_denied => (Expect::Denied, Purpose::Control, None),
            _ if of_policy.is_some() => continue,
            action if specification.policy.grants(action) => (Expect::Allowed, Purpose::Specified, None),
            _ => continue,
        };
        let targets = probe.on.targets(specification, role);
        checks.extend(targets.into_iter().map(|target| Check { probe, target, expect, purpose, ask: None }));
    }
    checks.extend(scope);
    let Some(of_policy) = of_policy else { return Plan { checks, not_covered: Vec::new() } };
    // The controls come first, and what the variables name besides last.
    let is_asked = |check: &Check| {
        of_policy.checks.iter().any(|known| known.action() == check.action() && known.target == check.target)
    };
    let (first, last): (Vec<_>, Vec<_>) = checks
        .into_iter()
        .filter(|check| check.purpose != Purpose::Specified || !is_asked(check))
        .partition(|check| check.purpose != Purpose::Specified && !check.must_be_denied());
    Plan { checks: first.into_iter().chain(of_policy.checks).chain(last).collect(), not_covered: of_policy.not_covered }
}

impl Plan {
    /// The problem of a plan with more than [`MAX_CHECKS`] checks.
    pub fn problem_of_length(&self) -> Option<Problem> {
        let count = self.checks.len();
        (count > MAX_CHECKS).then(|| {
            let expected = format!("at most {MAX_CHECKS} checks; it asks for {count}");
            Problem::new(OWN_SPECIFICATION.name, None, expected)
        })
    }

    /// How many actions on a resource the policy asks for, and how many of them are checked.
    pub fn coverage(&self) -> (usize, usize) {
        let checked = self.checks.iter().filter(|check| check.purpose == Purpose::Specified).count();
        (checked, checked + self.not_covered.iter().map(|left_out| left_out.count).sum::<usize>())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures::{PROBES, specification};
    use crate::specification::{Bucket, Role, guide_policy};

    fn planned(specification: &Specification) -> Vec<String> {
        let named = |check: &Check| format!("{} {}", check.action(), check.target.name()).trim().to_owned();
        plan(specification, PROBES).checks.iter().map(named).collect()
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
        let checks = plan(&named, PROBES).checks;
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
