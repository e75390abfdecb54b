//! Probes, a specification and answers for the tests of this crate.

use std::sync::Arc;
use std::time::Duration;

use proptest::test_runner::Config;

use crate::answer::{Answer, Leftover, Means, NoAnswer, Reply};
use crate::diagnosis::Run;
use crate::finding::{Outcome, findings};
use crate::place::tests::place;
use crate::plan::{Check, plan};
use crate::principal::Principal;
use crate::probe::{About, Account, Better, On, ProbeInfo};
use crate::proof::{Proof, Warning};
use crate::report::Report;
use crate::specification::{Bucket, LogStream, Role, Specification, Table, guide_policy};
use crate::voice::{Face, Setting, Voice};

/// `PROPTEST_CASES` cases for a property, or so many where it is not set.
pub fn cases(default: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    Config { cases: asked.unwrap_or(default), failure_persistence: None, ..Config::default() }
}

const SUCCESS: Proof = Proof::success("200");
const TABLE_MISSING: Proof = Proof::error("ResourceNotFoundException", "").warn(Warning::ResourceMissing);

const fn probe(
    action: &'static str,
    on: On,
    proofs: &'static [Proof],
    dependent: &'static [&'static str],
) -> ProbeInfo {
    ProbeInfo {
        action,
        on,
        request: "one request",
        harmless: "it only reads",
        side_effect: "none; free",
        proofs,
        dependent_actions: dependent,
    }
}

const ANYTHING: On = On::Account(About {
    resources: |_: &Account, _| vec!["*".to_owned()],
    request_context: |_| "no parameters".to_owned(),
    better: |_| None,
    leftover: None,
});

const fn on_bucket(objects: bool) -> On {
    On::Bucket(About {
        resources: if objects {
            |bucket, place| place.read_objects_arns(bucket)
        } else {
            |bucket, place| vec![place.bucket_arn(bucket)]
        },
        request_context: |bucket| format!("the prefix {:?}", bucket.prefix),
        better: |bucket| {
            let better = Better::Name {
                setting: Setting::ObjectKey,
                to: "one that exists",
                else_: Some("Put an object under the prefix"),
                within: None,
            };
            bucket.object_key.is_none().then_some(better)
        },
        leftover: Some(|bucket, place| Leftover {
            what: format!("the object {}", place.names.record_name()),
            command: Some(format!("aws s3api delete-object --bucket={}", bucket.name)),
        }),
    })
}

const ON_TABLE: On = On::Table(About {
    resources: |table, place| vec![place.table_arn(table)],
    request_context: |_| "the attribute x as its key".to_owned(),
    better: |_| {
        Some(Better::Name { setting: Setting::TableKey, to: "the key", else_: None, within: Some(Setting::Prefix) })
    },
    leftover: None,
});

const ON_ENDPOINT: On = On::Endpoint(About {
    resources: |_, place| vec![place.arn("sagemaker", "endpoint/*")],
    request_context: |_| "no target model".to_owned(),
    better: |_| Some(Better::NoneKnown),
    leftover: None,
});

const ON_JOB: On = On::TrainingJob(About {
    resources: |_, place| vec![place.arn("sagemaker", "training-job/*")],
    request_context: |_| "no parameters".to_owned(),
    better: |_| None,
    leftover: None,
});

const ON_ROLE: On = On::Role(About {
    resources: |role, _| vec![role.arn.clone()],
    request_context: |_| "no tags".to_owned(),
    better: |_| Some(Better::NoneKnown),
    leftover: None,
});

const ON_LOG: On = On::LogStream(About {
    resources: |log, place| vec![place.log_group_contents_arn(log)],
    request_context: |_| "no parameters".to_owned(),
    better: |_| None,
    leftover: None,
});

const ON_MODEL: On = On::Account(About {
    resources: |_, place| vec![place.arn("sagemaker", "model/*")],
    request_context: |_| "no VPC configuration".to_owned(),
    better: |_| Some(Better::NoneKnown),
    leftover: Some(|_, place| Leftover {
        what: format!("the model {}", place.names.record_name()),
        command: Some("aws sagemaker delete-model".to_owned()),
    }),
});

const ON_NEW_JOB: On = On::Account(About {
    resources: |_, place| vec![place.arn("sagemaker", "training-job/*")],
    request_context: |_| "the instance type ml.m5.large".to_owned(),
    better: |_| Some(Better::NoneKnown),
    leftover: Some(|_, place| Leftover {
        what: format!("the training job {}", place.names.record_name()),
        command: None,
    }),
});

