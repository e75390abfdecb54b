use std::time::Duration;

use super::collect::READABLE;
use super::*;
use crate::answer::Reply;
use crate::answer::{Means, NoAnswer};
use crate::diagnosis::Run;
use crate::fixtures::*;
use crate::iam::actions::CONTROL;
use crate::place::tests::place;
use crate::plan::plan;
use crate::report::json::Report as Json;

const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata";
const BUCKET: &str = "arn:aws:s3:::your-bucket-name";

/// A run in which these actions are answered so, and all others as they should be.
fn run_with(answers: &[(&str, Answer)]) -> Run {
    run(specification(), |check| answer_of(check, answers))
}

fn answer_of(check: &Check, answers: &[(&str, Answer)]) -> Option<Answer> {
    answers.iter().find(|(action, _)| *action == check.action()).map(|(_, answer)| answer.clone())
}

fn of<'a>(run: &'a Run, action: &str) -> Vec<&'a Finding> {
    run.findings.iter().filter(|finding| finding.action.raw() == action).collect()
}

fn only<'a>(run: &'a Run, action: &str) -> &'a Finding {
    let found = of(run, action);
    assert_eq!(found.len(), 1, "{action}: {found:?}");
    found[0]
}

fn callers(finding: &Finding) -> Vec<&str> {
    finding.called_by().iter().map(|probe| probe.action).collect()
}

fn text(text: Option<&Text>) -> &str {
    text.map_or("", Text::raw)
}

#[test]
fn a_resource_is_in_the_account_of_the_run() {
    let check =
        || plan(&specification(), PROBES).checks.into_iter().find(|check| check.action() == "dynamodb:Scan").unwrap();
    let resource = |account: Option<&str>| {
        let place = Place { account: account.map(str::to_owned), ..place() };
        findings(&[Outcome::new(check(), success(), Duration::ZERO)], &place)[0].resource.clone().unwrap()
    };
    assert_eq!(resource(Some("210987654321")).raw(), "arn:aws:dynamodb:us-east-1:210987654321:table/ModelMetadata");
    assert_eq!(resource(None).raw(), "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata");
}

#[test]
fn a_denied_key_is_a_finding_of_its_own_with_those_who_met_it() {
    let run = run_with(&[
        ("s3:GetObject", lacks_key("k")),
        ("dynamodb:GetItem", lacks_key("k")),
        ("dynamodb:Scan", lacks_key("other")),
    ]);
    let called = only(&run, "s3:GetObject");
    assert_eq!((called.verdict, called.proof.as_ref().unwrap().grade), (Verdict::Allowed, Grade::Inferred));
    assert!(called.is_clean() && !called.is_dependent() && called.called_by().is_empty());
    let keys = of(&run, "kms:Decrypt");
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().all(|key| key.verdict == Verdict::Denied && key.is_dependent() && key.check().is_none()));
    assert_eq!(text(keys[0].resource.as_ref()), "arn:aws:kms:us-east-1:123456789012:key/k");
    assert_eq!(callers(keys[0]), ["s3:GetObject", "dynamodb:GetItem"]);
    assert_eq!(callers(keys[1]), ["dynamodb:Scan"]);
    assert_eq!(report(run).status(), 403, "a pipeline that may not use the key cannot do its work");
}

