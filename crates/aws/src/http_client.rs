//! The one HTTP client: how much it reads, and how it connects ahead of time.
//!
//! All services share it, so that certificates are read once and a host's
//! connections are shared.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sts::config::SharedHttpClient;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use http::Uri;
use http::header::PROXY_AUTHORIZATION;
use http::uri::InvalidUri;
use http_body_util::Limited;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::connector::{Connector, TimedOut};
use crate::trust_store::TrustStore;

/// The most that is read of one answer, in bytes. What AWS answers to the
/// probes is shorter than a hundredth of it; what is longer is not AWS's, and
/// an answer without an end must not fill the memory.
pub const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// The certificate authorities of AWS's own endpoints: Amazon Root CA 1 to 4
/// and Starfield Services Root CA G2 (Amazon Trust Services, "Repository").
const AMAZON: &[u8] = include_bytes!("amazon.pem");

/// The connections of this process, and the clients that use them.
#[derive(Clone)]
pub struct Connections(Arc<Shared>);

/// The connections that are kept, and what sends a request on one of them.
type Pool = legacy::Client<Connector, SdkBody>;

struct Shared {
    connector: Connector,
    /// The connections that are kept, for each limit on connecting that a client has.
    pools: Mutex<Vec<(Option<Duration>, Pool)>>,
    /// How many connections were asked for ahead of time.
    wanted: AtomicUsize,
    /// How many of these attempts have ended, with a connection or without one.
    settled: AtomicUsize,
    changed: Notify,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

impl Connections {
    /// They go through the proxy that the environment names, as those of the
    /// SDK's own client do.
    pub fn new(trusted: &TrustStore) -> Self {
        Self(Arc::new(Shared {
            connector: Connector::new(roots(trusted)),
            pools: Mutex::default(),
            wanted: AtomicUsize::new(0),
            settled: AtomicUsize::new(0),
            changed: Notify::new(),
        }))
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
        Ok(self.send(request, &new_pool(self.0.connector.clone()), None).await?.status().as_u16())
    }

    /// How many connections the connect-only clients have asked for.
    pub fn wanted(&self) -> usize {
        self.0.wanted.load(Ordering::Relaxed)
    }

    /// How many attempts to connect have ended.
    pub fn settled(&self) -> usize {
        self.0.settled.load(Ordering::Relaxed)
    }

    /// Reads what servers have sent on these connections before any request.
    pub fn read_ahead(&self) {
        self.0.connector.read_ahead();
    }

    /// Waits for one of the two counts to change.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Counts a connection that is wanted, or an attempt that has ended.
    fn count(&self, counter: fn(&Shared) -> &AtomicUsize) {
        counter(&self.0).fetch_add(1, Ordering::Relaxed);
        self.0.changed.notify_one();
    }

    fn pool(&self, limit: Option<Duration>) -> Pool {
        // A thread that panicked while it held the pools has left whole ones.
        let mut pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pool)) = pools.iter().find(|(known, _)| *known == limit) {
            return pool.clone();
        }
        let pool = new_pool(self.0.connector.within(limit));
        pools.push((limit, pool.clone()));
        pool
    }

    /// Sends a request. `limit` is for how long the answer's head takes.
    async fn send(
        &self,
        request: HttpRequest,
        pool: &Pool,
        limit: Option<Duration>,
    ) -> Result<HttpResponse, ConnectorError> {
        let mut request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        if !matches!(request.uri().scheme_str(), Some("http" | "https")) {
            // The rest of the URL can hold a password.
            let scheme = request.uri().scheme_str().unwrap_or("no scheme");
            return Err(ConnectorError::user(
                format!("a URL has to start with http:// or https://, not with {scheme}").into(),
            ));
        }
        if let Some(authorization) = self.0.connector.proxy_authorization(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
        }
        let_the_sdk_close(&mut request);
        let sending = pool.request(request);
        let answer = match limit {
            Some(limit) => {
                let timed_out = |_| ConnectorError::timeout(TimedOut::Reading(limit).into());
                timeout(limit, sending).await.map_err(timed_out)?
            }
            None => sending.await,
        };
        let answer = answer.map_err(connector_error)?.map(SdkBody::from_body_1_x);
        HttpResponse::try_from(answer).map_err(|error| ConnectorError::io(error.into()))
    }
}

fn new_pool(connector: Connector) -> Pool {
    legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector)
}

/// Lets the SDK close the connection of a request: after some errors of a
/// service it tries again on another one.
fn let_the_sdk_close(request: &mut http::Request<SdkBody>) {
    let connection = capture_connection(request);
    let Some(wanted) = request.extensions().get::<CaptureSmithyConnection>() else { return };
    wanted.set_connection_retriever(move || {
        connection.connection_metadata().as_ref()?;
        let connection = connection.clone();
        let close = move || {
            if let Some(connection) = connection.connection_metadata().as_ref() {
                connection.poison();
            }
        };
        Some(ConnectionMetadata::builder().proxied(false).poison_fn(close).build())
    });
}

