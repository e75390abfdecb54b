//! What the functions of a template stand for.

use std::collections::BTreeMap;

use permissions_core::iam::partition::partition_of;
use permissions_core::problem::Problem;
use serde_json::{Map, Value, json};

/// What `AWS::NoValue` stands for: the property is left out.
const NO_VALUE: &str = "AWS::NoValue";
/// What stands for the account until it is known where it stands.
const ACCOUNT: &str = "\u{1}ACCOUNT\u{1}";
/// How much is worked out, and how long a text may become: functions can refer to each other without an end.
const MAX_STEPS: usize = 50_000;
const MAX_TEXT: usize = 64 << 10;
/// How deep functions may stand in each other.
const MAX_DEPTH: usize = 64;

/// A template, and the values of its parameters.
pub struct Template<'a> {
    document: &'a Value,
    given: BTreeMap<String, String>,
    region: String,
    file: &'a str,
    /// How much has been worked out.
    steps: usize,
    pub problems: Vec<Problem>,
}

/// The kinds of resources whose names are in their ARNs: the property that gives the name, and the ARN's service and resource.
const KINDS: &[(&str, &str, &str, &str)] = &[
    ("AWS::S3::Bucket", "BucketName", "s3", "{}"),
    ("AWS::DynamoDB::Table", "TableName", "dynamodb", "table/{}"),
    ("AWS::DynamoDB::GlobalTable", "TableName", "dynamodb", "table/{}"),
    ("AWS::Serverless::SimpleTable", "TableName", "dynamodb", "table/{}"),
    ("AWS::Lambda::Function", "FunctionName", "lambda", "function:{}"),
    ("AWS::Serverless::Function", "FunctionName", "lambda", "function:{}"),
    ("AWS::IAM::Role", "RoleName", "iam", "role/{}"),
    ("AWS::SQS::Queue", "QueueName", "sqs", "{}"),
    ("AWS::SNS::Topic", "TopicName", "sns", "{}"),
    ("AWS::Logs::LogGroup", "LogGroupName", "logs", "log-group:{}:*"),
    ("AWS::ECR::Repository", "RepositoryName", "ecr", "repository/{}"),
    ("AWS::StepFunctions::StateMachine", "StateMachineName", "states", "stateMachine:{}"),
    ("AWS::Serverless::StateMachine", "Name", "states", "stateMachine:{}"),
    ("AWS::Kinesis::Stream", "Name", "kinesis", "stream/{}"),
    ("AWS::SageMaker::Endpoint", "EndpointName", "sagemaker", "endpoint/{}"),
    ("AWS::SageMaker::EndpointConfig", "EndpointConfigName", "sagemaker", "endpoint-config/{}"),
    ("AWS::SageMaker::Model", "ModelName", "sagemaker", "model/{}"),
    ("AWS::SSM::Parameter", "Name", "ssm", "parameter/{}"),
    ("AWS::KMS::Key", "KeyId", "kms", "key/{}"),
];

/// Of these kinds, `Ref` is the ARN.
const REF_IS_ARN: &[&str] = &[
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
    "AWS::Serverless::StateMachine",
    "AWS::SageMaker::Endpoint",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Model",
];

impl<'a> Template<'a> {
    pub fn new(document: &'a Value, file: &'a str, given: &[String], region: Option<&str>) -> Self {
        let mut problems = Vec::new();
        let mut values = BTreeMap::new();
        for text in given {
            match text.split_once('=') {
                Some((name, value)) if !name.is_empty() => drop(values.insert(name.to_owned(), value.to_owned())),
                _ => problems.push(Problem::new("--parameter", Some(text.as_str().into()), "NAME=VALUE")),
            }
        }
        for name in values.keys() {
            let id = name.split('.').next().unwrap_or(name);
            let is_known = document["Parameters"].get(id).is_some() || document["Resources"].get(id).is_some();
            if !is_known && !name.starts_with("AWS::") {
                problems.push(Problem::new(
                    "--parameter",
                    Some(name.as_str().into()),
                    "a parameter or a resource of the template",
                ));
            }
        }
        Self { document, given: values, region: region.unwrap_or("*").to_owned(), file, steps: 0, problems }
    }

