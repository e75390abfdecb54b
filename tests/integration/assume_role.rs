//! A run under another role than the function's own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};

use std::sync::Arc;
use std::time::Duration;

use permissions_aws::probes;
use permissions_aws::run::{Time, run};
use permissions_core::event::Event;
use permissions_core::plan::{Check, plan};
use permissions_probe::config::Config;
use permissions_probe::function::App;

use crate::harness::rows;
use crate::harness::{self as stub, Request, Stub, action_of, config_with, error_of, healthy, identity};

/// Whether a request was signed by the session of the role to check.
fn in_session(request: &Request) -> bool {
    request.header("authorization").unwrap().contains("Credential=AKIASESSION/")
}

/// AWS, to which the function and the role to check are two.
fn aws(request: &Request) -> Vec<u8> {
    match action_of(request).as_str() {
        "sts:GetCallerIdentity" if in_session(request) => identity("sagemaker-ml-pipeline-role"),
        _ => healthy(request),
    }
}

/// AWS's most frequent words: it does not say which policy it was.
fn not_authorized(request: &Request, reason: &str) -> Vec<u8> {
    let sentence = format!(
        "User: arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/permissions-probe is not authorized to \
         perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role{reason}"
    );
    error_of(request, 403, "AccessDenied", &sentence)
}

/// What a run of all checks finds: the verdict of each, and the cause of what is inconclusive.
async fn run_on(stub: &Stub, config: Config, retry: Duration) -> BTreeMap<String, String> {
    let checks = plan(&config.specification, &probes::infos()).checks;
    let session = Arc::new(stub::session(&stub.sdk(), &config));
    let time = Time::new(Duration::from_secs(5), retry, 0);
    let run = run(&checks, session, &stub.sdk(), &time).await;
    let order: Vec<_> = run.findings.iter().map(|finding| finding.action.raw()).collect();
    assert_eq!(order, checks.iter().map(Check::action).collect::<Vec<_>>());
    let told = |finding: &permissions_core::finding::Finding| match finding.cause {
        Some(cause) => format!("{} {}", finding.verdict.name(), cause.name()),
        None => finding.verdict.name().to_owned(),
    };
    run.findings.iter().map(|finding| (finding.action.raw().to_owned(), told(finding))).collect()
}

async fn report(stub: &Stub) -> Value {
    report_of(&app(stub)).await
}

fn app(stub: &Stub) -> App {
    stub.app(config_with(&[("PROBE_SAGEMAKER_ROLE_ARN", "")]))
}

async fn report_of(app: &App) -> Value {
    let mut context = lambda_runtime::Context::default();
    context.invoked_function_arn = stub::FUNCTION_ARN.into();
    let event = Event(Ok(json!({"probe": {"verbose": true}})));
    serde_json::to_value(app.handle(LambdaEvent::new(event, context)).await).unwrap()
}

#[tokio::test]
async fn every_other_probe_is_sent_in_the_session() {
    let stub = Stub::start(aws);
    let found = run_on(&stub, stub::config(), Duration::ZERO).await;
    assert!(found.values().all(|told| told.starts_with("allowed")), "{found:?}");
    let requests = stub.requests();
    assert_eq!(action_of(&requests[0]), "sts:AssumeRole");
    assert!(!in_session(&requests[0]));
    assert!(requests.len() > 18 && requests[1..].iter().all(in_session));
    assert!(requests[1..].iter().all(|request| request.header("x-amz-security-token") == Some("token")));

    let response = report(&stub).await;
    assert_eq!(response["statusCode"], 200, "{response}");
    assert_eq!(response["report"]["principal"]["role"], "sagemaker-ml-pipeline-role");
    assert_eq!(response["report"]["advice"], json!([]), "it is the role that was to be checked");
    assert!(!response.to_string().contains("AKIASESSION"));
}

#[tokio::test]
async fn the_sessions_of_all_runs_share_the_connections() {
    let stub = Stub::start(aws);
    let app = app(&stub);
    report_of(&app).await;
    let connections = stub.seen.connections();
    for _ in 0..3 {
        assert_eq!(report_of(&app).await["statusCode"], 200);
    }
    assert_eq!(stub.seen.connections(), connections);
}

#[tokio::test]
async fn without_a_session_nothing_is_tried_and_nothing_told() {
    let stub = Stub::start(|request: &Request| match action_of(request).as_str() {
        "sts:AssumeRole" => not_authorized(request, ""),
        _ => aws(request),
    });
    let response = report(&stub).await;
    let sent: Vec<_> = stub.requests().iter().map(action_of).collect();
    assert_eq!(sent, ["sts:AssumeRole", "sts:GetCallerIdentity"]);
    assert_eq!(response["statusCode"], 403, "{response}");
    let report = &response["report"];
    assert_eq!(report["headline"]["cause"], "notAssumed");
    assert_eq!(report["principal"]["role"], "lambda-ml-pipeline-role");
    for row in rows(report) {
        let told = (row["verdict"].as_str().unwrap(), row["cause"].as_str());
        let expected = match row["action"].as_str().unwrap() {
            "sts:GetCallerIdentity" => ("allowed", None),
            "sts:AssumeRole" => ("denied", None),
            _ => ("inconclusive", Some("notAssumed")),
        };
        assert_eq!(told, expected, "{row}");
    }
}

