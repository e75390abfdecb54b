//! From the pipeline's own request to what a check sends of it.

mod table;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::form::Extra;
use crate::iam::resource::MADE_UP;

/// What a check takes of the pipeline's own request for one action.
#[derive(Debug)]
pub struct Fields {
    pub action: &'static str,
    /// What keeps the request from taking effect, whatever its fields.
    pub stops: &'static str,
    pub accepted: &'static [Field],
    pub left: &'static [Left],
}

/// A field that is sent as the pipeline sends it.
#[derive(Debug)]
pub struct Field {
    /// In the names of AWS's API: members with dots between them, `[]` behind a list.
    pub path: &'static str,
    pub wire: Wire,
    /// The condition keys that it sets.
    pub keys: &'static [&'static str],
    /// The action that AWS asks for besides.
    pub needs: Option<&'static str>,
    /// Why the request has no effect all the same.
    pub why: &'static str,
}

/// A field that is not sent.
#[derive(Debug)]
pub struct Left {
    pub path: &'static str,
    /// The condition keys that it would set.
    pub keys: &'static [&'static str],
    pub why: &'static str,
}

/// Where a field stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Json,
    Header(&'static str),
    Query(&'static str),
    /// The probe's own code sends it.
    Code,
}

/// The condition keys whose values follow from where the code runs, from its session and from its client, and from no field
/// (IAM User Guide, "AWS global condition context keys"; S3 User Guide, "Condition keys").
pub const OF_THE_CALLER: &[&str] = &[
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:VpcSourceIp",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:ViaAWSService",
    "aws:CalledVia",
    "aws:userid",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "lambda:SourceFunctionArn",
];

/// The same of S3, whose clients differ in what they send.
pub const OF_THE_CLIENT_OF_S3: &[&str] =
    &["s3:TlsVersion", "s3:signatureversion", "s3:authType", "s3:signatureAge", "s3:x-amz-content-sha256"];

/// What is sent of a request, and what is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    pub extra: Extra,
    /// The condition keys that were sent, with their values.
    pub sent: BTreeMap<String, Vec<String>>,
    /// The fields that were not sent, each with the reason.
    pub left: Vec<(String, String)>,
    /// The condition keys that those would have set.
    pub differing: Vec<String>,
    /// The actions that AWS asks for besides.
    pub needs: Vec<&'static str>,
}

/// All fields, by action.
pub fn all() -> &'static [Fields] {
    table::FIELDS
}

/// The fields of one action's request.
pub fn fields_of(action: &str) -> Option<&'static Fields> {
    table::FIELDS.iter().find(|fields| fields.action.eq_ignore_ascii_case(action))
}

impl Field {
    /// The value in a request; several, where the path goes through a list.
    pub fn value_in(&self, request: &Map<String, Value>) -> Option<Vec<Value>> {
        let path: Vec<&str> = self.path.split('.').collect();
        let mut found = Vec::new();
        collect(&Value::Object(request.clone()), &path, &mut found);
        (!found.is_empty()).then_some(found)
    }
}

fn collect(value: &Value, path: &[&str], found: &mut Vec<Value>) {
    let Some((member, rest)) = path.split_first() else { return found.push(value.clone()) };
    let (name, is_list) = member.strip_suffix("[]").map_or((*member, false), |name| (name, true));
    match value.get(name) {
        Some(Value::Array(list)) if is_list => list.iter().for_each(|value| collect(value, rest, found)),
        Some(value) => collect(value, rest, found),
        None => {}
    }
}

