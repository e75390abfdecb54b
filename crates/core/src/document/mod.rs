//! A specification of the user's own, read from JSON: every problem at once, each by the path to it.
//!
//! `{"policy": …, "requests": …, "resources": …, "functions": …}`, as
//! docs/reference/specification.schema.json describes it.

mod unique;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::iam::names::{is_account, is_region, is_role_arn, is_role_name};
use crate::iam::partition::PARTITIONS;
use crate::iam::policy::{Effect, PolicyDocument, Statement};
use crate::iam::resource::Parts;
use crate::iam::{catalogue, resource};
use crate::problem::Problem;
use crate::specification::{Function, Known, TableKey};
use crate::text::Text;
use unique::Unique;

/// The longest document that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// A specification as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The statements of all policies, in their order.
    pub policy: Option<PolicyDocument>,
    pub requests: BTreeMap<String, Map<String, Value>>,
    pub resources: Vec<Arc<Known>>,
    pub functions: Vec<Arc<Function>>,
}

/// Reads a document. `role` is the name of the role that the pipeline's functions should run under where the document
/// names none.
///
/// # Errors
///
/// All problems, each under `name` and the path to what is wrong.
pub fn read(json: &str, name: &str, role: &str) -> Result<Document, Vec<Problem>> {
    let mut reader = Reader { name, problems: Vec::new() };
    if json.len() > MAX_BYTES {
        reader.problem("", None, format!("a JSON document of at most {MAX_BYTES} bytes; it has {}", json.len()));
        return Err(reader.problems);
    }
    // Some editors put a byte order mark before the text.
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    let document = match serde_json::from_str(json) {
        Ok(Unique(value)) => reader.document(&value, role),
        Err(error) => {
            // The text is not repeated: a path may name a file that has secrets.
            reader.problem("", None, format!("a JSON document; {error}"));
            None
        }
    };
    match document {
        Some(document) if reader.problems.is_empty() => Ok(document),
        _ => Err(reader.problems),
    }
}

/// Whether IAM has a condition operator (IAM User Guide, "IAM JSON policy elements: Condition operators").
fn is_operator(name: &str) -> bool {
    let of_set = ["ForAllValues:", "ForAnyValue:"].iter().find_map(|set| name.strip_prefix(set)).unwrap_or(name);
    let name = of_set.strip_suffix("IfExists").unwrap_or(of_set);
    let compares = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"];
    let kinds: &[(&str, &[&str])] = &[
        ("String", &["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"]),
        ("Arn", &["Equals", "NotEquals", "Like", "NotLike"]),
        ("Numeric", &compares),
        ("Date", &compares),
    ];
    matches!(name, "Bool" | "BinaryEquals" | "IpAddress" | "NotIpAddress" | "Null")
        || kinds.iter().any(|(kind, ways)| name.strip_prefix(kind).is_some_and(|way| ways.contains(&way)))
}

