use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const USER: &str = "arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/probe";

fn sentence(rest: &str) -> String {
    format!("User: {USER} is not authorized to perform: {rest}")
}

#[test]
fn reads_every_part() {
    let message = sentence(
        "s3:GetObject on resource: \"arn:aws:s3:::my.bucket/a b.csv\" with an explicit deny in a service control \
         policy: arn:aws:organizations::111111111111:policy/o-1/service_control_policy/p-1. Go to \
         https://console.aws.amazon.com/iam/home#/authorization-details/abc for complete details, or call the \
         GetRequestAuthorizationDetails API with the following authorization id: abc-1.",
    );
    assert_eq!(
        parse(&message),
        Some(Denial {
            kind: Kind::Explicit,
            setting: None,
            policy_type: Some(PolicyType::ServiceControl),
            policy_arn: Some("arn:aws:organizations::111111111111:policy/o-1/service_control_policy/p-1"),
            principal: Some(USER.into()),
            action: "s3:GetObject",
            resource: Some("arn:aws:s3:::my.bucket/a b.csv".into()),
            authorization_id: Some("abc-1"),
            details_link: Some("https://console.aws.amazon.com/iam/home#/authorization-details/abc"),
        })
    );
}

#[test]
fn reads_the_second_form_of_the_policy_arn() {
    let message = sentence(
        "iam:ListUsers on resource: arn:aws:iam::123456789012:user/ because no permissions boundary allows the \
         iam:ListUsers action, with policy ARN: arn:aws:iam::123456789012:policy/boundary.",
    );
    let denial = parse(&message).unwrap();
    assert_eq!(denial.policy_arn, Some("arn:aws:iam::123456789012:policy/boundary"));
    assert_eq!(denial.resource.as_deref(), Some("arn:aws:iam::123456789012:user/"));
}

#[test]
fn a_missing_resource_is_not_the_principal() {
    let message = sentence("kms:Decrypt with an explicit deny");
    assert_eq!(parse(&message).unwrap().resource, None);
    let message = sentence("logs:CreateLogGroup");
    let denial = parse(&message).unwrap();
    assert_eq!((denial.action, denial.resource, denial.kind), ("logs:CreateLogGroup", None, Kind::Unstated));
}

#[test]
fn an_action_has_a_service_and_a_name() {
    for message in
        ["User: u is not authorized to perform: :GetObject", "User: u is not authorized to perform: s3: GetObject"]
    {
        assert_eq!(parse(message), None, "{message}");
    }
}

#[test]
fn the_reason_of_the_next_sentence_is_not_this_ones() {
    let message = "User: a is not authorized to perform: s3:GetObject on this resource. User: b is not authorized to perform: \
                   s3:PutObject on resource: x because no identity-based policy allows the s3:PutObject action";
    let denial = parse(message).unwrap();
    assert_eq!((denial.action, denial.kind, denial.policy_type), ("s3:GetObject", Kind::Unstated, None));
}

#[test]
fn a_resource_ends_where_its_quote_or_the_reason_says() {
    let implicit = "because no identity-based policy allows the s3:GetObject action";
    for (rest, expected) in [
        ("\"arn:aws:s3:::b/k\" and more text behind it".to_owned(), "arn:aws:s3:::b/k"),
        ("\"arn:aws:s3:::b/k\", and more text behind it".to_owned(), "arn:aws:s3:::b/k"),
        ("\"arn:aws:s3:::b/k\"x and more text\" behind it".to_owned(), "arn:aws:s3:::b/k\"x and more text"),
        // Only an ARN goes on behind a line break.
        (format!("arn:aws:s3:::b/\nk {implicit}"), "arn:aws:s3:::b/k"),
        (format!("b/\nk {implicit}"), "b/"),
        (format!("arn:aws:s3:::b/a-because no reason {implicit}"), "arn:aws:s3:::b/a-because no reason"),
    ] {
        let message = sentence(&format!("s3:GetObject on resource: {rest}"));
        assert_eq!(parse(&message).unwrap().resource.as_deref(), Some(expected), "{message}");
    }
}

