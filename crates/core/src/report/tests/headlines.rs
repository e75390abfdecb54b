//! A run for each root cause.

use super::{assert_snapshot, show};
use crate::answer::{Answer, NoAnswer};
use crate::fixtures::*;
use crate::iam::actions::CONTROL;
use crate::plan::Check;
use crate::probe::On;
use crate::report::tests::json_of;
use crate::specification::Specification;

fn headline(run: crate::diagnosis::Run) -> Option<String> {
    json_of(&report(run), false)["headline"]["cause"].as_str().map(str::to_owned)
}

fn of_service(check: &Check, service: &str) -> bool {
    check.action().split(':').next() == Some(service)
}

fn expired() -> Answer {
    error("ExpiredTokenException", "The security token included in the request is expired")
}

#[test]
fn a_clean_run_has_no_headline_and_no_advice() {
    assert_snapshot!(show(run(specification(), |_| None)));
}

#[test]
fn credentials_that_aws_does_not_accept_are_the_headline() {
    assert_snapshot!(show(run(with_table("T"), |_| Some(expired()))));
}

#[test]
fn credentials_that_are_not_there_are_the_headline_without_a_code() {
    let run = run(specification(), |_| Some(Answer::none(NoAnswer::Credentials, "no credentials")));
    let json = json_of(&report(run), false);
    assert!(json["headline"]["text"].as_str().unwrap().contains("(there are none)"), "{json}");
}

#[test]
fn credentials_of_one_request_are_not_the_headline() {
    let run = run(specification(), |check| (check.action() == "dynamodb:Scan").then(expired));
    assert_snapshot!(show(run));
}

#[test]
fn a_clock_that_is_off_is_the_headline() {
    let skewed = || error("RequestTimeTooSkewed", "The difference between the times is too large.");
    let run = run(specification(), |_| Some(skewed()));
    let json = json_of(&report(run), false);
    assert_eq!(json["headline"]["cause"], "clockSkew");
    assert_eq!(json["advice"].as_array().unwrap().len(), 1, "{json}");
}

#[test]
fn what_must_be_denied_and_is_allowed_is_the_headline() {
    let run = run(with_deny_control(), |check| match check.action() {
        "dynamodb:ListTables" => Some(success()),
        "dynamodb:Scan" => Some(lacking(check)),
        action if action.starts_with("s3:") || action.starts_with("sagemaker:") => Some(error("SlowDown", "Slow down")),
        _ => None,
    });
    assert_snapshot!(show(run));
}

#[test]
fn a_control_that_is_denied_can_only_be_the_vpc_endpoint() {
    let run = run(specification(), |check| match check.action() {
        CONTROL => Some(denied(check, "because no VPC endpoint policy allows the ACTION action")),
        _ => Some(error("SlowDown", "Slow down")),
    });
    assert_snapshot!(show(run));
}

#[test]
fn a_control_without_an_answer_says_what_the_network_needs() {
    let run = run(specification(), |check| (check.action() == CONTROL).then(silent));
    let json = json_of(&report(run), false);
    let text = json["headline"]["text"].as_str().unwrap();
    assert_eq!(json["headline"]["cause"], "control");
    assert!(text.ends_with("its VPC endpoint com.amazonaws.us-east-1.sts, as any other service does."), "{text}");
}

#[test]
fn a_control_that_fails_otherwise_says_its_cause() {
    let run = run(specification(), |check| (check.action() == CONTROL).then(|| error("SlowDown", "")));
    let json = json_of(&report(run), false);
    let text = json["headline"]["text"].as_str().unwrap();
    assert!(text.ends_with("Its cause is throttled: AWS limited the rate of requests."), "{text}");
}

#[test]
fn a_service_that_answers_nothing_is_the_headline() {
    assert_snapshot!(show(run(specification(), |check| of_service(check, "dynamodb").then(silent))));
}

#[test]
fn silence_behind_a_proxy_asks_to_look_at_the_proxy() {
    let mut run = run(specification(), |check| of_service(check, "logs").then(silent));
    run.through_proxy = true;
    assert_snapshot!(show(run));
}

