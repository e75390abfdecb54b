//! What a report says in sentences: the response's body, the lines of the log, the reason that a deployment gets.

use crate::diagnosis::wording::article;
use crate::finding::Conformity;
use crate::iam::denial::Kind;
use crate::judge::Verdict;
use crate::report::json::{Coverage, Denial, Report, Row};

/// The whole report in a few plain sentences: what is wrong, and how much is not.
pub fn describe_outcome(report: &Report) -> String {
    let mut sentences: Vec<String> = report.problems.iter().map(|problem| format!("{}.", problem.sentence)).collect();
    if !report.is_tried {
        sentences.push("Nothing was checked.".to_owned());
        return sentences.join(" ");
    }
    let wrong = report.wrong();
    match &report.headline {
        Some(headline) => sentences.push(headline.text.clone()),
        None => sentences.extend(report.other_principal.clone()),
    }
    match wrong.as_slice() {
        [] => {}
        [one] if report.headline.is_none() => sentences.push(describe_row(one)),
        several => sentences.push(list_actions(several, report.headline.is_none())),
    }
    sentences.push(count_checks(report));
    sentences.extend(describe_coverage(report));
    sentences.join(" ")
}

/// How the run stands to the policy, in one line: `as specified`, or what is missing, in excess or not provable.
pub fn describe_conformity(report: &Report) -> String {
    let rows: Vec<&Row> = report.rows.iter().collect();
    let groups = [
        ("missing", actions_of(&rows, |row| row.conformity == Conformity::Missing)),
        ("excess", actions_of(&rows, |row| row.conformity == Conformity::Excess)),
        ("flawed", actions_of(&rows, |row| matches!(row.conformity, Conformity::Flawed(_)))),
        ("not provable", actions_of(&rows, |row| matches!(row.conformity, Conformity::Unknown(_)))),
        ("not covered", each_once(report.not_covered.iter().map(|left_out| left_out.action.as_str()))),
    ];
    let told: Vec<_> = groups
        .into_iter()
        .filter(|(_, actions)| !actions.is_empty())
        .map(|(what, actions)| format!("{what}: {}", actions.join(", ")))
        .collect();
    if told.is_empty() { "as specified".to_owned() } else { told.join("; ") }
}

/// How much of a policy of the user's own was checked, where that is not all of it.
fn describe_coverage(report: &Report) -> Option<String> {
    let coverage = report.coverage.filter(|coverage| coverage.checked < coverage.of)?;
    let actions = each_once(report.not_covered.iter().map(|left_out| left_out.action.as_str()));
    let Coverage { checked, of } = coverage;
    Some(format!("Checked {checked} of {of} that the policy says. Not covered: {}.", actions.join(", ")))
}

fn each_once<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut each: Vec<&str> = Vec::new();
    for text in texts {
        if !each.contains(&text) {
            each.push(text);
        }
    }
    each
}

/// How many of the checks are as specified. What AWS denied while another action was called is no check; the
/// action that was called then counts as not as specified.
fn count_checks(report: &Report) -> String {
    let broken: Vec<_> = report.wrong().iter().flat_map(|row| row.called_by.clone()).collect();
    let checks = || report.rows.iter().filter(|row| !row.is_dependent());
    let is_well = |row: &&Row| row.is_as_specified() && !broken.contains(&row.action.as_str());
    let asked = if report.is_filtered { " that were asked for" } else { "" };
    match (checks().count(), checks().filter(is_well).count()) {
        (1, 1) => "The one check is as specified.".to_owned(),
        (1, _) => "The one check is not as specified.".to_owned(),
        (all, clean) if all == clean => format!("All {all} checks{asked} are as specified."),
        (all, 1) => format!("1 of {all} checks{asked} is as specified."),
        (all, clean) => format!("{clean} of {all} checks{asked} are as specified."),
    }
}

/// The actions of rows, by what is wrong with them; with the reason of the denials, where that is asked for and is one.
pub fn list_actions(rows: &[&Row], with_reason: bool) -> String {
    let mut reasons: Vec<_> =
        rows.iter().filter(|row| row.conformity == Conformity::Missing).map(|row| describe_reason(row)).collect();
    reasons.dedup();
    let reason = match reasons.as_slice() {
        [Some(one)] if with_reason => format!(" ({})", one.replace(" it", " them")),
        _ => String::new(),
    };
    let groups = [
        (format!("Denied{reason}"), actions_of(rows, |row| row.conformity == Conformity::Missing)),
        ("Allowed, but must be denied".to_owned(), actions_of(rows, |row| row.conformity == Conformity::Excess)),
        ("Allowed, with a warning".to_owned(), actions_of(rows, |row| matches!(row.conformity, Conformity::Flawed(_)))),
        ("Inconclusive".to_owned(), actions_of(rows, |row| matches!(row.conformity, Conformity::Unknown(_)))),
    ];
    let list = |(what, actions): (String, Vec<&str>)| {
        (!actions.is_empty()).then(|| format!("{what}: {}.", actions.join(", ")))
    };
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
    let on = format!("{on}{}", describe_callers(row));
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

/// The actions that were called when AWS denied this one, as the end of a clause.
fn describe_callers(row: &Row) -> String {
    match row.called_by.as_slice() {
        [] => String::new(),
        [one] => format!(" while {one} was called"),
        [first @ .., last] => format!(" while {} and {last} were called", first.join(", ")),
    }
}

/// What is wrong with a row, in sentences that stand below its action and its resource.
pub fn describe_details(row: &Row) -> Vec<String> {
    let matched = row.denial.iter().filter_map(|denial| denial.details.as_ref()).flat_map(|details| {
        let matched = details.matched.iter().map(|matched| {
            let sid = matched.sid.as_ref().map(|sid| format!(", statement {sid}")).unwrap_or_default();
            format!("AWS matched the policy {}{sid}.", matched.policy)
        });
        matched.chain(details.note.clone())
    });
    if row.is_dependent() {
        // Its note says no more than this.
        return std::iter::once(describe_row(row)).chain(matched).collect();
    }
    let reason = match row.conformity {
        Conformity::Missing => describe_reason(row).map(|reason| format!("{}.", capitalize(&reason))),
        Conformity::Excess => Some("It must be denied.".to_owned()),
        // Their notes say it.
        Conformity::Flawed(_) | Conformity::AsSpecified => None,
        Conformity::Unknown(cause) => row.note.is_none().then(|| format!("{}.", capitalize(cause.meaning()))),
    };
    reason.into_iter().chain(row.note.clone()).chain(matched).collect()
}

/// The page of the AWS console that explains a denial.
pub fn details_link(row: &Row) -> Option<&str> {
    row.denial.as_ref()?.details_link.as_deref()
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