#[test]
fn a_reason_can_be_broken_across_lines() {
    let denial = parse(
        "User: u is not authorized to perform: s3:GetObject with an explicit deny\n    in a session policy: arn:aws:x",
    );
    let denial = denial.unwrap();
    assert_eq!((denial.kind, denial.policy_type), (Kind::Explicit, Some(PolicyType::Session)));
    assert_eq!(denial.policy_arn, Some("arn:aws:x"));
}

#[test]
fn only_an_arn_is_put_together_from_its_lines() {
    let principal = |name: &str| {
        let message = format!("User: {name} is not authorized to perform: s3:GetObject");
        parse(&message).unwrap().principal.unwrap().into_owned()
    };
    assert_eq!(principal("arn:aws:iam::123456789012:\n    user/u"), "arn:aws:iam::123456789012:user/u");
    assert_eq!(principal("John\nDoe"), "John\nDoe");
}

/// A sentence that AWS wrote, and what it says. Account ids and names of
/// persons are replaced; all else is as it was found.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    message: String,
    action: String,
    resource: Option<String>,
    kind: String,
    policy_type: Option<String>,
    policy_arn: Option<String>,
    authorization_id: Option<String>,
}

#[test]
fn reads_what_aws_has_written() {
    let mut counts = std::collections::BTreeMap::new();
    let mut wrong = Vec::new();
    for line in include_str!("../../../tests/data/denials.jsonl").lines() {
        let found: Found = serde_json::from_str(line).unwrap();
        let Some(denial) = parse(&found.message) else {
            wrong.push(format!("not read: {:?}", found.message));
            continue;
        };
        let kind = match denial.kind {
            Kind::Implicit => "implicit",
            Kind::Explicit => "explicit",
            Kind::Unstated => "unstated",
        };
        let policy_type = denial.policy_type.map(crate::report::json::policy_type_name);
        let read =
            (denial.action, denial.resource.as_deref(), kind, policy_type, denial.policy_arn, denial.authorization_id);
        let expected = (
            found.action.as_str(),
            found.resource.as_deref(),
            found.kind.as_str(),
            found.policy_type.as_deref(),
            found.policy_arn.as_deref(),
            found.authorization_id.as_deref(),
        );
        if read != expected {
            wrong.push(format!("{read:?}\n  is not {expected:?}\n  in {:?}", found.message));
        }
        *counts.entry((found.kind, found.policy_type.unwrap_or_else(|| "not stated".to_owned()))).or_insert(0) += 1;
    }
    println!("{counts:#?}");
    assert!(wrong.is_empty(), "{} of the sentences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(counts.values().sum::<i32>() >= 60 && counts.len() >= 16, "{counts:?}");
}

#[test]
fn does_not_take_other_messages_for_denials() {
    #[derive(Deserialize)]
    struct Other {
        message: String,
        why: String,
    }
    let mut count = 0;
    for line in include_str!("../../../tests/data/not-denials.jsonl").lines() {
        let Other { message, why } = serde_json::from_str(line).unwrap();
        assert_eq!(parse(&message), None, "{why}: {message}");
        count += 1;
    }
    assert!(count >= 30, "{count}");
    for message in ["", "Access Denied", "User: x is not authorized to perform:", "ü is not authorized to perform: ü:ü"]
    {
        assert_eq!(parse(message), None, "{message}");
    }
}

/// A denial as the grammar makes it, and the sentence for it.
#[derive(Debug, Clone)]
struct Made {
    principal: String,
    action: String,
    resource: Option<String>,
    reason: (String, Kind, Option<PolicyType>),
    policy_arn: Option<String>,
    id: Option<String>,
    wrapper: (&'static str, &'static str),
    line_breaks: bool,
}

impl Made {
    fn sentence(&self) -> String {
        let Self { principal, action, .. } = self;
        let quote = if action.starts_with("s3:") { "\"" } else { "" };
        let resource = self.resource.as_ref().map(|resource| format!(" on resource: {quote}{resource}{quote}"));
        let space = if self.line_breaks { "\n" } else { " " };
        let reason = Some(self.reason.0.replace("ACTION", action)).filter(|reason| !reason.is_empty());
        let arn = self.policy_arn.as_ref().map(|arn| format!(": {arn}"));
        let details = self.id.as_ref().map(|id| {
            format!(
                ". Go to https://us-east-1.console.aws.amazon.com/iam/home#/authorization-details/{id} for complete \
                 details, or call the GetRequestAuthorizationDetails API with the following authorization id: {id}"
            )
        });
        [
            format!("{}User: {principal} is not authorized to perform: {action}", self.wrapper.0),
            resource.unwrap_or_default(),
            reason.map(|reason| space.to_owned() + &reason).unwrap_or_default(),
            arn.unwrap_or_default(),
            details.unwrap_or_default(),
            self.wrapper.1.to_owned(),
        ]
        .concat()
    }
}

fn reasons() -> Vec<(String, Kind, Option<PolicyType>)> {
    let types = [
        ("identity-based policy", PolicyType::IdentityBased),
        ("resource-based policy", PolicyType::ResourceBased),
        ("permissions boundary", PolicyType::PermissionsBoundary),
        ("session policy", PolicyType::Session),
        ("service control policy", PolicyType::ServiceControl),
        ("resource control policy", PolicyType::ResourceControl),
        ("VPC endpoint policy", PolicyType::VpcEndpoint),
        ("role trust policy", PolicyType::RoleTrust),
    ];
    let implicit =
        types.iter().map(|(name, t)| (format!("because no {name} allows the ACTION action"), Kind::Implicit, Some(*t)));
    let explicit = types.iter().map(|(name, t)| {
        let article = match *name {
            "identity-based policy" => "an",
            "role trust policy" => "the",
            _ => "a",
        };
        (format!("with an explicit deny in {article} {name}"), Kind::Explicit, Some(*t))
    });
    let through = "with an explicit deny in a VPC endpoint policy transitively through a service control policy";
    implicit
        .chain(explicit)
        .chain([
            (through.to_owned(), Kind::Explicit, Some(PolicyType::ServiceControl)),
            ("with an explicit deny".to_owned(), Kind::Explicit, None),
            (String::new(), Kind::Unstated, None),
        ])
        .collect()
}

fn made() -> impl Strategy<Value = Made> {
    let partition = prop_oneof!["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"];
    let principal = (partition.clone(), "[0-9]{12}", "[A-Za-z0-9_+=,.@-]{1,64}", "[A-Za-z0-9_+=,.@-]{2,64}")
        .prop_flat_map(|(partition, account, role, session)| {
            prop_oneof![
                Just(format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}")),
                Just(format!("arn:{partition}:iam::{account}:user/{role}")),
                Just(format!("arn:{partition}:sts::{account}:federated-user/{role}")),
                Just(format!("arn:{partition}:iam::{account}:root")),
                Just("lambda.amazonaws.com".to_owned()),
                Just("anonymous".to_owned()),
            ]
        });
    let service = prop_oneof!["s3", "dynamodb", "sagemaker", "logs", "kms", "iam", "[a-z][a-z0-9-]{1,20}"];
    let action = (service, "[A-Za-z][A-Za-z0-9]{1,40}").prop_map(|(service, name)| format!("{service}:{name}"));
    // Dots, colons, slashes, quotes, spaces, other scripts, and very long ones.
    let plain = "[A-Za-z0-9é日./:_@$+=*#-]{0,60}";
    let name = prop_oneof![
        4 => (plain, "[A-Za-z0-9é日/*_-]").prop_map(|(start, end)| start + &end),
        2 => ("[A-Za-z0-9.]{1,20}", "[ \"']{1}[A-Za-z0-9.é]{1,20}", "[A-Za-z0-9]").prop_map(|(a, b, c)| a + &b + &c),
        1 => ("[a-z/.]{900,1500}", "[a-z]").prop_map(|(start, end)| start + &end),
    ];
    let resource = (partition, name).prop_map(|(partition, name)| format!("arn:{partition}:service:::{name}"));
    let policy_arn = "arn:aws:(iam|organizations)::[0-9]{12}:policy/[A-Za-z0-9/_+=.@-]{0,40}[A-Za-z0-9]";
    let wrapper = prop_oneof![
        Just(("", "")),
        Just(("An error occurred (AccessDenied) when calling the GetObject operation: ", "")),
        Just(("", " (Service: AmazonS3; Status Code: 403; Error Code: AccessDenied; Request ID: 0A1B)")),
        Just(("AccessDeniedException: ", "\n\tstatus code: 400, request id: 0A1B")),
        Just(("{\"Message\":\"", "\"}")),
        Just(("operation error S3: GetObject, https response error StatusCode: 403, api error AccessDenied: ", "")),
    ];
    (
        principal,
        action,
        proptest::option::weighted(0.9, resource),
        proptest::sample::select(reasons()),
        proptest::option::of(policy_arn),
        proptest::option::of("[a-z0-9]{8}-[a-z0-9]{4}"),
        wrapper,
        any::<bool>(),
    )
        .prop_map(|(principal, action, resource, reason, policy_arn, id, wrapper, line_breaks)| {
            // Only a stated policy has an ARN.
            let policy_arn = policy_arn.filter(|_| reason.2.is_some());
            Made { principal, action, resource, reason, policy_arn, id, wrapper, line_breaks }
        })
}

proptest! {
    #![proptest_config(crate::fixtures::cases(500))]

    #[test]
    fn reads_whatever_the_grammar_makes(made in made()) {
        let sentence = made.sentence();
        let denial = parse(&sentence).unwrap();
        prop_assert_eq!(denial.action, &made.action, "{}", sentence);
        prop_assert_eq!(denial.resource.as_deref(), made.resource.as_deref(), "{}", sentence);
        prop_assert_eq!((denial.kind, denial.policy_type), (made.reason.1, made.reason.2), "{}", sentence);
        prop_assert_eq!(denial.policy_arn, made.policy_arn.as_deref(), "{}", sentence);
        prop_assert_eq!(denial.principal.as_deref(), Some(made.principal.as_str()), "{}", sentence);
        prop_assert_eq!(denial.authorization_id, made.id.as_deref(), "{}", sentence);
    }

    #[test]
    fn never_panics(text in any::<String>(), at in any::<prop::sample::Index>(), made in made()) {
        parse(&text);
        // Nor on a sentence into which something else has run.
        let mut sentence: Vec<char> = made.sentence().chars().collect();
        let at = at.index(sentence.len());
        sentence.splice(at..at, text.chars());
        parse(&sentence.into_iter().collect::<String>());
    }
}

#[test]
fn takes_linear_time() {
    let head = "User: arn:aws:iam::123456789012:user/u is not authorized to perform: s3:GetObject on resource: ";
    for (start, repeated) in [
        ("arn:aws:s3:::b", " "),
        ("arn:aws:s3:::b", "\n"),
        ("arn:aws:s3:::b", "\\n"),
        ("arn:aws:s3:::b", " because no"),
        ("\"arn:aws:s3:::b", "\""),
        ("arn:aws:s3:::b", " \n> #"),
        ("arn:x", "\n>"),
        ("x", " \\t"),
        ("x", " \\n"),
        ("", "\n>"),
        ("", "User: "),
        ("", "not authorized to perform "),
    ] {
        let repeated_text = repeated.repeat(100_000 / repeated.len());
        let started = std::time::Instant::now();
        parse(&format!("{head}{start}{repeated_text}:"));
        parse(&format!("User: u is not authorized to perform: s3:GetObject {start}{repeated_text}:"));
        // So much takes a few milliseconds; in quadratic time it would take minutes.
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{repeated:?} {:?}", started.elapsed());
    }
}
