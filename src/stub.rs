//! Parts of the program against the server of canned bytes, so that tests send
//! every request through the real SDK and read every answer with its real parsers.

pub mod tls;
#[allow(dead_code, reason = "the integration tests use the other part of it")]
pub mod wire;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};

use crate::config::Config;
use crate::evidence;
use crate::handler::App;
use crate::http::Connections;
use crate::probe::{self, Clients, Context, Outcome, Principal, Probe};
use crate::roots::Roots;
use crate::verdict::{Grade, Judgement, Proven, Warning};

pub use wire::*;

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
        App::new(Ok(config), self.sdk(), Connections::new(&Roots::Amazon))
    }

    /// An SDK configuration that knows only this server, and nothing of the environment.
    pub fn sdk(&self) -> SdkConfig {
        sdk(&format!("http://{}", self.address))
    }
}

pub fn sdk(endpoint: &str) -> SdkConfig {
    sdk_with(endpoint, &Roots::Amazon)
}

pub fn sdk_with(endpoint: &str, roots: &Roots) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .http_client(Connections::new(roots).client())
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
    // The server is known to the SDK's configuration, and by an address.
    Config { path_style: true, ..Config::from_env(lookup).unwrap() }
}

pub fn context(sdk: &SdkConfig, config: Config) -> Context {
    let clients = Clients::new(sdk, &config);
    let mut cx = Context::new(Arc::new(config), clients, "us-east-1", FUNCTION_ARN);
    cx.nonce = "0123456789abcdef".to_owned();
    cx
}

/// Runs one probe against canned bytes; returns what was sent and what came of it.
pub async fn try_probe(
    probe: &'static Probe,
    config: Config,
    answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
) -> (Vec<Request>, Outcome, Option<Principal>) {
    let stub = Stub::start(answer);
    let cx = Arc::new(context(&stub.sdk(), config));
    let outcome = probe::run(probe, cx.clone(), Duration::from_secs(5)).await;
    (stub.requests(), outcome, cx.principal().cloned())
}

/// The one request that a probe sends.
pub async fn request_of(probe: &'static Probe, config: Config) -> Request {
    let (mut requests, ..) = try_probe(probe, config, |_| response(400, "text/plain", "")).await;
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

/// Asserts what each answer is taken for, in the words of [`summary`].
pub async fn check(probe: &'static Probe, answers: Vec<(Vec<u8>, &str)>) {
    for (bytes, expected) in answers {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let (_, outcome, _) = try_probe(probe, config(), move |_| bytes.clone()).await;
        assert_eq!(summary(&outcome), expected, "{shown}");
    }
}

/// A judgement in one line: `allowed CODE grade[, warning]`, `denied [kind]`, or `inconclusive cause`.
pub fn summary(outcome: &Outcome) -> String {
    let action = outcome.probe.action;
    match outcome.judge() {
        Judgement::Allowed { code, proven, warning } => {
            let warning = match warning {
                Some(Warning::ResourceMissing) => ", resource missing",
                Some(Warning::SideEffect) => ", side effect",
                Some(Warning::RoleTrust) => ", role trust",
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
        Judgement::Denied { denial, .. } => {
            denial.map_or("denied".to_owned(), |denial| format!("denied {:?} {:?}", denial.kind, denial.policy_type))
        }
        Judgement::Inconclusive { cause, .. } => format!("inconclusive {}", cause.name()),
    }
}
