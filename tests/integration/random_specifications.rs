//! The report against random specifications, and random policies of the role: a stub that decides by the policy on what
//! is on the wire, and a report in which nothing of the specification is missing and nothing is said that is not so.

use std::sync::{Arc, Mutex, PoisonError};

use lambda_runtime::{Context as Invocation, LambdaEvent};
use permissions_aws::http_client::Connections;
use permissions_aws::probes;
use permissions_aws::trust_store::TrustStore;
use permissions_core::event::Event;
use permissions_core::iam::catalogue;
use permissions_core::plan::{MAX_CHECKS, plan};
use permissions_probe::function::App;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};

use crate::harness::{FUNCTION_ARN, Request, Stub, config_with, rows};
use crate::policy_language::{Context, Effect, judges};
use crate::random_policies::like as is_like;
use crate::wire::{self, Wire};

/// The key of the tables.
const TABLE_KEY: &str = "id";

/// A specification, and the policy of the role that it is checked under.
#[derive(Clone, Debug)]
struct Tried {
    statements: Vec<Statement>,
    requests: Vec<(&'static str, Value)>,
    role: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    denies: bool,
    actions: Vec<&'static str>,
    resources: Vec<&'static str>,
    condition: Option<Value>,
}

/// The AWS of one case: the policy that it decides by, and what it was asked and has decided.
#[derive(Default)]
struct Account {
    policy: Value,
    asked: Vec<Asked>,
}

struct Asked {
    request: Request,
    wire: Wire,
    is_allowed: bool,
}

impl Statement {
    fn effect(&self) -> &'static str {
        if self.denies { "Deny" } else { "Allow" }
    }

    fn json(&self) -> Value {
        let mut statement = json!({"Effect": self.effect(), "Action": self.actions, "Resource": self.resources});
        if let Some(condition) = &self.condition {
            statement["Condition"] = condition.clone();
        }
        statement
    }

    /// Whether it is about an action on a resource, or a pattern of resources.
    fn names(&self, action: &str, resource: &str) -> bool {
        let made_up = resource.replace('*', "permissions-probe-0123456789abcdef");
        self.actions.iter().any(|pattern| is_like_action(pattern, action))
            && self.resources.iter().any(|pattern| is_like(pattern, resource) || is_like(pattern, &made_up))
    }
}

impl Tried {
    fn policy(statements: &[Statement]) -> Value {
        let statements: Vec<_> = statements.iter().map(Statement::json).collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    fn specification(&self) -> Value {
        let requests: Map<String, Value> =
            self.requests.iter().map(|(action, fields)| ((*action).to_owned(), fields.clone())).collect();
        json!({"policy": Self::policy(&self.statements), "requests": requests})
    }

    /// Whether a statement of the specification denies an action there.
    fn denies(&self, action: &str, resource: &str) -> bool {
        self.statements.iter().any(|statement| statement.denies && statement.names(action, resource))
    }
}

fn is_like_action(pattern: &str, action: &str) -> bool {
    is_like(&pattern.to_lowercase(), &action.to_lowercase())
}

/// Whether one resource is another one's pattern.
fn are_alike(one: &str, other: &str) -> bool {
    is_like(one, other) || is_like(other, one)
}

/// Whether an action surely takes a resource of this kind (Service Authorization Reference).
fn takes(action: &str, resource: &str) -> bool {
    if resource == "*" {
        return true;
    }
    let Some((service, name)) = action.split_once(':') else { return false };
    let is_of_service = resource.split(':').nth(2) == Some(service);
    let kind = match name {
        "GetObject" | "PutObject" | "DeleteObject" => "/",
        "ListBucket" => return is_of_service && !resource.contains('/'),
        "Query" | "Scan" => ":table/",
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "DescribeTable" => {
            return is_of_service && resource.contains(":table/") && !resource.contains("/index/");
        }
        "CreateModel" | "DescribeModel" => ":model/",
        "CreateEndpoint" | "InvokeEndpoint" | "DescribeEndpoint" => ":endpoint/",
        "CreateTrainingJob" | "DescribeTrainingJob" => ":training-job/",
        _ => return false,
    };
    is_of_service && resource.contains(kind)
}

/// Answers as AWS does to a role with this policy, each time under a request id of its own.
fn answer(request: &Request, account: &Mutex<Account>) -> Vec<u8> {
    let wire = Wire::of(request, TABLE_KEY);
    let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
    let context = context_of(&wire);
    let say = |resource: &str| judges(&account.policy, &wire.action, resource, &context);
    let is_control = wire.action == "sts:GetCallerIdentity";
    let refused = wire.resources.iter().find(|resource| !is_control && say(resource) != Some(Effect::Allow));
    let answer = match refused {
        Some(resource) => wire::denied(request, &wire, &wire.action, resource, say(resource) == Some(Effect::Deny)),
        None => wire::allowed(request, &wire),
    };
    let is_allowed = refused.is_none();
    // As long as the one that it takes the place of, so that the length of the answer stays the same.
    let id = format!("REQ{:06}", account.asked.len());
    account.asked.push(Asked { request: request.clone(), wire, is_allowed });
    String::from_utf8(answer).unwrap().replace("REQUEST-1", &id).into_bytes()
}

/// The context of a request: that of the caller, and that of the request itself.
fn context_of(wire: &Wire) -> Context {
    let caller = [
        ("aws:PrincipalAccount", "123456789012"),
        ("aws:PrincipalArn", "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role"),
        ("aws:SecureTransport", "true"),
    ];
    let mut context: Context =
        caller.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect();
    context.extend(wire.context.clone());
    context
}

const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "s3:DeleteObject",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:GetItem",
    "dynamodb:Scan",
    "dynamodb:Query",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:CreateModel",
    "sagemaker:DescribeModel",
    "sagemaker:CreateEndpoint",
    "sagemaker:DescribeEndpoint",
    "sagemaker:InvokeEndpoint",
];