const MODEL_PROOFS: &[Proof] = &[
    Proof::error("ValidationException", "requested image … not found"),
    Proof::error("ValidationException", "could not assume role").warn(Warning::RoleTrust),
    SUCCESS.warn(Warning::SideEffect),
];

/// A probe for each action of the guide's policy, and the others.
pub const PROBES: &[&ProbeInfo] = &[
    &probe("sts:GetCallerIdentity", ANYTHING, &[SUCCESS], &[]),
    &probe("s3:GetObject", on_bucket(true), &[SUCCESS, Proof::error("NoSuchKey", "").missing()], &["kms:*"]),
    &probe(
        "s3:PutObject",
        on_bucket(true),
        &[Proof::error("BadDigest", ""), SUCCESS.warn(Warning::SideEffect)],
        &["kms:*"],
    ),
    &probe("s3:ListBucket", on_bucket(false), &[SUCCESS], &[]),
    &probe("dynamodb:PutItem", ON_TABLE, &[SUCCESS, TABLE_MISSING], &["kms:*"]),
    &probe("dynamodb:GetItem", ON_TABLE, &[SUCCESS, TABLE_MISSING], &["kms:*"]),
    &probe("dynamodb:Scan", ON_TABLE, &[SUCCESS, TABLE_MISSING], &["kms:*"]),
    &probe(
        "sagemaker:DescribeTrainingJob",
        ON_JOB,
        &[Proof::error("ValidationException", "not found").missing(), SUCCESS],
        &[],
    ),
    &probe("sagemaker:CreateTrainingJob", ON_NEW_JOB, MODEL_PROOFS, &["iam:PassRole"]),
    &probe("sagemaker:CreateModel", ON_MODEL, MODEL_PROOFS, &["iam:PassRole"]),
    &probe(
        "sagemaker:InvokeEndpoint",
        ON_ENDPOINT,
        &[Proof::error("ValidationError", "not found").missing(), SUCCESS],
        &[],
    ),
    &probe("logs:PutLogEvents", ON_LOG, &[SUCCESS], &[]),
    &probe("iam:PassRole", ON_ROLE, MODEL_PROOFS, &[]),
    &probe("sts:AssumeRole", ON_ROLE, &[SUCCESS], &[]),
    &probe("dynamodb:ListTables", ANYTHING, &[SUCCESS], &[]),
];

pub const ROLE: &str = "lambda-ml-pipeline-role";

pub fn specification() -> Specification {
    let mut specification = Specification::of_policy(guide_policy("your-bucket-name", "ModelMetadata"));
    specification.expected.role = ROLE.to_owned();
    specification.log_stream =
        Arc::new(LogStream { group: Some("/aws/lambda/x".to_owned()), stream: Some("s".to_owned()) });
    specification
}

/// The same with a second bucket and a second table.
pub fn two_of_each() -> Specification {
    let mut specification = specification();
    specification.buckets.push(Arc::new(Bucket { name: "second-bucket".to_owned(), ..Bucket::default() }));
    specification.tables.push(Arc::new(Table { name: "SecondTable".to_owned(), ..Table::default() }));
    specification
}

/// The same with the only table under another name.
pub fn with_table(name: &str) -> Specification {
    Specification { tables: vec![Arc::new(Table { name: name.to_owned(), ..Table::default() })], ..specification() }
}

pub const SAGEMAKER_ROLE: &str = "arn:aws:iam::123456789012:role/service-role/sagemaker-role";

/// The same with a role that is handed to SageMaker.
pub fn with_passed_role() -> Specification {
    Specification { passed_role: Some(Arc::new(Role::new(SAGEMAKER_ROLE))), ..specification() }
}

pub const ROLE_TO_CHECK: &str = "arn:aws:iam::210987654321:role/pipeline";

/// The same with a role that is checked in place of the caller's own.
pub fn with_assumed_role() -> Specification {
    Specification { assumed_role: Some(Arc::new(Role::new(ROLE_TO_CHECK))), ..specification() }
}

/// The same with an action that must be denied.
pub fn with_deny_control() -> Specification {
    Specification { deny_control: Some("dynamodb:ListTables".to_owned()), ..specification() }
}

pub fn principal(role: &str) -> Principal {
    Principal {
        arn: format!("arn:aws:sts::123456789012:assumed-role/{role}/permissions-probe"),
        account: "123456789012".to_owned(),
    }
}

/// AWS's answer of a success.
pub fn success() -> Answer {
    Answer::new(Reply::Success("200"), Some("REQUEST-1".to_owned()))
}

pub fn error(code: &str, message: &str) -> Answer {
    let reply = Reply::Error { status: 400, code: Some(code.to_owned()), message: Some(message.to_owned()) };
    Answer::new(reply, Some("REQUEST-1".to_owned())).unexplained(Means::ThisAction)
}