/// Collects the problems of a document.
struct Reader<'a> {
    name: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, path: &str, value: Option<&str>, expected: impl Into<String>) {
        let name = if path.is_empty() { self.name.to_owned() } else { format!("{} {path}", self.name) };
        self.problems.push(Problem::new(name, value.map(Text::from), expected.into()));
    }

    /// A problem with a value of the wrong kind.
    fn wrong(&mut self, path: &str, value: &Value, expected: impl Into<String>) {
        self.problem(path, Some(&value.to_string()), expected);
    }

    /// The members of an object, each of which has to be a known one.
    fn object<'v>(&mut self, path: &str, value: &'v Value, known: &[&str]) -> Option<&'v Map<String, Value>> {
        let Value::Object(object) = value else {
            self.wrong(path, value, "an object");
            return None;
        };
        for (key, value) in object.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            self.wrong(&join(path, key), value, format!("no such member; the members are: {}", known.join(", ")));
        }
        Some(object)
    }

    fn text<'v>(&mut self, path: &str, value: &'v Value, expected: &str) -> Option<&'v str> {
        let text = value.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(path, value, expected);
        }
        text
    }

    fn document(&mut self, value: &Value, role: &str) -> Option<Document> {
        let object = self.object("", value, &["$schema", "policy", "requests", "resources", "functions"])?;
        let policy = object.get("policy").map(|policy| self.policies(policy));
        if policy.is_none() {
            self.problem("policy", None, "an IAM policy document, or a list of them");
        }
        Some(Document {
            policy,
            requests: object.get("requests").map(|it| self.requests(it)).unwrap_or_default(),
            resources: object.get("resources").map(|it| self.resources(it)).unwrap_or_default(),
            functions: object.get("functions").map(|it| self.functions(it, role)).unwrap_or_default(),
        })
    }

    fn policies(&mut self, value: &Value) -> PolicyDocument {
        let mut statements = Vec::new();
        match value {
            Value::Array(list) if list.is_empty() => self.wrong("policy", value, "at least one policy document"),
            Value::Array(list) => {
                for (index, policy) in list.iter().enumerate() {
                    self.policy(&format!("policy[{index}]"), policy, &mut statements);
                }
            }
            policy => self.policy("policy", policy, &mut statements),
        }
        PolicyDocument::new(statements)
    }

    fn policy(&mut self, path: &str, value: &Value, statements: &mut Vec<Statement>) {
        let Some(object) = self.object(path, value, &["Version", "Id", "Statement"]) else { return };
        if let Some(version) = object.get("Version")
            && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
        {
            self.wrong(&join(path, "Version"), version, "\"2012-10-17\", or the older \"2008-10-17\"");
        }
        let path = join(path, "Statement");
        match object.get("Statement") {
            None => self.problem(&path, None, "a statement, or a list of them"),
            Some(list @ Value::Array(all)) if all.is_empty() => self.wrong(&path, list, "at least one statement"),
            Some(Value::Array(list)) => {
                for (index, statement) in list.iter().enumerate() {
                    statements.extend(self.statement(&format!("{path}[{index}]"), statement));
                }
            }
            Some(one) => statements.extend(self.statement(&path, one)),
        }
    }

    fn statement(&mut self, path: &str, value: &Value) -> Option<Statement> {
        const KNOWN: &[&str] = &[
            "Sid",
            "Effect",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
            "Principal",
            "NotPrincipal",
        ];
        let object = self.object(path, value, KNOWN)?;
        for (element, expected) in [
            (
                "NotAction",
                "Action: NotAction takes in every action that AWS has or will have, which nothing can try one by one",
            ),
            (
                "NotResource",
                "Resource: NotResource takes in every resource but a few, which nothing can try one by one",
            ),
            ("Principal", "no Principal: the statements are those of the role's own policy"),
            ("NotPrincipal", "no NotPrincipal: the statements are those of the role's own policy"),
        ] {
            if let Some(value) = object.get(element) {
                self.wrong(&join(path, element), value, expected);
            }
        }
        let effect = match object.get("Effect").map(|effect| (effect, effect.as_str())) {
            Some((_, Some("Allow"))) => Effect::Allow,
            Some((_, Some("Deny"))) => Effect::Deny,
            Some((effect, _)) => {
                self.wrong(&join(path, "Effect"), effect, "Allow or Deny");
                Effect::Allow
            }
            None => {
                self.problem(&join(path, "Effect"), None, "Allow or Deny");
                Effect::Allow
            }
        };
        // Terraform writes an empty one where there is none.
        let sid = object.get("Sid").filter(|sid| sid.as_str() != Some(""));
        let sid = sid.and_then(|sid| self.text(&join(path, "Sid"), sid, "a name").map(str::to_owned));
        let action =
            self.list(path, object, "Action", "NotAction", "an action such as s3:GetObject, or a list of them");
        for (at, action) in &action {
            self.action(at, action);
        }
        let resource =
            self.list(path, object, "Resource", "NotResource", "an ARN, a pattern of ARNs or \"*\", or a list of them");
        for (at, resource) in &resource {
            match Parts::of(resource) {
                None => self.problem(at, Some(resource), "an ARN, such as arn:aws:s3:::my-bucket/*, or \"*\""),
                Some(parts) => self.parts(at, resource, parts),
            }
        }
        let condition = object.get("Condition");
        if let Some(condition) = condition {
            self.condition(&join(path, "Condition"), condition);
        }
        Some(Statement {
            sid,
            effect,
            action: action.into_iter().map(|(_, action)| action).collect(),
            resource: resource.into_iter().map(|(_, resource)| resource).collect(),
            condition: condition.filter(|it| it.as_object().is_none_or(|it| !it.is_empty())).cloned(),
            ..Statement::default()
        })
    }

    /// The partition, the Region and the account of an ARN, each of which can be a pattern. The Region becomes a part of the
    /// host that a request is sent to.
    fn parts(&mut self, path: &str, arn: &str, parts: Parts<'_>) {
        let is_open = |part: &str| part.is_empty() || !resource::is_exact(part);
        let is_partition = |name: &str| PARTITIONS.iter().any(|partition| partition.name == name);
        let is_owner = |account: &str| is_account(account) || account == "aws";
        for (part, valid, expected) in [
            (parts.partition, is_partition(parts.partition), "an ARN with a partition of AWS, such as aws"),
            (parts.region, is_region(parts.region), "an ARN with the code of an AWS Region, such as us-east-1"),
            (parts.account, is_owner(parts.account), "an ARN with an account of 12 digits"),
        ] {
            if !valid && !is_open(part) {
                self.problem(path, Some(arn), expected);
            }
        }
    }

    /// The texts of an element that takes one or a list, each with the path to it.
    fn list(
        &mut self,
        path: &str,
        object: &Map<String, Value>,
        element: &str,
        negated: &str,
        expected: &str,
    ) -> Vec<(String, String)> {
        let path = join(path, element);
        match object.get(element) {
            None if object.contains_key(negated) => Vec::new(),
            None => {
                self.problem(&path, None, expected);
                Vec::new()
            }
            Some(list @ Value::Array(all)) if all.is_empty() => {
                self.wrong(&path, list, expected);
                Vec::new()
            }
            Some(Value::Array(list)) => {
                let mut texts = Vec::new();
                for (index, value) in list.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    if let Some(text) = self.text(&path, value, expected) {
                        texts.push((path, text.to_owned()));
                    }
                }
                texts
            }
            Some(one) => {
                self.text(&path, one, expected).map(|text| (path.clone(), text.to_owned())).into_iter().collect()
            }
        }
    }

    /// An action has to be one that AWS has, or a pattern of some.
    fn action(&mut self, path: &str, action: &str) {
        let Some((service, _)) = action.split_once(':') else {
            if !resource::is_everything(action) {
                self.problem(
                    path,
                    Some(action),
                    "a service and an action with a colon between them, such as s3:GetObject",
                );
            }
            return;
        };
        if !catalogue::expand(action).is_empty() {
            return;
        }
        if service.contains(['*', '?']) || catalogue::has_service(service) {
            let expected = match catalogue::services_of(action) {
                Some(services) => format!("an action that AWS has; the action of this name is {services}"),
                None => "an action that AWS has: there is none of this name in the Service Authorization Reference"
                    .to_owned(),
            };
            self.problem(path, Some(action), expected);
        } else {
            let expected = format!("an action that AWS has: no service's actions start with {service}:");
            self.problem(path, Some(action), expected);
        }
    }

    fn condition(&mut self, path: &str, value: &Value) {
        let Value::Object(operators) = value else {
            return self.wrong(
                path,
                value,
                "an object of operators, such as {\"StringEquals\": {\"aws:RequestedRegion\": \"us-east-1\"}}",
            );
        };
        for (operator, keys) in operators {
            let path = join(path, operator);
            if !is_operator(operator) {
                self.problem(&path, None, "an operator of IAM, such as StringEquals or ArnLikeIfExists");
            }
            let Value::Object(keys) = keys else {
                self.wrong(&path, keys, "an object of condition keys");
                continue;
            };
            for (key, value) in keys {
                let is_value = |value: &Value| value.is_string() || value.is_boolean() || value.is_number();
                let valid = is_value(value) || value.as_array().is_some_and(|list| list.iter().all(is_value));
                if !valid {
                    self.wrong(&join(&path, key), value, "a value, or a list of values");
                }
            }
        }
    }

    fn requests(&mut self, value: &Value) -> BTreeMap<String, Map<String, Value>> {
        let Value::Object(all) = value else {
            self.wrong(
                "requests",
                value,
                "an object of requests by action, such as {\"s3:PutObject\": {\"ServerSideEncryption\": \"aws:kms\"}}",
            );
            return BTreeMap::new();
        };
        let mut requests = BTreeMap::new();
        for (action, request) in all {
            let path = join("requests", action);
            let Some(known) = catalogue::find(action) else {
                self.problem(&path, None, "an action that AWS has, such as sagemaker:CreateTrainingJob");
                continue;
            };
            match request {
                Value::Object(_) if requests.contains_key(&known.name) => {
                    self.problem(&path, None, format!("one entry for {}, in whichever case", known.name));
                }
                Value::Object(fields) => {
                    requests.insert(known.name, fields.clone());
                }
                other => self.wrong(&path, other, "an object of the request's fields, in the names of AWS's API"),
            }
        }
        requests
    }

    fn resources(&mut self, value: &Value) -> Vec<Arc<Known>> {
        let Value::Object(all) = value else {
            self.wrong("resources", value, "an object by ARN, such as {\"arn:aws:s3:::my-bucket/data.csv\": {}}");
            return Vec::new();
        };
        all.iter().filter_map(|(arn, details)| self.known(arn, details)).map(Arc::new).collect()
    }

    fn known(&mut self, arn: &str, details: &Value) -> Option<Known> {
        let path = join("resources", arn);
        let parts = Parts::of(arn).filter(|parts| resource::is_exact(arn) && !parts.resource.is_empty());
        if parts.is_none() {
            self.problem(&path, None, "the ARN of one thing that exists, without wildcards");
        }
        if let Some(parts) = parts {
            self.parts(&path, arn, parts);
        }
        let object = self.object(&path, details, &["key", "region", "image", "modelData"])?;
        let mut text = |field: &str, expected: &str, valid: &dyn Fn(&str) -> bool| {
            let value = object.get(field)?;
            let found = value.as_str().filter(|text| valid(text)).map(str::to_owned);
            if found.is_none() {
                self.wrong(&join(&path, field), value, expected);
            }
            found
        };
        let key = text("key", "the table's partition key and its type, such as modelId:S", &|it| {
            TableKey::parse(it).is_some()
        });
        let region = text("region", "the code of an AWS Region, such as us-east-1", &is_region);
        let image = text(
            "image",
            "the image that SageMaker pulls, such as ACCOUNT.dkr.ecr.us-east-1.amazonaws.com/name:tag",
            &is_image,
        );
        let model_data = text("modelData", "where the model is, such as s3://my-bucket/model.tar.gz", &|it| {
            it.strip_prefix("s3://").is_some_and(|rest| {
                rest.split_once('/').is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
            })
        });
        parts?;
        Some(Known { arn: arn.to_owned(), key: key.as_deref().and_then(TableKey::parse), region, image, model_data })
    }

    fn functions(&mut self, value: &Value, role: &str) -> Vec<Arc<Function>> {
        let Value::Array(list) = value else {
            self.wrong("functions", value, "a list of the names of the pipeline's functions");
            return Vec::new();
        };
        let mut functions: Vec<Arc<Function>> = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let path = format!("functions[{index}]");
            let expected = "the name of a function, or {\"name\": …, \"role\": …}";
            let function = match value {
                Value::Object(_) => {
                    self.object(&path, value, &["name", "role"]).and_then(|object| self.function(&path, object, role))
                }
                Value::String(_) => {
                    self.function_name(&path, value).map(|name| Function { name, role: role.to_owned() })
                }
                _ => {
                    self.wrong(&path, value, expected);
                    None
                }
            };
            if let Some(function) = function
                && !functions.iter().any(|known| known.name == function.name)
            {
                functions.push(Arc::new(function));
            }
        }
        functions
    }

    fn function(&mut self, path: &str, object: &Map<String, Value>, role: &str) -> Option<Function> {
        let (at_name, at_role) = (join(path, "name"), join(path, "role"));
        if !object.contains_key("name") {
            self.problem(&at_name, None, "the name of a function");
        }
        let name = object.get("name").and_then(|name| self.function_name(&at_name, name));
        let role = match object.get("role") {
            Some(own) => self.role(&at_role, own),
            None => Some(role.to_owned()),
        };
        Some(Function { name: name?, role: role? })
    }

    fn function_name(&mut self, path: &str, value: &Value) -> Option<String> {
        let name = value.as_str().filter(|name| is_function(name));
        if name.is_none() {
            self.wrong(
                path,
                value,
                "the name of a function, 1 to 64 letters, digits, hyphens and underscores, or its ARN",
            );
        }
        name.map(str::to_owned)
    }

    fn role(&mut self, path: &str, value: &Value) -> Option<String> {
        let name = value.as_str().filter(|name| is_role_name(name) || is_role_arn(name));
        if name.is_none() {
            self.wrong(path, value, "the name of an IAM role, or its ARN");
        }
        name.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned())
    }
}

