//! From the event to what this invocation asks for.
//!
//! Any JSON is a valid event: the console's default test event, EventBridge's
//! scheduled event, the guide's own. Its numbers have to be ones that a computer
//! can hold, its texts Unicode, and it may be 127 levels deep. The options of
//! this program live under one key, `probe`, which none of those has.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
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
        let mut reading = Reading::default();
        let read = deserializer.deserialize_any(Top(&mut reading));
        Ok(Self(read.map_err(|error| error.to_string())))
    }
}

/// The keys that this program reads. What is under all others is looked at and not kept.
const KEYS: &[&str] = &[
    "probe",
    "requestContext",
    "httpMethod",
    "method",
    "raw_path",
    "headers",
    "multiValueHeaders",
    "RequestType",
    "ResponseURL",
    "StackId",
    "RequestId",
    "LogicalResourceId",
    "PhysicalResourceId",
    PROPERTIES,
    "DeploymentId",
    "LifecycleEventHookExecutionId",
];

/// The key under which CloudFormation sends what the template says.
const PROPERTIES: &str = "ResourceProperties";

/// How many values, and bytes of text, are kept of one event. Lambda takes
/// events of six megabytes, which can be ten times as large in memory.
const MOST_VALUES: usize = 10_000;
const MOST_BYTES: usize = 512 * 1024;

/// How many keys of one object are remembered, to find one that stands twice.
const MOST_KEYS: usize = 1024;

/// How many characters of a key are told.
const LONGEST_KEY: usize = 64;

/// How many values an object counts for: its map takes as much room as these.
const OBJECT: usize = 4;

/// What has been kept of an event so far.
#[derive(Clone, Copy, Default)]
struct Reading {
    values: usize,
    bytes: usize,
}

impl Reading {
    /// Whether so many more bytes of text can be kept, as one more value.
    fn keeps(&mut self, bytes: usize) -> bool {
        self.values += 1;
        self.bytes += bytes;
        !self.is_full()
    }

    fn is_full(&self) -> bool {
        self.values > MOST_VALUES || self.bytes > MOST_BYTES
    }
}

/// The keys of one object, of which none may stand twice: a reader that takes
/// the first value and one that takes the last would see two different events.
#[derive(Default)]
struct Keys(HashSet<u64>);

impl Keys {
    fn add<E: Error>(&mut self, key: &str, hasher: &RandomState) -> Result<(), E> {
        if self.0.len() < MOST_KEYS && !self.0.insert(hasher.hash_one(key)) {
            return Err(duplicate(key));
        }
        Ok(())
    }
}

/// A key can be as long as the event.
fn duplicate<E: Error>(key: &str) -> E {
    let shown: String = key.chars().take(LONGEST_KEY).collect();
    let cut = if shown.len() < key.len() { " (and so on)" } else { "" };
    E::custom(format!("duplicate key {shown:?}{cut}"))
}

/// Reads the whole event.
struct Top<'a>(&'a mut Reading);

impl<'de> Visitor<'de> for Top<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Value, A::Error> {
        Look(&RandomState::new()).visit_seq(items)?;
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let hasher = RandomState::new();
        let (mut object, mut keys) = (Map::new(), Keys::default());
        let mut too_large: Option<String> = None;
        while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
            keys.add(&key, &hasher)?;
            // What is refused in any case is not kept.
            if too_large.is_some() || !KEYS.contains(&&*key) {
                entries.next_value_seed(Look(&hasher))?;
                continue;
            }
            if object.contains_key(&*key) {
                return Err(duplicate(&key));
            }
            let before = *self.0;
            let value = entries.next_value_seed(Keep { reading: self.0, hasher: &hasher })?;
            if !self.0.is_full() {
                object.insert(key.into_owned(), value);
            } else if key == PROPERTIES {
                // A deployment that waits is told so, and waits no longer.
                object.insert(key.into_owned(), "too large".into());
                *self.0 = before;
            } else {
                object.clear();
                too_large = Some(key.into_owned());
            }
        }
        match too_large {
            Some(key) => Err(A::Error::custom(format!(
                "{key:?} holds more than {MOST_VALUES} values or {} KiB of text",
                MOST_BYTES / 1024
            ))),
            None => Ok(object.into()),
        }
    }
}

