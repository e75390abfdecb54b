//! From a policy of the user's own to checks: each action of each statement on each of its resources, or the reason
//! why that is not tried.

use std::sync::Arc;

use crate::form::{self, HarmlessOn};
use crate::iam::actions::CONTROL;
use crate::iam::catalogue::{self, Action};
use crate::iam::policy::{Effect, Statement};
use crate::iam::resource::{self, MADE_UP, Parts};
use crate::iam::wildcard;
use crate::plan::beside::plan_scope;
use crate::plan::condition::{self, Meets};
use crate::plan::{Ask, Check, Expect, NotCovered, Plan, Purpose};
use crate::probe::ProbeInfo;
use crate::specification::{Known, Own, Specification, Target};

/// What the actions of a policy are tried with.
pub(super) struct Planner<'a> {
    pub(super) specification: &'a Specification,
    pub(super) own: &'a Own,
    pub(super) probes: &'a [&'static ProbeInfo],
    pub(super) plan: Plan,
}

/// The checks of a policy's statements, and of what must be denied beside them.
pub(super) fn plan_policy(specification: &Specification, own: &Own, probes: &[&'static ProbeInfo]) -> Plan {
    let mut planner = Planner { specification, own, probes, plan: Plan::default() };
    for statement in &specification.policy.statement {
        planner.plan_statement(statement);
    }
    planner.plan.checks.extend(plan_scope(specification, probes));
    planner.plan_other_roles();
    planner.plan_functions();
    planner.plan_needs();
    planner.plan
}

/// Why an action is not tried on a resource.
pub(super) enum NotTried {
    /// The request is about another kind of resource, which the action takes besides.
    OtherKind(String),
    Because(String),
}

impl From<String> for NotTried {
    fn from(reason: String) -> Self {
        Self::Because(reason)
    }
}

/// What a statement asks of one of its actions, on one of its resources.
pub(super) type Planned = (&'static ProbeInfo, Target);

impl Planner<'_> {
    fn plan_statement(&mut self, statement: &Statement) {
        for pattern in &statement.action {
            let is_wild = pattern.contains(['*', '?']);
            let (mut all, mut tried, mut left) = (0, 0, 0);
            for action in catalogue::expand(pattern) {
                let fitting: Vec<&String> = statement.resource.iter().filter(|it| takes(&action, it)).collect();
                if fitting.is_empty() {
                    if !is_wild {
                        let reason = describe_nothing(&action, statement.effect);
                        self.leave_out(&action.name, &statement.resource.join(", "), reason, 1);
                    }
                    continue;
                }
                all += 1;
                let planned: Vec<_> = fitting.iter().map(|it| (*it, self.plan_one(statement, &action, it))).collect();
                let any = planned.iter().any(|(_, planned)| planned.is_ok());
                let mut whole = true;
                for (resource, planned) in planned {
                    match planned {
                        Ok(()) => {}
                        // One request is about both kinds of resources.
                        Err(NotTried::OtherKind(_)) if any => {}
                        Err(_) if is_wild => {
                            whole = false;
                            left += 1;
                        }
                        Err(NotTried::OtherKind(reason) | NotTried::Because(reason)) => {
                            self.leave_out(&action.name, resource, reason, 1);
                        }
                    }
                }
                tried += usize::from(whole);
            }
            if is_wild && (left > 0 || all == 0) {
                let reason = match all {
                    0 => "this statement does nothing: none of the actions that it stands for takes such a resource"
                        .to_owned(),
                    _ => format!(
                        "it stands for {all} actions in AWS's list, of which {tried} {} tried; for the others no harmless request is known \
                         that tells",
                        if tried == 1 { "is" } else { "are" }
                    ),
                };
                self.leave_out(pattern, &statement.resource.join(", "), reason, left.max(1));
            }
        }
    }

    pub(super) fn leave_out(&mut self, action: &str, resource: &str, reason: String, count: usize) {
        let not_covered = NotCovered { action: action.to_owned(), resource: resource.to_owned(), reason, count };
        if !self.plan.not_covered.contains(&not_covered) {
            self.plan.not_covered.push(not_covered);
        }
    }

    /// Plans one action on one resource of a statement.
    ///
    /// # Errors
    ///
    /// Why it is not tried.
    pub(super) fn plan_one(&mut self, statement: &Statement, action: &Action, resource: &str) -> Result<(), NotTried> {
        let denies = statement.effect == Effect::Deny;
        if !denies && self.is_denied(&action.name, resource) {
            // The statement that denies it has a check of its own.
            return Ok(());
        }
        if action.name == CONTROL {
            // It is tried in any case.
            return Ok(());
        }
        if resource.contains("${") {
            return Err("the resource has a variable, which has another value for each caller".to_owned().into());
        }
        let sent = self.own.requests.get(&action.name);
        let prefix = match condition::meets(statement, &action.name, sent) {
            Meets::Always => None,
            Meets::WithPrefix(prefix) => Some(prefix),
            Meets::Unknown(keys) => return Err(format!("condition on {}", keys.join(", ")).into()),
        };
        let expect = if denies { Expect::Denied } else { Expect::Allowed };
        for (probe, target) in self.targets(action, resource, prefix.as_deref())? {
            let parts = Parts::of(resource);
            let region_of = |bucket: &str| {
                let of_bucket = |known: &&Arc<Known>| known.region.is_some() && bucket_of(&known.arn) == Some(bucket);
                self.own.resources.iter().find(of_bucket)?.region.clone()
            };
            let of_bucket = match &target {
                Target::Bucket(bucket) => region_of(&bucket.name),
                Target::Resource(resource) => resource.name("bucket").and_then(region_of),
                _ => None,
            };
            let exact = |part: &str| (!part.is_empty() && resource::is_exact(part)).then(|| part.to_owned());
            let ask = Ask {
                resource: resource.to_owned(),
                region: of_bucket.or_else(|| parts.and_then(|it| exact(it.region))),
                account: parts.filter(|parts| parts.service != "iam").and_then(|it| exact(it.account)),
                request: sent.cloned().map(Arc::new),
                condition: statement.condition.clone(),
                is_made_up: is_made_up(&target),
                role: None,
            };
            self.add(Check { probe, target, expect, purpose: Purpose::Specified, ask: Some(Arc::new(ask)) });
        }
        Ok(())
    }

    pub(super) fn add(&mut self, check: Check) {
        let same = |known: &Check| {
            known.action() == check.action()
                && known.target == check.target
                && known.expect == check.expect
                && known.ask.as_ref().map(|ask| &ask.region) == check.ask.as_ref().map(|ask| &ask.region)
        };
        if !self.plan.checks.iter().any(same) {
            self.plan.checks.push(check);
        }
    }

    /// Whether another statement denies the action there without a condition.
    fn is_denied(&self, action: &str, resource: &str) -> bool {
        let made_up = resource.replace('*', MADE_UP);
        self.specification.policy.statement.iter().any(|statement| {
            statement.effect == Effect::Deny
                && statement.condition.is_none()
                && statement.action.iter().any(|pattern| wildcard::matches(pattern, action))
                && statement
                    .resource
                    .iter()
                    .any(|it| resource::matches(it, resource) || resource::matches(it, &made_up))
        })
    }
}

/// Whether a part of a target's name is made up.
fn is_made_up(target: &Target) -> bool {
    let is = |name: &str| name.contains(MADE_UP);
    match target {
        Target::Account => true,
        Target::Bucket(bucket) => bucket.object_key.is_none() && !bucket.one_object,
        Target::Table(table) => is(&table.name) || table.index.as_deref().is_some_and(is),
        Target::Endpoint(endpoint) => endpoint.name.is_none(),
        Target::TrainingJob(job) => job.name.is_none(),
        Target::Role(_) | Target::LogStream(_) => false,
        Target::Resource(resource) => resource.is_made_up(),
    }
}

/// The bucket that an ARN is of.
pub(super) fn bucket_of(arn: &str) -> Option<&str> {
    arn.split_once(":s3:::")?.1.split('/').next()
}

/// Whether an action takes a resource of a statement: by AWS's list, or because its denials name such an ARN all the same.
fn takes(action: &Action, pattern: &str) -> bool {
    let by_form = || {
        let form =
            form::find(&action.name).filter(|form| form.harmless_on == HarmlessOn::None && !form.arn.is_empty())?;
        Some(resource::matches(Parts::of(pattern)?.resource, form.arn.splitn(4, ':').nth(3)?))
    };
    action.takes(pattern) || by_form().unwrap_or_default()
}

/// Why a statement does nothing for an action.
fn describe_nothing(action: &Action, effect: Effect) -> String {
    let does = if effect == Effect::Deny { "denies" } else { "allows" };
    if action.takes_none() {
        format!(
            "this statement {does} nothing: by AWS's list, {} takes no resource, so its Resource has to be \"*\"",
            action.name
        )
    } else {
        let kinds: Vec<String> =
            action.kinds.iter().flatten().map(|kind| format!("arn:aws:{}", kind.replace("{}", "…"))).collect();
        format!("this statement {does} nothing: by AWS's list, {} takes {}", action.name, kinds.join(" or "))
    }
}
