//! What the function prepares before its first invocation.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use permissions_aws::http_client::Connections;
use permissions_aws::preconnect::preconnect;
use permissions_aws::probes;
use permissions_aws::session::{Clients, Session};
use permissions_core::iam::names::is_region;
use permissions_core::plan::{Plan, plan};
use permissions_core::problem::Problem;
use permissions_core::text::Text;
use tokio::sync::OnceCell;

use crate::config::{Config, Invalid};
use crate::function::{App, Latest, Sink};
use crate::telemetry::{self, History};

/// Loads the SDK's configuration, in the SDK's own ways: `AWS_REGION`,
/// `AWS_ENDPOINT_URL`, credentials and so on.
pub async fn sdk(connections: &Connections) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(connections.client());
    // CloudTrail then shows at a glance whose calls these are.
    match AppName::new(env!("CARGO_PKG_NAME")) {
        Ok(name) => loader.app_name(name).load().await,
        Err(_) => loader.load().await,
    }
}

#[derive(Debug)]
pub(super) struct Setup {
    pub(super) config: Config,
    /// All checks of the configuration.
    pub(super) plan: Plan,
    pub(super) clients: Clients,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
    /// Set once there were credentials, which do not go away again.
    had_credentials: OnceCell<()>,
}

impl App {
    /// Prepares everything that does not depend on the event.
    pub fn new(config: Result<Config, Invalid>, sdk: SdkConfig, connections: Connections) -> Self {
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let bad_region = (!is_region(&region)).then(|| {
            let value = Some(region.as_str()).filter(|region| !region.is_empty()).map(Text::from);
            Problem::new("AWS_REGION", value, "the code of an AWS Region, such as us-east-1; Lambda sets it on AWS")
        });
        let planned = config.as_ref().ok().map(|config| plan(&config.specification, &probes::infos()));
        let bad_plan = planned.as_ref().and_then(Plan::problem_of_length);
        let setup: Result<Setup, Invalid> = match (config, planned) {
            (Ok(config), Some(plan)) if bad_region.is_none() && bad_plan.is_none() => Ok(Setup {
                clients: Clients::new(&sdk, &config.settings),
                plan,
                config,
                region,
                credentials: sdk.credentials_provider(),
                had_credentials: OnceCell::new(),
            }),
            (Ok(config), _) => {
                let problems = bad_region.into_iter().chain(bad_plan).collect();
                Err(Invalid { problems, redact: config.redact, gates: config.gates })
            }
            (Err(mut invalid), _) => {
                invalid.problems.extend(bad_region);
                Err(invalid)
            }
        };
        Self {
            setup,
            sdk,
            connections,
            history: History::default(),
            latest: Latest::default(),
            latest_for_http: Latest::default(),
            warm: AtomicBool::new(false),
            metrics: Sink(Arc::new(telemetry::print)),
        }
    }

    /// The same, with the metrics' lines going elsewhere than to standard output.
    pub fn with_metrics_to(self, sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self { metrics: Sink(Arc::new(sink)), ..self }
    }

    /// Opens the connections of a run, where an invocation is about to follow.
    pub async fn preconnect(&self) {
        let Ok(setup) = &self.setup else { return };
        if setup.config.on_demand {
            let sdk = self.sdk.to_builder().http_client(self.connections.connect_only_client()).build();
            let clients = Clients::new(&sdk, &setup.config.settings);
            let mut session = setup.session(clients, "");
            // Nobody's, for requests that are never sent: Lambda tells the function's own with the first invocation.
            session.function_account = Some("000000000000".to_owned());
            preconnect(&setup.plan.checks, &Arc::new(session), &self.connections).await;
        }
    }
}

impl Setup {
    pub(super) fn session(&self, clients: Clients, function_arn: &str) -> Session {
        let (specification, settings) = (self.config.specification.clone(), self.config.settings.clone());
        Session::new(specification, settings, clients, &self.region, function_arn)
    }

    /// What is wrong where there are no credentials anywhere. Credentials that
    /// are slow to come, or refused, are for the rows to tell.
    pub(super) async fn no_credentials(&self, limit: Duration) -> Option<Problem> {
        let provided = self.had_credentials.get_or_try_init(|| async {
            let provider = self.credentials.as_ref().ok_or_else(|| CredentialsError::not_loaded("no provider"))?;
            provider.provide_credentials().await.map(drop)
        });
        match tokio::time::timeout(limit, provided).await {
            Ok(Err(CredentialsError::CredentialsNotLoaded(_))) => Some(Problem::new(
                "AWS_ACCESS_KEY_ID",
                None,
                "credentials: Lambda sets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN from the function's \
                 execution role",
            )),
            _ => None,
        }
    }
}
