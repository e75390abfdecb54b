//! What is to be checked: a policy, and the resources that its actions are tried on.

use std::sync::Arc;

use std::collections::BTreeMap;

use crate::iam::policy::PolicyDocument;
use crate::iam::resource::MADE_UP;
use crate::problem::Problem;

/// What is to be checked, and under which role.
#[derive(Clone, Debug, PartialEq)]
pub struct Specification {
    /// The policy whose actions are tried.
    pub policy: PolicyDocument,
    pub buckets: Vec<Arc<Bucket>>,
    pub tables: Vec<Arc<Table>>,
    pub endpoint: Arc<Endpoint>,
    pub training_job: Arc<TrainingJob>,
    /// The role that the pipeline hands to SageMaker.
    pub passed_role: Option<Arc<Role>>,
    /// The role to check in place of the caller's own.
    pub assumed_role: Option<Arc<Role>>,
    /// The log stream that the caller writes to.
    pub log_stream: Arc<LogStream>,
    /// The action that must be denied.
    pub deny_control: Option<String>,
    pub expected: Expected,
    /// What a specification of the user's own adds; `None` for the guide's policy.
    pub own: Option<Arc<Own>>,
    /// Whether what is allowed and must not be fails the check; `None` without `PROBE_STRICT`.
    pub strict: Option<bool>,
}

/// What a specification of the user's own says beyond its policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    /// What the pipeline's own requests look like, by action: fields in AWS's own names.
    pub requests: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
    /// The things that exist, by their ARN.
    pub resources: Vec<Arc<Known>>,
    /// The pipeline's functions.
    pub functions: Vec<Arc<Function>>,
    /// The Region that the function runs in, where its environment says it.
    pub region: Option<String>,
}

/// Something that exists, and what is to be known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub arn: String,
    /// The key of a table.
    pub key: Option<TableKey>,
    /// Where a bucket is.
    pub region: Option<String>,
    /// The image that SageMaker pulls under a role.
    pub image: Option<String>,
    /// Where the model's artifact is that SageMaker reads under a role: `s3://bucket/key`.
    pub model_data: Option<String>,
}

/// A function of the pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its name, or its ARN.
    pub name: String,
    /// The name of the role that it should run under.
    pub role: String,
}

/// Something that a form of a request is filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The action that it is tried with.
    pub action: &'static str,
    /// The policy's own resource.
    pub pattern: String,
    /// The names for the holes of the form's ARN; [`MADE_UP`] stands for what a run makes up.
    pub names: Vec<(&'static str, String)>,
    /// The longest name that AWS takes, in characters.
    pub longest_name: usize,
    /// Whether the specification says that it exists.
    pub is_known: bool,
    /// The pipeline's own request.
    pub request: Option<Arc<serde_json::Map<String, serde_json::Value>>>,
}

impl Resource {
    /// Whether a part of its name is made up.
    pub fn is_made_up(&self) -> bool {
        self.names.iter().any(|(_, name)| name.contains(MADE_UP))
    }

    /// The name for a hole.
    pub fn name(&self, hole: &str) -> Option<&str> {
        self.names.iter().find(|(known, _)| *known == hole).map(|(_, name)| name.as_str())
    }
}

/// Where the check is meant to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The name of the role that the calls should come from.
    pub role: String,
    /// The partition and the account of that role, where they are known.
    pub account: Option<(String, String)>,
    /// The Region that the policy's ARNs name.
    pub region: Option<String>,
}

/// A bucket, and where in it the pipeline works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    /// What the keys of the pipeline's objects start with; empty for the whole bucket.
    pub prefix: String,
    /// What those keys end with, where the policy asks for it.
    pub suffix: String,
    /// Whether the prefix is the whole key of the one object that the policy names.
    pub one_object: bool,
    /// The key of an object that exists.
    pub object_key: Option<String>,
}

impl Bucket {
    /// A key of the pipeline's with this name in it; the key of the one object, where the policy names no other.
    pub fn key_with(&self, name: &str) -> String {
        if self.one_object {
            return self.prefix.clone();
        }
        format!("{}{name}{}", self.prefix, self.suffix)
    }

    /// The object that exists, where the pipeline's writes go as well.
    pub fn object_under_prefix(&self) -> Option<&str> {
        self.object_key.as_deref().filter(|key| key.starts_with(&self.prefix))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// The index that is asked in place of the table.
    pub index: Option<String>,
    /// The key of the table, where it is known.
    pub key: Option<TableKey>,
}

/// The partition key of a table that has no sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableKey {
    pub name: String,
    pub kind: KeyType,
}

/// The types that a key can have (DynamoDB API Reference, `AttributeDefinition`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    String,
    Number,
    Binary,
}

impl TableKey {
    /// Reads `NAME:TYPE`. The name of a key has 1 to 255 bytes (DynamoDB Developer Guide, "Naming rules").
    pub fn parse(value: &str) -> Option<Self> {
        let (name, kind) = value.rsplit_once(':')?;
        let kind = match kind {
            "S" => KeyType::String,
            "N" => KeyType::Number,
            "B" => KeyType::Binary,
            _ => return None,
        };
        let valid = (1..=255).contains(&name.len()) && !name.chars().any(char::is_control);
        valid.then(|| Self { name: name.to_owned(), kind })
    }
}

