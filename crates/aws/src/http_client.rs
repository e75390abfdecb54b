//! The one HTTP client: how much it reads, and how it connects ahead of time.
//!
//! All services share it, so that certificates are read once and a host's
//! connections are shared.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::config::{ConfigBag, HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::pool::{self, ConnectionEvent, ConnectionPool};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, Provider, TlsContext};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use tokio::sync::Notify;

use crate::trust_store::TrustStore;

/// The most that is read of one answer, in bytes. What AWS answers to the
/// probes is shorter than a hundredth of it; what is longer is not AWS's, and
/// an answer without an end must not fill the memory.
pub const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// The certificate authorities of AWS's own endpoints: Amazon Root CA 1 to 4
/// and Starfield Services Root CA G2 (Amazon Trust Services, "Repository").
const AMAZON: &[u8] = include_bytes!("amazon.pem");

/// The connections of this process, and the clients that use them.
#[derive(Clone, Debug)]
pub struct Connections {
    pool: SharedHttpClient,
    counts: Arc<Counts>,
    tls: TlsContext,
}

/// How many connections were asked for ahead of time, and how many attempts to
/// connect have ended, with a connection or without one.
#[derive(Debug, Default)]
struct Counts {
    wanted: AtomicUsize,
    settled: AtomicUsize,
    changed: Notify,
}

impl Connections {
    /// They go through the proxy that the environment names, as those of the
    /// SDK's own client do.
    pub fn new(trusted: &TrustStore) -> Self {
        let counts = Arc::new(Counts::default());
        let observed = counts.clone();
        let tls = TlsContext::builder().with_trust_store(sdk_trust_store(trusted)).build().unwrap_or_default();
        let pool = ConnectionPool::builder()
            .proxy_config(ProxyConfig::from_env())
            .event_listener(move |event: &ConnectionEvent<'_>| {
                if matches!(event, ConnectionEvent::Opened(_) | ConnectionEvent::EstablishmentFailed(_)) {
                    observed.settled.fetch_add(1, Ordering::Relaxed);
                    observed.changed.notify_one();
                }
            })
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(tls.clone())
            .build_https();
        let pool = pool.expect("a pool without partitions or limits has nothing that could contradict itself");
        let client = pool::Client::new(&pool).expect("a pool without partitions has the anonymous one");
        Self { pool: SharedHttpClient::new(client), counts, tls }
    }

    /// The client that sends requests, and reads each answer up to its bound.
    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Client { connections: self.clone(), sends: true })
    }

    /// A client that opens a connection for each request, and never sends it.
    pub fn connect_only_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Client { connections: self.clone(), sends: false })
    }

    /// Puts a body to a URL that needs no signature, on a connection of its own;
    /// returns the status of the answer. It follows no redirect.
    ///
    /// There is no content type, which would have to be part of the signature of
    /// a URL that was signed beforehand (Amazon S3 REST authentication, "The
    /// Authentication header", of signature version 2).
    pub async fn put(&self, url: &str, body: Vec<u8>) -> Result<u16, ConnectorError> {
        let refused = |error: HttpError| ConnectorError::user(error.into());
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("PUT").map_err(refused)?;
        request.set_uri(url).map_err(refused)?;
        let connector = Connector::builder()
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(self.tls.clone())
            .build();
        Ok(connector.call(request).await?.status().as_u16())
    }

    /// How many connections the connect-only clients have asked for.
    pub fn wanted(&self) -> usize {
        self.counts.wanted.load(Ordering::Relaxed)
    }

    /// How many attempts to connect have ended.
    pub fn settled(&self) -> usize {
        self.counts.settled.load(Ordering::Relaxed)
    }

    /// Waits for one of the two counts to change.
    pub async fn changed(&self) {
        self.counts.changed.notified().await;
    }
}

fn sdk_trust_store(trusted: &TrustStore) -> tls::TrustStore {
    match trusted {
        TrustStore::Amazon => tls::TrustStore::empty().with_pem_certificate(AMAZON),
        TrustStore::System => tls::TrustStore::empty().with_native_roots(true),
        TrustStore::Bundle(pem) => tls::TrustStore::empty().with_pem_certificate(pem.as_slice()),
    }
}

