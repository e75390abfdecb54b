//! How the report is written: its names, its masks, its notes.

use std::time::Duration;

use serde_json::{Value, json};

use super::{assert_snapshot, json_of, row_of};
use crate::answer::{Answer, Means, NoAnswer, Reply};
use crate::diagnosis::wording::{describe_better, describe_note, describe_without_names};
use crate::diagnosis::{RootCause, Run};
use crate::finding::{AllowedAfter, Details, MatchedStatement, Note};
use crate::fixtures::*;
use crate::iam::denial::{Kind, PolicyType};
use crate::judge::Verdict;
use crate::probe::Better;
use crate::problem::Problem;
use crate::report::json::{self, millis, policy_type_name};
use crate::report::{Report, Summary};
use crate::text::Rendering;
use crate::voice::Setting;

const ACCOUNT: &str = "123456789012";

fn scan_denied(reason: &str) -> Run {
    run(specification(), |check| (check.action() == "dynamodb:Scan").then(|| denied(check, reason)))
}

#[test]
fn a_whole_report_has_every_name_of_the_contract() {
    let mut specification = two_of_each();
    specification.policy.statement.truncate(2);
    specification.buckets.truncate(1);
    let run = run(specification, |check| match (check.action(), check.target.name()) {
        ("s3:GetObject", _) => Some(lacks_key("k").form("the first object listed, a.csv")),
        ("s3:PutObject", _) => Some(bare(Means::ThisOrAnother(&["s3:PutObject", "kms:GenerateDataKey"]))),
        ("dynamodb:Scan", "SecondTable") => Some(no_table()),
        ("dynamodb:GetItem", "SecondTable") => Some(lacking(check)),
        ("dynamodb:PutItem", "SecondTable") => Some(silent()),
        _ => None,
    });
    assert_snapshot!(serde_json::to_string_pretty(&json_of(&report(run), true)).unwrap());
}

#[test]
fn redaction_masks_accounts_and_sessions_and_keeps_the_rest() {
    let run = || scan_denied(&missing("ACTION"));
    let plain = json_of(&report(run()), false).to_string();
    assert!(plain.contains(ACCOUNT) && plain.contains("lambda-ml-pipeline-role/permissions-probe"), "{plain}");
    let masked = json_of(&report(run()), true);
    let text = masked.to_string();
    assert!(!text.contains(ACCOUNT) && !text.contains("lambda-ml-pipeline-role/permissions-probe"), "{text}");
    assert_eq!(
        masked["principal"],
        json!({
            "arn": "arn:aws:sts::ACCOUNT-1:assumed-role/lambda-ml-pipeline-role/SESSION",
            "account": "ACCOUNT-1",
            "role": "lambda-ml-pipeline-role"
        })
    );
    let command = masked["advice"][0]["command"].as_str().unwrap();
    assert!(command.contains("dynamodb:us-east-1:ACCOUNT-1:table/ModelMetadata"), "{command}");
}

#[test]
fn the_callers_account_is_the_first_in_every_report() {
    let other = "arn:aws:iam::210987654321:role/other";
    let mut run = run(with_assumed_role(), |check| match check.action() {
        "s3:GetObject" => Some(lacks("kms:Decrypt", "arn:aws:kms:us-east-1:210987654321:key/k")),
        "sts:AssumeRole" => Some(denied(check, "")),
        _ => None,
    });
    run.specification = std::sync::Arc::new(with_assumed_role());
    let mut report = report(run);
    report.problems = vec![Problem::new("ROLE", Some(other.into()), "another role")];
    let json = json_of(&report, true);
    assert_eq!(json["principal"]["account"], "ACCOUNT-1");
    assert_eq!(json["problems"][0]["value"], "arn:aws:iam::ACCOUNT-2:role/other");
    let text = json.to_string();
    assert!(text.contains("arn:aws:kms:us-east-1:ACCOUNT-2:key/k"), "the same account has the same mask: {text}");
    assert!(!text.contains("ACCOUNT-3"), "{text}");
}

