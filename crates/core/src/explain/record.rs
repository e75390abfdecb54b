//! Records of AWS CloudTrail, as they are, in a list, or in an event (CloudTrail User Guide, "Record contents").

use serde_json::{Deserializer, Value};

/// A call that failed.
pub struct Failed {
    pub code: String,
    pub message: String,
    /// The ARN of the caller.
    pub principal: Option<String>,
    pub action: Option<String>,
    pub resource: Option<String>,
}

/// How many places of a text are looked at for the start of a record.
const MAX_STARTS: usize = 20;

/// The calls that failed, of all that the text has records of; `None` where it has no record.
pub fn read(text: &str) -> Option<Vec<Failed>> {
    if !text.contains("eventSource") || !text.contains("eventName") {
        return None;
    }
    let starts = text.match_indices(['{', '[']).map(|(at, _)| at).take(MAX_STARTS);
    for start in starts {
        let Some(Ok(value)) = Deserializer::from_str(&text[start..]).into_iter::<Value>().next() else { continue };
        let mut records = Vec::new();
        collect(&value, &mut records);
        if !records.is_empty() {
            return Some(records.into_iter().filter_map(failed).collect());
        }
    }
    None
}

/// The records in a value, wherever they stand; the console shows one as a text in another.
fn collect<'a>(value: &'a Value, records: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) if object.contains_key("eventSource") && object.contains_key("eventName") => {
            records.push(value);
        }
        Value::Object(object) => object.values().for_each(|value| collect(value, records)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, records)),
        _ => {}
    }
}

fn failed(record: &Value) -> Option<Failed> {
    let code = record.get("errorCode").and_then(Value::as_str)?;
    let message = record.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    let text = |path: &str| record.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let service = text("/eventSource").unwrap_or_default();
    let operation = text("/eventName").unwrap_or_default();
    let resource = match record.get("resources").and_then(Value::as_array).map(Vec::as_slice) {
        Some([one]) => one.get("ARN").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let bucket = text("/requestParameters/bucketName");
    let key = text("/requestParameters/key").map(|key| format!("/{key}")).unwrap_or_default();
    Some(Failed {
        code: code.to_owned(),
        principal: text("/userIdentity/arn"),
        action: super::wrapper::action_of(Some(service.trim_end_matches(".amazonaws.com")), &operation),
        resource: resource.or(bucket.map(|bucket| format!("arn:aws:s3:::{bucket}{key}"))),
        message: message.to_owned(),
    })
}
