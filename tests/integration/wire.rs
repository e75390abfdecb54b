//! What AWS reads of a request before it decides: the action, the resources, and the keys of its context. Written for
//! these tests, from the bytes on the wire, and with none of the program's own tables.
//!
//! And what AWS answers then: a denial in its own words, or what a healthy account answers to a request that takes no effect.

use permissions_core::form::{self, Success};
use permissions_core::probe::ProbeInfo;
use permissions_core::proof::Expected;
use serde_json::{Value, json};

use crate::harness::{
    self as stub, ACCOUNT, Request, healthy, json_error, response, rest_json_error, s3_error, sts_error,
};
use crate::policy_language::Context;

/// The guard of a write, which no item can pass.
const GUARD: &str = "attribute_exists(#guard) AND attribute_not_exists(#guard)";

/// A digest that is not that of any of the bodies that are sent.
const WRONG_MD5: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

/// A request as IAM knows it.
#[derive(Clone, Debug)]
pub struct Wire {
    /// The service that it is signed for.
    pub service: String,
    pub region: String,
    pub action: String,
    /// All ARNs that the action has to be allowed on.
    pub resources: Vec<String>,
    /// The keys that the request itself sets.
    pub context: Context,
}

impl Wire {
    /// Reads a request. `table_key` is the name of the partition key of the table that it may be about.
    pub fn of(request: &Request, table_key: &str) -> Self {
        let (region, service) = scope(request);
        let action = action_of(request, &service);
        let mut context = Context::from([("aws:RequestedRegion".to_owned(), vec![region.clone()])]);
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        tags(&body, &mut context);
        match service.as_str() {
            "s3" => s3_keys(request, &action, &mut context),
            "dynamodb" => table_keys(&body, &action, table_key, &mut context),
            "sagemaker" => sagemaker_keys(request, &body, &mut context),
            "sts" => sts_keys(request, &mut context),
            _ => {}
        }
        let resources = resources(request, &service, &region, &action, &body);
        Self { service, region, action, resources, context }
    }

    pub fn resource(&self) -> &str {
        self.resources.first().map_or("*", String::as_str)
    }
}

/// Whether IAM takes a key's value from the request itself, and not from who sends it, or from what it is about.
pub fn is_of_request(key: &str) -> bool {
    let of_resource = key.starts_with("sagemaker:ResourceTag/");
    let own = ["sagemaker:", "dynamodb:", "sts:", "s3:x-amz-", "aws:RequestTag/", "aws:TagKeys", "aws:RequestedRegion"];
    let of_s3 = ["s3:prefix", "s3:delimiter", "s3:max-keys", "s3:if-match", "s3:if-none-match", "s3:RequestObjectTag"];
    !of_resource && own.iter().chain(&of_s3).any(|start| key.starts_with(start))
}

/// The Region and the service that a request is signed for:
/// `AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, …`.
fn scope(request: &Request) -> (String, String) {
    let header = request.header("authorization").unwrap_or_default();
    let (_, rest) = header.split_once("Credential=").unwrap();
    let credential = rest.split(',').next().unwrap_or_default();
    let mut parts = credential.split('/').skip(2).map(str::to_owned);
    (parts.next().unwrap(), parts.next().unwrap())
}

fn action_of(request: &Request, service: &str) -> String {
    if let Some((_, operation)) = request.target().split_once('.') {
        // A transaction needs the action of each of its parts; the tests know one kind.
        let operation = if operation == "TransactWriteItems" { "ConditionCheckItem" } else { operation };
        return format!("{service}:{operation}");
    }
    if let Some(operation) = parameter(request, "Action") {
        return format!("{service}:{operation}");
    }
    let path = request.path.split('?').next().unwrap_or_default();
    let operation = match service {
        "s3" => s3_operation(request),
        "sagemaker" if path.ends_with("/async-invocations") => "InvokeEndpointAsync",
        "sagemaker" if path.ends_with("/invocations-response-stream") => "InvokeEndpointWithResponseStream",
        "sagemaker" if path.starts_with("/endpoints/") => "InvokeEndpoint",
        _ => "Unknown",
    };
    format!("{service}:{operation}")
}

