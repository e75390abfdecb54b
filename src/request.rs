//! From the event to what this invocation asks for.
//!
//! Any JSON is a valid event: the console's default test event, EventBridge's
//! scheduled event, the guide's own. The options of this program live under one
//! key, `probe`, which none of those has.

use std::fmt;
use std::time::Duration;

use aws_lambda_events::alb::ElbContext;
use aws_lambda_events::apigw::ApiGatewayV2httpRequestContextHttpDescription;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::config::Problem;
use crate::pattern;

/// The event as Lambda handed it over.
///
/// What is not JSON is kept as an error instead of failing to deserialize, so
/// that it is answered with a response like every other mistake.
#[derive(Clone, Debug)]
pub struct Event(pub Result<Value, String>);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(deserializer.deserialize_any(Strict).map_err(|error| error.to_string())))
    }
}

/// Reads any JSON, and refuses an object that has a key twice: whoever reads
/// the first and whoever reads the last would see two different events.
#[derive(Clone, Copy)]
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} stands twice in one object")));
            }
            let value = entries.next_value_seed(self)?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

/// The most problems of one event that are told one by one.
const MOST: usize = 50;

/// What one invocation asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Which actions to try, with IAM's wildcards; `None` for all.
    pub actions: Option<Vec<String>>,
    /// Whether the report is wanted even when everything is allowed.
    pub verbose: bool,
    /// For how long what is denied is tried again.
    pub settle: Duration,
}

/// The options, as they are named to whoever misspells one.
const OPTIONS: &str = "actions, settleSeconds, verbose";

/// The longest that can be waited for: no invocation lasts longer (Lambda Developer Guide, "Lambda quotas").
const LONGEST_SETTLE: u64 = 900;

impl Request {
    /// Whether the request asks for this action.
    pub fn selects(&self, action: &str) -> bool {
        self.actions.as_ref().is_none_or(|patterns| patterns.iter().any(|p| pattern::matches(p, action)))
    }

    /// Reads the options of an event. `known` are the actions that can be tried.
    ///
    /// # Errors
    ///
    /// Every problem of the event together, each with what is accepted.
    pub fn parse(event: &Event, known: &[&str]) -> Result<Self, Vec<Problem>> {
        let event = match &event.0 {
            Ok(event) => event,
            Err(error) => return Err(vec![problem("event", Some(error.clone()), "JSON")]),
        };
        // The caller of an HTTP front fills in the body and the headers, not
        // these keys, and whoever may open a URL may not choose what it does.
        let options = match event.get("probe") {
            Some(options) if !is_http(event) => options,
            _ => return Ok(Self::default()),
        };
        let Some(options) = options.as_object() else {
            return Err(vec![problem(
                "probe",
                Some(options.to_string()),
                &format!("an object with any of: {OPTIONS}"),
            )]);
        };

        let mut request = Self::default();
        let mut problems = Vec::new();
        for (name, value) in options {
            match name.as_str() {
                "actions" => request.actions = actions(value, known, &mut problems),
                "verbose" => match value.as_bool() {
                    Some(verbose) => request.verbose = verbose,
                    None => problems.push(problem("probe.verbose", Some(value.to_string()), "true or false")),
                },
                "settleSeconds" => match value.as_u64().filter(|seconds| *seconds <= LONGEST_SETTLE) {
                    Some(seconds) => request.settle = Duration::from_secs(seconds),
                    None => problems.push(problem(
                        "probe.settleSeconds",
                        Some(value.to_string()),
                        &format!("a whole number of seconds, 0 to {LONGEST_SETTLE}"),
                    )),
                },
                _ => problems.push(problem(
                    &format!("probe.{name}"),
                    Some(value.to_string()),
                    &format!("no such option; the options are: {OPTIONS}"),
                )),
            }
        }
        if problems.len() > MOST {
            let more = problems.len() - MOST;
            problems.truncate(MOST);
            problems.push(problem("probe", Some(format!("{more} more problems")), "no problem"));
        }
        if problems.is_empty() { Ok(request) } else { Err(problems) }
    }
}

fn actions(value: &Value, known: &[&str], problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let accepted = || {
        format!(
            "a list of actions, in which * and ? are wildcards and which match at least one of: {}{}",
            known.join(", "),
            if known.contains(&"iam:PassRole") { "" } else { " (iam:PassRole needs PROBE_SAGEMAKER_ROLE_ARN)" }
        )
    };
    let Some(list) = value.as_array().filter(|list| !list.is_empty()) else {
        problems.push(problem("probe.actions", Some(value.to_string()), &accepted()));
        return None;
    };
    let mut patterns = Vec::new();
    for (index, item) in list.iter().enumerate() {
        match item.as_str().filter(|p| known.iter().any(|action| pattern::matches(p, action))) {
            Some(pattern) => patterns.push(pattern.to_owned()),
            None => problems.push(problem(&format!("probe.actions[{index}]"), Some(item.to_string()), &accepted())),
        }
    }
    Some(patterns)
}

/// API Gateway, a function URL or a load balancer, which an event came through
/// and whose response may have no keys but their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    method: String,
    /// Whether a load balancer is set to exchange lists of values (Elastic Load
    /// Balancing User Guide, "Multi-value headers"): then it sends no plain headers.
    pub multi_value_headers: bool,
}

impl Front {
    /// The methods that ask for a check: it changes nothing.
    pub const METHODS: &str = "GET, HEAD";