/// A denial of an action on a resource, for this reason.
pub fn denial(action: &str, resource: &str, reason: &str) -> Answer {
    let on = if resource.is_empty() { String::new() } else { format!(" on resource: {resource}") };
    let user = principal(ROLE).arn;
    error("AccessDeniedException", &format!("User: {user} is not authorized to perform: {action}{on} {reason}"))
}

/// A denial of an action for want of a statement.
pub fn lacks(action: &str, resource: &str) -> Answer {
    denial(action, resource, &missing(action))
}

/// A denial of what a check asks for, on its own resource.
pub fn denied(check: &Check, reason: &str) -> Answer {
    let resource = check.resources(&place()).swap_remove(0);
    denial(check.action(), &resource, &reason.replace("ACTION", check.action()))
}

/// The same for want of a statement.
pub fn lacking(check: &Check) -> Answer {
    denied(check, &missing("ACTION"))
}

/// S3's denial that says nothing, and what it means.
pub fn bare(means: Means) -> Answer {
    error("AccessDenied", "Access Denied").unexplained(means)
}

/// A denial of a key while something else was called.
pub fn lacks_key(key: &str) -> Answer {
    lacks("kms:Decrypt", &format!("arn:aws:kms:us-east-1:123456789012:key/{key}"))
}

pub fn silent() -> Answer {
    Answer::none(NoAnswer::Network, "connection refused")
}

/// AWS's answer about a table that does not exist.
pub fn no_table() -> Answer {
    error("ResourceNotFoundException", "Requested resource not found")
}

/// S3's answer about a bucket in this Region, if it names one.
pub fn elsewhere(region: Option<&str>) -> Answer {
    let redirect = error("PermanentRedirect", "The bucket must be addressed using another endpoint.");
    Answer { bucket_region: region.map(str::to_owned), ..redirect }
}

/// AWS's words where a statement is missing.
pub fn missing(action: &str) -> String {
    format!("because no identity-based policy allows the {action} action")
}

/// What AWS answers to a check that is allowed.
pub fn sound(check: &Check) -> Answer {
    if check.must_be_denied() {
        return denial(check.action(), "", &missing(check.action()));
    }
    match check.action() {
        "s3:PutObject" => error("BadDigest", ""),
        "sagemaker:CreateTrainingJob" | "sagemaker:CreateModel" | "iam:PassRole" => {
            error("ValidationException", "Requested image x not found.")
        }
        _ => success(),
    }
}

/// A run in which each check is answered so, or else as it should be.
pub fn run(specification: Specification, answer: impl Fn(&Check) -> Option<Answer>) -> Run {
    run_as(ROLE, specification, answer)
}

/// The same under another role.
pub fn run_as(role: &str, specification: Specification, answer: impl Fn(&Check) -> Option<Answer>) -> Run {
    let place = place();
    let outcomes: Vec<Outcome> = plan(&specification, PROBES)
        .checks
        .into_iter()
        .map(|check| {
            let answer = answer(&check).unwrap_or_else(|| sound(&check));
            Outcome::new(check, answer, Duration::from_millis(7))
        })
        .collect();
    Run {
        findings: findings(&outcomes, &place),
        specification: Arc::new(specification),
        principal: Some(principal(role)),
        place,
        is_elsewhere: false,
        through_proxy: false,
        known_actions: PROBES.iter().map(|probe| probe.action).collect(),
        coverage: None,
    }
}

pub fn report(run: Run) -> Report {
    Report::new(run, "REQUEST".into(), Duration::from_millis(70), false)
}

/// The function's voice, shortened.
pub const VOICE: Voice = Voice {
    face: Face::Function,
    name_of: |setting| match setting {
        Setting::Bucket => "PROBE_BUCKET",
        Setting::Table => "PROBE_TABLE",
        Setting::TableKey => "PROBE_TABLE_KEY",
        Setting::Prefix => "PROBE_PREFIX",
        Setting::ObjectKey => "PROBE_OBJECT_KEY",
        Setting::TrainingJobName => "PROBE_TRAINING_JOB_NAME",
        Setting::PassedRole => "PROBE_SAGEMAKER_ROLE_ARN",
        Setting::ExpectedRole => "PROBE_EXPECTED_ROLE",
        Setting::DenyControl => "PROBE_DENY_CONTROL",
        Setting::Timeout => "PROBE_TIMEOUT_MS",
        Setting::CertificateBundle => "AWS_CA_BUNDLE",
        Setting::Proxy => "HTTPS_PROXY",
    },
};
