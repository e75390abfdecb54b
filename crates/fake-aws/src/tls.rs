//! Servers that speak TLS, and servers that only seem to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Act, Request, Seen, Server, perform, read_request};

/// Who says who a server is.
#[derive(Clone, Copy, Debug)]
pub enum Certificate {
    /// The authority that the client trusts, for this host, now.
    Good,
    SelfSigned,
    /// The trusted authority, for another host.
    OtherHost,
    /// The trusted authority, for this host, until some years ago.
    Expired,
    /// An authority that nobody trusts.
    UnknownAuthority,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// A server with such a certificate, which answers each request as told, and the
/// authority, in PEM, that its client is to trust.
pub fn server<A: Into<Act>>(
    certificate: Certificate,
    answer: impl Fn(&Request) -> A + Send + Sync + 'static,
) -> (Server, Vec<u8>) {
    let trusted = authority();
    let host = if matches!(certificate, Certificate::OtherHost) { "example.com" } else { "localhost" };
    let mut parameters = CertificateParams::new(vec![host.to_owned()]).unwrap();
    if matches!(certificate, Certificate::Expired) {
        (parameters.not_before, parameters.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    }
    let key = KeyPair::generate().unwrap();
    let signed = match certificate {
        Certificate::SelfSigned => parameters.self_signed(&key),
        Certificate::UnknownAuthority => parameters.signed_by(&key, &authority()),
        _ => parameters.signed_by(&key, &trusted),
    };
    let chain = vec![CertificateDer::from(signed.unwrap())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let server = Server::accept(move |connection, seen: &Seen| {
        connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), connection);
        let mut reader = std::io::BufReader::new(tls);
        while let Some(request) = read_request(&mut reader) {
            let act = answer(&request).into();
            seen.add(request);
            if !perform(reader.get_mut(), seen, &act) {
                break;
            }
        }
    });
    (server, trusted.pem().into_bytes())
}

/// Reads a client's first message, and hangs up.
pub fn hangs_up(mut connection: TcpStream, _: &Seen) {
    drop(connection.read(&mut [0; 16 * 1024]));
}

/// Reads a client's first message, and says that it does not want to.
pub fn alerts(mut connection: TcpStream, _: &Seen) {
    drop(connection.read(&mut [0; 16 * 1024]));
    // RFC 8446, section 6: a fatal alert, handshake_failure.
    drop(connection.write_all(&[21, 3, 3, 0, 2, 2, 40]));
}
