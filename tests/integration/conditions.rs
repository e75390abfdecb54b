//! The verdicts under published conditions.
//!
//! Each case of `tests/data/conditions.jsonl` is a policy and a request of a pipeline's. Here the program gets a
//! specification that allows the action and says what the pipeline's request looks like, and AWS is a stub that decides
//! by the policy on what is on the wire. What the program then says is held against what the pipeline would meet.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use lambda_runtime::{Context as Invocation, LambdaEvent};
use permissions_core::event::Event;
use serde_json::{Map, Value, json};

use crate::harness::{FUNCTION_ARN, Request, Stub, config_with, rows};
use crate::policy_language::{Context, Effect, allows, judges};
use crate::wire::{self, Wire, is_of_request};

const CASES: &str = include_str!("../data/conditions.jsonl");

/// How many of a hundred verdicts have to be those that the pipeline would meet.
const AT_LEAST: usize = 85;

/// A case, with the contexts of the pipeline's request and of one of this program's.
#[derive(Clone, Debug)]
struct Case {
    line: Value,
    real: Context,
    ours: Context,
}

/// A decision of the stub's on the action of the case.
#[derive(Clone, Debug)]
struct Decision {
    is_allowed: bool,
    context: Context,
}

/// What the program says of the action of a case.
#[derive(Clone, Debug)]
struct Told {
    verdict: String,
    /// The condition keys in which the request differs from the pipeline's, by the report.
    differ: Vec<String>,
    /// The condition keys that were sent, by the report.
    sent: Map<String, Value>,
}

fn cases() -> Vec<Case> {
    let mut lines = CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let defaults = lines.next().unwrap();
    let context = |case: &Value, side: &str| {
        let mut all = context_of(&defaults["defaults"][side]);
        all.extend(context_of(&case[side]));
        all
    };
    lines
        .map(|case| Case { real: context(&case, "context"), ours: context(&case, "probe_context"), line: case })
        .collect()
}