#[derive(Debug)]
struct Client {
    connections: Connections,
    sends: bool,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let pool = self.connections.pool.http_connector(settings, components);
        if self.sends {
            SharedHttpConnector::new(Sender(pool))
        } else {
            SharedHttpConnector::new(ConnectOnly { pool, counts: self.connections.counts.clone() })
        }
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        cfg: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.connections.pool.validate_base_client_config(components, cfg)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, cfg: &ConfigBag) -> Result<(), BoxError> {
        self.connections.pool.validate_final_config(components, cfg)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.connections.pool.connector_metadata()
    }
}

#[derive(Debug)]
struct ConnectOnly {
    pool: SharedHttpConnector,
    counts: Arc<Counts>,
}

impl HttpConnector for ConnectOnly {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (pool, counts) = (self.pool.clone(), self.counts.clone());
        HttpConnectorFuture::new(async move {
            // Polled once, the pool starts to connect, on a task of its own. It
            // would send the request when it is polled again, which never
            // happens, and the connection stays with the pool.
            let mut opening = pin!(pool.call(unsent_request(request.uri())?));
            if let Poll::Ready(failed) = poll_fn(|cx| Poll::Ready(opening.as_mut().poll(cx))).await {
                return failed;
            }
            counts.wanted.fetch_add(1, Ordering::Relaxed);
            counts.changed.notify_one();
            pending().await
        })
    }
}

/// A request to this host that asks for nothing on nobody's behalf, so that no
/// harm is done should it ever be sent. Its header keeps it off a connection of
/// HTTP/2, which the pool would share at once instead of opening another.
fn unsent_request(uri: &str) -> Result<HttpRequest, ConnectorError> {
    let refused = |error: HttpError| ConnectorError::user(error.into());
    let mut request = HttpRequest::get(uri).map_err(refused)?;
    request.set_method("OPTIONS").map_err(refused)?;
    request.headers_mut().insert("upgrade", "nothing");
    Ok(request)
}

#[derive(Debug)]
struct Sender(SharedHttpConnector);

impl HttpConnector for Sender {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Lambda's dry run, and what deletes, are answered with no content (Lambda API Reference, Invoke; S3 API Reference, DeleteObject).
        let may_be_empty = request.method() == "DELETE" || request.headers().get("x-amz-invocation-type").is_some();
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { bounded(answer.await.map_err(broken)?, may_be_empty) })
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

fn bounded(mut answer: HttpResponse, may_be_empty: bool) -> Result<HttpResponse, ConnectorError> {
    let status = answer.status().as_u16();
    // AWS answers the probes' requests with 200, or 206 for a part of an object.
    let is_known = matches!(status, 200 | 206) || (status == 204 && may_be_empty);
    if (200..300).contains(&status) && !is_known {
        return Err(ConnectorError::other(NotAnAnswer(status).into(), None));
    }
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    *answer.body_mut() = SdkBody::from_body_1_x(Limited::new(body, MAX_RESPONSE_BYTES));
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::AMAZON;

    /// The certificates of a file in PEM whose subject or issuer has one of these names; all of them without names.
    fn named(pem: &[u8], names: &[&str]) -> BTreeSet<Vec<u8>> {
        let certificates = CertificateDer::pem_slice_iter(pem).map(|certificate| certificate.unwrap().to_vec());
        let has = |certificate: &[u8], name: &str| certificate.windows(name.len()).any(|part| part == name.as_bytes());
        certificates.filter(|certificate| names.is_empty() || names.iter().any(|name| has(certificate, name))).collect()
    }

    #[test]
    fn no_root_of_amazon_s_is_missing_that_the_operating_system_trusts() {
        // Where the distributions keep it: Debian and Alpine, Fedora and Amazon Linux, macOS.
        let stores = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
        let store = stores
            .iter()
            .find_map(|path| std::fs::read(path).ok())
            .expect("the system's certificates: install ca-certificates");
        let names =
            ["Amazon Root CA", "Amazon ECDSA Root", "Amazon RSA Root", "Starfield Services Root Certificate Authority"];
        let (system, own) = (named(&store, &names), named(AMAZON, &[]));
        assert!(system.len() >= 4, "the system's store has only {} of Amazon's roots", system.len());
        let missing: Vec<_> = system.difference(&own).map(|der| String::from_utf8_lossy(der).into_owned()).collect();
        assert!(missing.is_empty(), "crates/aws/src/amazon.pem lacks roots that the operating system has: {missing:?}");
    }
}
