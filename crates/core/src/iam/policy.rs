//! A policy document: read from JSON, and written to be pasted (IAM User Guide,
//! "IAM JSON policy elements reference").

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::iam::wildcard;

/// A policy, of a role or of a resource.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PolicyDocument {
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(deserialize_with = "one_or_many")]
    pub statement: Vec<Statement>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    pub effect: Effect,
    /// Who is trusted, in a role's trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Trusted>,
    #[serde(deserialize_with = "one_or_many")]
    pub action: Vec<String>,
    /// A trust policy has none.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub enum Effect {
    #[default]
    Allow,
    Deny,
}

/// Who is trusted: a principal of AWS, by its ARN, or a service.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum Trusted {
    #[serde(rename = "AWS")]
    Aws(String),
    Service(String),
}

impl PolicyDocument {
    /// A policy of these statements, in the one version of the policy language that is not outdated.
    pub fn new(statement: Vec<Statement>) -> Self {
        Self { version: "2012-10-17".to_owned(), id: None, statement }
    }

    /// Reads a policy document.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// Whether a statement allows the action on any resource. A statement that denies it is not looked at:
    /// whether it applies, AWS alone can tell.
    pub fn grants(&self, action: &str) -> bool {
        let allowing = self.statement.iter().filter(|statement| statement.effect == Effect::Allow);
        allowing.flat_map(|statement| &statement.action).any(|pattern| wildcard::matches(pattern, action))
    }

    /// Whether the statements that allow the action name a Region in each of their resources, so that it is allowed
    /// nowhere else.
    pub fn names_region_of(&self, action: &str) -> bool {
        let allows = |statement: &&Statement| {
            let of_action = statement.action.iter().any(|pattern| wildcard::matches(pattern, action));
            statement.effect == Effect::Allow && of_action
        };
        // arn:partition:service:region:account:resource
        let names_region =
            |resource: &String| resource.split(':').nth(3).is_some_and(|region| !region.is_empty() && region != "*");
        let mut resources = self.statement.iter().filter(allows).flat_map(|statement| &statement.resource).peekable();
        resources.peek().is_some() && resources.all(names_region)
    }

    /// The resources of the statements that allow anything.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        let allowing = self.statement.iter().filter(|statement| statement.effect == Effect::Allow);
        allowing.flat_map(|statement| statement.resource.iter().map(String::as_str))
    }

    /// The policy on one line, as a command takes it.
    pub fn to_json(&self) -> String {
        // Nothing in it has keys that are not strings, the one thing that can fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Statement {
    /// Allows actions on resources.
    pub fn allow(action: Vec<String>, resource: Vec<String>) -> Self {
        Self { action, resource, ..Self::default() }
    }

    /// Lets a principal assume a role, in the role's trust policy.
    pub fn trust(principal: Trusted) -> Self {
        Self { principal: Some(principal), action: vec!["sts:AssumeRole".to_owned()], ..Self::default() }
    }
}

/// IAM takes one value in place of a list of one.
fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let values = if let Value::Array(values) = value { values } else { vec![value] };
    values.into_iter().map(|value| T::deserialize(value).map_err(de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_a_list_of_one() {
        let one =
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}"#;
        let policy = PolicyDocument::parse(one).unwrap();
        let statement = Statement::allow(vec!["s3:Get*".to_owned()], vec!["*".to_owned()]);
        assert_eq!(policy, PolicyDocument::new(vec![statement]));
        assert!(policy.grants("s3:GetObject") && !policy.grants("s3:PutObject"));
        assert_eq!(policy.resources().collect::<Vec<_>>(), ["*"]);
    }

    #[test]
    fn an_action_is_of_a_region_where_all_its_resources_name_one() {
        let of = |action: &str, resources: &[&str]| {
            let resources = resources.iter().map(|resource| (*resource).to_owned()).collect();
            PolicyDocument::new(vec![Statement::allow(vec!["dynamodb:*".to_owned()], resources)])
                .names_region_of(action)
        };
        let (here, everywhere) = ("arn:aws:dynamodb:us-east-1:*:table/t", "arn:aws:dynamodb:*:*:table/t");
        assert!(of("dynamodb:Scan", &[here]));
        assert!(!of("s3:GetObject", &[here]), "it is not allowed at all");
        for resources in [&["*"][..], &[everywhere], &[here, "*"], &["arn:aws:s3:::b"], &[]] {
            assert!(!of("dynamodb:Scan", resources), "{resources:?}");
        }
        let mut denies = PolicyDocument::new(vec![Statement::allow(vec!["s3:*".to_owned()], vec![here.to_owned()])]);
        denies.statement[0].effect = Effect::Deny;
        assert!(!denies.names_region_of("s3:GetObject"));
    }

    #[test]
    fn a_deny_grants_nothing() {
        let deny = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "No", "Effect": "Deny", "Action": ["s3:*"], "Resource": "r"}]}"#;
        let policy = PolicyDocument::parse(deny).unwrap();
        assert!(!policy.grants("s3:GetObject"));
        assert_eq!(policy.resources().count(), 0);
        assert_eq!(policy.statement[0].sid.as_deref(), Some("No"));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let statements = vec![
            Statement {
                condition: Some(
                    serde_json::json!({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}),
                ),
                ..Statement::allow(vec!["iam:PassRole".to_owned()], vec!["arn:aws:iam::1:role/r".to_owned()])
            },
            Statement::trust(Trusted::Service("sagemaker.amazonaws.com".to_owned())),
            Statement::trust(Trusted::Aws("arn:aws:iam::1:role/r".to_owned())),
        ];
        let policy = PolicyDocument::new(statements);
        assert_eq!(PolicyDocument::parse(&policy.to_json()).unwrap(), policy);
        assert!(policy.to_json().contains(
            r#"{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":["sts:AssumeRole"]}"#
        ));
    }

    #[test]
    fn what_is_no_policy_is_an_error_that_says_why() {
        for (json, said) in [
            ("[]", "invalid"),
            (r#"{"Version": "2012-10-17"}"#, "Statement"),
            (r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": "*"}]}"#, "Maybe"),
            (r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}"#, "Action"),
            (r#"{"Version": "2012-10-17", "Statement": [], "Sttement": []}"#, "Sttement"),
            (
                r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Ressource": "*"}]}"#,
                "Ressource",
            ),
            (r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [1]}]}"#, "expected a string"),
            (r#"{"Version": "2012-10-17", "Statement": ["#, "line 1 column"),
            ("", "EOF"),
        ] {
            let error = PolicyDocument::parse(json).unwrap_err();
            assert!(error.contains(said), "{json}: {error}");
        }
    }
}