/// A SageMaker endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The name of one that exists, where one is known.
    pub name: Option<String>,
}

/// A SageMaker training job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainingJob {
    /// The name of one that exists, where one is known.
    pub name: Option<String>,
}

/// A role, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub arn: String,
}

impl Role {
    pub fn new(arn: impl Into<String>) -> Self {
        Self { arn: arn.into() }
    }

    /// The name without its path, as a session's ARN has it.
    pub fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }

    pub fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or_default()
    }

    /// What is wrong where this role is handed to SageMaker by a caller of another
    /// account: AWS lets no principal pass a role across accounts (IAM User Guide,
    /// "Grant a user permissions to pass a role to an AWS service"). `name` is the setting that named the role.
    pub fn problem_of_account(&self, account: &str, name: &str) -> Option<Problem> {
        (self.account() != account).then(|| {
            let expected = format!(
                "the ARN of a role of the account {account}, which is the caller's: SageMaker takes no role of another account"
            );
            Problem::new(name, Some(self.arn.as_str().into()), expected)
        })
    }
}

/// The log stream that the caller writes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStream {
    pub group: Option<String>,
    pub stream: Option<String>,
}

/// What an action is tried on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Account,
    Bucket(Arc<Bucket>),
    Table(Arc<Table>),
    Endpoint(Arc<Endpoint>),
    TrainingJob(Arc<TrainingJob>),
    Role(Arc<Role>),
    LogStream(Arc<LogStream>),
    /// Of a kind that no other variant is for.
    Resource(Arc<Resource>),
}

impl Target {
    /// The same with the names that a run has made up.
    pub fn with_names(self, absent: &str, short: &str) -> Self {
        let fill = |name: &str| name.replace(MADE_UP, absent);
        let fill_within = |longest: usize, name: &str| {
            let whole = fill(name);
            if whole.len() > longest { name.replace(MADE_UP, short) } else { whole }
        };
        match self {
            Self::Table(table)
                if table.name.contains(MADE_UP) || table.index.as_ref().is_some_and(|it| it.contains(MADE_UP)) =>
            {
                let index = table.index.as_deref().map(fill);
                Self::Table(Arc::new(Table { name: fill(&table.name), index, ..(*table).clone() }))
            }
            Self::Resource(resource) if resource.is_made_up() => {
                let names = resource
                    .names
                    .iter()
                    .map(|(hole, name)| (*hole, fill_within(resource.longest_name, name)))
                    .collect();
                Self::Resource(Arc::new(Resource { names, ..(*resource).clone() }))
            }
            other => other,
        }
    }

    /// The name of the resource, in its service; nothing, where there is only one.
    pub fn name(&self) -> &str {
        match self {
            Self::Account => "",
            Self::Bucket(bucket) => &bucket.name,
            Self::Table(table) => &table.name,
            Self::Endpoint(endpoint) => endpoint.name.as_deref().unwrap_or_default(),
            Self::TrainingJob(job) => job.name.as_deref().unwrap_or_default(),
            Self::Role(role) => &role.arn,
            Self::LogStream(log) => log.group.as_deref().unwrap_or_default(),
            Self::Resource(resource) => &resource.pattern,
        }
    }
}

/// The guide's policy, as the guide writes it.
pub const GUIDE_POLICY: &str = include_str!("guide.json");

/// The name of the guide's table.
pub const GUIDE_TABLE: &str = "ModelMetadata";

/// The name that stands for the reader's bucket in the guide's policy.
const GUIDE_BUCKET: &str = "your-bucket-name";

/// The guide's policy, for this bucket and this table.
pub fn guide_policy(bucket: &str, table: &str) -> PolicyDocument {
    let mut policy = PolicyDocument::parse(GUIDE_POLICY).expect("the guide's policy is one, as a test asserts");
    for resource in policy.statement.iter_mut().flat_map(|statement| &mut statement.resource) {
        *resource = resource.replace(GUIDE_BUCKET, bucket).replace(GUIDE_TABLE, table);
    }
    policy
}

