//! The SDK's configuration, and its credentials.

use std::sync::Arc;
use std::time::Duration;

use aws_config::meta::region::ProvideRegion;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_sts::error::ProvideErrorMetadata;
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
    let client = Connections::new(&trusted).client();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(client.clone());
    if let Some(profile) = &place.profile {
        // Who names a profile means it, whatever the environment has: as with the AWS CLI.
        let found = loader.profile_name(profile);
        let region = place.region.clone().map(Region::new);
        let region = match region {
            Some(region) => Some(region),
            None => ProfileFileRegionProvider::builder().profile_name(profile).build().region().await,
        };
        let provider = ProviderConfig::default().with_http_client(client).with_region(region);
        let provider = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&provider).build();
        loader = found.credentials_provider(provider);
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
pub async fn problems(sdk: &SdkConfig, profile: Option<&str>, limit: Duration) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        if let Some(path) = given(name).filter(|path| TrustStore::from_file(path).is_none()) {
            problems.push(Problem::new(
                name,
                Some(path.into()),
                "a file of certificates in PEM, all of which can be read",
            ));
        }
    }
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
                // A header could not hold them.
                Ok(Ok(found)) if !found.access_key_id().bytes().all(|b| b.is_ascii_graphic()) => {
                    Some("the access key id has characters that none has".to_owned())
                }
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
        problems.push(Problem::new("--profile", profile.map(Text::from), expected));
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

/// Whether a log group and a log stream exist, as the caller sees them: only then are requests sent that would make them.
/// Where the caller is who is checked, and may not look, it is taken as it is named.
///
/// # Errors
///
/// Why that is not known.
pub async fn find_log(sdk: &SdkConfig, settings: &Settings, specification: &Specification) -> Result<(), String> {
    let log = &specification.log_stream;
    let (Some(group), Some(stream)) = (&log.group, &log.stream) else {
        return Err("no log group and log stream are named (--log-group, --log-stream)".to_owned());
    };
    let role = specification.assumed_role.as_ref();
    let may_not_look = |code: Option<&str>| role.is_none() && code.is_some_and(|code| code.starts_with("AccessDenied"));
    let logs = Clients::new(sdk, settings).logs;
    let found = match logs.describe_log_groups().log_group_name_prefix(group).send().await {
        Ok(found) => found,
        Err(error) if may_not_look(error.code()) => return Ok(()),
        Err(error) => return Err(format!("the log group could not be looked for: {}", describe_service(&error))),
    };
    let known = found.log_groups().iter().find(|known| known.log_group_name() == Some(group));
    let Some(known) = known else { return Err(format!("there is no log group {group} in this Region and account")) };
    let account = known.arn().and_then(|arn| arn.split(':').nth(4)).unwrap_or_default();
    if let Some(role) = role.filter(|role| role.account() != account) {
        return Err(format!("the log group is of the account {account}, and the role of {}", role.account()));
    }
    let found = match logs.describe_log_streams().log_group_name(group).log_stream_name_prefix(stream).send().await {
        Ok(found) => found,
        Err(error) if may_not_look(error.code()) => return Ok(()),
        Err(error) => return Err(format!("the log stream could not be looked for: {}", describe_service(&error))),
    };
    let is_there = found.log_streams().iter().any(|known| known.log_stream_name() == Some(stream));
    if is_there { Ok(()) } else { Err(format!("there is no log stream {stream} in {group}")) }
}

/// What AWS said of a request of this program's own.
pub fn describe_service<E: ProvideErrorMetadata>(error: &E) -> String {
    let code = error.code().unwrap_or("no answer");
    error.message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"))
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
