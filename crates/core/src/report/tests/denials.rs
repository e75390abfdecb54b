//! What the report says of denials: which statement it offers, and where it offers none.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{assert_snapshot, json_of, row_of, rows, show};
use crate::answer::{Answer, Means};
use crate::diagnosis::Run;
use crate::fixtures::*;
use crate::iam::actions::CONTROL;
use crate::place::tests::place;
use crate::plan::Check;
use crate::specification::{Bucket, Specification};

/// What these actions lack, and nothing else.
fn lacking_only(actions: &[&str]) -> Run {
    run(specification(), |check| actions.contains(&check.action()).then(|| lacking(check)))
}

fn denied_so(actions: &[&str], reason: &str) -> Run {
    run(specification(), |check| actions.contains(&check.action()).then(|| denied(check, reason)))
}

fn answered(action: &str, answer: &Answer) -> Run {
    run(specification(), |check| (check.action() == action).then(|| answer.clone()))
}

fn advice_of(run: Run) -> Vec<Value> {
    json_of(&report(run), false)["advice"].as_array().unwrap().clone()
}

fn texts(run: Run) -> Vec<String> {
    advice_of(run).iter().map(|advice| advice["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_missing_statement_is_offered_with_the_command_that_adds_it() {
    assert_snapshot!(show(lacking_only(&["s3:PutObject", "s3:ListBucket", "dynamodb:PutItem", "dynamodb:Scan"])));
}

#[test]
fn two_buckets_and_two_tables_have_a_statement_each() {
    let run = run(two_of_each(), |check| match (check.action(), check.target.name()) {
        ("s3:ListBucket" | "s3:GetObject" | "s3:PutObject", "second-bucket")
        | ("dynamodb:GetItem", "SecondTable")
        | ("dynamodb:Scan", _) => Some(lacking(check)),
        _ => None,
    });
    assert_snapshot!(show(run));
}

/// One bucket, with two places that the pipeline works in.
fn two_prefixes() -> Specification {
    let of = |prefix: &str| {
        let bucket = Bucket { prefix: prefix.to_owned(), ..Bucket::clone(&specification().buckets[0]) };
        Arc::new(bucket)
    };
    Specification { buckets: vec![of("in/"), of("out/")], ..specification() }
}

#[test]
fn two_prefixes_of_one_bucket_name_an_action_on_the_bucket_once() {
    let run = run(two_prefixes(), |check| {
        ["s3:ListBucket", "s3:PutObject"].contains(&check.action()).then(|| lacking(check))
    });
    let statements = advice_of(run)[0]["policy"]["Statement"].clone();
    let named: Vec<_> =
        statements.as_array().unwrap().iter().map(|it| (it["Action"].clone(), it["Resource"].clone())).collect();
    let expected = |action: &str, resource: &str| (json!([action]), json!([resource]));
    assert_eq!(
        named,
        [
            expected("s3:PutObject", "arn:aws:s3:::your-bucket-name/in/*"),
            expected("s3:PutObject", "arn:aws:s3:::your-bucket-name/out/*"),
            expected("s3:ListBucket", "arn:aws:s3:::your-bucket-name"),
        ]
    );
}

#[test]
fn a_statement_names_the_object_that_is_read_where_the_prefix_does_not_take_it_in() {
    let resources = |prefix: &str, key: &str| {
        let bucket = Bucket {
            name: "your-bucket-name".to_owned(),
            prefix: prefix.to_owned(),
            object_key: Some(key.to_owned()),
            ..Bucket::default()
        };
        let specification = Specification { buckets: vec![Arc::new(bucket)], ..specification() };
        let run = run(specification, |check| (check.action() == "s3:GetObject").then(|| lacking(check)));
        advice_of(run)[0]["policy"]["Statement"][0]["Resource"].clone()
    };
    assert_eq!(
        resources("training/", "other/x$.csv"),
        json!(["arn:aws:s3:::your-bucket-name/training/*", "arn:aws:s3:::your-bucket-name/other/x${$}.csv"])
    );
    // IAM takes no character beyond U+00FF in a policy.
    assert_eq!(resources("日本/é/", "日本/é/x"), json!(["arn:aws:s3:::your-bucket-name/*/é/*"]));
}

#[test]
fn two_keys_are_told_of_both_and_the_action_once() {
    let run = run(specification(), |check| match check.action() {
        "s3:GetObject" => Some(lacks_key("1")),
        "dynamodb:Scan" | "dynamodb:GetItem" => Some(lacks_key("2")),
        _ => None,
    });
    assert_snapshot!(show(run));
}

#[test]
fn a_key_that_aws_does_not_name_is_offered_no_statement() {
    for reason in [
        "because no identity-based policy allows the kms:Decrypt action",
        "because the resource does not exist in this Region, no resource-based policies allow access, or a \
         resource-based policy explicitly denies access",
    ] {
        let sentence = format!(
            "User: u is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext {reason}"
        );
        let run = answered("s3:GetObject", &error("AccessDenied", &sentence));
        let json = json_of(&report(run), false);
        assert_eq!((json.get("headline"), &json["verdict"]), (None, &json!("denied")), "{json}");
        let advice = json["advice"].as_array().unwrap();
        assert!(advice.iter().all(|advice| advice.get("policy").is_none()), "never a statement for *: {advice:?}");
    }
    let reason = missing("kms:Decrypt");
    let sentence = format!(
        "User: u is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext {reason}"
    );
    assert_snapshot!(show(answered("s3:GetObject", &error("AccessDenied", &sentence))));
}

#[test]
fn where_a_key_may_not_exist_the_resource_is_to_be_looked_at() {
    let sentence = "User: u is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the \
                    resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy \
                    explicitly denies access";
    assert_snapshot!(show(answered("s3:GetObject", &error("AccessDenied", sentence))));
}

#[test]
fn a_statement_is_offered_only_for_what_the_pipeline_needs() {
    for (named, resource, offered) in [
        ("ec2:DescribeInstances", "arn:aws:ec2:us-east-1:123456789012:instance/i", false),
        ("kms:Decrypt", "*", false),
        ("kms:Decrypt", "", false),
        ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/k", true),
        ("S3:listbucket", "arn:aws:s3:::another-bucket", true),
    ] {
        let advice = advice_of(answered("s3:GetObject", &lacks(named, resource)));
        let about = advice.iter().find(|advice| advice["actions"] == json!([named])).expect("it is named all the same");
        assert_eq!(about.get("policy").is_some(), offered, "{named} {resource}: {advice:?}");
        assert_eq!(about.get("command").is_some(), offered, "{named} {resource}: {advice:?}");
    }
}

#[test]
fn a_role_is_passed_to_sagemaker_alone() {
    let run = run(with_passed_role(), |check| match check.action() {
        "iam:PassRole" => Some(lacking(check)),
        "sagemaker:CreateModel" => Some(lacks("iam:PassRole", "arn:aws:iam::123456789012:role/other")),
        _ => None,
    });
    let policy = &advice_of(run)[0]["policy"]["Statement"];
    let passed = |index: usize| (policy[index]["Resource"].clone(), policy[index]["Condition"].clone());
    let condition = json!({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}});
    assert_eq!(passed(0), (json!([SAGEMAKER_ROLE]), condition.clone()));
    assert_eq!(passed(1), (json!(["arn:aws:iam::123456789012:role/other"]), condition));
}

#[test]
fn a_statement_under_a_condition_takes_in_no_other_action() {
    let run = run(with_passed_role(), |check| match check.action() {
        "iam:PassRole" => Some(lacking(check)),
        "sagemaker:CreateModel" => Some(lacks("logs:PutLogEvents", SAGEMAKER_ROLE)),
        "logs:PutLogEvents" => Some(error("SlowDown", "")),
        _ => None,
    });
    let statements = advice_of(run)[0]["policy"]["Statement"].as_array().unwrap().clone();
    assert_eq!(
        statements.iter().map(|it| it["Action"].clone()).collect::<Vec<_>>(),
        [json!(["iam:PassRole"]), json!(["logs:PutLogEvents"])]
    );
}

#[test]
fn the_next_policy_does_not_take_the_place_of_the_one_before() {
    let name = |action: &str, account: &str| {
        let mut run = lacking_only(&[action]);
        for finding in &mut run.findings {
            for resource in &mut finding.resources {
                *resource = resource.replace("123456789012", account);
            }
        }
        let command = advice_of(run)[0]["command"].as_str().unwrap().to_owned();
        command.split(' ').nth(5).unwrap().to_owned()
    };
    let (get, put) = (name("dynamodb:GetItem", "123456789012"), name("dynamodb:PutItem", "123456789012"));
    assert!(get.starts_with("permissions-probe-") && get.len() == "permissions-probe-".len() + 8, "{get}");
    assert_ne!(get, put);
    assert_eq!(get, name("dynamodb:GetItem", "210987654321"), "a hash must not give the account away");
}

#[test]
fn a_denial_without_a_reason_is_offered_a_statement_for_one_of_its_possibilities() {
    assert_snapshot!(show(denied_so(&["dynamodb:Scan", "dynamodb:GetItem"], "")));
}

#[test]
fn a_bare_denial_may_be_the_buckets_own_policy() {
    assert_snapshot!(show(answered("s3:ListBucket", &bare(Means::ThisAction))));
}

#[test]
fn a_denial_of_what_has_no_resource_is_offered_no_statement() {
    let run = run(with_deny_control(), |check| match check.action() {
        "sts:GetCallerIdentity" => Some(denied(check, "")),
        _ => None,
    });
    let advice = advice_of(run);
    let text = advice[0]["text"].as_str().unwrap();
    assert!(!text.ends_with(':') && advice[0].get("policy").is_none(), "{advice:?}");
}

#[test]
fn a_write_that_can_be_denied_for_its_key_is_offered_a_statement_for_each() {
    let answer = bare(Means::ThisOrAnother(&["s3:PutObject", "kms:GenerateDataKey"]));
    assert_snapshot!(show(answered("s3:PutObject", &answer)));
}

#[test]
fn candidates_are_told_once_for_each_bucket_and_action() {
    let run = run(two_of_each(), |check| match check.action() {
        "s3:PutObject" => Some(bare(Means::ThisOrAnother(&["s3:PutObject", "kms:GenerateDataKey"]))),
        "s3:GetObject" => Some(bare(Means::Dependent("kms:Decrypt"))),
        _ => None,
    });
    let advice = advice_of(run);
    let actions: Vec<_> = advice.iter().map(|advice| advice["actions"].clone()).collect();
    assert_eq!(actions, [json!(["s3:PutObject"]), json!(["s3:PutObject"]), json!(["kms:Decrypt"])]);
    assert_eq!(advice[2]["policy"]["Statement"].as_array().unwrap().len(), 2, "one for the keys of each bucket");
    let text = advice[2]["text"].as_str().unwrap();
    assert!(text.starts_with("AWS points at kms:Decrypt, and does not say whether"), "{text}");
    assert!(text.ends_with("Each statement is for the keys of one bucket only."), "{text}");
}

#[test]
fn a_key_behind_each_of_two_buckets_is_allowed_for_both() {
    let message = "The ciphertext refers to a customer master key that does not exist";
    let run = run(two_of_each(), |check| (check.action() == "s3:GetObject").then(|| error("AccessDenied", message)));
    let buckets: Vec<_> = advice_of(run)
        .iter()
        .map(|it| {
            it["policy"]["Statement"][0]["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"][0].clone()
        })
        .collect();
    assert_eq!(buckets, [json!("arn:aws:s3:::your-bucket-name"), json!("arn:aws:s3:::second-bucket")]);
    // Two prefixes of one bucket have one key.
    let run = run_as(ROLE, two_prefixes(), |check| {
        (check.action() == "s3:GetObject").then(|| error("AccessDenied", message))
    });
    assert_eq!(advice_of(run).len(), 1);
}

#[test]
fn candidates_without_a_resource_are_offered_no_statement() {
    let message = "The ciphertext refers to a customer master key that does not exist";
    let advice = advice_of(answered("dynamodb:Scan", &error("AccessDeniedException", message))).swap_remove(0);
    assert_eq!((&advice["actions"], advice.get("policy")), (&json!(["dynamodb:Scan"]), None));
    assert!(!advice["text"].as_str().unwrap().contains("this policy"), "{advice}");
}

#[test]
fn another_role_is_told_of_candidates_without_a_policy() {
    let of = |answer: Answer, action: &'static str| {
        let run = run_as("another-role", specification(), |check| (check.action() == action).then(|| answer.clone()));
        texts(run).swap_remove(1)
    };
    assert_eq!(
        of(bare(Means::ThisOrAnother(&["s3:GetObject", "s3:ListBucket"])), "s3:GetObject"),
        "AWS does not say which of s3:GetObject and s3:ListBucket it denied. If the role's own policies do not allow it, one of \
         them has to. For a bucket of another account, the bucket policy has to allow it as well."
    );
    let key = of(bare(Means::Dependent("kms:Decrypt")), "s3:GetObject");
    assert!(key.ends_with("The key policy of the AWS KMS key has to allow it as well, or leave it to IAM."), "{key}");
}