#[test]
fn each_of_two_buckets_and_of_two_tables_speaks_for_itself() {
    let run = run(two_of_each(), |check| match (check.action(), check.target.name()) {
        ("s3:ListBucket", "second-bucket") | ("dynamodb:Scan", "ModelMetadata") => Some(lacking(check)),
        ("s3:GetObject", "your-bucket-name") => Some(lacks_key("1")),
        ("s3:GetObject", "second-bucket") | ("dynamodb:GetItem", "SecondTable") => Some(lacks_key("2")),
        ("sagemaker:CreateModel", _) => Some(lacks("iam:PassRole", "arn:aws:iam::123456789012:role/one")),
        ("sagemaker:CreateTrainingJob", _) => Some(lacks("iam:PassRole", "arn:aws:iam::123456789012:role/two")),
        _ => None,
    });
    let verdicts = |action: &str| -> Vec<_> {
        of(&run, action).iter().map(|it| (it.key().resource, it.verdict)).collect::<Vec<_>>()
    };
    let pair = |first: (&str, Verdict), second: (&str, Verdict)| {
        [first, second].map(|(name, verdict)| (name.to_owned(), verdict)).to_vec()
    };
    assert_eq!(
        verdicts("s3:ListBucket"),
        pair(("your-bucket-name", Verdict::Allowed), ("second-bucket", Verdict::Denied))
    );
    assert_eq!(verdicts("dynamodb:Scan"), pair(("ModelMetadata", Verdict::Denied), ("SecondTable", Verdict::Allowed)));
    let keys = of(&run, "kms:Decrypt");
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_eq!(callers(keys[0]), ["s3:GetObject"]);
    assert_eq!(callers(keys[1]), ["s3:GetObject", "dynamodb:GetItem"]);
    let roles = of(&run, "iam:PassRole");
    assert_eq!(roles.len(), 2, "{roles:?}");
    // No two findings are known by the same key.
    let mut known: Vec<Key> = run.findings.iter().map(Finding::key).collect();
    let all = known.len();
    known.sort();
    known.dedup();
    assert_eq!(known.len(), all);
}

#[test]
fn without_an_identity_nothing_is_believed() {
    let answers = [
        ("dynamodb:PutItem", lacks("dynamodb:PutItem", TABLE)),
        ("dynamodb:Scan", no_table()),
        ("dynamodb:GetItem", error("ThrottlingException", "Rate exceeded")),
        ("s3:GetObject", lacks_key("k")),
        ("s3:ListBucket", bare(Means::Dependent("kms:Decrypt"))),
        ("sts:GetCallerIdentity", Answer::none(NoAnswer::TimedOut, "no answer")),
    ];
    let run = run_with(&answers);
    assert!(run.findings.iter().all(|finding| finding.verdict == Verdict::Inconclusive && finding.proof.is_none()));
    let cause = |action: &str| only(&run, action).cause.unwrap();
    assert_eq!(cause("sts:GetCallerIdentity"), Cause::TimedOut);
    assert_eq!(cause("dynamodb:GetItem"), Cause::Throttled);
    for action in ["dynamodb:PutItem", "dynamodb:Scan", "s3:GetObject"] {
        assert_eq!(cause(action), Cause::ControlFailed, "{action}");
    }
    assert!(of(&run, "kms:Decrypt").is_empty(), "what is not believed gives no finding of another action");
    let denied = only(&run, "dynamodb:PutItem");
    assert!(matches!(denied.note, Some(Note::Disbelieved { would_prove: Verdict::Denied })), "{denied:?}");
    assert!(denied.denial.is_some() && denied.message.is_some(), "what AWS said is still told");
    assert_eq!(denied.request_context, "", "and nothing is made of it");

    // The same where the control was not tried at all.
    let outcomes: Vec<_> = plan(&specification(), PROBES)
        .checks
        .into_iter()
        .filter(|check| check.action() != CONTROL)
        .map(|check| Outcome::new(check, success(), Duration::ZERO))
        .collect();
    let found = findings(&outcomes, &place());
    assert!(found.iter().all(|finding| finding.verdict == Verdict::Inconclusive), "{found:?}");
}

#[test]
fn what_must_be_denied_and_is_allowed_takes_the_belief_from_every_allowed() {
    let run = run(with_deny_control(), |check| match check.action() {
        "dynamodb:ListTables" => Some(success()),
        "dynamodb:Scan" => Some(lacking(check)),
        _ => None,
    });
    let control = only(&run, "dynamodb:ListTables");
    assert_eq!((control.verdict, control.conformity()), (Verdict::Allowed, Conformity::Excess));
    let denied = only(&run, "dynamodb:Scan");
    assert_eq!((denied.verdict, denied.conformity()), (Verdict::Denied, Conformity::Missing));
    let allowed = only(&run, "dynamodb:PutItem");
    assert_eq!(allowed.conformity(), Conformity::Unknown(Cause::ControlFailed));
    assert!(matches!(allowed.note, Some(Note::Disbelieved { would_prove: Verdict::Allowed })));
    // It is AWS who says who calls.
    assert!(only(&run, CONTROL).is_clean());
}

