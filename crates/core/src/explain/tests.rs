//! Denials and what looks like them, each written after a text that people met (`texts`), with what a reader says of it.

use serde_json::Value;

use super::*;
use crate::report::text::Layout;

/// What the corpus calls the policy types, by their names in the report.
fn in_words(policy_type: &Value) -> String {
    policy_type.as_str().unwrap_or_default().to_lowercase().replace(" policy", "").replace(' ', "-")
}

/// How many cases there are, and those in which a field differs, with what is said and what was expected.
fn differences(corpus: &str, fields: &[&str]) -> (usize, Vec<String>) {
    let mut differing = Vec::new();
    let cases: Vec<Value> = corpus.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for case in &cases {
        let (text, expected) = (case["text"].as_str().unwrap(), &case["expected"]);
        let said = render_json(explain(text).as_ref());
        for field in fields {
            let same = match *field {
                "policyType" => in_words(&said[field]) == in_words(&expected[field]),
                "isDenial" => said[field] == expected[field],
                // Whether there is one at all is told by the first field.
                _ if said["isDenial"] == false => true,
                _ => said[field].as_str().map(str::to_lowercase) == expected[field].as_str().map(str::to_lowercase),
            };
            if !same {
                differing.push(format!("{field}: {} for {} in {text}", said[field], expected[field]));
            }
        }
    }
    (cases.len(), differing)
}

#[test]
fn every_sentence_of_iam_is_read_whatever_is_wrapped_around_it() {
    let (count, differing) = differences(include_str!("texts/sentences.jsonl"), &["isDenial", "kind", "policyArn"]);
    assert!(count >= 170, "{count}");
    // One cannot be told from what an application of anybody's says.
    let known = ["User is not authorized to access this resource\"}"];
    let unknown: Vec<_> = differing.iter().filter(|it| !known.iter().any(|known| it.contains(known))).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    let (count, differing) =
        differences(include_str!("texts/sentences.jsonl"), &["about", "principal", "action", "resource", "policyType"]);
    assert!(differing.len() * 100 <= count * 9, "{} of {count} times five fields: {differing:#?}", differing.len());
}

