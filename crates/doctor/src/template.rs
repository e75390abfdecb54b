//! The policies of a role in a template of CloudFormation or SAM, as a specification.
//!
//! What CloudFormation would put in for a function of the template's (`!Ref`, `!Sub`, `!GetAtt`, `!If` and the like) is worked
//! out from the parameters, their defaults, and the names that the template gives. What cannot be is a problem that
//! names the parameter to give. Source: CloudFormation User Guide, "Intrinsic function reference" and "Pseudo parameters
//! reference"; SAM Developer Guide, `AWS::Serverless::Function`.

mod resolve;

use std::path::Path;

use permissions_core::iam::actions::NETWORK_INTERFACE_ACTIONS;
use permissions_core::problem::Problem;
use permissions_core::text::Text;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use resolve::Template;

/// The managed policy of the guide, whose statements are known (AWS Managed Policy Reference Guide).
const BASIC_EXECUTION: &str = "AWSLambdaBasicExecutionRole";

/// What is known besides the template.
pub struct Given<'a> {
    pub file: &'a Path,
    /// `NAME=VALUE` of its parameters, and the names of its resources.
    pub parameters: &'a [String],
    pub region: Option<String>,
}

/// The policies of a role, as a specification in JSON.
///
/// # Errors
///
/// All problems.
pub fn policies(text: &str, role: &str, given: &Given<'_>) -> Result<String, Vec<Problem>> {
    let file = given.file.display().to_string();
    let document = parse(text)
        .map_err(|why| vec![problem("--template", Some(&file), format!("a template in YAML or JSON; {why}"))])?;
    let mut template = Template::new(&document, &file, given.parameters, given.region.as_deref());
    let Some(resource) = document["Resources"].get(role) else {
        let roles: Vec<_> = document["Resources"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, it)| has_role(it))
            .map(|(id, _)| id.as_str())
            .collect();
        let expected = format!("the logical id of a role or of a function in the template: {}", roles.join(", "));
        template.problems.push(problem("--role", Some(role), expected));
        return Err(template.problems);
    };
    let mut found = Found::default();
    let properties = &resource["Properties"];
    match resource["Type"].as_str() {
        Some("AWS::IAM::Role") => {
            let inline = template.resolve(&properties["Policies"]);
            for policy in list(&inline) {
                match policy.get("PolicyDocument") {
                    Some(document) => found.documents.push(document.clone()),
                    None => found.unknown.push(format!("an inline policy without PolicyDocument: {policy}")),
                }
            }
            // Those of the template's own are resources of theirs.
            let managed: Vec<Value> = list(&properties["ManagedPolicyArns"])
                .into_iter()
                .filter(|arn| arn["Ref"].as_str().is_none_or(|id| !is_policy(&document["Resources"][id])))
                .cloned()
                .collect();
            found.add_managed(&template.resolve(&Value::Array(managed)));
            attached(&document, role, &mut template, &mut found);
        }
        Some(kind @ ("AWS::Serverless::Function" | "AWS::Serverless::StateMachine")) => {
            if properties.get("Role").is_some() {
                let expected = "a role, or a function that has none of its own: this one runs under its Role, so that its Policies are not used";
                return Err(vec![problem("--role", Some(role), expected.to_owned())]);
            }
            for policy in list(&template.resolve(&properties["Policies"])) {
                found.add_of_sam(policy);
            }
            if kind == "AWS::Serverless::Function" {
                found.documents.push(logs());
                found.documents.extend(properties.get("VpcConfig").map(|_| allow(NETWORK_INTERFACE_ACTIONS)));
                found.documents.extend(properties.get("Tracing").map(|_| allow(TRACING)));
            }
            let added = ["Connectors", "DeadLetterQueue", "EventInvokeConfig"];
            let added = added.iter().filter(|name| properties.get(**name).is_some() || resource.get(**name).is_some());
            found.unknown.extend(added.map(|name| format!("what SAM adds for {name}")));
            for (name, event) in properties["Events"].as_object().into_iter().flatten() {
                let kind = event["Type"].as_str().unwrap_or_default();
                if PULLED.contains(&kind) {
                    found.unknown.push(format!("what SAM adds for the event {name} ({kind})"));
                }
            }
        }
        other => {
            let expected = format!(
                "a resource of the type AWS::IAM::Role or AWS::Serverless::Function; it is {}",
                other.unwrap_or("of no type")
            );
            return Err(vec![problem("--role", Some(role), expected)]);
        }
    }
    let mut problems = std::mem::take(&mut template.problems);
    for name in &found.unknown {
        let expected =
            format!("statements of the role {role} itself, which are not in the template: give them with --policy");
        problems.push(problem("--template", Some(name), expected));
    }
    if found.documents.is_empty() && problems.is_empty() {
        problems.push(problem("--role", Some(role), "a role that has policies in the template".to_owned()));
    }
    let text = template.without_account(&json!({"policy": found.documents}).to_string());
    problems.extend(std::mem::take(&mut template.problems));
    if problems.is_empty() { Ok(text) } else { Err(problems) }
}

