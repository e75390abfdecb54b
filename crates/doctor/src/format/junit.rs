//! `JUnit` XML, as Jenkins' xUnit plugin and GitLab read it: a suite a role, and a test an action on a resource.
//!
//! What is denied fails. What cannot be told is an error. What is not covered is skipped.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Checked, Kind, advice_for, told};

/// Takes an attribute of the root away that the crate writes and Jenkins' schema does not know.
fn without_skipped(text: &str) -> String {
    let Some((start, rest)) = text.split_once("<testsuites ") else { return text.to_owned() };
    let Some((attributes, rest)) = rest.split_once('>') else { return text.to_owned() };
    let kept: Vec<_> = attributes.split(' ').filter(|attribute| !attribute.starts_with("skipped=")).collect();
    format!("{start}<testsuites {}>{rest}", kept.join(" "))
}

pub fn write(checked: &[Checked]) -> String {
    let mut report = Report::new("permissions-doctor");
    for one in checked {
        let name = one.label.clone();
        let mut suite = TestSuite::new(name.clone());
        let json = &one.rendered.json;
        suite.set_time(Duration::from_millis(json.duration_ms));
        for (key, value) in
            [("region", json.region.as_deref()), ("principal", json.principal.as_ref().map(|it| it.arn.as_str()))]
        {
            if let Some(value) = value {
                suite.add_property(Property::new(key, value));
            }
        }
        suite.add_property(Property::new("verdict", json.verdict.name()));
        suite.add_property(Property::new("outcome", json.outcome.clone()));
        let mut names: Vec<String> = Vec::new();
        for told in told(one) {
            // GitLab counts the first of a name only.
            let same = names.iter().filter(|known| **known == told.name).count();
            names.push(told.name.clone());
            let case_name = if same == 0 { told.name.clone() } else { format!("{} ({})", told.name, same + 1) };
            let failed = |kind: NonSuccessKind| {
                let mut status = TestCaseStatus::non_success(kind);
                status.set_message(told.sentence.clone()).set_type(told.kind.id());
                let advice = advice_for(one, &told.row.action);
                status.set_description(
                    [told.sentence.clone(), told.details.clone(), advice].join("\n\n").trim().to_owned(),
                );
                status
            };
            let status = match told.kind {
                Kind::AsSpecified | Kind::Excess { fails: false } => TestCaseStatus::success(),
                Kind::Denied | Kind::Excess { fails: true } => failed(NonSuccessKind::Failure),
                Kind::Inconclusive | Kind::Flawed => failed(NonSuccessKind::Error),
            };
            let mut case = TestCase::new(case_name, status);
            case.set_classname(name.clone());
            case.set_time(Duration::from_millis(told.row.duration_ms));
            if told.kind == (Kind::Excess { fails: false }) {
                case.set_system_out(told.sentence.clone());
            }
            suite.add_test_case(case);
        }
        for left_out in &json.not_covered {
            let mut status = TestCaseStatus::skipped();
            status.set_message(left_out.reason.clone());
            let mut case = TestCase::new(format!("{} on {}", left_out.action, left_out.resource), status);
            case.set_classname(name.clone());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    let text = without_skipped(&report.to_string().unwrap_or_default());
    // Control characters have been written out where the texts were rendered; these two are what else XML cannot hold.
    format!("{}\n", text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}").trim_end())
}
