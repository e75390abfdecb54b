//! AWS's services, each under an address of its own, over TLS.

use std::io::{BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use fake_aws::{healthy, read_body, read_head};

/// The services, by the SDKs' variables for their endpoints.
const SERVICES: &[&str] = &["S3", "DYNAMODB", "SAGEMAKER", "SAGEMAKER_RUNTIME", "CLOUDWATCH_LOGS", "STS"];

static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
static REQUESTS: AtomicUsize = AtomicUsize::new(0);

/// Writes the authority's certificate to `DIRECTORY/ca.pem`, prints the endpoints
/// as one line of JSON, and answers until standard input ends. An empty line on
/// it asks for the numbers of connections and of requests since the last one.
pub fn serve(directory: &Path, delay_ms: u64) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    // Where both had rcgen's own name, OpenSSL would take what it signs for self-signed.
    authority.distinguished_name.push(DnType::CommonName, "the benchmark's authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(directory.join("ca.pem"), authority.pem()).unwrap();

    let address = |index: usize| IpAddr::V4(Ipv4Addr::new(127, 0, 0, u8::try_from(index + 2).unwrap()));
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.subject_alt_names = (0..SERVICES.len()).map(|index| SanType::IpAddress(address(index))).collect();
    let key = KeyPair::generate().unwrap();
    let chain = vec![CertificateDer::from(parameters.signed_by(&key, &authority).unwrap())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());

    let mut endpoints = serde_json::Map::new();
    for (index, service) in SERVICES.iter().enumerate() {
        let listener = TcpListener::bind((address(index), 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        endpoints.insert(format!("AWS_ENDPOINT_URL_{service}"), url.into());
        let config = config.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                CONNECTIONS.fetch_add(1, Ordering::SeqCst);
                let config = config.clone();
                std::thread::spawn(move || answer(connection, config, Duration::from_millis(delay_ms)));
            }
        });
    }
    println!("{}", serde_json::Value::from(endpoints));
    let mut byte = [0];
    while std::io::stdin().read(&mut byte).is_ok_and(|read| read > 0) {
        println!("{} {}", CONNECTIONS.swap(0, Ordering::SeqCst), REQUESTS.swap(0, Ordering::SeqCst));
    }
}

fn answer(connection: TcpStream, config: Arc<ServerConfig>, delay: Duration) {
    connection.set_nodelay(true).unwrap();
    connection.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut reader = BufReader::new(StreamOwned::new(ServerConnection::new(config).unwrap(), connection));
    while let Some(mut request) = read_head(&mut reader) {
        // As S3 does, for clients that ask before they send a body (boto3).
        let asks = request.header("expect").is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue"));
        if asks && reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_err() {
            break;
        }
        if read_body(&mut reader, &mut request).is_none() {
            break;
        }
        REQUESTS.fetch_add(1, Ordering::SeqCst);
        let started = Instant::now();
        let answer = healthy(&request);
        std::thread::sleep(delay.saturating_sub(started.elapsed()));
        if reader.get_mut().write_all(&answer).is_err() {
            break;
        }
    }
}