/// S3 API Reference: each operation by its method and the parameter that makes it another one.
fn s3_operation(request: &Request) -> &'static str {
    let (bucket, key) = bucket_and_key(request);
    let query = query(request);
    let has = |name: &str| query.iter().any(|(known, _)| known == name);
    match (request.method.as_str(), bucket.is_empty(), key.is_empty()) {
        (_, true, _) => "ListAllMyBuckets",
        ("GET", _, true) if has("location") => "GetBucketLocation",
        ("GET", _, true) if has("acl") => "GetBucketAcl",
        ("GET", _, true) if has("lifecycle") => "GetLifecycleConfiguration",
        ("GET", _, true) if has("uploads") => "ListBucketMultipartUploads",
        (_, _, true) => "ListBucket",
        ("GET", ..) if has("uploadId") => "ListMultipartUploadParts",
        ("GET", ..) if has("acl") => "GetObjectAcl",
        ("GET", ..) if has("versionId") => "GetObjectVersion",
        ("PUT", ..) if has("acl") => "PutObjectAcl",
        ("PUT", ..) if has("tagging") && has("versionId") => "PutObjectVersionTagging",
        ("PUT", ..) if has("tagging") => "PutObjectTagging",
        ("PUT", ..) if has("legal-hold") => "PutObjectLegalHold",
        ("PUT", ..) if has("retention") => "PutObjectRetention",
        ("PUT", ..) => "PutObject",
        ("DELETE", ..) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", ..) => "DeleteObject",
        _ => "GetObject",
    }
}

/// The bucket and the key of a request in path style; each empty where there is none.
pub fn bucket_and_key(request: &Request) -> (String, String) {
    let path = request.path.split('?').next().unwrap_or_default().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (decoded(bucket), decoded(key))
}

/// The parameters behind a path, in their order; one without a value has an empty one.
fn query(request: &Request) -> Vec<(String, String)> {
    request.path.split_once('?').map(|(_, query)| pairs(query)).unwrap_or_default()
}

/// A parameter of a form in the body.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let is_form = request.header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
    let body = std::str::from_utf8(&request.body).ok().filter(|_| is_form)?;
    pairs(body).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// A text of a URI without its escapes.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A value, or a list of values, as a context has them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// Sets a key, where it has a value.
fn set(context: &mut Context, key: &str, values: Vec<String>) {
    if !values.is_empty() {
        context.insert(key.to_owned(), values);
    }
}

/// The tags of a request, which are those of the resource that it makes, too.
fn tags(body: &Value, context: &mut Context) {
    let listed =
        body["Tags"].as_array().into_iter().flatten().filter_map(|tag| Some((tag["Key"].as_str()?, &tag["Value"])));
    let mapped = body["tags"].as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value));
    let all: Vec<_> = listed.chain(mapped).collect();
    for (key, value) in &all {
        set(context, &format!("aws:RequestTag/{key}"), texts(value));
        set(context, &format!("aws:ResourceTag/{key}"), texts(value));
    }
    set(context, "aws:TagKeys", all.iter().map(|(key, _)| (*key).to_owned()).collect());
}

