//! The connections of a run, opened while Lambda starts the function.
//!
//! Lambda starts a function with more CPU than a small one has when it is
//! invoked (observed by many; we found no page of AWS on it). TLS handshakes are
//! most of what a first run computes (docs/performance.md). So the checks are made
//! once before the first invocation, on a client that opens a connection for
//! every request and sends none. Afterwards the connections that the run needs
//! are open, and what is made on first use has been made.
//!
//! Nothing depends on it. What fails here is found again, and told, by the run.

use std::sync::Arc;
use std::time::Duration;

use permissions_core::plan::Check;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use crate::http_client::Connections;
use crate::probes;
use crate::run::MAX_CONCURRENCY;
use crate::session::Session;

/// The most that it takes: many times what connecting within a Region
/// does, and far less than the ten seconds that Lambda gives to a start.
const LIMIT: Duration = Duration::from_millis(500);

/// Makes the checks in a session whose clients connect only,
/// until every connection is open or cannot be opened.
pub async fn preconnect(checks: &[Check], session: &Arc<Session>, connections: &Connections) {
    // A run makes no more connections than this.
    let checks = &checks[..checks.len().min(MAX_CONCURRENCY)];
    let mut connecting = JoinSet::new();
    for check in checks.iter().cloned() {
        let session = session.clone();
        connecting.spawn(async move { drop(probes::send_of(&check).send(&session, &check.target).await) });
    }
    let mut silent = 0;
    let opened = async {
        while silent + connections.wanted() < checks.len() || connections.settled() < connections.wanted() {
            tokio::select! {
                // A probe that ends has asked for no connection: the configuration or the credentials are missing.
                Some(_) = connecting.join_next() => silent += 1,
                () = connections.changed() => {}
            }
        }
    };
    drop(timeout(LIMIT, opened).await);
    connecting.shutdown().await;
    // What has arrived meanwhile is seen when the runtime has asked the operating system.
    yield_now().await;
    connections.read_ahead();
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use fake_aws::{Act, Request, Server, serve};

    use super::*;
    use crate::harness::{self as stub, Stub, healthy, specification};
    use crate::run::check_all;
    use crate::trust_store::TrustStore;

    /// The session of a run, and the one whose clients connect only.
    fn sessions(endpoint: &str, connections: &Connections) -> (Arc<Session>, Arc<Session>) {
        let sdk = stub::sdk(endpoint);
        let session = |client| {
            let sdk = sdk.to_builder().http_client(client).build();
            Arc::new(stub::session_at(&sdk, specification(), Duration::from_secs(5)))
        };
        (session(connections.client()), session(connections.connect_only_client()))
    }

    /// The checks of the guide's policy.
    fn checks() -> Vec<Check> {
        let mut specification = specification();
        (specification.passed_role, specification.assumed_role) = (None, None);
        permissions_core::plan::plan(&specification, &probes::infos()).checks
    }

    #[tokio::test]
    async fn preconnecting_opens_what_the_run_needs_and_sends_nothing() {
        let aws = Stub::start(healthy);
        let connections = Connections::new(&TrustStore::Amazon);
        let (session, connecting) = sessions(&format!("http://{}", aws.address), &connections);
        let checks = checks();

        preconnect(&checks, &connecting, &connections).await;
        // The operating system accepts a connection before the server counts it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!((aws.seen.connections(), aws.seen.count()), (checks.len(), 0));

        for run in 1..=3 {
            let outcomes = check_all(&checks, &session, Duration::from_secs(5)).await;
            assert!(outcomes.iter().all(|outcome| stub::summary(outcome).starts_with("allowed")));
            assert_eq!(aws.seen.connections(), checks.len(), "run {run} needs no other connection");
        }
    }

    #[tokio::test]
    async fn connections_that_were_closed_before_the_run_are_opened_anew() {
        let opened = AtomicUsize::new(0);
        let count = checks().len();
        // As AWS closes connections while the function is frozen.
        let aws = Server::accept(move |connection, seen| {
            if opened.fetch_add(1, Ordering::SeqCst) >= count {
                serve(connection, seen, Duration::from_secs(10), &|request: &Request| Act::from(healthy(request)));
            }
        });
        let connections = Connections::new(&TrustStore::Amazon);
        let (session, connecting) = sessions(&format!("http://{}", aws.address), &connections);
        preconnect(&checks(), &connecting, &connections).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut requests = Vec::new();
        for _ in 0..2 {
            let outcomes = check_all(&checks(), &session, Duration::from_secs(5)).await;
            assert!(outcomes.iter().all(|outcome| stub::summary(outcome).starts_with("allowed")));
            requests.push(aws.seen.count());
        }
        assert_eq!(requests[1], 2 * requests[0], "in the first run, no request was sent twice");
        assert_eq!(aws.seen.connections(), 2 * count);
    }

    #[tokio::test]
    async fn preconnecting_without_a_network_ends_at_once_and_changes_nothing() {
        let nobody = "http://127.0.0.1:1";
        let connections = Connections::new(&TrustStore::Amazon);
        let (session, connecting) = sessions(nobody, &connections);
        let started = Instant::now();
        preconnect(&checks(), &connecting, &connections).await;
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
        let outcomes = check_all(&checks(), &session, Duration::from_secs(5)).await;
        assert!(outcomes.iter().all(|outcome| stub::summary(outcome) == "inconclusive network"));
    }

    #[tokio::test]
    async fn preconnecting_with_a_silent_network_is_bounded() {
        // What is accepted by the listener's queue alone never answers the handshake.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let connections = Connections::new(&TrustStore::Amazon);
        let (_, connecting) = sessions(&format!("https://{}", silent.local_addr().unwrap()), &connections);
        let started = Instant::now();
        preconnect(&checks(), &connecting, &connections).await;
        assert!((LIMIT..LIMIT * 4).contains(&started.elapsed()), "{:?}", started.elapsed());
    }
}
