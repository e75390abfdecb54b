//! What goes to CloudWatch Logs: a line for each action and one for the run.
//!
//! No line holds a credential or an object's content, since none ever reaches
//! a row. Other crates may speak only from WARN up: at DEBUG and below, an SDK
//! writes out what it signs.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::config::{Logging, Problem};
use crate::report::{Report, Row, policy_type_name, verdict_name};
use crate::verdict::Cause;

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

/// Logs a report: every row, WARN where something is wrong with it, and the run.
pub fn log(report: &Report, status: u16) {
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
    if report.problems.is_empty() {
        report.actions.iter().for_each(|row| log_row(row, request_id));
    }
    if let Some(headline) = &report.headline {
        tracing::warn!(requestId = request_id, cause = headline.cause, headline = headline.text, "headline");
    }
    for advisory in &report.advisories {
        let actions = advisory.actions.join(", ");
        tracing::info!(requestId = request_id, advisory = advisory.text, actions, "advisory");
    }
    for advice in &report.advice {
        tracing::warn!(requestId = request_id, advice = advice.text, actions = advice.actions.join(", "), "advice");
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
                role = report.principal.role,
                region = report.region,
                durationMs = report.duration_ms,
                "checked"
            )
        };
    }
    if status == 200 { run!(info) } else { run!(warn) }
}

fn log_row(row: &Row, request_id: &str) {
    let denial = row.denial.as_ref();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                requestId = request_id,
                action = row.action,
                resource = row.resource,
                verdict = verdict_name(row.verdict),
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
    if row.is_clean() { line!(info) } else { line!(warn) }
}

/// Logs what is wrong with the environment, once at the start.
pub fn log_problems(problems: &[Problem]) {
    for problem in problems {
        tracing::error!(name = problem.name, value = problem.value, expected = problem.expected, "not valid");
    }
}