#[test]
fn the_same_request_for_two_tables_is_told_once() {
    let reason = "with an explicit deny in a session policy";
    let run = run(two_of_each(), |check| (check.action() == "dynamodb:Scan").then(|| denied(check, reason)));
    let text = texts(run).swap_remove(0);
    assert_eq!(text.matches("dynamodb:Scan with the attribute x as its key").count(), 1, "{text}");
}

#[test]
fn a_read_that_can_be_a_denied_list_says_how_to_tell_them_apart() {
    let answer = bare(Means::ThisOrAnother(&["s3:GetObject", "s3:ListBucket"]));
    assert_snapshot!(show(answered("s3:GetObject", &answer)));
}

#[test]
fn a_key_behind_an_object_that_can_be_seen_is_an_open_question() {
    assert_snapshot!(show(answered("s3:GetObject", &bare(Means::Dependent("kms:Decrypt")))));
}

#[test]
fn a_key_in_kmss_words_of_old_is_a_candidate() {
    let message = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are \
                   not allowed to access.";
    assert_snapshot!(show(answered("s3:GetObject", &error("AccessDenied", message))));
    let json = json_of(&report(answered("s3:PutObject", &error("AccessDenied", message))), false);
    let row = row_of(&json, "s3:PutObject");
    assert_eq!(row["candidates"], json!(["kms:GenerateDataKey"]), "a write makes a key");
}

