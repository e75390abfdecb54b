//! Variables of an environment, and the specification that they make.
//!
//! Every problem is found and named in one go, so that nobody has to deploy
//! five times to learn of five typos.

use std::sync::Arc;

use crate::document;
use crate::iam::names::{is_bucket, is_key, is_region, is_role_arn, is_role_name, is_sagemaker_name, is_table};
use crate::problem::Problem;
use crate::specification::guide_policy;
use crate::specification::{
    Bucket, Endpoint, Expected, Known, LogStream, Own, Role, Specification, Table, TableKey, TrainingJob,
};
use crate::text::Text;

/// A variable: its name, its default, what it takes and what it is for
/// (docs/reference/configuration.md has a table of them).
#[derive(Debug)]
pub struct Variable {
    pub name: &'static str,
    pub required: bool,
    pub default: Option<&'static str>,
    pub expected: &'static str,
    pub meaning: &'static str,
    pub valid: fn(&str) -> bool,
}

/// An environment that is being read.
pub struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<Result<String, String>>,
    pub problems: Vec<Problem>,
}

impl<'a> Environment<'a> {
    /// `lookup` returns `None` for a variable that is not set, and an error for one that is not Unicode.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<Result<String, String>>) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// The value of a variable, or its default; what is wrong with it is kept as a problem.
    ///
    /// An empty variable counts as one that is not set, since a template cannot
    /// leave a variable out.
    pub fn read(&mut self, variable: &Variable) -> Option<String> {
        let found = (self.lookup)(variable.name).filter(|found| found.as_ref().map_or(true, |value| !value.is_empty()));
        let valid = match &found {
            Some(Ok(value)) => (variable.valid)(value),
            Some(Err(_)) => false,
            None => !variable.required,
        };
        if valid {
            return found.and_then(Result::ok).or(variable.default.map(str::to_owned));
        }
        let value = found.map(|found| Text::new(found.unwrap_or_else(|lossy| lossy)));
        self.problems.push(Problem::new(variable.name, value, variable.expected));
        None
    }

    /// The value of a variable that is set, whatever it is.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name)?.ok().filter(|value| !value.is_empty())
    }
}

macro_rules! variables {
    ($($constant:ident)*) => {
        /// The variables that say what is to be checked.
        pub const SPECIFICATION: &[&Variable] = &[$(&$constant),*];
    };
}

variables! {
    BUCKET TABLE TABLE_KEY PREFIX OBJECT_KEY ENDPOINT_NAME TRAINING_JOB_NAME SAGEMAKER_ROLE_ARN ASSUME_ROLE_ARN EXPECTED_ROLE
    EXPECTED_REGION DENY_CONTROL STRICT OWN_SPECIFICATION
}

pub const BUCKET: Variable = Variable {
    name: "PROBE_BUCKET",
    required: true,
    default: None,
    expected: "the name of an S3 bucket: 3 to 63 lower-case letters, digits, dots and hyphens, by S3's naming rules",
    meaning: "the bucket that the policy names (required)",
    valid: is_bucket,
};

pub const TABLE: Variable = Variable {
    name: "PROBE_TABLE",
    required: false,
    default: Some("ModelMetadata"),
    expected: "the name of a DynamoDB table: 3 to 255 letters, digits, '_', '-' and '.'",
    meaning: "the table that the policy names",
    valid: is_table,
};

pub const TABLE_KEY: Variable = Variable {
    name: "PROBE_TABLE_KEY",
    required: false,
    default: None,
    expected: "the name of the table's partition key, a colon and its type, S, N or B, such as modelId:S; at most 255 bytes, no \
               control characters",
    meaning: "the key of the table, if it is one attribute: with it, the answers to GetItem, PutItem, UpdateItem and Query are \
              documented proofs",
    valid: |v| TableKey::parse(v).is_some(),
};

pub const PREFIX: Variable = Variable {
    name: "PROBE_PREFIX",
    required: false,
    default: None,
    expected: "a prefix of object keys: at most 900 bytes, no control characters",
    meaning: "where in the bucket the pipeline works, such as `training/`; unset: the whole bucket",
    valid: |v| is_key(v) && v.len() <= 900,
};