#[test]
fn a_certificate_of_an_untrusted_issuer_is_told_with_the_setting() {
    let untrusted = || Answer::none(NoAnswer::Network, "invalid peer certificate: UnknownIssuer");
    let run = run(specification(), |check| of_service(check, "logs").then(untrusted));
    let json = json_of(&report(run), false);
    let text = json["headline"]["text"].as_str().unwrap();
    assert!(
        text.contains("an issuer that the function does not trust") && text.contains("Set AWS_CA_BUNDLE to"),
        "{text}"
    );
}

#[test]
fn where_no_service_answers_all_are_named() {
    let slow = || Answer::none(NoAnswer::TimedOut, "no answer within 5 s");
    let json = json_of(&report(run(with_passed_role(), |_| Some(slow()))), false);
    let text = json["headline"]["text"].as_str().unwrap();
    assert_eq!(
        text.split(" That says").next().unwrap(),
        "No service answered: AWS STS, Amazon S3, Amazon DynamoDB, Amazon SageMaker, SageMaker Runtime, CloudWatch Logs."
    );
    assert_eq!(text.matches("com.amazonaws.us-east-1.").count(), 6, "{text}");
}

#[test]
fn where_the_names_of_vpc_endpoints_are_not_known_none_is_named() {
    let mut run = run(specification(), |check| of_service(check, "logs").then(silent));
    run.place.region = "us-isof-south-1".to_owned();
    let json = json_of(&report(run), false);
    let text = json["headline"]["text"].as_str().unwrap();
    assert!(text.ends_with("its security group must allow outbound HTTPS."), "{text}");
}

#[test]
fn denials_under_another_role_have_the_role_as_their_headline_and_no_statement() {
    let run =
        run_as("another-role", specification(), |check| (check.action() == "dynamodb:Scan").then(|| lacking(check)));
    assert_snapshot!(show(run));
}

#[test]
fn another_region_than_that_of_the_policy_is_the_headline_of_what_lacks_a_statement() {
    let mut elsewhere = specification();
    elsewhere.expected.region = Some("ap-southeast-1".to_owned());
    let dynamodb = |check: &Check| matches!(check.probe.on, On::Table(_));
    assert_snapshot!(show(run(elsewhere.clone(), |check| dynamodb(check).then(|| lacking(check)))));
    // Names of buckets and of roles have no Region, and other denials are no missing statements.
    let mut same = elsewhere.clone();
    same.expected.region = Some("us-east-1".to_owned());
    for run in [
        run(elsewhere.clone(), |check| (dynamodb(check) || of_service(check, "s3")).then(|| lacking(check))),
        run(Specification { passed_role: with_passed_role().passed_role, ..elsewhere.clone() }, |check| {
            (dynamodb(check) || of_service(check, "iam")).then(|| lacking(check))
        }),
        run(elsewhere.clone(), |check| {
            (check.action() == "dynamodb:Scan").then(|| denied(check, "with an explicit deny"))
        }),
        run(same, |check| dynamodb(check).then(|| lacking(check))),
        // The policy's statement for logs names no Region, and other rows of the table are allowed in this one.
        run(elsewhere.clone(), |check| (check.action() == "logs:PutLogEvents").then(|| lacking(check))),
        run(elsewhere.clone(), |check| (check.action() == "dynamodb:Scan").then(|| lacking(check))),
    ] {
        assert_eq!(headline(run), None);
    }
    let missing = run(elsewhere, |check| dynamodb(check).then(no_table));
    assert_eq!(headline(missing).as_deref(), Some("wrongRegion"), "a missing table is one of the other Region's");
}

#[test]
fn two_buckets_in_another_region_are_the_headline_with_their_regions() {
    let run = run(two_of_each(), |check| match (of_service(check, "s3"), check.target.name()) {
        (true, "second-bucket") => Some(elsewhere(Some("eu-west-1"))),
        (true, _) => Some(elsewhere(Some("ap-southeast-1"))),
        _ => None,
    });
    assert_snapshot!(show(run));
}

