//! The SDK's configuration, and its credentials.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use permissions_aws::http_client::Connections;
use permissions_aws::session::{Clients, Session, Settings};
use permissions_aws::trust_store::TrustStore;
use permissions_core::iam::names::is_region;
use permissions_core::problem::Problem;
use permissions_core::specification::Specification;
use permissions_core::text::Text;

use crate::cli::Where;
use crate::settings::environment;

/// The name that CloudTrail shows.
const NAME: &str = env!("CARGO_PKG_NAME");

/// Loads the SDK's configuration, in the SDK's own ways: profiles, `AWS_REGION`, `AWS_ENDPOINT_URL`, credentials and so on.
pub async fn load(place: &Where) -> SdkConfig {
    let bundle = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"].iter().find_map(|name| given(name));
    let trusted = bundle.and_then(|path| TrustStore::from_file(&path)).unwrap_or_default();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(Connections::new(&trusted).client());
    if let Some(profile) = &place.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &place.region {
        loader = loader.region(Region::new(region.clone()));
    }
    match AppName::new(NAME) {
        Ok(name) => loader.app_name(name).load().await,
        Err(_) => loader.load().await,
    }
}

fn given(name: &str) -> Option<String> {
    environment(name)?.ok().filter(|value| !value.is_empty())
}

/// How requests are sent.
pub fn settings(timeout: Duration) -> Settings {
    Settings {
        timeout,
        path_style: ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"].iter().any(|name| given(name).is_some()),
        session_name: Some(NAME.to_owned()),
        through_proxy: ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            .iter()
            .any(|name| given(name).is_some()),
        authorization_details: false,
    }
}

/// What is wrong with the Region or the credentials, before anything is sent.
pub async fn problems(sdk: &SdkConfig, limit: Duration) -> Vec<Problem> {
    let mut problems = Vec::new();
    let region = sdk.region().map(ToString::to_string).unwrap_or_default();
    if !is_region(&region) {
        let value = Some(region.as_str()).filter(|region| !region.is_empty()).map(Text::from);
        problems.push(Problem::new(
            "--region",
            value,
            "the code of an AWS Region, such as us-east-1, here, in AWS_REGION, or in the profile",
        ));
    }
    let provided = match sdk.credentials_provider() {
        Some(provider) => {
            match tokio::time::timeout(limit.max(Duration::from_secs(30)), provider.provide_credentials()).await {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(describe(&error)),
                Err(_) => Some("they did not come in time".to_owned()),
            }
        }
        None => Some("there is no provider".to_owned()),
    };
    if let Some(why) = provided {
        let expected = format!(
            "credentials: a profile, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role of this machine; {why}"
        );
        problems.push(Problem::new("--profile", None, expected));
    }
    problems
}

/// An error, and what lies behind it.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

/// The session of a run. Where a log group is named, it is one of the role's own account.
pub fn session(specification: Specification, settings: &Arc<Settings>, sdk: &SdkConfig) -> Session {
    let region = sdk.region().map(ToString::to_string).unwrap_or_default();
    let role = specification.assumed_role.as_ref().filter(|_| specification.log_stream.group.is_some());
    let owner = role.map(|role| format!("arn:{}:lambda:{region}:{}:function:{NAME}", role.partition(), role.account()));
    Session::new(
        Arc::new(specification),
        settings.clone(),
        Clients::new(sdk, settings),
        &region,
        &owner.unwrap_or_default(),
    )
}
