//! The environment, read once: the only room that reads it.
//!
//! Every problem is found and named in one go, so that nobody has to deploy
//! five times to learn of five typos.

use std::fmt;
use std::time::Duration;

use crate::redact;
use crate::roots::Roots;

/// What the function has to know before it can probe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a variable of the environment, on its own")]
pub struct Config {
    /// `PROBE_BUCKET`: the pipeline's bucket.
    pub bucket: String,
    /// `PROBE_TABLE`: the pipeline's DynamoDB table.
    pub table: String,
    /// `PROBE_TABLE_KEY`: the table's key.
    pub table_key: Option<TableKey>,
    /// `PROBE_PREFIX`: where in the bucket the pipeline works; empty for all of it.
    pub prefix: String,
    /// `PROBE_OBJECT_KEY`: an object that exists, for `s3:GetObject` and `s3:PutObject`.
    pub object_key: Option<String>,
    /// `PROBE_ENDPOINT_NAME`: a SageMaker endpoint that exists, for `sagemaker:InvokeEndpoint`.
    pub endpoint_name: Option<String>,
    /// `PROBE_TRAINING_JOB_NAME`: a training job that exists, for `sagemaker:DescribeTrainingJob`.
    pub training_job_name: Option<String>,
    /// `PROBE_SAGEMAKER_ROLE_ARN`: the role that the pipeline hands to SageMaker, for `iam:PassRole`.
    pub sagemaker_role_arn: Option<String>,
    /// `PROBE_ASSUME_ROLE_ARN`: the role to check in place of the function's own.
    pub assume_role_arn: Option<String>,
    /// `PROBE_EXPECTED_ROLE`: the name of the role that the function should run under.
    pub expected_role: String,
    /// The partition and the account of that role, where the variable is an ARN.
    pub expected_account: Option<(String, String)>,
    /// `PROBE_EXPECTED_REGION`: the Region that the policy's ARNs name.
    pub expected_region: Option<String>,
    /// `PROBE_AUTHORIZATION_DETAILS`: whether AWS is asked to explain its denials.
    pub authorization_details: bool,
    /// `PROBE_REDACT`: whether account ids and session names are masked.
    pub redact: bool,
    /// `PROBE_DENY_CONTROL`: the action that must be denied.
    pub deny_control: Option<String>,
    /// `PROBE_TIMEOUT_MS`: the longest that one probe may take.
    pub timeout: Duration,
    /// `PROBE_GATE`: the deployments that may wait for a run.
    pub gates: Gates,
    /// `PROBE_HTTP_REPORT`: whether the callers of an HTTP front get the whole report.
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
    /// Whether Amazon S3 is asked at an endpoint of the configuration's, which may know no bucket's own host name.
    pub path_style: bool,
    /// Whether requests go through a proxy.
    pub proxy: bool,
    /// The function's own log group and log stream, which Lambda sets.
    pub log_group: Option<String>,
    pub log_stream: Option<String>,
}

/// What the callers of an HTTP front get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpReport {
    /// The verdict, the counts, the cause without names, and the request id.
    #[default]
    Summary,
    /// The whole report.
    Full,
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

/// One thing that is wrong with the environment or with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name of the variable, or the path in the event.
    pub name: String,
    /// The value as it was found; `None` where there was none.
    pub value: Option<String>,
    pub expected: String,
}

impl Problem {
    /// The texts that can have something from outside in them.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.value.iter_mut().chain([&mut self.name, &mut self.expected])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            // What comes from an event is JSON, and has its quotes.
            Some(value) if value.len() > 1 && value.starts_with('"') && value.ends_with('"') => {
                write!(f, "{} is {value}; expected {}", self.name, self.expected)
            }
            Some(value) => write!(f, "{} is {value:?}; expected {}", self.name, self.expected),
            None => write!(f, "{} is not set; expected {}", self.name, self.expected),
        }
    }
}

/// A variable: its name, its default, what it takes and what it is for. The
/// README's table is made of these.
#[derive(Debug)]
pub struct Variable {
    pub name: &'static str,
    pub required: bool,
    pub default: Option<&'static str>,
    pub expected: &'static str,
    pub meaning: &'static str,
    valid: fn(&str) -> bool,
}

