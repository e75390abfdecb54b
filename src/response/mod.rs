//! The function's response, in the shape that HTTP front ends take.

pub mod http;

use std::time::{Duration, Instant, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use permissions_core::report::Rendered;
use permissions_core::report::json::Report;
use serde::Serialize;

/// What the guide's users expect of a pipeline that may do all its work.
pub const SUCCESS: &str = "Preprocessing complete and metadata updated";

pub const JSON: &str = "application/json";
pub const TEXT: &str = "text/plain; charset=utf-8";

/// The response to one invocation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    pub status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    pub body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers<String>>,
    /// Instead of the headers, for a load balancer that is set to take lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_value_headers: Option<Headers<[String; 1]>>,
    /// What a load balancer requires, and the other HTTP front ends know.
    #[serde(rename = "isBase64Encoded", skip_serializing_if = "Option::is_none")]
    pub is_base64_encoded: Option<bool>,
}

#[derive(Debug, Serialize)]
pub struct Headers<T> {
    #[serde(rename = "Content-Type")]
    pub content_type: T,
    #[serde(rename = "Vary", skip_serializing_if = "Option::is_none")]
    pub vary: Option<T>,
    #[serde(rename = "Allow", skip_serializing_if = "Option::is_none")]
    pub allow: Option<T>,
    #[serde(rename = "Cache-Control", skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<T>,
    #[serde(rename = "Age", skip_serializing_if = "Option::is_none")]
    pub age: Option<T>,
}

/// What came of an invocation.
#[derive(Debug)]
pub struct Checked {
    pub rendered: Rendered,
    /// The status, where it does not follow from the report.
    pub refused: Option<u16>,
    /// Whether the report is wanted even when everything is allowed.
    pub verbose: bool,
    /// Which actions were asked for; `None` for all.
    pub actions: Option<Vec<String>>,
    pub made: Instant,
    /// The same by the clock on the wall.
    pub at: SystemTime,
}

/// What an invocation is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Output {
    Response(Box<Response>),
    /// A page for a dashboard, or the documentation of one.
    Text(String),
}

impl Checked {
    /// What has come of an invocation just now.
    pub fn new(rendered: Rendered, refused: Option<u16>, verbose: bool) -> Self {
        Self { rendered, refused, verbose, actions: None, made: Instant::now(), at: SystemTime::now() }
    }

    pub fn status(&self) -> u16 {
        self.refused.unwrap_or_else(|| self.rendered.report.status())
    }

    /// The response to an invocation that came through no HTTP front end.
    pub fn response(&self) -> Response {
        let status_code = self.status();
        let report = &self.rendered.json;
        if status_code != 200 {
            return Response { status_code, ..Response::of_text(TEXT, report.outcome.clone(), Some(report.clone())) };
        }
        if self.rendered.report.has_reservations() {
            // A success that says nothing would hide what was not checked, or is allowed beyond the policy.
            return Response::of_text(TEXT, report.outcome.clone(), Some(report.clone()));
        }
        Response::of_text(JSON, SUCCESS.to_owned(), self.verbose.then(|| report.clone()))
    }
}

impl Response {
    /// A response to a direct invocation.
    pub fn of_text(content_type: &str, body: String, report: Option<Report>) -> Self {
        Self {
            status_code: 200,
            report,
            body,
            headers: Some(Headers {
                content_type: content_type.to_owned(),
                vary: None,
                allow: None,
                cache_control: None,
                age: None,
            }),
            multi_value_headers: None,
            is_base64_encoded: None,
        }
    }
}

/// A time for people to read, so many minutes to the east of UTC: `2026-01-31 12:00:00 UTC+05:45`.
pub fn describe_time(at: SystemTime, offset: i16) -> String {
    let minutes = Duration::from_mins(u64::from(offset.unsigned_abs()));
    let local = if offset < 0 { at.checked_sub(minutes) } else { at.checked_add(minutes) };
    // Without parts of a second: no reader needs them.
    let seconds = DateTime::from_secs(DateTime::from(local.unwrap_or(at)).secs());
    let text = seconds.fmt(Format::DateTime).unwrap_or_default().replace('T', " ").replace('Z', "");
    let (hours, rest) = (offset.unsigned_abs() / 60, offset.unsigned_abs() % 60);
    match offset {
        0 => format!("{text} UTC"),
        _ => format!("{text} UTC{}{hours:02}:{rest:02}", if offset < 0 { '-' } else { '+' }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_the_clock_of_the_viewer() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_769_860_800_999);
        assert_eq!(describe_time(at, 0), "2026-01-31 12:00:00 UTC");
        assert_eq!(describe_time(at, 345), "2026-01-31 17:45:00 UTC+05:45");
        assert_eq!(describe_time(at, -720), "2026-01-31 00:00:00 UTC-12:00");
    }
}
