//! Whole reports, as they are written: a scenario a snapshot, and in it what is
//! not as it should be. `INSTA_UPDATE=always cargo test -p permissions-core` writes them anew.

mod denials;
mod headlines;
mod properties;
mod rendering;
mod roles;
mod unanswered;
mod verdicts;
mod warnings;

use serde_json::{Map, Value};

use crate::diagnosis::Run;
use crate::fixtures::{VOICE, report};
use crate::report::{Report, json};

/// The report as JSON.
fn json_of(report: &Report, masks: bool) -> Value {
    serde_json::to_value(json::Report::render(report, VOICE, masks)).unwrap()
}

/// What a reader of the report looks at: the rows that are not clean, and all that is said of them.
fn show_report(report: &Report, masks: bool) -> String {
    let json = json_of(report, masks);
    let mut shown = Map::new();
    let summary = &json["summary"];
    let summary = ["allowed", "denied", "inconclusive"].map(|name| format!("{} {name}", summary[name]));
    shown.insert("status".to_owned(), report.status().into());
    shown.insert("verdict".to_owned(), json["verdict"].clone());
    shown.insert("summary".to_owned(), summary.join(", ").into());
    for name in ["headline", "problems"] {
        shown.extend(json.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let mut groups: Vec<(Map<String, Value>, Vec<String>)> = Vec::new();
    for (row, finding) in json["actions"].as_array().unwrap().iter().zip(report.findings()) {
        let (name, said) = show_row(row);
        match groups.iter_mut().find(|(known, _)| *known == said) {
            _ if finding.is_clean() => {}
            Some((_, names)) => names.push(name),
            None => groups.push((said, vec![name])),
        }
    }
    let rows = groups.into_iter().map(|(mut said, names)| {
        said.insert("of".to_owned(), if names.len() == 1 { names[0].clone().into() } else { names.into() });
        Value::from(said)
    });
    shown.insert("rows".to_owned(), rows.collect());
    shown.insert("advice".to_owned(), json["advice"].as_array().unwrap().iter().map(show_advice).collect());
    if let Some(advisories) = json.get("advisories") {
        shown.insert("advisories".to_owned(), advisories.as_array().unwrap().iter().map(show_advice).collect());
    }
    serde_json::to_string_pretty(&shown).unwrap()
}

/// What a row is about, and what it says beyond that: without what is the same in every scenario, and without
/// AWS's sentence where its parts are there.
fn show_row(row: &Value) -> (String, Map<String, Value>) {
    let mut said = row.as_object().unwrap().clone();
    let (action, resource) = (said.remove("action").unwrap(), said.remove("resource").unwrap());
    let is_denial = said.get("denial").is_some_and(|denial| !denial.is_null());
    said.retain(|name, value| match name.as_str() {
        "awsRequestId" | "durationMs" | "proof" => false,
        "message" => !is_denial && !value.is_null(),
        _ => !value.is_null(),
    });
    if let Some(Value::Object(denial)) = said.get_mut("denial") {
        denial.retain(|name, value| match name.as_str() {
            "action" => *value != action,
            "resource" => *value != resource,
            _ => !value.is_null(),
        });
    }
    let name = format!("{} on {}", action.as_str().unwrap(), resource.as_str().unwrap_or("nothing that is named"));
    (name, said.into_iter().map(|(name, value)| (name, on_one_line(value))).collect())
}

/// Advice with each policy on one line.
fn show_advice(advice: &Value) -> Value {
    let advice = advice.as_object().unwrap().clone();
    advice.into_iter().map(|(name, value)| (name, on_one_line(value))).collect::<Map<_, _>>().into()
}

fn on_one_line(value: Value) -> Value {
    match &value {
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ").into()
        }
        Value::Object(_) => value.to_string().replace('"', "'").into(),
        _ => value,
    }
}

/// What a reader of a run's report looks at.
fn show(run: Run) -> String {
    show_report(&report(run), false)
}

/// Compares a text with the snapshot of the test's name.
macro_rules! assert_snapshot {
    ($text:expr) => {
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!($text)
        })
    };
}

use assert_snapshot;