#[test]
fn what_must_be_denied_and_is_denied_is_as_specified() {
    let run = run(with_deny_control(), |_| None);
    let control = only(&run, "dynamodb:ListTables");
    assert_eq!((control.verdict, control.conformity()), (Verdict::Denied, Conformity::AsSpecified));
    assert!(run.findings.iter().all(Finding::is_clean));
    assert_eq!(report(run).status(), 200);
}

#[test]
fn the_conformity_follows_from_the_verdict_and_what_is_asked_for() {
    let run = run_with(&[
        ("dynamodb:Scan", no_table()),
        ("dynamodb:PutItem", lacks("dynamodb:PutItem", TABLE)),
        ("dynamodb:GetItem", error("SlowDown", "")),
    ]);
    let conformity = |action: &str| only(&run, action).conformity();
    assert_eq!(conformity("dynamodb:Scan"), Conformity::Flawed(Warning::ResourceMissing));
    assert_eq!(conformity("dynamodb:PutItem"), Conformity::Missing);
    assert_eq!(conformity("dynamodb:GetItem"), Conformity::Unknown(Cause::Throttled));
    assert_eq!(conformity("s3:GetObject"), Conformity::AsSpecified);
}

#[test]
fn a_resource_of_the_pipeline_with_a_name_like_ours_is_not_ours() {
    let bucket = "arn:aws:s3:::permissions-probe-data";
    let run = run_with(&[("s3:GetObject", lacks("s3:ListAllMyBuckets", bucket))]);
    assert_eq!(only(&run, "s3:ListAllMyBuckets").verdict, Verdict::Denied);
    assert_eq!(only(&run, "s3:GetObject").cause, Some(Cause::OtherActionDenied));
}

#[test]
fn passing_a_role_that_does_not_exist_is_no_finding() {
    let role = "arn:aws:iam::123456789012:role/permissions-probe-0123456789abcdef";
    for action in ["iam:PassRole", "IAM:passrole"] {
        let run = run_with(&[("sagemaker:CreateModel", lacks(action, role))]);
        assert!(of(&run, action).is_empty());
        let model = only(&run, "sagemaker:CreateModel");
        assert!(model.is_on_made_up_name(&run.place) && model.is_clean());
        assert!(matches!(&model.note, Some(Note::WentOnTo { on_made_up_name: true, .. })), "{model:?}");
        assert_eq!(report(run).status(), 200);
    }
    let exists = run_with(&[("sagemaker:CreateModel", lacks("iam:PassRole", SAGEMAKER_ROLE))]);
    assert_eq!(only(&exists, "iam:PassRole").verdict, Verdict::Denied);
    let model = only(&exists, "sagemaker:CreateModel");
    assert!(matches!(&model.note, Some(Note::WentOnTo { on_made_up_name: false, .. })), "{model:?}");
}

#[test]
fn another_action_on_a_made_up_name_is_a_finding_with_the_name_left_open() {
    let name = place().names.record_name();
    let job = format!("arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}");
    let run = run_with(&[("sagemaker:CreateTrainingJob", lacks("sagemaker:AddTags", &job))]);
    let tags = only(&run, "sagemaker:AddTags");
    assert_eq!(text(tags.resource.as_ref()), "arn:aws:sagemaker:us-east-1:123456789012:training-job/*");
    assert_eq!(tags.resources, ["arn:aws:sagemaker:us-east-1:123456789012:training-job/*"]);
}

