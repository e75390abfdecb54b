//! The function's response, in the shape that HTTP front ends take.

pub mod http;

use permissions_core::report::Rendered;
use permissions_core::report::json::Report;
use serde::Serialize;

/// What the guide's users expect of a pipeline that may do all its work.
pub const SUCCESS: &str = "Preprocessing complete and metadata updated";

const JSON: &str = "application/json";

/// The response to one invocation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    pub status_code: u16,
    pub body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers<String>>,
    /// Instead of the headers, for a load balancer that is set to take lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_value_headers: Option<Headers<[String; 1]>>,
    /// What a load balancer requires, and the other HTTP front ends know.
    #[serde(rename = "isBase64Encoded", skip_serializing_if = "Option::is_none")]
    pub is_base64_encoded: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

#[derive(Debug, Serialize)]
pub struct Headers<T> {
    #[serde(rename = "Content-Type")]
    pub content_type: T,
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
}

impl Checked {
    pub fn status(&self) -> u16 {
        self.refused.unwrap_or_else(|| self.rendered.report.status())
    }

    /// The response to an invocation that came through no HTTP front end.
    pub fn response(self) -> Response {
        let status_code = self.status();
        let report = self.rendered.json;
        let is_clean = status_code == 200;
        let body = if is_clean { SUCCESS.to_owned() } else { report.to_json() };
        Response { status_code, report: (!is_clean || self.verbose).then_some(report), ..Response::of_text(&body) }
    }
}

impl Response {
    /// The response to an invocation that asked for no check.
    pub fn of_text(body: &str) -> Self {
        Self {
            status_code: 200,
            body: body.to_owned(),
            headers: Some(Headers { content_type: JSON.to_owned(), allow: None, cache_control: None, age: None }),
            multi_value_headers: None,
            is_base64_encoded: None,
            report: None,
        }
    }
}
