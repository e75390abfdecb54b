//! The run, rehearsed while Lambda starts the function.
//!
//! Lambda starts a function with more CPU than a small one has when it is
//! invoked (observed by many; we found no page of AWS on it). TLS handshakes are
//! most of what a first run computes (docs/performance.md). So the probes are run
//! once before the first invocation, on a client that opens a connection for
//! every request and sends none. Afterwards the connections that the run needs
//! are open, and what is made on first use has been made.
//!
//! Nothing depends on it. What fails here is found again, and told, by the run.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::http::Connections;
use crate::probe::{Context, Probe};

/// The most that a rehearsal takes: many times what connecting within a Region
/// does, and far less than the ten seconds that Lambda gives to a start.
const LIMIT: Duration = Duration::from_millis(500);

/// Runs the probes in a context whose clients are openers of these connections,
/// until every connection is open or cannot be opened.
pub async fn run(probes: &[&'static Probe], cx: &Arc<Context>, connections: &Connections) {
    let mut rehearsing = JoinSet::new();
    for probe in probes.iter().copied() {
        let cx = cx.clone();
        rehearsing.spawn(async move { drop((probe.run)(&cx).await) });
    }
    let mut silent = 0;
    let opened = async {
        while silent + connections.wanted() < probes.len() || connections.settled() < connections.wanted() {
            tokio::select! {
                // A probe that ends has asked for no connection: the configuration or the credentials are missing.
                Some(_) = rehearsing.join_next() => silent += 1,
                () = connections.changed() => {}
            }
        }
    };
    drop(timeout(LIMIT, opened).await);
    rehearsing.shutdown().await;
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;
    use crate::check;
    use crate::probes;
    use crate::roots::Roots;
    use crate::stub::{self, Stub, healthy};

    /// The context of a run, and the one that it is rehearsed in.
    fn contexts(endpoint: &str, connections: &Connections) -> (Arc<Context>, Arc<Context>) {
        let sdk = stub::sdk(endpoint);
        let context = |client| Arc::new(stub::context(&sdk.to_builder().http_client(client).build(), stub::config()));
        (context(connections.client()), context(connections.opener()))
    }

    #[tokio::test]
    async fn a_rehearsal_opens_what_the_run_needs_and_sends_nothing() {
        let aws = Stub::start(healthy);
        let connections = Connections::new(&Roots::Amazon);
        let (cx, rehearsed) = contexts(&format!("http://{}", aws.address), &connections);
        let probes = probes::policy();

        run(&probes, &rehearsed, &connections).await;
        // The operating system accepts a connection before the server counts it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!((aws.seen.connections(), aws.seen.count()), (probes.len(), 0));

        for run in 1..=3 {
            let outcomes = check::run(&probes, &cx, Duration::from_secs(5)).await;
            assert!(outcomes.iter().all(|outcome| stub::summary(outcome).starts_with("allowed")));
            assert_eq!(aws.seen.connections(), probes.len(), "run {run} needs no other connection");
        }
    }

    #[tokio::test]
    async fn a_rehearsal_without_a_network_ends_at_once_and_changes_nothing() {
        let nobody = "http://127.0.0.1:1";
        let connections = Connections::new(&Roots::Amazon);
        let (cx, rehearsed) = contexts(nobody, &connections);
        let started = Instant::now();
        run(&probes::policy(), &rehearsed, &connections).await;
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
        let outcomes = check::run(&probes::policy(), &cx, Duration::from_secs(5)).await;
        assert!(outcomes.iter().all(|outcome| stub::summary(outcome) == "inconclusive network"));
    }

    #[tokio::test]
    async fn a_rehearsal_with_a_silent_network_is_bounded() {
        // What is accepted by the listener's queue alone never answers the handshake.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let connections = Connections::new(&Roots::Amazon);
        let (_, rehearsed) = contexts(&format!("https://{}", silent.local_addr().unwrap()), &connections);
        let started = Instant::now();
        run(&probes::policy(), &rehearsed, &connections).await;
        assert!((LIMIT..LIMIT * 4).contains(&started.elapsed()), "{:?}", started.elapsed());
    }
}
