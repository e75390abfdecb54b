//! What holds of every report, whatever AWS answers.

use proptest::prelude::*;

use super::{json_of, rows};
use crate::answer::{Answer, Means, NoAnswer};
use crate::diagnosis::Run;
use crate::fixtures::*;
use crate::place::tests::place;
use crate::plan::Check;
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

proptest! {
    #![proptest_config(cases(150))]

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
