//! Annotations of GitHub Actions, and the job's summary (GitHub Docs, "Workflow commands for GitHub Actions").

use std::io::Write;
use std::path::Path;

use super::{Checked, Kind, advice_for, markdown, place_of, told};
use crate::say;

/// The runner shows so many of each kind a step.
const MAX_ANNOTATIONS: usize = 10;
/// The runner takes no summary that is longer, in bytes.
const MAX_SUMMARY: usize = 1_048_576;

/// The annotations, and the report for who reads the log.
pub fn write(checked: &[Checked], files: &[&Path]) -> String {
    let (mut lines, mut errors, mut warnings) = (Vec::new(), 0, 0);
    for one in checked {
        let name = one.label.clone();
        for told in told(one).iter().filter(|told| told.kind != Kind::AsSpecified) {
            let (command, count) = match told.kind {
                Kind::Denied | Kind::Excess { fails: true } => ("error", &mut errors),
                _ => ("warning", &mut warnings),
            };
            *count += 1;
            if *count > MAX_ANNOTATIONS {
                continue;
            }
            let advice = advice_for(one, &told.row.action);
            let message = [told.sentence.as_str(), &told.details, &advice].join("\n");
            let place = place_of(files, &told.row.action)
                .map(|(file, line)| format!(",file={},line={line}", escape_property(&file.to_string_lossy())));
            lines.push(format!(
                "::{command} title={}{}::{}",
                escape_property(&format!("{name}: {}", told.name)),
                place.unwrap_or_default(),
                escape_message(message.trim())
            ));
        }
        // A line of it that begins with two colons would be taken for a command.
        let outcome = one.rendered.json.outcome.replace("##[", "## [");
        lines.push(format!("{name}: {}", outcome.trim_start()));
    }
    for (kind, count) in [("errors", errors), ("warnings", warnings)] {
        if count > MAX_ANNOTATIONS {
            lines.push(format!(
                "{} more {kind} are in the summary; GitHub shows {MAX_ANNOTATIONS} a step.",
                count - MAX_ANNOTATIONS
            ));
        }
    }
    lines.join("\n") + "\n"
}

/// Adds the report to the job's summary, where the runner names a file for it. Whether it was written.
pub fn write_summary(checked: &[Checked]) -> bool {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else { return true };
    let mut text = markdown::write(checked);
    if text.len() > MAX_SUMMARY {
        let note = "\n\nThe report is longer than what GitHub takes.\n";
        let end = (0..MAX_SUMMARY - note.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push_str(note);
    }
    let written = std::fs::OpenOptions::new().append(true).create(true).open(file);
    match written.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => true,
        Err(error) => {
            say(&format!("error: GITHUB_STEP_SUMMARY could not be written: {error}."));
            false
        }
    }
}

fn escape_message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_message(text).replace(':', "%3A").replace(',', "%2C")
}
