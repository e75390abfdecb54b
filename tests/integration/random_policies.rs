//! The report against the policy: a stub that authorizes by random policies,
//! and a report that says of every action what the policy says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lambda_runtime::{Context, LambdaEvent};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::{Value, json};

use crate::harness::rows;
use crate::harness::{self as stub, ACCOUNT, FUNCTION_ARN, Request, Stub, action_of, error_of, healthy, json_error};
use permissions_core::event::Event;

/// An IAM policy, as far as the resources and actions of these requests go.
#[derive(Clone, Debug, Default)]
struct Policy(Vec<Statement>);

#[derive(Clone, Debug)]
struct Statement {
    deny: bool,
    actions: Vec<&'static str>,
    resources: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Allow,
    ImplicitDeny,
    ExplicitDeny,
}

impl Policy {
    /// IAM User Guide, "Policy evaluation logic": an explicit deny wins over
    /// any allow, and what nothing allows is denied.
    fn decide(&self, action: &str, resource: &str) -> Decision {
        let matching = |statement: &&Statement| {
            statement.actions.iter().any(|pattern| like(&pattern.to_lowercase(), &action.to_lowercase()))
                && statement.resources.iter().any(|pattern| like(pattern, resource))
        };
        let mut decision = Decision::ImplicitDeny;
        for statement in self.0.iter().filter(matching) {
            if statement.deny {
                return Decision::ExplicitDeny;
            }
            decision = Decision::Allow;
        }
        decision
    }

    /// The first resource on which the action is not allowed, and why.
    fn refusal(&self, action: &str, resources: &[String]) -> Option<(String, Decision)> {
        let decided = resources.iter().map(|resource| (resource.clone(), self.decide(action, resource)));
        decided.into_iter().find(|(_, decision)| *decision != Decision::Allow)
    }
}

/// Whether a text is like a pattern with `*` and `?`. Written for these tests,
/// in another way than the program's own.
pub fn like(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            like(&pattern[1..], text) || text.chars().next().is_some_and(|c| like(pattern, &text[c.len_utf8()..]))
        }
        (Some('?'), Some(c)) => like(&pattern[1..], &text[c.len_utf8()..]),
        (Some(p), Some(c)) if p == c => like(&pattern[p.len_utf8()..], &text[c.len_utf8()..]),
        _ => false,
    }
}

const OBJECT: &str = "training/data.csv";
const BUCKET: &str = "arn:aws:s3:::your-bucket-name";
const ROLE: &str = "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role";

/// The resources that AWS authorizes a request on (Service Authorization Reference).
fn resources(request: &Request) -> Vec<String> {
    let arn = |service: &str, rest: &str| format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{rest}");
    let action = action_of(request);
    let text = |key: &str| request.json()[key].as_str().unwrap().to_owned();
    match action.as_str() {
        "s3:ListBucket" => vec![BUCKET.to_owned()],
        "s3:GetObject" | "s3:PutObject" => vec![format!("{BUCKET}/{}", key(request))],
        "sagemaker:CreateTrainingJob" | "sagemaker:DescribeTrainingJob" => {
            vec![arn("sagemaker", &format!("training-job/{}", text("TrainingJobName")))]
        }
        "sagemaker:CreateModel" => vec![arn("sagemaker", &format!("model/{}", text("ModelName")))],
        "sagemaker:CreateEndpoint" => vec![
            arn("sagemaker", &format!("endpoint/{}", text("EndpointName"))),
            arn("sagemaker", &format!("endpoint-config/{}", text("EndpointConfigName"))),
        ],
        "sagemaker:InvokeEndpoint" => {
            vec![arn("sagemaker", &format!("endpoint/{}", request.path.split('/').nth(2).unwrap()))]
        }
        "logs:CreateLogGroup" | "logs:CreateLogStream" => {
            vec![arn("logs", &format!("log-group:{}:log-stream:", text("logGroupName")))]
        }
        "logs:PutLogEvents" => {
            vec![arn("logs", &format!("log-group:{}:log-stream:{}", text("logGroupName"), text("logStreamName")))]
        }
        action if action.starts_with("dynamodb:") => vec![arn("dynamodb", &format!("table/{}", text("TableName")))],
        _ => vec!["*".to_owned()],
    }
}