#[test]
fn two_missing_tables_and_a_missing_bucket_are_one_headline() {
    let mut specification = two_of_each();
    specification.tables =
        ["ModelMetaData", "ModelMetadat", "SecondTable"].map(|name| with_table(name).tables[0].clone()).to_vec();
    let run = run(specification, |check| match (check.action(), check.target.name()) {
        ("dynamodb:Scan" | "dynamodb:GetItem", _) => Some(no_table()),
        ("s3:ListBucket", "second-bucket") => Some(error("NoSuchBucket", "The specified bucket does not exist")),
        _ => None,
    });
    assert_snapshot!(show(run));
}

#[test]
fn a_missing_resource_of_another_kind_is_no_headline() {
    let missing = |action: &'static str, answer: fn() -> Answer| {
        headline(run(specification(), move |check| (check.action() == action).then(answer)))
    };
    let no_bucket = || error("NoSuchBucket", "The specified bucket does not exist");
    assert_eq!(missing("s3:ListBucket", no_bucket).as_deref(), Some("resourceMissing"));
    assert_eq!(missing("dynamodb:Scan", no_table).as_deref(), Some("resourceMissing"));
    assert_eq!(missing("logs:PutLogEvents", no_table), None);
    assert_eq!(missing("dynamodb:Scan", no_bucket), None, "no table answers so");
    assert_eq!(
        missing("s3:GetObject", || error("NoSuchKey", "").configured()),
        None,
        "it is the object that is missing"
    );
}

#[test]
fn a_role_that_sagemaker_cannot_assume_is_the_headline_with_its_trust_policy() {
    let not_assumed = || error("ValidationException", "Could not assume role. Please ensure that the role exists.");
    assert_snapshot!(show(run(with_passed_role(), |check| (check.action() == "iam:PassRole").then(not_assumed))));
    let more = run(with_passed_role(), |check| match check.action() {
        "iam:PassRole" => Some(not_assumed()),
        "dynamodb:Scan" => Some(lacking(check)),
        _ => None,
    });
    assert_eq!(headline(more), None);
}

const SCP: &str = "with an explicit deny in a service control policy: \
                   arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/service_control_policy/p-a1b2c3d4";

#[test]
fn one_service_control_policy_that_denies_everything_is_the_headline_with_its_arn() {
    let run = run(specification(), |check| (check.action() != CONTROL).then(|| denied(check, SCP)));
    let json = json_of(&report(run), false);
    assert_snapshot!(serde_json::to_string_pretty(&[&json["headline"], &json["advice"]]).unwrap());
}

#[test]
fn two_policies_of_one_type_are_the_headline_without_an_arn() {
    let run = run(specification(), |check| match check.action() {
        "dynamodb:Scan" => Some(denied(check, SCP)),
        "dynamodb:GetItem" => Some(denied(check, "with an explicit deny in a service control policy")),
        _ => None,
    });
    assert_snapshot!(show(run));
}

#[test]
fn denials_of_several_kinds_or_only_one_have_no_policy_as_their_headline() {
    let pair = |scan: &'static str, get: &'static str| {
        headline(run(specification(), move |check| match check.action() {
            "dynamodb:Scan" => Some(denied(check, scan)),
            "dynamodb:GetItem" if get == "throttled" => Some(error("SlowDown", "")),
            "dynamodb:GetItem" => (!get.is_empty()).then(|| denied(check, get)),
            _ => None,
        }))
    };
    let boundary = "because no permissions boundary allows the ACTION action";
    let identity = "with an explicit deny in an identity-based policy";
    assert_eq!(pair(boundary, boundary).as_deref(), Some("policyType"));
    assert_eq!(pair(identity, identity).as_deref(), Some("policyType"));
    let kms = "because the resource does not exist in this Region, no resource-based policies allow access";
    let implicit = "because no identity-based policy allows the ACTION action";
    let explicit_boundary = "with an explicit deny in a permissions boundary";
    for (scan, get) in [
        (boundary, ""),
        (boundary, identity),
        (boundary, explicit_boundary),
        (boundary, "throttled"),
        (implicit, implicit),
        (kms, kms),
        ("with an explicit deny", "with an explicit deny"),
    ] {
        assert_eq!(pair(scan, get), None, "{scan} {get}");
    }
}

