//! How a connection is made: directly or through the proxy that the environment
//! names, with TLS where the URL asks for it, or ahead of time.
//!
//! HTTP/2 is not spoken here. The AWS SDK for Python speaks HTTP/1.1 alone, too:
//! its requests go through urllib3 (botocore, `httpsession.py`).

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::Uri;
use http::header::HeaderValue;
use http::uri::{Authority, Scheme};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tower_service::Service;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes the connections of this process.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<HttpConnector>,
    tls: Arc<ClientConfig>,
    proxies: Arc<Matcher>,
    /// The connections that were made ahead of time and that no request has taken yet.
    ahead: Arc<Mutex<Vec<Ahead>>>,
    /// The longest that connecting may take, with the handshake.
    limit: Option<Duration>,
}

impl Connector {
    pub(crate) fn new(roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.expect("the provider has the cipher suites of both versions of TLS");
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = Arc::new(tls);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self {
            https: HttpsConnector::from((tcp, tls.clone())),
            tls,
            proxies: Arc::new(Matcher::from_env()),
            ahead: Arc::default(),
            limit: None,
        }
    }

    /// The same, with another limit.
    pub(crate) fn within(&self, limit: Option<Duration>) -> Self {
        Self { limit, ..self.clone() }
    }

    /// Makes a connection that a request to this host will take, on a task of its own. `done` is called at its end,
    /// whether there is a connection or not.
    pub(crate) fn prepare(&self, uri: Uri, done: impl FnOnce() + Send + 'static) {
        let (tell, told) = oneshot::channel();
        self.with_ahead(|ahead| ahead.push(Ahead::new(&uri, told)));
        let connecting = self.clone().connect(uri);
        tokio::spawn(async move {
            // What fails here is found again, and told, by the run.
            if let Ok(stream) = connecting.await {
                drop(tell.send(stream));
            }
            done();
        });
    }

    /// What a proxy wants to be told with a request that is not encrypted.
    pub(crate) fn proxy_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return None;
        }
        self.proxies.intercept(uri)?.basic_auth().cloned()
    }

    /// Reads what servers have sent on the connections that were made ahead of time: the tickets of TLS, which are a
    /// tenth of what a first run computes. Those that have been closed are left out.
    pub(crate) fn read_ahead(&self) {
        self.with_ahead(|ahead| ahead.retain_mut(Ahead::is_usable));
    }

    /// A connection to this host that was made ahead of time.
    fn take_ahead(&self, uri: &Uri) -> Option<Ahead> {
        self.with_ahead(|ahead| {
            ahead.retain(|connection| connection.started.elapsed() < MAX_AGE);
            loop {
                let at = ahead.iter().position(|connection| connection.is_to(uri))?;
                let mut connection = ahead.swap_remove(at);
                if connection.is_usable() {
                    return Some(connection);
                }
            }
        })
    }

    fn with_ahead<T>(&self, act: impl FnOnce(&mut Vec<Ahead>) -> T) -> T {
        // A thread that panicked while it held the connections has left whole ones.
        act(&mut self.ahead.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn connect(mut self, uri: Uri) -> Result<Stream, Failure> {
        let limit = self.limit;
        let connecting = async move {
            let Some(proxy) = self.proxies.intercept(&uri) else {
                return Ok(Stream::new(self.https.call(uri).await?, false));
            };
            if uri.scheme() != Some(&Scheme::HTTPS) {
                return Ok(Stream::new(self.https.call(proxy.uri().clone()).await?, true));
            }
            let tunnel = Tunnel::new(proxy.uri().clone(), self.https);
            let tunnel = proxy.basic_auth().cloned().into_iter().fold(tunnel, Tunnel::with_auth);
            Ok(Stream::new(HttpsConnector::from((tunnel, self.tls)).call(uri).await?, false))
        };
        match limit {
            Some(limit) => tokio::time::timeout(limit, connecting).await.map_err(|_| TimedOut::Connecting(limit))?,
            None => connecting.await,
        }
    }
}

/// How old a connection may be that was made ahead of time. Lambda starts most functions for an invocation that waits;
/// a start for later ones is followed by a freeze, in which a connection can get lost unseen.
const MAX_AGE: Duration = Duration::from_secs(20);

/// A connection that was made ahead of time.
struct Ahead {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    started: Instant,
    state: State,
}

enum State {
    Coming(oneshot::Receiver<Stream>),
    There(Stream),
}

impl Ahead {
    fn new(uri: &Uri, told: oneshot::Receiver<Stream>) -> Self {
        let (scheme, authority) = (uri.scheme().cloned(), uri.authority().cloned());
        Self { scheme, authority, started: Instant::now(), state: State::Coming(told) }
    }

    fn is_to(&self, uri: &Uri) -> bool {
        self.scheme.as_ref() == uri.scheme() && self.authority.as_ref() == uri.authority()
    }

    /// Whether there is a connection that a request can use, as far as can be told, or one may still come.
    fn is_usable(&mut self) -> bool {
        if let State::Coming(told) = &mut self.state {
            match told.try_recv() {
                Ok(stream) => self.state = State::There(stream),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Closed) => return false,
            }
        }
        match &mut self.state {
            State::There(stream) => stream.is_open(),
            State::Coming(_) => true,
        }
    }

    /// The connection, once it is there.
    async fn stream(self) -> Option<Stream> {
        match self.state {
            State::Coming(told) => told.await.ok(),
            State::There(stream) => Some(stream),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (ahead, connector) = (self.take_ahead(&uri), self.clone());
        Box::pin(async move {
            let stream = match ahead {
                Some(ahead) => ahead.stream().await,
                None => None,
            };
            match stream {
                Some(stream) => Ok(stream),
                None => connector.connect(uri).await,
            }
        })
    }
}

/// A limit that has passed.
#[derive(Debug)]
pub(crate) enum TimedOut {
    Connecting(Duration),
    Reading(Duration),
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting(limit) => write!(f, "no connection within {} ms", limit.as_millis()),
            Self::Reading(limit) => write!(f, "no answer within {} ms", limit.as_millis()),
        }
    }
}