#[test]
fn what_looks_like_a_denial_is_none() {
    let (count, differing) = differences(include_str!("texts/lookalikes.jsonl"), &["isDenial"]);
    assert!(count >= 140, "{count}");
    // Amazon OpenSearch Service refuses a role of AWS, by its own roles.
    let known = ["no permissions for [indices:data/write/bulk] and User [name=arn:aws:iam::"];
    let unknown: Vec<_> = differing.iter().filter(|it| !known.iter().any(|known| it.contains(known))).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn the_sentences_of_services_are_read() {
    let corpus = include_str!("texts/prose.jsonl");
    let (count, differing) = differences(corpus, &["isDenial"]);
    assert!(count >= 80 && differing.len() * 20 <= count, "{count}: {differing:#?}");
    let (count, differing) = differences(corpus, &["about", "action"]);
    assert!(differing.len() * 10 <= count * 2, "{count}: {differing:#?}");
}

/// The role, the action and the root cause of a text.
fn told(text: &str) -> (Option<String>, Option<String>, Option<&'static str>) {
    let told = explain(text).unwrap_or_else(|| panic!("no denial: {text}"));
    let about = told.about.map(|about| match about {
        About::Caller => "caller".to_owned(),
        About::Role(role) => role.raw().to_owned(),
    });
    (about, told.action.map(|action| action.raw().to_owned()), told.root_cause.map(RootCause::id))
}

#[test]
fn each_service_says_whose_permissions_it_is_about() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/Train";
    for (text, about, action, cause) in [
        (
            "Could not assume role arn:aws:iam::123456789012:role/service-role/Train. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.",
            Some(ROLE),
            Some("sts:AssumeRole"),
            "roleTrust",
        ),
        (
            "Role arn:aws:iam::123456789012:role/service-role/Train cannot pull 123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1. Ensure that the role exists and the image was granted pull permission.",
            Some(ROLE),
            None,
            "imagePull",
        ),
        (
            "The repository of your image 123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1 does not grant ecr:BatchGetImage permission to sagemaker.amazonaws.com service principal.",
            None,
            Some("ecr:BatchGetImage"),
            "imagePull",
        ),
        (
            "Could not access model data at s3://models/a.tar.gz. Please ensure that the role \"arn:aws:iam::123456789012:role/service-role/Train\" exists and that its trust relationship policy allows the action",
            Some(ROLE),
            Some("s3:GetObject"),
            "dataAccess",
        ),
        (
            "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
            None,
            Some("ec2:CreateNetworkInterface"),
            "functionRole",
        ),
        ("The role defined for the function cannot be assumed by Lambda.", None, Some("sts:AssumeRole"), "roleTrust"),
        (
            "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the function's KMS key settings. KMS Exception: AccessDeniedException",
            None,
            Some("kms:Decrypt"),
            "kmsKey",
        ),
        (
            "AccessDeniedException: 'arn:aws:iam::123456789012:role/service-role/Train' is not authorized to create managed-rule. (Service: AWSStepFunctions; Status Code: 400)",
            Some(ROLE),
            Some("events:PutRule"),
            "managedRule",
        ),
        (
            "AccessDeniedException: Insufficient Lake Formation permission(s): Required Select on features",
            Some("caller"),
            None,
            "lakeFormation",
        ),
        (
            "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized to perform this operation. Encoded authorization failure message: aBc-_123",
            Some("caller"),
            Some("ec2:RunInstances"),
            "encodedMessage",
        ),
        (
            "An error occurred (AccessDeniedException) when calling the GetParameter operation: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
            Some("caller"),
            Some("kms:Decrypt"),
            "kmsKey",
        ),
        (
            "InvalidParameterException: Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.",
            None,
            Some("lambda:InvokeFunction"),
            "resourcePolicy",
        ),
        ("Cross-account pass role is not allowed.", Some("caller"), Some("iam:PassRole"), "otherAccount"),
    ] {
        let expected = (about.map(str::to_owned), action.map(str::to_owned), Some(cause));
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn a_bare_denial_of_s3_has_the_action_of_its_call_and_no_cause() {
    let text = "upload failed: ./a.csv to s3://pipeline-data/a.csv An error occurred (AccessDenied) when calling the PutObject operation: Access Denied";
    assert_eq!(told(text), (Some("caller".to_owned()), Some("s3:PutObject".to_owned()), None));
    let told = explain(text).unwrap();
    assert_eq!(told.resource.as_ref().map(Text::raw), Some("s3://pipeline-data/a.csv"));
    assert_eq!((told.kind, told.policy_type), (Kind::Unstated, None));
    let policy = told.advice[0].policy.as_ref().unwrap().to_json();
    assert!(policy.contains("arn:aws:s3:::pipeline-data/*"), "{policy}");
}

#[test]
fn a_statement_is_offered_only_where_one_can_help() {
    let sentence = |reason: &str| {
        format!(
            "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: dynamodb:PutItem on resource: \
             arn:aws:dynamodb:us-east-1:123456789012:table/T {reason}"
        )
    };
    let policies =
        |reason: &str| explain(&sentence(reason)).unwrap().advice.iter().filter(|it| it.policy.is_some()).count();
    assert_eq!(policies("because no identity-based policy allows the dynamodb:PutItem action"), 1);
    assert_eq!(policies(""), 1);
    for reason in [
        "with an explicit deny in a service control policy",
        "because no permissions boundary allows the dynamodb:PutItem action",
    ] {
        assert_eq!(policies(reason), 0, "{reason}");
        assert!(explain(&sentence(reason)).unwrap().advice[0].text.raw().contains("will not help"));
    }
    // A name that was cut out is not to be pasted.
    let redacted = sentence("because no identity-based policy allows the dynamodb:PutItem action")
        .replace("table/T", "table/<name>");
    assert!(explain(&redacted).unwrap().advice.iter().all(|it| it.policy.is_none()));
}

#[test]
fn what_a_service_quotes_of_the_role_that_it_was_handed_is_about_that_role() {
    let quoted = "An error occurred (ValidationException) when calling the CreateTrainingJob operation: User: \
                  arn:aws:sts::123456789012:assumed-role/Train/SageMaker is not authorized to perform: s3:ListBucket on resource: \
                  arn:aws:s3:::data because no identity-based policy allows the s3:ListBucket action";
    assert_eq!(explain(quoted).unwrap().about, Some(About::Role("Train".into())));
    let own = quoted
        .replace("ValidationException", "AccessDeniedException")
        .replace("s3:ListBucket", "sagemaker:CreateTrainingJob");
    assert_eq!(explain(&own).unwrap().about, Some(About::Caller));
}

#[test]
fn a_record_of_cloudtrail_has_the_caller_and_the_action() {
    let record = r#"{"Records": [
        {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "userIdentity": {"arn": "arn:aws:sts::123456789012:assumed-role/r/s"}},
        {"eventSource": "s3.amazonaws.com", "eventName": "HeadObject", "errorCode": "AccessDenied", "errorMessage": "Access Denied",
         "userIdentity": {"arn": "arn:aws:sts::123456789012:assumed-role/r/s"}, "requestParameters": {"bucketName": "b", "key": "k"}}]}"#;
    let told = explain(record).unwrap();
    assert_eq!(told.action.unwrap().raw(), "s3:GetObject");
    assert_eq!(told.principal.unwrap().raw(), "arn:aws:sts::123456789012:assumed-role/r/s");
    assert_eq!(told.resource.unwrap().raw(), "arn:aws:s3:::b/k");
    let clean = record.replace(r#""errorCode": "AccessDenied", "errorMessage": "Access Denied","#, "");
    assert_eq!(explain(&clean), None);
}

#[test]
fn an_encoded_message_gets_the_command_that_decodes_it_and_no_other_command() {
    let text = |message: &str| {
        format!(
            "UnauthorizedOperation: You are not authorized to perform this operation. Encoded authorization failure message: {message}"
        )
    };
    let command = |message: &str| explain(&text(message)).unwrap().advice[0].command.clone().unwrap().raw().to_owned();
    assert!(command("aB-_9").contains("--encoded-message aB-_9 "));
    assert!(command("a;rm").contains("--encoded-message MESSAGE "), "{}", command("a;rm"));
    assert!(command("aBcDeFgHiJkLmNoP\nqRsTuVwXyZ0123456789 (Service: X)").contains("NoPqRs"));
}

#[test]
fn the_object_has_every_key_and_null_for_what_is_not_known() {
    let none = render_json(None);
    let keys = [
        "isDenial",
        "about",
        "principal",
        "action",
        "resource",
        "kind",
        "policyType",
        "policyArn",
        "rootCause",
        "advice",
    ];
    assert!(keys.iter().all(|key| none.get(key).is_some()) && none.as_object().unwrap().len() == keys.len(), "{none}");
    assert_eq!((none["isDenial"].as_bool(), none["advice"].as_array().map(Vec::len)), (Some(false), Some(0)));
    let text = render_text(None, Layout::default());
    assert!(text.contains("Nothing is guessed"), "{text}");
    let told =
        explain("An error occurred (AccessDenied) when calling the PutObject operation: Access Denied\u{1b}[31m");
    assert!(!render_text(told.as_ref(), Layout::default()).contains('\u{1b}'));
}

#[test]
fn a_long_text_takes_linear_time() {
    let texts = [
        "user: ",
        "role ",
        "(",
        "{\"eventSource\":\"eventName\"",
        "could not assume role ",
        "is not authorized to perform",
        "'\n",
        "s3:GetObject s3:PutObject ",
        "arn:aws:iam::1:role/",
    ];
    for part in texts {
        let text = part.repeat(200_000 / part.len());
        let started = std::time::Instant::now();
        drop(explain(&text));
        assert!(started.elapsed().as_secs() < 20, "{part}: {:?}", started.elapsed());
    }
}

const SENTENCE: &str = "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: ";

#[test]
fn the_end_of_a_long_log_is_read_and_what_stands_within_it() {
    let filler = "2026-01-01 00:00:00 INFO epoch=1 loss=0.1\n".repeat(30_000);
    let denial = format!("{SENTENCE}s3:GetObject on resource: \"arn:aws:s3:::b/k\"\n");
    for text in [format!("{filler}{denial}"), format!("{denial}{filler}"), format!("{filler}{denial}{filler}")] {
        assert_eq!(explain(&text).unwrap().action.unwrap().raw(), "s3:GetObject");
    }
}

#[test]
fn a_resource_ends_where_other_words_begin() {
    let arn = "arn:aws:sns:us-east-1:123456789012:alerts";
    for behind in ["</Message></Error>", " (Request ID: 1)", " | next", "`, what now?", "» and so on", " please help"]
    {
        let told = explain(&format!("{SENTENCE}SNS:Publish on resource: {arn}{behind}")).unwrap();
        assert_eq!(told.resource.unwrap().raw(), arn, "{behind}");
    }
}

#[test]
fn a_policy_type_that_is_broken_at_its_hyphen_is_the_same() {
    for hyphen in ["-\n", "\u{2011}", "-\n    "] {
        let text = format!(
            "{SENTENCE}sqs:SendMessage because no identity{hyphen}based policy allows the sqs:SendMessage action"
        );
        assert_eq!(explain(&text).unwrap().policy_type, Some(PolicyType::IdentityBased), "{hyphen:?}");
    }
    // One that is cut off promises nothing.
    let told = explain(&format!("{SENTENCE}sqs:SendMessage because no iden")).unwrap();
    assert!(!told.advice[0].text.raw().contains("will not help"), "{:?}", told.advice[0].text);
}

#[test]
fn the_fields_of_iam_s_console_are_a_sentence() {
    let text = "You don't have permission to iam:GetRole. To request access, copy the following text and send it to your administrator.\n\
                User: arn:aws:iam::123456789012:user/u\nAction: iam:GetRole\nOn resource(s): role r\n\
                Context: an identity-based policy explicitly denies the action";
    let told = explain(text).unwrap();
    assert_eq!((told.kind, told.policy_type), (Kind::Explicit, Some(PolicyType::IdentityBased)));
    assert_eq!(told.action.unwrap().raw(), "iam:GetRole");
}

#[test]
fn what_aws_refuses_for_another_reason_is_no_denial() {
    for text in [
        "An error occurred (UnauthorizedException) when calling the GetRoleCredentials operation: Session token not found or invalid",
        "An error occurred (AccessDenied) when calling the DeleteObject operation: Access Denied because object protected by object lock.",
        r#"{"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "errorCode": "AccessDenied", "errorMessage": "Request has expired"}"#,
    ] {
        assert_eq!(explain(text), None, "{text}");
    }
}

#[test]
fn a_role_that_is_passed_is_allowed_to_the_service_that_gets_it() {
    let policy = |call: &str| {
        let text = format!(
            "An error occurred (AccessDeniedException) when calling the {call} operation: {SENTENCE}iam:PassRole on resource: \
             arn:aws:iam::123456789012:role/t because no identity-based policy allows the iam:PassRole action"
        );
        explain(&text).unwrap().advice[0].policy.clone().unwrap().to_json()
    };
    assert!(policy("CreateFunction").contains("\"iam:PassedToService\":\"lambda.amazonaws.com\""));
    assert!(policy("CreateModel").contains("\"iam:PassedToService\":\"sagemaker.amazonaws.com\""));
    assert!(!policy("CreateSomething").contains("PassedToService"));
}

#[test]
fn what_cloudtrail_has_of_a_role_that_was_handed_is_not_about_the_caller() {
    let record = r#"{"eventSource": "lambda.amazonaws.com", "eventName": "CreateFunction20150331", "errorCode": "InvalidParameterValueException",
        "errorMessage": "The role defined for the function cannot be assumed by Lambda.", "userIdentity": {"arn": "arn:aws:iam::123456789012:user/u"}}"#;
    let told = explain(record).unwrap();
    assert_eq!((told.about, told.principal), (None, None));
    assert_eq!(told.action.unwrap().raw(), "sts:AssumeRole");
}

#[test]
fn a_statement_is_for_more_than_one_job_and_names_no_alias() {
    let policy = |resource: &str, action: &str| {
        let text = format!(
            "{SENTENCE}{action} on resource: {resource} because no identity-based policy allows the {action} action"
        );
        explain(&text).unwrap().advice[0].policy.as_ref().map(PolicyDocument::to_json)
    };
    let job = "arn:aws:sagemaker:us-east-1:123456789012:training-job/churn-2026-01-01";
    assert!(policy(job, "sagemaker:CreateTrainingJob").unwrap().contains(":training-job/*\""));
    assert_eq!(policy("arn:aws:kms:us-east-1:123456789012:alias/x", "kms:Decrypt"), None);
    assert_eq!(policy("arn:aws:sqs:us-east-1:xxxxxxxxxxxx:q", "sqs:SendMessage"), None);
}