/// Every variable of this program.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "PROBE_BUCKET",
        required: true,
        default: None,
        expected: "the name of an S3 bucket: 3 to 63 lower-case letters, digits, dots and hyphens, by S3's naming rules",
        meaning: "the bucket that the policy names (required)",
        valid: is_bucket,
    },
    Variable {
        name: "PROBE_TABLE",
        required: false,
        default: Some("ModelMetadata"),
        expected: "the name of a DynamoDB table: 3 to 255 letters, digits, '_', '-' and '.'",
        meaning: "the table that the policy names",
        valid: is_table,
    },
    Variable {
        name: "PROBE_TABLE_KEY",
        required: false,
        default: None,
        expected: "the name of the table's partition key, a colon and its type, S, N or B, such as modelId:S; at most 255 bytes, no \
                   control characters",
        meaning: "the key of the table, if it is one attribute: with it, the answers to GetItem, PutItem, UpdateItem and Query are \
                  documented proofs",
        valid: |v| table_key(v).is_some(),
    },
    Variable {
        name: "PROBE_PREFIX",
        required: false,
        default: None,
        expected: "a prefix of object keys: at most 900 bytes, no control characters",
        meaning: "where in the bucket the pipeline works, such as `training/`; unset: the whole bucket",
        valid: |v| is_key(v) && v.len() <= 900,
    },
    Variable {
        name: "PROBE_OBJECT_KEY",
        required: false,
        default: None,
        expected: "the key of an object: at most 1024 bytes, no control characters",
        meaning: "an object that exists, for `s3:GetObject`, and, where it is under `PROBE_PREFIX`, for `s3:PutObject`, which cannot \
                  overwrite it; unset: the first object that the function can list, and a new key",
        valid: is_key,
    },
    Variable {
        name: "PROBE_ENDPOINT_NAME",
        required: false,
        default: None,
        expected: "the name of a SageMaker endpoint: 1 to 63 letters, digits and hyphens, no hyphen first or last",
        meaning: "a single-model endpoint that exists, for `sagemaker:InvokeEndpoint`; unset: the name of one that does not",
        valid: is_endpoint,
    },
    Variable {
        name: "PROBE_TRAINING_JOB_NAME",
        required: false,
        default: None,
        expected: "the name of a SageMaker training job: 1 to 63 letters, digits and hyphens, no hyphen first or last",
        meaning: "a training job that exists, for `sagemaker:DescribeTrainingJob`; unset: the name of one that does not",
        valid: is_endpoint,
    },
    Variable {
        name: "PROBE_SAGEMAKER_ROLE_ARN",
        required: false,
        default: None,
        expected: "the ARN of an IAM role, such as arn:aws:iam::ACCOUNT:role/sagemaker-ml-pipeline-role with the account's twelve digits",
        meaning: "the role that the pipeline hands to SageMaker; when set, `iam:PassRole` on it is probed too",
        valid: is_role_arn,
    },
    Variable {
        name: "PROBE_ASSUME_ROLE_ARN",
        required: false,
        default: None,
        expected: "the ARN of an IAM role, such as arn:aws:iam::ACCOUNT:role/sagemaker-ml-pipeline-role with the account's twelve digits",
        meaning: "a role to check in place of the function's own, which has to be allowed to assume it; `sts:AssumeRole` on it is \
                  probed too",
        valid: is_role_arn,
    },
    Variable {
        name: "PROBE_EXPECTED_ROLE",
        required: false,
        default: Some("lambda-ml-pipeline-role"),
        expected: "the name of an IAM role, 1 to 64 letters, digits and any of _+=,.@-, or its ARN",
        meaning: "the role that the function should run under, by name or ARN; another one is named in the advice",
        valid: |v| is_role_name(v) || is_role_arn(v),
    },
    Variable {
        name: "PROBE_EXPECTED_REGION",
        required: false,
        default: None,
        expected: "the code of an AWS Region, such as us-east-1",
        meaning: "the Region that the policy's ARNs name; another one is named in the advice",
        valid: is_region,
    },
    Variable {
        name: "PROBE_AUTHORIZATION_DETAILS",
        required: false,
        default: Some("false"),
        expected: "true or false",
        meaning: "whether AWS is asked for the policies and statements behind a denial that carries an authorization id; the \
                  role needs `iam:GetRequestAuthorizationDetails` for it, and the build the feature `authorization-details`",
        valid: |v| v == "true" || v == "false",
    },
    Variable {
        name: "PROBE_REDACT",
        required: false,
        default: None,
        expected: "account, or nothing",
        meaning: "`account` masks account ids and session names in the response and the logs, for pasting them in public",
        valid: |v| v == "account",
    },
    Variable {
        name: "PROBE_TIMEOUT_MS",
        required: false,
        default: Some("5000"),
        expected: "a whole number of milliseconds from 100 to 60000",
        meaning: "the longest that one probe may take; the invocation's own deadline shortens it",
        valid: |v| v.parse::<u64>().is_ok_and(|ms| (100..=60_000).contains(&ms)),
    },
    Variable {
        name: "PROBE_METRICS",
        required: false,
        default: Some("run"),
        expected: "off, run or actions",
        meaning: "which CloudWatch metrics a run writes: none, those of the run, or also one for each action",
        valid: |v| matches!(v, "off" | "run" | "actions"),
    },
    Variable {
        name: "PROBE_METRICS_NAMESPACE",
        required: false,
        default: Some("PermissionsProbe"),
        expected: "a namespace of CloudWatch metrics: 1 to 255 characters of ASCII, not starting with a colon, a space or AWS/",
        meaning: "the namespace of the metrics",
        valid: is_namespace,
    },
    Variable {
        name: "PROBE_GATE",
        required: false,
        default: None,
        expected: "cloudformation, codedeploy, or both with a comma between them",
        meaning: "the deployments that may wait for a run; unset: their events are events like any other, and are not answered",
        valid: |v| gates(v).is_some(),
    },
    Variable {
        name: "PROBE_GATE_ENDPOINT",
        required: false,
        default: None,
        expected: "a URL that starts with https:// and has a host, and a port where it is not 443",
        meaning: "what stands for CloudFormation's bucket on a machine of your own; on Lambda it counts for nothing",
        valid: |v| v.starts_with("https://") && is_url(v),
    },
    Variable {
        name: "PROBE_HTTP_REPORT",
        required: false,
        default: Some("summary"),
        expected: "summary or full",
        meaning: "what the callers of API Gateway, a function URL or a load balancer get: the verdict, the counts, the cause and the request \
                  id, or the whole report",
        valid: |v| v == "summary" || v == "full",
    },
    Variable {
        name: "PROBE_HTTP_MAX_AGE",
        required: false,
        default: Some("60"),
        expected: "a whole number of seconds from 0 to 3600",
        meaning: "for how long those callers get the same result, before the next request makes a run",
        valid: |v| v.parse::<u64>().is_ok_and(|seconds| seconds <= 3600),
    },
    Variable {
        name: "PROBE_DENY_CONTROL",
        required: false,
        default: None,
        expected: "one of dynamodb:ListTables, logs:DescribeLogGroups, s3:ListAllMyBuckets",
        meaning: "an action that the role must not have: it is tried as well, and if it is allowed, something says yes to \
                  everything, so that no \"allowed\" of the run is believed",
        valid: |v| DENY_CONTROLS.contains(&v),
    },
    Variable {
        name: "AWS_CA_BUNDLE",
        required: false,
        default: None,
        expected: "the path of a file with certificates in PEM, all of which can be read",
        meaning: "the certificates to trust, behind a proxy that looks into TLS; unset: `SSL_CERT_FILE`, else Amazon's own on \
                  Lambda and the operating system's elsewhere",
        valid: |v| bundle(v).is_some(),
    },
    Variable {
        name: "SSL_CERT_FILE",
        required: false,
        default: None,
        expected: "the path of a file with certificates in PEM, all of which can be read",
        meaning: "the same, by the name that OpenSSL gave it",
        valid: |v| bundle(v).is_some(),
    },
];