#[test]
fn an_explicit_deny_says_what_the_request_had() {
    assert_snapshot!(show(denied_so(&["dynamodb:GetItem"], "with an explicit deny in a service control policy")));
}

#[test]
fn an_explicit_deny_of_many_actions_leaves_what_they_had_to_their_notes() {
    let reason = "with an explicit deny in a service control policy";
    let all = ["s3:GetObject", "s3:PutObject", "dynamodb:GetItem", "dynamodb:Scan", "logs:PutLogEvents"];
    let said = |count: usize| texts(denied_so(&all[..count], reason)).swap_remove(0);
    assert!(said(5).ends_with(
        " The note of each row says what its request had. If the policy has conditions, it may allow the \
                               pipeline's own requests, where they differ."
    ));
    for count in 1..=4 {
        let said = said(count);
        assert!(said.contains(" The denied requests were: s3:GetObject with the prefix \"\""), "{said}");
        assert_eq!(said.matches(" with the ").count(), count, "{said}");
    }
    // Of what is behind the pipeline's own actions, the request is not known.
    let key = denial("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/k", reason);
    let said = texts(answered("s3:GetObject", &key)).swap_remove(0);
    assert!(said.ends_with("AWS states one policy type even where several deny."), "{said}");
    // An implicit denial hangs on no condition of a deny.
    let said = texts(denied_so(&all[..1], "because no service control policy allows the ACTION action")).swap_remove(0);
    assert!(said.ends_with("AWS states one policy type even where several deny."), "{said}");
}