#[test]
fn a_denied_list_speaks_in_its_own_finding() {
    let get = || ("s3:GetObject", lacks("s3:ListBucket", BUCKET));
    let run = run_with(&[get(), ("s3:ListBucket", lacks("s3:ListBucket", BUCKET))]);
    assert_eq!(only(&run, "s3:GetObject").cause, Some(Cause::OtherActionDenied));
    assert_eq!(only(&run, "s3:ListBucket").verdict, Verdict::Denied);
    assert!(only(&run, "s3:ListBucket").called_by().is_empty());
    // Where its own probe could not tell, what AWS said of it counts.
    let run = run_with(&[get(), ("s3:ListBucket", error("SlowDown", "Please reduce your request rate."))]);
    let lists = of(&run, "s3:ListBucket");
    assert_eq!(lists.iter().map(|list| list.verdict).collect::<Vec<_>>(), [Verdict::Inconclusive, Verdict::Denied]);
    // Where the probe was answered for another bucket, the denial is not lost, either.
    let other = run_with(&[("s3:GetObject", lacks("s3:ListBucket", "arn:aws:s3:::other"))]);
    assert_eq!(of(&other, "s3:ListBucket").len(), 2);
    // Where no resource is named, it is about the one that was checked.
    let unnamed = run_with(&[("s3:GetObject", lacks("s3:ListBucket", ""))]);
    assert_eq!(of(&unnamed, "s3:ListBucket").len(), 1);
}

#[test]
fn a_denial_on_another_resource_of_the_same_kind_is_not_about_what_was_checked() {
    for (called, action, resource, is_new) in [
        ("dynamodb:GetItem", "dynamodb:Scan", TABLE, false),
        (
            "dynamodb:GetItem",
            "dynamodb:Scan",
            "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata/index/i",
            false,
        ),
        ("dynamodb:GetItem", "dynamodb:Scan", "arn:aws:dynamodb:us-east-1:123456789012:table/Other", true),
        ("dynamodb:GetItem", "dynamodb:Scan", "arn:aws:dynamodb:us-east-1:123456789012:global-table/x", false),
        ("s3:PutObject", "s3:GetObject", "arn:aws:s3:::your-bucket-name/key", false),
        ("s3:PutObject", "s3:GetObject", "arn:aws:s3:::your-bucket-name-2/key", true),
        ("sagemaker:CreateModel", "iam:PassRole", SAGEMAKER_ROLE, false),
        ("sagemaker:CreateModel", "iam:PassRole", "arn:aws:iam::123456789012:role/service-role/other", true),
        ("sagemaker:CreateModel", "iam:PassRole", "*", false),
        ("sagemaker:CreateModel", "logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/any", false),
    ] {
        let run = run(with_passed_role(), |check| (check.action() == called).then(|| lacks(action, resource)));
        assert_eq!(of(&run, action).len(), 1 + usize::from(is_new), "{action} on {resource}");
    }
}

#[test]
fn a_warning_keeps_a_run_from_being_clean() {
    let run = run_with(&[("dynamodb:Scan", no_table())]);
    let scan = only(&run, "dynamodb:Scan");
    assert_eq!((scan.verdict, scan.warning), (Verdict::Allowed, Some(Warning::ResourceMissing)));
    assert!(matches!(scan.note, Some(Note::ResourceMissing)) && !scan.is_clean());
    assert_eq!(report(run).status(), 503);
}

#[test]
fn a_bucket_elsewhere_is_noted_with_both_regions_where_s3_names_it() {
    let run = run_with(&[("s3:ListBucket", elsewhere(Some("eu-west-1"))), ("s3:GetObject", elsewhere(None))]);
    let Some(Note::BucketElsewhere { bucket, sent_to }) = &only(&run, "s3:ListBucket").note else { panic!() };
    assert_eq!((bucket.raw(), sent_to.raw()), ("eu-west-1", "us-east-1"));
    assert!(matches!(only(&run, "s3:GetObject").note, Some(Note::Cause(Cause::WrongRegion))));
}

