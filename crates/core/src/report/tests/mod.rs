//! Whole reports, as they are written: a scenario a snapshot, and in it what is
//! not as it should be. `INSTA_UPDATE=always cargo test -p permissions-core` writes them anew.

mod denials;
mod headlines;
mod html;
mod links;
mod properties;
mod rendering;
mod roles;
mod sentences;
mod text;
mod unanswered;
mod verdicts;
mod warnings;

use serde_json::{Map, Value};

use crate::diagnosis::Run;
use crate::fixtures::{VOICE, report};
use crate::report::{Report, json};

/// The report as JSON.
fn json_of(report: &Report, masks: bool) -> Value {
    serde_json::to_value(json::Report { in_full: true, ..json::Report::render(report, VOICE, masks) }).unwrap()
}

/// The report with its texts rendered, as people get it.
fn rendered(run: Run) -> json::Report {
    json::Report::render(&report(run), VOICE, false)
}

/// Every row of a report in full, those that are not as specified first.
fn rows(json: &Value) -> Vec<&Value> {
    let lists = ["wrong", "allowed", "deniedAsSpecified"].iter().filter_map(|list| json.get(list));
    lists.flat_map(|list| list.as_array().unwrap()).collect()
}

/// The first row of an action.
fn row_of<'a>(json: &'a Value, action: &str) -> &'a Value {
    rows(json).into_iter().find(|row| row["action"] == action).unwrap()
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
    for row in json["wrong"].as_array().unwrap() {
        let (name, said) = show_row(row);
        match groups.iter_mut().find(|(known, _)| *known == said) {
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
    let (action, resource) = (said.remove("action").unwrap(), said.remove("resource").unwrap_or_default());
    let is_denial = said.contains_key("denial");
    said.retain(|name, _| match name.as_str() {
        "awsRequestId" | "durationMs" | "proof" => false,
        "message" => !is_denial,
        _ => true,
    });
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
