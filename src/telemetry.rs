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

use permissions_core::finding::{Finding, Key};
use permissions_core::judge::{Cause, Verdict};
use permissions_core::proof::Warning;
use permissions_core::report::json::{Problem, Row, policy_type_name};
use permissions_core::report::{Rendered, Report};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::config::Logging;

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

/// What this execution environment's latest complete run has told.
#[derive(Debug, Default)]
pub struct History(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The state of each finding.
    rows: BTreeMap<Key, Seen>,
    status: Option<u16>,
}

#[derive(Clone, Debug)]
struct Seen {
    state: State,
    /// The actions that were called when AWS denied it.
    called_by: Vec<&'static str>,
}

/// What has become of the findings since the latest complete run.
struct Changes {
    /// One for each row, in order.
    rows: Vec<Change>,
    /// What AWS denied behind another action, and no longer does.
    gone: Vec<(Key, State)>,
    /// Whether the status is another one.
    moved: bool,
}

/// What a finding says, as far as a change of it is news.
type State = (Verdict, Option<Warning>);

/// What has become of a finding since the latest complete run.
struct Change {
    /// What it was, where that is known and it was otherwise.
    before: Option<State>,
    is_news: bool,
}

impl History {
    /// Compares a run with the latest complete one, and keeps it if it is complete
    /// itself.
    fn compare(&self, report: &Report, status: u16) -> Changes {
        // A thread that panicked while it held the states has left whole ones.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = |finding: &Finding| (finding.verdict, finding.warning);
        let change = |finding: &Finding| {
            let (now, before) = (state(finding), known.rows.get(&finding.key()).map(|seen| seen.state));
            let changed = before.filter(|before| *before != now);
            Change { before: changed, is_news: changed.is_some() || (before.is_none() && !finding.is_clean()) }
        };
        let findings = report.findings();
        let changes = findings.iter().map(change).collect();
        if report.is_filtered {
            return Changes { rows: changes, gone: Vec::new(), moved: false };
        }
        let seen = |finding: &Finding| Seen {
            state: state(finding),
            called_by: finding.called_by().iter().map(|probe| probe.action).collect(),
        };
        let mut rows: BTreeMap<_, _> = findings.iter().map(|finding| (finding.key(), seen(finding))).collect();
        // Only where all checks of the actions that were called have told something can it be gone.
        let tells = |action: &&str| {
            let mut own = findings.iter().filter(|finding| finding.is_check_of(action)).peekable();
            own.peek().is_some() && own.all(|finding| finding.verdict != Verdict::Inconclusive)
        };
        let mut gone = Vec::new();
        for (key, seen) in known.rows.iter().filter(|(key, _)| key.is_dependent) {
            if rows.contains_key(key) {
                continue;
            }
            if seen.called_by.iter().all(tells) {
                gone.push((key.clone(), seen.state));
            } else {
                rows.insert(key.clone(), seen.clone());
            }
        }
        let moved = known.status.is_some_and(|before| before != status);
        *known = Known { rows, status: Some(status) };
        Changes { rows: changes, gone, moved }
    }
}

/// Writes whole lines beside the log's own.
pub fn print(lines: &[u8]) {
    // Where standard output is gone, nobody reads the log either.
    drop(std::io::stdout().lock().write_all(lines));
}

/// Logs a report: every row, and the run, WARN where that is news. `always` says
/// that what is wrong is news in any case, as it is to a deployment.
pub fn log(rendered: &Rendered, status: u16, history: &History, always: bool) {
    let (report, json) = (&rendered.report, &rendered.json);
    let request_id = json.request_id.as_str();
    log_problems(&json.problems, request_id);
    let mut news = !report.problems.is_empty();
    if report.problems.is_empty() {
        let Changes { rows, gone, moved } = history.compare(report, status);
        for ((finding, row), change) in rendered.rows().zip(rows) {
            let is_news = change.is_news || (always && !finding.is_clean());
            log_row(row, change.before, is_news, request_id);
            news |= is_news;
        }
        for (key, before) in gone {
            let change = format!("{} → no longer denied", state_name(before));
            let (action, resource) = rendered.render_key(&key);
            tracing::warn!(requestId = request_id, action, resource, change, "probed");
            news = true;
        }
        news |= moved || (report.is_of_unexpected_role() && always);
    }
    macro_rules! headline {
        ($level:ident, $headline:ident) => {
            tracing::$level!(requestId = request_id, cause = $headline.cause, headline = $headline.text, "headline")
        };
    }
    match &json.headline {
        Some(headline) if news => headline!(warn, headline),
        Some(headline) => headline!(info, headline),
        None => {}
    }
    for advisory in &json.advisories {
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
    for advice in &json.advice {
        if news { advice!(warn, advice) } else { advice!(info, advice) }
    }
    let summary = &report.summary;
    macro_rules! run {
        ($level:ident) => {
            tracing::$level!(
                requestId = request_id,
                statusCode = status,
                verdict = report.verdict.name(),
                allowed = summary.allowed,
                denied = summary.denied,
                inconclusive = summary.inconclusive,
                documented = summary.documented,
                observed = summary.observed,
                inferred = summary.inferred,
                role = json.principal.role,
                region = json.region,
                durationMs = json.duration_ms,
                "checked"
            )
        };
    }
    if news { run!(warn) } else { run!(info) }
}

fn state_name((verdict, warning): State) -> String {
    let warning = warning.map(|warning| format!(" ({})", warning.name())).unwrap_or_default();
    format!("{}{warning}", verdict.name())
}

fn log_row(row: &Row, before: Option<State>, is_news: bool, request_id: &str) {
    let denial = row.denial.as_ref();
    let change = before.map(|before| format!("{} → {}", state_name(before), state_name((row.verdict, row.warning))));
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                requestId = request_id,
                action = row.action,
                resource = row.resource,
                verdict = row.verdict.name(),
                change,
                code = row.code,
                reason = row.message,
                policyType = denial.and_then(|denial| denial.policy_type).map(policy_type_name),
                cause = row.cause.map(Cause::name),
                warning = row.warning.map(Warning::name),
                mustBeDenied = row.must_be_denied.then_some(true),
                note = row.note,
                awsRequestId = row.aws_request_id,
                durationMs = row.duration_ms,
                "probed"
            )
        };
    }
    if is_news { line!(warn) } else { line!(info) }
}

/// Logs what a deployment is about to be answered: whether it hears of it is not known yet.
pub fn log_gate(gate: &str, passes: bool, reason: &str, request_id: &str) {
    if passes {
        tracing::info!(requestId = request_id, gate, passes, reason, "decided");
    } else {
        tracing::warn!(requestId = request_id, gate, passes, reason, "decided");
    }
}

/// Logs what is wrong with the environment, the event or the answer to a deployment.
pub fn log_problems(problems: &[Problem], request_id: &str) {
    for problem in problems {
        tracing::error!(
            requestId = request_id,
            name = problem.name,
            value = problem.value,
            expected = problem.expected,
            "not valid"
        );
    }
}
