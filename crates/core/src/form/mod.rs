//! Requests as data: what a probe sends where no crate of the SDK is linked for its service, or where the request has
//! to look like the pipeline's own.
//!
//! A form has holes in braces. Those of its ARN are filled with names from the policy's resource; the others
//! with what [`Filling`] knows.

mod fields;
pub mod ladder;
mod others;
mod sagemaker;

use serde_json::{Map, Value};

use crate::iam::resource::{self, MADE_UP};
use crate::place::Place;
use crate::probe::ProbeInfo;
use crate::specification::Resource;

pub use fields::{Field, Fields, OF_THE_CALLER, OF_THE_CLIENT_OF_S3, Taken, all as all_fields, fields_of, take};

/// A request for one action, as data.
#[derive(Debug)]
pub struct Form {
    pub info: ProbeInfo,
    pub service: Service,
    /// The ARN that AWS looks for in the policies, without `arn:partition:`; empty where the action takes no resource.
    pub arn: &'static str,
    /// On which names the request changes nothing.
    pub harmless_on: HarmlessOn,
    /// The longest name that AWS takes, in characters.
    pub longest_name: usize,
    pub call: Call,
    /// The answer that is a success, under its name in the proofs.
    pub success: Option<Success>,
}

/// Where requests for a service go, and what they are signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// What the host starts with: `<host>.<Region>.<suffix>`.
    pub host: &'static str,
    /// The host of a service that has one for all Regions.
    pub global: Option<&'static str>,
    /// The name in the signature.
    pub signing: &'static str,
    /// The service's id, as in `AWS_ENDPOINT_URL_<ID>` (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
    pub id: &'static str,
}

/// The names on which a request changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HarmlessOn {
    /// Whether it exists or not.
    Any,
    /// Only on a name that does not exist: on a real one, the request would take effect.
    MadeUp,
    /// Only on a name that exists: of any other, AWS says nothing about permissions, or makes it.
    Existing,
    /// Only on a name of which the specification says that it exists: of any other, something would be made.
    Known,
    /// Only on a key that does not exist, in a bucket that does.
    MadeUpKey,
    /// It takes no name.
    None,
}

/// A request, by the protocol of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// AWS JSON: the version of the protocol, `X-Amz-Target`, and the body.
    Json { version: &'static str, target: &'static str, body: &'static str },
    /// AWS query: the version of the API, the operation, and the other parameters.
    Query { version: &'static str, action: &'static str, parameters: &'static [(&'static str, &'static str)] },
    /// REST: the method, the path with its parameters, the headers and the body.
    Rest {
        method: &'static str,
        path: &'static str,
        query: &'static [(&'static str, &'static str)],
        headers: &'static [(&'static str, &'static str)],
        body: &'static str,
    },
}

/// How a success is known from any other answer with a status that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    /// The body is JSON with this member.
    Member(&'static str),
    /// The body is XML with this element.
    Element(&'static str),
    /// There is no body, but this status.
    Status(u16),
    /// The answer has this header.
    Header(&'static str),
}

/// All forms, in the order of their services.
pub fn all() -> impl Iterator<Item = &'static Form> {
    sagemaker::FORMS.iter().chain(others::FORMS)
}

/// The form of an action's request.
pub fn find(action: &str) -> Option<&'static Form> {
    all().find(|form| form.info.action.eq_ignore_ascii_case(action))
}

/// The actions that have no form, each with the reason.
pub fn all_without() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    sagemaker::WITHOUT.iter().chain(others::WITHOUT)
}

/// Why an action has no probe, where that is known.
pub fn reason_without(action: &str) -> Option<&'static str> {
    all_without().find(|(known, _)| known.eq_ignore_ascii_case(action)).map(|(_, reason)| *reason)
}

/// A request that is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: &'static str,
    /// The path, its names written as a URI has them.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What the holes of a form are filled with.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    pub resource: &'a Resource,
    pub place: &'a Place,
    /// The account of the resource.
    pub account: &'a str,
}