/// A context of an object's members.
fn context_of(keys: &Value) -> Context {
    keys.as_object().unwrap().iter().map(|(key, value)| (key.clone(), texts(value))).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// The values of a key, in order; none where it is absent. Keys are compared without case.
fn values(context: &Context, key: &str) -> Vec<String> {
    let found = context.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
    let mut values = found.map(|(_, values)| values.clone()).unwrap_or_default();
    values.sort();
    values
}

/// Whether a key's value follows from what the request is about.
fn is_of_resource(key: &str) -> bool {
    const STARTS: &[&str] = &["aws:ResourceTag/", "sagemaker:ResourceTag/", "s3:ExistingObjectTag/", "s3:BucketTag/"];
    const WHOLE: &[&str] = &["aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths", "s3:ResourceAccount"];
    WHOLE.contains(&key) || STARTS.iter().any(|start| key.starts_with(start))
}

impl Case {
    fn id(&self) -> &str {
        self.line["id"].as_str().unwrap()
    }

    fn action(&self) -> &str {
        self.line["action"].as_str().unwrap()
    }

    /// What the pipeline's request is about, in the Region that it goes to.
    fn arn(&self) -> String {
        let arn = self.line["resource"].as_str().unwrap();
        let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
        if !parts[3].is_empty() && !self.is_of_kms() {
            parts[3] = self.region();
        }
        parts.join(":")
    }

    fn region(&self) -> &str {
        self.real.get("aws:RequestedRegion").and_then(|region| region.first()).map_or("us-east-1", String::as_str)
    }

    /// Whether it is AWS KMS that is asked, which no pipeline calls by itself: S3 and DynamoDB do.
    fn is_of_kms(&self) -> bool {
        self.action().starts_with("kms:")
    }

    /// The action that the pipeline calls, and what on.
    fn called(&self) -> (String, String) {
        if !self.is_of_kms() {
            return (self.action().to_owned(), self.arn());
        }
        let context = |key: &str| values(&self.real, &format!("kms:EncryptionContext:{key}")).pop();
        if let Some(table) = context("aws:dynamodb:tableName") {
            return ("dynamodb:GetItem".to_owned(), format!("arn:aws:dynamodb:us-east-1:123456789012:table/{table}"));
        }
        let action = if self.action() == "kms:Decrypt" { "s3:GetObject" } else { "s3:PutObject" };
        (action.to_owned(), context("aws:s3:arn").unwrap())
    }

    /// The fields of the pipeline's own request, as a specification has them. The name of a session is no field of it:
    /// it is the function's own.
    fn requests(&self) -> Value {
        let mut requests = self.line["requests"].clone();
        let all = requests.as_object_mut().unwrap();
        for fields in all.values_mut().filter_map(Value::as_object_mut) {
            fields.remove("RoleSessionName");
        }
        // What the pipeline sends and a check must not is given, too.
        let (called, _) = self.called();
        let own = all.entry(called).or_insert_with(|| json!({}));
        for (key, field) in
            [("sagemaker:TargetContainerHostname", "TargetContainerHostname"), ("s3:x-amz-copy-source", "CopySource")]
        {
            if let Some(value) = values(&self.real, key).pop() {
                own[field] = value.into();
            }
        }
        requests
    }

    /// The name of the partition key of the pipeline's table.
    fn table_key(&self) -> &'static str {
        if self.requests().to_string().contains("\"runId\"") { "runId" } else { "modelId" }
    }

    /// A specification that allows the action on the very ARN, where the program can try that, else on a pattern that takes it in.
    fn specification(&self) -> Value {
        let (action, arn) = self.called();
        let (start, _) = arn.rsplit_once('/').unwrap_or((arn.as_str(), ""));
        let bucket = arn.split('/').next().unwrap();
        let of_region = if self.region() == "us-east-1" { json!({}) } else { json!({"region": self.region()}) };
        let (resource, known) = match action.as_str() {
            "s3:PutObject" => (format!("{start}/*"), json!({bucket: of_region})),
            "s3:GetObject" => (arn.clone(), json!({&arn: of_region})),
            "sagemaker:CreateTrainingJob" | "sagemaker:CreateModel" | "sagemaker:CreateEndpoint" => {
                (format!("{start}/ml-pipeline*"), json!({}))
            }
            "sagemaker:DescribeTrainingJob" | "logs:CreateLogGroup" => (arn.clone(), json!({&arn: {}})),
            "logs:PutLogEvents" => {
                let (group, _) = arn.split_once(":log-stream:").unwrap();
                (format!("{group}:log-stream:*"), json!({}))
            }
            table if table.starts_with("dynamodb:") => {
                (arn.clone(), json!({&arn: {"key": format!("{}:S", self.table_key())}}))
            }
            _ => (arn.clone(), json!({})),
        };
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        json!({
            "policy": {"Version": "2012-10-17", "Statement": [statement]},
            "requests": self.requests(),
            "resources": known
        })
    }

    /// The role that the pipeline hands over, where the case is about that.
    fn passed_role(&self) -> Option<String> {
        (self.action() == "iam:PassRole").then(|| self.arn())
    }

    /// The context in which AWS decides on a request: what the caller is, what the resource is, and what the request says.
    fn context(&self, wire: &Wire) -> Context {
        let mut context = self.ours.clone();
        context.retain(|key, _| !is_of_request(key));
        context.insert("aws:RequestedRegion".to_owned(), vec![wire.region.clone()]);
        if self.is_of_kms() {
            // S3 names the object in it, and no more of the request comes to AWS KMS.
            if wire.service == "s3" {
                let key = "kms:EncryptionContext:aws:s3:arn".to_owned();
                context.insert(key, vec![wire.resource().to_owned()]);
            }
            return context;
        }
        if wire.resources.contains(&self.arn()) {
            context.retain(|key, _| !is_of_resource(key));
            let of_resource = self.real.iter().filter(|(key, _)| is_of_resource(key));
            context.extend(of_resource.map(|(key, values)| (key.clone(), values.clone())));
        }
        context.extend(wire.context.clone());
        context
    }

    /// What of a request the policy of the case is asked about; nothing, where it is about another action.
    fn asked_of(&self, request: &Request, wire: &Wire) -> Vec<String> {
        if wire.action == "sagemaker:CreateModel"
            && let Some(role) = self.passed_role()
        {
            let is_passed = request.json()["ExecutionRoleArn"] == role.as_str();
            return if is_passed { vec![role] } else { Vec::new() };
        }
        let (action, arn) = self.called();
        // A table that the specification does not name is tried as well, and no policy is about that.
        let is_other_table = wire.service == "dynamodb" && !wire.resources.contains(&arn);
        if wire.action != action || is_other_table {
            return Vec::new();
        }
        if self.is_of_kms() { vec![self.arn()] } else { wire.resources.clone() }
    }

    /// Answers as AWS does, and keeps what it has decided.
    fn answer(&self, request: &Request, decisions: &Mutex<Vec<Decision>>) -> Vec<u8> {
        let wire = Wire::of(request, self.table_key());
        let asked = self.asked_of(request, &wire);
        if asked.is_empty() {
            return wire::allowed(request, &wire);
        }
        let context = self.context(&wire);
        let refused = asked.iter().find(|resource| !allows(&self.line, resource, &context));
        decisions.lock().unwrap().push(Decision { is_allowed: refused.is_none(), context: context.clone() });
        let Some(resource) = refused else { return wire::allowed(request, &wire) };
        let said = judges(&self.line["policy"], self.action(), resource, &context);
        wire::denied(request, &wire, self.action(), resource, said == Some(Effect::Deny))
    }

    /// What the report says of the action; nothing, where it says only why it was not tried, or could not be told.
    fn told(&self, report: &Value) -> Option<Told> {
        let rows = rows(report);
        let of = |action: &str| {
            let mut found = rows.iter().filter(|row| row["action"] == action && row["mustBeDenied"] != true);
            let row = found.next().cloned();
            assert!(found.next().is_none(), "{}: {action} has two rows: {report}", self.id());
            row
        };
        let called = of(&self.called().0)?;
        // What stands behind another action has a row of its own only where it is denied.
        let own = if self.is_of_kms() { of(self.action()) } else { None };
        let row = own.as_ref().unwrap_or(&called);
        let verdict = row["verdict"].as_str().unwrap();
        let mut differ = texts(&row["conditions"]["differ"]);
        differ.extend(texts(&called["conditions"]["differ"]));
        let sent = called["conditions"]["sent"].as_object().cloned().unwrap_or_default();
        (verdict != "inconclusive").then(|| Told { verdict: verdict.to_owned(), differ, sent })
    }

    /// The keys that the policy looks at and that the pipeline's request has other values of.
    fn differing(&self, context: &Context) -> Vec<String> {
        let mut used = BTreeSet::new();
        collect_keys(&self.line["policy"]["Statement"], &mut used);
        used.into_iter().filter(|key| values(&self.real, key) != values(context, key)).collect()
    }
}