#[test]
fn no_allow_is_advised_where_it_cannot_help() {
    for (reason, policy, owner) in [
        (
            "with an explicit deny in an identity-based policy",
            "an identity-based policy",
            "the administrator of the role",
        ),
        (
            "because no permissions boundary allows the ACTION action",
            "a permissions boundary",
            "the administrator who set the role's permissions boundary",
        ),
        (
            "with an explicit deny in a resource control policy",
            "a resource control policy (RCP)",
            "the administrator of the AWS organization",
        ),
        (
            "with an explicit deny in a session policy",
            "a session policy",
            "the owner of the program that opened the session with that policy",
        ),
        (
            "because no VPC endpoint policy allows the ACTION action",
            "a VPC endpoint policy",
            "the owner of the VPC endpoint",
        ),
        (
            "because no resource-based policy allows the ACTION action",
            "a resource-based policy",
            "the owner of the resource",
        ),
        ("because no role trust policy allows the ACTION action", "a role trust policy", "the owner of the role"),
        ("with an explicit deny", "a policy of a type that AWS does not state", "the owner of the policy"),
    ] {
        let advice = advice_of(denied_so(&["dynamodb:PutItem"], reason));
        assert_eq!(advice.len(), 1, "{reason}");
        let text = advice[0]["text"].as_str().unwrap();
        let denies = if reason.contains("explicit") {
            format!("{}{} explicitly denies these actions", policy[..1].to_uppercase(), &policy[1..])
        } else {
            format!("No {} allows these actions", policy.trim_start_matches("a "))
        };
        let expected = format!("{denies}. Adding an Allow to the role's own policy will not help; ask {owner}.");
        assert!(text.starts_with(&expected), "{text}");
        assert_eq!((advice[0].get("policy"), advice[0].get("command")), (None, None), "{reason}");
    }
}