impl Filling<'_> {
    /// The text for a hole.
    fn text(&self, form: &Form, hole: &str) -> Option<String> {
        let place = self.place;
        Some(match hole {
            "account" => self.account.to_owned(),
            "region" => place.region.clone(),
            "partition" => place.partition().name.to_owned(),
            "suffix" => place.partition().dns_suffix.to_owned(),
            "absent" => place.names.absent_name(),
            "absent_role" => place.absent_role_arn(self.account),
            "absent_image" => place.absent_image(self.account),
            "arn" => self.arn(form),
            name => self.resource.name(name)?.to_owned(),
        })
    }

    /// The ARN that is asked for.
    pub fn arn(&self, form: &Form) -> String {
        let rest = resource::fill(form.arn, |hole| match hole {
            "account" => Some(self.account.to_owned()),
            "region" => Some(self.place.region.clone()),
            name => self.resource.name(name).map(str::to_owned),
        });
        format!("arn:{}:{rest}", self.place.partition().name)
    }
}

impl Form {
    /// The request, filled. `extra` are the pipeline's own fields, which replace those of the form.
    pub fn request(&self, filling: &Filling<'_>, extra: &Extra) -> Request {
        let fill = |text: &str| resource::fill(text, |hole| filling.text(self, hole));
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect()
        };
        match self.call {
            Call::Json { version, target, body } => {
                let mut body = serde_json::from_str(body).unwrap_or(Value::Null);
                fill_texts(&mut body, &fill);
                // Of a table's request, the pipeline's own key takes the place of the form's; elsewhere, its members do.
                if self.service.signing == "dynamodb" {
                    replace(&mut body, &extra.body);
                } else {
                    merge(&mut body, &extra.body);
                }
                Request {
                    method: "POST",
                    path: "/".to_owned(),
                    query: Vec::new(),
                    headers: vec![
                        ("content-type".to_owned(), format!("application/x-amz-json-{version}")),
                        ("x-amz-target".to_owned(), target.to_owned()),
                    ],
                    body: body.to_string().into_bytes(),
                }
            }
            Call::Query { version, action, parameters } => {
                let fixed = [("Action".to_owned(), action.to_owned()), ("Version".to_owned(), version.to_owned())];
                let all: Vec<String> = fixed
                    .into_iter()
                    .chain(pairs(parameters))
                    .map(|(name, value)| format!("{}={}", encode(&name, ""), encode(&value, "")))
                    .collect();
                Request {
                    method: "POST",
                    path: "/".to_owned(),
                    query: Vec::new(),
                    headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
                    body: all.join("&").into_bytes(),
                }
            }
            Call::Rest { method, path, query, headers, body } => {
                let keep = if self.service.signing == "s3" { "/" } else { "" };
                let path = resource::fill(path, |hole| filling.text(self, hole).map(|text| encode(&text, keep)));
                let mut query = pairs(query);
                let mut headers = pairs(headers);
                // What the pipeline's own request leaves out has AWS's own default.
                if *extra != Extra::default() && self.info.action == "s3:ListBucket" {
                    query.retain(|(known, _)| !matches!(known.as_str(), "prefix" | "max-keys"));
                }
                for (name, value) in &extra.query {
                    query.retain(|(known, _)| known != name);
                    query.push((name.clone(), value.clone()));
                }
                for (name, value) in &extra.headers {
                    headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                    headers.push((name.clone(), value.replace(MADE_UP, &filling.place.names.absent_name())));
                }
                let body = match serde_json::from_str::<Value>(body) {
                    Ok(mut json @ Value::Object(_)) => {
                        fill_texts(&mut json, &fill);
                        merge(&mut json, &extra.body);
                        json.to_string().into_bytes()
                    }
                    _ => fill(body).into_bytes(),
                };
                Request { method, path, query, headers, body }
            }
        }
    }

    /// Whether the names of a target are ones on which the request is harmless, and why not.
    pub fn refuses(&self, target: &Resource) -> Option<&'static str> {
        match self.harmless_on {
            HarmlessOn::MadeUp if !target.names.first().is_some_and(|(_, name)| name.contains(MADE_UP)) => Some(
                "the policy names one thing, under whose name the request could take effect, and no harmless one is known",
            ),
            HarmlessOn::MadeUpKey if !target.name("key").is_some_and(|key| key.contains(MADE_UP)) => Some(
                "the policy names one object, on which the request could take effect, and no harmless one is known",
            ),
            HarmlessOn::Existing | HarmlessOn::MadeUpKey
                if target.names.iter().any(|(hole, name)| *hole != "key" && name.contains(MADE_UP)) =>
            {
                Some("AWS answers only for what exists: name it under resources")
            }
            HarmlessOn::Known if !target.is_known => {
                Some("AWS would make what does not exist: name one that exists under resources")
            }
            _ => None,
        }
    }
}