const WILDCARDS: &[&str] = &[
    "s3:GetObject*",
    "s3:?etObject",
    "S3:LISTBUCKET*",
    "s3:*Object",
    "dynamodb:*Item",
    "dynamodb:Get*",
    "dynamodb:S?an",
    "dynamodb:Describe*",
    "dynamodb:*",
    "sagemaker:*Endpoint",
    "sagemaker:*TrainingJob",
    "sagemaker:Describe*Model",
    "SageMaker:invoke*",
];

/// Of two patterns of one kind, one takes in the other, or nothing is of both.
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::training-data",
    "arn:aws:s3:::training-data/*",
    "arn:aws:s3:::training-data/raw/*",
    "arn:aws:s3:::model-artifacts",
    "arn:aws:s3:::model-artifacts/*",
    "arn:aws:s3:::model-artifacts/latest/model.tar.gz",
    "arn:aws:dynamodb:us-east-1:123456789012:table/Runs",
    "arn:aws:dynamodb:us-east-1:*:table/Models",
    "arn:aws:dynamodb:eu-west-1:123456789012:table/Models",
    "arn:aws:dynamodb:us-east-1:123456789012:table/Models/index/by-owner",
    "arn:aws:dynamodb:us-east-1:123456789012:table/Models/index/*",
    "arn:aws:dynamodb:us-east-1:123456789012:table/*",
    "arn:aws:sagemaker:us-east-1:123456789012:training-job/*",
    "arn:aws:sagemaker:us-east-1:123456789012:training-job/churn-*",
    "arn:aws:sagemaker:us-east-1:123456789012:model/*",
    "arn:aws:sagemaker:us-east-1:123456789012:model/churn-*",
    "arn:aws:sagemaker:us-east-1:123456789012:model/churn-v1",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/*",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn",
    "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/*",
];

fn conditions() -> Vec<Value> {
    vec![
        json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        json!({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}),
        json!({"ForAnyValue:StringLike": {"sagemaker:InstanceTypes": ["ml.m5.*"]}}),
        json!({"ForAllValues:StringNotLike": {"sagemaker:InstanceTypes": ["ml.g5.*"]}}),
        json!({"StringEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}),
        json!({"Null": {"s3:x-amz-server-side-encryption": "true"}}),
        json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["run-*"]}}),
        json!({"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["run-42"]}}),
        json!({"Null": {"dynamodb:LeadingKeys": "false"}}),
    ]
}

/// What a pipeline's own requests can look like.
fn pipeline_requests() -> Vec<(&'static str, Value)> {
    vec![
        ("s3:PutObject", json!({"ServerSideEncryption": "aws:kms"})),
        ("sagemaker:CreateTrainingJob", json!({"ResourceConfig": {"InstanceType": "ml.g5.xlarge"}})),
        ("dynamodb:GetItem", json!({"Key": {"id": {"S": "run-42"}}})),
        ("dynamodb:PutItem", json!({"Item": {"id": {"S": "run-42"}, "score": {"N": "1"}}})),
        ("dynamodb:UpdateItem", json!({"Key": {"id": {"S": "another"}}})),
    ]
}

fn statement(with_condition: bool) -> impl Strategy<Value = Statement> {
    let action = prop_oneof![2 => select(ACTIONS), 1 => select(WILDCARDS)];
    let condition =
        if with_condition { proptest::option::weighted(0.5, select(conditions())).boxed() } else { Just(None).boxed() };
    let parts = (
        proptest::bool::weighted(0.25),
        proptest::collection::vec(action, 1..5),
        proptest::collection::vec(select(RESOURCES), 1..4),
        condition,
    );
    parts.prop_map(|(denies, actions, resources, condition)| Statement { denies, actions, resources, condition })
}

/// The statements of a role: some that come to mind; or everything, and some that take away from it.
fn role() -> impl Strategy<Value = Vec<Statement>> {
    let everything = Statement { denies: false, actions: vec!["*"], resources: vec!["*"], condition: None };
    let some = || proptest::collection::vec(statement(true), 0..8);
    prop_oneof![
        some(),
        some().prop_map(move |mut statements| {
            statements.push(everything.clone());
            statements
        }),
    ]
}

fn tried() -> impl Strategy<Value = Tried> {
    let statements = proptest::collection::vec(statement(false), 1..5);
    let requests = subsequence(pipeline_requests(), 0..=3);
    (statements, requests, role()).prop_map(|(statements, requests, role)| Tried { statements, requests, role })
}

/// Fails a case, unless this holds.
fn must(holds: bool, told: impl FnOnce() -> String) -> Result<(), TestCaseError> {
    if holds { Ok(()) } else { Err(TestCaseError::fail(told())) }
}

/// The list of a report; an empty one is left out.
fn list<'a>(report: &'a Value, name: &str) -> &'a [Value] {
    report[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row[member].as_str().unwrap_or_default()
}

/// Each row that was checked says what the policy says of the request that it rests on; returns how many were.
fn verdicts_are_those_of_the_policy(rows: &[Value], asked: &[Asked]) -> Result<usize, TestCaseError> {
    let mut told = 0;
    for row in rows.iter().filter(|row| row["verdict"] != "inconclusive") {
        let number = text(row, "awsRequestId").strip_prefix("REQ").and_then(|number| number.parse::<usize>().ok());
        let Some(decided) = number.and_then(|number| asked.get(number)) else {
            return Err(TestCaseError::fail(format!("a verdict without a request: {row}")));
        };
        let (action, wire) = (text(row, "action"), &decided.wire);
        must(wire.action.eq_ignore_ascii_case(action), || format!("{action} rests on {}: {row}", wire.action))?;
        let resource = text(row, "resource");
        let is_there = wire.resources.iter().any(|on_wire| are_alike(resource, on_wire));
        must(is_there, || format!("{action} on {resource} rests on {:?}", wire.resources))?;
        let is_same = (row["verdict"] == "allowed") == decided.is_allowed;
        must(is_same, || format!("AWS decided otherwise on {:?} with {:?}: {row}", wire.resources, wire.context))?;
        told += 1;
    }
    Ok(told)
}

/// Every action on every resource is a row, or is said not to be covered.
fn nothing_is_missing(tried: &Tried, report: &Value, rows: &[Value]) -> Result<(), TestCaseError> {
    let left_out = list(report, "notCovered");
    for statement in &tried.statements {
        let joined = statement.resources.join(", ");
        for action in &statement.actions {
            let is_left_out = |resource: &str| {
                let is_it =
                    |entry: &&Value| is_like_action(action, text(entry, "action")) || text(entry, "action") == *action;
                let here = |entry: &Value| text(entry, "resource") == resource || text(entry, "resource") == joined;
                left_out.iter().filter(is_it).any(here)
            };
            let has_row = |resource: &str| {
                let of_action = |row: &&Value| is_like_action(action, text(row, "action"));
                rows.iter().filter(of_action).any(|row| are_alike(resource, text(row, "resource")))
            };
            if action.contains(['*', '?']) {
                let denied = |resource: &str| {
                    catalogue::expand(action).iter().any(|it| !statement.denies && tried.denies(&it.name, resource))
                };
                let is_there = |resource: &str| is_left_out(resource) || has_row(resource) || denied(resource);
                let any = statement.resources.iter().any(|resource| is_there(resource));
                must(any, || format!("{action} is gone: {report}"))?;
                continue;
            }
            let taken: Vec<_> = statement.resources.iter().filter(|resource| takes(action, resource)).collect();
            for resource in taken {
                let denied = !statement.denies && tried.denies(action, resource);
                let is_there = denied || is_left_out(resource) || has_row(resource);
                must(is_there, || format!("{action} on {resource} is gone: {report}"))?;
            }
        }
    }
    Ok(())
}

/// No row is there that the specification does not ask for.
fn nothing_is_made_up(tried: &Tried, rows: &[Value]) -> Result<(), TestCaseError> {
    for row in rows {
        let (action, resource) = (text(row, "action"), text(row, "resource"));
        let is_asked = tried.statements.iter().any(|statement| {
            let is_action = statement.actions.iter().any(|pattern| is_like_action(pattern, action));
            is_action && statement.resources.iter().any(|pattern| are_alike(pattern, resource))
        });
        // A table that no statement names has to be denied as well.
        let is_scope = row["mustBeDenied"] == true && resource.contains(":table/permissions-probe-");
        must(is_asked || is_scope || action == "sts:GetCallerIdentity", || format!("who asked for this? {row}"))?;
    }
    Ok(())
}

/// Each row is in the list that its verdict belongs to.
fn rows_are_where_they_belong(report: &Value) -> Result<(), TestCaseError> {
    for row in list(report, "wrong") {
        let is_excess = row["mustBeDenied"] == true && row["verdict"] == "allowed";
        let is_missing = row["mustBeDenied"] != true && row["verdict"] == "denied";
        let is_open = row["verdict"] == "inconclusive" || row["warning"].is_string();
        must(is_excess || is_missing || is_open, || format!("nothing is wrong with this: {row}"))?;
    }
    for row in list(report, "deniedAsSpecified") {
        must(row["mustBeDenied"] == true && row["verdict"] == "denied", || format!("not as specified: {row}"))?;
    }
    for row in list(report, "allowed") {
        must(row["mustBeDenied"] != true && row["verdict"] == "allowed", || format!("not as specified: {row}"))?;
    }
    Ok(())
}

#[test]
fn the_report_equals_the_policy_under_any_specification() {
    // `PROPTEST_CASES` asks for more.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let account = Arc::new(Mutex::new(Account::default()));
    let shared = account.clone();
    let stub = Stub::start(move |request| answer(request, &shared));
    stub.seen.forget();
    let (sdk, connections) = (stub.sdk(), Connections::new(&TrustStore::Amazon));
    let counts = Mutex::new((0, 0, 0));
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let checked = runner.run(&tried(), |tried| {
        *account.lock().unwrap_or_else(PoisonError::into_inner) =
            Account { policy: Tried::policy(&tried.role), asked: Vec::new() };
        let specification = tried.specification().to_string();
        let config = config_with(&[
            ("PROBE_SPECIFICATION", specification.as_str()),
            ("PROBE_BUCKET", ""),
            ("PROBE_SAGEMAKER_ROLE_ARN", ""),
            ("PROBE_ASSUME_ROLE_ARN", ""),
        ]);
        let planned = plan(&config.specification, &probes::infos());
        let mut context = Invocation::default();
        context.invoked_function_arn = FUNCTION_ARN.into();
        let event = Event(Ok(json!({"probe": {"verbose": true}})));
        let app = App::new(Ok(config), sdk.clone(), connections.clone());
        let response = runtime.block_on(app.handle(LambdaEvent::new(event, context)));
        let response = serde_json::to_value(response).unwrap();
        let report = &response["report"];
        if planned.checks.len() > MAX_CHECKS {
            return must(!report["problems"].is_null(), || {
                format!("a plan of {} checks: {report}", planned.checks.len())
            });
        }
        let rows = rows(report);
        let account = account.lock().unwrap_or_else(PoisonError::into_inner);
        for asked in &account.asked {
            wire::assert_harmless(&asked.request, &asked.wire, None);
        }
        let told = verdicts_are_those_of_the_policy(&rows, &account.asked)?;
        nothing_is_missing(&tried, report, &rows)?;
        nothing_is_made_up(&tried, &rows)?;
        rows_are_where_they_belong(report)?;
        // From the plan to the report, no row disappears, and none is added.
        let mut actions: Vec<_> = planned.checks.iter().map(|check| check.action().to_owned()).collect();
        let mut reported: Vec<_> = rows.iter().map(|row| text(row, "action").to_owned()).collect();
        actions.sort();
        reported.sort();
        prop_assert_eq!(actions, reported);
        // A stub that answers every request leaves nothing open.
        let open = rows.iter().find(|row| row["verdict"] == "inconclusive");
        must(open.is_none(), || format!("not told: {}", open.unwrap_or(&Value::Null)))?;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let left_out = list(report, "notCovered").len();
        *counts = (counts.0 + told, counts.1 + left_out, counts.2 + account.asked.len());
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
    let (told, left_out, requests) = *counts.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{cases} specifications: {told} verdicts by {requests} requests, {left_out} not covered, and no mismatch");
}

#[test]
fn the_helpers_of_these_tests_are_right() {
    assert!(is_like_action("s3:get*", "S3:GetObject") && are_alike("arn:aws:s3:::b/x", "arn:aws:s3:::b/*"));
    assert!(takes("s3:GetObject", "arn:aws:s3:::b/*") && !takes("s3:GetObject", "arn:aws:s3:::b"));
    assert!(!takes("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/T/index/*"));
    let all = Statement { denies: true, actions: vec!["s3:*"], resources: vec!["arn:aws:s3:::b/*"], condition: None };
    assert!(all.names("s3:GetObject", "arn:aws:s3:::b/in/*") && !all.names("s3:GetObject", "arn:aws:s3:::*"));
}
