//! What a probe is, what it runs in, and how one is run.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use tokio::sync::SetOnce;

use crate::answer::{Answer, Silence};
use crate::config::{Config, Problem, is_account, is_role_name};
use crate::verdict::{Judgement, Proof, Verdict, judge};

/// One action, and the request that makes AWS decide whether it is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// The action as IAM writes it.
    pub action: &'static str,
    /// The ARNs, or patterns of ARNs, that a statement for the action names; the
    /// first is the one that the report gives.
    pub resources: fn(&Context) -> Vec<String>,
    /// The request in a few words.
    pub request: &'static str,
    /// Why the request changes nothing.
    pub harmless: &'static str,
    /// What it can leave behind, and what one request costs.
    pub side_effect: &'static str,
    /// The answers that prove "allowed".
    pub proofs: &'static [Proof],
    /// The actions, with IAM's wildcards, that AWS looks at only after this one.
    pub behind: &'static [&'static str],
    /// What of the request a policy's condition can look at, and the pipeline's own request may have otherwise.
    pub shape: fn(&Context) -> String,
    /// What to configure for a proof that is documented; `None` where that is done.
    pub better: fn(&Config) -> Option<&'static str>,
    /// What AWS has made, should it carry the request out.
    pub leftover: Option<fn(&Context) -> Leftover>,
    pub when: When,
    pub run: for<'a> fn(&'a Context) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>,
}

/// What a request leaves behind that was made to be refused, and was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Such as `the model permissions-probe-…`.
    pub what: String,
    /// The command that deletes it, where it can be deleted.
    pub command: Option<String>,
}

/// What [`Probe::better`] says of a probe of which no better proof is known.
pub const NO_BETTER: &str = "No harmless request is known that proves it better.";

/// A text as one word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// When a probe is part of a run.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// The guide's policy grants the action.
    Always,
    /// Only where the configuration asks for it.
    Configured(fn(&Config) -> bool),
    /// Only where `PROBE_DENY_CONTROL` names the action, which AWS must then deny.
    MustBeDenied,
}

impl Probe {
    /// Whether a run is sound only if AWS denies the action.
    pub fn must_be_denied(&self) -> bool {
        matches!(self.when, When::MustBeDenied)
    }
}

/// Everything that the probes of one invocation run in.
#[derive(Debug)]
pub struct Context {
    pub config: Arc<Config>,
    pub clients: Clients,
    pub region: String,
    /// The account of the function, if its ARN names one.
    pub function_account: Option<String>,
    /// The account of the role to check, where that is not the function's own.
    pub session_account: Option<String>,
    /// The credentials of that role, once it has been assumed.
    pub session: OnceLock<Credentials>,
    /// Who AWS says is calling.
    identity: OnceLock<Principal>,
    /// Set when the control has been answered, whatever the answer.
    control_answered: SetOnce<()>,
    /// The name of the table's key, as AWS's answer to Query tells it: set when Query is done.
    key_name: SetOnce<Option<String>>,
    /// What makes the names of this run its own.
    pub nonce: String,
    /// What makes the names of this function its own, in this run and in all others.
    own: String,
}

/// Who AWS says is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub arn: String,
    pub account: String,
}

impl Principal {
    /// The name of the role, where the principal is a session of one.
    pub fn role(&self) -> Option<&str> {
        let (_, session) = self.arn.split_once(":assumed-role/")?;
        session.split('/').next().filter(|role| is_role_name(role))
    }
}

/// The start of every name that a probe sends and that must not exist.
pub const NAME: &str = "permissions-probe-";

/// An attribute that no table has as a key.
pub const ABSENT_ATTRIBUTE: &str = "permissions_probe_absent";

/// A part of AWS with accounts of its own.
#[derive(Debug)]
pub struct Partition {
    pub name: &'static str,
    /// What the codes of its Regions start with; nothing, for all others.
    regions: &'static str,
    /// What the names of its hosts end with.
    pub dns_suffix: &'static str,
}

/// The partitions, the one of all other Regions last (AWS General Reference,
/// "Amazon Resource Names (ARNs)"; the SDKs' partitions.json).
pub const PARTITIONS: &[Partition] = &[
    Partition { name: "aws-cn", regions: "cn-", dns_suffix: "amazonaws.com.cn" },
    Partition { name: "aws-us-gov", regions: "us-gov-", dns_suffix: "amazonaws.com" },
    Partition { name: "aws-iso", regions: "us-iso-", dns_suffix: "c2s.ic.gov" },
    Partition { name: "aws-iso-b", regions: "us-isob-", dns_suffix: "sc2s.sgov.gov" },
    Partition { name: "aws-iso-e", regions: "eu-isoe-", dns_suffix: "cloud.adc-e.uk" },
    Partition { name: "aws-iso-f", regions: "us-isof-", dns_suffix: "csp.hci.ic.gov" },
    Partition { name: "aws-eusc", regions: "eusc-", dns_suffix: "amazonaws.eu" },
    Partition { name: "aws", regions: "", dns_suffix: "amazonaws.com" },
];

