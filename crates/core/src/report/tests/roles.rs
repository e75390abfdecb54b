//! Under which role a run is made: the wrong one, one that was not assumed, one of another account.

use serde_json::Value;

use super::{assert_snapshot, json_of, show};
use crate::answer::{Answer, Means, NoAnswer};
use crate::diagnosis::Run;
use crate::fixtures::*;
use crate::iam::actions::{ASSUME_ROLE, CONTROL};
use crate::plan::Check;
use crate::report::Report;
use crate::specification::Specification;

/// A run whose role to check was not assumed, for this reason.
fn not_assumed(answer: impl Fn(&Check) -> Answer) -> Run {
    not_assumed_as(ROLE, answer)
}

fn not_assumed_as(role: &str, answer: impl Fn(&Check) -> Answer) -> Run {
    run_as(role, with_assumed_role(), |check| match check.action() {
        CONTROL => None,
        ASSUME_ROLE => Some(answer(check)),
        _ => Some(Answer::none(NoAnswer::NotAssumed, "the role was not assumed")),
    })
}

fn headline(run: Run) -> Value {
    json_of(&report(run), false)["headline"].clone()
}

fn of_account(account: &str) -> Specification {
    let mut specification = specification();
    specification.expected.account = Some(("aws".to_owned(), account.to_owned()));
    specification
}

#[test]
fn another_role_is_told_even_where_nothing_is_wrong() {
    assert!(report(run_as("another-role", specification(), |_| None)).is_of_unexpected_role());
    assert_snapshot!(show(run_as("another-role", specification(), |_| None)));
}

#[test]
fn another_role_is_the_headline_only_of_denials() {
    let throttled = run_as("another-role", specification(), |check| {
        (check.action() == "dynamodb:Scan").then(|| error("SlowDown", ""))
    });
    assert_eq!(headline(throttled), Value::Null);
}

#[test]
fn the_expected_role_of_another_account_is_another_role() {
    let scan = |check: &Check| (check.action() == "dynamodb:Scan").then(|| lacking(check));
    assert_snapshot!(show(run(of_account("210987654321"), scan)));
    assert!(!report(run(of_account("123456789012"), scan)).is_of_unexpected_role());
    let mut china = of_account("123456789012");
    china.expected.account = Some(("aws-cn".to_owned(), "123456789012".to_owned()));
    assert!(report(run(china, scan)).is_of_unexpected_role());
}

#[test]
fn no_policy_is_promised_to_another_role() {
    let run = run_as("another-role", specification(), |check| match check.action() {
        "dynamodb:PutItem" => Some(denied(check, "")),
        "dynamodb:Scan" => Some(lacking(check)),
        "s3:PutObject" => Some(bare(Means::ThisOrAnother(&["s3:PutObject", "kms:GenerateDataKey"]))),
        "s3:GetObject" => Some(lacks_key("k")),
        _ => None,
    });
    let json = json_of(&report(run), false);
    for advice in json["advice"].as_array().unwrap() {
        assert!(!advice["text"].as_str().unwrap().ends_with(':'), "{advice}");
        assert_eq!((advice.get("policy"), advice.get("command")), (None, None), "{advice}");
    }
}

#[test]
fn who_is_no_role_is_another_principal() {
    let mut run = run(specification(), |check| (check.action() == "dynamodb:Scan").then(|| lacking(check)));
    run.principal.as_mut().unwrap().arn = "arn:aws:iam::123456789012:user/me".to_owned();
    let json = json_of(&report(run), false);
    assert_eq!(json["headline"]["cause"], "wrongRole");
    assert_eq!(json["principal"]["role"], Value::Null);
    let text = json["advice"][1]["text"].as_str().unwrap();
    assert!(text.starts_with("No identity-based policy of the function's role allows these actions."), "{text}");
}

#[test]
fn a_role_that_was_not_assumed_is_the_headline_and_its_trust_is_told() {
    assert_snapshot!(show(not_assumed(|check| denied(check, ""))));
}

#[test]
fn a_role_that_was_not_assumed_for_its_trust_policy_is_told_so() {
    for reason in [
        "because the role trust policy does not allow the sts:AssumeRole action",
        "because no resource-based policy allows the ACTION action",
        "because no identity-based policy allows the ACTION action",
    ] {
        let json = json_of(&report(not_assumed(|check| denied(check, reason))), false);
        let trusts = json["advice"].as_array().unwrap().iter().filter(|advice| advice.get("trustPolicy").is_some());
        assert_eq!(trusts.count(), 1, "{reason}: {json}");
        let text = json["headline"]["text"].as_str().unwrap();
        assert!(
            text.ends_with("so no action was tried under that role, and this run says nothing about it."),
            "{text}"
        );
    }
}

