//! The compiled function behind a proxy that its environment names.

use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use fake_aws::tls::{self, Certificate};
use fake_aws::{Act, Request, Seen, Server, healthy, read_request};

use crate::emulator::{Environment, SUCCESS};
use crate::harness::rows;
use crate::lambda::{Lambda, environment, with};

/// `user:secret`, as a proxy is told it (RFC 7617).
const AUTHORIZATION: &str = "Basic dXNlcjpzZWNyZXQ=";

/// A proxy that connects to whatever host it is asked for.
fn tunnels() -> Server {
    Server::accept(|mut client, seen: &Seen| {
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let Some(request) = read_request(&mut BufReader::new(client.try_clone().unwrap())) else { return };
        let target = request.path.clone();
        let is_known = request.method == "CONNECT" && request.header("proxy-authorization") == Some(AUTHORIZATION);
        seen.add(request);
        if !is_known {
            drop(client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"));
            return;
        }
        let server = TcpStream::connect(&target).unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let back = std::thread::spawn(move || {
            drop(std::io::copy(&mut from_server, &mut to_client));
            drop(to_client.shutdown(Shutdown::Both));
        });
        drop(std::io::copy(&mut client, &mut &server));
        drop(server.shutdown(Shutdown::Both));
        back.join().unwrap();
    })
}

/// The environment of a function whose AWS speaks TLS, and the file that its certificates are in.
fn over_tls(aws: &Server, pem: &[u8], name: &str) -> Environment {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, pem).unwrap();
    let endpoint = format!("https://localhost:{}", aws.address.port());
    with(environment(aws), &[("AWS_ENDPOINT_URL", &endpoint), ("AWS_CA_BUNDLE", file.to_str().unwrap())])
}

#[test]
fn requests_go_through_the_tunnel_of_a_proxy() {
    let ((aws, pem), proxy) = (tls::server(Certificate::Good, healthy), tunnels());
    let url = format!("http://user:secret@{}", proxy.address);
    let early = ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    let lambda = Lambda::start(&with(over_tls(&aws, &pem, "tunnel.pem"), &[("HTTPS_PROXY", &url), early]));
    for _ in 0..2 {
        assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    }
    // Each connection was opened before the first run, and used in both.
    assert_eq!((proxy.seen.connections(), aws.seen.connections()), (17, 17));
    let host = format!("localhost:{}", aws.address.port());
    for request in proxy.seen.requests() {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("CONNECT", host.as_str()));
    }
}

#[test]
fn a_host_that_needs_no_proxy_is_asked_directly() {
    let ((aws, pem), proxy) = (tls::server(Certificate::Good, healthy), tunnels());
    let url = format!("http://user:secret@{}", proxy.address);
    let variables = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "localhost")];
    let lambda = Lambda::start(&with(over_tls(&aws, &pem, "direct.pem"), &variables));
    assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    assert_eq!(proxy.seen.connections(), 0);
}

#[test]
fn a_proxy_that_refuses_is_the_network_s_fault() {
    let ((aws, pem), proxy) = (tls::server(Certificate::Good, healthy), tunnels());
    let url = format!("http://user:mistaken@{}", proxy.address);
    let lambda = Lambda::start(&with(over_tls(&aws, &pem, "refused.pem"), &[("HTTPS_PROXY", &url)]));
    let response = lambda.invoke(b"{}");
    assert_eq!(response["statusCode"], 503, "{response}");
    let rows = rows(&response["report"]);
    assert!(rows.len() == 17 && rows.iter().all(|row| row["cause"] == "network"), "{response}");
    assert!(response["body"].to_string().contains("HTTPS_PROXY"), "{response}");
    assert!(!response.to_string().contains("mistaken"), "the password of the proxy is told: {response}");
    assert_eq!(aws.seen.connections(), 0);
}

#[test]
fn a_request_that_is_not_encrypted_goes_to_the_proxy_as_it_is() {
    let aws = Server::start(|_: &Request| Act::Close(Vec::new()));
    let host = aws.address.to_string();
    let origin = format!("http://{host}");
    let proxy = Server::start(move |request: &Request| {
        assert_eq!(request.header("proxy-authorization"), Some(AUTHORIZATION));
        assert_eq!(request.header("host"), Some(host.as_str()));
        let path = request.path.strip_prefix(&origin).unwrap().to_owned();
        healthy(&Request { path, ..request.clone() })
    });
    let url = format!("http://user:secret@{}", proxy.address);
    let lambda = Lambda::start(&with(environment(&aws), &[("HTTP_PROXY", &url)]));
    assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    assert_eq!(aws.seen.connections(), 0);
}
