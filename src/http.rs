//! The one HTTP client, and how much it reads.
//!
//! All services share it, so that certificates are read once and a host's
//! connections are shared.

use std::fmt;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::config::{ConfigBag, HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

use crate::roots::Roots;

/// The most that is read of one answer, in bytes. What AWS answers to the
/// probes is shorter than a hundredth of it; what is longer is not AWS's, and
/// an answer without an end must not fill the memory.
pub const LONGEST_BODY: usize = 256 * 1024;

/// The certificate authorities of AWS's own endpoints: Amazon Root CA 1 to 4
/// and Starfield Services Root CA G2 (Amazon Trust Services, "Repository").
const AMAZON: &[u8] = include_bytes!("amazon.pem");

/// Makes the client. It goes through the proxy that the environment names, as
/// the SDK's own client does.
pub fn client(roots: &Roots) -> SharedHttpClient {
    let tls = TlsContext::builder().with_trust_store(trust_store(roots)).build().unwrap_or_default();
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(tls.clone())
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    });
    SharedHttpClient::new(Bounded(client))
}

fn trust_store(roots: &Roots) -> TrustStore {
    match roots {
        Roots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON),
        Roots::System => TrustStore::empty().with_native_roots(true),
        Roots::Bundle(pem) => TrustStore::empty().with_pem_certificate(pem.as_slice()),
    }
}

/// A client whose answers end.
#[derive(Debug)]
struct Bounded(SharedHttpClient);

impl HttpClient for Bounded {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(BoundedConnector(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        cfg: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, cfg)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, cfg: &ConfigBag) -> Result<(), BoxError> {
        self.0.validate_final_config(components, cfg)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct BoundedConnector(SharedHttpConnector);

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { bounded(answer.await.map_err(broken)?) })
    }
}

/// A connection that broke, whatever the protocol calls it: the SDK then tries
/// again, as it should where a server has closed a connection that was kept.
fn broken(error: ConnectorError) -> ConnectorError {
    if error.is_other() { ConnectorError::io(error.into()) } else { error }
}

/// A success that AWS does not have for the probes' requests.
#[derive(Debug)]
pub struct NotAnAnswer(u16);

impl fmt::Display for NotAnAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP status {} is no answer of AWS to this request", self.0)
    }
}

impl std::error::Error for NotAnAnswer {}

fn bounded(mut answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let status = answer.status().as_u16();
    // AWS answers the probes' requests with 200, or 206 for a part of an object.
    if (200..300).contains(&status) && status != 200 && status != 206 {
        return Err(ConnectorError::other(NotAnAnswer(status).into(), None));
    }
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    *answer.body_mut() = SdkBody::from_body_1_x(Limited::new(body, LONGEST_BODY));
    Ok(answer)
}