/// The condition keys of statements, those of their variables among them.
fn collect_keys(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            for part in text.split("${").skip(1) {
                let name = part.split(['}', ',']).next().unwrap_or_default();
                if name.contains(':') {
                    used.insert(name.trim().to_owned());
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect_keys(value, used)),
        Value::Object(object) => {
            let operators = object.get("Condition").and_then(Value::as_object);
            for keys in operators.into_iter().flat_map(Map::values).filter_map(Value::as_object) {
                used.extend(keys.keys().cloned());
            }
            object.values().for_each(|value| collect_keys(value, used));
        }
        _ => {}
    }
}

/// Whether a list of keys has a key, by its name or by its kind, such as `aws:RequestTag/…`.
fn names(listed: &[String], key: &str) -> bool {
    let key = key.to_lowercase();
    listed.iter().map(|name| name.to_lowercase()).any(|name| {
        let kind = name.strip_suffix('…').or_else(|| name.strip_suffix('*'));
        name == key || kind.is_some_and(|start| key.starts_with(start))
    })
}

/// Runs the program against the AWS of a case; returns its report, what AWS decided, and what came over the wire.
async fn run(case: &Case) -> (Value, Vec<Decision>, Vec<Request>) {
    let decisions = Arc::new(Mutex::new(Vec::new()));
    let (kept, own) = (decisions.clone(), case.clone());
    let stub = Stub::start(move |request| own.answer(request, &kept));
    let specification = case.specification().to_string();
    let config = config_with(&[
        ("PROBE_SPECIFICATION", specification.as_str()),
        ("PROBE_BUCKET", ""),
        ("PROBE_SAGEMAKER_ROLE_ARN", ""),
        ("PROBE_ASSUME_ROLE_ARN", ""),
    ]);
    let mut context = Invocation::default();
    context.invoked_function_arn = FUNCTION_ARN.into();
    let event = Event(Ok(json!({"probe": {"verbose": true}})));
    let response = stub.app(config).handle(LambdaEvent::new(event, context)).await;
    let response = serde_json::to_value(response).unwrap();
    let decided = decisions.lock().unwrap().clone();
    (response["report"].clone(), decided, stub.requests())
}

