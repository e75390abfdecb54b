//! Whether the request of a check meets the condition of a statement.

use serde_json::{Map, Value};

use crate::form::take;
use crate::iam::actions::PASS_ROLE;
use crate::iam::policy::{Effect, Statement};
use crate::iam::resource;

/// How a request stands to a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meets {
    /// As the pipeline's own request does.
    Always,
    /// The same, if it lists under this prefix.
    WithPrefix(String),
    /// Not known, for these keys.
    Unknown(Vec<String>),
}

/// The keys that have the same value for the pipeline's request as for that of a check, which is signed by the same role,
/// for the same resource, in the same Region (IAM User Guide, "AWS global condition context keys").
const SAME_FOR_ALL: &[&str] = &[
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalType",
    "aws:PrincipalIsAWSService",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SecureTransport",
    "s3:ResourceAccount",
    "kms:CallerAccount",
];

/// Whether the request of an action meets the condition of a statement; `sent` are the pipeline's own fields.
pub(super) fn meets(statement: &Statement, action: &str, sent: Option<&Map<String, Value>>) -> Meets {
    let Some(Value::Object(operators)) = &statement.condition else { return Meets::Always };
    if statement.effect == Effect::Deny {
        // Whether it applies hangs on values that are AWS's to compare.
        let keys = operators.values().filter_map(Value::as_object).flatten().map(|(key, _)| key.clone());
        return Meets::Unknown(keys.collect());
    }
    let sent: Vec<String> = sent.map(|sent| take(action, sent).sent.into_keys().collect()).unwrap_or_default();
    let (mut unknown, mut prefix) = (Vec::new(), None);
    for (operator, keys) in operators {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = texts(values);
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            if SAME_FOR_ALL.iter().any(|known| is(known)) || sent.iter().any(|sent| is(sent)) {
                continue;
            }
            if action == PASS_ROLE && is("iam:PassedToService") && is_positive(operator) {
                if values.iter().any(|service| resource::matches(service, "sagemaker.amazonaws.com")) {
                    continue;
                }
            } else if action == "s3:ListBucket" && is("s3:prefix") && is_positive(operator) {
                let start = values.iter().map(|value| value.split(['*', '?']).next().unwrap_or_default());
                prefix = prefix.or_else(|| start.max_by_key(|start| start.len()).map(str::to_owned));
                continue;
            }
            if !unknown.contains(key) {
                unknown.push(key.clone());
            }
        }
    }
    match (unknown.is_empty(), prefix) {
        (false, _) => Meets::Unknown(unknown),
        (true, Some(prefix)) => Meets::WithPrefix(prefix),
        (true, None) => Meets::Always,
    }
}

/// Whether an operator asks for one of its values.
fn is_positive(operator: &str) -> bool {
    let operator = operator.rsplit(':').next().unwrap_or_default();
    matches!(
        operator.trim_end_matches("IfExists"),
        "StringEquals" | "StringLike" | "StringEqualsIgnoreCase" | "ArnLike" | "ArnEquals"
    )
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(condition: Value, action: &str) -> Meets {
        let statement =
            Statement { condition: Some(condition), ..Statement::allow(vec![action.to_owned()], vec!["*".to_owned()]) };
        meets(&statement, action, None)
    }

    #[test]
    fn a_condition_that_the_request_cannot_be_held_to_is_named() {
        let unknown = |key: &str| Meets::Unknown(vec![key.to_owned()]);
        for (condition, action, expected) in [
            (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), "s3:GetObject", unknown("aws:SourceIp")),
            (json!({"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}}), "s3:GetObject", Meets::Always),
            (json!({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}), PASS_ROLE, Meets::Always),
            (
                json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
                PASS_ROLE,
                unknown("iam:PassedToService"),
            ),
            (json!({"StringLike": {"s3:prefix": ["in/*", ""]}}), "s3:ListBucket", Meets::WithPrefix("in/".to_owned())),
            (json!({"StringNotLike": {"s3:prefix": "in/*"}}), "s3:ListBucket", unknown("s3:prefix")),
            (
                json!({"StringEquals": {"cloudwatch:namespace": "ML"}}),
                "cloudwatch:PutMetricData",
                unknown("cloudwatch:namespace"),
            ),
        ] {
            assert_eq!(of(condition.clone(), action), expected, "{condition}");
        }
    }
}
