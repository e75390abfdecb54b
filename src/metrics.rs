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

use crate::config::{Config, Metrics};
use crate::report::{Report, Row, verdict_name};
use crate::verdict::Verdict;

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
        writer.value("requestId", self.request_id);
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
        writer.value("Verdict", verdict_name(self.report.verdict));
        for (name, count) in [
            ("Allowed", summary.allowed),
            ("Denied", summary.denied),
            ("Inconclusive", summary.inconclusive),
            ("Advisories", self.report.advisories.len()),
            ("ColdStart", usize::from(self.cold_start)),
        ] {
            writer.value(name, &AsCount::from(count));
        }
        writer.value("DurationMs", &AsMilliseconds::from(self.report.duration_ms));
    }
}

/// What pages, of all functions together.
struct Everywhere<'a> {
    line: Line<'a>,
    report: &'a Report,
}

impl Entry for Everywhere<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        self.line.write(writer);
        writer.value("Denied", &AsCount::from(self.report.summary.denied));
        writer.value("Inconclusive", &AsCount::from(self.report.summary.inconclusive));
    }
}

struct Action<'a> {
    line: Line<'a>,
    row: &'a Row,
}

impl Entry for Action<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        self.line.write(writer);
        writer.value("Action", self.row.action.as_str());
        writer.value("ActionDenied", &AsCount::from(u64::from(self.row.verdict == Verdict::Denied)));
    }
}

/// The lines of one run, each with its end.
pub fn lines(report: &Report, config: &Config, cold_start: bool, at: SystemTime) -> Vec<u8> {
    let mut lines = Vec::new();
    let line = || Line::new(config, &report.request_id, at);
    if config.metrics != Metrics::Off {
        add(&mut lines, config, vec![vec![FUNCTION.to_owned()]], &[Run { line: line(), report, cold_start }]);
        add(&mut lines, config, vec![vec![]], &[Everywhere { line: line(), report }]);
    }
    if config.metrics == Metrics::Actions {
        let dimensions = vec![vec![FUNCTION.to_owned(), "Action".to_owned()]];
        let actions: Vec<_> = report.actions.iter().map(|row| Action { line: line(), row }).collect();
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
