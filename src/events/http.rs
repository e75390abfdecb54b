//! API Gateway, a function URL, a load balancer or Amazon VPC Lattice, whose
//! response may have no keys but their own.

use aws_lambda_events::alb::ElbContext;
use aws_lambda_events::apigw::ApiGatewayV2httpRequestContextHttpDescription;
use permissions_core::problem::Problem;
use permissions_core::report::text::Layout;
use permissions_core::text::Text;
use serde::Deserialize;
use serde_json::Value;

/// The event of an HTTP front end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpEvent {
    method: String,
    /// Whether a load balancer is set to exchange lists of values (Elastic Load
    /// Balancing User Guide, "Multi-value headers"): then it sends no plain headers.
    pub multi_value_headers: bool,
    pub format: Format,
    problems: Vec<Problem>,
}

/// The media types that a report is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Text(Layout),
    Html,
}

impl HttpEvent {
    /// The methods that ask for a check: it changes nothing.
    pub const METHODS: &str = "GET, HEAD";

    /// The event, if it came through a front end. Each is known by the part of its event that no other event has.
    pub fn from_event(event: &Value) -> Option<Self> {
        let (method, multi_value_headers) = read_method(event)?;
        let mut problems = Vec::new();
        if !Self::METHODS.split(", ").any(|known| known == method) {
            problems.push(Problem::new("method", Some(method.as_str().into()), Self::METHODS));
        }
        let format = match preferred_format(event) {
            Format::Text(_) => Format::Text(read_layout(event, &mut problems)),
            other => other,
        };
        Some(Self { method, multi_value_headers, format, problems })
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// The status and the problems of a request that asks for no check.
    pub fn refusal(&self) -> Option<(u16, &[Problem])> {
        let is_method = self.problems.first().is_some_and(|problem| problem.name.raw() == "method");
        (!self.problems.is_empty()).then(|| (if is_method { 405 } else { 400 }, &self.problems[..]))
    }
}

/// How many characters of a parameter are told that is not valid.
const MAX_SHOWN_CHARS: usize = 100;

/// The method of a request, and whether its headers are lists; nothing, where the event is no request.
fn read_method(event: &Value) -> Option<(String, bool)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // VPC Lattice Guide, "Lambda functions as targets": the event of version 1.0 has no context.
    if let (true, Some(method)) = (event["raw_path"].is_string(), text(&event["method"])) {
        return Some((method, false));
    }
    let context = event.get("requestContext").filter(|context| context.is_object())?;
    let version_2 = ApiGatewayV2httpRequestContextHttpDescription::deserialize(&context["http"]).ok();
    let load_balancer = ElbContext::deserialize(&context["elb"]).is_ok();
    let method = match (version_2, event["httpMethod"].as_str()) {
        (Some(request), _) => request.method.to_string(),
        (None, Some(method)) => method.to_owned(),
        (None, None) if load_balancer => "GET".to_owned(),
        // A message of API Gateway's WebSocket APIs has no method.
        (None, None) if context["connectionId"].is_string() => "GET".to_owned(),
        (None, None) if context["serviceNetworkArn"].is_string() => text(&event["method"])?,
        (None, None) => return None,
    };
    let multi_value_headers = load_balancer && event["multiValueHeaders"].is_object() && !event["headers"].is_object();
    Some((method, multi_value_headers))
}

