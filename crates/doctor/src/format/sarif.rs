//! SARIF 2.1.0 (OASIS), with what GitHub's code scanning asks for beyond it: a location in a file of the repository, a
//! fingerprint, texts of the rules, and a severity.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::{Checked, Kind, advice_for, place_of, told};

/// What is found, by its id: a title, what it means, its level, and how severe it is, from 0.1 to 10.
const RULES: &[(&str, &str, &str, &str, &str)] = &[
    ("denied", "An action is denied", "AWS denied an action that the policy allows.", "error", "7.0"),
    ("excess", "More is allowed than the policy says", "AWS allowed what must be denied.", "warning", "8.0"),
    (
        "inconclusive",
        "It cannot be told whether an action is allowed",
        "AWS's answer proves neither that the action is allowed nor that it is denied.",
        "warning",
        "3.0",
    ),
    (
        "warning",
        "An action is allowed, and something is wrong",
        "The action is allowed, and what it works on is not as it should be.",
        "warning",
        "3.0",
    ),
    ("notCovered", "An action was not tried", "No check tells whether AWS allows what the policy says.", "note", "1.0"),
];

const HELP: &str = "See the message of the result for what to do.";
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub fn write(checked: &[Checked], files: &[&Path]) -> Value {
    let mut results = Vec::new();
    for one in checked {
        let role = one.label.clone();
        for told in told(one).iter().filter(|told| told.kind != Kind::AsSpecified) {
            let advice = advice_for(one, &told.row.action);
            let message = [told.sentence.as_str(), &told.details, &advice].join("\n\n");
            let level = match told.kind {
                Kind::Excess { fails: true } => Some("error"),
                _ => None,
            };
            results.push(result(told.kind.id(), level, &message, (&told.row.action, &told.name), &role, files));
        }
        for left_out in &one.rendered.json.not_covered {
            let name = format!("{} on {}", left_out.action, left_out.resource);
            let message = format!("{name} was not tried: {}.", left_out.reason);
            results.push(result("notCovered", None, &message, (&left_out.action, &name), &role, files));
        }
    }
    let rules: Vec<_> = RULES
        .iter()
        .map(|(id, title, meaning, level, severity)| {
            json!({
                "id": id,
                "name": title,
                "shortDescription": {"text": title},
                "fullDescription": {"text": meaning},
                "help": {"text": HELP},
                "defaultConfiguration": {"level": level},
                "properties": {"security-severity": severity, "tags": ["security"]},
            })
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "permissions-doctor",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": {"id": "permissions-doctor/"},
            "results": results,
        }],
    })
}

fn result(
    id: &str,
    level: Option<&str>,
    message: &str,
    (action, name): (&str, &str),
    role: &str,
    files: &[&Path],
) -> Value {
    let index = RULES.iter().position(|(known, ..)| *known == id).unwrap_or_default();
    let default = RULES[index].3;
    let (file, line) = place_of(files, action).unwrap_or((Path::new("permissions"), 1));
    json!({
        "ruleId": id,
        "ruleIndex": index,
        "level": level.unwrap_or(default),
        "message": {"text": message.trim()},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri_of(file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": 2},
        }}],
        // The same finding has the same one in every run, wherever in the file it stands.
        "partialFingerprints": {"primaryLocationLineHash": format!("{:016x}:1", hash(&[id, role, name]))},
    })
}

/// A path as a URI that is relative to the repository.
fn uri_of(file: &Path) -> String {
    let path = file.to_string_lossy().replace('\\', "/");
    let path = path.trim_start_matches("./");
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// The hash function FNV-1a.
fn hash(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
