//! What is checked beside the statements of a policy: that a grant is no wider, what SageMaker's own role may do, the
//! configurations of the pipeline's functions, and what its requests need besides.

use std::sync::Arc;

use crate::form;
use crate::form::ladder::{PULL, PULLS, READS};
use crate::iam::actions::PASS_ROLE;
use crate::iam::catalogue;
use crate::iam::policy::{Effect, Statement};
use crate::iam::resource::{self, MADE_UP, Parts};
use crate::iam::wildcard;
use crate::plan::own::Planner;
use crate::plan::{Ask, Check, Expect, Purpose};
use crate::probe::ProbeInfo;
use crate::specification::{Resource, Role, Specification, Table, Target};

/// A table that no statement names, which has to be denied: a grant on `*` would take it in. Each action is tried, since each
/// can have a statement of its own.
pub(super) fn plan_scope(specification: &Specification, probes: &[&'static ProbeInfo]) -> Vec<Check> {
    let mut checks = Vec::new();
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
        let mut regions: Vec<Option<String>> = Vec::new();
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
    pub(super) fn plan_other_roles(&mut self) {
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
    pub(super) fn plan_functions(&mut self) {
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
    pub(super) fn plan_needs(&mut self) {
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