#[test]
fn a_setting_that_denies_is_named_and_no_policy() {
    let reason = "because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C)";
    assert_snapshot!(show(denied_so(&["s3:PutObject"], reason)));
}

#[test]
fn the_same_policy_is_told_of_once_and_others_apart() {
    let run = run(specification(), |check: &Check| match check.action() {
        "dynamodb:Scan" | "dynamodb:GetItem" => Some(denied(check, "with an explicit deny in a session policy")),
        "dynamodb:PutItem" => Some(denied(check, "because no session policy allows the ACTION action")),
        "s3:ListBucket" => Some(lacking(check)),
        _ => None,
    });
    let actions: Vec<_> = advice_of(run).iter().map(|advice| advice["actions"].clone()).collect();
    assert_eq!(
        actions,
        [json!(["s3:ListBucket"]), json!(["dynamodb:PutItem"]), json!(["dynamodb:GetItem", "dynamodb:Scan"])]
    );
}

#[test]
fn a_denial_by_name_refutes_what_a_denied_pass_role_seemed_to_show() {
    // CreateModel of its own accord comes as far as PassRole; under the role that exists, it is denied by its name.
    let made_up = place().absent_role_arn("123456789012");
    let model = format!("arn:aws:sagemaker:us-east-1:123456789012:model/{}", place().names.record_name());
    let run = run(with_passed_role(), |check| match check.action() {
        "sagemaker:CreateModel" => Some(lacks("iam:PassRole", &made_up)),
        "iam:PassRole" => Some(lacks("sagemaker:CreateModel", &model)),
        _ => None,
    });
    let report = report(run);
    let json = json_of(&report, false);
    let rows = rows(&json);
    let rows: Vec<_> = rows.iter().filter(|row| row["action"] == "sagemaker:CreateModel").collect();
    assert_eq!(rows.len(), 1, "{json}");
    assert_eq!((&rows[0]["verdict"], &rows[0]["proof"]["grade"]), (&json!("denied"), &json!("documented")));
    assert_eq!(rows[0]["denial"].get("action"), None, "it is the row's own");
    assert_eq!(report.status(), 403);
    let statement = &json["advice"][0]["policy"]["Statement"][0];
    let resource = json!(["arn:aws:sagemaker:us-east-1:123456789012:model/*"]);
    assert_eq!((&statement["Action"][0], &statement["Resource"]), (&json!("sagemaker:CreateModel"), &resource));
}

#[test]
fn an_action_that_is_allowed_by_itself_is_not_to_be_allowed_again() {
    let lists = |role_lists: bool| {
        run(specification(), move |check| match check.action() {
            "s3:GetObject" => Some(lacks("s3:ListBucket", "arn:aws:s3:::your-bucket-name")),
            "s3:ListBucket" if !role_lists => Some(silent()),
            _ => None,
        })
    };
    let [allowed, unknown] = [true, false].map(|role_lists| texts(lists(role_lists)).join("\n"));
    assert!(allowed.contains("allowed it where it was called itself"), "{allowed}");
    assert!(
        allowed.contains("set PROBE_OBJECT_KEY to one that exists") && !allowed.contains("allow that"),
        "{allowed}"
    );
    assert!(unknown.contains("AWS denied s3:ListBucket first: allow that"), "{unknown}");
}