pub const OBJECT_KEY: Variable = Variable {
    name: "PROBE_OBJECT_KEY",
    required: false,
    default: None,
    expected: "the key of an object: at most 1024 bytes, no control characters",
    meaning: "an object that exists, for `s3:GetObject`, and, where it is under `PROBE_PREFIX`, for `s3:PutObject`, which cannot \
              overwrite it; unset: the first object that the function can list, and a new key",
    valid: is_key,
};

pub const ENDPOINT_NAME: Variable = Variable {
    name: "PROBE_ENDPOINT_NAME",
    required: false,
    default: None,
    expected: "the name of a SageMaker endpoint: 1 to 63 letters, digits and hyphens, no hyphen first or last",
    meaning: "a single-model endpoint that exists, for `sagemaker:InvokeEndpoint`; unset: the name of one that does not",
    valid: is_sagemaker_name,
};

pub const TRAINING_JOB_NAME: Variable = Variable {
    name: "PROBE_TRAINING_JOB_NAME",
    required: false,
    default: None,
    expected: "the name of a SageMaker training job: 1 to 63 letters, digits and hyphens, no hyphen first or last",
    meaning: "a training job that exists, for `sagemaker:DescribeTrainingJob`; unset: the name of one that does not",
    valid: is_sagemaker_name,
};

pub const SAGEMAKER_ROLE_ARN: Variable = Variable {
    name: "PROBE_SAGEMAKER_ROLE_ARN",
    required: false,
    default: None,
    expected: "the ARN of an IAM role, such as arn:aws:iam::ACCOUNT:role/sagemaker-ml-pipeline-role with the account's twelve digits",
    meaning: "the role that the pipeline hands to SageMaker; when set, `iam:PassRole` on it is probed too",
    valid: is_role_arn,
};

pub const ASSUME_ROLE_ARN: Variable = Variable {
    name: "PROBE_ASSUME_ROLE_ARN",
    required: false,
    default: None,
    expected: "the ARN of an IAM role, such as arn:aws:iam::ACCOUNT:role/sagemaker-ml-pipeline-role with the account's twelve digits",
    meaning: "a role to check in place of the function's own, which has to be allowed to assume it; `sts:AssumeRole` on it is \
              probed too",
    valid: is_role_arn,
};

pub const EXPECTED_ROLE: Variable = Variable {
    name: "PROBE_EXPECTED_ROLE",
    required: false,
    default: Some("lambda-ml-pipeline-role"),
    expected: "the name of an IAM role, 1 to 64 letters, digits and any of _+=,.@-, or its ARN",
    meaning: "the role that the function should run under, by name or ARN; another one is named in the advice",
    valid: |v| is_role_name(v) || is_role_arn(v),
};

pub const EXPECTED_REGION: Variable = Variable {
    name: "PROBE_EXPECTED_REGION",
    required: false,
    default: None,
    expected: "the code of an AWS Region, such as us-east-1",
    meaning: "the Region that the policy's ARNs name; another one is named in the advice",
    valid: is_region,
};

pub const DENY_CONTROL: Variable = Variable {
    name: "PROBE_DENY_CONTROL",
    required: false,
    default: None,
    expected: "one of dynamodb:ListTables, logs:DescribeLogGroups, s3:ListAllMyBuckets",
    meaning: "an action that the role must not have: it is tried as well; if it is allowed, something may be allowing \
              every request, so that no \"allowed\" of the run is believed",
    valid: |v| DENY_CONTROLS.contains(&v),
};

pub const OWN_SPECIFICATION: Variable = Variable {
    name: "PROBE_SPECIFICATION",
    required: false,
    default: None,
    expected: "a JSON document that starts with {, or the path of a file that has one",
    meaning: "what is checked in place of the guide's policy: policies of your own, the pipeline's requests, what exists, and the \
              pipeline's functions; `PROBE_BUCKET` is not required with it",
    valid: |_| true,
};