/// Reads a value and keeps it, as long as there is room.
struct Keep<'a> {
    reading: &'a mut Reading,
    hasher: &'a RandomState,
}

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        self.reading.keeps(0);
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        self.reading.keeps(0);
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        self.reading.keeps(0);
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        self.reading.keeps(0);
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        self.reading.keeps(0);
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(if self.reading.keeps(value.len()) { value.into() } else { Value::Null })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        self.reading.keeps(0);
        while !self.reading.is_full() {
            let Some(item) = items.next_element_seed(Keep { reading: self.reading, hasher: self.hasher })? else {
                return Ok(list.into());
            };
            list.push(item);
        }
        Look(self.hasher).visit_seq(items)?;
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let (mut object, mut keys) = (Map::new(), Keys::default());
        self.reading.values += OBJECT - 1;
        self.reading.keeps(0);
        while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
            keys.add(&key, self.hasher)?;
            self.reading.bytes += key.len();
            if self.reading.is_full() {
                entries.next_value_seed(Look(self.hasher))?;
                continue;
            }
            let value = entries.next_value_seed(Keep { reading: self.reading, hasher: self.hasher })?;
            object.insert(key.into_owned(), value);
        }
        Ok(object.into())
    }
}

/// Looks at a value and keeps nothing of it.
#[derive(Clone, Copy)]
struct Look<'a>(&'a RandomState);

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = Keys::default();
        while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
            keys.add(&key, self.0)?;
            entries.next_value_seed(self)?;
        }
        Ok(())
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
            Err(error) => {
                return Err(vec![problem("event", Some(error.clone()), "JSON, and no more of it than options need")]);
            }
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
        let mut problems = Problems::default();
        for (name, value) in options {
            match name.as_str() {
                "actions" => request.actions = actions(value, known, &mut problems),
                "verbose" => match value.as_bool() {
                    Some(verbose) => request.verbose = verbose,
                    None => problems.push("probe.verbose", value, "true or false"),
                },
                "settleSeconds" => match value.as_u64().filter(|seconds| *seconds <= LONGEST_SETTLE) {
                    Some(seconds) => request.settle = Duration::from_secs(seconds),
                    None => problems.push(
                        "probe.settleSeconds",
                        value,
                        &format!("a whole number of seconds, 0 to {LONGEST_SETTLE}"),
                    ),
                },
                _ => problems.push(
                    &format!("probe.{name}"),
                    value,
                    &format!("no such option; the options are: {OPTIONS}"),
                ),
            }
        }
        let Problems { mut told, more } = problems;
        if more > 0 {
            told.push(problem("probe", Some(format!("{more} more problems")), "no problem"));
        }
        if told.is_empty() { Ok(request) } else { Err(told) }
    }
}

/// The problems of an event: the first ones, and how many more there are.
#[derive(Default)]
struct Problems {
    told: Vec<Problem>,
    more: usize,
}

impl Problems {
    fn push(&mut self, name: &str, value: &Value, expected: &str) {
        if self.told.len() < MOST {
            self.told.push(problem(name, Some(value.to_string()), expected));
        } else {
            self.more += 1;
        }
    }
}

fn actions(value: &Value, known: &[&str], problems: &mut Problems) -> Option<Vec<String>> {
    let accepted = format!(
        "a list of actions, in which * and ? are wildcards and which match at least one of: {}{}",
        known.join(", "),
        if known.contains(&"iam:PassRole") { "" } else { " (iam:PassRole needs PROBE_SAGEMAKER_ROLE_ARN)" }
    );
    let Some(list) = value.as_array().filter(|list| !list.is_empty()) else {
        problems.push("probe.actions", value, &accepted);
        return None;
    };
    let mut patterns = Vec::new();
    for (index, item) in list.iter().enumerate() {
        match item.as_str().filter(|p| known.iter().any(|action| pattern::matches(p, action))) {
            Some(pattern) => patterns.push(pattern.to_owned()),
            None => problems.push(&format!("probe.actions[{index}]"), item, &accepted),
        }
    }
    Some(patterns)
}

