//! The log's lines in JSON: Lambda's own keys, then the fields of the event as they are, in their order.
//!
//! The subscriber's own JSON writes every value as a string or a number. A policy has to stand in the log as JSON, so
//! that it can be copied from there into the IAM console.

use std::fmt;

use permissions_core::text::{Rendering, Text};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The fields whose values are JSON already.
const JSON_FIELDS: &[&str] = &["policy", "trustPolicy"];

/// Writes each event as a line of JSON, whose keys `timestamp`, `level` and `message` are those that Lambda and
/// Powertools for AWS Lambda use (Lambda Developer Guide, "Using structured JSON logs").
#[derive(Clone, Copy, Debug)]
pub struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (mut timestamp, mut line) = (String::new(), Line("{".to_owned()));
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        line.text("timestamp", &timestamp);
        line.text("level", event.metadata().level().as_str());
        // Which library speaks, where it is not this program.
        if event.metadata().target().starts_with(env!("CARGO_CRATE_NAME")) {
            event.record(&mut line);
        } else {
            event.record(&mut OfLibrary(&mut line));
            line.text("target", event.metadata().target());
        }
        writeln!(writer, "{}}}", line.0)
    }
}

/// A line that is being written.
struct Line(String);

impl Line {
    fn key(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.string(name);
        self.0.push(':');
    }

    fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        self.string(value);
    }

    fn plain(&mut self, name: &str, value: impl fmt::Display) {
        self.key(name);
        self.0.push_str(&value.to_string());
    }

    fn string(&mut self, text: &str) {
        // A text is always JSON.
        self.0.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if JSON_FIELDS.contains(&field.name()) {
            self.plain(field.name(), format_args!("{value:?}"));
        } else {
            self.text(field.name(), &format!("{value:?}"));
        }
    }
}

/// A line of a library, whose texts were not rendered.
struct OfLibrary<'a>(&'a mut Line);

impl Visit for OfLibrary<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = Rendering::new(false).text(&Text::from(format!("{value:?}")));
        // Its fields can have the names of the line's own.
        match field.name() {
            "message" => self.0.text("message", &value),
            name => self.0.text(&format!("library.{name}"), &value),
        }
    }
}