    /// The front of an event. Each is known by the part of its event that no other event has.
    pub fn of(event: &Value) -> Option<Self> {
        let context = event.get("requestContext").filter(|context| context.is_object())?;
        let version_2 = ApiGatewayV2httpRequestContextHttpDescription::deserialize(&context["http"]).ok();
        let load_balancer = ElbContext::deserialize(&context["elb"]).is_ok();
        let method = match (version_2, event["httpMethod"].as_str()) {
            (Some(request), _) => request.method.to_string(),
            (None, Some(method)) => method.to_owned(),
            (None, None) if load_balancer => "GET".to_owned(),
            (None, None) => return None,
        };
        let multi_value_headers =
            load_balancer && event["multiValueHeaders"].is_object() && !event["headers"].is_object();
        Some(Self { method, multi_value_headers })
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// What is wrong with the method, if anything.
    pub fn problem(&self) -> Option<Problem> {
        let known = Self::METHODS.split(", ").any(|method| method == self.method);
        (!known).then(|| problem("method", Some(self.method.clone()), Self::METHODS))
    }
}

/// Whether an event came through an HTTP front.
pub fn is_http(event: &Value) -> bool {
    Front::of(event).is_some()
}

fn problem(name: &str, value: Option<String>, expected: &str) -> Problem {
    Problem { name: name.to_owned(), value, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KNOWN: &[&str] = &["s3:GetObject", "s3:PutObject", "dynamodb:PutItem"];

    fn parse(event: Value) -> Result<Request, Vec<String>> {
        Request::parse(&Event(Ok(event)), KNOWN).map_err(|problems| problems.into_iter().map(|p| p.name).collect())
    }

    /// `lambda_runtime` reads one value and does not look at what follows.
    fn as_lambda_reads_it(event: &str) -> Event {
        Event::deserialize(&mut serde_json::Deserializer::from_str(event)).unwrap()
    }

    #[test]
    fn any_json_is_an_event() {
        for event in [
            json!(null),
            json!([]),
            json!("text"),
            json!({}),
            json!({"key1": "value1"}),
            json!({"statusCode": 200, "body": "Preprocessing complete and metadata updated"}),
        ] {
            assert_eq!(parse(event), Ok(Request::default()));
        }
    }

    #[test]
    fn options_live_under_one_key() {
        let request = parse(json!({"probe": {"actions": ["S3:*", "dynamodb:putitem"], "verbose": true}})).unwrap();
        assert!(request.verbose);
        assert!(request.selects("s3:GetObject") && request.selects("dynamodb:PutItem"));
        assert!(!request.selects("dynamodb:GetItem"));
        assert!(Request::default().selects("anything:AtAll"));
    }

    #[test]
    fn settling_is_a_number_of_seconds() {
        assert_eq!(parse(json!({"probe": {"settleSeconds": 60}})).unwrap().settle, Duration::from_mins(1));
        for wrong in [json!(-1), json!(901), json!(1.5), json!("60"), json!(null)] {
            assert_eq!(parse(json!({"probe": {"settleSeconds": wrong}})), Err(vec!["probe.settleSeconds".to_owned()]));
        }
    }

    #[test]
    fn names_every_problem_at_once() {
        assert_eq!(
            parse(json!({"probe": {"actions": ["s3:*", "s4:*", 7], "verbose": "yes", "colour": "red"}})),
            Err(vec![
                "probe.actions[1]".to_owned(),
                "probe.actions[2]".to_owned(),
                "probe.colour".to_owned(),
                "probe.verbose".to_owned()
            ])
        );
        for actions in [json!([]), json!("s3:*"), json!(null), json!({})] {
            assert_eq!(parse(json!({"probe": {"actions": actions}})), Err(vec!["probe.actions".to_owned()]));
        }
        for probe in [json!(null), json!([]), json!(true)] {
            assert_eq!(parse(json!({"probe": probe})), Err(vec!["probe".to_owned()]));
        }
    }

    #[test]
    fn what_is_not_json_is_a_problem_of_the_event() {
        let event = as_lambda_reads_it("{\"probe\": ");
        let problems = Request::parse(&event, KNOWN).unwrap_err();
        assert_eq!((problems[0].name.as_str(), problems[0].expected.as_str()), ("event", "JSON"));
    }

    #[test]
    fn a_key_that_stands_twice_is_a_problem_wherever_it_is() {
        for (event, key) in [
            (r#"{"probe": {"actions": ["s3:*"]}, "probe": {}}"#, "probe"),
            (r#"{"a": [{"b": {"c": 1, "c": 1}}]}"#, "c"),
            (r#"{"a": 1, "\u0061": 2}"#, "a"),
        ] {
            let event = as_lambda_reads_it(event);
            let problems = Request::parse(&event, KNOWN).unwrap_err();
            assert_eq!(problems[0].name, "event");
            assert!(
                problems[0].value.as_ref().unwrap().contains(&format!("the key {key:?} stands twice")),
                "{problems:?}"
            );
        }
        let event = r#"{"a": [1, -2, 3.5, "x", true, null, {}], "b": {"a": 18446744073709551615}}"#;
        let read: Event = serde_json::from_str(event).unwrap();
        assert_eq!(read.0.unwrap(), serde_json::from_str::<Value>(event).unwrap());
    }

    #[test]
    fn a_web_caller_sets_no_options() {
        for context in [json!({"http": {"method": "GET"}}), json!({"elb": {}})] {
            let event = json!({"requestContext": context, "probe": {"verbose": true}});
            assert!(is_http(&event));
            assert_eq!(parse(event), Ok(Request::default()));
        }
        assert!(is_http(&json!({"httpMethod": "GET", "requestContext": {"stage": "prod"}})));
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