/// Service Authorization Reference, "Condition keys for Amazon S3".
fn s3_keys(request: &Request, action: &str, context: &mut Context) {
    const HEADERS: &[&str] = &[
        "x-amz-acl",
        "x-amz-content-sha256",
        "x-amz-copy-source",
        "x-amz-grant-full-control",
        "x-amz-grant-read",
        "x-amz-grant-read-acp",
        "x-amz-grant-write",
        "x-amz-grant-write-acp",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
        "if-match",
        "if-none-match",
    ];
    for name in HEADERS {
        set(context, &format!("s3:{name}"), request.header(name).map(str::to_owned).into_iter().collect());
    }
    let object_tags = request.header("x-amz-tagging").map(pairs).unwrap_or_default();
    for (key, value) in &object_tags {
        set(context, &format!("s3:RequestObjectTag/{key}"), vec![value.clone()]);
    }
    set(context, "s3:RequestObjectTagKeys", object_tags.into_iter().map(|(key, _)| key).collect());
    if action == "s3:ListBucket" {
        // One that is not sent is the 1000 that S3 takes for it.
        set(context, "s3:max-keys", vec!["1000".to_owned()]);
        for (name, value) in query(request) {
            if matches!(name.as_str(), "prefix" | "delimiter" | "max-keys") {
                set(context, &format!("s3:{name}"), vec![value]);
            }
        }
    }
}

/// Service Authorization Reference, "Condition keys for Amazon SageMaker".
fn sagemaker_keys(request: &Request, body: &Value, context: &mut Context) {
    const MEMBERS: &[(&str, &str)] = &[
        ("/EnableInterContainerTrafficEncryption", "sagemaker:InterContainerTrafficEncryption"),
        ("/EnableNetworkIsolation", "sagemaker:NetworkIsolation"),
        ("/KmsKeyId", "sagemaker:VolumeKmsKey"),
        ("/NetworkConfig/EnableInterContainerTrafficEncryption", "sagemaker:InterContainerTrafficEncryption"),
        ("/NetworkConfig/EnableNetworkIsolation", "sagemaker:NetworkIsolation"),
        ("/NetworkConfig/VpcConfig/SecurityGroupIds", "sagemaker:VpcSecurityGroupIds"),
        ("/NetworkConfig/VpcConfig/Subnets", "sagemaker:VpcSubnets"),
        ("/OutputDataConfig/KmsKeyId", "sagemaker:OutputKmsKey"),
        ("/ProcessingOutputConfig/KmsKeyId", "sagemaker:OutputKmsKey"),
        ("/ProcessingResources/ClusterConfig/InstanceType", "sagemaker:InstanceTypes"),
        ("/ProcessingResources/ClusterConfig/VolumeKmsKeyId", "sagemaker:VolumeKmsKey"),
        ("/RemoteDebugConfig/EnableRemoteDebug", "sagemaker:EnableRemoteDebug"),
        ("/ResourceConfig/InstanceType", "sagemaker:InstanceTypes"),
        ("/ResourceConfig/KeepAlivePeriodInSeconds", "sagemaker:KeepAlivePeriod"),
        ("/ResourceConfig/VolumeKmsKeyId", "sagemaker:VolumeKmsKey"),
        ("/StoppingCondition/MaxRuntimeInSeconds", "sagemaker:MaxRuntimeInSeconds"),
        ("/TransformOutput/KmsKeyId", "sagemaker:OutputKmsKey"),
        ("/TransformResources/InstanceType", "sagemaker:InstanceTypes"),
        ("/TransformResources/VolumeKmsKeyId", "sagemaker:VolumeKmsKey"),
        ("/VpcConfig/SecurityGroupIds", "sagemaker:VpcSecurityGroupIds"),
        ("/VpcConfig/Subnets", "sagemaker:VpcSubnets"),
    ];
    for (member, key) in MEMBERS {
        let values = body.pointer(member).map(texts).unwrap_or_default();
        if key.ends_with("KmsKey") {
            set(context, &format!("{key}Arn"), values.clone());
        }
        set(context, key, values);
    }
    for list in [&body["ResourceConfig"]["InstanceGroups"], &body["ProductionVariants"]] {
        let types: Vec<_> =
            list.as_array().into_iter().flatten().flat_map(|element| texts(&element["InstanceType"])).collect();
        set(context, "sagemaker:InstanceTypes", types);
    }
    for (header, key) in [
        ("x-amzn-sagemaker-target-model", "sagemaker:TargetModel"),
        ("x-amzn-sagemaker-target-container-hostname", "sagemaker:TargetContainerHostname"),
    ] {
        set(context, key, request.header(header).map(str::to_owned).into_iter().collect());
    }
}

/// DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control".
fn table_keys(body: &Value, action: &str, table_key: &str, context: &mut Context) {
    let names = &body["ExpressionAttributeNames"];
    let mut attributes: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !attributes.iter().any(|known| known == name) {
            attributes.push(name.to_owned());
        }
    };
    for object in [&body["Key"], &body["Item"]] {
        for name in object.as_object().into_iter().flatten().map(|(name, _)| name) {
            add(name);
        }
    }
    let expressions = body.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("Expression"));
    for expression in expressions.filter_map(|(_, text)| text.as_str()) {
        for word in words(expression) {
            match word.chars().next() {
                Some('#') => add(names[word].as_str().unwrap_or_default()),
                Some(first) if first.is_ascii_alphabetic() => add(word),
                _ => {}
            }
        }
    }
    set(context, "dynamodb:Attributes", attributes);

    let key_value =
        |value: &Value| value.as_object().and_then(|typed| typed.values().next()).map(texts).unwrap_or_default();
    let mut leading: Vec<String> =
        [&body["Key"][table_key], &body["Item"][table_key]].into_iter().flat_map(key_value).collect();
    for part in body["KeyConditionExpression"].as_str().unwrap_or_default().split(" AND ") {
        let Some((name, value)) = part.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        if names[name].as_str().unwrap_or(name) == table_key {
            leading.extend(key_value(&body["ExpressionAttributeValues"][value]));
        }
    }
    set(context, "dynamodb:LeadingKeys", leading);

    let or = |member: &str, otherwise: &str| match &body[member] {
        Value::Null => vec![otherwise.to_owned()],
        given => texts(given),
    };
    if matches!(action, "dynamodb:GetItem" | "dynamodb:Query" | "dynamodb:Scan" | "dynamodb:BatchGetItem") {
        let by_default = if body["ProjectionExpression"].is_null() { "ALL_ATTRIBUTES" } else { "SPECIFIC_ATTRIBUTES" };
        set(context, "dynamodb:Select", or("Select", by_default));
    }
    if matches!(action, "dynamodb:PutItem" | "dynamodb:UpdateItem" | "dynamodb:DeleteItem") {
        set(context, "dynamodb:ReturnValues", or("ReturnValues", "NONE"));
    }
    set(context, "dynamodb:ReturnConsumedCapacity", texts(&body["ReturnConsumedCapacity"]));
}

/// The names of an expression: neither its keywords and functions, nor its numbers and signs.
fn words(expression: &str) -> Vec<&str> {
    const OF_THE_LANGUAGE: &[&str] = &["set", "remove", "add", "delete", "and", "or", "not", "between", "in"];
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_#:".contains(c);
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_part) {
        rest = &rest[start..];
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let is_function = behind.starts_with('(');
        let is_keyword = OF_THE_LANGUAGE.iter().any(|known| known.eq_ignore_ascii_case(word));
        if !is_function && !is_keyword {
            found.push(word);
        }
        rest = behind;
    }
    found
}

fn sts_keys(request: &Request, context: &mut Context) {
    for name in ["ExternalId", "RoleSessionName", "SourceIdentity"] {
        set(context, &format!("sts:{name}"), parameter(request, name).into_iter().collect());
    }
    let mut tag_keys = Vec::new();
    for index in 1.. {
        let Some(key) = parameter(request, &format!("Tags.member.{index}.Key")) else { break };
        let value = parameter(request, &format!("Tags.member.{index}.Value"));
        set(context, &format!("aws:RequestTag/{key}"), value.into_iter().collect());
        tag_keys.push(key);
    }
    set(context, "aws:TagKeys", tag_keys);
}

