//! From a policy of the user's own to checks: each action of each statement on each of its resources, or the reason
//! why that is not tried.

use std::sync::Arc;

use crate::form::{self, HarmlessOn};
use crate::iam::actions::CONTROL;
use crate::iam::catalogue::{self, Action};
use crate::iam::partition::partition_of;
use crate::iam::policy::{Effect, Statement};
use crate::iam::resource::{self, MADE_UP, Parts};
use crate::iam::wildcard;
use crate::plan::beside::plan_scope;
use crate::plan::condition::{self, Meets};
use crate::plan::{Ask, Check, Expect, NotCovered, Plan, Purpose};
use crate::probe::ProbeInfo;
use crate::specification::{Bucket, Known, Own, Specification, Target};

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
    planner.drop_denied();
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
pub(super) struct Planned {
    pub probe: &'static ProbeInfo,
    pub target: Target,
    /// The ARN of what exists, where the specification names it under `resources`.
    pub known: Option<String>,
}

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
        if let Some(reason) = self.is_elsewhere(resource) {
            return Err(reason.into());
        }
        let sent = self.own.requests.get(&action.name);
        let prefix = match condition::meets(statement, &action.name, sent) {
            Meets::Always => None,
            Meets::WithPrefix(prefix) => Some(prefix),
            Meets::Unknown(keys) => return Err(format!("condition on {}", keys.join(", ")).into()),
        };
        let expect = if denies { Expect::Denied } else { Expect::Allowed };
        for Planned { probe, target, known } in self.targets(action, resource, prefix.as_deref())? {
            // What exists is where its own ARN says, also where the policy's pattern leaves that open.
            let parts = Parts::of(known.as_deref().unwrap_or(resource));
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

    /// Why a request of this function is never about such a resource.
    fn is_elsewhere(&self, resource: &str) -> Option<String> {
        let parts = Parts::of(resource)?;
        let own = self.own.region.as_deref()?;
        let partition = partition_of(own).name;
        if !resource::matches(parts.partition, partition) {
            let given = parts.partition;
            return Some(format!("the resource is of the partition {given}, and the function runs in {partition}"));
        }
        let is_part_of_pattern = !resource::is_exact(parts.region) && !resource::matches(parts.region, own);
        is_part_of_pattern.then(|| {
            let given = parts.region;
            format!(
                "the function runs in {own}, which {given} does not take in: name the Region in full to have it tried"
            )
        })
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

    /// Drops the checks that an action is allowed on what another statement denies it on, written in another way: AWS denies
    /// what one statement denies.
    fn drop_denied(&mut self) {
        let denied: Vec<Check> = self.plan.checks.iter().filter(|check| check.must_be_denied()).cloned().collect();
        let is_denied =
            |check: &Check| !check.must_be_denied() && denied.iter().any(|denied| is_about_the_same(check, denied));
        let (dropped, kept) = self.plan.checks.drain(..).partition::<Vec<_>, _>(is_denied);
        self.plan.checks = kept;
        for check in dropped {
            let resource = check.ask.as_ref().map(|ask| ask.resource.clone()).unwrap_or_default();
            let reason = "another statement denies it on what it would be tried on".to_owned();
            self.leave_out(check.action(), &resource, reason, 1);
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

/// Whether two checks try one action on one thing, whatever the policy's patterns for it are.
fn is_about_the_same(one: &Check, other: &Check) -> bool {
    let same_target = match (&one.target, &other.target) {
        (Target::Resource(one), Target::Resource(other)) => one.names == other.names && !one.is_made_up(),
        (Target::Bucket(one), Target::Bucket(other)) => {
            let key = |bucket: &Bucket| {
                bucket.object_key.clone().or_else(|| bucket.one_object.then(|| bucket.prefix.clone()))
            };
            one.name == other.name && key(one).is_some() && key(one) == key(other)
        }
        (one, other) => one == other && !is_made_up(one),
    };
    let part = |check: &Check, of: fn(&Ask) -> &Option<String>| check.ask.as_deref().and_then(|ask| of(ask).clone());
    // A part that a pattern leaves open is the function's own.
    let same_part = |of: fn(&Ask) -> &Option<String>| match (part(one, of), part(other, of)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    one.action() == other.action() && same_target && same_part(|ask| &ask.region) && same_part(|ask| &ask.account)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::document;
    use crate::fixtures::PROBES;
    use crate::plan::plan;

    /// The plan of a document, in a function of `us-east-1`.
    fn planned(document: &Value) -> Plan {
        let document = document::read(&document.to_string(), "S", "r").unwrap();
        let region = Some("us-east-1".to_owned());
        let own = Own { requests: document.requests, resources: document.resources, functions: Vec::new(), region };
        plan(&Specification { own: Some(Arc::new(own)), ..Specification::of_policy(document.policy.unwrap()) }, PROBES)
    }

    fn statements(all: &[(&str, &str, &str)]) -> Value {
        let statement = |(effect, action, resource): &(&str, &str, &str)| json!({"Effect": effect, "Action": action, "Resource": resource});
        json!({"Version": "2012-10-17", "Statement": all.iter().map(statement).collect::<Vec<_>>()})
    }

    fn specified(plan: &Plan) -> Vec<&Check> {
        plan.checks.iter().filter(|check| check.purpose == Purpose::Specified).collect()
    }

    fn reason(plan: &Plan) -> &str {
        assert_eq!((specified(plan).len(), plan.not_covered.len()), (0, 1), "{plan:?}");
        &plan.not_covered[0].reason
    }

    #[test]
    fn what_exists_is_asked_for_where_it_is() {
        // ECR would make a repository that it does not have in the Region that is asked.
        let policy = statements(&[("Allow", "ecr:CreateRepository", "*")]);
        let there = "arn:aws:ecr:eu-west-1:123456789012:repository/models";
        let plan = planned(&json!({"policy": policy, "resources": {there: {}}}));
        let [check] = specified(&plan)[..] else { panic!("{plan:?}") };
        let ask = check.ask.as_ref().unwrap();
        assert_eq!((ask.region.as_deref(), ask.account.as_deref()), (Some("eu-west-1"), Some("123456789012")));
        let plan = planned(&json!({"policy": policy, "resources": {"arn:aws:ecr:::repository/models": {}}}));
        assert!(reason(&plan).contains("AWS would make what does not exist"), "{plan:?}");

        let table = "arn:aws:dynamodb:ap-southeast-1:123456789012:table/T";
        let policy = statements(&[("Allow", "dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/*")]);
        let plan = planned(&json!({"policy": policy, "resources": {table: {}}}));
        assert_eq!(specified(&plan)[0].ask.as_ref().unwrap().region.as_deref(), Some("ap-southeast-1"));
    }

    #[test]
    fn what_no_request_of_the_function_is_about_is_not_tried() {
        for (resource, said) in [
            ("arn:aws-cn:dynamodb:*:*:table/T", "of the partition aws-cn, and the function runs in aws"),
            ("arn:aws:dynamodb:eu-*:*:table/T", "us-east-1, which eu-* does not take in"),
        ] {
            let plan = planned(&json!({"policy": statements(&[("Allow", "dynamodb:GetItem", resource)])}));
            assert!(reason(&plan).contains(said), "{plan:?}");
        }
        let own = statements(&[("Allow", "dynamodb:GetItem", "arn:aws:dynamodb:us-*:*:table/T")]);
        assert_eq!(specified(&planned(&json!({"policy": own}))).len(), 1);
    }

    #[test]
    fn what_is_denied_somewhere_is_not_asked_to_be_allowed_there() {
        let (open, exact) = ("arn:aws:dynamodb:us-east-1:*:table/T", "arn:aws:dynamodb:us-east-1:123456789012:table/T");
        let twice = statements(&[("Allow", "dynamodb:GetItem", open), ("Deny", "dynamodb:GetItem", exact)]);
        let objects = statements(&[
            ("Allow", "s3:GetObject", "arn:aws:s3:::b/*"),
            ("Deny", "s3:GetObject", "arn:aws:s3:::b/secret/*"),
        ]);
        for document in
            [json!({"policy": twice}), json!({"policy": objects, "resources": {"arn:aws:s3:::b/secret/x": {}}})]
        {
            let plan = planned(&document);
            let all: Vec<_> = specified(&plan).iter().map(|check| check.expect).collect();
            assert_eq!(all, [Expect::Denied], "{plan:?}");
            assert!(plan.not_covered[0].reason.contains("another statement denies it"), "{plan:?}");
        }
    }

    #[test]
    fn a_table_with_a_path_behind_it_is_one_of_indexes() {
        let policy = statements(&[("Allow", "dynamodb:Query", "arn:aws:dynamodb:us-east-1:*:table/T/*")]);
        let plan = planned(&json!({"policy": policy}));
        let [Check { target: Target::Resource(index), .. }] = specified(&plan)[..] else { panic!("{plan:?}") };
        assert_eq!((index.name("name"), index.name("index")), (Some("T"), Some(MADE_UP)));
    }

    #[test]
    fn an_object_that_exists_is_never_written_to() {
        let own = json!({"s3:PutObject": {"ServerSideEncryption": "aws:kms"}});
        let key = "arn:aws:s3:::b/data.csv";
        let policy = statements(&[("Allow", "s3:PutObject", "arn:aws:s3:::b/*")]);
        let plan = planned(&json!({"policy": policy, "requests": own, "resources": {key: {}}}));
        let [Check { target: Target::Resource(object), .. }] = specified(&plan)[..] else { panic!("{plan:?}") };
        assert_eq!(object.name("key"), Some(MADE_UP));
        let exact = json!({"policy": statements(&[("Allow", "s3:PutObject", key)]), "requests": own});
        assert!(planned(&exact).not_covered.iter().any(|it| it.action == "s3:PutObject"));
    }

    #[test]
    fn a_field_of_the_wrong_kind_is_no_reason_to_stop() {
        let own = json!({"dynamodb:UpdateItem": {"Key": {"id": {"S": "1"}}, "ExpressionAttributeNames": "x"}});
        let policy = statements(&[("Allow", "dynamodb:UpdateItem", "arn:aws:dynamodb:us-east-1:*:table/T")]);
        assert_eq!(specified(&planned(&json!({"policy": policy, "requests": own}))).len(), 1);
    }
}
