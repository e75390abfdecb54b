//! What holds of every report, whatever AWS answers.

use proptest::prelude::*;

use super::{json_of, rows};
use crate::answer::{Answer, Means, NoAnswer};
use crate::diagnosis::Run;
use crate::fixtures::*;
use crate::place::tests::place;
use crate::plan::Check;
use crate::report::html::{Shown, fragment};
use crate::report::text::{Layout, render};
use crate::specification::Specification;

/// The answers that a check can get.
const ANSWERS: &[fn(&Check) -> Answer] = &[
    lacking,
    |check| denied(check, ""),
    |check| {
        denied(
            check,
            "with an explicit deny in a service control policy: arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/p",
        )
    },
    |check| denied(check, "because no permissions boundary allows the ACTION action"),
    |check| denied(check, "because this bucket has blocked upload requests"),
    |_| lacks_key("1"),
    |_| lacks_key("2"),
    |_| lacks("kms:Decrypt", ""),
    |_| denial("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1", "with an explicit deny"),
    |_| lacks("s3:ListBucket", "arn:aws:s3:::your-bucket-name"),
    |_| lacks("s3:ListBucket", "arn:aws:s3:::third-bucket"),
    |_| lacks("iam:PassRole", SAGEMAKER_ROLE),
    |_| lacks("iam:PassRole", &format!("arn:aws:iam::123456789012:role/{}", place().names.absent_name())),
    |_| lacks("ec2:DescribeInstances", "*"),
    |_| bare(Means::ThisAction),
    |_| bare(Means::ThisOrAnother(&["s3:PutObject", "kms:GenerateDataKey"])),
    |_| bare(Means::Dependent("kms:Decrypt")),
    |_| bare(Means::Nothing),
    |_| success(),
    |_| success().configured(),
    |_| silent(),
    |_| Answer::none(NoAnswer::TimedOut, "no answer"),
    |_| Answer::none(NoAnswer::NotAssumed, "not assumed"),
    |_| Answer::none(NoAnswer::NotConfigured, "the role of 123456789012 is not configured"),
    |_| Answer::none(NoAnswer::NotFromAws, "<html>"),
    |_| Answer::none(NoAnswer::ProbePanicked, "broken"),
    |_| elsewhere(Some("eu-west-1")),
    |_| elsewhere(None),
    |_| no_table(),
    |_| error("NoSuchBucket", "The specified bucket does not exist"),
    |_| error("NoSuchKey", "").configured(),
    |_| error("ValidationException", "Requested resource not found: 123456789012").configured(),
    |_| error("ValidationException", "Cannot create already existing model"),
    |_| error("ExpiredToken", "The token is expired"),
    |_| error("RequestTimeTooSkewed", ""),
    |_| error("SlowDown", ""),
    |_| error("Teapot", "arn:aws:sts::123456789012:assumed-role/r/s"),
];

fn any_run() -> impl Strategy<Value = Run> {
    let specifications: [fn() -> Specification; 5] = [
        specification,
        two_of_each,
        with_deny_control,
        || Specification { passed_role: with_passed_role().passed_role, ..two_of_each() },
        || Specification { expected: with_another_region().expected, ..with_assumed_role() },
    ];
    // Most checks are answered as they should be, so that one cause can explain all.
    let answer = prop_oneof![3 => Just(None), 1 => proptest::sample::select(ANSWERS).prop_map(Some)];
    let roles = prop_oneof![3 => Just(ROLE), 1 => Just("another-role")];
    (proptest::sample::select(specifications.to_vec()), proptest::collection::vec(answer, 24), roles, any::<bool>())
        .prop_map(|(specification, answers, role, is_elsewhere)| {
            let next = std::cell::Cell::new(0);
            let mut run = run_as(role, specification(), |check| {
                next.set(next.get() + 1);
                answers[next.get() % answers.len()].map(|answer| answer(check))
            });
            run.is_elsewhere = is_elsewhere;
            run
        })
}

fn with_another_region() -> Specification {
    let mut specification = specification();
    specification.expected.region = Some("ap-southeast-1".to_owned());
    specification
}