    /// A value, with what its functions stand for.
    pub fn resolve(&mut self, value: &Value) -> Value {
        self.value(value, 0).unwrap_or(Value::Null)
    }

    /// Whether a resource's condition holds.
    pub fn is_made(&mut self, resource: &Value) -> bool {
        resource["Condition"].as_str().is_none_or(|name| self.condition(name, 0))
    }

    /// `None` stands for a value that is left out.
    fn value(&mut self, value: &Value, depth: usize) -> Option<Value> {
        if self.is_too_much(depth) {
            return None;
        }
        match value {
            Value::Array(list) => Some(Value::Array(list.iter().filter_map(|it| self.value(it, depth + 1)).collect())),
            Value::Object(object) => match object.iter().next() {
                Some((name, argument)) if object.len() == 1 && (name == "Ref" || name.starts_with("Fn::")) => {
                    self.function(name, argument, depth + 1)
                }
                _ => {
                    let mut resolved = Map::new();
                    for (key, value) in object {
                        if let Some(value) = self.value(value, depth + 1) {
                            resolved.insert(key.clone(), value);
                        }
                    }
                    Some(Value::Object(resolved))
                }
            },
            other => Some(other.clone()),
        }
    }

    /// Whether functions refer to each other without an end, or to more than a template has use for.
    fn is_too_much(&mut self, depth: usize) -> bool {
        self.steps += 1;
        let is_too_much = depth > MAX_DEPTH || self.steps > MAX_STEPS;
        if is_too_much {
            self.unknown("functions that refer to each other without an end");
        }
        is_too_much
    }

    fn function(&mut self, name: &str, argument: &Value, depth: usize) -> Option<Value> {
        let list = argument.as_array().cloned().unwrap_or_default();
        match (name, list.as_slice()) {
            ("Ref", _) => self.reference(argument.as_str().unwrap_or_default(), depth),
            ("Fn::GetAtt", [resource, attribute]) => self
                .attribute(resource.as_str().unwrap_or_default(), attribute.as_str().unwrap_or_default(), depth)
                .map(Value::String),
            ("Fn::Sub", [text, names]) => Some(self.substitute(text.as_str().unwrap_or_default(), names, depth)),
            ("Fn::Sub", _) => Some(self.substitute(argument.as_str().unwrap_or_default(), &Value::Null, depth)),
            ("Fn::Join", [separator, parts]) => {
                let parts = self.value(parts, depth)?;
                let parts: Vec<_> = parts.as_array().into_iter().flatten().map(text_of).collect();
                Some(Value::String(parts.join(separator.as_str().unwrap_or_default())))
            }
            ("Fn::Split", [separator, text]) => {
                let text = self.value(text, depth).map(|text| text_of(&text)).unwrap_or_default();
                Some(text.split(separator.as_str().unwrap_or(",")).map(Value::from).collect())
            }
            ("Fn::Select", [index, list]) => {
                let index = self
                    .value(index, depth)
                    .map(|index| text_of(&index))
                    .and_then(|index| index.parse::<usize>().ok())?;
                let selected = self.value(list, depth)?.get(index).cloned();
                if selected.is_none() {
                    self.unknown(&format!("a list with a part {index}"));
                }
                selected
            }
            ("Fn::If", [condition, then, otherwise]) => {
                let holds = self.condition(condition.as_str().unwrap_or_default(), depth);
                self.value(if holds { then } else { otherwise }, depth)
            }
            ("Fn::FindInMap", [map, first, second, ..]) => {
                let keys: Vec<_> = [map, first, second]
                    .iter()
                    .map(|key| self.value(key, depth).map(|key| text_of(&key)).unwrap_or_default())
                    .collect();
                let found =
                    self.document["Mappings"].get(&keys[0]).and_then(|map| map.get(&keys[1])?.get(&keys[2])).cloned();
                if found.is_none() {
                    self.unknown(&format!("a mapping {}", keys.join(".")));
                }
                found
            }
            _ => {
                self.unknown(&format!("what {name} stands for"));
                None
            }
        }
    }

