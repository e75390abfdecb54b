//! What goes to CloudWatch Logs: what is wrong, what to do about it, and a last line that says it all.
//!
//! The Test tab of the Lambda console shows the last 4 KB of a log, so what matters most stands last. A check that is as
//! specified is a line only at DEBUG. `kind` tells the lines apart, since a message is a sentence.
//!
//! No line holds a credential or an object's content, since none ever reaches
//! a row. Other crates may speak only from WARN up: at DEBUG and below, an SDK
//! writes out what it signs.

mod history;
mod lines;

use std::io::Write;

use permissions_core::finding::Conformity;
use permissions_core::judge::Cause;
use permissions_core::proof::Warning;
use permissions_core::report::Rendered;
use permissions_core::report::json::{Advice, Problem, Report, Row, policy_type_name};
use permissions_core::report::sentence::{actions_of, describe_conformity, describe_row};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::config::Logging;

pub use history::History;
use history::State;
pub use lines::JsonLines;

/// Sends all log lines to standard output, where Lambda picks them up.
pub fn init(logging: Logging) {
    let others = LevelFilter::from_level(logging.level.min(Level::WARN));
    let filter = Targets::new().with_default(others).with_target(env!("CARGO_CRATE_NAME"), logging.level);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer();
    // A second subscriber in the process is refused, and the first one kept.
    drop(if logging.json {
        registry.with(layer.event_format(JsonLines)).try_init()
    } else {
        registry.with(layer.with_ansi(false)).try_init()
    });
}

/// Writes whole lines beside the log's own.
pub fn print(lines: &[u8]) {
    // Where standard output is gone, nobody reads the log either.
    drop(std::io::stdout().lock().write_all(lines));
}

/// Logs what a run came to: what is wrong, what to do about it, and at last the whole in a sentence.
///
/// A line is WARN where something is wrong or has changed. `history` has what was found before; it is `None` for a run
/// that is shown to the one who asked for it and is no part of the record, of which only the last line is written.
pub fn log(rendered: &Rendered, status: u16, run: Invocation<'_>) {
    let (report, json) = (&rendered.report, &rendered.json);
    let request_id = json.request_id.as_str();
    log_problems(&json.problems, request_id);
    let mut warns = !json.wrong().is_empty() || !json.problems.is_empty();
    if let Some(history) = run.history {
        if report.problems.is_empty() {
            let changes = history.compare(report, status);
            warns |= changes.moved || !changes.gone.is_empty();
            for (row, before) in json.rows.iter().zip(changes.rows) {
                warns |= before.is_some();
                log_row(row, before, request_id);
            }
            for (key, before) in changes.gone {
                log_gone(rendered.render_key(&key), before, request_id);
            }
        }
        for advisory in &json.advisories {
            let actions = advisory.actions.join(", ");
            tracing::debug!(function_request_id = request_id, kind = "advisory", actions, "{}", advisory.text);
        }
        // What there is to paste stands near the end of the log, and what is most likely to help last of all.
        let has_policy = |advice: &&Advice| advice.policy.is_some() || advice.trust_policy.is_some();
        let (with, without): (Vec<_>, Vec<_>) = json.advice.iter().rev().partition(has_policy);
        for advice in without.into_iter().chain(with) {
            log_advice(advice, warns, request_id);
        }
    }
    // What another role may do says nothing to a deployment.
    warns |= run.of_gate && report.is_of_unexpected_role();
    log_run(json, status, &run, warns);
}

/// What is to be known of an invocation beside its report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Invocation<'a> {
    pub history: Option<&'a History>,
    pub of_gate: bool,
    /// Whether it is the first of its execution environment, where a run was made.
    pub cold_start: Option<bool>,
}

/// Writes one event at a level that is known only now: the macros of `tracing` take one that the compiler knows.
macro_rules! line {
    ($level:expr, $($rest:tt)*) => {
        match $level {
            Level::WARN => tracing::warn!($($rest)*),
            Level::INFO => tracing::info!($($rest)*),
            _ => tracing::debug!($($rest)*),
        }
    };
}

/// WARN where something is wrong or has changed, else INFO.
const fn level_of(warns: bool) -> Level {
    if warns { Level::WARN } else { Level::INFO }
}

