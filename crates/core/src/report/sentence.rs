//! What a report says in sentences: the response's body, the lines of the log, the reason that a deployment gets.

use crate::diagnosis::wording::article;
use crate::finding::Conformity;
use crate::iam::denial::Kind;
use crate::judge::Verdict;
use crate::report::json::{Denial, Report, Row};

/// The whole report in a few plain sentences: what is wrong, and how much is not.
pub fn describe_outcome(report: &Report) -> String {
    if !report.problems.is_empty() {
        let problems: Vec<_> = report.problems.iter().map(|problem| format!("{}.", problem.sentence)).collect();
        return format!("{} Nothing was checked.", problems.join(" "));
    }
    let wrong = report.wrong();
    let total = report.rows.len();
    let counts = match (total, total - wrong.len()) {
        (1, 1) => "The one check is as specified.".to_owned(),
        (all, clean) if all == clean => format!("All {all} checks are as specified."),
        (all, clean) => format!("{clean} of {all} checks are as specified."),
    };
    let headline = report.headline.as_ref().map(|headline| headline.text.clone());
    let actions = match wrong.as_slice() {
        [] => None,
        [one] if headline.is_none() => Some(describe_row(one)),
        several => Some(list_actions(several)),
    };
    headline.into_iter().chain(actions).chain([counts]).collect::<Vec<_>>().join(" ")
}

/// The actions of rows, by what is wrong with them.
fn list_actions(rows: &[&Row]) -> String {
    let groups = [
        ("Denied", actions_of(rows, |row| row.conformity == Conformity::Missing)),
        ("Allowed, but must be denied", actions_of(rows, |row| row.conformity == Conformity::Excess)),
        ("Allowed, with a warning", actions_of(rows, |row| matches!(row.conformity, Conformity::Flawed(_)))),
        ("Inconclusive", actions_of(rows, |row| matches!(row.conformity, Conformity::Unknown(_)))),
    ];
    let list =
        |(what, actions): (&str, Vec<&str>)| (!actions.is_empty()).then(|| format!("{what}: {}.", actions.join(", ")));
    groups.into_iter().filter_map(list).collect::<Vec<_>>().join(" ")
}

/// The actions of some rows, each once, in their order.
pub fn actions_of<'a>(rows: &[&'a Row], which: impl Fn(&Row) -> bool) -> Vec<&'a str> {
    let mut actions: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| which(row)) {
        if !actions.contains(&row.action.as_str()) {
            actions.push(&row.action);
        }
    }
    actions
}

/// What is known of one action, in a sentence.
pub fn describe_row(row: &Row) -> String {
    let action = row.action.as_str();
    let on = row.resource.as_deref().filter(|resource| *resource != "*");
    let on = on.map(|on| format!(" on {on}")).unwrap_or_default();
    match row.conformity {
        Conformity::AsSpecified if row.verdict == Verdict::Denied => {
            format!("{action} is denied{on}, as it must be.")
        }
        Conformity::AsSpecified => format!("{action} is allowed{on}."),
        Conformity::Missing => match describe_reason(row) {
            Some(reason) => format!("{action} is denied{on}: {reason}."),
            None => format!("{action} is denied{on}."),
        },
        Conformity::Flawed(_) => match &row.note {
            Some(note) => format!("{action}{on}: {note}"),
            None => format!("{action} is allowed{on}, with a warning."),
        },
        Conformity::Excess => format!("{action} is allowed{on}, and must be denied."),
        Conformity::Unknown(cause) => format!("{action} is inconclusive{on}: {}.", cause.meaning()),
    }
}

/// What is wrong with a row, in sentences that stand below its action and its resource.
pub fn describe_details(row: &Row) -> Vec<String> {
    let reason = match row.conformity {
        Conformity::Missing => describe_reason(row).map(|reason| format!("{}.", capitalize(&reason))),
        Conformity::Excess => Some("It must be denied.".to_owned()),
        // Their notes say it.
        Conformity::Flawed(_) | Conformity::AsSpecified => None,
        Conformity::Unknown(cause) => row.note.is_none().then(|| format!("{}.", capitalize(cause.meaning()))),
    };
    reason.into_iter().chain(row.note.clone()).collect()
}

/// By which policy an action is denied, as a clause, where that is known.
fn describe_reason(row: &Row) -> Option<String> {
    row.denial.as_ref().map(describe_policy)
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn describe_policy(denial: &Denial) -> String {
    let arn = denial.policy_arn.as_ref().map(|arn| format!(" {arn}")).unwrap_or_default();
    match (denial.kind, denial.policy_type, denial.setting) {
        (_, _, Some(setting)) => format!("the setting {setting} denies it"),
        (Kind::Implicit, Some(policy), _) => format!("no {policy} allows it"),
        (Kind::Implicit, None, _) => "no policy allows it".to_owned(),
        (Kind::Explicit, Some(policy), _) => format!("{} {policy}{arn} explicitly denies it", article(policy)),
        (Kind::Explicit, None, _) => {
            format!("a policy{arn} explicitly denies it, and AWS does not state of which type")
        }
        (Kind::Unstated, ..) => "AWS does not say by which policy".to_owned(),
    }
}