/// API Gateway, a function URL, a load balancer or Amazon VPC Lattice, which an
/// event came through and whose response may have no keys but their own.
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
        let text = |value: &Value| value.as_str().map(str::to_owned);
        // VPC Lattice Guide, "Lambda functions as targets": the event of version 1.0 has no context.
        if let (true, Some(method)) = (event["raw_path"].is_string(), text(&event["method"])) {
            return Some(Self { method, multi_value_headers: false });
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
            parse(json!({"probe": {"actions": ["s3:*", "s4:*", 7], "verbose": "yes", "color": "red"}})),
            Err(vec![
                "probe.actions[1]".to_owned(),
                "probe.actions[2]".to_owned(),
                "probe.color".to_owned(),
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
        assert_eq!(
            (problems[0].name.as_str(), problems[0].expected.as_str()),
            ("event", "JSON, and no more of it than options need")
        );
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
            assert!(problems[0].value.as_ref().unwrap().contains(&format!("duplicate key {key:?}")), "{problems:?}");
        }
        let event = r#"{"probe": [1, -2, 3.5, "x", true, null, {}], "headers": {"a": 18446744073709551615}, "other": [{"a": "b"}]}"#;
        let read: Event = serde_json::from_str(event).unwrap();
        let mut kept = serde_json::from_str::<Value>(event).unwrap();
        kept.as_object_mut().unwrap().remove("other");
        assert_eq!(read.0.unwrap(), kept, "a value that is not read is checked and not kept");
    }

    #[test]
    fn an_event_that_is_too_large_to_be_options_is_refused_and_never_built() {
        let many = vec!["[0]"; MOST_VALUES].join(",");
        let long = format!("\"{}\"", "x".repeat(MOST_BYTES + 1));
        for large in [format!("[{many}]"), format!("{{\"actions\": [{many}]}}"), long.clone(), format!("[{long}, 1]")] {
            let problems = Request::parse(&as_lambda_reads_it(&format!("{{\"probe\": {large}}}")), KNOWN).unwrap_err();
            let value = problems[0].value.as_ref().unwrap();
            assert!(value.contains("\"probe\" holds more than 10000 values or 512 KiB of text"), "{value}");
            // Under another key it is not read; and a deployment that waits is told.
            let event = as_lambda_reads_it(&format!(
                "{{\"key\": {large}, \"ResourceProperties\": {large}, \"RequestType\": \"Create\"}}"
            ));
            assert_eq!(event.0.unwrap(), json!({"ResourceProperties": "too large", "RequestType": "Create"}));
        }
        assert_eq!(as_lambda_reads_it(&format!("[{many}]")).0.unwrap(), Value::Null);
        assert!(as_lambda_reads_it(&format!("{{\"probe\": [{many}")).0.is_err(), "what is cut off is no JSON");
    }

    #[test]
    fn the_problems_of_an_event_are_counted_and_the_first_ones_told() {
        let actions = vec![json!(0); 9_000];
        let problems = Request::parse(&Event(Ok(json!({"probe": {"actions": actions}}))), KNOWN).unwrap_err();
        assert_eq!(problems.len(), MOST + 1);
        assert_eq!(problems[MOST].value.as_deref(), Some("8950 more problems"));
    }

    #[test]
    fn a_web_caller_sets_no_options() {
        for context in [
            json!({"http": {"method": "GET"}}),
            json!({"elb": {}}),
            json!({"connectionId": "a", "eventType": "MESSAGE"}),
        ] {
            let event = json!({"requestContext": context, "probe": {"verbose": true}});
            assert!(is_http(&event));
            assert_eq!(parse(event), Ok(Request::default()));
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
