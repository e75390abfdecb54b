//! Every probe under every fault, through the real SDK over real sockets: none
//! is "allowed" without proof, and none "denied" without AWS saying so.

mod partial;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use permissions_aws::http_client::MAX_RESPONSE_BYTES;
use permissions_aws::probes::ALL;
use permissions_aws::run::check_all;
use permissions_core::finding::{Finding, findings};
use permissions_core::iam::actions::CONTROL;
use permissions_core::judge::Verdict;

use crate::harness::{self as stub, all_checks, config, healthy, sdk_with, session};
use fake_aws::tls::{self, Certificate};
use permissions_aws::trust_store::TrustStore;
use table::{How, faults};

/// What one fault led to.
struct Run {
    /// The summary of each row, by action.
    found: BTreeMap<&'static str, String>,
    /// How many requests reached the server.
    requests: usize,
    /// How many bytes of endless answers the server was able to send.
    poured: usize,
    /// The status of the response.
    status: u16,
    /// The rows of the report that are not inconclusive.
    told: Vec<String>,
}

async fn run(how: &How, limit: Duration) -> Run {
    let (server, endpoint, roots) = match how {
        How::Server(start) => {
            let server = start();
            let endpoint = format!("http://{}", server.address);
            (Some(server), endpoint, TrustStore::Amazon)
        }
        How::Tls(start) => {
            let (server, authority) = start();
            let endpoint = format!("https://localhost:{}", server.address.port());
            (Some(server), endpoint, TrustStore::bundle(authority).unwrap())
        }
        How::Endpoint(endpoint) => (None, (*endpoint).to_owned(), TrustStore::Amazon),
    };
    let (config, sdk) = (config(), sdk_with(&endpoint, &roots));
    let session = Arc::new(session(&sdk, &config));
    let outcomes = check_all(&all_checks(&config), &session, limit).await;
    let findings = findings(&outcomes, &session.place());
    let told = findings.iter().filter(|finding| finding.verdict != Verdict::Inconclusive);
    let told = told.map(|finding| finding.action.raw().to_owned()).collect();
    let is_denied = findings.iter().any(|finding| finding.verdict == Verdict::Denied);
    let is_clean = findings.iter().all(Finding::is_clean);
    Run {
        found: outcomes.iter().map(|outcome| (outcome.check.action(), stub::summary(outcome))).collect(),
        requests: server.as_ref().map_or(0, |server| server.seen.count()),
        poured: server.as_ref().map_or(0, |server| server.seen.poured.load(Ordering::SeqCst)),
        // As in a report.
        status: if is_denied {
            403
        } else if is_clean {
            200
        } else {
            503
        },
        told,
    }
}

/// `Query` and `UpdateItem` are asked once more, where AWS's first answer says that the action is allowed.
const ASKED_AGAIN: usize = 2;

const ENOUGH: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(1200);

#[tokio::test]
async fn without_a_fault_everything_is_allowed() {
    // The matrix would be worth nothing if its servers could not be understood.
    for how in [
        How::Server(Box::new(|| stub::Server::start(healthy))),
        How::Tls(Box::new(|| tls::server(Certificate::Good, healthy))),
    ] {
        let run = run(&how, ENOUGH).await;
        for (action, summary) in &run.found {
            assert!(summary.starts_with("allowed"), "{action} {summary}");
        }
    }
}

#[tokio::test]
async fn every_probe_under_every_fault() {
    let faults = faults();
    let sound = run(&How::Server(Box::new(|| stub::Server::start(healthy))), ENOUGH).await;
    let mut wrong = Vec::new();
    for fault in &faults {
        let Run { found, requests, poured, status, told } =
            run(&fault.how, if fault.is_slow() { SHORT } else { ENOUGH }).await;
        assert_eq!(found.len(), ALL.len(), "{}: a row is missing", fault.name);
        let denies = fault.group == "Denials";
        for (action, summary) in &found {
            let expected = (fault.expected)(action);
            if *summary != expected {
                wrong.push(format!("{}: {action}: {summary}, expected {expected}", fault.name));
            }
        }
        // Where AWS does not say who is calling, nothing is believed, whatever else is answered.
        let identified = (fault.expected)(CONTROL).starts_with("allowed");
        if !identified && told.iter().any(|action| action != CONTROL) {
            wrong.push(format!("{}: {told:?} is believed", fault.name));
        }
        let control_denied = (fault.expected)(CONTROL).starts_with("denied");
        // None of these faults leaves a run clean, and those of one service deny nothing.
        assert_eq!(status, if control_denied { 403 } else { 503 }, "{}", fault.name);
        if requests > 3 * sound.requests || (denies && requests + ASKED_AGAIN != sound.requests) {
            wrong.push(format!("{}: {requests} requests, against {}", fault.name, sound.requests));
        }
        // What the sockets of both sides take in comes on top of what is read.
        if poured > requests.max(1) * (MAX_RESPONSE_BYTES + (16 << 20)) {
            wrong.push(format!("{}: {poured} bytes", fault.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), faults.len() * ALL.len(), wrong.join("\n"));
    println!("{} faults x {} probes = {} cells, as expected", faults.len(), ALL.len(), faults.len() * ALL.len());
}

/// The same table, for people.
pub fn document() -> String {
    let faults = &faults();
    let mut text = format!(
        "<!-- Written by ./dev docs; edit tests/integration/faults instead. -->\n\n# Every probe under every fault\n\nMade from the table in `tests/integration/faults/table.rs`; a test compares every probe with it: {} faults, {} \
         probes, {} cells. Each goes through the real SDK clients over real sockets. \"Allowed\" stands only where the answer is one that AWS \
         gives after it has authorized the request, \"denied\" only where AWS says so. In a whole run, nothing but the control is believed \
         under a fault that also meets `{}`.\n",
        faults.len(),
        ALL.len(),
        faults.len() * ALL.len(),
        CONTROL
    );
    let mut group = "";
    for fault in faults {
        if fault.group != group {
            group = fault.group;
            write!(text, "\n## {group}\n\n| fault | every row | but |\n|---|---|---|\n").unwrap();
        }
        let mut told: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for probe in ALL {
            let expected = (fault.expected)(probe.info.action);
            let is_as_without = expected == partial::sound(probe.info.action);
            let shown = if is_as_without { "as without a fault".to_owned() } else { expected };
            told.entry(shown).or_default().push(probe.info.action);
        }
        let most = told.iter().max_by_key(|(_, actions)| actions.len()).map(|(told, _)| told.clone()).unwrap();
        let but = told.iter().filter(|(told, _)| **told != most);
        let but: Vec<_> = but.map(|(told, actions)| format!("{}: {told}", actions.join(", "))).collect();
        writeln!(text, "| {} | {most} | {} |", fault.name.replace('|', "\\|"), but.join("; ")).unwrap();
    }
    text
}