/// The partition that a Region belongs to.
pub fn partition_of(region: &str) -> &'static Partition {
    let known = PARTITIONS.iter().find(|partition| region.starts_with(partition.regions));
    known.expect("every Region starts with nothing, which the last one asks for")
}

impl Context {
    pub fn new(config: Arc<Config>, clients: Clients, region: &str, function_arn: &str) -> Self {
        Self {
            config,
            clients,
            region: region.to_owned(),
            function_account: function_arn.split(':').nth(4).filter(|id| is_account(id)).map(str::to_owned),
            session_account: None,
            session: OnceLock::new(),
            identity: OnceLock::new(),
            control_answered: SetOnce::new(),
            key_name: SetOnce::new(),
            nonce: format!("{:016x}", fastrand::u64(..)),
            own: format!("{:016x}", hash(&own_part(function_arn))),
        }
    }

    /// The same in the session of the role to check, if there is one.
    pub fn in_session(&self, sdk: &SdkConfig) -> Option<Self> {
        let credentials = self.session.get()?.clone();
        let sdk = sdk
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            // They are this run's alone, and must not fill the cache of all runs.
            .identity_cache(IdentityCache::no_cache())
            .build();
        Some(Self {
            config: self.config.clone(),
            clients: Clients::new(&sdk, &self.config),
            region: self.region.clone(),
            function_account: self.function_account.clone(),
            session_account: self.config.assumed_role().map(|(_, account)| account.to_owned()),
            session: OnceLock::new(),
            identity: OnceLock::new(),
            control_answered: SetOnce::new(),
            key_name: SetOnce::new(),
            nonce: self.nonce.clone(),
            own: self.own.clone(),
        })
    }

    /// The account that the probes work in, where it is known beforehand.
    fn own_account(&self) -> Option<&String> {
        self.session_account.as_ref().or(self.function_account.as_ref())
    }

    /// Whether the role to check is known to be of another account than the function.
    pub fn is_elsewhere(&self) -> bool {
        let role = self.config.assumed_role().map(|(_, account)| account);
        role.zip(self.function_account.as_deref()).is_some_and(|(role, function)| role != function)
    }

    /// What is wrong with the role for SageMaker, where the function's ARN already shows it.
    pub fn role_of_another_account(&self) -> Option<Problem> {
        let account = self.function_account.as_ref().filter(|_| self.config.assume_role_arn.is_none())?;
        self.config.role_of_another_account(account)
    }

    /// A name that nothing in the account has.
    pub fn absent_name(&self) -> String {
        format!("{NAME}{}", self.nonce)
    }

    /// The name of whatever a request would make, should AWS carry it out. It
    /// follows from the function's ARN, so that there is never more than one.
    pub fn record_name(&self) -> String {
        format!("{NAME}{}", self.own)
    }

    /// The same as a number, which no item of a table is likely to have as its key.
    pub fn record_number(&self) -> String {
        format!("-{}", u64::from_str_radix(&self.own, 16).unwrap_or_default())
    }

    /// The name of the table's key, if Query learns it while the probe that asks can wait for it.
    pub async fn key_name(&self) -> Option<&str> {
        // Query may have to wait for its turn behind the probe that asks.
        let wait = (self.config.timeout / 4).min(left() / 2);
        let learned = tokio::time::timeout(wait, self.key_name.wait()).await;
        learned.ok()?.as_deref()
    }

    /// Keeps what Query has learned, if anything. What it learned once stays.
    pub fn keep_key_name(&self, name: Option<String>) {
        drop(self.key_name.set(name));
    }

    /// Whether a resource is one whose name this program made up.
    pub fn is_made_up(&self, resource: &str) -> bool {
        [self.absent_name(), self.record_name()].iter().any(|name| resource.contains(name.as_str()))
    }

    /// Who AWS says is calling; `None` while it has not said so.
    pub fn principal(&self) -> Option<&Principal> {
        self.identity.get()
    }

    /// Keeps AWS's answer to the control. What it said once stays.
    pub fn keep_identity(&self, principal: Option<Principal>) {
        if let Some(principal) = principal {
            drop(self.identity.set(principal));
        }
        drop(self.control_answered.set(()));
    }

