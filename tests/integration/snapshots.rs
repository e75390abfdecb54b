//! Whole responses and the log lines of whole runs, kept as they are written:
//! the contract with whoever reads them. `INSTA_UPDATE=always` writes them anew.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use permissions_probe::response::Output;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;

use lambda_runtime::LambdaEvent;
use serde_json::json;

use crate::harness::{FUNCTION_ARN, Request, Stub, action_of, config_with, denial, healthy};
use crate::log::{Log, hear_every_thread};
use crate::root_causes::{CAUSES, cause, run};

thread_local! {
    /// The latest response of this test, in the order of its keys.
    static LATEST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps a response as it goes out.
pub fn keep(response: &Output) {
    LATEST.set(serde_json::to_string_pretty(response).unwrap());
}

/// A text without what differs from run to run: durations and times.
fn normalized(text: &str) -> String {
    let mut normalized = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        for (key, end) in [("\"durationMs\":", [',', '}']), ("\"timestamp\":\"", ['"', '"'])] {
            if let Some(at) = line.find(key) {
                let start = at + key.len();
                let length = line[start..].find(end).unwrap_or(line.len() - start);
                line.replace_range(start..start + length, if end[0] == '"' { "…" } else { "0" });
            }
        }
        normalized.push_str(&line);
        normalized.push('\n');
    }
    normalized
}

fn assert_frozen(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, normalized(text)));
}

/// Runs, and holds the response and the log to the snapshots of this name.
async fn freeze<T>(name: &str, ran: Pin<Box<dyn Future<Output = T>>>) {
    let log = Log::start();
    ran.await;
    assert_frozen(&format!("response-{name}"), &LATEST.take());
    assert_frozen(&format!("log-{name}"), &log.take());
}

#[tokio::test]
async fn the_response_and_the_log_of_each_root_cause_are_as_they_were() {
    for name in CAUSES {
        freeze(&name.replace(' ', "-"), Box::pin(cause(name))).await;
    }
}

/// Everything that can be named for better proofs.
const EVERYTHING: &[(&str, &str)] = &[
    ("PROBE_TABLE_KEY", "id:S"),
    ("PROBE_TRAINING_JOB_NAME", "train-1"),
    ("PROBE_OBJECT_KEY", "training/data.csv"),
    ("PROBE_ENDPOINT_NAME", "prod"),
];

#[tokio::test]
async fn the_response_and_the_log_of_a_success_are_as_they_were() {
    freeze("success", Box::pin(run(&[], healthy))).await;
    freeze("success-with-everything-named", Box::pin(run(EVERYTHING, healthy))).await;
}

#[tokio::test]
async fn the_response_that_a_test_event_gets_is_as_it_was() {
    let stub = Stub::start(|request: &Request| match action_of(request).as_str() {
        action @ ("dynamodb:PutItem" | "dynamodb:ListTables") => denial(action, action),
        _ => healthy(request),
    });
    let config = config_with(&[
        ("PROBE_DENY_CONTROL", "dynamodb:ListTables"),
        ("PROBE_SAGEMAKER_ROLE_ARN", ""),
        ("PROBE_ASSUME_ROLE_ARN", ""),
    ]);
    let mut context = lambda_runtime::Context::default();
    context.invoked_function_arn = FUNCTION_ARN.into();
    keep(&stub.app(config).handle(LambdaEvent::new(permissions_core::event::Event(Ok(json!({}))), context)).await);
    assert_frozen("response-brief", &LATEST.take());
}

/// The fields and the kinds of every event of the log.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<(BTreeSet<String>, BTreeSet<String>)>>);

#[derive(Default)]
struct Kind(Option<String>);

impl Visit for Kind {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "kind" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber> Layer<S> for Names {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("permissions_probe") {
            return;
        }
        let mut kind = Kind::default();
        event.record(&mut kind);
        let (fields, kinds) = &mut *self.0.lock().unwrap();
        // All that the event can have, whether it has a value this time or not.
        let names = event.metadata().fields().iter().map(|field| field.name().to_owned());
        fields.extend(names.filter(|name| name != "message"));
        kinds.extend(kind.0);
    }
}

/// The names of the fields and the kinds of the lines that the function logs.
pub async fn every_field_and_kind() -> (BTreeSet<String>, BTreeSet<String>) {
    let names = Names::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(names.clone()));
    let _second = hear_every_thread();
    cause("wrongRole").await;
    run(&[("PROBE_ENDPOINT_NAME", "prod")], healthy).await;
    run(&[("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::111122223333:role/r")], healthy).await;
    permissions_probe::telemetry::log_gate("CloudFormation", true, "", "");
    drop(guard);
    let (fields, kinds) = names.0.lock().unwrap().clone();
    (fields, kinds)
}