/// Takes what a check sends of the pipeline's own request.
pub fn take(action: &str, request: &Map<String, Value>) -> Taken {
    let mut taken = Taken::default();
    let Some(fields) = fields_of(action) else {
        for name in request.keys() {
            taken.left.push((name.clone(), "no field of this action's request is taken over".to_owned()));
        }
        return taken;
    };
    for field in fields.accepted {
        let Some(values) = field.value_in(request) else { continue };
        match field.wire {
            Wire::Json | Wire::Code => {}
            Wire::Header(name) => {
                let value = text_of(&values[0]);
                taken.extra.headers.push((name.to_owned(), header_value(field.path, value)));
            }
            Wire::Query(name) => taken.extra.query.push((name.to_owned(), text_of(&values[0]))),
        }
        let sent_values: Vec<Value> = match field.wire {
            Wire::Header(_) => values.iter().map(|it| header_value(field.path, text_of(it)).into()).collect(),
            _ => values.clone(),
        };
        // The placeholders of expressions stand for the attributes that are named.
        let is_placeholders = field.path == "ExpressionAttributeNames";
        let sent_values =
            if is_placeholders { sent_values.iter().filter_map(names_of_placeholders).collect() } else { sent_values };
        for key in field.keys {
            for (key, value) in condition_values(key, &sent_values) {
                taken.sent.entry(key).or_default().extend(value);
            }
        }
        taken.needs.extend(field.needs.filter(|needs| !taken.needs.contains(needs)));
    }
    if let Some(attributes) = taken.sent.get_mut("dynamodb:Attributes") {
        attributes.sort();
        attributes.dedup();
    }
    let body = filter(request, "", fields, &mut taken);
    taken.extra.body = complete(action, body, request);
    for (name, _) in &taken.left {
        let keys = fields.left.iter().filter(|left| covers(left.path, name)).flat_map(|left| left.keys);
        for key in keys {
            if !taken.differing.iter().any(|known| known == key) {
                taken.differing.push((*key).to_owned());
            }
        }
    }
    if action == "s3:PutObject" && taken.extra.headers.iter().any(|(name, _)| name.ends_with("customer-algorithm")) {
        // A key of 32 zero bytes, and its digest, which S3 asks for beside the algorithm.
        let start = "x-amz-server-side-encryption-customer-key";
        taken.extra.headers.push((start.to_owned(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()));
        taken.extra.headers.push((format!("{start}-MD5"), "cLyPS3KoaSFGi/joRB3OUQ==".to_owned()));
    }
    taken
}

/// The members that are accepted; the others are kept as left out.
fn filter(object: &Map<String, Value>, at: &str, fields: &Fields, taken: &mut Taken) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in object {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let listed = format!("{path}[]");
        let whole = fields.accepted.iter().find(|field| field.path == path || field.path == listed);
        let below = |start: &str| fields.accepted.iter().any(|field| field.path.starts_with(&format!("{start}.")));
        match (whole, value) {
            (Some(field), value) if field.wire == Wire::Json => {
                kept.insert(name.clone(), value.clone());
            }
            (Some(_), _) => {}
            (None, Value::Object(inner)) if below(&path) => {
                let inner = filter(inner, &path, fields, taken);
                if !inner.is_empty() {
                    kept.insert(name.clone(), Value::Object(inner));
                }
            }
            (None, Value::Array(list)) if below(&listed) => {
                let list: Vec<Value> = list
                    .iter()
                    .filter_map(Value::as_object)
                    .map(|inner| filter(inner, &listed, fields, taken))
                    .filter(|inner| !inner.is_empty())
                    .map(Value::Object)
                    .collect();
                if !list.is_empty() {
                    kept.insert(name.clone(), Value::Array(list));
                }
            }
            _ if at.is_empty() && fills_the_name(fields.action, name) => {}
            _ => {
                let why = fields.left.iter().find(|left| covers(left.path, &path));
                let why = why.map_or("no condition key is known that it sets", |left| left.why);
                if !taken.left.iter().any(|(known, _)| *known == path) {
                    taken.left.push((path, why.to_owned()));
                }
            }
        }
    }
    kept
}

/// Whether a field is the name of the thing, which the ARN has already, in a request that only reads.
fn fills_the_name(action: &str, field: &str) -> bool {
    matches!((action, field), ("s3:GetObject", "Key") | ("sagemaker:DescribeTrainingJob", "TrainingJobName"))
}

/// Whether a path is one, or within one, that stands in the list.
fn covers(listed: &str, path: &str) -> bool {
    let plain = |path: &str| path.replace("[]", "");
    let (listed, path) = (plain(listed), plain(path));
    path == listed || path.starts_with(&format!("{listed}."))
}

