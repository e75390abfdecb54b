//! Whole runs against random answers, several in one environment, held to what
//! must be true of every run, whatever AWS answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use lambda_runtime::{Context, LambdaEvent};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::{Value, json};

use crate::harness::rows;
use crate::harness::{
    self as stub, Act, FUNCTION_ARN, Request, Stub, action_of, denial, error_of, healthy, json, json_error, s3_error,
};
use crate::log::Log;
use permissions_aws::probes;
use permissions_core::event::Event;
use permissions_core::specification::guide_policy;

/// What AWS answers to an action, where it is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Denied,
    ExplicitlyDenied,
    Unstated,
    KeyDenied,
    OtherDenied,
    OtherOfMadeUpDenied,
    Bare,
    Missing,
    Throttled,
    Faulty,
    Broken,
    Unknown,
    Expired,
    MadeIt,
    /// The request is carried out, its answer is lost, and what asks again meets what is there.
    MadeItAndLost,
    /// The same of a request without a role, where one with a role is denied.
    MadeItWithoutRoleAndLost,
}

const ANSWERS: &[Answer] = &[
    Answer::Denied,
    Answer::ExplicitlyDenied,
    Answer::Unstated,
    Answer::KeyDenied,
    Answer::OtherDenied,
    Answer::OtherOfMadeUpDenied,
    Answer::Bare,
    Answer::Missing,
    Answer::Throttled,
    Answer::Faulty,
    Answer::Broken,
    Answer::Unknown,
    Answer::Expired,
    Answer::MadeIt,
    Answer::MadeItAndLost,
    Answer::MadeItWithoutRoleAndLost,
];

/// Every action that is tried.
fn actions() -> Vec<&'static str> {
    let controls = ["sts:GetCallerIdentity", "dynamodb:ListTables"];
    let policy = guide_policy("", "");
    let granted = probes::infos().into_iter().map(|probe| probe.action).filter(|action| policy.grants(action));
    granted.chain(controls).collect()
}

const FILTERS: &[&str] = &["dynamodb:*", "s3:*", "sagemaker:Create*", "iam:*", "logs:PutLogEvents"];

/// One invocation: what is answered otherwise, and what it asks for.
#[derive(Clone, Debug)]
struct Invocation {
    answers: BTreeMap<&'static str, Answer>,
    filter: Option<&'static str>,
}

/// The environment of a sequence of invocations.
#[derive(Clone, Debug)]
struct World {
    variables: Vec<(&'static str, &'static str)>,
    wrong_role: bool,
}

/// What can be configured.
const VARIABLES: &[(&str, &str)] = &[
    PASSED_ROLE,
    ("PROBE_DENY_CONTROL", "dynamodb:ListTables"),
    ("PROBE_OBJECT_KEY", "training/data.csv"),
    ("PROBE_TABLE_KEY", "id:S"),
    ("PROBE_REDACT", "account"),
];

const PASSED_ROLE: (&str, &str) =
    ("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role");

/// What the server has seen of one invocation.
#[derive(Default)]
struct Seen {
    times: BTreeMap<String, usize>,
    made: BTreeSet<String>,
}

fn is_creation(action: &str) -> bool {
    action.starts_with("sagemaker:Create")
}

