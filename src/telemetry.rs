//! What goes to CloudWatch Logs: a line for each action and one for the run.
//!
//! A line is WARN where it is news, so that whoever subscribes to WARN hears of
//! a denial when it begins and when it ends, and not once an hour in between.
//!
//! No line holds a credential or an object's content, since none ever reaches
//! a row. Other crates may speak only from WARN up: at DEBUG and below, an SDK
//! writes out what it signs.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::config::{Config, Logging, Problem};
use crate::metrics;
use crate::report::{Report, Row, policy_type_name, verdict_name};
use crate::verdict::{Cause, Verdict};

/// Sends all log lines to standard output, where Lambda picks them up.
pub fn init(logging: Logging) {
    let others = LevelFilter::from_level(logging.level.min(Level::WARN));
    let filter = Targets::new().with_default(others).with_target(env!("CARGO_CRATE_NAME"), logging.level);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer();
    // A second subscriber in the process is refused, and the first one kept.
    drop(if logging.json {
        registry.with(layer.json().flatten_event(true).with_current_span(false).with_span_list(false)).try_init()
    } else {
        registry.with(layer.with_ansi(false)).try_init()
    });
}

/// The verdicts of this execution environment's earlier runs.
#[derive(Debug, Default)]
pub struct History(Mutex<BTreeMap<String, Verdict>>);

impl History {
    /// What the rows were before this run, which takes their place.
    fn replace(&self, rows: &[Row]) -> Vec<Option<Verdict>> {
        // A thread that panicked while it held the verdicts has left whole ones.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.iter().map(|row| known.insert(row.action.clone(), row.verdict)).collect()
    }
}

/// Writes a run's metrics, as whole lines.
pub fn count(report: &Report, config: &Config, cold_start: bool) {
    let lines = metrics::lines(report, config, cold_start, SystemTime::now());
    // Where standard output is gone, nobody reads the log either.
    drop(std::io::stdout().lock().write_all(&lines));
}

/// Logs a report: every row, and the run, WARN where that is news.
pub fn log(report: &Report, status: u16, history: &History) {
    let request_id = report.request_id.as_str();
    for problem in &report.problems {
        tracing::error!(
            requestId = request_id,
            name = problem.name,
            value = problem.value,
            expected = problem.expected,
            "not valid"
        );
    }
    let mut news = !report.problems.is_empty();
    if report.problems.is_empty() {
        for (row, before) in report.actions.iter().zip(history.replace(&report.actions)) {
            let changed = before.filter(|before| *before != row.verdict);
            let is_news = changed.is_some() || (before.is_none() && !row.is_clean());
            log_row(row, changed, is_news, request_id);
            news |= is_news;
        }
    }
    macro_rules! headline {
        ($level:ident, $headline:ident) => {
            tracing::$level!(requestId = request_id, cause = $headline.cause, headline = $headline.text, "headline")
        };
    }
    match &report.headline {
        Some(headline) if news => headline!(warn, headline),
        Some(headline) => headline!(info, headline),
        None => {}
    }
    for advisory in &report.advisories {
        let actions = advisory.actions.join(", ");
        tracing::info!(requestId = request_id, advisory = advisory.text, actions, "advisory");
    }
    macro_rules! advice {
        ($level:ident, $advice:ident) => {
            tracing::$level!(
                requestId = request_id,
                advice = $advice.text,
                actions = $advice.actions.join(", "),
                "advice"
            )
        };
    }
    for advice in &report.advice {
        if news { advice!(warn, advice) } else { advice!(info, advice) }
    }
    let summary = &report.summary;
    macro_rules! run {
        ($level:ident) => {
            tracing::$level!(
                requestId = request_id,
                statusCode = status,
                verdict = verdict_name(report.verdict),
                allowed = summary.allowed,
                denied = summary.denied,
                inconclusive = summary.inconclusive,
                documented = summary.proofs.documented,
                observed = summary.proofs.observed,
                inferred = summary.proofs.inferred,
                role = report.principal.role,
                region = report.region,
                durationMs = report.duration_ms,
                "checked"
            )
        };
    }
    if news { run!(warn) } else { run!(info) }
}

fn log_row(row: &Row, changed: Option<Verdict>, is_news: bool, request_id: &str) {
    let denial = row.denial.as_ref();
    let change = changed.map(|before| format!("{} → {}", verdict_name(before), verdict_name(row.verdict)));
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                requestId = request_id,
                action = row.action,
                resource = row.resource,
                verdict = verdict_name(row.verdict),
                change,
                code = row.code,
                reason = row.message,
                policyType = denial.and_then(|denial| denial.policy_type).map(policy_type_name),
                cause = row.cause.map(Cause::name),
                note = row.note,
                awsRequestId = row.aws_request_id,
                durationMs = row.duration_ms,
                "probed"
            )
        };
    }
    if is_news { line!(warn) } else { line!(info) }
}

/// Logs what a deployment was answered.
pub fn log_gate(gate: &str, passes: bool, reason: &str, request_id: &str) {
    if passes {
        tracing::info!(requestId = request_id, gate, passes, reason, "answered");
    } else {
        tracing::warn!(requestId = request_id, gate, passes, reason, "answered");
    }
}

/// Logs what is wrong with the environment, once at the start.
pub fn log_problems(problems: &[Problem]) {
    for problem in problems {
        tracing::error!(name = problem.name, value = problem.value, expected = problem.expected, "not valid");
    }
}