/// Adds what the accepted fields cannot do without.
fn complete(action: &str, mut body: Map<String, Value>, request: &Map<String, Value>) -> Map<String, Value> {
    match action {
        "sagemaker:CreateTrainingJob" => {
            if let Some(Value::Object(config)) = body.get_mut("ResourceConfig")
                && let Some(Value::Array(groups)) = config.get_mut("InstanceGroups")
            {
                for (index, group) in groups.iter_mut().enumerate() {
                    group["InstanceCount"] = json!(1);
                    group["InstanceGroupName"] = json!(format!("group-{index}"));
                }
                // SageMaker takes either these groups or these two.
                config.insert("InstanceType".to_owned(), Value::Null);
                config.insert("InstanceCount".to_owned(), Value::Null);
            }
            for (index, channel) in
                body.get_mut("InputDataConfig").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
            {
                channel["ChannelName"] = json!(format!("channel-{index}"));
            }
        }
        "sagemaker:CreateProcessingJob" => {
            if let Some(config) = body.get_mut("ProcessingOutputConfig") {
                config["Outputs"] = json!([]);
            }
        }
        "sagemaker:CreateEndpointConfig" => {
            for variant in body.get_mut("ProductionVariants").and_then(Value::as_array_mut).into_iter().flatten() {
                if variant.get("ServerlessConfig").is_some() {
                    variant["InstanceType"] = Value::Null;
                    variant["InitialInstanceCount"] = Value::Null;
                }
            }
        }
        action if action.starts_with("dynamodb:") => complete_table_request(action, &mut body, request),
        _ => {}
    }
    body
}

/// The guard, the placeholders and what DynamoDB takes for given.
fn complete_table_request(action: &str, body: &mut Map<String, Value>, request: &Map<String, Value>) {
    let attributes = body.get("Item").or_else(|| body.get("Key")).and_then(Value::as_object);
    let first = attributes.and_then(|attributes| attributes.keys().next()).cloned();
    let writes = matches!(action, "dynamodb:PutItem" | "dynamodb:UpdateItem" | "dynamodb:DeleteItem");
    let expressions: Vec<String> =
        body.iter().filter(|(name, _)| name.ends_with("Expression")).map(|(_, text)| text_of(text)).collect();
    for placeholders in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        if let Some(Value::Object(map)) = body.get_mut(placeholders) {
            map.retain(|name, _| expressions.iter().any(|text| uses(text, name)));
        }
    }
    if let (true, Some(first)) = (writes, first) {
        // The condition names an attribute that the request has anyway, so that it adds none to those that a policy can look at.
        let names = body.entry("ExpressionAttributeNames").or_insert_with(|| json!({}));
        if let Value::Object(names) = names {
            names.insert("#guard".to_owned(), json!(first));
        } else {
            *names = json!({"#guard": first});
        }
    }
    if action == "dynamodb:UpdateItem" && body.contains_key("Key") && !body.contains_key("UpdateExpression") {
        // The form's own would set the key, which DynamoDB refuses; an update of nothing needs none.
        body.insert("UpdateExpression".to_owned(), Value::Null);
    }
    if matches!(action, "dynamodb:Query" | "dynamodb:Scan") {
        if !request.contains_key("Select") {
            body.insert("Select".to_owned(), Value::Null);
        }
        if body.contains_key("KeyConditionExpression") {
            for placeholders in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
                let is_empty = body.get(placeholders).and_then(Value::as_object).is_none_or(Map::is_empty);
                if is_empty {
                    body.insert(placeholders.to_owned(), Value::Null);
                }
            }
        }
    }
}