fn answer(request: &Request, invocation: &Invocation, seen: &mut Seen) -> Act {
    let action = action_of(request);
    let time = *seen.times.entry(action.clone()).and_modify(|times| *times += 1).or_insert(0);
    let Some(answer) = invocation.answers.get(action.as_str()) else {
        return if action == "dynamodb:ListTables" { denial(&action, &action).into() } else { healthy(request).into() };
    };
    let said = |sentence: String| {
        let code = if action.starts_with("s3:") || action.starts_with("sts:") {
            "AccessDenied"
        } else {
            "AccessDeniedException"
        };
        Act::from(error_of(request, 403, code, &sentence))
    };
    let of = |action: &str, resource: &str, reason: &str| {
        said(format!("User: u is not authorized to perform: {action} on resource: {resource}{reason}"))
    };
    let made = |seen: &mut Seen| {
        seen.made.insert(action.clone());
        let body = match action.as_str() {
            "sagemaker:CreateModel" => r#"{"ModelArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m"}"#,
            "sagemaker:CreateEndpoint" => r#"{"EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"}"#,
            _ => r#"{"TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/t"}"#,
        };
        Act::from(json(body))
    };
    match answer {
        Answer::Denied => denial(&action, &action).into(),
        Answer::ExplicitlyDenied => of(&action, "r", " with an explicit deny in a service control policy"),
        Answer::Unstated => of(&action, "r", ""),
        Answer::KeyDenied => denial("kms:Decrypt", &action).into(),
        Answer::OtherDenied => denial("ec2:DescribeInstances", &action).into(),
        Answer::OtherOfMadeUpDenied => of(
            "sagemaker:AddTags",
            &format!("arn:aws:sagemaker:us-east-1:123456789012:x/{}", stub::RECORD),
            " because no identity-based policy allows the sagemaker:AddTags action",
        ),
        Answer::Bare if action.starts_with("s3:") => s3_error(403, "AccessDenied", "Access Denied").into(),
        Answer::Missing if action.starts_with("dynamodb:") => {
            json_error("ResourceNotFoundException", "Requested resource not found").into()
        }
        Answer::Missing if action.starts_with("s3:") => s3_error(404, "NoSuchBucket", "There is none.").into(),
        Answer::Throttled => error_of(request, 400, "ThrottlingException", "Rate exceeded").into(),
        Answer::Faulty => error_of(request, 500, "InternalServerError", "It failed.").into(),
        Answer::Broken => Act::Close(Vec::new()),
        Answer::Expired => error_of(request, 403, "ExpiredTokenException", "The token is expired").into(),
        Answer::MadeIt if is_creation(&action) => made(seen),
        Answer::MadeItAndLost if is_creation(&action) && time == 0 => {
            seen.made.insert(action.clone());
            Act::Close(Vec::new())
        }
        Answer::MadeItWithoutRoleAndLost if action == "sagemaker:CreateModel" => {
            let exists = "Cannot create already existing model x.";
            if request.json()["ExecutionRoleArn"].is_string() {
                of("iam:PassRole", "r", " because no identity-based policy allows the iam:PassRole action")
            } else if seen.made.insert(action) {
                Act::Close(Vec::new())
            } else {
                json_error("ValidationException", exists).into()
            }
        }
        Answer::MadeItAndLost if action == "sagemaker:CreateTrainingJob" => {
            json_error("ResourceInUse", "It exists.").into()
        }
        Answer::MadeItAndLost if is_creation(&action) => {
            let kind = if action == "sagemaker:CreateModel" { "model" } else { "endpoint" };
            json_error("ValidationException", &format!("Cannot create already existing {kind} x.")).into()
        }
        _ => error_of(request, 400, "TeapotException", "I am a teapot").into(),
    }
}

fn worlds() -> impl Strategy<Value = (World, Vec<Invocation>)> {
    let variables = proptest::sample::subsequence(VARIABLES, 0..=VARIABLES.len());
    let world = (variables, any::<bool>()).prop_map(|(variables, wrong_role)| World { variables, wrong_role });
    let one = (proptest::sample::select(actions()), proptest::sample::select(ANSWERS));
    let filter = proptest::option::weighted(0.25, proptest::sample::select(FILTERS));
    let invocation = (proptest::collection::vec(one, 0..4), filter)
        .prop_map(|(answers, filter)| Invocation { answers: answers.into_iter().collect(), filter });
    (world, proptest::collection::vec(invocation, 1..5))
}