pub const STRICT: Variable = Variable {
    name: "PROBE_STRICT",
    required: false,
    default: None,
    expected: "true or false",
    meaning: "whether an action fails the check that is allowed, and must not be; when set at all, or with `PROBE_SPECIFICATION`, a table \
              outside of the policy is tried too, which must be denied",
    valid: |v| v == "true" || v == "false",
};

/// The actions that can be named as the one that must be denied.
const DENY_CONTROLS: &[&str] = &["dynamodb:ListTables", "logs:DescribeLogGroups", "s3:ListAllMyBuckets"];

/// Reads what is to be checked: the guide's policy, on what the variables name; or a specification of the user's own.
/// `load` reads the file of one.
pub fn read_specification(
    environment: &mut Environment<'_>,
    load: &dyn Fn(&str) -> Result<String, String>,
) -> Specification {
    let is_own = environment.get(OWN_SPECIFICATION.name).is_some();
    let bucket = environment.read(if is_own { &OPTIONAL_BUCKET } else { &BUCKET }).unwrap_or_default();
    let table = environment.read(&TABLE).unwrap_or_default();
    let key = environment.read(&TABLE_KEY).as_deref().and_then(TableKey::parse);
    let prefix = environment.read(&PREFIX).unwrap_or_default();
    let object_key = environment.read(&OBJECT_KEY);
    let endpoint = Endpoint { name: environment.read(&ENDPOINT_NAME) };
    let training_job = TrainingJob { name: environment.read(&TRAINING_JOB_NAME) };
    let passed_role = environment.read(&SAGEMAKER_ROLE_ARN).map(Role::new);
    let assumed_role = environment.read(&ASSUME_ROLE_ARN).map(Role::new);
    let expected_role = environment.read(&EXPECTED_ROLE).unwrap_or_default();
    let expected_arn = Some(Role::new(expected_role.as_str())).filter(|role| is_role_arn(&role.arn));
    let specification = Specification {
        policy: guide_policy(&bucket, &table),
        buckets: vec![Arc::new(Bucket { name: bucket, prefix, object_key, ..Bucket::default() })],
        tables: vec![Arc::new(Table { name: table, key, ..Table::default() })],
        endpoint: Arc::new(endpoint),
        training_job: Arc::new(training_job),
        passed_role: passed_role.map(Arc::new),
        assumed_role: assumed_role.map(Arc::new),
        log_stream: Arc::new(LogStream {
            group: environment.get("AWS_LAMBDA_LOG_GROUP_NAME"),
            stream: environment.get("AWS_LAMBDA_LOG_STREAM_NAME"),
        }),
        expected: Expected {
            // A session's ARN has the role's name and not its path.
            role: Role::new(expected_role.as_str()).name().to_owned(),
            account: expected_arn.map(|role| (role.partition().to_owned(), role.account().to_owned())),
            region: environment.read(&EXPECTED_REGION),
        },
        deny_control: environment.read(&DENY_CONTROL),
        own: None,
        strict: environment.read(&STRICT).map(|strict| strict == "true"),
    };
    let document = environment.read(&OWN_SPECIFICATION);
    let specification = match document {
        Some(document) => with_document(specification, &document, environment, load),
        None => specification,
    };
    let roles = specification.assumed_role.as_ref().zip(specification.passed_role.as_ref());
    let problem =
        roles.and_then(|(assumed, passed)| passed.problem_of_account(assumed.account(), SAGEMAKER_ROLE_ARN.name));
    environment.problems.extend(problem);
    specification
}

/// The bucket, where a specification says what is checked.
const OPTIONAL_BUCKET: Variable = Variable { required: false, ..BUCKET };