#[test]
fn a_denial_that_can_only_be_behind_the_action_is_an_open_question_of_its_own() {
    let run =
        run(two_of_each(), |check| (check.action() == "s3:GetObject").then(|| bare(Means::Dependent("kms:Decrypt"))));
    let get = of(&run, "s3:GetObject");
    assert!(get.iter().all(|get| get.is_clean() && get.proof.as_ref().unwrap().source == READABLE), "{get:?}");
    let key = only(&run, "kms:Decrypt");
    assert_eq!((key.verdict, key.cause), (Verdict::Inconclusive, Some(Cause::Ambiguous)));
    assert!(matches!(key.note, Some(Note::ContentWithheld { action: "s3:GetObject" })), "{key:?}");
    assert_eq!((text(key.code.as_ref()), text(key.message.as_ref())), ("AccessDenied", "Access Denied"));
    assert_eq!((text(key.aws_request_id.as_ref()), key.duration), ("REQUEST-1", Duration::from_millis(7)));
    assert_eq!(callers(key), ["s3:GetObject"]);
    // A statement for the keys of each bucket.
    assert_eq!((key.candidates.len(), key.candidate_actions()), (2, vec!["kms:Decrypt"]));
    for (candidate, bucket) in key.candidates.iter().zip(["your-bucket-name", "second-bucket"]) {
        assert_eq!(candidate.resources, ["arn:aws:kms:us-east-1:*:key/*"]);
        let keys = &candidate.condition.as_ref().unwrap()["StringLike"]["kms:EncryptionContext:aws:s3:arn"];
        assert_eq!(keys[0], format!("arn:aws:s3:::{bucket}"));
    }
}

#[test]
fn a_candidate_names_what_a_statement_for_it_needs() {
    let answer = |action: &str, of: &'static [&'static str]| {
        let run = run_with(&[(action, bare(Means::ThisOrAnother(of)))]);
        let finding = only(&run, action);
        assert!(matches!(&finding.note, Some(Note::Ambiguous(actions)) if actions == of), "{finding:?}");
        finding.candidates.clone()
    };
    let candidates = answer("s3:PutObject", &["s3:PutObject", "s3:ListBucket", "kms:GenerateDataKey"]);
    assert_eq!(candidates[0].resources, ["arn:aws:s3:::your-bucket-name/*"]);
    assert_eq!(candidates[1].resources, [BUCKET]);
    assert!(candidates[0].condition.is_none() && candidates[1].condition.is_none());
    assert_eq!(candidates[2].resources, ["arn:aws:kms:us-east-1:*:key/*"]);
    let condition = candidates[2].condition.as_ref().unwrap();
    assert_eq!(condition["StringEquals"]["kms:ViaService"], "s3.us-east-1.amazonaws.com");
    assert_eq!(
        condition["StringLike"]["kms:EncryptionContext:aws:s3:arn"],
        serde_json::json!([BUCKET, format!("{BUCKET}/*")])
    );
    // Of what is no bucket, there is nothing to name.
    assert!(answer("dynamodb:Scan", &["dynamodb:Scan", "kms:Decrypt"]).iter().all(|it| it.resources.is_empty()));
}

#[test]
fn a_proof_that_is_not_documented_says_how_to_get_one_that_is() {
    let run = run_with(&[("s3:GetObject", error("NoSuchKey", "").form("a made-up key"))]);
    let proof = |action: &str| only(&run, action).proof.clone().unwrap();
    let inferred = proof("s3:GetObject");
    assert_eq!((inferred.code.raw(), inferred.grade), ("NoSuchKey", Grade::Inferred));
    assert_eq!(text(inferred.request.as_ref()), "a made-up key");
    assert!(matches!(inferred.better, Some(Better::Name { .. })), "{inferred:?}");
    assert!(matches!(only(&run, "s3:GetObject").note, Some(Note::NoObject)));
    let documented = proof("dynamodb:Scan");
    assert_eq!((documented.grade, documented.better), (Grade::Documented, None));
}

