//! Everything that the checks of one run are sent in: clients, Region,
//! principal, and what one probe learns for another.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use permissions_core::answer::{Answer, NoAnswer};
use permissions_core::iam::names::is_account;
use permissions_core::place::{NAME_PREFIX, Names, Place};
use permissions_core::principal::Principal;
use permissions_core::specification::{Specification, Table};
use tokio::sync::SetOnce;

use crate::time_left::time_left;
use crate::user_agent::UserAgent;

/// The name under which the clients count their retries.
pub const RETRY_PARTITION: &str = NAME_PREFIX;

/// How requests are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest that one probe may take.
    pub timeout: Duration,
    /// Whether Amazon S3 is asked at an endpoint that may know no bucket's own host name.
    pub path_style: bool,
    /// The name of a session that is opened, after the caller's own.
    pub session_name: Option<String>,
    /// Whether requests go through a proxy.
    pub through_proxy: bool,
    /// Whether AWS is asked to explain its denials.
    pub authorization_details: bool,
}

/// Everything that the checks of one run are sent in.
#[derive(Debug)]
pub struct Session {
    pub specification: Arc<Specification>,
    pub settings: Arc<Settings>,
    pub clients: Clients,
    pub region: String,
    /// The account of the function, if its ARN names one.
    pub function_account: Option<String>,
    /// The account of the role to check, where that is not the function's own.
    pub role_account: Option<String>,
    pub names: Names,
    /// The credentials of the role to check, once it has been assumed.
    assumed: OnceLock<Credentials>,
    /// What the control has told, in whichever Region.
    identity: Arc<Identity>,
    /// The same in other Regions, as far as checks have asked for them.
    elsewhere: Mutex<Vec<Arc<Session>>>,
    /// The names of the tables' keys, as AWS's answers to Query tell them: each is set when Query is done.
    table_keys: TableKeys,
}

/// The names of the tables' keys, each set when Query is done with the table.
type TableKeys = Arc<Vec<(Arc<Table>, SetOnce<Option<String>>)>>;

/// What the control has told.
#[derive(Debug, Default)]
struct Identity {
    /// Who AWS says is calling.
    principal: OnceLock<Principal>,
    /// Set when the control has been answered, whatever the answer.
    answered: SetOnce<()>,
}

impl Session {
    /// The session of a run of its own. `function_arn` tells the account, and what makes the function's names its own.
    pub fn new(
        specification: Arc<Specification>,
        settings: Arc<Settings>,
        clients: Clients,
        region: &str,
        function_arn: &str,
    ) -> Self {
        let names = Names::new(fastrand::u64(..), function_arn);
        Self {
            function_account: function_arn.split(':').nth(4).filter(|id| is_account(id)).map(str::to_owned),
            role_account: None,
            table_keys: table_keys(&specification),
            specification,
            settings,
            clients,
            region: region.to_owned(),
            names,
            assumed: OnceLock::new(),
            identity: Arc::default(),
            elsewhere: Mutex::default(),
        }
    }

    /// The same in another Region; itself, where that is its own.
    pub fn in_region(self: Arc<Self>, region: Option<&str>) -> Arc<Self> {
        let Some(region) = region.filter(|region| *region != self.region) else { return self };
        // A thread that panicked while it held the sessions has left whole ones.
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = elsewhere.iter().find(|known| known.region == region) {
            return known.clone();
        }
        let sdk = self.clients.sdk.to_builder().region(Region::new(region.to_owned())).build();
        let session = Arc::new(Self {
            clients: Clients::new(&sdk, &self.settings),
            specification: self.specification.clone(),
            settings: self.settings.clone(),
            region: region.to_owned(),
            function_account: self.function_account.clone(),
            role_account: self.role_account.clone(),
            names: self.names.clone(),
            assumed: OnceLock::new(),
            identity: self.identity.clone(),
            elsewhere: Mutex::default(),
            table_keys: self.table_keys.clone(),
        });
        elsewhere.push(session.clone());
        session
    }

    /// The account that the checks are made in, as far as that is known by now.
    pub fn known_account(&self) -> Option<&str> {
        self.principal().map(|principal| &principal.account).or(self.expected_account()).map(String::as_str)
    }

    /// The same under the role to check, if it has been assumed.
    pub fn under_role(&self, sdk: &SdkConfig) -> Option<Self> {
        let credentials = self.assumed.get()?.clone();
        let sdk = sdk
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            // They are this run's alone, and must not fill the cache of all runs.
            .identity_cache(IdentityCache::no_cache())
            .build();
        Some(Self {
            clients: Clients::new(&sdk, &self.settings),
            specification: self.specification.clone(),
            settings: self.settings.clone(),
            region: self.region.clone(),
            function_account: self.function_account.clone(),
            role_account: self.specification.assumed_role.as_ref().map(|role| role.account().to_owned()),
            names: self.names.clone(),
            assumed: OnceLock::new(),
            identity: Arc::default(),
            elsewhere: Mutex::default(),
            table_keys: table_keys(&self.specification),
        })
    }