/// The specification with what a document of the user's own says.
fn with_document(
    specification: Specification,
    given: &str,
    environment: &mut Environment<'_>,
    load: &dyn Fn(&str) -> Result<String, String>,
) -> Specification {
    let name = OWN_SPECIFICATION.name;
    let is_json = given.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']);
    let json = if is_json { Ok(given.to_owned()) } else { load(given) };
    let document = match json {
        Ok(json) => document::read(&json, name, &specification.expected.role),
        Err(why) => Err(vec![Problem::new(name, Some(given.into()), format!("{}; {why}", OWN_SPECIFICATION.expected))]),
    };
    let document = match document {
        Ok(document) => document,
        Err(problems) => {
            environment.problems.extend(problems);
            return specification;
        }
    };
    let known_by_variables = known_by_variables(&specification);
    let policy = document.policy.unwrap_or_else(|| specification.policy.clone());
    let resources = document.resources.into_iter().chain(known_by_variables).collect();
    let region = environment.get("AWS_REGION");
    let own = Own { requests: document.requests, resources, functions: document.functions, region };
    let of_policy = Specification::of_policy(policy.clone());
    Specification {
        policy,
        buckets: of_policy.buckets,
        tables: of_policy.tables,
        own: Some(Arc::new(own)),
        ..specification
    }
}