/// The deployments that a value of `PROBE_GATE` names.
fn gates(value: &str) -> Option<Gates> {
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

/// The actions that can be named as the one that must be denied.
const DENY_CONTROLS: &[&str] = &["dynamodb:ListTables", "logs:DescribeLogGroups", "s3:ListAllMyBuckets"];

impl Config {
    /// Reads the environment through `lookup`, which returns `None` for a
    /// variable that is not set and an error for one that is not Unicode.
    ///
    /// An empty variable counts as one that is not set, since a template cannot
    /// leave a variable out.
    ///
    /// # Errors
    ///
    /// All problems together, in the order of [`VARIABLES`].
    pub fn from_env(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> Result<Self, Invalid> {
        let mut problems = Vec::new();
        let mut read = |name: &str| {
            let variable = VARIABLES.iter().find(|v| v.name == name).expect("only the names in the list are read");
            let found = lookup(name).filter(|found| found.as_ref().map_or(true, |value| !value.is_empty()));
            let valid = match &found {
                Some(Ok(value)) => (variable.valid)(value),
                Some(Err(_)) => false,
                None => !variable.required,
            };
            if valid {
                return found.and_then(Result::ok).or(variable.default.map(str::to_owned));
            }
            problems.push(Problem {
                name: name.to_owned(),
                value: found.map(|found| found.unwrap_or_else(|lossy| lossy)),
                expected: variable.expected.to_owned(),
            });
            None
        };
        let config = Self {
            bucket: read("PROBE_BUCKET").unwrap_or_default(),
            table: read("PROBE_TABLE").unwrap_or_default(),
            table_key: read("PROBE_TABLE_KEY").as_deref().and_then(table_key),
            prefix: read("PROBE_PREFIX").unwrap_or_default(),
            object_key: read("PROBE_OBJECT_KEY"),
            endpoint_name: read("PROBE_ENDPOINT_NAME"),
            training_job_name: read("PROBE_TRAINING_JOB_NAME"),
            sagemaker_role_arn: read("PROBE_SAGEMAKER_ROLE_ARN"),
            assume_role_arn: read("PROBE_ASSUME_ROLE_ARN"),
            // A session's ARN has the role's name and not its path.
            expected_role: read("PROBE_EXPECTED_ROLE")
                .and_then(|role| role.rsplit('/').next().map(str::to_owned))
                .unwrap_or_default(),
            expected_account: given(&lookup, "PROBE_EXPECTED_ROLE").filter(|role| is_role_arn(role)).and_then(|arn| {
                let mut parts = arn.split(':').skip(1).map(str::to_owned);
                Some((parts.next()?, parts.nth(2)?))
            }),
            path_style: ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"].iter().any(|name| given(&lookup, name).is_some()),
            proxy: PROXIES.iter().any(|name| given(&lookup, name).is_some()),
            expected_region: read("PROBE_EXPECTED_REGION"),
            authorization_details: read("PROBE_AUTHORIZATION_DETAILS").is_some_and(|value| value == "true"),
            redact: read("PROBE_REDACT").is_some(),
            timeout: Duration::from_millis(read("PROBE_TIMEOUT_MS").and_then(|ms| ms.parse().ok()).unwrap_or_default()),
            metrics: match read("PROBE_METRICS").as_deref() {
                Some("off") => Metrics::Off,
                Some("actions") => Metrics::Actions,
                _ => Metrics::Run,
            },
            metrics_namespace: read("PROBE_METRICS_NAMESPACE").unwrap_or_default(),
            function_name: given(&lookup, "AWS_LAMBDA_FUNCTION_NAME"),
            log_level: log_level(&lookup),
            gates: {
                let gates = read("PROBE_GATE").as_deref().and_then(gates).unwrap_or_default();
                let stand_in = read("PROBE_GATE_ENDPOINT").or_else(|| given(&lookup, "AWS_ENDPOINT_URL"));
                // Where Lambda started the function, CloudFormation's own bucket waits and no other.
                Gates { stand_in: stand_in.filter(|_| !on_lambda(&lookup)), ..gates }
            },
            http_report: match read("PROBE_HTTP_REPORT").as_deref() {
                Some("full") => HttpReport::Full,
                _ => HttpReport::Summary,
            },
            http_max_age: Duration::from_secs(
                read("PROBE_HTTP_MAX_AGE").and_then(|seconds| seconds.parse().ok()).unwrap_or_default(),
            ),
            deny_control: read("PROBE_DENY_CONTROL"),
            on_demand: given(&lookup, INITIALIZATION).is_some_and(|how| how == "on-demand"),
            log_group: given(&lookup, "AWS_LAMBDA_LOG_GROUP_NAME"),
            log_stream: given(&lookup, "AWS_LAMBDA_LOG_STREAM_NAME"),
        };
        // Used by `roots`, which has to make do with what there is.
        for name in BUNDLES {
            drop(read(name));
        }
        for name in ENDPOINTS {
            if let Some(url) = given(&lookup, name).filter(|url| !is_url(url)) {
                let expected = "a URL that starts with https:// or http://; unset on AWS".to_owned();
                problems.push(Problem { name: (*name).to_owned(), value: Some(url), expected });
            }
        }
        problems.extend(config.assumed_role().and_then(|(_, account)| config.role_of_another_account(account)));
        if problems.is_empty() {
            return Ok(config);
        }
        // What is wrong is shown and logged as well. A value that is not valid asks for it, too.
        let redact = given(&lookup, "PROBE_REDACT").is_some();
        if redact {
            redact::mask(problems.iter_mut().flat_map(Problem::texts_mut).collect());
        }
        Err(Invalid { problems, redact, gates: config.gates })
    }
}

impl Config {
    /// The name and the account of the role to check in place of the function's own.
    pub fn assumed_role(&self) -> Option<(&str, &str)> {
        let arn = self.assume_role_arn.as_deref()?;
        Some((arn.rsplit('/').next()?, arn.split(':').nth(4)?))
    }

    /// What is wrong where the role for SageMaker is of another account than the
    /// caller's: AWS lets no principal pass a role across accounts (IAM User Guide,
    /// "Grant a user permissions to pass a role to an AWS service").
    pub fn role_of_another_account(&self, account: &str) -> Option<Problem> {
        let arn = self.sagemaker_role_arn.as_deref().filter(|arn| arn.split(':').nth(4) != Some(account))?;
        Some(Problem {
            name: "PROBE_SAGEMAKER_ROLE_ARN".to_owned(),
            value: Some(arn.to_owned()),
            expected: format!(
                "the ARN of a role of the account {account}, which is the caller's: SageMaker takes no role of another account"
            ),
        })
    }

    /// The object that exists, where the pipeline's writes go as well.
    pub fn object_under_prefix(&self) -> Option<&str> {
        self.object_key.as_deref().filter(|key| key.starts_with(&self.prefix))
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

/// Whose certificates are trusted. It is known even where the environment is not
/// valid otherwise, since somebody may wait to be told so.
pub fn roots(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> Roots {
    match BUNDLES.iter().find_map(|name| given(&lookup, name)).and_then(|path| bundle(&path)) {
        Some(bundle) => bundle,
        None if on_lambda_of_aws(&lookup) => Roots::Amazon,
        None => Roots::System,
    }
}

/// The variables that name a file of certificates, the one that counts first.
const BUNDLES: &[&str] = &["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

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
fn on_lambda(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> bool {
    given(lookup, INITIALIZATION).is_some()
}

/// Whether requests can be sent there.
fn is_url(url: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with('/') && host.bytes().all(|b| b.is_ascii_graphic()))
}

/// The certificates of a file. One of more than a few megabytes, or none at all
/// such as a device, holds no certificates.
fn bundle(path: &str) -> Option<Roots> {
    let file = std::fs::metadata(path).ok().filter(|file| file.is_file() && file.len() < 4 << 20);
    file.and_then(|_| std::fs::read(path).ok()).and_then(Roots::bundle)
}

/// How Lambda started the function (Lambda Developer Guide, "Defined runtime
/// environment variables"); emulators leave it out.
const INITIALIZATION: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";

/// Whether the function runs on Lambda, in the partition whose endpoints have
/// certificates of Amazon's, and calls those endpoints.
fn on_lambda_of_aws(lookup: impl Fn(&str) -> Option<Result<String, String>>) -> bool {
    let on_lambda = on_lambda(&lookup);
    let elsewhere = ENDPOINTS.iter().chain(&["SSL_CERT_DIR"]).any(|name| given(&lookup, name).is_some());
    let partition = given(&lookup, "AWS_REGION").is_some_and(|region| {
        is_region(&region) && !["cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"].iter().any(|p| region.starts_with(p))
    });
    on_lambda && partition && !elsewhere
}

/// S3 User Guide, "General purpose bucket naming rules".
fn is_bucket(name: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let reserved_prefixes = ["xn--", "sthree-", "amzn-s3-demo-"];
    let reserved_suffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| alphanumeric(b) || b == b'.' || b == b'-')
        && name.bytes().next().is_some_and(alphanumeric)
        && name.bytes().last().is_some_and(alphanumeric)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !reserved_prefixes.iter().any(|prefix| name.starts_with(prefix))
        && !reserved_suffixes.iter().any(|suffix| name.ends_with(suffix))
}

/// DynamoDB Developer Guide, "Naming rules".
fn is_table(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// DynamoDB Developer Guide, "Naming rules": the name of a key has 1 to 255 bytes.
fn table_key(value: &str) -> Option<TableKey> {
    let (name, kind) = value.rsplit_once(':')?;
    let kind = match kind {
        "S" => KeyType::String,
        "N" => KeyType::Number,
        "B" => KeyType::Binary,
        _ => return None,
    };
    let valid = (1..=255).contains(&name.len()) && !name.chars().any(char::is_control);
    valid.then(|| TableKey { name: name.to_owned(), kind })
}

/// S3 User Guide, "Naming Amazon S3 objects".
fn is_key(key: &str) -> bool {
    (1..=1024).contains(&key.len()) && !key.chars().any(char::is_control)
}

/// SageMaker API Reference, `EndpointName`.
fn is_endpoint(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// CloudWatch API Reference, `PutMetricData`: `Namespace`.
fn is_namespace(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && !name.starts_with([':', ' '])
        && !name.ends_with(' ')
        && !name.starts_with("AWS/")
}

/// IAM User Guide, "IAM and AWS STS quotas": names of roles.
pub fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

/// SageMaker API Reference, `RoleArn`.
fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [arn, partition, "iam", "", account, resource] = parts[..] else { return false };
    arn == "arn"
        && partition.starts_with("aws")
        && partition.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        && is_account(account)
        && resource.strip_prefix("role/").is_some_and(|name| {
            name.split('/').all(|part| !part.is_empty()) && is_role_name(name.rsplit('/').next().unwrap_or_default())
        })
}

/// The twelve digits of an AWS account id.
pub fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())
}

/// AWS General Reference, "Regional endpoints": the form of a Region's code.
pub fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    parts.len() >= 3
        && parts[..parts.len() - 1].iter().all(|p| p.len() >= 2 && p.bytes().all(|b| b.is_ascii_lowercase()))
        && parts[parts.len() - 1].bytes().all(|b| b.is_ascii_digit())
        && !parts[parts.len() - 1].is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        Config::from_env(|name| vars.iter().find(|v| v.0 == name).map(|v| Ok(v.1.to_owned()))).map_err(|it| it.problems)
    }

    #[test]
    fn only_the_bucket_is_required() {
        let config = read(&[("PROBE_BUCKET", "your-bucket-name")]).unwrap();
        assert_eq!(config.bucket, "your-bucket-name");
        assert_eq!(config.table, "ModelMetadata");
        assert_eq!(config.expected_role, "lambda-ml-pipeline-role");
        assert_eq!(config.timeout, Duration::from_secs(5));
        assert_eq!((config.prefix.as_str(), config.object_key, config.log_group), ("", None, None));

        let problems = read(&[]).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].name.as_str(), &problems[0].value), ("PROBE_BUCKET", &None));
    }

    #[test]
    fn the_expected_role_is_known_by_its_name() {
        let role = ("PROBE_EXPECTED_ROLE", "arn:aws:iam::123456789012:role/service-role/pipeline");
        assert_eq!(read(&[("PROBE_BUCKET", "abc"), role]).unwrap().expected_role, "pipeline");
    }

    #[test]
    fn what_is_wrong_is_redacted_too() {
        let wrong = ("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::123456789012:user/u");
        let problems = read(&[("PROBE_BUCKET", "abc"), ("PROBE_REDACT", "account"), wrong]).unwrap_err();
        assert_eq!(problems[0].value.as_deref(), Some("arn:aws:iam::ACCOUNT-1:user/USER"));
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
        assert_eq!(problems[0].name, "PROBE_SAGEMAKER_ROLE_ARN");
        assert!(problems[0].expected.contains("a role of the account 123456789012"), "{problems:?}");
        // Of the function's own account nothing is known yet.
        assert!(roles("arn:aws:iam::111122223333:role/s", "").is_ok());
        assert!(roles("arn:aws:iam::111122223333:role/s", "arn:aws:iam::111122223333:role/r").is_ok());
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
            assert_eq!(read(&[("PROBE_BUCKET", "abc"), ("PROBE_GATE", wrong)]).unwrap_err()[0].name, "PROBE_GATE");
        }
        // A deployment that waits is answered even where the rest of the environment is not valid.
        let invalid =
            Config::from_env(|name| (name == "PROBE_GATE").then(|| Ok("cloudformation".to_owned()))).unwrap_err();
        assert!(invalid.gates.cloudformation && !invalid.redact);
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let empty: Vec<_> = VARIABLES.iter().map(|v| (v.name, "")).collect();
        let problems = read(&empty).unwrap_err();
        assert_eq!(problems.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["PROBE_BUCKET"]);
    }

    #[test]
    fn names_every_problem_at_once() {
        let wrong: Vec<_> = VARIABLES.iter().map(|v| (v.name, "\u{1}?")).collect();
        let problems = read(&wrong).unwrap_err();
        assert_eq!(
            problems.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
            VARIABLES.iter().map(|v| v.name).collect::<Vec<_>>()
        );
        assert!(problems.iter().all(|p| p.value.as_deref() == Some("\u{1}?") && !p.expected.is_empty()));
        assert_eq!(
            read(&[("PROBE_BUCKET", "b0b"), ("PROBE_TABLE", "x")]).unwrap_err()[0].to_string(),
            "PROBE_TABLE is \"x\"; expected the name of a DynamoDB table: 3 to 255 letters, digits, '_', '-' and '.'"
        );
    }

    #[test]
    fn a_value_that_is_not_unicode_is_a_problem() {
        let problems = Config::from_env(|name| (name == "PROBE_BUCKET").then(|| Err("b\u{fffd}".to_owned())));
        assert_eq!(problems.unwrap_err().problems[0].value.as_deref(), Some("b\u{fffd}"));
    }

    #[test]
    fn follows_the_naming_rules_of_aws() {
        let long = "x".repeat(64);
        for (name, good, bad) in [
            (
                "PROBE_BUCKET",
                &["abc", "my.bucket-1", "your-bucket-name"][..],
                &["ab", "Bucket", "a_b_c", "a..b", "-abc", "abc-", "192.168.5.4", "xn--abc", "abc-s3alias", &long][..],
            ),
            ("PROBE_TABLE", &["ModelMetadata", "a.b_c-d"], &["ab", "a/b", "tablé"]),
            ("PROBE_ENDPOINT_NAME", &["a", "my-endpoint-1"], &["-a", "a-", "a_b", &long]),
            ("PROBE_TRAINING_JOB_NAME", &["a", "my-job-1"], &["-a", "a-", "a_b", &long]),
            (
                "PROBE_TABLE_KEY",
                &["modelId:S", "a:b:N", "é:B"],
                &["modelId", ":S", "modelId:", "modelId:s", "modelId:SS", "a\n:S"],
            ),
            (
                "PROBE_SAGEMAKER_ROLE_ARN",
                &[
                    "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role",
                    "arn:aws-cn:iam::123456789012:role/service-role/r",
                ],
                &[
                    "sagemaker-ml-pipeline-role",
                    "arn:aws:iam::12345:role/r",
                    "arn:aws:iam::123456789012:user/u",
                    "arn:aws:iam::123456789012:role/",
                    "arn:aws:iam:us-east-1:123456789012:role/r",
                ],
            ),
            ("PROBE_EXPECTED_ROLE", &["r", "arn:aws:iam::123456789012:role/path/r"], &["path/r", "a b"]),
            (
                "PROBE_EXPECTED_REGION",
                &["us-east-1", "ap-southeast-1", "us-gov-west-1"],
                &["us-east", "US-EAST-1", "x"],
            ),
            ("PROBE_METRICS_NAMESPACE", &["Team: Probe", "a/b#c"], &["AWS/Lambda", ":a", " a", "a ", "é"]),
            ("PROBE_TIMEOUT_MS", &["100", "60000"], &["99", "60001", "1.5", "5s", "-1"]),
        ] {
            let variable = VARIABLES.iter().find(|v| v.name == name).unwrap();
            for value in good {
                assert!((variable.valid)(value), "{name} {value}");
            }
            for value in bad {
                assert!(!(variable.valid)(value), "{name} {value}");
            }
        }
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