/// Whether an expression has a placeholder, and not only one that starts like it.
pub(super) fn uses(expression: &str, placeholder: &str) -> bool {
    expression.match_indices(placeholder).any(|(at, _)| {
        let next = expression[at + placeholder.len()..].chars().next();
        !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// What a header is sent with. A model that exists would answer, so its name is made up behind the last slash.
fn header_value(path: &str, value: String) -> String {
    if path == "TargetModel" {
        let folder = value.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
        return format!("{folder}{MADE_UP}");
    }
    value
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The values of a condition key, as far as they follow from the field; those of tags have one key for each.
fn condition_values(key: &str, values: &[Value]) -> Vec<(String, Vec<String>)> {
    let tags = || values.iter().flat_map(tags_of);
    if let Some(start) = key.strip_suffix('…') {
        return tags().map(|(name, value)| (format!("{start}{name}"), vec![value])).collect();
    }
    let objects = || values.iter().filter_map(Value::as_object);
    let texts: Vec<String> = match key {
        "aws:TagKeys" | "s3:RequestObjectTagKeys" => tags().map(|(name, _)| name).collect(),
        // Of several attributes, the specification does not say which one is the partition key.
        "dynamodb:LeadingKeys" => {
            objects().filter(|object| object.len() == 1).flat_map(Map::values).map(value_of).collect()
        }
        "dynamodb:Attributes" => objects().flat_map(|object| object.keys().cloned()).chain(projected(values)).collect(),
        _ => values.iter().map(text_of).collect(),
    };
    if texts.is_empty() { Vec::new() } else { vec![(key.to_owned(), texts)] }
}

/// The attributes that placeholders stand for, as the members of an object.
fn names_of_placeholders(value: &Value) -> Option<Value> {
    let names = value.as_object()?.values().filter_map(Value::as_str);
    Some(Value::Object(names.map(|name| (name.to_owned(), Value::Null)).collect()))
}

/// The tags of a list such as `[{"Key": …, "Value": …}]`, or of a query string such as `a=b&c=d`.
fn tags_of(value: &Value) -> Vec<(String, String)> {
    if let Some(text) = value.as_str() {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        return text.split('&').filter_map(pair).collect();
    }
    let name = value.get("Key").and_then(Value::as_str);
    name.map(|name| (name.to_owned(), value.get("Value").map(text_of).unwrap_or_default())).into_iter().collect()
}

/// The value of an attribute such as `{"S": "m-1"}`.
fn value_of(attribute: &Value) -> String {
    attribute.as_object().and_then(|object| object.values().next()).map_or_else(|| text_of(attribute), text_of)
}

/// The attributes that a projection names.
fn projected(values: &[Value]) -> Vec<String> {
    let names = values.iter().filter_map(Value::as_str).flat_map(|text| text.split(','));
    names
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty() && !name.contains(' ') && !name.starts_with('#'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(action: &str, request: &Value) -> Taken {
        take(action, request.as_object().unwrap())
    }

    #[test]
    fn what_cannot_take_effect_is_taken_and_the_rest_is_named() {
        let taken = taken(
            "sagemaker:CreateTrainingJob",
            &json!({
                "RoleArn": "arn:aws:iam::1:role/r",
                "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 20, "VolumeKmsKeyId": "k"},
                "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
                "Tags": [{"Key": "team", "Value": "ml"}]
            }),
        );
        assert_eq!(
            Value::Object(taken.extra.body),
            json!({
                "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "VolumeKmsKeyId": "k"},
                "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
                "Tags": [{"Key": "team", "Value": "ml"}]
            })
        );
        assert_eq!(taken.sent["sagemaker:InstanceTypes"], ["ml.p3.2xlarge"]);
        assert_eq!(taken.sent["aws:RequestTag/team"], ["ml"]);
        assert_eq!(taken.sent["aws:TagKeys"], ["team"]);
        let left: Vec<_> = taken.left.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(left, ["ResourceConfig.InstanceCount", "RoleArn"]);
        assert_eq!(taken.needs, ["sagemaker:AddTags"]);
    }

    #[test]
    fn headers_of_an_upload_are_taken() {
        let taken = taken(
            "s3:PutObject",
            &json!({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k", "Body": "x", "ObjectLockMode": "GOVERNANCE"}),
        );
        assert_eq!(taken.extra.headers[0], ("x-amz-server-side-encryption".to_owned(), "aws:kms".to_owned()));
        assert_eq!(taken.differing, ["s3:object-lock-mode"]);
        assert!(taken.left.iter().any(|(name, _)| name == "Body"));
    }

    #[test]
    fn a_model_is_never_called_by_its_own_name() {
        let taken = taken("sagemaker:InvokeEndpoint", &json!({"TargetModel": "company_a/churn.tar.gz"}));
        assert_eq!(
            taken.extra.headers,
            [("X-Amzn-SageMaker-Target-Model".to_owned(), "company_a/{absent}".to_owned())]
        );
    }

    #[test]
    fn a_write_keeps_its_attributes_behind_the_guard() {
        let taken = taken(
            "dynamodb:PutItem",
            &json!({"Item": {"id": {"S": "1"}, "secret": {"S": "x"}}, "ConditionExpression": "attribute_not_exists(id)"}),
        );
        assert_eq!(taken.extra.body["ExpressionAttributeNames"], json!({"#guard": "id"}));
        assert!(!taken.extra.body.contains_key("ConditionExpression"));
        assert_eq!(taken.sent["dynamodb:Attributes"], ["id", "secret"]);
    }

    #[test]
    fn a_placeholder_is_used_as_a_whole() {
        assert!(uses("#a = :v", "#a") && !uses("#ab = :v", "#a") && uses("#ab = :v AND #a = :w", "#a"));
    }
}