fn key(request: &Request) -> String {
    let path = request.path.split('?').next().unwrap();
    path.strip_prefix("/your-bucket-name/").unwrap().to_owned()
}

fn denial(request: &Request, action: &str, resource: &str, decision: Decision) -> Vec<u8> {
    let reason = match decision {
        Decision::ExplicitDeny => "with an explicit deny in an identity-based policy".to_owned(),
        _ => format!("because no identity-based policy allows the {action} action"),
    };
    let role = format!("arn:aws:sts::{ACCOUNT}:assumed-role/lambda-ml-pipeline-role/permissions-probe");
    let message = format!("User: {role} is not authorized to perform: {action} on resource: {resource} {reason}");
    let code = if action_of(request).starts_with("s3:") { "AccessDenied" } else { "AccessDeniedException" };
    error_of(request, 403, code, &message)
}

/// What AWS answers a role with this policy.
fn answer(request: &Request, policy: &Policy) -> Vec<u8> {
    let action = action_of(request);
    if action == "sts:GetCallerIdentity" {
        return healthy(request);
    }
    if let Some((resource, decision)) = policy.refusal(&action, &resources(request)) {
        return denial(request, &action, &resource, decision);
    }
    match action.as_str() {
        "s3:ListBucket" if !request.path.contains("prefix=") || request.path.contains("prefix=training") => {
            healthy(request)
        }
        "s3:GetObject" if key(request) != OBJECT => match policy.refusal("s3:ListBucket", &[BUCKET.to_owned()]) {
            Some((bucket, decision)) => denial(request, "s3:ListBucket", &bucket, decision),
            None => error_of(request, 404, "NoSuchKey", "The specified key does not exist."),
        },
        "sagemaker:CreateTrainingJob" | "sagemaker:CreateModel" => {
            let body = request.json();
            let Some(role) = body["RoleArn"].as_str().or(body["ExecutionRoleArn"].as_str()).map(str::to_owned) else {
                return json_error("ValidationException", "Requested image x not found.");
            };
            match policy.refusal("iam:PassRole", std::slice::from_ref(&role)) {
                Some((role, decision)) => denial(request, "iam:PassRole", &role, decision),
                None if role == ROLE => json_error("ValidationException", "Requested image x not found."),
                None => json_error("ValidationException", &format!("Could not assume role {role}.")),
            }
        }
        _ => healthy(request),
    }
}

/// A row in one word.
fn word(row: &Value) -> String {
    let verdict = row["verdict"].as_str().unwrap();
    match verdict {
        "denied" => row["denial"]["kind"].as_str().unwrap().to_owned(),
        "inconclusive" => row["cause"].as_str().unwrap().to_owned(),
        _ => verdict.to_owned(),
    }
}

