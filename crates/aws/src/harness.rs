//! Probes against the server of canned bytes, so that tests send
//! every request through the real SDK and read every answer with its real parsers.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use permissions_core::evidence;
use permissions_core::finding::Outcome;
use permissions_core::iam::denial::Kind;
use permissions_core::judge::{Judgment, Proven};
use permissions_core::place::Names;
use permissions_core::plan::{Check, Expect, Purpose};
use permissions_core::principal::Principal;
use permissions_core::proof::{Grade, Warning};
use permissions_core::specification::{Bucket, Role, Specification, Table, TableKey, Target, guide_policy};

use crate::http_client::Connections;
use crate::probe::{Probe, make_check};
use crate::session::{Clients, Session, Settings};
use crate::trust_store::TrustStore;

pub use fake_aws::*;

pub const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:permissions-probe";

/// The name that whatever a request would make has, by the function's ARN.
pub const RECORD: &str = "permissions-probe-c1a60834e43733f9";

/// The server, as the probes know it.
pub struct Stub(Server);

impl Deref for Stub {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl Stub {
    /// Starts a server that answers each request as told.
    pub fn start<A: Into<Act>>(answer: impl Fn(&Request) -> A + Send + Sync + 'static) -> Self {
        Self(Server::start(answer))
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.requests()
    }

    /// An SDK configuration that knows only this server, and nothing of the environment.
    pub fn sdk(&self) -> SdkConfig {
        sdk(&format!("http://{}", self.address))
    }