impl Specification {
    /// What a policy asks for: its actions, on the buckets and tables that its statements name. A pattern names none.
    pub fn of_policy(policy: PolicyDocument) -> Self {
        let (mut buckets, mut tables): (Vec<Arc<Bucket>>, Vec<Arc<Table>>) = (Vec::new(), Vec::new());
        for resource in policy.resources() {
            // arn:partition:service:region:account:resource
            let parts: Vec<&str> = resource.splitn(6, ':').collect();
            let ["arn", _, service, region, _, named] = parts[..] else { continue };
            let name = match (service, region) {
                // What has a Region is an access point, or the like.
                ("s3", "") => named.split('/').next(),
                ("dynamodb", _) => named.strip_prefix("table/").and_then(|rest| rest.split('/').next()),
                _ => None,
            };
            let Some(name) = name.filter(|name| !name.contains(['*', '?', '$'])).map(str::to_owned) else { continue };
            if service == "s3" && !buckets.iter().any(|known| known.name == name) {
                buckets.push(Arc::new(Bucket { name, ..Bucket::default() }));
            } else if service == "dynamodb" && !tables.iter().any(|known| known.name == name) {
                tables.push(Arc::new(Table { name, ..Table::default() }));
            }
        }
        Self {
            policy,
            buckets,
            tables,
            endpoint: Arc::default(),
            training_job: Arc::default(),
            passed_role: None,
            assumed_role: None,
            log_stream: Arc::default(),
            deny_control: None,
            expected: Expected::default(),
            own: None,
            strict: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_guide_names_one_bucket_and_one_table() {
        let specification = Specification::of_policy(guide_policy("my.bucket", "Models"));
        let buckets: Vec<_> = specification.buckets.iter().map(|bucket| bucket.name.as_str()).collect();
        let tables: Vec<_> = specification.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!((buckets, tables), (vec!["my.bucket"], vec!["Models"]));
        assert!(specification.policy.grants("dynamodb:Query") && !specification.policy.grants("iam:PassRole"));
    }

    #[test]
    fn every_bucket_and_every_table_of_a_policy_is_one_resource() {
        let policy = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::one", "arn:aws:s3:::one/*", "arn:aws:s3:::two/in/*"]},
            {"Effect": "Allow", "Action": "dynamodb:*", "Resource": [
                "arn:aws:dynamodb:us-east-1:*:table/A", "arn:aws:dynamodb:us-east-1:*:table/A/index/*",
                "arn:aws:dynamodb:us-east-1:*:table/B", "*"]},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::three"}
        ]}"#;
        let specification = Specification::of_policy(PolicyDocument::parse(policy).unwrap());
        let buckets: Vec<_> = specification.buckets.iter().map(|bucket| bucket.name.as_str()).collect();
        let tables: Vec<_> = specification.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!((buckets, tables), (vec!["one", "two"], vec!["A", "B"]));
    }

    #[test]
    fn a_pattern_or_another_kind_of_resource_names_no_bucket_and_no_table() {
        let policy = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": [
                "*", "arn:aws:s3:::*", "arn:aws:s3:::data-?", "arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::data*/x",
                "arn:aws:s3:us-east-1:123456789012:accesspoint/a", "not-an-arn:aws:s3:::x"]},
            {"Effect": "Allow", "Action": "dynamodb:*", "Resource": [
                "arn:aws:dynamodb:us-east-1:*:table/*", "arn:aws:dynamodb:us-east-1:*:global-table/G", "arn:aws:dynamodb:*"]},
            {"Effect": "Allow", "Action": "logs:*", "Resource": "arn:aws:logs:us-east-1:*:table/L"}
        ]}"#;
        let specification = Specification::of_policy(PolicyDocument::parse(policy).unwrap());
        assert_eq!((specification.buckets.len(), specification.tables.len()), (0, 0), "{specification:?}");
    }

    #[test]
    fn a_key_of_a_table_has_a_name_and_a_type() {
        let key = |name: &str, kind| Some(TableKey { name: name.to_owned(), kind });
        for (value, expected) in [
            ("modelId:S", key("modelId", KeyType::String)),
            ("a:b:N", key("a:b", KeyType::Number)),
            ("é:B", key("é", KeyType::Binary)),
            ("modelId", None),
            (":S", None),
            ("modelId:", None),
            ("modelId:s", None),
            ("a\n:S", None),
        ] {
            assert_eq!(TableKey::parse(value), expected, "{value}");
        }
        assert!(TableKey::parse(&format!("{}:S", "x".repeat(255))).is_some());
        assert!(TableKey::parse(&format!("{}:S", "x".repeat(256))).is_none());
    }

    #[test]
    fn a_role_is_known_by_its_arn() {
        let role = Role::new("arn:aws-cn:iam::123456789012:role/service-role/r");
        assert_eq!((role.partition(), role.account(), role.name()), ("aws-cn", "123456789012", "r"));
        assert_eq!(role.problem_of_account("123456789012", "ROLE"), None);
        let problem = role.problem_of_account("210987654321", "ROLE").unwrap();
        assert!(problem.expected.raw().contains("a role of the account 210987654321"), "{problem:?}");
        assert_eq!((problem.name.raw(), problem.value.unwrap().raw()), ("ROLE", role.arn.as_str()));
    }

    #[test]
    fn an_object_counts_for_writes_where_it_is_under_the_prefix() {
        let bucket = |prefix: &str, key: &str| Bucket {
            prefix: prefix.to_owned(),
            object_key: Some(key.to_owned()),
            ..Bucket::default()
        };
        assert_eq!(bucket("in/", "in/a").object_under_prefix(), Some("in/a"));
        assert_eq!(bucket("", "a").object_under_prefix(), Some("a"));
        assert_eq!(bucket("out/", "in/a").object_under_prefix(), None);
    }
}