/// Lambda API Reference, `GetFunctionConfiguration`: `FunctionName`.
fn is_function(name: &str) -> bool {
    let own = match name.strip_prefix("arn:") {
        Some(_) => match name.split(':').collect::<Vec<_>>()[..] {
            ["arn", _, "lambda", region, account, "function", own]
                if is_region(region) && crate::iam::names::is_account(account) =>
            {
                own
            }
            _ => return false,
        },
        None => name,
    };
    (1..=64).contains(&own.len()) && own.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// SageMaker API Reference, `ContainerDefinition`: `Image`.
fn is_image(image: &str) -> bool {
    (1..=255).contains(&image.len()) && !image.chars().any(char::is_whitespace)
}

fn join(path: &str, element: &str) -> String {
    if path.is_empty() { element.to_owned() } else { format!("{path}.{element}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(statement: &str) -> Vec<String> {
        let json = format!(r#"{{"policy": {{"Version": "2012-10-17", "Statement": {statement}}}}}"#);
        let problems = read(&json, "S", "r").err().unwrap_or_default();
        problems.into_iter().map(|problem| format!("{problem:?}")).collect()
    }

    fn on(resource: &str) -> Vec<String> {
        problems(&format!(
            r#"{{"Sid": "", "Effect": "Allow", "Action": "sagemaker:DescribeModel", "Resource": "{resource}"}}"#
        ))
    }

    #[test]
    fn a_region_becomes_a_host_and_has_to_be_one() {
        for (arn, said) in [
            ("arn:aws:sagemaker:x.example.com/:*:model/m", "AWS Region"),
            ("arn:aws:sagemaker:user@example.com:*:model/m", "AWS Region"),
            ("arn:aws:sagemaker:us-east1:*:model/m", "AWS Region"),
            ("arn:aws:sagemaker:us-east-1:1234:model/m", "12 digits"),
            ("arn:awss:sagemaker:us-east-1:*:model/m", "partition"),
        ] {
            let told = on(arn);
            assert!(told.len() == 1 && told[0].contains(said), "{arn}: {told:?}");
        }
        for arn in [
            "*",
            "arn:aws:sagemaker:*:*:model/m",
            "arn:aws-*:sagemaker:eu-*:123456789012:model/m",
            "arn:aws:sagemaker*",
        ] {
            assert!(on(arn).is_empty(), "{arn}: {:?}", on(arn));
        }
    }

    #[test]
    fn an_operator_has_to_be_one_of_iams() {
        for (operator, valid) in [
            ("StringEquals", true),
            ("ForAnyValue:StringLikeIfExists", true),
            ("NumericLessThanEquals", true),
            ("NotIpAddress", true),
            ("StringEqualz", false),
            ("ArnLessThan", false),
            ("ForEach:StringLike", false),
        ] {
            let statement = format!(
                r#"{{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {{"{operator}": {{"aws:SourceIp": "x"}}}}}}"#
            );
            assert_eq!(problems(&statement).is_empty(), valid, "{operator}: {:?}", problems(&statement));
        }
    }

    #[test]
    fn a_file_that_is_no_json_is_not_repeated() {
        let problems = read("AWS_SECRET_ACCESS_KEY=secret", "S", "r").unwrap_err();
        assert!(!format!("{problems:?}").contains("secret"), "{problems:?}");
    }

    #[test]
    fn what_editors_and_other_tools_write_is_read() {
        let statement = r#"{"Sid": "", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {}}"#;
        let json = format!("\u{feff}{{\"policy\": {{\"Statement\": {statement}}}}}");
        let policy = read(&json, "S", "r").unwrap().policy.unwrap();
        assert_eq!((&policy.statement[0].sid, &policy.statement[0].condition), (&None, &None));
        let twice = r#"{"policy": {"Statement": []}, "requests": {"s3:GetObject": {}, "s3:getobject": {}}}"#;
        assert!(
            read(twice, "S", "r")
                .unwrap_err()
                .iter()
                .any(|it| format!("{it:?}").contains("one entry for s3:GetObject"))
        );
    }
}
