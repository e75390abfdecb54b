//! What the callers of an HTTP front end get, who may be anybody: no name of a
//! resource, a role or an account, unless the configuration says so.

use std::time::{Duration, Instant};

use serde::Serialize;

use permissions_core::diagnosis::wording::describe_without_names;
use permissions_core::judge::Verdict;
use permissions_core::report::json::{Report, SCHEMA, Summary};

use crate::config::HttpReport;
use crate::events::http::HttpEvent;
use crate::response::{Checked, Headers, JSON, Response, SUCCESS};

/// A result, as it goes out through any front end, for as long as it is young enough.
#[derive(Debug)]
pub struct HttpResult {
    status_code: u16,
    body: String,
    made: Instant,
}

/// The report without names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Public<'a> {
    schema: &'static str,
    verdict: Verdict,
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    headline: Option<PublicHeadline>,
    /// Under which the whole report is in the function's log.
    request_id: &'a str,
}

#[derive(Serialize)]
struct PublicHeadline {
    cause: &'static str,
    text: &'static str,
}

impl HttpResult {
    pub fn new(checked: &Checked, how: HttpReport) -> Self {
        let status_code = checked.status();
        let (report, refused) = (&checked.rendered.json, checked.refused);
        let body = match status_code {
            200 => format!("\"{SUCCESS}\""),
            _ if how == HttpReport::Full => report.to_json(),
            _ => public(report, refused),
        };
        Self { status_code, body, made: Instant::now() }
    }

    pub fn age(&self) -> Duration {
        self.made.elapsed()
    }

    /// The response to a request; a front end passes no key on but its own.
    pub fn response(&self, event: &HttpEvent, max_age: Duration) -> Response {
        let texts = Headers {
            content_type: JSON.to_owned(),
            allow: (self.status_code == 405).then(|| HttpEvent::METHODS.to_owned()),
            // RFC 9111, sections 5.1 and 5.2.2.
            cache_control: Some(match max_age.as_secs() {
                0 => "no-store".to_owned(),
                seconds => format!("max-age={seconds}"),
            }),
            age: Some(self.age().as_secs().to_string()).filter(|_| !max_age.is_zero()),
        };
        let lists = Headers {
            content_type: [texts.content_type.clone()],
            allow: texts.allow.clone().map(|text| [text]),
            cache_control: texts.cache_control.clone().map(|text| [text]),
            age: texts.age.clone().map(|text| [text]),
        };
        Response {
            status_code: self.status_code,
            // What answers HEAD has no body (RFC 9110, section 9.3.2).
            body: if event.is_head() { String::new() } else { self.body.clone() },
            headers: (!event.multi_value_headers).then_some(texts),
            multi_value_headers: event.multi_value_headers.then_some(lists),
            is_base64_encoded: Some(false),
            report: None,
        }
    }
}

fn public(report: &Report, refused: Option<u16>) -> String {
    let cause = match refused {
        Some(405) => Some("method"),
        Some(_) => Some("configuration"),
        None => report.headline.as_ref().map(|headline| headline.cause),
    };
    let public = Public {
        schema: SCHEMA,
        verdict: report.verdict,
        summary: &report.summary,
        headline: cause.map(|cause| PublicHeadline { cause, text: describe_without_names(cause) }),
        request_id: &report.request_id,
    };
    serde_json::to_string(&public).unwrap_or_default()
}
