//! How the cost grows with the number of probes: the list, repeated, against a
//! server that stands for AWS (`bench/run --growth` starts both).
//!
//! ```text
//! growth PROBES AT_ONCE      prints the milliseconds of two runs, the first on new connections, and the peak memory
//! ```

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made ends the program")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use permissions_aws::http_client::Connections;
use permissions_aws::probes;
use permissions_aws::run::check_at_most;
use permissions_aws::session::{Clients, Session};
use permissions_core::plan::plan;
use permissions_probe::config::{Config, environment, trust_store};
use permissions_probe::function::sdk;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().unwrap());
    let (count, at_once) = (arguments.next().unwrap(), arguments.next().unwrap());
    let config = Config::from_env(environment).unwrap();
    let sdk = sdk(&Connections::new(&trust_store(environment))).await;
    let clients = Clients::new(&sdk, &config.settings);
    let checks = plan(&config.specification, &probes::infos()).checks.into_iter();
    let sends: Vec<_> = checks.map(|check| (check.clone(), probes::send_of(&check))).collect();
    let mut took = Vec::new();
    for _ in 0..2 {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:permissions-probe";
        let (specification, settings) = (config.specification.clone(), config.settings.clone());
        let session = Arc::new(Session::new(specification, settings, clients.clone(), "us-east-1", arn));
        let sends = sends.iter().cycle().take(count).cloned().collect();
        let started = Instant::now();
        let outcomes = check_at_most(at_once, sends, &session, Duration::from_mins(1)).await;
        took.push(started.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(outcomes.len(), count);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!(
        "{{\"first\": {}, \"second\": {}, \"peakKiB\": {}}}",
        took[0],
        took[1],
        peak.trim().trim_end_matches(" kB")
    );
}