/// The sources that Lambda reads under the function's role (SAM Developer Guide, `EventSource`).
const PULLED: &[&str] = &["SQS", "Kinesis", "DynamoDB", "MSK", "MQ", "SelfManagedKafka", "DocumentDB"];
/// What `AWSXRayDaemonWriteAccess` adds (AWS Managed Policy Reference Guide).
const TRACING: &[&str] = &[
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
];

fn allow(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

fn is_policy(resource: &Value) -> bool {
    resource["Type"].as_str() == Some("AWS::IAM::ManagedPolicy")
}

/// The policy documents of a role, and the policies whose statements are not known.
#[derive(Default)]
struct Found {
    documents: Vec<Value>,
    unknown: Vec<String>,
}

impl Found {
    fn add_managed(&mut self, arns: &Value) {
        for arn in list(arns) {
            let arn = arn.as_str().unwrap_or_default();
            if is_basic_execution(arn) {
                self.documents.push(logs());
            } else {
                self.unknown.push(arn.to_owned());
            }
        }
    }

    /// A policy of a SAM function: the name or the ARN of a managed one, a document, or a policy template.
    fn add_of_sam(&mut self, policy: &Value) {
        match policy {
            Value::String(name) if is_basic_execution(name) => self.documents.push(logs()),
            Value::String(name) => self.unknown.push(name.clone()),
            Value::Object(object) if object.contains_key("Statement") => {
                let mut document = object.clone();
                document.entry("Version").or_insert_with(|| json!("2012-10-17"));
                self.documents.push(Value::Object(document));
            }
            Value::Object(object) => self.unknown.extend(object.keys().cloned()),
            other => self.unknown.push(format!("{other}, which is no policy")),
        }
    }
}

fn is_basic_execution(policy: &str) -> bool {
    policy == BASIC_EXECUTION || policy.ends_with(&format!(":iam::aws:policy/service-role/{BASIC_EXECUTION}"))
}

/// What `AWSLambdaBasicExecutionRole` allows, which SAM attaches to every function that names no role.
fn logs() -> Value {
    allow(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
}

/// The policies that are resources of their own, and name the role.
fn attached(document: &Value, role: &str, template: &mut Template<'_>, found: &mut Found) {
    let kinds = ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"];
    for (id, resource) in document["Resources"].as_object().into_iter().flatten() {
        if !resource["Type"].as_str().is_some_and(|kind| kinds.contains(&kind)) || !template.is_made(resource) {
            continue;
        }
        let properties = &resource["Properties"];
        let named = list(&properties["Roles"]).into_iter().chain([&properties["RoleName"]]);
        let named: Vec<Value> = named.filter(|it| !it.is_null()).cloned().collect();
        let own = document["Resources"][role]["Properties"].get("RoleName").map(|name| template.resolve(name));
        let is_own = |it: &Value, template: &mut Template<'_>| {
            it["Ref"].as_str() == Some(role) || own.is_some() && Some(template.resolve(it)) == own
        };
        let names_role = named.iter().any(|it| is_own(it, template));
        let is_of_role = list(&document["Resources"][role]["Properties"]["ManagedPolicyArns"]);
        let is_attached = is_of_role.into_iter().any(|arn| arn["Ref"].as_str() == Some(id));
        if names_role || is_attached {
            found.documents.push(template.resolve(&properties["PolicyDocument"]));
        }
    }
}

fn has_role(resource: &Value) -> bool {
    matches!(
        resource["Type"].as_str(),
        Some("AWS::IAM::Role" | "AWS::Serverless::Function" | "AWS::Serverless::StateMachine")
    )
}

/// One value stands for a list of one.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn problem(name: &str, value: Option<&str>, expected: String) -> Problem {
    Problem::new(name, value.map(Text::from), expected)
}

/// Reads YAML or JSON, with the short forms of functions written out: `!Sub x` as `{"Fn::Sub": "x"}`.
fn parse(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    if documents.len() > 1 {
        return Err("it has several documents".to_owned());
    }
    let document = documents.first().map(to_json).ok_or("it is empty")??;
    if document["Resources"].is_object() { Ok(document) } else { Err("it has no Resources".to_owned()) }
}

fn to_json(node: &Yaml<'_>) -> Result<Value, String> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => Value::String(value.to_string()),
        Yaml::Sequence(list) => Value::Array(list.iter().map(to_json).collect::<Result<_, _>>()?),
        Yaml::Mapping(mapping) => {
            let mut object = Map::new();
            for (key, value) in mapping {
                let key = match to_json(key)? {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                object.insert(key, to_json(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tag, inner) => {
            let (name, value) = (tag.suffix.trim_start_matches('!'), to_json(inner)?);
            match name {
                "Ref" | "Condition" => json!({name: value}),
                // The short form has the two parts in one text.
                "GetAtt" => match value.as_str().and_then(|text| text.split_once('.')) {
                    Some((resource, attribute)) => json!({"Fn::GetAtt": [resource, attribute]}),
                    None => json!({"Fn::GetAtt": value}),
                },
                _ => json!({format!("Fn::{name}"): value}),
            }
        }
        Yaml::Representation(text, ..) => Value::String(text.to_string()),
        _ => return Err("it has an alias that cannot be followed".to_owned()),
    })
}

#[cfg(test)]
mod tests;