#[test]
fn what_is_missing_is_a_flaw_only_where_the_specification_names_it() {
    for (answer, warning) in [
        (error("NoSuchKey", ""), None),
        (error("NoSuchKey", "").configured(), Some(Warning::ResourceMissing)),
        (success().configured(), None),
    ] {
        assert_eq!(only(&run_with(&[("s3:GetObject", answer.clone())]), "s3:GetObject").warning, warning, "{answer:?}");
    }
}

#[test]
fn a_message_is_awss_own_or_says_what_came_in_its_place() {
    let page = Answer::new(Reply::Error { status: 502, code: None, message: Some("<html>".to_owned()) }, None);
    for (answer, expected) in [
        (silent(), "connection refused"),
        (page, "HTTP status 502 without an error code"),
        (error("SlowDown", "Please reduce your request rate."), "Please reduce your request rate."),
        (success(), ""),
    ] {
        let run = run_with(&[("dynamodb:Scan", answer)]);
        assert_eq!(text(only(&run, "dynamodb:Scan").message.as_ref()), expected);
    }
}

#[test]
fn a_denial_notes_what_of_the_request_a_condition_can_look_at() {
    let noted = |action: &str, answer: Answer| {
        let run = run_with(&[(action, answer)]);
        match &only(&run, action).note {
            Some(Note::Denied { chosen, request_had }) => {
                Some((chosen.as_ref().map(|chosen| chosen.raw().to_owned()), request_had.clone()))
            }
            None => None,
            other => panic!("{other:?}"),
        }
    };
    let had = |text: &str, keyed| Some((None, Some((text.to_owned(), keyed))));
    let key = "the attribute x as its key";
    let implicit = |action: &str| lacks(action, "r");
    let explicit = |action: &str| denial(action, "r", "with an explicit deny in a session policy");
    // The keys of items can be a condition of an Allow; nothing of a Scan can.
    assert_eq!(noted("dynamodb:GetItem", implicit("dynamodb:GetItem")), had(key, true));
    assert_eq!(noted("dynamodb:Scan", implicit("dynamodb:Scan")), None);
    assert_eq!(noted("s3:ListBucket", implicit("s3:ListBucket")), None);
    // A deny can have any condition.
    assert_eq!(noted("dynamodb:GetItem", explicit("dynamodb:GetItem")), had(key, false));
    assert_eq!(noted("s3:ListBucket", explicit("s3:ListBucket")), had("the prefix \"\"", false));
    // A setting has none.
    let setting = denial("s3:PutObject", "r", "because this bucket has blocked upload requests");
    assert_eq!(noted("s3:PutObject", setting), None);
    // The object that this program chose may not be the pipeline's.
    let first = "the first object listed, a.csv";
    let chosen = implicit("s3:GetObject").form(first);
    assert_eq!(noted("s3:GetObject", chosen), Some((Some(first.to_owned()), None)));
    assert_eq!(noted("s3:GetObject", implicit("s3:GetObject").form("the named object")), None);
    assert_eq!(
        noted("s3:GetObject", explicit("s3:GetObject").form(first)),
        Some((Some(first.to_owned()), Some(("the prefix \"\"".to_owned(), false))))
    );
    // A dependent denial is one on the allowed finding, and is not noted as its own.
    let run = run_with(&[("s3:GetObject", lacks_key("k"))]);
    assert!(
        matches!(&only(&run, "s3:GetObject").note, Some(Note::WentOnTo { action, .. }) if action.raw() == "kms:Decrypt")
    );
}

#[test]
fn what_was_allowed_after_a_while_says_so_before_its_own_note() {
    let of = |answer: Answer| {
        let check =
            plan(&specification(), PROBES).checks.into_iter().find(|check| check.action() == "s3:GetObject").unwrap();
        let control = plan(&specification(), PROBES).checks.swap_remove(0);
        let after = AllowedAfter { after: Duration::from_secs(9), before: "denied" };
        let outcome = Outcome { allowed_after: Some(after), ..Outcome::new(check, answer, Duration::ZERO) };
        findings(&[Outcome::new(control, success(), Duration::ZERO), outcome], &place()).swap_remove(1).note
    };
    assert!(matches!(of(success()), Some(Note::AllowedAfter(after, None)) if after.after.as_secs() == 9));
    let note = of(error("NoSuchKey", ""));
    assert!(matches!(&note, Some(Note::AllowedAfter(_, Some(then))) if matches!(**then, Note::NoObject)), "{note:?}");
}