    fn reference(&mut self, name: &str, depth: usize) -> Option<Value> {
        if name == NO_VALUE {
            return None;
        }
        let kind = self.document["Resources"][name]["Type"].as_str().unwrap_or_default();
        let needs_arn =
            REF_IS_ARN.contains(&kind) && !self.given.get(name).is_some_and(|given| given.starts_with("arn:"));
        if let Some(value) = self.given.get(name).filter(|_| !needs_arn) {
            let is_list = self.document["Parameters"][name]["Type"]
                .as_str()
                .is_some_and(|kind| kind == "CommaDelimitedList" || kind.starts_with("List<"));
            return Some(if is_list {
                value.split(',').map(str::trim).map(Value::from).collect()
            } else {
                Value::from(value.as_str())
            });
        }
        let partition = || partition_of(&self.region);
        let known = match name {
            "AWS::Region" => Some(self.region.clone()),
            "AWS::AccountId" => Some(ACCOUNT.to_owned()),
            "AWS::Partition" => Some(if self.region == "*" { "aws" } else { partition().name }.to_owned()),
            "AWS::URLSuffix" => {
                Some(if self.region == "*" { "amazonaws.com" } else { partition().dns_suffix }.to_owned())
            }
            _ => None,
        };
        if let Some(known) = known {
            return Some(Value::String(known));
        }
        let document = self.document;
        if let Some(parameter) = document["Parameters"].get(name) {
            let kind = parameter["Type"].as_str().unwrap_or_default();
            // The default of such a parameter is the name under which Systems Manager has the value.
            let default = parameter.get("Default").map(text_of).filter(|_| !kind.starts_with("AWS::SSM::"));
            let Some(default) = default else {
                self.missing(name, "a value for this parameter");
                return None;
            };
            let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
            return Some(if is_list {
                default.split(',').map(str::trim).map(Value::from).collect()
            } else {
                Value::String(default)
            });
        }
        let Some(resource) = document["Resources"].get(name) else {
            self.missing(name, "a parameter or a resource that the template has");
            return None;
        };
        let is_arn = resource["Type"].as_str().is_some_and(|kind| REF_IS_ARN.contains(&kind));
        if is_arn {
            self.attribute(name, "Arn", depth).map(Value::String)
        } else {
            self.physical_name(name, depth).map(Value::String)
        }
    }

    /// The name that a resource has or will have.
    fn physical_name(&mut self, id: &str, depth: usize) -> Option<String> {
        if let Some(name) = self.given.get(id) {
            return Some(name.clone());
        }
        let document = self.document;
        let resource = &document["Resources"][id];
        let kind = resource["Type"].as_str().unwrap_or_default();
        let property = KINDS.iter().find(|(known, ..)| *known == kind).map(|(_, property, ..)| *property);
        let named = property.and_then(|property| resource["Properties"].get(property)).cloned();
        let name = named.and_then(|named| self.value(&named, depth)).map(|name| text_of(&name));
        if name.is_none() {
            self.missing(id, "the name that CloudFormation gave to this resource");
        }
        name
    }

    /// An attribute of a resource: its ARN.
    fn attribute(&mut self, id: &str, attribute: &str, depth: usize) -> Option<String> {
        let of_attribute = self.given.get(&format!("{id}.{attribute}"));
        let of_resource =
            self.given.get(id).filter(|given| given.starts_with("arn:") && ["Arn", "TopicArn"].contains(&attribute));
        if let Some(given) = of_attribute.or(of_resource) {
            return Some(given.clone());
        }
        let kind = self.document["Resources"][id]["Type"].as_str().unwrap_or_default();
        let known = KINDS.iter().find(|(known, ..)| *known == kind);
        let Some((_, _, service, form)) = known.filter(|_| ["Arn", "TopicArn"].contains(&attribute)) else {
            self.missing(&format!("{id}.{attribute}"), "what CloudFormation gives for this");
            return None;
        };
        let name = self.physical_name(id, depth)?;
        // The path of a role is a part of its ARN.
        let path = self.document["Resources"][id]["Properties"].get("Path").filter(|_| *service == "iam").cloned();
        let path = path.and_then(|path| self.value(&path, depth)).map(|path| text_of(&path));
        let name = path.map_or_else(|| name.clone(), |path| format!("{}{name}", path.trim_start_matches('/')));
        let resource = form.replace("{}", &name);
        let partition = if self.region == "*" { "aws" } else { partition_of(&self.region).name };
        let region = if ["s3", "iam"].contains(service) { "" } else { self.region.as_str() };
        let account = if *service == "s3" { "" } else { ACCOUNT };
        Some(format!("arn:{partition}:{service}:{region}:{account}:{resource}"))
    }