/// The pipeline's own fields, by where they stand in a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra {
    pub body: Map<String, Value>,
    pub headers: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
}

/// Puts the members of one object over those of another one, objects within them likewise; null takes a member away. The
/// elements of a list of objects are each put over the first one that was there.
fn merge(into: &mut Value, from: &Map<String, Value>) {
    let Value::Object(object) = into else { return };
    for (key, value) in from {
        match (object.get_mut(key), value) {
            (_, Value::Null) => drop(object.remove(key)),
            (Some(known @ Value::Object(_)), Value::Object(more)) => merge(known, more),
            (Some(Value::Array(known)), Value::Array(more)) if known.first().is_some_and(Value::is_object) => {
                let first = known[0].clone();
                *known =
                    more.iter().enumerate().map(|(index, element)| merge_element(&first, index, element)).collect();
            }
            _ => drop(object.insert(key.clone(), value.clone())),
        }
    }
}

fn merge_element(first: &Value, index: usize, element: &Value) -> Value {
    let mut merged = first.clone();
    if let Value::Object(element) = element {
        merge(&mut merged, element);
    }
    if let Some(Value::String(name)) = merged.get_mut("VariantName").filter(|_| index > 0) {
        name.push_str(&index.to_string());
    }
    merged
}

/// Puts the members of one object in the place of those of another one; null takes a member away. The placeholders of
/// expressions are kept as long as an expression uses them.
fn replace(into: &mut Value, from: &Map<String, Value>) {
    let Value::Object(object) = into else { return };
    for (key, value) in from {
        match (object.get_mut(key), value) {
            (_, Value::Null) => drop(object.remove(key)),
            (Some(Value::Object(known)), Value::Object(more)) if key.starts_with("ExpressionAttribute") => {
                known.extend(more.clone());
            }
            _ => drop(object.insert(key.clone(), value.clone())),
        }
    }
    let expressions: Vec<String> = object
        .iter()
        .filter(|(name, _)| name.ends_with("Expression"))
        .filter_map(|(_, text)| text.as_str().map(str::to_owned))
        .collect();
    for placeholders in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        if let Some(Value::Object(map)) = object.get_mut(placeholders) {
            map.retain(|name, _| expressions.iter().any(|text| fields::uses(text, name)));
            if map.is_empty() {
                object.remove(placeholders);
            }
        }
    }
}

fn fill_texts(value: &mut Value, fill: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = fill(text),
        Value::Array(list) => list.iter_mut().for_each(|value| fill_texts(value, fill)),
        Value::Object(object) => {
            // A table stands as a name in the requests of batches.
            let filled = std::mem::take(object).into_iter().map(|(name, mut value)| {
                fill_texts(&mut value, fill);
                (fill(&name), value)
            });
            *object = filled.collect();
        }
        _ => {}
    }
}

/// A text as a URI has it: all but the unreserved characters, and those to keep, as `%` and two digits (RFC 3986, 2.3).
pub fn encode(text: &str, keep: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || keep.contains(c) {
            encoded.push(c);
        } else {
            encoded.extend(format!("%{byte:02X}").chars());
        }
    }
    encoded
}