    /// The account that the probes work in: from the function's ARN at once, or
    /// that of the role to check, else from AWS's answer to the control, which
    /// runs beside the probes.
    ///
    /// # Errors
    ///
    /// An answer that says that the account is not known.
    pub async fn account(&self) -> Result<String, Box<Answer>> {
        if let Some(account) = self.own_account() {
            return Ok(account.clone());
        }
        self.control_answered.wait().await;
        self.principal().map(|principal| principal.account.clone()).ok_or_else(|| {
            Box::new(Answer::nothing(
                Silence::AccountUnknown,
                "the account is not known: neither the function's ARN nor sts:GetCallerIdentity gave it",
            ))
        })
    }

    /// The account for the ARN of a row: the one that AWS says is calling, else
    /// the expected one. `*` while neither is known, as IAM writes it.
    pub fn known_account(&self) -> &str {
        let principal = self.principal().map(|principal| principal.account.as_str());
        principal.or(self.own_account().map(String::as_str)).unwrap_or("*")
    }

    /// The partition that the Region belongs to.
    pub fn partition(&self) -> &'static str {
        self.of_partition().name
    }

    /// What the names of the partition's hosts end with.
    pub fn dns_suffix(&self) -> &'static str {
        self.of_partition().dns_suffix
    }

    fn of_partition(&self) -> &'static Partition {
        partition_of(&self.region)
    }

    /// The ARN of something in this Region and account.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.known_account())
    }

    pub fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.partition(), self.config.bucket)
    }

    /// The objects that the pipeline works on.
    pub fn objects_arn(&self) -> String {
        let prefix = literal(&self.config.prefix);
        format!("{}/{prefix}*", self.bucket_arn())
    }

    /// The objects that are read: the configured one, too, where the pipeline's prefix does not take it in.
    pub fn read_objects_arns(&self) -> Vec<String> {
        let outside = self.config.object_key.as_ref().filter(|key| !key.starts_with(&self.config.prefix));
        let outside = outside.map(|key| format!("{}/{}", self.bucket_arn(), literal(key)));
        std::iter::once(self.objects_arn()).chain(outside).collect()
    }

    /// An ARN in which the names that this program made up are left open.
    pub fn opened(&self, resource: &str) -> String {
        resource.replace(&self.absent_name(), "*").replace(&self.record_name(), "*")
    }

    pub fn table_arn(&self) -> String {
        self.arn("dynamodb", &format!("table/{}", self.config.table))
    }

    /// The function's own log group and what is in it.
    pub fn log_group_arn(&self) -> String {
        self.arn("logs", &format!("log-group:{}:*", self.log_group()))
    }

    /// The function's own log group, without what is in it.
    pub fn bare_log_group_arn(&self) -> String {
        self.arn("logs", &format!("log-group:{}", self.log_group()))
    }

    fn log_group(&self) -> &str {
        self.config.log_group.as_deref().unwrap_or("*")
    }

    /// The ARN of a role of this account that does not exist.
    pub fn absent_role_arn(&self, account: &str) -> String {
        format!("arn:{}:iam::{account}:role/{}", self.partition(), self.absent_name())
    }

    /// An image in this account's registry that does not exist.
    pub fn absent_image(&self, account: &str) -> String {
        let suffix = self.dns_suffix();
        format!("{account}.dkr.ecr.{}.{suffix}/{}:absent", self.region, self.absent_name())
    }
}

/// The function's ARN without the version or the alias that was invoked, and
/// without the account, which a redacted report must not be able to give away.
fn own_part(function_arn: &str) -> String {
    function_arn
        .split(':')
        .take(7)
        .enumerate()
        .filter(|(place, _)| *place != 4)
        .flat_map(|(_, part)| [part, ":"])
        .collect()
}

/// A key as a policy names it: what IAM would take for a wildcard or a variable
/// is written as one that stands for itself, and what a policy document cannot
/// hold is left open (IAM API Reference, `PutRolePolicy`: no character beyond U+00FF).
fn literal(key: &str) -> String {
    let mut literal = String::with_capacity(key.len());
    for c in key.chars() {
        match c {
            '$' | '*' | '?' => literal.extend(["${", c.encode_utf8(&mut [0; 4]), "}"]),
            '\u{100}'.. if literal.ends_with('*') => {}
            '\u{100}'.. => literal.push('*'),
            c => literal.push(c),
        }
    }
    literal
}