/// What the report has to say under a policy, by action.
fn expected(policy: &Policy, configured: bool) -> BTreeMap<String, String> {
    let arn = |service: &str, rest: &str| format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{rest}");
    // No pattern of these policies tells one made-up name from another.
    let absent = "permissions-probe-0123456789abcdef";
    let word = |action: &str, resources: &[String]| match policy.refusal(action, resources) {
        None => "allowed".to_owned(),
        Some((_, Decision::ExplicitDeny)) => "explicitDeny".to_owned(),
        Some(_) => "implicitDeny".to_owned(),
    };
    let mut rows = BTreeMap::new();
    let mut row = |action: &str, resources: &[String]| {
        rows.insert(action.to_owned(), word(action, resources));
    };
    row("s3:ListBucket", &[BUCKET.to_owned()]);
    row("s3:PutObject", &[format!("{BUCKET}/{absent}")]);
    for action in ["PutItem", "UpdateItem", "GetItem", "Scan", "Query"] {
        row(&format!("dynamodb:{action}"), &[arn("dynamodb", "table/ModelMetadata")]);
    }
    row("sagemaker:CreateTrainingJob", &[arn("sagemaker", &format!("training-job/{absent}"))]);
    row("sagemaker:DescribeTrainingJob", &[arn("sagemaker", &format!("training-job/{absent}"))]);
    row("sagemaker:CreateModel", &[arn("sagemaker", &format!("model/{absent}"))]);
    let endpoint = arn("sagemaker", &format!("endpoint/{absent}"));
    row("sagemaker:CreateEndpoint", &[endpoint.clone(), arn("sagemaker", &format!("endpoint-config/{absent}"))]);
    row("sagemaker:InvokeEndpoint", &[endpoint]);
    let group = "log-group:/aws/lambda/permissions-probe:log-stream:";
    row("logs:CreateLogGroup", &[arn("logs", group)]);
    row("logs:CreateLogStream", &[arn("logs", group)]);
    row("logs:PutLogEvents", &[arn("logs", &format!("{group}2026/01/01/[$LATEST]abc"))]);

    // Two rows can be unknown by what AWS tells: an object that is not there, of a caller that may not
    // list, and a role that is not come to because the model is denied.
    let lists = rows["s3:ListBucket"] == "allowed";
    let key = if configured || lists { OBJECT } else { absent };
    let get = match word("s3:GetObject", &[format!("{BUCKET}/{key}")]).as_str() {
        "allowed" if !configured && !lists => "otherActionDenied".to_owned(),
        word => word.to_owned(),
    };
    rows.insert("s3:GetObject".to_owned(), get);
    let pass = match rows["sagemaker:CreateModel"].as_str() {
        "allowed" => word("iam:PassRole", &[ROLE.to_owned()]),
        _ => "otherActionDenied".to_owned(),
    };
    rows.insert("iam:PassRole".to_owned(), pass);
    rows.insert("sts:GetCallerIdentity".to_owned(), "allowed".to_owned());
    rows
}

const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:GetItem",
    "dynamodb:Scan",
    "dynamodb:Query",
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:CreateModel",
    "sagemaker:CreateEndpoint",
    "sagemaker:InvokeEndpoint",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "iam:PassRole",
];

const WILDCARDS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "s3:?etObject",
    "S3:LISTBUCKET",
    "s3:*Object",
    "dynamodb:*",
    "dynamodb:*Item",
    "dynamodb:Get*",
    "dynamodb:S?an",
    "dynamodb:batch*",
    "sagemaker:Create*",
    "sagemaker:*Endpoint",
    "sagemaker:*TrainingJob",
    "SageMaker:invokeendpoint",
    "logs:*",
    "logs:CreateLog*",
    "logs:Put?ogEvents",
    "iam:*",
    "iam:Pass*",
    "ec2:*",
];