/// What the report says that is not so.
fn wrong(case: &Case, told: &Told, decision: &Decision) -> Vec<String> {
    let id = case.id();
    let mut wrong = Vec::new();
    if (told.verdict == "allowed") != decision.is_allowed {
        wrong.push(format!("{id}: {}, and AWS decided otherwise", told.verdict));
    }
    for (key, value) in &told.sent {
        let (mut said, on_wire) = (texts(value), values(&decision.context, key));
        said.sort();
        if said != on_wire {
            wrong.push(format!("{id}: {key} was sent as {on_wire:?}, and the report says {said:?}"));
        }
    }
    if case.line["real"] == told.verdict.as_str() {
        return wrong;
    }
    let differing = case.differing(&decision.context);
    if differing.is_empty() {
        wrong.push(format!("{id}: {} although no key differs", told.verdict));
    }
    for key in differing.iter().filter(|key| !names(&told.differ, key)) {
        wrong.push(format!("{id}: {} for {key}, which the report does not name: {:?}", told.verdict, told.differ));
    }
    wrong
}

#[tokio::test]
async fn verdicts_under_published_conditions_are_those_of_the_pipeline() {
    let (mut agreed, mut disagreed, mut untold, mut failures) = (0, Vec::new(), Vec::new(), Vec::new());
    let cases = cases();
    for case in &cases {
        let (report, decisions, requests) = run(case).await;
        for request in &requests {
            let wire = Wire::of(request, case.table_key());
            wire::assert_harmless(request, &wire, case.passed_role().as_deref());
        }
        let Some(told) = case.told(&report) else {
            let left_out =
                report["notCovered"].as_array().into_iter().flatten().map(|entry| entry["reason"].to_string());
            let unclear = rows(&report).into_iter().filter(|row| row["cause"].is_string());
            let why: Vec<_> =
                left_out.chain(unclear.map(|row| format!("{} {}", row["action"], row["cause"]))).collect();
            if why.is_empty() {
                failures.push(format!("{}: {} is neither told nor left out: {report}", case.id(), case.action()));
            }
            untold.push(format!("{} {}: {}", case.id(), case.action(), why.join("; ")));
            continue;
        };
        let Some(decision) = decisions.last() else {
            failures.push(format!("{}: {} without a request", case.id(), told.verdict));
            continue;
        };
        failures.extend(wrong(case, &told, decision));
        if case.line["real"] == told.verdict.as_str() {
            agreed += 1;
        } else {
            let keys = case.differing(&decision.context).join(", ");
            disagreed.push(format!("{} {}: {} for {keys}", case.id(), case.action(), told.verdict));
        }
    }
    let of = cases.len();
    println!("{agreed} of {of} as the pipeline meets it, {} otherwise, {} not told", disagreed.len(), untold.len());
    for line in disagreed.iter().chain(&untold) {
        println!("  {line}");
    }
    assert_eq!(of, 182);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(agreed * 100 >= of * AT_LEAST, "{agreed} of {of} are fewer than {AT_LEAST} of a hundred");
}

#[test]
fn the_keys_of_a_policy_are_those_of_its_conditions_and_variables() {
    let policy = json!([{
        "Effect": "Deny",
        "Resource": "arn:aws:s3:::b/${aws:username}/*",
        "Condition": {
            "StringNotEquals": {"s3:x-amz-acl": "${aws:PrincipalTag/acl, 'private'}"},
            "Null": {"aws:TokenIssueTime": "true"}
        }
    }]);
    let mut used = BTreeSet::new();
    collect_keys(&policy, &mut used);
    let used: Vec<_> = used.iter().map(String::as_str).collect();
    assert_eq!(used, ["aws:PrincipalTag/acl", "aws:TokenIssueTime", "aws:username", "s3:x-amz-acl"]);
    let listed = ["aws:RequestTag/…".to_owned(), "s3:x-amz-acl".to_owned()];
    assert!(names(&listed, "aws:requestTag/team") && names(&listed, "S3:x-amz-acl") && !names(&listed, "s3:prefix"));
}