/// The hash function FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One client a service, made once for the life of the process.
#[derive(Clone, Debug)]
pub struct Clients {
    pub s3: aws_sdk_s3::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub sagemaker: aws_sdk_sagemaker::Client,
    pub sagemaker_runtime: aws_sdk_sagemakerruntime::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sts: aws_sdk_sts::Client,
    #[cfg(feature = "authorization-details")]
    pub iam_toolbox: aws_sdk_iamtoolbox::Client,
}

impl Clients {
    pub fn new(sdk: &SdkConfig, config: &Config) -> Self {
        let timeout = config.timeout;
        let sdk = sdk
            .to_builder()
            // Three attempts to connect fit into the time of one probe, so that
            // a network without a way out is told from a service that is slow.
            // One on a connection that has gone silent leaves time for another one, on a new connection.
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(timeout.mul_f32(0.3))
                    .operation_attempt_timeout(timeout.mul_f32(0.6))
                    .build(),
            )
            // However long a service asks to wait for, the run has an end.
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(3)
                    .with_initial_backoff(Duration::from_millis(50))
                    .with_max_backoff(timeout.mul_f32(0.1)),
            )
            .build();
        // The SDK's own budget of retries is one for the whole process, and outages of some runs would use it up
        // for the next ones. A run needs none: its probes and their attempts are counted.
        let partition = RetryPartition::custom(NAME).token_bucket(TokenBucket::unlimited()).build();
        macro_rules! client {
            ($service:ident) => {{
                let config = $service::config::Builder::from(&sdk).retry_partition(partition.clone());
                $service::Client::from_conf(config.build())
            }};
        }
        let s3 = aws_sdk_s3::config::Builder::from(&sdk)
            .retry_partition(partition.clone())
            // Emulators do not answer under a bucket's own host name.
            .force_path_style(config.path_style)
            // The digest that PutObject's probe sends must stay the wrong one.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            dynamodb: client!(aws_sdk_dynamodb),
            sagemaker: client!(aws_sdk_sagemaker),
            sagemaker_runtime: client!(aws_sdk_sagemakerruntime),
            logs: client!(aws_sdk_cloudwatchlogs),
            sts: client!(aws_sdk_sts),
            #[cfg(feature = "authorization-details")]
            iam_toolbox: client!(aws_sdk_iamtoolbox),
        }
    }
}

/// What one probe was answered, and how long that took.
#[derive(Debug)]
pub struct Outcome {
    pub probe: &'static Probe,
    pub answer: Answer,
    pub duration: Duration,
    /// After how long it was allowed, where it was not at first, and what it was then.
    pub settled: Option<Settled>,
}

/// A row that came to be allowed when it was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub after: Duration,
    /// `denied`, or the name of the cause.
    pub before: &'static str,
}

impl Outcome {
    /// What the answer proves by itself.
    pub fn verdict(&self) -> Verdict {
        self.judge().verdict()
    }

    /// The same, with what it rests on.
    pub fn judge(&self) -> Judgement<'_> {
        judge(&self.answer, self.probe.action, self.probe.proofs, self.probe.behind)
    }

    /// What the request leaves behind, if AWS carried it out.
    pub fn leftover(&self, cx: &Context) -> Option<Leftover> {
        let of_form = self.answer.leftover.as_deref().cloned();
        of_form.or_else(|| self.probe.leftover.map(|leftover| leftover(cx)))
    }
}

tokio::task_local! {
    /// Until when a probe may wait for more than it knows already.
    static ENDS: Instant;
}

/// The time that a probe has left for more than it knows already.
fn left() -> Duration {
    ENDS.try_with(|ends| ends.saturating_duration_since(Instant::now())).unwrap_or(Duration::MAX)
}

/// What a further request is answered: `None` where its answer does not come in
/// time, so that it cannot cost what an earlier one has told.
pub async fn further(request: impl Future<Output = Answer>) -> Option<Answer> {
    tokio::time::timeout(left(), request).await.ok()
}

/// Runs one probe within a time limit. A probe that panics is an answer too.
pub async fn run(probe: &'static Probe, cx: Arc<Context>, limit: Duration) -> Outcome {
    let started = Instant::now();
    let ends = started + limit.mul_f32(0.9);
    // In a task of its own, so that a panic ends there.
    let mut task = tokio::spawn(ENDS.scope(ends, async move { (probe.run)(&cx).await }));
    let answer = match tokio::time::timeout(limit, &mut task).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::nothing(Silence::Broken, error.to_string()),
        Err(_) => {
            task.abort();
            Answer::nothing(Silence::TimedOut, format!("no answer within {} ms", limit.as_millis()))
        }
    };
    Outcome { probe, answer, duration: started.elapsed(), settled: None }
}