/// A text with what HTML, a terminal and a log would take for more than text.
fn any_text() -> impl Strategy<Value = String> {
    let parts = [
        "<",
        ">",
        "&",
        "\"",
        "'",
        "</pre>",
        "<script>",
        "\u{1b}[31m",
        "\r\n",
        "\u{9b}",
        "\u{202e}",
        "\u{2028}",
        "a",
        " ",
        "é",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..12).prop_map(|parts| parts.concat())
}

/// Whether each element of a fragment is one that the renderer writes, and is closed where it has to be.
fn is_well_formed(html: &str) -> bool {
    let known = ["div", "style", "h2", "h3", "h4", "p", "ul", "ol", "li", "a", "pre", "details", "summary", "span"];
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let Some((tag, _)) = tag.split_once('>') else { return false };
        let name = tag.split(' ').next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(closed) if open.pop() != Some(closed) => return false,
            None if name == "br" => {}
            None if !known.contains(&name) => return false,
            None => open.push(name),
            Some(_) => {}
        }
    }
    open.is_empty()
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn no_text_breaks_out_of_a_page_or_drives_a_terminal(run in any_run(), text in any_text()) {
        let mut run = run;
        for finding in &mut run.findings {
            finding.message = finding.message.take().map(|_| text.as_str().into());
            finding.code = finding.code.take().map(|_| text.as_str().into());
            finding.aws_request_id = Some(text.as_str().into());
            if let Some(denial) = &mut finding.denial {
                denial.policy_arn = denial.policy_arn.take().map(|_| text.as_str().into());
                denial.details_link = Some(text.as_str().into());
            }
        }
        let rendered = crate::report::json::Report::render(&report(run), VOICE, false);
        let html = fragment(&rendered, &Shown { checked_at: "now".to_owned(), ..Shown::default() });
        prop_assert!(is_well_formed(&html), "{}", html);
        let plain = render(&rendered, Layout::default());
        let is_control = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{202e}');
        prop_assert!(!plain.contains(is_control) && !html.contains(is_control), "{:?}", plain);
    }

    #[test]
    fn advice_names_each_action_once_and_together_they_name_all_that_is_wrong(run in any_run()) {
        let wrong: Vec<_> = run.wrong().iter().map(|finding| finding.action.raw().to_owned()).collect();
        let json = json_of(&report(run), false);
        let mut named = Vec::new();
        for advice in json["advice"].as_array().unwrap() {
            let actions: Vec<_> = advice["actions"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            for (index, action) in actions.iter().enumerate() {
                prop_assert!(!actions[..index].contains(action), "{action} twice in {advice}");
            }
            named.extend(actions);
        }
        let headline = json["headline"]["text"].as_str().unwrap_or_default();
        for action in wrong {
            prop_assert!(named.contains(&action.as_str()) || headline.contains(&action), "{action}: {json:#}");
        }
    }

    #[test]
    fn a_redacted_report_never_has_the_account(run in any_run()) {
        let json = json_of(&report(run), true);
        prop_assert_eq!(&json["principal"]["account"], "ACCOUNT-1");
        prop_assert!(!json.to_string().contains("123456789012"), "{:#}", json);
    }

    #[test]
    fn the_verdict_the_summary_and_the_headline_agree_with_the_rows(run in any_run()) {
        let report = report(run);
        let json = json_of(&report, false);
        let is_clean = report.findings().iter().all(crate::finding::Finding::is_clean);
        prop_assert_eq!(report.status() == 200, is_clean);
        prop_assert!(!is_clean || json.get("headline").is_none());
        prop_assert_eq!(report.status() == 403, report.summary.denied > 0);
        let rows = rows(&json);
        let rows_of = |verdict: &str| rows.iter().filter(|row| row["verdict"] == verdict).count();
        prop_assert_eq!(report.summary.inconclusive, rows_of("inconclusive"));
        prop_assert_eq!(report.summary.allowed, rows_of("allowed"));
        prop_assert!(rows_of("denied") - report.summary.denied <= 1, "the control alone is not counted");
        // No finding is known by the key of another.
        let mut keys: Vec<_> = report.findings().iter().map(crate::finding::Finding::key).collect();
        keys.sort();
        let all = keys.len();
        keys.dedup();
        prop_assert_eq!(keys.len(), all);
    }
}
