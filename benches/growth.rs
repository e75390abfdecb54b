//! How the cost grows with the number of probes: the list, repeated, against a
//! server that stands for AWS (`benches/run --growth` starts both).
//!
//! ```text
//! growth PROBES AT_ONCE      prints the milliseconds of two runs, the first on new connections, and the peak memory
//! ```

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made ends the program")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use permissions_probe::check;
use permissions_probe::config::{Config, environment, roots};
use permissions_probe::handler::sdk;
use permissions_probe::http::Connections;
use permissions_probe::probe::{Clients, Context, Probe};
use permissions_probe::probes;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().unwrap());
    let (count, at_once) = (arguments.next().unwrap(), arguments.next().unwrap());
    let config = Arc::new(Config::from_env(environment).unwrap());
    let sdk = sdk(&Connections::new(&roots(environment))).await;
    let clients = Clients::new(&sdk, &config);
    let list: Vec<&'static Probe> = probes::policy().into_iter().cycle().take(count).collect();
    let mut took = Vec::new();
    for _ in 0..2 {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:permissions-probe";
        let cx = Arc::new(Context::new(config.clone(), clients.clone(), "us-east-1", arn));
        let started = Instant::now();
        let outcomes = check::run_at_most(at_once, &list, &cx, Duration::from_mins(1)).await;
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
