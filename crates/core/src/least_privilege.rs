//! The policy that a pipeline needs, and no more: each action of the specification on the very resources that it is checked
//! on, with what stands behind it. As JSON, for AWS SAM, and for Terraform.

use serde_json::{Value, json};

use crate::form;
use crate::iam::actions::{CONTROL, PASS_ROLE};
use crate::iam::catalogue;
use crate::iam::policy::{Effect, PolicyDocument, Statement};
use crate::options::PolicyFormat;
use crate::place::Place;
use crate::plan::{Expect, Plan, Purpose};
use crate::specification::{Specification, Target};

/// The policy of a specification: the actions that are checked, on what they are checked on; those that are not, on what the
/// specification says.
pub fn least_privilege(specification: &Specification, plan: &Plan, place: &Place) -> PolicyDocument {
    let mut statements: Vec<Statement> = Vec::new();
    let specified = plan.checks.iter().filter(|check| {
        matches!(check.purpose, Purpose::Specified) && check.expect == Expect::Allowed && check.action() != CONTROL
    });
    for check in specified {
        let place = check.place(place);
        let resources = match &check.ask {
            Some(ask) if check.is_on_made_up_name() && !matches!(check.target, Target::Account | Target::Bucket(_)) => {
                of_kinds(&ask.resource, check.action(), &place)
            }
            _ => check.resources(&place),
        };
        let condition = check.ask.as_ref().and_then(|ask| ask.condition.clone());
        add(&mut statements, check.action(), resources, condition);
    }
    for left_out in plan.not_covered.iter().filter(|left_out| left_out.count > 0) {
        let allowing = specification.policy.statement.iter().filter(|statement| statement.effect == Effect::Allow);
        for statement in
            allowing.filter(|statement| statement.action.iter().any(|it| it.eq_ignore_ascii_case(&left_out.action)))
        {
            let resources = statement.resource.iter().flat_map(|it| of_kinds(it, &left_out.action, place)).collect();
            add(&mut statements, &left_out.action, resources, statement.condition.clone());
        }
    }
    add_needs(specification, place, &mut statements);
    let denying = specification.policy.statement.iter().filter(|statement| statement.effect == Effect::Deny).cloned();
    statements.extend(denying);
    PolicyDocument::new(statements)
}

/// Adds an action to the statement of its resources.
fn add(statements: &mut Vec<Statement>, action: &str, resources: Vec<String>, condition: Option<Value>) {
    let passes_role = action == PASS_ROLE && condition.is_none();
    // Without it, the role could be handed to any service.
    let condition = if passes_role {
        Some(json!({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}))
    } else {
        condition
    };
    let same = |known: &&mut Statement| known.resource == resources && known.condition == condition;
    match statements.iter_mut().find(same) {
        Some(known) if known.action.iter().any(|it| it == action) => {}
        Some(known) => known.action.push(action.to_owned()),
        None => statements.push(Statement { condition, ..Statement::allow(vec![action.to_owned()], resources) }),
    }
}

/// What the fields of the pipeline's own requests need besides.
fn add_needs(specification: &Specification, place: &Place, statements: &mut Vec<Statement>) {
    let Some(own) = &specification.own else { return };
    for (action, request) in &own.requests {
        let on: Vec<String> = statements
            .iter()
            .filter(|statement| statement.action.iter().any(|it| it == action))
            .flat_map(|statement| statement.resource.clone())
            .collect();
        for needed in form::take(action, request).needs {
            if needed.starts_with("kms:") {
                let key = request.get("SSEKMSKeyId").and_then(Value::as_str).filter(|key| key.starts_with("arn:"));
                let key = key.map_or_else(|| place.arn("kms", "key/*"), str::to_owned);
                let via = format!("s3.{}.{}", place.region, place.partition().dns_suffix);
                add(statements, needed, vec![key], Some(json!({"StringEquals": {"kms:ViaService": via}})));
            } else {
                add(statements, needed, on.clone(), None);
            }
        }
    }
}

/// A resource of a policy with the account in it; where it is everything, all that the action takes in this account and Region.
fn of_kinds(resource: &str, action: &str, place: &Place) -> Vec<String> {
    if resource == "*" {
        let kinds = catalogue::find(action).and_then(|action| action.kinds).unwrap_or_default();
        let written = kinds.iter().filter_map(|kind| {
            let parts: Vec<&str> = kind.splitn(4, ':').collect();
            let [service, region, account, named] = parts[..] else { return None };
            let named = named.replace("{}", "*");
            let region = if region.is_empty() { "" } else { place.region.as_str() };
            let account = if account.is_empty() { "" } else { place.account.as_deref().unwrap_or("*") };
            Some(format!("arn:{}:{service}:{region}:{account}:{named}", place.partition().name))
        });
        let written: Vec<_> = written.collect();
        // An action that takes no resource is allowed on all of them alone.
        return if written.is_empty() { vec![resource.to_owned()] } else { written };
    }
    let mut parts: Vec<&str> = resource.splitn(6, ':').collect();
    if let ([_, _, _, _, of, _], Some(own)) = (&mut parts[..], place.account.as_deref())
        && *of == "*"
    {
        *of = own;
    }
    vec![parts.join(":")]
}