    /// The session of a run in which this server is AWS.
    pub fn session(&self, specification: Specification) -> Session {
        session_at(&self.sdk(), specification, Duration::from_secs(5))
    }
}

pub fn sdk(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .http_client(Connections::new(&TrustStore::Amazon).client())
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKID", "secret", None, None, "stub")))
        .build()
}

pub fn session_at(sdk: &SdkConfig, specification: Specification, timeout: Duration) -> Session {
    let settings = Settings {
        timeout,
        // The server is known by an address.
        path_style: true,
        session_name: None,
        through_proxy: false,
        authorization_details: false,
    };
    let clients = Clients::new(sdk, &settings);
    let mut session = Session::new(Arc::new(specification), Arc::new(settings), clients, "us-east-1", FUNCTION_ARN);
    session.names = Names::new(0x0123_4567_89ab_cdef, FUNCTION_ARN);
    session
}

pub fn specification() -> Specification {
    specification_with(&[])
}

/// The specification of the tests, with more that is named or otherwise, by the names of the function's variables.
pub fn specification_with(variables: &[(&str, &str)]) -> Specification {
    let base = [
        ("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role"),
        ("PROBE_ASSUME_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/permissions-probe"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]abc"),
    ];
    let text = |name: &str| {
        let found = variables.iter().chain(&base).find(|variable| variable.0 == name);
        found.map(|variable| variable.1.to_owned()).filter(|value| !value.is_empty())
    };
    let role = |name: &str| text(name).map(|arn| Arc::new(Role::new(arn)));
    let mut specification = Specification::of_policy(guide_policy("your-bucket-name", "ModelMetadata"));
    specification.buckets = vec![Arc::new(Bucket {
        name: "your-bucket-name".to_owned(),
        prefix: text("PROBE_PREFIX").unwrap_or_default(),
        object_key: text("PROBE_OBJECT_KEY"),
        ..Bucket::default()
    })];
    let key = text("PROBE_TABLE_KEY").map(|key| TableKey::parse(&key).unwrap());
    specification.tables = vec![Arc::new(Table { name: "ModelMetadata".to_owned(), key, ..Table::default() })];
    Arc::make_mut(&mut specification.endpoint).name = text("PROBE_ENDPOINT_NAME");
    Arc::make_mut(&mut specification.training_job).name = text("PROBE_TRAINING_JOB_NAME");
    specification.passed_role = role("PROBE_SAGEMAKER_ROLE_ARN");
    specification.assumed_role = role("PROBE_ASSUME_ROLE_ARN");
    specification.expected.role = "lambda-ml-pipeline-role".to_owned();
    let log = Arc::make_mut(&mut specification.log_stream);
    (log.group, log.stream) = (text("AWS_LAMBDA_LOG_GROUP_NAME"), text("AWS_LAMBDA_LOG_STREAM_NAME"));
    specification
}

/// The check of an action, on the one resource of the specification.
pub fn check_of(action: &str, specification: &Specification) -> Check {
    let probe = &crate::probes::find(action).unwrap().info;
    let role = if action == "sts:AssumeRole" { &specification.assumed_role } else { &specification.passed_role };
    let target: Target = probe.on.targets(specification, role.as_ref()).remove(0);
    Check { probe, target, expect: Expect::Allowed, purpose: Purpose::Specified, ask: None }
}

/// The checks of these actions, in this order.
pub fn checks_of(actions: &[&str], specification: &Specification) -> Vec<Check> {
    actions.iter().map(|action| check_of(action, specification)).collect()
}

/// A check of each probe.
pub fn all_checks(specification: &Specification) -> Vec<Check> {
    crate::probes::ALL.iter().map(|probe| check_of(probe.info.action, specification)).collect()
}

/// Runs one probe against canned bytes; returns what was sent and what came of it.
pub async fn try_probe(
    probe: &'static Probe,
    specification: Specification,
    answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
) -> (Vec<Request>, Outcome, Option<Principal>) {
    let stub = Stub::start(answer);
    let check = check_of(probe.info.action, &specification);
    let session = Arc::new(stub.session(specification));
    let outcome = make_check(check, probe.send, session.clone(), Duration::from_secs(5)).await;
    (stub.requests(), outcome, session.principal().cloned())
}

/// The one request that a probe sends.
pub async fn request_of(probe: &'static Probe, specification: Specification) -> Request {
    let (mut requests, ..) = try_probe(probe, specification, |_| response(400, "text/plain", "")).await;
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

/// Asserts what each answer is taken for, in the words of [`summary`].
pub async fn check(probe: &'static Probe, answers: Vec<(Vec<u8>, &str)>) {
    for (bytes, expected) in answers {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let (_, outcome, _) = try_probe(probe, specification(), move |_| bytes.clone()).await;
        assert_eq!(summary(&outcome), expected, "{shown}");
    }
}

/// A judgment in one line: `allowed CODE grade[, warning]`, `denied [kind]`, or `inconclusive cause`.
pub fn summary(outcome: &Outcome) -> String {
    let action = outcome.check.action();
    match outcome.judge() {
        Judgment::Allowed { code, proven, warning } => {
            let warning = match warning {
                Some(Warning::ResourceMissing) => ", resource missing",
                Some(Warning::SideEffect) => ", side effect",
                Some(Warning::RoleTrust) => ", role trust",
                Some(Warning::WrongRoleOnFunction) => ", wrong role on function",
                Some(Warning::FunctionConfiguration) => ", function configuration",
                None => "",
            };
            let (grade, behind) = match proven {
                Proven::Answer(proof) => (evidence::basis(action, proof).0, String::new()),
                Proven::Dependent(denial) => {
                    (evidence::dependent_basis(action, denial.action).0, format!(", behind it {}", denial.action))
                }
                Proven::Unexplained(next) => (Grade::Inferred, format!(", behind it {next}, unexplained")),
            };
            format!("allowed {code} {}{warning}{behind}", grade.name())
        }
        Judgment::Denied { denial, .. } => denial.map_or("denied".to_owned(), |denial| {
            let kind = match denial.kind {
                Kind::Implicit => "implicitDeny",
                Kind::Explicit => "explicitDeny",
                Kind::Unstated => "unstated",
            };
            let by = denial.policy_type.map(|by| format!(", {}", by.name())).unwrap_or_default();
            format!("denied {kind}{by}")
        }),
        Judgment::Inconclusive { cause, .. } => format!("inconclusive {}", cause.name()),
    }
}
