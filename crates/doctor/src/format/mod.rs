//! One result in six formats.

pub mod github;
mod junit;
mod markdown;
mod matrix;
mod sarif;

use std::fmt::Write;
use std::path::Path;

use permissions_core::finding::Conformity;
use permissions_core::judge::Verdict;
use permissions_core::place::NAME_PREFIX;
use permissions_core::report::Rendered;
use permissions_core::report::json::Row;
use permissions_core::report::sentence::{describe_details, describe_row};
use permissions_core::report::text::{self, Layout};
use serde_json::{Value, json};

use crate::check::exit_of;
use crate::cli::Format;
use crate::{Exit, without_commands};

/// The report of one role, or of the caller.
#[derive(Debug)]
pub struct Checked {
    /// The ARN of the role that was assumed, masked where that is asked for.
    pub role: Option<String>,
    pub rendered: Rendered,
    /// What it is called beside the others.
    pub label: String,
}

/// Writes what was found. `files` are what the checks were read from.
pub fn write(format: Format, checked: &[Checked], files: &[&Path], layout: Layout) -> String {
    match format {
        Format::Text => without_commands(&write_text(checked, layout)),
        Format::Json => write_json(checked),
        Format::Junit => junit::write(checked),
        Format::Sarif => format!("{}\n", sarif::write(checked, files)),
        Format::Github => github::write(checked, files),
        Format::Markdown => markdown::write(checked),
    }
}

fn write_text(checked: &[Checked], layout: Layout) -> String {
    if let [one] = checked {
        return text::render(&one.rendered.json, layout);
    }
    let mut text = matrix::write(checked);
    // A green says what it leaves out, too.
    let has_more = |one: &&Checked| {
        let report = &one.rendered.report;
        report.verdict != Verdict::Allowed || report.has_reservations() || !report.advisories.is_empty()
    };
    for one in checked.iter().filter(has_more) {
        let _ = write!(text, "\n── {} ──\n\n{}", one.label, text::render(&one.rendered.json, layout));
    }
    text
}

/// The function's report as the function writes it.
fn write_json(checked: &[Checked]) -> String {
    match checked {
        [one] => format!("{}\n", one.rendered.json.to_json()),
        several => format!("{}\n", to_json(several)),
    }
}

/// The function's report; of several roles, one of each.
pub fn to_json(checked: &[Checked]) -> Value {
    let report = |one: &Checked| serde_json::to_value(&one.rendered.json).unwrap_or_default();
    if let [one] = checked {
        return report(one);
    }
    let roles: Vec<_> = checked.iter().map(|one| json!({"role": one.role, "report": report(one)})).collect();
    let verdict = match exit_of(checked) {
        Exit::Denied => Verdict::Denied,
        Exit::Excess => Verdict::Excess,
        Exit::AsSpecified => Verdict::Allowed,
        _ => Verdict::Inconclusive,
    };
    json!({"schema": "permissions-doctor/v1", "verdict": verdict, "roles": roles})
}

/// What a row says, in the formats that show a test or a finding for each.
pub struct Told<'a> {
    pub row: &'a Row,
    pub kind: Kind,
    /// The action and the resource.
    pub name: String,
    pub sentence: String,
    /// All that is known beyond that.
    pub details: String,
}

/// How a row stands to what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    AsSpecified,
    Denied,
    /// Allowed, and must not be; whether that fails the check.
    Excess {
        fails: bool,
    },
    Inconclusive,
    /// Allowed, with a warning.
    Flawed,
}

impl Kind {
    pub const fn id(self) -> &'static str {
        match self {
            Self::AsSpecified => "asSpecified",
            Self::Denied => "denied",
            Self::Excess { .. } => "excess",
            Self::Inconclusive => "inconclusive",
            Self::Flawed => "warning",
        }
    }
}

/// The rows of a report, each with what it says.
pub fn told(one: &Checked) -> Vec<Told<'_>> {
    let is_strict = one.rendered.report.run().is_some_and(permissions_core::diagnosis::Run::is_strict);
    one.rendered
        .json
        .rows
        .iter()
        .map(|row| {
            let kind = match row.conformity {
                Conformity::AsSpecified => Kind::AsSpecified,
                Conformity::Missing => Kind::Denied,
                Conformity::Excess => Kind::Excess { fails: is_strict },
                Conformity::Unknown(_) => Kind::Inconclusive,
                Conformity::Flawed(_) => Kind::Flawed,
            };
            let resource =
                row.resource.as_deref().map(|resource| format!(" on {}", generalize(resource))).unwrap_or_default();
            let mut details = describe_details(row);
            if let Some(message) = &row.message {
                details.push(format!(
                    "AWS: {}{message}",
                    row.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default()
                ));
            }
            Told {
                row,
                kind,
                name: format!("{}{resource}", row.action),
                sentence: describe_row(row),
                details: details.join("\n"),
            }
        })
        .collect()
}

/// A resource without what makes a made-up name another one in each run.
pub fn generalize(resource: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (index, part) in resource.split(NAME_PREFIX).enumerate() {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let is_made_up = index > 0 && digits == 16;
        parts.push(if is_made_up { format!("*{}", &part[16..]) } else { part.to_owned() });
    }
    parts.join(NAME_PREFIX)
}

/// What to do about an action, from the advice of a report: the texts, the policies and the commands.
pub fn advice_for(one: &Checked, action: &str) -> String {
    let about =
        one.rendered.json.advice.iter().filter(|advice| {
            advice.actions.is_empty() || advice.actions.iter().any(|of| of.eq_ignore_ascii_case(action))
        });
    let each = about.map(|advice| {
        let policies =
            advice.policy.iter().chain(&advice.trust_policy).map(|policy| format!("\n{}", policy.to_pretty_json()));
        let command = advice.command.iter().map(|command| format!("\n{command}"));
        format!("{}{}", advice.text, policies.chain(command).collect::<String>())
    });
    each.collect::<Vec<_>>().join("\n\n")
}

/// Where an action is named: in which of the files, and on which line, from 1.
pub fn place_of<'a>(files: &[&'a Path], action: &str) -> Option<(&'a Path, usize)> {
    let read = |file: &&'a Path| Some((*file, std::fs::read_to_string(file).ok()?));
    let texts: Vec<(&Path, String)> = files.iter().filter_map(read).collect();
    let names = |text: &str| text.to_ascii_lowercase().contains(&action.to_ascii_lowercase());
    let (file, text) = texts.iter().find(|(_, text)| names(text)).or(texts.first())?;
    Some((file, line_of(text, action)))
}

/// Where in a file an action is named: the line, from 1.
pub fn line_of(text: &str, action: &str) -> usize {
    let quoted = |line: &str| line.to_ascii_lowercase().contains(&action.to_ascii_lowercase());
    let named = text.lines().position(quoted);
    let service = action.split(':').next().unwrap_or(action);
    // A wildcard such as "s3:Get*" or "s3:*" names it as well.
    let wild = || text.lines().position(|line| line.contains(&format!("{service}:")) && line.contains('*'));
    named.or_else(wild).map_or(1, |index| index + 1)
}