/// Writes a policy. Each line ends with a line feed.
pub fn write(policy: &PolicyDocument, format: PolicyFormat) -> String {
    match format {
        PolicyFormat::Json => format!("{}\n", serde_json::to_string_pretty(policy).unwrap_or_default()),
        PolicyFormat::Sam => write_sam(policy),
        PolicyFormat::Terraform => write_terraform(policy),
    }
}

/// AWS SAM Developer Guide, `AWS::Serverless::Function`: `Policies`. A text of JSON is one of YAML, too.
fn write_sam(policy: &PolicyDocument) -> String {
    let mut lines = vec!["Policies:".to_owned(), "  - Version: '2012-10-17'".to_owned(), "    Statement:".to_owned()];
    for statement in &policy.statement {
        lines.push(format!("      - Effect: {}", effect(statement)));
        lines.extend(statement.sid.iter().map(|sid| format!("        Sid: {}", quote(sid))));
        for (name, values) in [("Action", &statement.action), ("Resource", &statement.resource)] {
            lines.push(format!("        {name}:"));
            lines.extend(values.iter().map(|value| format!("          - {}", quote(value))));
        }
        lines.extend(statement.condition.iter().map(|condition| format!("        Condition: {condition}")));
    }
    join(&lines)
}

/// Terraform's AWS provider, data source `aws_iam_policy_document`.
fn write_terraform(policy: &PolicyDocument) -> String {
    let list = |values: &[String]| values.iter().map(|value| hcl(value)).collect::<Vec<_>>().join(", ");
    let mut lines = vec!["data \"aws_iam_policy_document\" \"pipeline\" {".to_owned()];
    for statement in &policy.statement {
        lines.push("  statement {".to_owned());
        lines.extend(statement.sid.iter().map(|sid| format!("    sid       = {}", hcl(sid))));
        lines.push(format!("    effect    = {}", hcl(effect(statement))));
        lines.push(format!("    actions   = [{}]", list(&statement.action)));
        lines.push(format!("    resources = [{}]", list(&statement.resource)));
        for (test, keys) in statement.condition.iter().filter_map(Value::as_object).flatten() {
            for (variable, values) in keys.as_object().into_iter().flatten() {
                let values: Vec<String> = match values {
                    Value::Array(values) => values.iter().map(plain).collect(),
                    one => vec![plain(one)],
                };
                lines.push("    condition {".to_owned());
                lines.push(format!("      test     = {}", hcl(test)));
                lines.push(format!("      variable = {}", hcl(variable)));
                lines.push(format!("      values   = [{}]", list(&values)));
                lines.push("    }".to_owned());
            }
        }
        lines.push("  }".to_owned());
    }
    lines.push("}".to_owned());
    join(&lines)
}

/// Lines, each with its end.
fn join(lines: &[String]) -> String {
    format!("{}\n", lines.join("\n"))
}

const fn effect(statement: &Statement) -> &'static str {
    match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// A text of Terraform's language, in which `${` and `%{` would start a template.
fn hcl(text: &str) -> String {
    quote(text).replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{PROBES, specification};
    use crate::place::tests::place;
    use crate::plan::plan;

    fn policy() -> PolicyDocument {
        let specification = specification();
        least_privilege(&specification, &plan(&specification, PROBES), &place())
    }

    #[test]
    fn the_guides_policy_is_narrowed_to_this_account() {
        let policy = policy();
        let resources: Vec<&str> = policy.resources().collect();
        assert!(resources.contains(&"arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata"), "{resources:?}");
        assert!(resources.iter().all(|resource| *resource != "*"), "{resources:?}");
        assert!(
            policy.grants("s3:GetObject")
                && policy.grants("sagemaker:InvokeEndpoint")
                && !policy.grants("sts:GetCallerIdentity")
        );
    }

    #[test]
    fn everything_becomes_all_that_the_action_takes() {
        let all = |action: &str| of_kinds("*", action, &place());
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/*";
        assert!(all("dynamodb:Query").contains(&table.to_owned()), "{:?}", all("dynamodb:Query"));
        assert!(all("dynamodb:Query").contains(&format!("{table}/index/*")));
        assert!(all("s3:GetObject").contains(&"arn:aws:s3:::*/*".to_owned()), "{:?}", all("s3:GetObject"));
        assert_eq!(all("ecr:GetAuthorizationToken"), ["*"]);
    }

    #[test]
    fn a_policy_is_written_in_three_ways() {
        let policy = policy();
        let parsed = PolicyDocument::parse(&write(&policy, PolicyFormat::Json)).unwrap();
        assert_eq!(parsed, policy);
        let sam = write(&policy, PolicyFormat::Sam);
        assert!(sam.contains("      - Effect: Allow\n        Action:\n          - \"s3:GetObject\""), "{sam}");
        let terraform = write(&policy, PolicyFormat::Terraform);
        assert!(terraform.contains("    effect    = \"Allow\"\n    actions   = [\"s3:GetObject\""), "{terraform}");
        assert_eq!(hcl("${aws:username}"), "\"$${aws:username}\"");
        assert_eq!(
            ["json", "sam", "terraform", "cdk"].map(|name| PolicyFormat::parse(name).is_some()),
            [true, true, true, false]
        );
    }
}