impl std::error::Error for TimedOut {}

/// A connection, encrypted or not.
pub(crate) struct Stream {
    inner: Box<dyn Io>,
    /// Whether a proxy reads the requests, which then name the host.
    is_proxied: bool,
}

trait Io: Read + Write + Connection + Send + Unpin {}

impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

impl Stream {
    fn new(inner: impl Io + 'static, is_proxied: bool) -> Self {
        Self { inner: Box::new(inner), is_proxied }
    }

    /// Whether the server still waits for the first request: what it has sent so far belongs to TLS, and it has not
    /// hung up.
    fn is_open(&mut self) -> bool {
        let mut byte = [0];
        let mut unused = ReadBuf::new(&mut byte);
        // The request that takes the connection waits with a waker of its own.
        Pin::new(self).poll_read(&mut Context::from_waker(Waker::noop()), unused.unfilled()).is_pending()
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.is_proxied)
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpStream;

    use super::*;

    /// A connection to a server that says nothing, made so long ago, as one to `https://example.com`.
    async fn ahead(server: &std::net::TcpListener, age: Duration) -> Ahead {
        let (tell, told) = oneshot::channel();
        let stream = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
        drop(tell.send(Stream::new(TokioIo::new(stream), false)));
        let uri = Uri::from_static("https://example.com");
        Ahead { started: Instant::now().checked_sub(age).unwrap(), ..Ahead::new(&uri, told) }
    }

    #[tokio::test]
    async fn a_connection_made_ahead_of_time_is_taken_once_by_its_own_host_while_it_is_young() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let connector = Connector::new(RootCertStore::empty());
        let young = ahead(&server, Duration::ZERO).await;
        connector.with_ahead(|all| all.push(young));
        for other in ["http://example.com", "https://example.com:8443", "https://example.org"] {
            assert!(connector.take_ahead(&Uri::from_static(other)).is_none(), "{other}");
        }
        let own = Uri::from_static("https://example.com/");
        assert!(connector.take_ahead(&own).is_some());
        assert!(connector.take_ahead(&own).is_none(), "it was taken twice");

        let old = ahead(&server, MAX_AGE).await;
        connector.with_ahead(|all| all.push(old));
        assert!(connector.take_ahead(&own).is_none(), "it is too old");
        assert!(connector.with_ahead(|all| all.is_empty()), "what is too old is kept");
    }

    #[tokio::test]
    async fn a_connection_on_which_an_answer_comes_before_any_request_is_not_taken() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let connector = Connector::new(RootCertStore::empty());
        let connection = ahead(&server, Duration::ZERO).await;
        connector.with_ahead(|all| all.push(connection));
        let (mut accepted, _) = server.accept().unwrap();
        std::io::Write::write_all(&mut accepted, b"HTTP/1.1 200 OK\r\n").unwrap();
        // The runtime sees it when it asks the operating system.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(connector.take_ahead(&Uri::from_static("https://example.com")).is_none());
    }
}