#[test]
fn a_boundary_a_session_policy_or_an_endpoint_policy_is_named_with_its_article() {
    for (reason, said) in [
        (
            "because no permissions boundary allows the ACTION action",
            "a permissions boundary does not allow the actions.",
        ),
        ("with an explicit deny in a session policy", "a session policy explicitly denies the actions."),
        (
            "because no VPC endpoint policy allows the ACTION action",
            "a VPC endpoint policy does not allow the actions.",
        ),
        (
            "with an explicit deny in an identity-based policy",
            "an identity-based policy explicitly denies the actions.",
        ),
    ] {
        let run = run(specification(), |check| of_service(check, "dynamodb").then(|| denied(check, reason)));
        let json = json_of(&report(run), false);
        let text = json["headline"]["text"].as_str().unwrap();
        assert!(text.contains(&format!("Every denial states the same policy type: {said}")), "{text}");
    }
}

#[test]
fn a_table_whose_name_differs_in_case_is_the_headline_of_its_denials() {
    let denials = |check: &Check| of_service(check, "dynamodb").then(|| lacking(check));
    assert_snapshot!(show(run(with_table("modelmetadata"), denials)));
}

#[test]
fn a_tables_name_is_the_headline_only_where_it_is_near_and_explains_everything() {
    let all = |check: &Check| of_service(check, "dynamodb").then(|| lacking(check));
    let some = |check: &Check| (check.action() == "dynamodb:Scan").then(|| lacking(check));
    let and_more = |check: &Check| (of_service(check, "dynamodb") || of_service(check, "logs")).then(|| lacking(check));
    let with_key = |check: &Check| match check.action() {
        "dynamodb:Scan" => Some(lacks_key("k")),
        _ => all(check),
    };
    let explicit = |check: &Check| of_service(check, "dynamodb").then(|| denied(check, "with an explicit deny"));
    for (name, answer, expected) in [
        ("ModelMetadata1", &all as &dyn Fn(&Check) -> Option<Answer>, true),
        ("ModelMetadat", &all, true),
        ("ModelMetadata12", &all, true),
        ("ModelMetadata123", &all, false),
        ("ModelMetadata", &all, false),
        ("Models", &all, false),
        ("modelmetadata", &some, false),
        ("modelmetadata", &and_more, false),
        ("modelmetadata", &with_key, false),
        ("modelmetadata", &explicit, false),
    ] {
        let headline = headline(run(with_table(name), answer));
        assert_eq!(headline.as_deref(), expected.then_some("tableName"), "{name}");
    }
}

#[test]
fn two_tables_of_nearly_the_name_are_named_both() {
    let mut specification = with_table("modelmetadata");
    specification.tables.extend(with_table("ModelMetadat").tables);
    let run = run(specification, |check| of_service(check, "dynamodb").then(|| lacking(check)));
    let json = json_of(&report(run), false);
    let text = json["headline"]["text"].as_str().unwrap();
    assert_eq!(
        text,
        "Only requests to the tables modelmetadata, ModelMetadat are denied. The guide's table is ModelMetadata. The names differ \
         only in case, and names of tables are case-sensitive. The guide's table is ModelMetadata, which is nearly the same \
         name. The policy may name that table."
    );
}

#[test]
fn what_has_no_one_cause_has_no_headline() {
    let run = run(specification(), |check| match check.action() {
        "dynamodb:PutItem" => Some(denied(check, "with an explicit deny in a session policy")),
        "s3:PutObject" => Some(silent()),
        _ => None,
    });
    assert_eq!(headline(run), None);
}

#[test]
fn a_control_without_an_answer_is_told_by_what_else_was_answered() {
    let stalls = |check: &Check| (check.action() == CONTROL).then(silent);
    let text =
        |run: crate::diagnosis::Run| json_of(&report(run), false)["headline"]["text"].as_str().unwrap().to_owned();
    let assumed = text(run(with_assumed_role(), stalls));
    assert!(assumed.contains("AWS STS answered another request") && !assumed.contains("NAT"), "{assumed}");
    let proxy = text(crate::diagnosis::Run { through_proxy: true, ..run(specification(), stalls) });
    assert!(proxy.contains("A proxy is configured (HTTPS_PROXY)") && !proxy.contains("NAT"), "{proxy}");
    assert!(text(run(specification(), stalls)).contains("NAT gateway"));
}