#[test]
fn a_candidate_for_reading_takes_in_the_object_that_is_read() {
    let bucket = Bucket {
        prefix: "training/".to_owned(),
        object_key: Some("other/x.csv".to_owned()),
        ..Bucket::clone(&specification().buckets[0])
    };
    let named = Specification { buckets: vec![Arc::new(bucket)], ..specification() };
    let run = run(named, |check| {
        (check.action() == "s3:GetObject").then(|| bare(Means::ThisOrAnother(&["s3:GetObject", "s3:ListBucket"])))
    });
    assert_eq!(
        advice_of(run)[0]["policy"]["Statement"][0]["Resource"],
        json!(["arn:aws:s3:::your-bucket-name/training/*", "arn:aws:s3:::your-bucket-name/other/x.csv"])
    );
}

#[test]
fn a_policy_is_promised_for_what_it_allows_alone() {
    let run = run(specification(), |check| match check.action() {
        "dynamodb:PutItem" => Some(denied(check, "")),
        "dynamodb:Scan" => Some(denial("kms:Decrypt", "", "")),
        _ => None,
    });
    let advice = advice_of(run);
    let offers: Vec<_> = advice.iter().map(|it| (it["actions"].clone(), it.get("policy").is_some())).collect();
    assert_eq!(offers, [(json!(["dynamodb:PutItem"]), true), (json!(["kms:Decrypt"]), false)]);
    let promises = advice.iter().map(|it| it["text"].as_str().unwrap().contains("this policy allows them:"));
    assert_eq!(promises.collect::<Vec<_>>(), [true, false]);
}

#[test]
fn an_action_that_no_probe_needs_is_to_be_looked_up() {
    let instance = "arn:aws:ec2:us-east-1:123456789012:instance/i";
    let [named, unnamed] =
        [instance, ""].map(|arn| texts(answered("dynamodb:Scan", &lacks("ec2:DescribeInstances", arn))).join("\n"));
    assert!(named.contains("No probe of this program needs them") && !named.contains("does not name"), "{named}");
    assert!(unnamed.contains("AWS does not name a resource"), "{unnamed}");
}

#[test]
fn a_policy_type_that_is_not_known_does_not_make_a_missing_statement_a_deny() {
    let text = texts(denied_so(&["s3:GetObject"], "because no network perimeter policy allows the ACTION action"));
    assert!(
        text[0].starts_with("No policy of a type that this program does not know allows these actions"),
        "{text:?}"
    );
    let explicit = texts(denied_so(&["s3:GetObject"], "with an explicit deny"));
    assert!(explicit[0].contains("explicitly denies these actions"), "{explicit:?}");
}

#[test]
fn a_bare_denial_is_explained_with_buckets_only_where_s3_gave_it() {
    let of = |action: &str| texts(answered(action, &bare(Means::ThisAction))).join("\n");
    assert!(of("s3:ListBucket").contains("S3 also answers this"));
    assert!(!of("logs:PutLogEvents").contains("S3"), "{}", of("logs:PutLogEvents"));
}

#[test]
fn where_nothing_is_believed_no_candidate_is_offered() {
    let answers = |check: &Check| match check.action() {
        CONTROL => Some(silent()),
        "s3:PutObject" => Some(bare(Means::ThisOrAnother(&["s3:PutObject", "kms:GenerateDataKey"]))),
        _ => None,
    };
    let run = Run { principal: None, ..run(specification(), answers) };
    assert!(advice_of(run).iter().all(|advice| advice.get("policy").is_none()));
}

#[test]
fn a_command_that_does_not_fit_is_left_out_and_its_policy_is_there() {
    let prefix = format!("{}/", "'".repeat(800));
    let of = |at: usize| Arc::new(Bucket { name: format!("bucket-{at}"), prefix: prefix.clone(), ..Bucket::default() });
    let several = Specification { buckets: (0..4).map(of).collect(), ..specification() };
    let advice = advice_of(run(several, |check| (check.action() == "s3:PutObject").then(|| lacking(check))));
    assert_eq!(advice[0].get("command"), None, "{advice:?}");
    assert_eq!(advice[0]["policy"]["Statement"].as_array().unwrap().len(), 4);
}
