//! Whole responses and the log lines of whole runs, kept as they are written:
//! the contract with whoever reads them. `INSTA_UPDATE=always` writes them anew.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::gallery::{CAUSES, cause, run};
use crate::report::Response;
use crate::stub::healthy;

thread_local! {
    /// The latest response of this test, in the order of its keys.
    static LATEST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps a response as it goes out.
pub fn keep(response: &Response) {
    let text = serde_json::to_string_pretty(response).unwrap();
    let report = response.report.as_ref().map(|report| serde_json::to_string(&report.to_json()).unwrap());
    // The body of a report is the report once more.
    let text = report.map_or(text.clone(), |report| text.replace(&report, "\"(the report)\""));
    LATEST.set(text);
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
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
async fn freeze<T>(name: &str, ran: impl Future<Output = T>) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    ran.await;
    drop(guard);
    assert_frozen(&format!("response-{name}"), &LATEST.take());
    assert_frozen(&format!("log-{name}"), &String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
}

#[tokio::test]
async fn the_response_and_the_log_of_each_root_cause_are_as_they_were() {
    for name in CAUSES {
        freeze(&name.replace(' ', "-"), cause(name)).await;
    }
}

#[tokio::test]
async fn the_response_and_the_log_of_a_success_are_as_they_were() {
    freeze("success", run(&[], healthy)).await;
    const EVERYTHING: &[(&str, &str)] = &[
        ("PROBE_TABLE_KEY", "id:S"),
        ("PROBE_TRAINING_JOB_NAME", "train-1"),
        ("PROBE_OBJECT_KEY", "training/data.csv"),
        ("PROBE_ENDPOINT_NAME", "prod"),
    ];
    freeze("success-with-everything-named", run(EVERYTHING, healthy)).await;
}
