//! A policy that names two buckets and two tables: each is checked, and no
//! denial is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use permissions_aws::probes;
use permissions_aws::run::{Time, run};
use permissions_core::iam::policy::PolicyDocument;
use permissions_core::plan::plan;
use permissions_core::report::Report;
use permissions_core::specification::Specification;
use permissions_probe::voice::VOICE;
use serde_json::{Value, json};

use crate::harness::rows;
use crate::harness::{Request, Stub, action_of, config, error_of, healthy, session};

/// What a pipeline with an input and an output bucket, and with two tables, would be given.
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
     "Resource": ["arn:aws:s3:::input", "arn:aws:s3:::input/*", "arn:aws:s3:::output", "arn:aws:s3:::output/*"]},
    {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:Scan"],
     "Resource": ["arn:aws:dynamodb:us-east-1:*:table/Models", "arn:aws:dynamodb:us-east-1:*:table/Runs"]}
]}"#;

/// The name of the bucket or the table that a request is for.
fn resource_of(request: &Request) -> String {
    if action_of(request).starts_with("dynamodb:") {
        return request.json()["TableName"].as_str().unwrap().to_owned();
    }
    request.path.trim_start_matches('/').split(['/', '?']).next().unwrap().to_owned()
}

/// AWS, to which these actions are denied on these resources.
fn denying(denied: &'static [(&'static str, &'static str)]) -> impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static {
    move |request| {
        let (action, resource) = (action_of(request), resource_of_any(request));
        if denied.contains(&(action.as_str(), resource.as_str())) {
            let arn = match action.split_once(':').unwrap() {
                ("s3", "ListBucket") => format!("\"arn:aws:s3:::{resource}\""),
                ("s3", _) => format!("\"arn:aws:s3:::{resource}/x\""),
                _ => format!("arn:aws:dynamodb:us-east-1:123456789012:table/{resource}"),
            };
            let sentence = format!(
                "User: arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/permissions-probe is not authorized to \
                 perform: {action} on resource: {arn} because no identity-based policy allows the {action} action"
            );
            let code = if action.starts_with("s3:") { "AccessDenied" } else { "AccessDeniedException" };
            return error_of(request, 403, code, &sentence);
        }
        // A list names the bucket that was asked for.
        let bytes = healthy(request);
        match action.as_str() {
            "s3:ListBucket" => replace(&bytes, "your-bucket-name", &resource),
            _ => bytes,
        }
    }
}

fn resource_of_any(request: &Request) -> String {
    if action_of(request).starts_with("sts:") { String::new() } else { resource_of(request) }
}

/// The answer with another name in its body.
fn replace(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let body = body.replace(from, to);
    let lines = head.split("\r\n").map(|line| {
        if line.to_ascii_lowercase().starts_with("content-length:") {
            format!("content-length: {}", body.len())
        } else {
            line.to_owned()
        }
    });
    format!("{}\r\n\r\n{body}", lines.collect::<Vec<_>>().join("\r\n")).into_bytes()
}

/// The report of a run of this policy.
async fn report(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> (Stub, Value) {
    let stub = Stub::start(answer);
    let mut specification = Specification::of_policy(PolicyDocument::parse(POLICY).unwrap());
    "lambda-ml-pipeline-role".clone_into(&mut specification.expected.role);
    let mut config = config();
    config.specification = Arc::new(specification);
    let checks = plan(&config.specification, &probes::infos()).checks;
    let time = Time::new(Duration::from_secs(5), Duration::ZERO, 0);
    let run = run(&checks, Arc::new(session(&stub.sdk(), &config)), &stub.sdk(), &time).await;
    let mut report = Report::new(run, "REQUEST".into(), time.elapsed(), false).render(VOICE, false);
    report.json.in_full = true;
    (stub, serde_json::to_value(report.json).unwrap())
}

/// The verdict of each row, by its action and the resource that a statement names.
fn verdicts(report: &Value) -> BTreeMap<(String, String), String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = rows(report).into_iter();
    rows.map(|row| ((text(&row["action"]), text(&row["resource"])), text(&row["verdict"]))).collect()
}

#[tokio::test]
async fn each_bucket_and_each_table_is_a_row_of_its_own() {
    let (stub, report) = report(denying(&[])).await;
    let verdicts = verdicts(&report);
    assert_eq!(verdicts.len(), 1 + 3 * 2 + 3 * 2, "{verdicts:?}");
    assert!(verdicts.values().all(|verdict| verdict == "allowed"), "{report}");
    let asked: std::collections::BTreeSet<_> = stub.requests().iter().map(resource_of_any).collect();
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), ["", "Models", "Runs", "input", "output"]);
}

#[tokio::test]
async fn a_denial_on_one_of_two_buckets_and_tables_is_not_lost() {
    let denied = &[("s3:PutObject", "output"), ("dynamodb:Scan", "Models"), ("dynamodb:PutItem", "Runs")];
    let (_stub, report) = report(denying(denied)).await;
    assert_eq!((&report["verdict"], &report["summary"]["denied"]), (&json!("denied"), &json!(3)), "{report}");
    let verdicts = verdicts(&report);
    let of = |action: &str, resource: &str| verdicts[&(action.to_owned(), resource.to_owned())].as_str();
    let table = |name: &str| format!("arn:aws:dynamodb:us-east-1:123456789012:table/{name}");
    assert_eq!(
        (of("s3:PutObject", "arn:aws:s3:::output/*"), of("s3:PutObject", "arn:aws:s3:::input/*")),
        ("denied", "allowed")
    );
    assert_eq!((of("dynamodb:Scan", &table("Models")), of("dynamodb:Scan", &table("Runs"))), ("denied", "allowed"));
    assert_eq!(
        (of("dynamodb:PutItem", &table("Runs")), of("dynamodb:PutItem", &table("Models"))),
        ("denied", "allowed")
    );
    // The statement is for what is denied, and for nothing else.
    let statements = &report["advice"][0]["policy"]["Statement"];
    assert_eq!(
        statements,
        &json!([
            {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::output/*"]},
            {"Effect": "Allow", "Action": ["dynamodb:PutItem"], "Resource": [table("Runs")]},
            {"Effect": "Allow", "Action": ["dynamodb:Scan"], "Resource": [table("Models")]},
        ]),
        "{report}"
    );
}

#[tokio::test]
async fn what_is_denied_behind_one_resource_says_nothing_of_the_other() {
    // The list of one bucket is denied, which its own row and the row of its objects tell.
    let (_stub, report) = report(denying(&[("s3:ListBucket", "input"), ("s3:GetObject", "input")])).await;
    let verdicts = verdicts(&report);
    let denied: Vec<_> = verdicts
        .iter()
        .filter(|(_, verdict)| *verdict == "denied")
        .map(|((action, on), _)| format!("{action} {on}"))
        .collect();
    assert_eq!(denied, ["s3:GetObject arn:aws:s3:::input/*", "s3:ListBucket arn:aws:s3:::input"], "{report}");
}