fn log_run(json: &Report, status: u16, run: &Invocation<'_>, warns: bool) {
    let rows: Vec<&Row> = json.rows.iter().collect();
    let list = |which: fn(&Row) -> bool| Some(actions_of(&rows, which).join(", ")).filter(|list| !list.is_empty());
    let tried = json.problems.is_empty();
    let (summary, proofs) = (&json.summary, &json.summary.proofs);
    let principal = json.principal.as_ref();
    line!(
        level_of(warns),
        function_request_id = json.request_id,
        kind = if run.history.is_some() { "run" } else { "widget" },
        statusCode = status,
        verdict = json.verdict.name(),
        cause = json.headline.as_ref().map(|headline| headline.cause),
        deniedActions = list(|row| row.conformity == Conformity::Missing),
        inconclusiveActions = list(|row| matches!(row.conformity, Conformity::Unknown(_))).filter(|_| tried),
        otherActions = list(|row| matches!(row.conformity, Conformity::Excess | Conformity::Flawed(_))),
        allowed = summary.allowed,
        denied = summary.denied,
        inconclusive = summary.inconclusive,
        documented = proofs.documented,
        observed = proofs.observed,
        inferred = proofs.inferred,
        conformity = json.coverage.is_some().then(|| describe_conformity(json)),
        checked = json.coverage.map(|coverage| coverage.checked),
        checkedOf = json.coverage.map(|coverage| coverage.of),
        advisories = Some(json.advisories.len()).filter(|count| *count > 0),
        role = principal.and_then(|principal| principal.role.as_deref()),
        region = json.region,
        cold_start = run.cold_start,
        durationMs = json.duration_ms,
        "{}",
        json.outcome
    );
}

fn state_name((verdict, warning): State) -> String {
    let warning = warning.map(|warning| format!(" ({})", warning.name())).unwrap_or_default();
    format!("{}{warning}", verdict.name())
}

fn log_row(row: &Row, before: Option<State>, request_id: &str) {
    // A field that has no value is left out.
    let called_by = Some(row.called_by.join(", ")).filter(|actions| !actions.is_empty());
    let denial = row.denial.as_ref();
    let change = before.map(|before| format!("{} → {}", state_name(before), state_name((row.verdict, row.warning))));
    let level = match row.is_as_specified() && change.is_none() {
        false => Level::WARN,
        true if row.is_noteworthy => Level::INFO,
        true => Level::DEBUG,
    };
    line!(
        level,
        function_request_id = request_id,
        kind = "check",
        action = row.action,
        resource = row.resource,
        verdict = row.verdict.name(),
        change,
        code = row.code,
        reason = row.message,
        policyType = denial.and_then(|denial| denial.policy_type).map(policy_type_name),
        cause = row.cause.map(Cause::name),
        warning = row.warning.map(Warning::name),
        metBy = called_by,
        mustBeDenied = row.must_be_denied.then_some(true),
        note = row.note,
        awsRequestId = row.aws_request_id,
        durationMs = row.duration_ms,
        "{}",
        describe_row(row)
    );
}

/// Logs that AWS no longer denies an action behind another one.
fn log_gone((action, resource): (String, String), before: State, request_id: &str) {
    let change = format!("{} → no longer denied", state_name(before));
    tracing::warn!(
        function_request_id = request_id,
        kind = "check",
        action,
        resource,
        change,
        "{action} is no longer denied on {resource}."
    );
}

fn log_advice(advice: &Advice, warns: bool, request_id: &str) {
    let policy = advice.policy.as_ref().map(|policy| tracing::field::display(policy.to_json()));
    let trust_policy = advice.trust_policy.as_ref().map(|policy| tracing::field::display(policy.to_json()));
    // A command that makes a policy has the policy in it once more.
    let command = advice.command.as_ref().filter(|_| policy.is_none() && trust_policy.is_none());
    line!(
        level_of(warns),
        function_request_id = request_id,
        kind = "advice",
        actions = Some(advice.actions.join(", ")).filter(|actions| !actions.is_empty()),
        policy,
        trustPolicy = trust_policy,
        command,
        "{}",
        advice.text
    );
}

/// Logs what a deployment is about to be answered: whether it hears of it is not known yet.
pub fn log_gate(gate: &str, passes: bool, reason: &str, request_id: &str) {
    line!(level_of(!passes), function_request_id = request_id, kind = "gate", gate, passes, "{reason}");
}

/// Logs what is wrong with the environment, the event or the answer to a deployment.
pub fn log_problems(problems: &[Problem], request_id: &str) {
    for problem in problems {
        tracing::error!(
            function_request_id = request_id,
            kind = "problem",
            name = problem.name,
            value = problem.value,
            expected = problem.expected,
            "{}.",
            problem.sentence
        );
    }
}