#[test]
fn a_role_that_was_not_assumed_for_an_explicit_deny_needs_no_trust() {
    let reason = "with an explicit deny in a service control policy";
    assert_snapshot!(show(not_assumed(|check| denied(check, reason))));
    let boundary = not_assumed(|check| denied(check, "because no permissions boundary allows the ACTION action"));
    let json = json_of(&report(boundary), false);
    assert!(json["advice"].as_array().unwrap().iter().all(|advice| advice.get("trustPolicy").is_none()), "{json}");
}

#[test]
fn a_role_that_was_not_assumed_for_the_rate_of_requests_says_so() {
    assert_snapshot!(show(not_assumed(|_| error("ThrottlingException", "Rate exceeded"))));
}

#[test]
fn another_role_that_may_not_assume_the_role_to_check_is_offered_no_trust() {
    let run = not_assumed_as("another-role", |check| denied(check, ""));
    let json = json_of(&report(run), false);
    assert_eq!(json["headline"]["cause"], "wrongRole");
    let texts: Vec<_> =
        json["advice"].as_array().unwrap().iter().map(|advice| advice["text"].as_str().unwrap()).collect();
    assert!(
        texts
            .iter()
            .any(|text| text.ends_with("No statement is offered, because the caller is not the expected role.")),
        "{texts:?}"
    );
    assert!(json["advice"].as_array().unwrap().iter().all(|advice| advice.get("trustPolicy").is_none()), "{json}");
}

#[test]
fn a_role_that_was_assumed_is_the_role_that_is_expected() {
    let mut specification = with_assumed_role();
    specification.expected.account = Some(("aws".to_owned(), "123456789012".to_owned()));
    let as_pipeline = |specification: Specification| {
        let mut run =
            run_as("pipeline", specification, |check| (check.action() == "dynamodb:Scan").then(|| lacking(check)));
        let principal = run.principal.as_mut().unwrap();
        principal.account = "210987654321".to_owned();
        principal.arn = principal.arn.replace("123456789012", "210987654321");
        run.is_elsewhere = true;
        run
    };
    let run = as_pipeline(specification.clone());
    assert_eq!((run.expected_role(), run.expected_account()), ("pipeline", None));
    assert!(run.unexpected_principal().is_none() && run.not_assumed().is_none());
    assert_snapshot!(show(run));
    // Before it is assumed, the caller's own role is the expected one, in its own account.
    let run = run_as(ROLE, specification, |check| (check.action() == ASSUME_ROLE).then(|| denied(check, "")));
    assert_eq!(run.expected_role(), ROLE);
    assert!(run.expected_account().is_some() && run.not_assumed().is_some());
    // The function's own role is another one then.
    let own = run_as(ROLE, with_assumed_role(), |_| None);
    assert!(own.unexpected_principal().is_some());
}

#[test]
fn what_a_control_lets_nobody_believe_makes_the_assumed_role_no_other() {
    let controlled = Specification { deny_control: with_deny_control().deny_control, ..with_assumed_role() };
    let run = run_as("pipeline", controlled, |check| match check.action() {
        "dynamodb:ListTables" => Some(success()),
        "dynamodb:Scan" => Some(lacking(check)),
        _ => None,
    });
    let report = report(run);
    assert!(!report.is_of_unexpected_role());
    let json = json_of(&report, false);
    assert_eq!(json["headline"]["cause"], "denyControl");
    let offers = json["advice"].as_array().unwrap().iter().filter(|advice| advice.get("policy").is_some());
    assert_eq!(offers.count(), 1, "{json}");
}

#[test]
fn what_the_event_did_not_ask_for_was_not_left_out() {
    let elsewhere = || Run { is_elsewhere: true, ..run(with_assumed_role(), |_| None) };
    let advises = |is_filtered| {
        let report = Report::new(elsewhere(), "REQUEST".into(), std::time::Duration::ZERO, is_filtered);
        json_of(&report, false).to_string().contains("The three logs actions were left out")
    };
    assert!(advises(false) && !advises(true));
}