    /// A text with names in it: `${Name}`, `${Resource.Attribute}`, and `${!x}` for `${x}` itself.
    fn substitute(&mut self, text: &str, names: &Value, depth: usize) -> Value {
        let (mut resolved, mut rest) = (String::new(), text);
        while let Some(at) = rest.find("${") {
            resolved.push_str(&rest[..at]);
            let Some(end) = rest[at..].find('}') else {
                rest = &rest[at..];
                break;
            };
            let name = &rest[at + 2..at + end];
            rest = &rest[at + end + 1..];
            if let Some(literal) = name.strip_prefix('!') {
                resolved.extend(["${", literal, "}"]);
                continue;
            }
            let value = match (names.get(name).cloned(), name.split_once('.')) {
                (Some(value), _) => self.value(&value, depth),
                (None, Some((resource, attribute))) => self.attribute(resource, attribute, depth).map(Value::String),
                (None, None) => self.reference(name, depth),
            };
            resolved.push_str(&value.map(|value| text_of(&value)).unwrap_or_default());
            if resolved.len() > MAX_TEXT {
                self.unknown("a text of a reasonable length");
                return Value::Null;
            }
        }
        Value::String(resolved + rest)
    }

    fn condition(&mut self, name: &str, depth: usize) -> bool {
        let document = self.document;
        if let Some(condition) = document["Conditions"].get(name) {
            self.holds(condition, depth)
        } else {
            self.unknown(&format!("the condition {name}"));
            false
        }
    }

    fn holds(&mut self, condition: &Value, depth: usize) -> bool {
        let parts = |name: &str| condition.get(name).and_then(Value::as_array).cloned();
        if self.is_too_much(depth) {
            return false;
        }
        if let Some(name) = condition.get("Condition").and_then(Value::as_str) {
            return self.condition(name, depth + 1);
        }
        if let Some(pair) = parts("Fn::Equals") {
            let values: Vec<_> =
                pair.iter().map(|value| self.value(value, depth + 1).map(|value| text_of(&value))).collect();
            if values.iter().flatten().any(|value| value.contains(ACCOUNT))
                && !self.given.contains_key("AWS::AccountId")
            {
                self.missing("AWS::AccountId", "the account's id");
            }
            return values.len() == 2 && values[0] == values[1];
        }
        if let Some(all) = parts("Fn::And") {
            return all.iter().all(|it| self.holds(it, depth + 1));
        }
        if let Some(any) = parts("Fn::Or") {
            return any.iter().any(|it| self.holds(it, depth + 1));
        }
        if let Some(not) = parts("Fn::Not") {
            return not.first().is_some_and(|it| !self.holds(it, depth + 1));
        }
        self.unknown(&format!("the condition {}", json!(condition)));
        false
    }

    /// A text with the account where it is known, and with any account where it is a part of an ARN: what is asked of AWS is
    /// asked in the caller's.
    pub fn without_account(&mut self, text: &str) -> String {
        let written = serde_json::to_string(ACCOUNT).unwrap_or_default();
        let written = written.trim_matches('"');
        if let Some(account) = self.given.get("AWS::AccountId") {
            return text.replace(written, account);
        }
        let text = text.replace(&format!(":{written}:"), ":*:");
        if text.contains(written) {
            self.missing("AWS::AccountId", "the account's id, which is a part of a name");
        }
        if text.contains("{{resolve:") {
            self.unknown("what {{resolve:…}} stands for");
        }
        text
    }

    fn missing(&mut self, name: &str, what: &str) {
        let problem = Problem::new("--parameter", None, format!("{what}: --parameter {name}=…"));
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn unknown(&mut self, what: &str) {
        let expected = format!(
            "a template of which this program knows {what}; give the statements with --policy, or deploy it and give --role-arn"
        );
        let problem = Problem::new("--template", Some(self.file.into()), expected);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// A value as a text, as CloudFormation makes one.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