/// What has been logged since the last time, line by line.
fn lines_of(log: &Log) -> Vec<Value> {
    log.take().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The state of each row, by the key that the history knows it by, and the actions behind which it was met.
type States = BTreeMap<(String, Option<String>), (String, Vec<String>)>;

fn states(report: &Value) -> States {
    let rows = rows(report);
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let state = |row: &Value| match row["warning"].as_str() {
        Some(warning) => format!("{} ({warning})", text(row, "verdict")),
        None => text(row, "verdict"),
    };
    let met_by = |row: &Value| -> Vec<String> {
        let actions = row["metBy"].as_array().into_iter().flatten();
        actions.map(|action| action.as_str().unwrap().to_owned()).collect()
    };
    let key = |row: &Value| (text(row, "action"), row["metBy"].is_array().then(|| text(row, "resource")));
    rows.iter().map(|row| (key(row), (state(row), met_by(row)))).collect()
}

/// What was known, is not told of, and of which the run could not have told.
fn left_over(known: &States, now: &States) -> States {
    let tells =
        |action: &String| now.get(&(action.clone(), None)).is_some_and(|(state, _)| !state.starts_with("inconclusive"));
    let is_left = |key: &(String, Option<String>), met_by: &[String]| {
        key.1.is_some() && !now.contains_key(key) && !met_by.iter().all(tells)
    };
    known
        .iter()
        .filter(|(key, (_, met_by))| is_left(key, met_by))
        .map(|(key, seen)| (key.clone(), seen.clone()))
        .collect()
}

fn is_clean(row: &Value) -> bool {
    let expected = if row["mustBeDenied"] == true { "denied" } else { "allowed" };
    row["verdict"] == expected && row["warning"].is_null()
}

/// What an environment knows of its latest complete run.
type Before = Option<(States, Value)>;

/// Holds one run to what must be true of it.
fn hold(
    invocation: &Invocation,
    response: &Value,
    metrics: &[Value],
    log: &[Value],
    made: &BTreeSet<String>,
    before: &Before,
) -> Result<(), TestCaseError> {
    let report = &response["report"];
    let rows = rows(report);
    let clean = response["statusCode"] == 200;
    let metric = |name: &str| metrics.iter().filter_map(|line| line[name].as_u64()).max();

    // The status and the alarms say the same.
    let pages = metric("Denied").unwrap_or(0) + metric("Inconclusive").unwrap_or(0) > 0;
    prop_assert_eq!(pages, !clean, "metrics {:?}", metrics);
    prop_assert_eq!(clean, rows.iter().all(is_clean));
    // What was not proven turns no alarm off.
    let all_told = rows.iter().all(|row| is_clean(row) || row["verdict"] == "denied");
    let tells_all = all_told && invocation.filter.is_none();
    prop_assert!(metric("Denied") != Some(0) || tells_all, "metrics {:?}", metrics);
    prop_assert!(metric("Inconclusive") != Some(0) || tells_all, "metrics {:?}", metrics);

    // Everything that is wrong is named, with something to do; nothing twice in one place.
    let advice = report["advice"].as_array().unwrap();
    let actions = |advice: &Value| -> Vec<String> {
        advice["actions"].as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect()
    };
    let named: BTreeSet<String> = advice.iter().flat_map(actions).collect();
    let headline = report["headline"]["text"].as_str().unwrap_or_default();
    for row in rows.iter().filter(|row| !is_clean(row)) {
        let action = row["action"].as_str().unwrap();
        prop_assert!(named.contains(action) || headline.contains(action), "{} is named nowhere: {:?}", action, advice);
    }
    for advice in advice {
        let actions = actions(advice);
        prop_assert_eq!(actions.iter().collect::<BTreeSet<_>>().len(), actions.len(), "twice: {:?}", advice);
    }
    let helps: BTreeSet<String> =
        advice.iter().filter(|advice| !advice["policy"].is_null()).flat_map(actions).collect();
    let no_use = advice.iter().filter(|advice| advice["text"].as_str().unwrap().contains("will not help"));
    for action in no_use.flat_map(actions) {
        prop_assert!(!helps.contains(&action), "{} is helped and not: {:?}", action, advice);
    }

    // What AWS has made is never passed over.
    for action in made {
        let row = rows.iter().find(|row| row["action"] == action.as_str());
        prop_assert!(
            row.is_none_or(|row| row["warning"] == "sideEffect" || row["verdict"] != "allowed"),
            "{} made something: {:?}",
            action,
            row
        );
    }

    // A change between two complete runs is told once; what a filtered run finds changes nothing.
    let states = states(report);
    let warnings: Vec<&Value> = log.iter().filter(|line| line["level"] == "WARN").collect();
    let changes = warnings.iter().filter(|line| line["kind"] == "check" && line["change"].is_string()).count();
    let Some((known, code)) = before else {
        prop_assert!(clean || warnings.iter().any(|line| line["kind"] == "check"), "the first run: {:?}", log);
        return Ok(());
    };
    let mut expected =
        states.iter().filter(|(key, state)| known.get(*key).is_some_and(|before| before.0 != state.0)).count();
    if invocation.filter.is_none() {
        let gone = known.keys().filter(|key| key.1.is_some() && !states.contains_key(*key)).count();
        expected += gone - left_over(known, &states).len();
        let moved = *code != response["statusCode"];
        let run = warnings.iter().any(|line| line["kind"] == "run");
        prop_assert!(!moved || run, "the status changed, and nobody hears of it: {:?}", log);
    }
    prop_assert_eq!(changes, expected, "{:?}\n{:?}\n{:?}", known, states, warnings);
    if states == *known && *code == response["statusCode"] && clean {
        prop_assert!(warnings.is_empty(), "nothing has changed, and all is well: {:?}", warnings);
    }
    Ok(())
}

#[test]
fn every_run_keeps_what_must_be_true_of_it() {
    // `PROBE_RUNS=20000` for the long run.
    let runs: usize = std::env::var("PROBE_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(400);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig {
        // A case has two and a half runs on the average, and at least one.
        cases: u32::try_from(runs).unwrap() / 2,
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let held = runner.run(&worlds(), |(world, invocations)| {
        let current = Arc::new(Mutex::new((invocations[0].clone(), Seen::default())));
        let shared = current.clone();
        let wrong_role = world.wrong_role;
        let stub = Stub::start(move |request: &Request| {
            let (invocation, seen) = &mut *shared.lock().unwrap();
            if wrong_role
                && action_of(request) == "sts:GetCallerIdentity"
                && !invocation.answers.contains_key("sts:GetCallerIdentity")
            {
                return stub::identity("another-role").into();
            }
            answer(request, invocation, seen)
        });
        // The first of a name counts.
        let rest = [
            ("PROBE_ASSUME_ROLE_ARN", ""),
            ("PROBE_SAGEMAKER_ROLE_ARN", ""),
            ("PROBE_METRICS", "run"),
            ("PROBE_TIMEOUT_MS", "2000"),
        ];
        let variables: Vec<_> = world.variables.iter().copied().chain(rest).collect();
        let config = stub::config_with(&variables);
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = written.clone();
        let app = stub.app(config).with_metrics_to(move |lines| sink.lock().unwrap().extend_from_slice(lines));
        let log = Log::start();
        let mut before: Before = None;
        for invocation in &invocations {
            // What needs a role to pass is no filter without one.
            let filter =
                invocation.filter.filter(|filter| world.variables.contains(&PASSED_ROLE) || *filter != "iam:*");
            let invocation = Invocation { filter, ..invocation.clone() };
            *current.lock().unwrap() = (invocation.clone(), Seen::default());
            let mut context = Context::default();
            context.invoked_function_arn = FUNCTION_ARN.into();
            let options = match filter {
                Some(filter) => json!({"verbose": true, "actions": [filter]}),
                None => json!({"verbose": true}),
            };
            let response =
                runtime.block_on(app.handle(LambdaEvent::new(Event(Ok(json!({ "probe": options }))), context)));
            let response = serde_json::to_value(response).unwrap();
            let lines = String::from_utf8(std::mem::take(&mut *written.lock().unwrap())).unwrap();
            let metrics: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let made = current.lock().unwrap().1.made.clone();
            hold(&invocation, &response, &metrics, &lines_of(&log), &made, &before)?;
            if filter.is_none() {
                let mut known = states(&response["report"]);
                known.extend(before.map(|(before, _)| left_over(&before, &known)).unwrap_or_default());
                before = Some((known, response["statusCode"].clone()));
            }
            done.set(done.get() + 1);
        }
        Ok(())
    });
    if let Err(error) = held {
        panic!("{error}");
    }
    println!("{} runs, each as it must be", done.get());
}
