//! The function, and checks of its probes, against the server of canned bytes:
//! every request goes through the real SDK, and every answer through its parsers.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use permissions_aws::http_client::Connections;
use permissions_aws::probe::{Probe, make_check};
use permissions_aws::probes;
use permissions_aws::session::{Clients, Session};
use permissions_aws::trust_store::TrustStore;
use permissions_core::evidence;
use permissions_core::finding::Outcome;
use permissions_core::iam::actions::ASSUME_ROLE;
use permissions_core::iam::denial::Kind;
use permissions_core::judge::{Judgment, Proven};
use permissions_core::plan::{Check, Expect, Purpose, plan};
use permissions_core::proof::{Grade, Warning};
use permissions_probe::config::Config;
use permissions_probe::function::App;
use serde_json::Value;

pub use fake_aws::*;

pub const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:permissions-probe";

/// The name that whatever a request would make has, by the function's ARN.
pub const RECORD: &str = "permissions-probe-c1a60834e43733f9";

/// The server, as this program knows it.
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

    /// The function, to which this server is AWS.
    pub fn app(&self, config: Config) -> App {
        App::new(Ok(config), self.sdk(), Connections::new(&TrustStore::Amazon))
    }

    /// An SDK configuration that knows only this server, and nothing of the environment.
    pub fn sdk(&self) -> SdkConfig {
        sdk_with(&format!("http://{}", self.address), &TrustStore::Amazon)
    }
}

pub fn sdk_with(endpoint: &str, trusted: &TrustStore) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .http_client(Connections::new(trusted).client())
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKID", "secret", None, None, "stub")))
        .build()
}

pub fn config() -> Config {
    config_with(&[])
}

/// The configuration of the tests, with more variables or other ones.
pub fn config_with(variables: &[(&str, &str)]) -> Config {
    let base = [
        ("PROBE_BUCKET", "your-bucket-name"),
        // They go to standard output, past the tests' own capture.
        ("PROBE_METRICS", "off"),
        ("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role"),
        ("PROBE_ASSUME_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/permissions-probe"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]abc"),
    ];
    let lookup = |name: &str| variables.iter().chain(&base).find(|v| v.0 == name).map(|v| Ok(v.1.to_owned()));
    let mut config = Config::from_env(lookup).unwrap();
    // The server is known to the SDK's configuration, and by an address.
    Arc::make_mut(&mut config.settings).path_style = true;
    config
}

/// The session of a run with this configuration.
pub fn session(sdk: &SdkConfig, config: &Config) -> Session {
    let clients = Clients::new(sdk, &config.settings);
    Session::new(config.specification.clone(), config.settings.clone(), clients, "us-east-1", FUNCTION_ARN)
}

/// A check of each probe, all of which have to be allowed.
pub fn all_checks(config: &Config) -> Vec<Check> {
    let mut specification = (*config.specification).clone();
    let mut checks = plan(&specification, &probes::infos()).checks;
    for control in ["dynamodb:ListTables", "logs:DescribeLogGroups", "s3:ListAllMyBuckets"] {
        specification.deny_control = Some(control.to_owned());
        let control = plan(&specification, &probes::infos()).checks.pop().unwrap();
        checks.push(Check { expect: Expect::Allowed, purpose: Purpose::Specified, ..control });
    }
    // It is made like any other, in the session that is there.
    for check in checks.iter_mut().filter(|check| check.action() == ASSUME_ROLE) {
        check.purpose = Purpose::Specified;
    }
    checks
}

/// Runs one probe against canned bytes.
pub async fn try_probe(
    probe: &'static Probe,
    config: Config,
    answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
) -> Outcome {
    let stub = Stub::start(answer);
    let check = all_checks(&config).into_iter().find(|check| check.action() == probe.info.action).unwrap();
    make_check(check, probe.send, Arc::new(session(&stub.sdk(), &config)), Duration::from_secs(5)).await
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

/// Every row of a report, those that are not as specified first; of one that is written briefly, with the verdict of its list.
pub fn rows(report: &Value) -> Vec<Value> {
    let lists = [("wrong", ""), ("allowed", "allowed"), ("deniedAsSpecified", "denied")];
    let rows = lists.iter().flat_map(|(list, verdict)| {
        let rows = report[*list].as_array().cloned().unwrap_or_default();
        rows.into_iter().map(move |mut row| {
            if row["verdict"].is_null() {
                row["verdict"] = (*verdict).into();
            }
            row
        })
    });
    let rows: Vec<_> = rows.collect();
    assert!(report["wrong"].is_array() && report["allowed"].is_array(), "no report: {report}");
    rows
}

/// The row of an action; there is to be one.
pub fn row_of(report: &Value, action: &str) -> Value {
    let found: Vec<_> = rows(report).into_iter().filter(|row| row["action"] == action).collect();
    assert_eq!(found.len(), 1, "{action}: {report}");
    found[0].clone()
}