/// What the variables say that exists.
fn known_by_variables(specification: &Specification) -> Vec<Arc<Known>> {
    let mut known = Vec::new();
    let mut add = |arn: String, key: Option<TableKey>| known.push(Arc::new(Known { arn, key, ..Known::default() }));
    for bucket in specification.buckets.iter().filter(|bucket| !bucket.name.is_empty()) {
        if let Some(key) = &bucket.object_key {
            add(format!("arn:aws:s3:::{}/{key}", bucket.name), None);
        }
    }
    for table in specification.tables.iter().filter(|table| table.key.is_some()) {
        add(format!("arn:aws:dynamodb:*:*:table/{}", table.name), table.key.clone());
    }
    if let Some(endpoint) = &specification.endpoint.name {
        add(format!("arn:aws:sagemaker:*:*:endpoint/{endpoint}"), None);
    }
    if let Some(job) = &specification.training_job.name {
        add(format!("arn:aws:sagemaker:*:*:training-job/{job}"), None);
    }
    if let Some(role) = &specification.passed_role {
        add(role.arn.clone(), None);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Specification, Vec<Problem>> {
        let lookup = |name: &str| variables.iter().find(|v| v.0 == name).map(|v| Ok(v.1.to_owned()));
        let mut environment = Environment::new(&lookup);
        let specification = read_specification(&mut environment, &|_| Err("there is no such file".to_owned()));
        if environment.problems.is_empty() { Ok(specification) } else { Err(environment.problems) }
    }

    #[test]
    fn only_the_bucket_is_required() {
        let specification = read(&[("PROBE_BUCKET", "your-bucket-name")]).unwrap();
        let bucket = Bucket { name: "your-bucket-name".to_owned(), ..Bucket::default() };
        assert_eq!(*specification.buckets[0], bucket);
        assert_eq!(specification.tables[0].name, "ModelMetadata");
        assert_eq!(specification.expected.role, "lambda-ml-pipeline-role");
        assert_eq!((specification.expected.account, specification.log_stream.group.as_ref()), (None, None));
        assert_eq!(specification.policy, guide_policy("your-bucket-name", "ModelMetadata"));

        let problems = read(&[]).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].name.raw(), &problems[0].value), ("PROBE_BUCKET", &None));
    }

    #[test]
    fn the_expected_role_is_known_by_its_name_and_its_account() {
        let role = ("PROBE_EXPECTED_ROLE", "arn:aws:iam::123456789012:role/service-role/pipeline");
        let expected = read(&[("PROBE_BUCKET", "abc"), role]).unwrap().expected;
        assert_eq!(expected.role, "pipeline");
        assert_eq!(expected.account, Some(("aws".to_owned(), "123456789012".to_owned())));
    }

    #[test]
    fn a_role_of_another_account_is_refused() {
        let roles = |sagemaker: &'static str, assumed: &'static str| {
            read(&[
                ("PROBE_BUCKET", "abc"),
                ("PROBE_SAGEMAKER_ROLE_ARN", sagemaker),
                ("PROBE_ASSUME_ROLE_ARN", assumed),
            ])
        };
        let problems = roles("arn:aws:iam::111122223333:role/s", "arn:aws:iam::123456789012:role/r").unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].name.raw(), "PROBE_SAGEMAKER_ROLE_ARN");
        assert!(problems[0].expected.raw().contains("a role of the account 123456789012"), "{problems:?}");
        // Of the function's own account nothing is known yet.
        assert!(roles("arn:aws:iam::111122223333:role/s", "").is_ok());
        assert!(roles("arn:aws:iam::111122223333:role/s", "arn:aws:iam::111122223333:role/r").is_ok());
    }

    #[test]
    fn names_every_problem_at_once() {
        let wrong: Vec<_> = SPECIFICATION.iter().map(|v| (v.name, "\u{1}?")).collect();
        let problems = read(&wrong).unwrap_err();
        let names: Vec<_> = problems.iter().map(|problem| problem.name.raw()).collect();
        assert_eq!(names, SPECIFICATION.iter().map(|variable| variable.name).collect::<Vec<_>>());
        let told = |problem: &Problem| problem.value == Some("\u{1}?".into()) && !problem.expected.is_empty();
        assert!(problems.iter().all(told));
        let problem = &read(&[("PROBE_BUCKET", "b0b"), ("PROBE_TABLE", "x")]).unwrap_err()[0];
        assert_eq!(
            problem.describe().raw(),
            "PROBE_TABLE is \"x\"; expected the name of a DynamoDB table: 3 to 255 letters, digits, '_', '-' and '.'"
        );
    }

    #[test]
    fn an_empty_variable_is_not_set_and_one_that_is_not_unicode_is_a_problem() {
        let empty: Vec<_> = SPECIFICATION.iter().map(|variable| (variable.name, "")).collect();
        let problems = read(&empty).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.name.raw()).collect::<Vec<_>>(), ["PROBE_BUCKET"]);
        let lossy = |name: &str| (name == "PROBE_BUCKET").then(|| Err("b\u{fffd}".to_owned()));
        let mut environment = Environment::new(&lossy);
        read_specification(&mut environment, &|_| Err("there is no such file".to_owned()));
        assert_eq!(environment.problems[0].value, Some("b\u{fffd}".into()));
        assert_eq!(environment.get("PROBE_BUCKET"), None);
    }

    #[test]
    fn a_variable_that_is_set_has_its_value_whatever_it_is() {
        let lookup = |name: &str| match name {
            "SET" => Some(Ok("?".to_owned())),
            "EMPTY" => Some(Ok(String::new())),
            "BROKEN" => Some(Err("?".to_owned())),
            _ => None,
        };
        let environment = Environment::new(&lookup);
        assert_eq!(environment.get("SET").as_deref(), Some("?"));
        assert!(["EMPTY", "BROKEN", "UNSET"].iter().all(|name| environment.get(name).is_none()));
        // The function's own log stream is part of what is checked.
        let read = |name: &str| {
            let lookup = |asked: &str| (asked == name).then(|| Ok("value".to_owned()));
            (*read_specification(&mut Environment::new(&lookup), &|_| Err(String::new())).log_stream).clone()
        };
        let group = LogStream { group: Some("value".to_owned()), stream: None };
        let stream = LogStream { group: None, stream: Some("value".to_owned()) };
        assert_eq!(read("AWS_LAMBDA_LOG_GROUP_NAME"), group);
        assert_eq!(read("AWS_LAMBDA_LOG_STREAM_NAME"), stream);
    }

    #[test]
    fn what_a_variable_takes_is_what_aws_takes() {
        for (variable, good, bad) in [
            (&PREFIX, "training/", "\n"),
            (&OBJECT_KEY, "training/data.csv", "\u{7f}"),
            (&EXPECTED_ROLE, "arn:aws:iam::123456789012:role/path/r", "path/r"),
            (&DENY_CONTROL, "s3:ListAllMyBuckets", "s3:ListBucket"),
            (&TABLE_KEY, "modelId:S", "modelId"),
        ] {
            assert!((variable.valid)(good) && !(variable.valid)(bad), "{}", variable.name);
        }
        assert!((PREFIX.valid)(&"x".repeat(900)) && !(PREFIX.valid)(&"x".repeat(901)));
    }
}
