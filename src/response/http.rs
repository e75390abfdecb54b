//! What the callers of an HTTP front end get, who may be anybody: no name of a
//! resource, a role or an account, unless the configuration says so.

use std::time::Duration;

use serde::Serialize;

use permissions_core::judge::Verdict;
use permissions_core::report::html::{self, Shown};
use permissions_core::report::json::{Headline, Problem, Report, SCHEMA, Summary};
use permissions_core::report::text;

use crate::config::HttpReport;
use crate::events::http::{Format, HttpEvent};
use crate::response::{Checked, Headers, JSON, Response, SUCCESS, TEXT, describe_time};

const HTML: &str = "text/html; charset=utf-8";

/// The report without names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Public<'a> {
    schema: &'static str,
    verdict: Verdict,
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    headline: Option<&'a Headline>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    problems: &'a [Problem],
    /// Under which the whole report is in the function's log.
    request_id: &'a str,
}

/// The response to a request; a front end passes no key on but its own.
pub fn respond(checked: &Checked, event: &HttpEvent, how: HttpReport, max_age: Duration) -> Response {
    let status_code = checked.status();
    let texts = Headers {
        content_type: match event.format {
            Format::Json => JSON.to_owned(),
            Format::Text(_) => TEXT.to_owned(),
            Format::Html => HTML.to_owned(),
        },
        // What a cache keeps is one of several forms (RFC 9110, section 12.5.5).
        vary: Some("Accept".to_owned()),
        allow: (status_code == 405).then(|| HttpEvent::METHODS.to_owned()),
        // RFC 9111, sections 5.1 and 5.2.2.
        cache_control: Some(match max_age.as_secs() {
            0 => "no-store".to_owned(),
            seconds => format!("max-age={seconds}"),
        }),
        age: Some(checked.made.elapsed().as_secs().to_string()).filter(|_| !max_age.is_zero()),
    };
    let lists = Headers {
        content_type: [texts.content_type.clone()],
        vary: texts.vary.clone().map(|text| [text]),
        allow: texts.allow.clone().map(|text| [text]),
        cache_control: texts.cache_control.clone().map(|text| [text]),
        age: texts.age.clone().map(|text| [text]),
    };
    Response {
        status_code,
        report: None,
        // What answers HEAD has no body (RFC 9110, section 9.3.2).
        body: if event.is_head() { String::new() } else { write_body(checked, event.format, how) },
        headers: (!event.multi_value_headers).then_some(texts),
        multi_value_headers: event.multi_value_headers.then_some(lists),
        is_base64_encoded: Some(false),
    }
}

fn write_body(checked: &Checked, format: Format, how: HttpReport) -> String {
    let whole = &checked.rendered.json;
    let nameless = (how == HttpReport::Summary).then(|| without_names(whole, checked.refused));
    let report = nameless.as_ref().unwrap_or(whole);
    match format {
        Format::Json if checked.status() == 200 && !checked.rendered.report.has_reservations() => {
            format!("\"{SUCCESS}\"")
        }
        Format::Json if nameless.is_some() => {
            let public = Public {
                schema: SCHEMA,
                verdict: report.verdict,
                summary: &report.summary,
                headline: report.headline.as_ref(),
                problems: &report.problems,
                request_id: &report.request_id,
            };
            serde_json::to_string(&public).unwrap_or_default()
        }
        // A caller over HTTP has not asked for the rows in full, even where the run was asked for them.
        Format::Json if report.in_full => Report { in_full: false, ..report.clone() }.to_json(),
        Format::Json => report.to_json(),
        Format::Text(layout) => text::render(report, layout),
        Format::Html => html::page(report, &Shown { checked_at: describe_time(checked.at, 0), ..Shown::default() }),
    }
}

fn without_names(report: &Report, refused: Option<u16>) -> Report {
    match refused {
        Some(405) => report.without_names(Some("method"), &[]),
        // What is wrong with a request has no names but those that it brought.
        Some(400) => report.without_names(Some("request"), &report.problems),
        Some(_) => report.without_names(Some("configuration"), &[]),
        None => report.without_names(report.headline.as_ref().map(|headline| headline.cause), &[]),
    }
}
