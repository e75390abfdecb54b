//! A run's metrics, as a line of the log from which CloudWatch makes them
//! (CloudWatch User Guide, "Specification: Embedded metric format"): it needs no
//! permission but the one to log.
//!
//! CloudWatch counts every pair of a metric and a set of dimensions as a metric
//! of its own, and charges for each beyond ten. A function's are six, and the
//! two that page are written without a dimension as well, in which an alarm sees
//! all functions of the account and Region: eight in all.

use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format as DateFormat;
use metrique_writer::format::Format as _;
use metrique_writer::unit::{AsCount, AsMilliseconds};
use metrique_writer::{Entry, EntryWriter};
use metrique_writer_format_emf::Emf;
use permissions_core::finding::Conformity;
use permissions_core::report::json::millis;
use permissions_core::report::{Rendered, Report};

use crate::config::{Config, Metrics};

/// The dimension that tells functions apart.
const FUNCTION: &str = "FunctionName";

/// What Lambda keeps a line by. Of one without a level or without a timestamp,
/// it takes the level for INFO, and drops the line where the function's log
/// level is higher (Lambda Developer Guide, "Log-level filtering").
struct Line<'a> {
    level: &'static str,
    timestamp: String,
    at: SystemTime,
    function: &'a str,
    request_id: &'a str,
}

impl<'a> Line<'a> {
    fn new(config: &'a Config, request_id: &'a str, at: SystemTime) -> Self {
        Self {
            level: config.log_level,
            timestamp: DateTime::from(at).fmt(DateFormat::DateTime).unwrap_or_default(),
            at,
            function: config.function_name.as_deref().unwrap_or(env!("CARGO_PKG_NAME")),
            request_id,
        }
    }

    fn write(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.timestamp(self.at);
        writer.value("level", self.level);
        writer.value("timestamp", self.timestamp.as_str());
        writer.value("function_request_id", self.request_id);
        writer.value(FUNCTION, self.function);
    }
}

struct Run<'a> {
    line: Line<'a>,
    report: &'a Report,
    cold_start: bool,
}

impl Entry for Run<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        let summary = &self.report.summary;
        self.line.write(writer);
        writer.value("Verdict", self.report.verdict.name());
        for (name, count) in [
            ("Allowed", summary.allowed),
            ("Advisories", self.report.advisories.len()),
            ("ColdStart", usize::from(self.cold_start)),
        ] {
            writer.value(name, &AsCount::from(count));
        }
        write_alarming(self.report, self.report.is_complete(), writer);
        writer.value("DurationMs", &AsMilliseconds::from(millis(self.report.duration)));
    }
}

/// What pages, of this function or of all functions together.
struct Alarming<'a> {
    line: Line<'a>,
    report: &'a Report,
    /// Whether a zero is written, too.
    zeros: bool,
}

impl Entry for Alarming<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        self.line.write(writer);
        write_alarming(self.report, self.zeros, writer);
    }
}

/// The two metrics that page. A zero says that all is well, so only a run that
/// knows it writes one; a missing value leaves the alarm as it is.
fn write_alarming<'a>(report: &'a Report, zeros: bool, writer: &mut impl EntryWriter<'a>) {
    let counts = [("Denied", report.summary.denied), ("Inconclusive", report.unclear())];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0 || zeros) {
        writer.value(name, &AsCount::from(count));
    }
}

struct Action<'a> {
    line: Line<'a>,
    name: String,
    is_denied: bool,
}

impl Entry for Action<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        self.line.write(writer);
        writer.value("Action", self.name.as_str());
        writer.value("ActionDenied", &AsCount::from(u64::from(self.is_denied)));
    }
}

/// Each action once, and whether it is denied on any of its resources. One of which that cannot be told is left out: a
/// zero would turn the alarm on it off.
fn actions_of(rendered: &Rendered) -> Vec<(String, bool)> {
    let mut actions: Vec<(String, Option<bool>)> = Vec::new();
    for row in &rendered.json.rows {
        let is_denied = match row.conformity {
            Conformity::Missing => Some(true),
            Conformity::Unknown(_) => None,
            Conformity::AsSpecified | Conformity::Excess | Conformity::Flawed(_) => Some(false),
        };
        match actions.iter_mut().find(|(known, _)| *known == row.action) {
            // A denial is one, whatever becomes of the others.
            Some((_, known)) if *known == Some(true) || is_denied == Some(true) => *known = Some(true),
            Some((_, known)) => *known = known.and(is_denied),
            None => actions.push((row.action.clone(), is_denied)),
        }
    }
    actions.into_iter().filter_map(|(action, is_denied)| Some((action, is_denied?))).collect()
}

/// The lines of one run, each with its end.
///
/// A run that was asked for some of the actions only, or by a deployment, is
/// none of those that the schedule makes: it writes what pages, and nothing else.
pub fn lines(rendered: &Rendered, config: &Config, of_gate: bool, cold_start: bool, at: SystemTime) -> Vec<u8> {
    let (report, mut lines) = (&rendered.report, Vec::new());
    let line = || Line::new(config, &rendered.json.request_id, at);
    let (own, all) = (vec![vec![FUNCTION.to_owned()]], vec![vec![]]);
    let regular = !report.is_filtered && !of_gate;
    let zeros = regular && report.is_complete();
    let pages = report.summary.denied + report.unclear() > 0 || zeros;
    if config.metrics != Metrics::Off {
        if regular {
            add(&mut lines, config, own, &[Run { line: line(), report, cold_start }]);
        } else if pages {
            add(&mut lines, config, own, &[Alarming { line: line(), report, zeros }]);
        }
        if pages {
            add(&mut lines, config, all, &[Alarming { line: line(), report, zeros }]);
        }
    }
    if config.metrics == Metrics::Actions && regular {
        let dimensions = vec![vec![FUNCTION.to_owned(), "Action".to_owned()]];
        let actions = actions_of(rendered).into_iter();
        let actions: Vec<_> = actions.map(|(name, is_denied)| Action { line: line(), name, is_denied }).collect();
        add(&mut lines, config, dimensions, &actions);
    }
    lines
}

fn add(lines: &mut Vec<u8>, config: &Config, dimensions: Vec<Vec<String>>, entries: &[impl Entry]) {
    let mut format = Emf::all_validations(config.metrics_namespace.clone(), dimensions);
    for entry in entries {
        let whole = lines.len();
        if let Err(error) = format.format(entry, lines) {
            lines.truncate(whole);
            tracing::error!(error = %error, "metrics were not written");
        }
    }
}