#[test]
fn a_policy_is_masked_in_its_conditions_and_not_in_their_names() {
    let answer = bare(Means::Dependent("kms:Decrypt"));
    let mut specification = specification();
    specification.buckets = vec![std::sync::Arc::new(crate::specification::Bucket {
        name: format!("data-{ACCOUNT}"),
        ..Default::default()
    })];
    let run = run(specification, |check| (check.action() == "s3:GetObject").then(|| answer.clone()));
    let json = json_of(&report(run), true);
    assert_eq!(
        json["advice"][0]["policy"]["Statement"][0]["Condition"],
        json!({
            "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
            "StringLike": {
                "kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::data-ACCOUNT-1", "arn:aws:s3:::data-ACCOUNT-1/*"]
            }
        })
    );
}

#[test]
fn a_trust_policy_is_masked_and_pasted_as_it_is_shown() {
    let run = run(with_assumed_role(), |check| (check.action() == "sts:AssumeRole").then(|| denied(check, "")));
    let json = json_of(&report(run), true);
    let advice = json["advice"].as_array().unwrap().iter().find(|advice| advice.get("trustPolicy").is_some()).unwrap();
    let principal = &advice["trustPolicy"]["Statement"][0]["Principal"];
    assert_eq!(principal, &json!({"AWS": "arn:aws:iam::ACCOUNT-1:role/lambda-ml-pipeline-role"}));
}

#[test]
fn a_policy_on_one_line_is_the_policy_of_the_report() {
    let rendered = json::Report::render(&report(scan_denied(&missing("ACTION"))), VOICE, false);
    let advice = &rendered.advice[0];
    let policy = advice.policy.as_ref().unwrap().to_json();
    assert!(advice.command.as_ref().unwrap().ends_with(&format!("--policy-document '{policy}'")), "{advice:?}");
    let whole: Value = serde_json::from_str(&rendered.to_json()).unwrap();
    assert_eq!((&whole["schema"], &whole["advice"][0]["text"]), (&json!("permissions-probe/v2"), &json!(advice.text)));
}

#[test]
fn awss_own_account_of_a_denial_is_written_out_and_masked() {
    let reason = "with an explicit deny in an identity-based policy. Go to https://c/authorization-details/1a2b for complete details";
    let mut run = scan_denied(reason);
    let denial = run.findings.iter_mut().find_map(|finding| finding.denial.as_mut()).unwrap();
    let arn = |resource: &str| format!("arn:aws:iam::{ACCOUNT}:{resource}").into();
    denial.details = Some(Details {
        matched: vec![MatchedStatement {
            policy: arn("policy/deny"),
            policy_type: Some("IDENTITY_BASED_POLICY".into()),
            attached_to: vec![arn("role/lambda-ml-pipeline-role")],
            sid: Some("NoScans".into()),
            effect: Some("DENY".into()),
        }],
        note: None,
    });
    let of = |json: &Value| row_of(json, "dynamodb:Scan")["denial"].clone();
    assert_eq!(
        of(&json_of(&report(run), true))["details"],
        json!({"matched": [{
            "policy": "arn:aws:iam::ACCOUNT-1:policy/deny",
            "policyType": "IDENTITY_BASED_POLICY",
            "attachedTo": ["arn:aws:iam::ACCOUNT-1:role/lambda-ml-pipeline-role"],
            "sid": "NoScans",
            "effect": "DENY"
        }]})
    );
    let mut run = scan_denied(reason);
    let denial = run.findings.iter_mut().find_map(|finding| finding.denial.as_mut()).unwrap();
    denial.details = Some(Details::without("AccessDeniedException"));
    let denial = of(&json_of(&report(run), true));
    assert_eq!(
        denial["details"],
        json!({"matched": [], "note": "AWS gave no details of this denial: AccessDeniedException"})
    );
    assert_eq!((&denial["kind"], &denial["policyType"]), (&json!("explicitDeny"), &json!("identity-based")));
}