const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::your-bucket-name",
    "arn:aws:s3:::your-bucket-name/*",
    "arn:aws:s3:::your-bucket-name/training/*",
    "arn:aws:s3:::your-bucket-name/permissions-probe-*",
    "arn:aws:s3:::Your-Bucket-Name*",
    "arn:aws:s3:::your-bucket-nam?",
    "arn:aws:s3:::*",
    "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata",
    "arn:aws:dynamodb:us-east-1:123456789012:table/Model*",
    "arn:aws:dynamodb:ap-southeast-1:*:table/ModelMetadata",
    "arn:aws:dynamodb:us-east-1:*:table/modelmetadata",
    "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata/index/*",
    "arn:aws:sagemaker:*:*:*",
    "arn:aws:sagemaker:us-east-1:123456789012:training-job/*",
    "arn:aws:sagemaker:us-east-1:123456789012:model/permissions-probe-*",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/*",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/*",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/production",
    "arn:aws:logs:*:*:*",
    "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/permissions-probe:*",
    "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/another:*",
    "arn:aws:iam::123456789012:role/*",
    "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role",
];

/// Policies of three kinds: a subset of the actions on everything, as the guide's is;
/// the same with denies; and whatever statements come to mind.
fn policies() -> impl Strategy<Value = Policy> {
    let subset = || proptest::sample::subsequence(ACTIONS, 0..=ACTIONS.len());
    let on_all = |deny: bool, actions: Vec<&'static str>| Statement { deny, actions, resources: vec!["*"] };
    let any_action = || prop_oneof![proptest::sample::select(ACTIONS), proptest::sample::select(WILDCARDS)];
    let statement = (
        proptest::bool::weighted(0.25),
        proptest::collection::vec(any_action(), 1..6),
        proptest::collection::vec(proptest::sample::select(RESOURCES), 1..5),
    )
        .prop_map(|(deny, actions, resources)| Statement { deny, actions, resources });
    prop_oneof![
        1 => subset().prop_map(move |actions| Policy(vec![on_all(false, actions)])),
        1 => (subset(), subset()).prop_map(move |(allowed, denied)| Policy(vec![on_all(false, allowed), on_all(true, denied)])),
        2 => proptest::collection::vec(statement, 0..12).prop_map(Policy),
    ]
}

#[test]
fn the_report_equals_the_policy() {
    // Policies, each tried with and without an object that is configured. `PROPTEST_CASES` asks for more.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let policy = Arc::new(Mutex::new(Policy::default()));
    let shared = policy.clone();
    let stub = Stub::start(move |request| answer(request, &shared.lock().unwrap()));
    stub.seen.forget();
    let own_role = ("PROBE_ASSUME_ROLE_ARN", "");
    let app = |key: &str| stub.app(stub::config_with(&[own_role, ("PROBE_OBJECT_KEY", key)]));
    let apps = [(app(OBJECT), true), (app(""), false)];
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let checked = runner.run(&policies(), |tried| {
        *policy.lock().unwrap() = tried.clone();
        for (app, configured) in &apps {
            let mut context = Context::default();
            context.invoked_function_arn = FUNCTION_ARN.into();
            let event = Event(Ok(json!({"probe": {"verbose": true}})));
            let response = runtime.block_on(app.handle(LambdaEvent::new(event, context)));
            let response = serde_json::to_value(response).unwrap();
            let rows = rows(&response["report"]);
            let found: BTreeMap<_, _> =
                rows.iter().map(|row| (row["action"].as_str().unwrap().to_owned(), word(row))).collect();
            prop_assert_eq!(rows.len(), found.len());
            let expected = expected(&tried, *configured);
            prop_assert_eq!(&found, &expected);
            let status = if expected.values().any(|word| word.ends_with("Deny")) {
                403
            } else if expected.values().all(|word| word == "allowed") {
                200
            } else {
                503
            };
            prop_assert_eq!(&response["statusCode"], status);
        }
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
    println!("{cases} policies, twice each, and no mismatch");
}

#[test]
fn the_evaluator_of_these_tests_is_right() {
    assert!(
        like("s3:*", "s3:GetObject") && like("*", "") && like("a?c*", "abcd") && !like("a?c", "ac") && !like("", "a")
    );
    let statement = |deny, actions: &[&'static str], resources: &[&'static str]| Statement {
        deny,
        actions: actions.to_vec(),
        resources: resources.to_vec(),
    };
    let policy = Policy(vec![
        statement(false, &["s3:*"], &["arn:aws:s3:::b/*"]),
        statement(true, &["s3:put*"], &["arn:aws:s3:::b/secret/*"]),
    ]);
    assert_eq!(policy.decide("s3:PutObject", "arn:aws:s3:::b/x"), Decision::Allow);
    assert_eq!(policy.decide("s3:PutObject", "arn:aws:s3:::b/secret/x"), Decision::ExplicitDeny);
    assert_eq!(policy.decide("s3:ListBucket", "arn:aws:s3:::b"), Decision::ImplicitDeny);
}