#[test]
fn a_request_that_was_carried_out_leaves_something_behind() {
    let of_form = Leftover { what: "the object of the form".to_owned(), command: None };
    let run = run_with(&[
        ("s3:PutObject", success().leaving(of_form.clone())),
        ("sagemaker:CreateModel", success()),
        ("s3:GetObject", success()),
    ]);
    assert_eq!(only(&run, "s3:PutObject").leftover, Some(of_form), "the form's own comes first");
    let model = only(&run, "sagemaker:CreateModel");
    assert_eq!(model.leftover.as_ref().unwrap().what, format!("the model {}", run.place.names.record_name()));
    assert!(matches!(&model.note, Some(Note::SideEffect(Some(_)))), "{model:?}");
    assert_eq!(only(&run, "s3:GetObject").leftover, None, "it only reads");
}

#[test]
fn findings_know_their_service_and_their_check() {
    let run = run_with(&[("s3:GetObject", lacks_key("k")), ("dynamodb:Scan", lacks("dynamodb:Scan", TABLE))]);
    let key = only(&run, "kms:Decrypt");
    assert!(key.is_of_service("kms") && !key.is_of_service("s3") && !key.is_of_service("km"));
    assert!(!key.is_check_of("kms:Decrypt") && only(&run, "s3:GetObject").is_check_of("s3:GetObject"));
    assert!(key.is_missing_statement() && only(&run, "dynamodb:Scan").is_missing_statement());
    assert!(!only(&run, "s3:GetObject").is_missing_statement(), "it is allowed, whatever is denied behind it");
    assert!(!only(&run, "s3:GetObject").must_be_denied());
    assert_eq!(only(&run, "dynamodb:Scan").request_context, "the attribute x as its key");
}

#[test]
fn a_check_that_was_not_made_says_so() {
    let check = plan(&specification(), PROBES).checks.swap_remove(1);
    let finding = Finding::not_run(&check);
    assert_eq!(finding.conformity(), Conformity::Unknown(Cause::NotRun));
    assert!(matches!(finding.note, Some(Note::Cause(Cause::NotRun))) && finding.is_check_of("s3:GetObject"));
}

#[test]
fn the_wire_format_is_the_contract() {
    let reason =
        format!("{}. Go to https://c/authorization-details/1a2b for complete details", missing("dynamodb:Scan"));
    let answer = denial("dynamodb:Scan", TABLE, &reason);
    let message = answer.message().unwrap().to_owned();
    let run = run_with(&[("dynamodb:Scan", answer), ("s3:ListBucket", bare(Means::ThisAction))]);
    let json = serde_json::to_value(Json::render(&report(run), VOICE, false)).unwrap();
    let row = |action: &str| json["wrong"].as_array().unwrap().iter().find(|row| row["action"] == action).unwrap();
    assert_eq!(
        row("dynamodb:Scan"),
        &serde_json::json!({
            "action": "dynamodb:Scan",
            "resource": TABLE,
            "verdict": "denied",
            "proof": {
                "grade": "documented",
                "source": "IAM User Guide, \"Troubleshoot access denied error messages\""
            },
            "code": "AccessDeniedException",
            "message": message,
            "denial": {
                "kind": "implicitDeny",
                "policyType": "identity-based",
                "authorizationId": "1a2b",
                "detailsLink": "https://c/authorization-details/1a2b"
            },
            "awsRequestId": "REQUEST-1",
            "durationMs": 7
        })
    );
    assert_eq!(row("s3:ListBucket")["denial"], serde_json::json!({"kind": "unstated"}));
}