#[test]
fn a_problem_is_a_sentence_with_its_value_quoted_once() {
    let problem = |value: Option<&str>| {
        let problem = Problem::new("NAME", value.map(Into::into), "something else");
        json::Problem::render(&problem, &mut Rendering::new(false)).sentence
    };
    assert_eq!(problem(None), "NAME is not set; expected something else");
    assert_eq!(problem(Some("x")), "NAME is \"x\"; expected something else");
    assert_eq!(problem(Some("\"x\"")), "NAME is \"x\"; expected something else");
    assert_eq!(problem(Some("\"")), r#"NAME is "\""; expected something else"#);
    assert_eq!(problem(Some("\"x")), r#"NAME is "\"x"; expected something else"#);
    assert_eq!(problem(Some("x\"")), r#"NAME is "x\""; expected something else"#);
    let masked = Problem::new("ROLE", Some(ACCOUNT.into()), "a role");
    let masked = json::Problem::render(&masked, &mut Rendering::new(true));
    assert_eq!(
        (masked.value.as_deref(), masked.sentence.as_str()),
        (Some("ACCOUNT-1"), "ROLE is \"ACCOUNT-1\"; expected a role")
    );
}

#[test]
fn the_id_of_a_request_is_kept_where_accounts_are_masked() {
    let run = run(specification(), |_| None);
    let report = Report::new(run, ACCOUNT.into(), Duration::from_micros(1_999), false);
    let json = json_of(&report, true);
    assert_eq!((&json["requestId"], &json["durationMs"]), (&json!(ACCOUNT), &json!(1)));
    assert_eq!(
        (&json["allowed"][0]["awsRequestId"], &json["allowed"][0]["durationMs"]),
        (&json!("REQUEST-1"), &json!(7))
    );
    assert_eq!(millis(Duration::MAX), u64::MAX);
}

#[test]
fn each_type_of_policy_and_each_kind_has_a_name_of_its_own() {
    let types = [
        (PolicyType::IdentityBased, "identity-based", "identity-based policy"),
        (PolicyType::ResourceBased, "resource-based", "resource-based policy"),
        (PolicyType::PermissionsBoundary, "permissions-boundary", "permissions boundary"),
        (PolicyType::Session, "session", "session policy"),
        (PolicyType::ServiceControl, "service-control", "service control policy (SCP)"),
        (PolicyType::ResourceControl, "resource-control", "resource control policy (RCP)"),
        (PolicyType::VpcEndpoint, "vpc-endpoint", "VPC endpoint policy"),
        (PolicyType::RoleTrust, "role-trust", "role trust policy"),
    ];
    for (policy_type, name, said) in types {
        assert_eq!((policy_type_name(policy_type), policy_type.to_string().as_str()), (name, said));
    }
    let kinds = [(Kind::Implicit, "implicitDeny"), (Kind::Explicit, "explicitDeny"), (Kind::Unstated, "unstated")];
    for (kind, name) in kinds {
        assert_eq!(serde_json::to_value(kind).unwrap(), name);
    }
    let summary = Summary { allowed: 1, denied: 2, inconclusive: 3, documented: 4, observed: 5, inferred: 6 };
    assert_eq!(
        serde_json::to_value(json::Summary::of(&summary)).unwrap(),
        json!({"allowed": 1, "denied": 2, "inconclusive": 3, "proofs": {"documented": 4, "observed": 5, "inferred": 6}})
    );
}

fn note(note: &Note) -> String {
    describe_note(note, VOICE).raw().to_owned()
}

#[test]
fn every_note_says_what_the_verdict_does_not() {
    let after = AllowedAfter { after: Duration::from_secs(9), before: "denied" };
    assert_eq!(note(&Note::AllowedAfter(after, None)), "allowed after 9 s; before, it was denied");
    let then = Some(Box::new(Note::ResourceMissing));
    assert_eq!(
        note(&Note::AllowedAfter(after, then)),
        "allowed after 9 s; before, it was denied; The action is allowed, but the resource does not exist in this Region and account."
    );
    assert_eq!(
        note(&Note::Disbelieved { would_prove: Verdict::Denied }),
        "By itself, this answer would prove \"denied\"; it is not believed, because a control of this run failed."
    );
    assert_eq!(
        note(&Note::WentOnTo { action: "iam:PassRole".into(), on_made_up_name: true }),
        "The action is allowed, since AWS went on to iam:PassRole, on a resource that does not exist; this says nothing about the \
         pipeline's own resource."
    );
    assert_eq!(
        note(&Note::WentOnTo { action: "kms:Decrypt".into(), on_made_up_name: false }),
        "The action is allowed, since AWS went on to kms:Decrypt, and denied that."
    );
    assert_eq!(
        note(&Note::NoObject),
        "S3 found no object to read; put one there, or set PROBE_OBJECT_KEY to one that exists, for a documented proof."
    );
    assert_eq!(
        note(&Note::SideEffect(None)),
        "The action is allowed, but AWS carried out a request that was meant to be refused."
    );
    let chosen = Some("the first object listed, a.csv".into());
    assert_eq!(
        note(&Note::Denied { chosen, request_had: Some(("the prefix \"\"".to_owned(), false)) }),
        "What was read is the first object listed, a.csv; if the pipeline reads others, set PROBE_PREFIX or PROBE_OBJECT_KEY; the \
         request had the prefix \"\"; a policy with a condition may allow the pipeline's own request."
    );
    assert_eq!(
        note(&Note::Ambiguous(vec!["a", "b", "c"])),
        "AWS denied access without naming the action, and more than one action, or the state of a key, can be the reason."
    );
}

#[test]
fn a_better_proof_is_told_with_its_setting() {
    assert_eq!(describe_better(Better::NoneKnown, VOICE), "No harmless request is known that proves it better.");
    let name = |else_, within| {
        describe_better(Better::Name { setting: Setting::ObjectKey, to: "one that exists", else_, within }, VOICE)
    };
    assert_eq!(name(None, None), "Set PROBE_OBJECT_KEY to one that exists.");
    assert_eq!(
        name(Some("Put an object there"), Some(Setting::Prefix)),
        "Put an object there, or set PROBE_OBJECT_KEY to one that exists, under PROBE_PREFIX where that is set."
    );
}

#[test]
fn a_root_cause_can_be_told_without_a_name_of_the_accounts() {
    let causes = [
        "credentials",
        "clockSkew",
        "denyControl",
        "control",
        "network",
        "wrongRole",
        "notAssumed",
        "wrongRegion",
        "bucketRegion",
        "resourceMissing",
        "roleTrust",
        "policyType",
        "tableName",
        "method",
        "configuration",
    ];
    let other = describe_without_names("another");
    assert_eq!(other, "The function's log has the report.");
    let mut said: Vec<_> = causes.map(describe_without_names).to_vec();
    said.push(other);
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), causes.len() + 1, "each has a sentence of its own");
    assert_eq!(RootCause::ClockSkew.id(), "clockSkew");
}

#[test]
fn an_answer_without_a_code_has_no_code_in_its_row() {
    let page = Answer::new(Reply::Error { status: 503, code: None, message: None }, Some("R".to_owned()));
    let run = run(specification(), |check| match check.action() {
        "dynamodb:Scan" => Some(page.clone()),
        "dynamodb:GetItem" => Some(Answer::none(NoAnswer::NotSent, "no\nendpoint")),
        _ => None,
    });
    let json = json_of(&report(run), false);
    let row = |action: &str| row_of(&json, action).clone();
    assert_eq!((&row("dynamodb:Scan")["code"], &row("dynamodb:Scan")["cause"]), (&json!(null), &json!("serviceFault")));
    assert_eq!(row("dynamodb:GetItem")["message"], r"no\nendpoint", "a text from outside ends no line of a log");
}