#[tokio::test]
async fn the_advice_names_the_statement_for_each_of_the_two_policies() {
    let trusts = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role"},
        "Action": ["sts:AssumeRole"]
    }]});
    let allows = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Resource": ["arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role"]
    }]});
    let none = Value::Null;
    for (reason, expected) in [
        ("", vec![(&allows, &none), (&none, &trusts)]),
        (
            " because no identity-based policy allows the sts:AssumeRole action",
            vec![(&allows, &none), (&none, &trusts)],
        ),
        (" because no role trust policy allows the sts:AssumeRole action", vec![(&none, &trusts)]),
        (" because no resource-based policy allows the sts:AssumeRole action", vec![(&none, &trusts)]),
        (" with an explicit deny in the role trust policy", vec![(&none, &none)]),
        (" with an explicit deny in a service control policy", vec![(&none, &none)]),
    ] {
        let stub = Stub::start(move |request: &Request| match action_of(request).as_str() {
            "sts:AssumeRole" => not_authorized(request, reason),
            _ => aws(request),
        });
        let response = report(&stub).await;
        let advice = response["report"]["advice"].as_array().unwrap();
        // The last one is about the actions that were not tried.
        let about = advice.split_last().unwrap().1;
        let given: Vec<_> = about.iter().map(|advice| (&advice["policy"], &advice["trustPolicy"])).collect();
        assert_eq!(given, expected, "{reason}: {advice:?}");
        // That the role may not exist was observed for denials that state no policy.
        let headline = response["report"]["headline"]["text"].as_str().unwrap();
        assert_eq!(headline.contains("does not exist"), reason.is_empty(), "{reason}: {headline}");
    }

    // Whoever runs under the wrong role is told that, and trusts nobody.
    let stub = Stub::start(|request: &Request| match action_of(request).as_str() {
        "sts:AssumeRole" => not_authorized(request, ""),
        "sts:GetCallerIdentity" => identity("another-role"),
        _ => aws(request),
    });
    let response = report(&stub).await;
    assert_eq!(response["report"]["headline"]["cause"], "wrongRole");
    let advice = response["report"]["advice"].to_string();
    assert!(!advice.contains("\"Statement\""), "{advice}");
}

#[tokio::test]
async fn an_answer_in_the_name_of_another_role_than_the_assumed_one_is_said() {
    // Even of the function's own.
    let stub = Stub::start(healthy);
    let response = report(&stub).await;
    let said = response["report"]["advice"][0]["text"].as_str().unwrap();
    assert!(said.starts_with("The function does not run under the role sagemaker-ml-pipeline-role but as "), "{said}");
}

#[tokio::test]
async fn an_attempt_that_tells_nothing_is_inconclusive() {
    let stub = Stub::start(|request: &Request| match action_of(request).as_str() {
        "sts:AssumeRole" => error_of(request, 400, "Throttling", "Rate exceeded"),
        _ => aws(request),
    });
    let response = report(&stub).await;
    assert_eq!(
        (&response["statusCode"], &response["report"]["headline"]["cause"]),
        (&json!(503), &json!("notAssumed"))
    );
    let text = response["report"]["headline"]["text"].as_str().unwrap();
    assert!(text.contains("inconclusive") && text.contains("throttled"), "{text}");
    let advice = response["report"]["advice"].as_array().unwrap();
    assert_eq!(advice[0]["actions"], json!(["sts:AssumeRole"]));
    assert!(advice[0]["text"].as_str().unwrap().starts_with("AWS limited the rate"), "{advice:?}");
    assert!(advice[1]["text"].as_str().unwrap().contains("fix that first"), "{advice:?}");
}

#[tokio::test]
async fn trust_that_was_given_a_moment_ago_gets_the_time_to_take_effect() {
    let asked = AtomicUsize::new(0);
    let stub = Stub::start(move |request: &Request| match action_of(request).as_str() {
        "sts:AssumeRole" if asked.fetch_add(1, Ordering::SeqCst) == 0 => not_authorized(request, ""),
        _ => aws(request),
    });
    let found = run_on(&stub, stub::config(), Duration::from_secs(5)).await;
    assert!(found.values().all(|told| told.starts_with("allowed")), "{found:?}");
}

#[tokio::test]
async fn in_another_account_no_log_group_is_made_and_every_arn_is_of_that_account() {
    let stub = Stub::start(aws);
    let config = config_with(&[
        ("PROBE_ASSUME_ROLE_ARN", "arn:aws:iam::210987654321:role/sagemaker-ml-pipeline-role"),
        ("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::210987654321:role/sagemaker-ml-pipeline-role"),
    ]);
    let found = run_on(&stub, config, Duration::ZERO).await;
    let unknown: Vec<_> = found.iter().filter(|(_, told)| !told.starts_with("allowed")).collect();
    let actions: Vec<_> = unknown.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]);
    assert!(unknown.iter().all(|(_, told)| *told == "inconclusive notConfigured"), "{unknown:?}");
    // In a whole run the three are left out, and said to be, so that such a role can pass.
    let app = stub.app(config_with(&[
        ("PROBE_ASSUME_ROLE_ARN", "arn:aws:iam::210987654321:role/sagemaker-ml-pipeline-role"),
        ("PROBE_SAGEMAKER_ROLE_ARN", ""),
    ]));
    let response = report_of(&app).await;
    assert_eq!(response["statusCode"], 200, "{response}");
    assert_eq!(response["report"]["summary"]["allowed"], 15);
    let advisory = &response["report"]["advisories"][0];
    assert!(advisory["text"].as_str().unwrap().contains("The three logs actions were left out"), "{advisory}");
    let job = stub.requests().into_iter().find(|request| action_of(request) == "sagemaker:CreateTrainingJob").unwrap();
    assert!(job.json()["RoleArn"].as_str().unwrap().starts_with("arn:aws:iam::210987654321:role/"), "{:?}", job.json());
}
