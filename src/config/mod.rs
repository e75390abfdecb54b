//! The environment, read once: the only module that reads it.

mod variables;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use permissions_aws::session::Settings;
use permissions_aws::trust_store::TrustStore;
use permissions_core::document;
use permissions_core::environment::{Environment, Variable, read_specification};
use permissions_core::iam::names::is_region;
use permissions_core::problem::Problem;
use permissions_core::specification::Specification;

pub use variables::all as variables;

/// What the function has to know before it can probe.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What is to be checked.
    pub specification: Arc<Specification>,
    /// How requests are sent.
    pub settings: Arc<Settings>,
    /// `PROBE_REDACT`: whether account ids and session names are masked.
    pub redact: bool,
    /// `PROBE_GATE`: the deployments that may wait for a run.
    pub gates: Gates,
    /// `PROBE_HTTP_REPORT`: whether the callers of an HTTP front end get the whole report.
    pub http_report: HttpReport,
    /// `PROBE_HTTP_MAX_AGE`: for how long they get the same result.
    pub http_max_age: Duration,
    /// `PROBE_METRICS`: which metrics a run writes.
    pub metrics: Metrics,
    /// `PROBE_METRICS_NAMESPACE`: under which namespace.
    pub metrics_namespace: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`: the dimension of the metrics.
    pub function_name: Option<String>,
    /// `AWS_LAMBDA_LOG_LEVEL`: the level that a line has to bear to be kept.
    pub log_level: &'static str,
    /// `AWS_LAMBDA_INITIALIZATION_TYPE`: whether Lambda started the function for an invocation that waits for it.
    pub on_demand: bool,
}

/// What the callers of an HTTP front end get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpReport {
    /// The verdict, the counts, the cause without names, and the request id.
    #[default]
    Summary,
    /// The whole report.
    Full,
}

/// The deployments that may wait for a run, and where their answers may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    pub cloudformation: bool,
    pub codedeploy: bool,
    /// `PROBE_GATE_ENDPOINT`: what stands for CloudFormation's bucket on this machine, never on Lambda.
    pub stand_in: Option<String>,
}

/// An environment that is not valid, and what is known of it all the same.
#[derive(Clone, Debug, Default)]
pub struct Invalid {
    pub problems: Vec<Problem>,
    /// Whether account ids are masked.
    pub redact: bool,
    pub gates: Gates,
}

/// Which metrics a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metrics {
    Off,
    /// Those of the run.
    Run,
    /// Those of the run, and one for each action.
    Actions,
}

/// How the function logs, by Lambda's advanced logging controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logging {
    pub json: bool,
    pub level: tracing::Level,
}

/// The deployments that a value of `PROBE_GATE` names.
fn parse_gates(value: &str) -> Option<Gates> {
    let mut gates = Gates::default();
    for name in value.split(',') {
        match name.trim() {
            "cloudformation" => gates.cloudformation = true,
            "codedeploy" => gates.codedeploy = true,
            _ => return None,
        }
    }
    Some(gates)
}

impl Config {
    /// Reads the environment through `lookup`, which returns `None` for a
    /// variable that is not set and an error for one that is not Unicode.
    ///
    /// # Errors
    ///
    /// All problems together, in the order of [`variables()`].
    pub fn from_env(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> Result<Self, Invalid> {
        let mut environment = Environment::new(&lookup);
        let specification = read_specification(&mut environment, &read_document);
        let mut read = |variable: &Variable| environment.read(variable);
        let authorization_details = read(&variables::AUTHORIZATION_DETAILS).is_some_and(|value| value == "true");
        let redact = read(&variables::REDACT).is_some();
        let timeout = read(&variables::TIMEOUT_MS).and_then(|ms| ms.parse().ok()).unwrap_or_default();
        let metrics = match read(&variables::METRICS).as_deref() {
            Some("off") => Metrics::Off,
            Some("actions") => Metrics::Actions,
            _ => Metrics::Run,
        };
        let metrics_namespace = read(&variables::METRICS_NAMESPACE).unwrap_or_default();
        let gates = read(&variables::GATE).as_deref().and_then(parse_gates).unwrap_or_default();
        let stand_in = read(&variables::GATE_ENDPOINT).or_else(|| given(&lookup, "AWS_ENDPOINT_URL"));
        let http_report = match read(&variables::HTTP_REPORT).as_deref() {
            Some("full") => HttpReport::Full,
            _ => HttpReport::Summary,
        };
        let max_age = read(&variables::HTTP_MAX_AGE).and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
        // Used by `trust_store`, which has to make do with what there is.
        for bundle in BUNDLES {
            drop(read(bundle));
        }
        // Where Lambda started the function, CloudFormation's own bucket waits and no other.
        let gates = Gates { stand_in: stand_in.filter(|_| !is_on_lambda(&lookup)), ..gates };
        let mut problems = environment.problems;
        for name in ENDPOINTS {
            if let Some(url) = given(&lookup, name).filter(|url| !is_url(url)) {
                let expected = "a URL that starts with https:// or http://; unset on AWS";
                problems.push(Problem::new(*name, Some(url.into()), expected));
            }
        }
        if !problems.is_empty() {
            // What is wrong is shown and logged as well. A value that is not valid asks for it, too.
            let redact = given(&lookup, variables::REDACT.name).is_some();
            return Err(Invalid { problems, redact, gates });
        }
        let function_name = given(&lookup, "AWS_LAMBDA_FUNCTION_NAME");
        Ok(Self {
            specification: Arc::new(specification),
            settings: Arc::new(Settings {
                timeout: Duration::from_millis(timeout),
                path_style: ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
                    .iter()
                    .any(|name| given(&lookup, name).is_some()),
                session_name: function_name.clone(),
                through_proxy: PROXIES.iter().any(|name| given(&lookup, name).is_some()),
                authorization_details,
            }),
            redact,
            gates,
            http_report,
            http_max_age: Duration::from_secs(max_age),
            metrics,
            metrics_namespace,
            function_name,
            log_level: log_level(&lookup),
            on_demand: given(&lookup, INITIALIZATION).is_some_and(|how| how == "on-demand"),
        })
    }
}

impl Logging {
    /// Reads `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL`, which Lambda
    /// sets from the function's logging configuration. What Lambda does not
    /// define falls back to JSON and INFO: a log must come out in any case.
    pub fn from_env(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> Self {
        use tracing::Level;
        Self {
            json: !given(&lookup, "AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text")),
            level: match log_level(&lookup) {
                "TRACE" => Level::TRACE,
                "DEBUG" => Level::DEBUG,
                "WARN" => Level::WARN,
                "ERROR" | "FATAL" => Level::ERROR,
                _ => Level::INFO,
            },
        }
    }
}

/// Lambda Developer Guide, "Log-level filtering".
fn log_level(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> &'static str {
    let level = given(lookup, "AWS_LAMBDA_LOG_LEVEL").unwrap_or_default();
    let known = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    known.into_iter().find(|known| known.eq_ignore_ascii_case(&level)).unwrap_or("INFO")
}

/// The file of a specification: by its path, from the folder of the function's package.
fn read_document(path: &str) -> Result<String, String> {
    let root = std::env::var_os("LAMBDA_TASK_ROOT").map(std::path::PathBuf::from).unwrap_or_default();
    let path = root.join(path);
    let file = std::fs::metadata(&path).map_err(|error| error.to_string())?;
    if !file.is_file() || file.len() > document::MAX_BYTES as u64 {
        return Err(format!("it is no file of at most {} bytes", document::MAX_BYTES));
    }
    // What the system makes up, such as a file of /proc, says that it is empty, and goes on for as long as it is read.
    let mut text = String::new();
    let file = std::fs::File::open(&path).map_err(|error| error.to_string())?;
    file.take(document::MAX_BYTES as u64 + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// Whose certificates are trusted. It is known even where the environment is not
/// valid otherwise, since somebody may wait to be told so.
pub fn trust_store(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> TrustStore {
    match BUNDLES
        .iter()
        .find_map(|variable| given(&lookup, variable.name))
        .and_then(|path| TrustStore::from_file(&path))
    {
        Some(bundle) => bundle,
        None if is_on_lambda_of_aws(&lookup) => TrustStore::Amazon,
        None => TrustStore::System,
    }
}

/// The variables that name a file of certificates, the one that counts first.
const BUNDLES: &[&Variable] = &[&variables::AWS_CA_BUNDLE, &variables::SSL_CERT_FILE];

/// Looks a variable up in the environment of the process. One that is not
/// Unicode is an error, with what could be read of it.
pub fn environment(name: &str) -> Option<Result<String, String>> {
    Some(std::env::var_os(name)?.into_string().map_err(|value| value.to_string_lossy().into_owned()))
}

fn given(lookup: impl Fn(&str) -> Option<Result<String, String>>, name: &str) -> Option<String> {
    lookup(name)?.ok().filter(|value| !value.is_empty())
}

/// The SDK's variables for endpoints (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
const ENDPOINTS: &[&str] = &[
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SAGEMAKER",
    "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
    "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_CODEDEPLOY",
];

/// The variables that name a proxy for https, by the names that the SDK's HTTP client reads.
const PROXIES: &[&str] = &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Whether Lambda started the function: emulators do not say how.
fn is_on_lambda(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> bool {
    given(lookup, INITIALIZATION).is_some()
}

/// Whether requests can be sent there.
fn is_url(url: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with('/') && host.bytes().all(|b| b.is_ascii_graphic()))
}

/// How Lambda started the function (Lambda Developer Guide, "Defined runtime
/// environment variables"); emulators leave it out.
const INITIALIZATION: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";

/// Whether the function runs on Lambda, in the partition whose endpoints have
/// certificates of Amazon's, and calls those endpoints.
fn is_on_lambda_of_aws(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> bool {
    let on_lambda = is_on_lambda(&lookup);
    let elsewhere = ENDPOINTS.iter().chain(&["SSL_CERT_DIR"]).any(|name| given(&lookup, name).is_some());
    let partition = given(&lookup, "AWS_REGION").is_some_and(|region| {
        is_region(&region)
            && !["cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"].iter().any(|start| region.starts_with(start))
    });
    on_lambda && partition && !elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        Config::from_env(|name| vars.iter().find(|v| v.0 == name).map(|v| Ok(v.1.to_owned()))).map_err(|it| it.problems)
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let config = read(&[("PROBE_BUCKET", "your-bucket-name")]).unwrap();
        assert_eq!(config.settings.timeout, Duration::from_secs(5));
        assert_eq!((config.metrics, config.metrics_namespace.as_str()), (Metrics::Run, "PermissionsProbe"));
        assert_eq!((config.http_report, config.http_max_age), (HttpReport::Summary, Duration::from_mins(1)));
        assert!(!config.redact && !config.settings.authorization_details && !config.on_demand);
    }

    #[test]
    fn a_gate_is_one_where_it_is_configured_and_its_stand_in_counts_only_off_lambda() {
        let gates = |variables: &[(&str, &str)]| {
            let all: Vec<_> = variables.iter().copied().chain([("PROBE_BUCKET", "abc")]).collect();
            read(&all).unwrap().gates
        };
        assert_eq!(gates(&[]), Gates::default());
        let both = gates(&[("PROBE_GATE", "codedeploy, cloudformation")]);
        assert!(both.cloudformation && both.codedeploy);
        let local = ("PROBE_GATE_ENDPOINT", "https://localhost:1");
        assert_eq!(
            gates(&[local, ("AWS_ENDPOINT_URL", "http://localhost:2")]).stand_in.as_deref(),
            Some("https://localhost:1")
        );
        assert_eq!(
            gates(&[("AWS_ENDPOINT_URL", "http://localhost:2")]).stand_in.as_deref(),
            Some("http://localhost:2")
        );
        assert_eq!(gates(&[local, (INITIALIZATION, "on-demand")]).stand_in, None);
        for wrong in ["cloudFormation", "cloudformation,", "all"] {
            assert_eq!(
                read(&[("PROBE_BUCKET", "abc"), ("PROBE_GATE", wrong)]).unwrap_err()[0].name.raw(),
                "PROBE_GATE"
            );
        }
        // A deployment that waits is answered even where the rest of the environment is not valid.
        let invalid =
            Config::from_env(|name| (name == "PROBE_GATE").then(|| Ok("cloudformation".to_owned()))).unwrap_err();
        assert!(invalid.gates.cloudformation && !invalid.redact);
    }

    #[test]
    fn names_every_problem_at_once() {
        let wrong: Vec<_> = variables().iter().map(|v| (v.name, "\u{1}?")).collect();
        let problems = read(&wrong).unwrap_err();
        let names: Vec<_> = problems.iter().map(|problem| problem.name.raw()).collect();
        assert_eq!(names, variables().iter().map(|variable| variable.name).collect::<Vec<_>>());
        let endpoint = &read(&[("PROBE_BUCKET", "abc"), ("AWS_ENDPOINT_URL_S3", "x")]).unwrap_err()[0];
        assert_eq!(endpoint.name.raw(), "AWS_ENDPOINT_URL_S3");
    }

    #[test]
    fn logging_follows_lambda() {
        let read = |format: &str, level: &str| {
            Logging::from_env(|name| {
                Some(Ok(if name == "AWS_LAMBDA_LOG_FORMAT" { format.to_owned() } else { level.to_owned() }))
            })
        };
        assert_eq!(read("JSON", "WARN"), Logging { json: true, level: tracing::Level::WARN });
        assert_eq!(read("Text", "fatal"), Logging { json: false, level: tracing::Level::ERROR });
        assert_eq!(read("", "?"), Logging { json: true, level: tracing::Level::INFO });
    }
}
