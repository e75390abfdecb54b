//! From a policy of the user's own to checks: each action of each statement on each of its resources, or the reason
//! why that is not tried.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::form::ladder::{PULL, PULLS, READS};
use crate::form::{self, Form, HarmlessOn};
use crate::iam::actions::PASS_ROLE;
use crate::iam::catalogue::{self, Action};
use crate::iam::policy::{Effect, Statement};
use crate::iam::resource::{self, MADE_UP, Parts, Slashes};
use crate::iam::wildcard;
use crate::plan::condition::{self, Meets};
use crate::plan::{Ask, Check, Expect, NotCovered, Plan, Purpose};
use crate::probe::{On, ProbeInfo};
use crate::specification::{Bucket, Endpoint, Known, LogStream, Own, Resource, Role, Specification, Table, Target};

/// What the actions of a policy are tried with.
struct Planner<'a> {
    specification: &'a Specification,
    own: &'a Own,
    probes: &'a [&'static ProbeInfo],
    plan: Plan,
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
enum NotTried {
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
type Planned = (&'static ProbeInfo, Target);

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

    fn leave_out(&mut self, action: &str, resource: &str, reason: String, count: usize) {
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
    fn plan_one(&mut self, statement: &Statement, action: &Action, resource: &str) -> Result<(), NotTried> {
        let denies = statement.effect == Effect::Deny;
        if !denies && self.is_denied(&action.name, resource) {
            // The statement that denies it has a check of its own.
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

    fn add(&mut self, check: Check) {
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

    fn known_matching<'k>(&'k self, pattern: &'k str) -> impl Iterator<Item = &'k Arc<Known>> {
        self.own.resources.iter().filter(move |known| takes_in(pattern, &known.arn))
    }

    /// What an action is tried on, for one resource of the policy.
    fn targets(&self, action: &Action, pattern: &str, prefix: Option<&str>) -> Result<Vec<Planned>, NotTried> {
        let typed = self.probes.iter().copied().find(|probe| probe.action == action.name);
        // A request of the pipeline's own is sent by the form.
        let is_given = self.own.requests.get(&action.name).is_some_and(|request| !request.is_empty());
        let with_request = is_given && form::find(&action.name).is_some();
        if let Some(probe) = typed.filter(|_| !with_request)
            && let Some(targets) = self.typed_targets(probe, pattern, prefix)
        {
            let targets = targets?;
            return Ok(targets.into_iter().map(|target| (probe, target)).collect());
        }
        let Some(form) = form::find(&action.name) else {
            let known = form::reason_without(&action.name).map(str::to_owned);
            let reason = known.unwrap_or_else(|| match typed {
                Some(_) => "no harmless request is known for this resource".to_owned(),
                None => "no harmless request is known".to_owned(),
            });
            return Err(reason.into());
        };
        Ok(vec![(&form.info, Target::Resource(Arc::new(self.form_target(form, pattern)?)))])
    }

    /// The targets of a probe with code of its own; `None` where the form has to be used.
    fn typed_targets(
        &self,
        probe: &'static ProbeInfo,
        pattern: &str,
        prefix: Option<&str>,
    ) -> Option<Result<Vec<Target>, String>> {
        let parts = Parts::of(pattern)?;
        Some(match &probe.on {
            On::Bucket(_) => self.buckets(probe.action, pattern, parts, prefix),
            On::Table(_) => self.tables(pattern, parts),
            On::Role(_) => self.roles(probe.action, pattern),
            On::LogStream(_) => self.log_stream(parts)?,
            On::Endpoint(_) => {
                let named =
                    |arn: &str| Parts::of(arn).and_then(|it| it.resource.strip_prefix("endpoint/").map(str::to_owned));
                let known = self.known_matching(pattern).find_map(|known| named(&known.arn));
                let exact = named(pattern).filter(|name| resource::is_exact(name));
                match known.or(exact) {
                    Some(name) => Ok(vec![Target::Endpoint(Arc::new(Endpoint { name: Some(name) }))]),
                    None => fits_made_up(parts, "endpoint").then(|| Ok(vec![Target::Endpoint(Arc::default())]))?,
                }
            }
            On::TrainingJob(_) => {
                let named = |known: &Arc<Known>| {
                    Parts::of(&known.arn).and_then(|it| it.resource.strip_prefix("training-job/").map(str::to_owned))
                };
                match self.known_matching(pattern).find_map(named) {
                    Some(name) => {
                        Ok(vec![Target::TrainingJob(Arc::new(crate::specification::TrainingJob { name: Some(name) }))])
                    }
                    None => {
                        fits_made_up(parts, "training-job").then(|| Ok(vec![Target::TrainingJob(Arc::default())]))?
                    }
                }
            }
            On::Account(_) => {
                let kind = match probe.action {
                    "sagemaker:CreateTrainingJob" => "training-job",
                    "sagemaker:CreateModel" => "model",
                    "sagemaker:CreateEndpoint" => "endpoint",
                    _ => "",
                };
                (kind.is_empty() || fits_made_up(parts, kind)).then(|| Ok(vec![Target::Account]))?
            }
            On::Resource(_) => return None,
        })
    }

    fn buckets(
        &self,
        action: &str,
        pattern: &str,
        parts: Parts<'_>,
        prefix: Option<&str>,
    ) -> Result<Vec<Target>, String> {
        let (bucket, key) = match parts.resource.split_once('/') {
            Some((bucket, key)) => (bucket, key),
            None => (parts.resource, "*"),
        };
        let of_known = |known: &Known| {
            let resource = known.arn.split_once(":s3:::")?.1;
            Some(
                resource
                    .split_once('/')
                    .map_or((resource.to_owned(), None), |(it, key)| (it.to_owned(), Some(key.to_owned()))),
            )
        };
        let all: Vec<_> = self.own.resources.iter().filter_map(|known| of_known(known)).collect();
        let mut names: Vec<String> = Vec::new();
        if resource::is_exact(bucket) {
            names.push(bucket.to_owned());
        } else {
            for (name, _) in all.iter().filter(|(name, _)| resource::matches(bucket, name)) {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        if names.is_empty() {
            return Err(format!(
                "S3 tells of buckets that exist only: name one that {pattern} takes in under resources"
            ));
        }
        if action == "s3:ListBucket" {
            let prefix = prefix.unwrap_or_default().to_owned();
            let target = |name| Target::Bucket(Arc::new(Bucket { name, prefix: prefix.clone(), ..Bucket::default() }));
            return Ok(names.into_iter().map(target).collect());
        }
        let (start, end) = match (key.find(['*', '?']), key.rfind(['*', '?'])) {
            (Some(first), Some(last)) => (&key[..first], &key[last + 1..]),
            _ => (key, ""),
        };
        let one_object = resource::is_exact(key);
        if !one_object && !resource::matches(key, &format!("{start}permissions-probe{end}")) {
            return Err("no key that the program could make up fits the pattern".to_owned());
        }
        let target = |name: String| {
            let object_key = all
                .iter()
                .filter(|(bucket, _)| *bucket == name)
                .find_map(|(_, it)| it.clone().filter(|it| resource::matches(key, it)));
            let (prefix, suffix) = (start.to_owned(), end.to_owned());
            Target::Bucket(Arc::new(Bucket { name, prefix, suffix, one_object, object_key }))
        };
        Ok(names.into_iter().map(target).collect())
    }

    fn tables(&self, pattern: &str, parts: Parts<'_>) -> Result<Vec<Target>, String> {
        let named = |resource: &str| {
            let rest = resource.strip_prefix("table/")?;
            Some(match rest.split_once("/index/") {
                Some((table, index)) => (table.to_owned(), Some(index.to_owned())),
                None => (rest.to_owned(), None),
            })
        };
        let key_of = |table: &str| {
            self.own.resources.iter().find_map(|known| {
                let (name, index) = named(Parts::of(&known.arn)?.resource)?;
                known.key.clone().filter(|_| name == table && index.is_none())
            })
        };
        if !resource::is_exact(parts.resource) {
            let known: Vec<_> = self
                .known_matching(pattern)
                .filter_map(|known| named(Parts::of(&known.arn)?.resource))
                .map(|(name, index)| {
                    Target::Table(Arc::new(Table { key: key_of(&name).filter(|_| index.is_none()), name, index }))
                })
                .collect();
            if !known.is_empty() {
                return Ok(known);
            }
        }
        let form = if parts.resource.contains("/index/") { "table/{table}/index/{index}" } else { "table/{table}" };
        let names = resource::fit(parts.resource, form)
            .ok_or("no table's name that the program could make up fits the pattern")?;
        let name = names[0].1.clone();
        let index = names.get(1).map(|(_, index)| index.clone());
        Ok(vec![Target::Table(Arc::new(Table { key: key_of(&name).filter(|_| index.is_none()), name, index }))])
    }

    fn roles(&self, action: &str, pattern: &str) -> Result<Vec<Target>, String> {
        if resource::is_exact(pattern) {
            return Ok(vec![Target::Role(Arc::new(Role::new(pattern)))]);
        }
        let known: Vec<_> = self
            .known_matching(pattern)
            .filter(|known| known.arn.contains(":role/"))
            .map(|known| Target::Role(Arc::new(Role::new(known.arn.as_str()))))
            .collect();
        if known.is_empty() {
            let what = if action == PASS_ROLE { "handed over" } else { "assumed" };
            return Err(format!(
                "only a role that exists can be {what}: name one that {pattern} takes in under resources"
            ));
        }
        Ok(known)
    }

    /// The function's own log stream, where the statement is about it.
    fn log_stream(&self, parts: Parts<'_>) -> Option<Result<Vec<Target>, String>> {
        let log: &Arc<LogStream> = &self.specification.log_stream;
        let group = log.group.as_deref().unwrap_or("/aws/lambda/permissions-probe");
        let is_own = resource::overlaps(parts.resource, &format!("log-group:{group}"), Slashes::All)
            || resource::overlaps(parts.resource, &format!("log-group:{group}:{{rest}}"), Slashes::All);
        is_own.then(|| Ok(vec![Target::LogStream(log.clone())]))
    }

    /// What a form is filled with, for a resource of the policy.
    fn form_target(&self, form: &'static Form, pattern: &str) -> Result<Resource, NotTried> {
        let request = self.own.requests.get(form.info.action);
        let target = |names, is_known| Resource {
            action: form.info.action,
            pattern: pattern.to_owned(),
            names: with_own_name(form, names, request),
            longest_name: form.longest_name,
            is_known,
            request: request.cloned().map(Arc::new),
        };
        if form.arn.is_empty() {
            return Ok(target(Vec::new(), false));
        }
        let named = form.arn.splitn(4, ':').nth(3).unwrap_or(form.arn);
        if let Some((table, index)) =
            index_of(pattern).filter(|_| form.service.signing == "dynamodb" && named == "table/{name}")
        {
            let takes_index = matches!(form.info.action, "dynamodb:Query" | "dynamodb:Scan");
            return if takes_index {
                Ok(target(vec![("name", table), ("index", index)], false))
            } else {
                Err(NotTried::OtherKind("the request is about a table, and not about an index".to_owned()))
            };
        }
        if form.harmless_on == HarmlessOn::None {
            let takes_in = Parts::of(pattern).is_some_and(|parts| resource::matches(parts.resource, named));
            return if takes_in {
                Ok(target(Vec::new(), false))
            } else {
                Err("the one request that is known is about all of them, which the resource does not take in"
                    .to_owned()
                    .into())
            };
        }
        let fit = |pattern: &str| Parts::of(pattern).and_then(|parts| resource::fit(parts.resource, named));
        let service = form.arn.split(':').next().unwrap_or_default();
        let of_service = |known: &&Arc<Known>| Parts::of(&known.arn).is_some_and(|parts| parts.service == service);
        let known = self.known_matching(pattern).filter(of_service).find_map(|known| {
            let names = fit(&known.arn)?;
            let is_name = |(hole, name): &(&str, String)| {
                *hole == "key" || !name.contains('/') || service != "dynamodb" && service != "sns"
            };
            names.iter().all(is_name).then(|| target(names, true))
        });
        // A known bucket, with a key that the pattern leaves open.
        let in_known_bucket = || {
            let open = fit(pattern)?;
            let at = open.iter().position(|(hole, name)| *hole == "bucket" && name.contains(MADE_UP))?;
            let parts = Parts::of(pattern)?;
            let bucket = parts.resource.split('/').next()?;
            let name = self.own.resources.iter().find_map(|known| {
                let name = bucket_of(&known.arn)?;
                resource::matches(bucket, name).then(|| name.to_owned())
            })?;
            let mut names = open;
            names[at].1 = name;
            Some(target(names, false))
        };
        let refused = match known.map(|known| (form.refuses(&known), known)) {
            Some((None, known)) => return Ok(known),
            Some((Some(reason), _)) => Some(reason),
            None => None,
        };
        let made_up = in_known_bucket().or_else(|| fit(pattern).map(|names| target(names, false)));
        let Some(made_up) = made_up else {
            let is_of_kind =
                Parts::of(pattern).is_some_and(|parts| resource::overlaps(parts.resource, named, Slashes::All));
            if refused.is_none() && !is_of_kind {
                return Err(NotTried::OtherKind(format!(
                    "the request that is known is about {named}, and not about this kind of resource"
                )));
            }
            return Err(refused.unwrap_or("no name that the program could make up fits the pattern").to_owned().into());
        };
        // A model that does not exist is asked for, so the endpoint may be one that does.
        let asks_for_model =
            form.info.action == "sagemaker:InvokeEndpoint" && request.is_some_and(|it| it.contains_key("TargetModel"));
        match form.refuses(&made_up).filter(|_| !asks_for_model) {
            None => Ok(made_up),
            Some(reason) => Err(reason.to_owned().into()),
        }
    }
}

/// A table that no statement names, which has to be denied: a grant on `*` would take it in.
pub(super) fn plan_scope(specification: &Specification, probes: &[&'static ProbeInfo]) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut regions: Vec<Option<String>> = Vec::new();
    for action in ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem"] {
        let Some(probe) = probes.iter().copied().find(|probe| probe.action == action) else { continue };
        let granted: Vec<Parts<'_>> = specification
            .policy
            .statement
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
            .filter(|statement| statement.action.iter().any(|pattern| wildcard::matches(pattern, action)))
            .flat_map(|statement| &statement.resource)
            .filter_map(|resource| Parts::of(resource))
            .filter(|parts| matches!(parts.service, "dynamodb" | "*"))
            .collect();
        let takes_in = |parts: &Parts<'_>| resource::matches(parts.resource, "table/permissions-probe-0000");
        if granted.is_empty() || granted.iter().any(takes_in) {
            continue;
        }
        for parts in granted {
            let region = resource::is_exact(parts.region).then(|| parts.region.to_owned());
            if regions.contains(&region) {
                continue;
            }
            regions.push(region.clone());
            let target = Target::Table(Arc::new(Table { name: MADE_UP.to_owned(), ..Table::default() }));
            let ask = Ask {
                resource: format!("arn:{}:dynamodb:{}:{}:table/*", parts.partition, parts.region, parts.account),
                region,
                account: None,
                request: None,
                condition: None,
                is_made_up: true,
                role: None,
            };
            checks.push(Check {
                probe,
                target,
                expect: Expect::Denied,
                purpose: Purpose::Scope,
                ask: Some(Arc::new(ask)),
            });
        }
    }
    checks
}

impl Planner<'_> {
    /// What SageMaker's own roles may do, where an image and an artifact of theirs are known.
    fn plan_other_roles(&mut self) {
        for known in self.own.resources.iter().filter(|known| known.arn.contains(":role/")) {
            let Some(image) = &known.image else { continue };
            // The caller has to be able to hand the role over, and SageMaker to assume it.
            if let Some(probe) = self.probes.iter().copied().find(|probe| probe.action == PASS_ROLE) {
                let target = Target::Role(Arc::new(Role::new(known.arn.as_str())));
                let ask = Some(Arc::new(Ask { resource: known.arn.clone(), ..Ask::default() }));
                self.add(Check { probe, target, expect: Expect::Allowed, purpose: Purpose::Specified, ask });
            }
            let data = known.model_data.clone();
            let mut names = vec![("role", known.arn.clone()), ("image", image.clone())];
            names.extend(data.clone().map(|data| ("model_data", data)));
            let Some(data) = data else {
                let reason =
                    "SageMaker comes to the image only with an artifact to read: add modelData to the role".to_owned();
                self.leave_out(PULL, image, reason, 1);
                continue;
            };
            let of_image = image_repository(image);
            let artifact = data.strip_prefix("s3://").unwrap_or(&data).to_owned();
            for (probe, pattern) in [(&PULLS, of_image), (&READS, format!("arn:aws:s3:::{artifact}"))] {
                let resource = Resource {
                    action: probe.action,
                    pattern: pattern.clone(),
                    names: names.clone(),
                    longest_name: usize::MAX,
                    is_known: true,
                    request: None,
                };
                self.plan.checks.push(Check {
                    probe,
                    target: Target::Resource(Arc::new(resource)),
                    expect: Expect::Allowed,
                    purpose: Purpose::OtherRole,
                    ask: Some(Arc::new(Ask { resource: pattern, role: Some(known.arn.clone()), ..Ask::default() })),
                });
            }
        }
    }

    /// The configurations of the pipeline's functions.
    fn plan_functions(&mut self) {
        let Some(form) = form::find(GET_FUNCTION) else { return };
        for function in &self.own.functions {
            let parts = Parts::of(&function.name).filter(|parts| parts.service == "lambda");
            let name = parts.and_then(|parts| parts.resource.strip_prefix("function:")).unwrap_or(&function.name);
            let pattern = match parts {
                Some(_) => function.name.clone(),
                None => format!("arn:aws:lambda:*:*:function:{name}"),
            };
            let resource = Resource {
                action: form.info.action,
                pattern: pattern.clone(),
                names: vec![("name", name.to_owned())],
                longest_name: usize::MAX,
                is_known: true,
                request: None,
            };
            let ask = Ask {
                resource: pattern,
                region: parts.map(|parts| parts.region.to_owned()),
                account: parts.map(|parts| parts.account.to_owned()),
                request: None,
                condition: None,
                is_made_up: false,
                role: Some(function.role.clone()),
            };
            self.plan.checks.push(Check {
                probe: &form.info,
                target: Target::Resource(Arc::new(resource)),
                expect: Expect::Allowed,
                purpose: Purpose::Function,
                ask: Some(Arc::new(ask)),
            });
        }
    }

    /// The actions that the pipeline's own requests need besides, where the policy does not name them.
    fn plan_needs(&mut self) {
        for (action, request) in &self.own.requests {
            let is_named = self
                .specification
                .policy
                .statement
                .iter()
                .any(|it| it.action.iter().any(|it| wildcard::matches(it, action)));
            if !is_named {
                let reason = "requests has fields for it, and no statement of the policy names it".to_owned();
                self.leave_out(action, "requests", reason, 0);
            }
            for needed in form::take(action, request).needs {
                let granted = self.specification.policy.statement.iter().any(|statement| {
                    statement.effect == Effect::Allow && statement.action.iter().any(|it| wildcard::matches(it, needed))
                });
                let is_checked = self.plan.checks.iter().any(|check| check.action() == needed);
                if is_checked {
                    continue;
                }
                let resources: Vec<String> = self
                    .specification
                    .policy
                    .statement
                    .iter()
                    .filter(|statement| statement.effect == Effect::Allow)
                    .filter(|statement| statement.action.iter().any(|it| wildcard::matches(it, action)))
                    .flat_map(|statement| statement.resource.clone())
                    .collect();
                let Some(known) = catalogue::find(needed) else { continue };
                let mut any = false;
                for resource in resources.iter().filter(|it| known.takes(it)) {
                    let statement = Statement::allow(vec![needed.to_owned()], vec![resource.clone()]);
                    any |= self.plan_one(&statement, &known, resource).is_ok()
                        && self.plan.checks.iter().any(|it| it.action() == needed);
                }
                if !any {
                    let which = if granted { "the policy allows it" } else { "the policy does not allow it" };
                    let reason = format!(
                        "{action} needs it for a field of the request ({which}), and no harmless request is known"
                    );
                    self.leave_out(needed, &resources.join(", "), reason, 1);
                }
            }
        }
    }
}

/// The action by which the configuration of a function is read.
const GET_FUNCTION: &str = "lambda:GetFunctionConfiguration";

/// The ARN of the repository of an image of Amazon ECR; the image, where it is of another registry.
fn image_repository(image: &str) -> String {
    let parse = || {
        let (host, path) = image.split_once('/')?;
        let parts: Vec<&str> = host.split('.').collect();
        let [account, "dkr", "ecr", region, ..] = parts[..] else { return None };
        let name = path.split(['@', ':']).next()?;
        Some(format!("arn:aws:ecr:{region}:{account}:repository/{name}"))
    };
    parse().unwrap_or_else(|| image.to_owned())
}

/// The names with the one that the pipeline's own request has, where the request only reads.
fn with_own_name(
    form: &Form,
    names: Vec<(&'static str, String)>,
    request: Option<&Map<String, Value>>,
) -> Vec<(&'static str, String)> {
    let (hole, field) = match form.info.action {
        "s3:GetObject" => ("key", "Key"),
        "sagemaker:DescribeTrainingJob" => ("name", "TrainingJobName"),
        _ => return names,
    };
    let Some(own) = request.and_then(|request| request.get(field)?.as_str()) else { return names };
    names
        .into_iter()
        .map(|(known, name)| (known, if known == hole && name.contains(MADE_UP) { own.to_owned() } else { name }))
        .collect()
}

/// Whether a pattern takes in something that exists, of which the Region and the account may be left open.
fn takes_in(pattern: &str, arn: &str) -> bool {
    let (Some(pattern), Some(arn)) = (Parts::of(pattern), Parts::of(arn)) else { return false };
    let fits = |pattern: &str, part: &str| part == "*" || resource::matches(pattern, part);
    fits(pattern.service, arn.service)
        && fits(pattern.region, arn.region)
        && fits(pattern.account, arn.account)
        && resource::matches(pattern.resource, arn.resource)
}

/// The table and the index of the ARN of an index, or of a pattern of such ARNs.
fn index_of(pattern: &str) -> Option<(String, String)> {
    let parts = Parts::of(pattern).filter(|parts| parts.resource.contains("/index/"))?;
    let mut names = resource::fit(parts.resource, "table/{table}/index/{index}")?.into_iter();
    Some((names.next()?.1, names.next()?.1))
}

/// The bucket that an ARN is of.
fn bucket_of(arn: &str) -> Option<&str> {
    arn.split_once(":s3:::")?.1.split('/').next()
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

/// Whether the made-up name of a SageMaker resource fits the statement.
fn fits_made_up(parts: Parts<'_>, kind: &str) -> bool {
    resource::matches(parts.resource, &format!("{kind}/permissions-probe-0000000000000000"))
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