/// What went wrong, as the SDK decides whether to try again: also where a server
/// has closed a connection that was kept.
fn connector_error(error: legacy::Error) -> ConnectorError {
    let is_user = |cause: &(dyn Error + 'static)| cause.downcast_ref().is_some_and(hyper::Error::is_user);
    if sources(&error).any(<dyn Error>::is::<TimedOut>) {
        ConnectorError::timeout(Failed(error).into())
    } else if sources(&error).any(is_user) {
        ConnectorError::user(Failed(error).into())
    } else {
        ConnectorError::io(Failed(error).into())
    }
}

/// What went wrong, in words that can be shown.
#[derive(Debug)]
struct Failed(legacy::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_connect() { "no connection" } else { "no answer" })
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// The error and everything that it says it came from.
pub(crate) fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The certificates to trust. What cannot be read is left out: the connection
/// that needs it fails, and its error says so.
fn roots(trusted: &TrustStore) -> RootCertStore {
    let pem = |pem: &[u8]| CertificateDer::pem_slice_iter(pem).flatten().collect();
    let certificates: Vec<_> = match trusted {
        TrustStore::Amazon => pem(AMAZON),
        TrustStore::System => rustls_native_certs::load_native_certs().certs,
        TrustStore::Bundle(bundle) => pem(bundle),
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    roots
}

#[derive(Debug)]
struct Client {
    connections: Connections,
    sends: bool,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let connections = self.connections.clone();
        let connect = settings.connect_timeout();
        if self.sends {
            SharedHttpConnector::new(Sender { connections, connect, read: settings.read_timeout() })
        } else {
            SharedHttpConnector::new(ConnectOnly { connections, connect })
        }
    }
}

#[derive(Debug)]
struct ConnectOnly {
    connections: Connections,
    connect: Option<Duration>,
}

impl HttpConnector for ConnectOnly {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (connections, connect) = (self.connections.clone(), self.connect);
        HttpConnectorFuture::new(async move {
            let uri: Uri = request.uri().parse().map_err(|error: InvalidUri| ConnectorError::user(error.into()))?;
            connections.count(|shared| &shared.wanted);
            let counting = connections.clone();
            let done = move || counting.count(|shared| &shared.settled);
            connections.0.connector.within(connect).prepare(uri, done);
            pending().await
        })
    }
}

#[derive(Debug)]
struct Sender {
    connections: Connections,
    connect: Option<Duration>,
    read: Option<Duration>,
}

impl HttpConnector for Sender {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Lambda's dry run, and what deletes, are answered with no content (Lambda API Reference, Invoke; S3 API Reference, DeleteObject).
        let may_be_empty = request.method() == "DELETE" || request.headers().get("x-amz-invocation-type").is_some();
        let (connections, connect, read) = (self.connections.clone(), self.connect, self.read);
        HttpConnectorFuture::new(async move {
            bounded(connections.send(request, &connections.pool(connect), read).await?, may_be_empty)
        })
    }
}

/// A success that AWS does not have for the probes' requests.
#[derive(Debug)]
pub struct NotAnAnswer(u16);

impl fmt::Display for NotAnAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP status {} is no answer of AWS to this request", self.0)
    }
}

impl Error for NotAnAnswer {}

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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use fake_aws::{Act, Request, Server, healthy, serve, with_headers};

    use super::{AMAZON, CertificateDer, Connections, PemObject};
    use crate::harness::{self as stub, specification};
    use crate::probes;
    use crate::run::check_all;
    use crate::trust_store::TrustStore;

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

    #[tokio::test]
    async fn an_attempt_after_a_fault_of_the_service_takes_another_connection() {
        let count = AtomicUsize::new(0);
        let aws = Server::accept(move |connection, seen| {
            let is_broken = count.fetch_add(1, Ordering::SeqCst) == 0;
            let answer = move |request: &Request| {
                Act::from(if is_broken { with_headers(503, "x-amzn-requestid: A\r\n", "") } else { healthy(request) })
            };
            serve(connection, seen, Duration::from_secs(10), &answer);
        });
        let sdk = stub::sdk(&format!("http://{}", aws.address));
        let sdk = sdk.to_builder().http_client(Connections::new(&TrustStore::Amazon).client()).build();
        let session = Arc::new(stub::session_at(&sdk, specification(), Duration::from_secs(5)));
        let mut checks = permissions_core::plan::plan(&session.specification, &probes::infos()).checks;
        checks.retain(|check| check.action() == "s3:GetObject");
        let outcomes = check_all(&checks, &session, Duration::from_secs(5)).await;
        assert_eq!(outcomes.iter().map(stub::summary).collect::<Vec<_>>(), ["allowed 200 documented"]);
        assert_eq!(aws.seen.connections(), 2);
    }
}
