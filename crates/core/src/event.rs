//! An event, read to its end, of which only what is needed is kept.
//!
//! Any JSON is a valid event: the console's default test event, EventBridge's
//! scheduled event, the guide's own. Its numbers have to be ones that a computer
//! can hold, its texts Unicode, and it may be 127 levels deep.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::text::describe_duplicate;

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
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "query_string_parameters",
    "widgetContext",
    "describe",
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
const MAX_VALUES: usize = 10_000;
const MAX_BYTES: usize = 512 * 1024;

/// How many keys of one object are remembered, to find one that stands twice.
const MAX_KEYS: usize = 1024;

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
        self.values > MAX_VALUES || self.bytes > MAX_BYTES
    }
}

/// The keys of one object, of which none may stand twice: a reader that takes
/// the first value and one that takes the last would see two different events.
#[derive(Default)]
struct Keys(HashSet<u64>);

impl Keys {
    fn add<E: Error>(&mut self, key: &str, hasher: &RandomState) -> Result<(), E> {
        if self.0.len() < MAX_KEYS && !self.0.insert(hasher.hash_one(key)) {
            return Err(duplicate(key));
        }
        Ok(())
    }
}

fn duplicate<E: Error>(key: &str) -> E {
    E::custom(describe_duplicate(key))
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
                "{key:?} holds more than {MAX_VALUES} values or {} KiB of text",
                MAX_BYTES / 1024
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::MAX_KEY_CHARS;

    /// `lambda_runtime` reads one value and does not look at what follows.
    fn as_lambda_reads_it(event: &str) -> Event {
        Event::deserialize(&mut serde_json::Deserializer::from_str(event)).unwrap()
    }

    #[test]
    fn what_is_not_json_is_kept_as_an_error() {
        assert!(as_lambda_reads_it("{\"probe\": ").0.is_err());
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error_wherever_it_is() {
        for (event, key) in [
            (r#"{"probe": {"actions": ["s3:*"]}, "probe": {}}"#, "probe"),
            (r#"{"a": [{"b": {"c": 1, "c": 1}}]}"#, "c"),
            (r#"{"a": 1, "\u0061": 2}"#, "a"),
        ] {
            let error = as_lambda_reads_it(event).0.unwrap_err();
            assert!(error.contains(&format!("duplicate key {key:?}")), "{error}");
        }
        let event = r#"{"probe": [1, -2, 3.5, "x", true, null, {}], "headers": {"a": 18446744073709551615}, "other": [{"a": "b"}]}"#;
        let read: Event = serde_json::from_str(event).unwrap();
        let mut kept = serde_json::from_str::<Value>(event).unwrap();
        kept.as_object_mut().unwrap().remove("other");
        assert_eq!(read.0.unwrap(), kept, "a value that is not read is checked and not kept");
    }

    #[test]
    fn an_event_that_is_too_large_to_be_options_is_refused_and_never_built() {
        let many = vec!["[0]"; MAX_VALUES].join(",");
        let long = format!("\"{}\"", "x".repeat(MAX_BYTES + 1));
        for large in [format!("[{many}]"), format!("{{\"actions\": [{many}]}}"), long.clone(), format!("[{long}, 1]")] {
            let error = as_lambda_reads_it(&format!("{{\"probe\": {large}}}")).0.unwrap_err();
            assert!(error.contains("\"probe\" holds more than 10000 values or 512 KiB of text"), "{error}");
            // Under another key it is not read; and a deployment that waits is told.
            let event = as_lambda_reads_it(&format!(
                "{{\"key\": {large}, \"ResourceProperties\": {large}, \"RequestType\": \"Create\"}}"
            ));
            assert_eq!(event.0.unwrap(), json!({"ResourceProperties": "too large", "RequestType": "Create"}));
        }
        assert_eq!(as_lambda_reads_it(&format!("[{many}]")).0.unwrap(), Value::Null);
        assert!(as_lambda_reads_it(&format!("{{\"probe\": [{many}")).0.is_err(), "what is cut off is no JSON");
    }

    /// What is kept of the options of an event, or why nothing is.
    fn probe(value: &str) -> Result<Value, String> {
        as_lambda_reads_it(&format!("{{\"probe\": {value}}}")).0.map(|event| event["probe"].clone())
    }

    fn list(part: &str, times: usize) -> String {
        format!("[{}]", vec![part; times].join(","))
    }

    #[test]
    fn so_many_values_and_so_much_text_are_kept_and_no_more() {
        // The list itself counts for one.
        assert_eq!(probe(&list("0", MAX_VALUES - 1)).unwrap().as_array().unwrap().len(), MAX_VALUES - 1);
        assert!(probe(&list("0", MAX_VALUES)).is_err());
        for value in ["null", "true", "1", "-1", "0.5", "\"\""] {
            assert!(probe(&list(value, MAX_VALUES - 1)).is_ok(), "{value}");
            assert!(probe(&list(value, MAX_VALUES)).is_err(), "{value}");
        }
        // An object counts for several.
        assert!(probe(&list("{}", (MAX_VALUES - 1) / OBJECT)).is_ok());
        assert!(probe(&list("{}", MAX_VALUES / OBJECT)).is_err());
        let text = |bytes: usize| probe(&format!("\"{}\"", "x".repeat(bytes)));
        assert_eq!(text(MAX_BYTES).unwrap().as_str().unwrap().len(), MAX_BYTES);
        assert!(text(MAX_BYTES + 1).is_err());
        // Keys are texts, too.
        let key = |bytes: usize| probe(&format!("{{\"{}\": 0}}", "x".repeat(bytes)));
        assert!(key(MAX_BYTES).is_ok() && key(MAX_BYTES + 1).is_err());
    }

    #[test]
    fn so_many_keys_of_an_object_are_remembered() {
        let object = |first: usize| {
            let keys = (0..first).map(|index| format!("\"{index}\": 0, ")).collect::<Vec<_>>().concat();
            as_lambda_reads_it(&format!("{{\"other\": {{{keys}\"twice\": 0, \"twice\": 0}}}}")).0
        };
        assert!(object(MAX_KEYS - 2).is_err(), "the last that is remembered stands twice");
        assert!(object(MAX_KEYS - 1).is_ok() && object(MAX_KEYS).is_ok(), "what is not remembered is not found");
    }

    #[test]
    fn so_much_of_a_key_that_stands_twice_is_told() {
        let error = |chars: usize| {
            let key = "x".repeat(chars);
            as_lambda_reads_it(&format!("{{\"{key}\": 0, \"{key}\": 0}}")).0.unwrap_err()
        };
        assert!(error(MAX_KEY_CHARS).contains(&format!("{:?}", "x".repeat(MAX_KEY_CHARS))));
        assert!(!error(MAX_KEY_CHARS).contains("(and so on)"));
        assert!(error(MAX_KEY_CHARS + 1).contains(&format!("{:?} (and so on)", "x".repeat(MAX_KEY_CHARS))));
    }

    #[test]
    fn every_kind_of_value_is_kept_as_it_is() {
        let value = r#"[null, true, 18446744073709551615, -9223372036854775808, 0.5, "é", [], {"a": {"b": [1]}}]"#;
        assert_eq!(probe(value).unwrap(), serde_json::from_str::<Value>(value).unwrap());
        for event in ["null", "true", "1", "-1", "0.5", "\"text\"", "[1]"] {
            assert_eq!(as_lambda_reads_it(event).0, Ok(Value::Null), "nothing of {event} is an option");
        }
    }
}