/// Service Authorization Reference: what the action of a request has to be allowed on.
fn resources(request: &Request, service: &str, region: &str, action: &str, body: &Value) -> Vec<String> {
    let arn = |rest: &str| format!("arn:aws:{service}:{region}:{ACCOUNT}:{rest}");
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    let found: Vec<String> = match service {
        "s3" => match bucket_and_key(request) {
            (bucket, _) if bucket.is_empty() => Vec::new(),
            (bucket, key) if key.is_empty() => vec![format!("arn:aws:s3:::{bucket}")],
            (bucket, key) => vec![format!("arn:aws:s3:::{bucket}/{key}")],
        },
        "dynamodb" if body["StreamArn"].is_string() => vec![text("StreamArn")],
        "dynamodb" => {
            let of_transaction = &body["TransactItems"][0]["ConditionCheck"]["TableName"];
            let batch = body["RequestItems"].as_object().into_iter().flatten().map(|(table, _)| table.as_str());
            let tables = body["TableName"].as_str().into_iter().chain(of_transaction.as_str()).chain(batch);
            let index = body["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
            tables.map(|table| arn(&format!("table/{table}{index}"))).collect()
        }
        "sagemaker" if !body.is_object() || request.target().is_empty() => {
            let name = request.path.split('?').next().and_then(|path| path.split('/').nth(2)).unwrap_or_default();
            vec![arn(&format!("endpoint/{}", decoded(name)))]
        }
        "sagemaker" => {
            const NAMES: &[(&str, &str)] = &[
                ("TrainingJobName", "training-job"),
                ("ProcessingJobName", "processing-job"),
                ("TransformJobName", "transform-job"),
                ("ModelName", "model"),
                ("EndpointName", "endpoint"),
                ("EndpointConfigName", "endpoint-config"),
            ];
            let named = NAMES.iter().filter(|(member, _)| body[*member].is_string());
            named.map(|(member, kind)| arn(&format!("{kind}/{}", text(member)))).collect()
        }
        "logs" if body["logGroupName"].is_string() => {
            let group = text("logGroupName");
            vec![match body["logStreamName"].as_str() {
                Some(stream) if action == "logs:PutLogEvents" => arn(&format!("log-group:{group}:log-stream:{stream}")),
                Some(_) => arn(&format!("log-group:{group}:log-stream:")),
                None => arn(&format!("log-group:{group}")),
            }]
        }
        "kms" => vec![text("KeyId")],
        "sts" => parameter(request, "RoleArn").into_iter().collect(),
        _ => Vec::new(),
    };
    if found.is_empty() { vec!["*".to_owned()] } else { found }
}

/// Asserts that a request cannot take effect, whatever the fields that it takes from somebody's own request.
pub fn assert_harmless(request: &Request, wire: &Wire, passed_role: Option<&str>) {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let is_absent = |value: &Value| value.as_str().is_some_and(|name| name.contains("probe-"));
    let told = format!("{} {} {}", request.method, request.path, String::from_utf8_lossy(&request.body));
    let is_harmless = match wire.action.as_str() {
        "sagemaker:CreateTrainingJob" | "sagemaker:CreateProcessingJob" => is_absent(&body["RoleArn"]),
        "sagemaker:CreateModel" => {
            let role = &body["ExecutionRoleArn"];
            let is_passed = passed_role.is_some() && role.as_str() == passed_role;
            let has_image = is_absent(&body["PrimaryContainer"]["Image"]);
            has_image && (is_absent(role) || is_passed || role.is_null())
        }
        "sagemaker:CreateEndpoint" | "sagemaker:UpdateEndpoint" => is_absent(&body["EndpointConfigName"]),
        "sagemaker:CreateEndpointConfig" => {
            let variants = body["ProductionVariants"].as_array();
            variants.is_some_and(|all| !all.is_empty() && all.iter().all(|variant| is_absent(&variant["ModelName"])))
        }
        "sagemaker:CreateTransformJob" => is_absent(&body["ModelName"]),
        "sagemaker:DeleteEndpoint" => is_absent(&body["EndpointName"]),
        "sagemaker:InvokeEndpoint" => {
            let model = request.header("x-amzn-sagemaker-target-model").unwrap_or_default();
            wire.resource().contains("probe-") || model.contains("probe-")
        }
        "s3:PutObject" => request.header("content-md5") == Some(WRONG_MD5),
        "s3:DeleteObject" => request.header("if-match").is_some() && wire.resource().contains("probe-"),
        "dynamodb:PutItem" | "dynamodb:UpdateItem" | "dynamodb:DeleteItem" => {
            body["ConditionExpression"] == GUARD && body["ExpressionAttributeNames"]["#guard"].is_string()
        }
        "dynamodb:ConditionCheckItem" => body["TransactItems"][0]["ConditionCheck"]["ConditionExpression"] == GUARD,
        action if action.starts_with("kms:") => body["DryRun"] == true,
        _ => true,
    };
    assert!(is_harmless, "{} could take effect: {told}", wire.action);
}

/// AWS's words for a denial of an action on a resource, by the service that the request went to.
pub fn denied(request: &Request, wire: &Wire, action: &str, resource: &str, is_explicit: bool) -> Vec<u8> {
    let reason = if is_explicit {
        "with an explicit deny in an identity-based policy".to_owned()
    } else {
        format!("because no identity-based policy allows the {action} action")
    };
    let role = format!("arn:aws:sts::{ACCOUNT}:assumed-role/lambda-ml-pipeline-role/permissions-probe");
    let message = format!("User: {role} is not authorized to perform: {action} on resource: {resource} {reason}");
    let is_xml = matches!(wire.service.as_str(), "s3" | "sts");
    error(request, wire, 403, if is_xml { "AccessDenied" } else { "AccessDeniedException" }, &message)
}

/// An error in the protocol of the service that a request went to.
fn error(request: &Request, wire: &Wire, status: u16, code: &str, message: &str) -> Vec<u8> {
    match wire.service.as_str() {
        "s3" => s3_error(status, code, message),
        _ if parameter(request, "Action").is_some() => sts_error(status, code, message),
        _ if request.target().is_empty() => rest_json_error(status, code, message),
        _ => stub::json_error_with(status, code, message),
    }
}

/// What an account in which all is as it should be answers to a request that is allowed.
pub fn allowed(request: &Request, wire: &Wire) -> Vec<u8> {
    match wire.action.as_str() {
        "s3:ListBucket" => {
            let (bucket, _) = bucket_and_key(request);
            let prefix = wire.context.get("s3:prefix").and_then(|prefix| prefix.first()).map_or("", String::as_str);
            let contents = format!("<Contents><Key>{prefix}0001.csv</Key></Contents>");
            let body = format!("<ListBucketResult><Name>{bucket}</Name>{contents}</ListBucketResult>");
            response(200, "application/xml", &body)
        }
        // Those of which the harness knows the answers.
        "s3:GetObject"
        | "s3:PutObject"
        | "s3:ListAllMyBuckets"
        | "sts:GetCallerIdentity"
        | "sts:AssumeRole"
        | "dynamodb:PutItem"
        | "dynamodb:UpdateItem"
        | "dynamodb:GetItem"
        | "dynamodb:Scan"
        | "dynamodb:Query"
        | "dynamodb:ListTables"
        | "logs:DescribeLogGroups" => healthy(request),
        "sagemaker:DescribeTrainingJob" if wire.resource().contains("probe-") => {
            json_error("ValidationException", "Requested resource not found.")
        }
        "sagemaker:DescribeTrainingJob" => stub::json(&json!({"TrainingJobArn": wire.resource()}).to_string()),
        "sagemaker:InvokeEndpoint" if wire.resource().contains("probe-") => {
            rest_json_error(400, "ValidationError", "Endpoint x of account y not found.")
        }
        "sagemaker:InvokeEndpoint" => rest_json_error(
            400,
            "ValidationError",
            "Endpoint x is not a multi-model endpoint. Target model header is not allowed.",
        ),
        action => proven(request, wire, action),
    }
}

/// The answer by which an action is known to be allowed: an error that stops the request, else the success.
fn proven(request: &Request, wire: &Wire, action: &str) -> Vec<u8> {
    let form = form::find(action);
    let typed = permissions_aws::probes::find(action).map(|probe| &probe.info);
    let info: &ProbeInfo = form.map(|form| &form.info).or(typed).unwrap_or_else(|| panic!("who sends {action}?"));
    let is_clean = |proof: &&permissions_core::proof::Proof| proof.warning.is_none();
    let stopped = info.proofs.iter().filter(is_clean).find_map(|proof| match proof.answer {
        Expected::Error { code, text } => Some((code, text)),
        Expected::Success(_) => None,
    });
    if let Some((code, text)) = stopped {
        return error(request, wire, 400, code, if text.is_empty() { "It is as it is." } else { text });
    }
    let id = "x-amzn-requestid: REQUEST-1\r\nx-amz-request-id: REQUEST-1\r\n";
    match form.and_then(|form| form.success) {
        Some(Success::Member(name)) => stub::json(&json!({name: []}).to_string()),
        Some(Success::Element(name)) => response(200, "application/xml", &format!("<{name}></{name}>")),
        Some(Success::Status(status)) => stub::with_headers(status, id, ""),
        Some(Success::Header(name)) => {
            stub::with_headers(200, &format!("{id}{name}: Thu, 01 Jan 2026 00:00:00 GMT\r\n"), "")
        }
        None => panic!("nothing proves that {action} is allowed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str, service: &str, more: &[(&str, &str)], body: &str) -> Request {
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=AKID/20260928/eu-west-1/{service}/aws4_request, SignedHeaders=host");
        let own = [("authorization", scope.as_str())];
        let headers = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { method: method.to_owned(), path: path.to_owned(), headers, body: body.as_bytes().to_vec() }
    }

    /// The values of a key, with commas between them.
    fn value(wire: &Wire, key: &str) -> String {
        wire.context.get(key).map(|values| values.join(",")).unwrap_or_default()
    }

    #[test]
    fn the_keys_of_an_upload_are_in_its_headers() {
        let headers = [
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-tagging", "Department=Finance&a%20b=c"),
            ("content-md5", WRONG_MD5),
        ];
        let request = request("PUT", "/b/models/a%20b?x-id=PutObject", "s3", &headers, "0");
        let wire = Wire::of(&request, "");
        assert_eq!((wire.action.as_str(), wire.resource()), ("s3:PutObject", "arn:aws:s3:::b/models/a b"));
        assert_eq!(value(&wire, "aws:RequestedRegion"), "eu-west-1");
        assert_eq!(value(&wire, "s3:x-amz-server-side-encryption"), "aws:kms");
        assert_eq!(value(&wire, "s3:RequestObjectTag/a b"), "c");
        assert_eq!(value(&wire, "s3:RequestObjectTagKeys"), "Department,a b");
        assert_harmless(&request, &wire, None);
    }

    #[test]
    fn the_keys_of_a_list_are_in_its_query() {
        let wire = Wire::of(&request("GET", "/b?list-type=2&prefix&delimiter=%2F", "s3", &[], ""), "");
        assert_eq!((wire.action.as_str(), wire.resource()), ("s3:ListBucket", "arn:aws:s3:::b"));
        let prefix = wire.context.get("s3:prefix").map(Vec::as_slice);
        assert_eq!(prefix, Some([String::new()].as_slice()), "an empty prefix is one");
        assert_eq!((value(&wire, "s3:delimiter").as_str(), value(&wire, "s3:max-keys").as_str()), ("/", "1000"));
    }

    #[test]
    fn the_keys_of_a_write_are_the_attributes_that_it_names() {
        let body = json!({
            "TableName": "T",
            "Key": {"id": {"S": "run-1"}},
            "UpdateExpression": "SET #s = :s, accuracy = if_not_exists(accuracy, :a)",
            "ConditionExpression": GUARD,
            "ExpressionAttributeNames": {"#s": "status", "#guard": "id"},
            "ExpressionAttributeValues": {":s": {"S": "x"}, ":a": {"N": "1"}}
        });
        let target = [("x-amz-target", "DynamoDB_20120810.UpdateItem")];
        let request = request("POST", "/", "dynamodb", &target, &body.to_string());
        let wire = Wire::of(&request, "id");
        assert_eq!(wire.resource(), "arn:aws:dynamodb:eu-west-1:123456789012:table/T");
        let mut attributes = wire.context["dynamodb:Attributes"].clone();
        attributes.sort();
        assert_eq!(attributes, ["accuracy", "id", "status"]);
        assert_eq!(
            (value(&wire, "dynamodb:LeadingKeys"), value(&wire, "dynamodb:ReturnValues")),
            ("run-1".into(), "NONE".into())
        );
        assert_harmless(&request, &wire, None);
    }

    #[test]
    fn the_leading_key_of_a_query_is_in_its_condition() {
        let body = json!({
            "TableName": "T",
            "IndexName": "I",
            "KeyConditionExpression": "#k = :v",
            "ExpressionAttributeNames": {"#k": "id"},
            "ExpressionAttributeValues": {":v": {"S": "run-1"}}
        });
        let target = [("x-amz-target", "DynamoDB_20120810.Query")];
        let request = request("POST", "/", "dynamodb", &target, &body.to_string());
        let wire = Wire::of(&request, "id");
        assert_eq!(wire.resource(), "arn:aws:dynamodb:eu-west-1:123456789012:table/T/index/I");
        assert_eq!(
            (value(&wire, "dynamodb:LeadingKeys"), value(&wire, "dynamodb:Select")),
            ("run-1".into(), "ALL_ATTRIBUTES".into())
        );
        assert_eq!(value(&Wire::of(&request, "other"), "dynamodb:LeadingKeys"), "", "the key is not the table's");
    }

    #[test]
    fn the_keys_of_an_endpoint_are_its_tags_and_it_needs_two_resources() {
        let body = json!({"EndpointName": "e", "EndpointConfigName": "c", "Tags": [{"Key": "team", "Value": "ml"}]});
        let target = [("x-amz-target", "SageMaker.CreateEndpoint")];
        let wire = Wire::of(&request("POST", "/", "sagemaker", &target, &body.to_string()), "");
        assert_eq!(
            wire.resources,
            [
                "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/e",
                "arn:aws:sagemaker:eu-west-1:123456789012:endpoint-config/c"
            ]
        );
        assert_eq!((value(&wire, "aws:RequestTag/team"), value(&wire, "aws:TagKeys")), ("ml".into(), "team".into()));
        let invoked = request("POST", "/endpoints/e/invocations", "sagemaker", &[], "{}");
        assert_eq!(Wire::of(&invoked, "").action, "sagemaker:InvokeEndpoint");
        assert_eq!(Wire::of(&invoked, "").resource(), "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/e");
    }

    #[test]
    #[should_panic(expected = "could take effect")]
    fn a_real_role_is_noticed() {
        let body =
            json!({"TrainingJobName": "j", "RoleArn": "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role"});
        let target = [("x-amz-target", "SageMaker.CreateTrainingJob")];
        let request = request("POST", "/", "sagemaker", &target, &body.to_string());
        assert_harmless(&request, &Wire::of(&request, ""), None);
    }
}