    /// Keeps the credentials of the role to check. What was kept once stays: a session of a minute ago is as good.
    pub fn keep_credentials(&self, credentials: Credentials) {
        drop(self.assumed.set(credentials));
    }

    /// The account that the probes work in, where it is known beforehand.
    fn expected_account(&self) -> Option<&String> {
        self.role_account.as_ref().or(self.function_account.as_ref())
    }

    /// Whether the role to check is known to be of another account than the function.
    pub fn is_elsewhere(&self) -> bool {
        let role = self.specification.assumed_role.as_ref();
        role.zip(self.function_account.as_deref()).is_some_and(|(role, function)| role.account() != function)
    }

    /// Where the run takes place, as far as that is known by now.
    pub fn place(&self) -> Place {
        let principal = self.principal().map(|principal| &principal.account);
        Place {
            region: self.region.clone(),
            account: principal.or(self.expected_account()).cloned(),
            names: self.names.clone(),
        }
    }

    /// The name of a table's key, if Query learns it while the probe that asks can wait for it.
    pub async fn table_key(&self, table: &Table) -> Option<&str> {
        // Query may have to wait for its turn behind the probe that asks.
        let wait = (self.settings.timeout / 4).min(time_left() / 2);
        let learned = tokio::time::timeout(wait, self.table_key_of(table)?.wait()).await;
        learned.ok()?.as_deref()
    }

    /// Keeps what Query has learned of a table, if anything. What it learned once stays.
    pub fn keep_table_key(&self, table: &Table, name: Option<String>) {
        if let Some(key) = self.table_key_of(table) {
            drop(key.set(name));
        }
    }

    /// Says that nothing more will be learned of any table.
    pub fn end_table_keys(&self) {
        for (_, key) in self.table_keys.iter() {
            drop(key.set(None));
        }
    }

    fn table_key_of(&self, table: &Table) -> Option<&SetOnce<Option<String>>> {
        self.table_keys.iter().find(|(known, _)| **known == *table).map(|(_, key)| key)
    }

    /// Who AWS says is calling; `None` while it has not said so.
    pub fn principal(&self) -> Option<&Principal> {
        self.identity.principal.get()
    }

    /// Keeps AWS's answer to the control. What it said once stays.
    pub fn keep_principal(&self, principal: Option<Principal>) {
        if let Some(principal) = principal {
            drop(self.identity.principal.set(principal));
        }
        drop(self.identity.answered.set(()));
    }

    /// The account that the probes work in: from the function's ARN at once, or
    /// that of the role to check, else from AWS's answer to the control, which
    /// runs beside the probes.
    ///
    /// # Errors
    ///
    /// An answer that says that the account is not known.
    pub async fn account(&self) -> Result<String, Box<Answer>> {
        if let Some(account) = self.expected_account() {
            return Ok(account.clone());
        }
        self.identity.answered.wait().await;
        self.principal().map(|principal| principal.account.clone()).ok_or_else(|| {
            Box::new(Answer::none(
                NoAnswer::AccountUnknown,
                "the account is not known: neither the function's ARN nor sts:GetCallerIdentity gave it",
            ))
        })
    }
}

fn table_keys(specification: &Specification) -> TableKeys {
    Arc::new(specification.tables.iter().map(|table| (table.clone(), SetOnce::new())).collect())
}

/// One client a service, made once for the life of the process.
#[derive(Clone, Debug)]
pub struct Clients {
    /// What requests that are data are sent with.
    pub sdk: SdkConfig,
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
    pub fn new(sdk: &SdkConfig, settings: &Settings) -> Self {
        let timeout = settings.timeout;
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
            // An answer that comes too slowly is ended by the limit of its attempt, as one that does not come.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
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
        let partition = RetryPartition::custom(RETRY_PARTITION).token_bucket(TokenBucket::unlimited()).build();
        macro_rules! agent {
            ($service:ident) => {
                UserAgent::new(
                    stringify!($service).trim_start_matches("aws_sdk_"),
                    $service::meta::PKG_VERSION,
                    sdk.app_name(),
                )
            };
        }
        macro_rules! client {
            ($service:ident) => {{
                let config = $service::config::Builder::from(&sdk).retry_partition(partition.clone());
                $service::Client::from_conf(config.interceptor(agent!($service)).build())
            }};
        }
        let s3 = aws_sdk_s3::config::Builder::from(&sdk)
            .retry_partition(partition.clone())
            .interceptor(agent!(aws_sdk_s3))
            // Emulators do not answer under a bucket's own host name.
            .force_path_style(settings.path_style)
            // The digest that PutObject's probe sends must stay the wrong one.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self {
            sdk: sdk.clone(),
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