/// The values of a header, or of a parameter of the query, under the first of the keys that has it.
fn values_of<'a>(event: &'a Value, keys: &[&str], name: &str) -> Vec<&'a str> {
    let objects = keys.iter().filter_map(|key| event[*key].as_object());
    let mut found = objects.filter_map(|object| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
    match found.next().map(|(_, value)| value) {
        Some(Value::String(value)) => vec![value],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The format that a request prefers by its header `Accept` (RFC 9110, section 12.5.1): of the media types that a report
/// is written in, the one of the highest quality, and of two alike the one that is named more closely. A page
/// is sent only where the header names it.
fn preferred_format(event: &Value) -> Format {
    // An event that has lists of values has all values there alone.
    let header = values_of(event, &["multiValueHeaders", "headers"], "accept").join(",");
    let formats = [
        (Format::Json, ["application/json", "application/*", "*/*"].as_slice()),
        (Format::Text(Layout::default()), ["text/plain", "text/*"].as_slice()),
        (Format::Html, ["text/html"].as_slice()),
    ];
    let mut best = (0, usize::MAX, Format::Json);
    for (format, ranges) in formats {
        // The range that names it most closely counts.
        let of_range = ranges.iter().enumerate().find_map(|(place, range)| Some((quality_of(&header, range)?, place)));
        if let Some((quality, place)) = of_range
            && (quality > best.0 || (quality == best.0 && quality > 0 && place < best.1))
        {
            best = (quality, place, format);
        }
    }
    best.2
}

/// The quality of a media range in thousandths, which is as fine as one can be; nothing, where it is not named.
fn quality_of(header: &str, range: &str) -> Option<u32> {
    header.split(',').find_map(|member| {
        let mut parts = member.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(range) {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let Some(quality) = quality else { return Some(1000) };
        let quality = quality.parse::<f32>().ok().filter(|quality| (0.0..=1.0).contains(quality));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 1000")]
        Some(quality.map_or(0, |quality| (quality * 1000.0) as u32))
    })
}

/// How a text is laid out for a terminal: the parameters `width` and `color` of the query.
fn read_layout(event: &Value, problems: &mut Vec<Problem>) -> Layout {
    let keys = ["multiValueQueryStringParameters", "queryStringParameters", "query_string_parameters"];
    let mut layout = Layout::default();
    let mut read = |name: &str, expected: &str, set: &mut dyn FnMut(&str) -> bool| {
        for value in values_of(event, &keys, name) {
            if !set(value) {
                // Anybody may have sent it: the log is no place for all of it.
                let shown: String = value.chars().take(MAX_SHOWN_CHARS).collect();
                problems.push(Problem::new(name, Some(Text::from(shown)), expected));
            }
        }
    };
    read("width", "a whole number of columns from 40 to 1000", &mut |value| {
        let width = value.parse().ok().filter(|width| (40..=1000).contains(width));
        layout.width = width.unwrap_or(layout.width);
        width.is_some()
    });
    let mut color = layout.color;
    read("color", "true or false", &mut |value| {
        color = value == "true";
        color || value == "false"
    });
    layout.color = color;
    layout
}

/// Whether an event came through an HTTP front end.
pub fn is_http(event: &Value) -> bool {
    read_method(event).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_front_end_is_known_by_its_event() {
        for context in [
            json!({"http": {"method": "GET"}}),
            json!({"elb": {}}),
            json!({"connectionId": "a", "eventType": "MESSAGE"}),
        ] {
            assert!(is_http(&json!({"requestContext": context, "probe": {"verbose": true}})));
        }
        assert!(is_http(&json!({"httpMethod": "GET", "requestContext": {"stage": "prod"}})));
        // The two forms of VPC Lattice.
        assert!(is_http(&json!({"method": "GET", "raw_path": "/", "headers": {}, "is_base64_encoded": false})));
        let network = "arn:aws:vpc-lattice:us-east-1:123456789012:servicenetwork/sn-0";
        assert!(is_http(&json!({"version": "2.0", "method": "GET", "requestContext": {"serviceNetworkArn": network}})));
        for event in [
            json!({"requestContext": {"functionArn": "an asynchronous destination's record"}}),
            json!({"requestContext": {"http": true, "elb": null}}),
            json!({"requestContext": "http"}),
            json!({"httpMethod": "GET"}),
            json!(null),
        ] {
            assert!(!is_http(&event), "{event}");
        }
    }
}
