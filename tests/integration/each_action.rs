//! The report against the policy: each action taken away, each action denied,
//! nothing allowed at all.

use permissions_aws::probes;
use permissions_core::specification::guide_policy;
use serde_json::{Value, json};

use crate::emulator::{Environment, SUCCESS, account, counts, invoke, invoke_text, verdicts};
use crate::harness::{row_of, rows};

/// The sixteen actions of the policy.
fn actions() -> Vec<&'static str> {
    let policy = guide_policy("", "");
    let probes = probes::infos().into_iter().map(|probe| probe.action);
    let actions: Vec<_> = probes.filter(|action| policy.grants(action)).collect();
    assert_eq!(actions.len(), 16);
    actions
}

/// The policies without one action, wherever it is granted.
fn without(policies: &[Value], action: &str) -> Vec<Value> {
    let mut policies = policies.to_vec();
    for policy in &mut policies {
        for statement in policy["Statement"].as_array_mut().unwrap() {
            statement["Action"].as_array_mut().unwrap().retain(|granted| granted != action);
        }
        policy["Statement"].as_array_mut().unwrap().retain(|s| s["Action"].as_array().is_some_and(|a| !a.is_empty()));
    }
    policies.retain(|policy| !policy["Statement"].as_array().unwrap().is_empty());
    policies
}

/// Asserts that exactly these actions are denied, in this kind, and all others allowed.
async fn assert_denied(environment: &Environment, denied: &[&str], kind: &str) {
    let response = invoke(environment, json!({})).await;
    assert_eq!(response["statusCode"], 403, "{response}");
    let expected: Vec<_> = verdicts(&response)
        .into_keys()
        .map(|action| {
            let verdict = if denied.contains(&action.as_str()) { "denied" } else { "allowed" };
            (action, verdict.to_owned())
        })
        .collect();
    assert_eq!(verdicts(&response).into_iter().collect::<Vec<_>>(), expected, "{denied:?}");
    let report = &response["report"];
    assert_eq!(
        counts(&response),
        json!({"allowed": 17 - denied.len(), "denied": denied.len(), "inconclusive": 0}),
        "the control is a row, too"
    );
    let body = response["body"].as_str().unwrap();
    assert!(denied.iter().all(|action| body.contains(action)), "the body names what is denied: {body}");
    for row in rows(report).iter().filter(|row| row["verdict"] == "denied") {
        assert_eq!(row["denial"]["kind"], kind, "{row}");
        assert_eq!(row["denial"]["policyType"], "identity-based", "{row}");
        assert_eq!(row["denial"].get("action"), None, "it is the row's own: {row}");
        println!("{}: {} {} {}", denied.join(", "), row["action"], row["verdict"], row["denial"]["kind"]);
    }
}

#[tokio::test]
async fn the_policy_of_the_template_gives_the_exact_success() {
    assert_eq!(invoke_text(&account().environment, json!({"key1": "value1"})).await, SUCCESS);
}

#[tokio::test]
async fn each_action_taken_away_is_the_one_denied() {
    let policies = account().policies();
    for action in actions() {
        let environment = account().with_policies(&without(&policies, action));
        assert_denied(&environment, &[action], "implicitDeny").await;
    }
}

#[tokio::test]
async fn each_action_denied_explicitly_is_the_one_denied() {
    let policies = account().policies();
    for action in actions() {
        let deny = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": [action], "Resource": "*"}]
        });
        let environment = account().with_policies(&[policies.clone(), vec![deny]].concat());
        assert_denied(&environment, &[action], "explicitDeny").await;
    }
}

#[tokio::test]
async fn random_subsets_of_the_actions_are_what_the_report_says() {
    // `PROBE_SUBSETS` asks for more.
    let count = std::env::var("PROBE_SUBSETS").ok().and_then(|count| count.parse().ok()).unwrap_or(60);
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..count {
        let allowed: Vec<_> = actions().into_iter().filter(|_| random.bool()).collect();
        let denied: Vec<_> = actions().into_iter().filter(|_| random.u8(..) < 32).collect();
        let statement = |effect: &str, actions: &[&str]| json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": actions, "Resource": "*"}]});
        let policies = [("Allow", &allowed), ("Deny", &denied)];
        let policies: Vec<_> = policies.iter().filter(|p| !p.1.is_empty()).map(|p| statement(p.0, p.1)).collect();
        let response = invoke(&account().with_policies(&policies), json!({"probe": {"verbose": true}})).await;
        for row in rows(&response["report"]) {
            let action = row["action"].as_str().unwrap();
            let expected = match action {
                "sts:GetCallerIdentity" => ("allowed", &Value::Null),
                _ if denied.contains(&action) => ("denied", &json!("explicitDeny")),
                _ if allowed.contains(&action) => ("allowed", &Value::Null),
                _ => ("denied", &json!("implicitDeny")),
            };
            let kind = if row["verdict"] == "denied" { &row["denial"]["kind"] } else { &Value::Null };
            assert_eq!((row["verdict"].as_str().unwrap(), kind), expected, "{allowed:?} {denied:?}: {row}");
        }
    }
    println!("{count} subsets, and no mismatch");
}

#[tokio::test]
async fn the_action_that_must_be_denied_is_denied_and_the_run_clean() {
    for action in ["dynamodb:ListTables", "logs:DescribeLogGroups", "s3:ListAllMyBuckets"] {
        let mut environment = account().environment.clone();
        environment.insert("PROBE_DENY_CONTROL".to_owned(), action.to_owned());
        assert_eq!(invoke_text(&environment, json!({})).await, SUCCESS, "{action}");
        let response = invoke(&environment, json!({"probe": {"verbose": true, "actions": ["s3:GetObject"]}})).await;
        let row = row_of(&response["report"], action);
        assert_eq!(
            (&row["action"], &row["verdict"], &row["mustBeDenied"]),
            (&json!(action), &json!("denied"), &json!(true))
        );
        assert_eq!(counts(&response), json!({"allowed": 2, "denied": 0, "inconclusive": 0}));
    }
}

#[tokio::test]
async fn an_empty_policy_denies_all_sixteen_and_still_reports() {
    assert_denied(&account().with_policies(&[]), &actions(), "implicitDeny").await;
}

#[tokio::test]
async fn without_a_key_the_first_listed_object_or_an_absent_one_proves_get_object() {
    let mut environment = account().environment.clone();
    environment.remove("PROBE_OBJECT_KEY");
    let verbose = || json!({"probe": {"verbose": true, "actions": ["s3:GetObject"]}});
    let proof = |response: &Value| row_of(&response["report"], "s3:GetObject")["proof"].clone();
    let response = invoke(&environment, verbose()).await;
    assert_eq!(proof(&response)["request"], "the first object listed: training/data.csv", "{response}");
    assert_eq!(proof(&response)["grade"], "documented");

    environment.insert("PROBE_PREFIX".to_owned(), "nothing/here/".to_owned());
    let response = invoke(&environment, verbose()).await;
    assert_eq!(proof(&response)["request"], "an object that does not exist", "{response}");
    assert_eq!(row_of(&response["report"], "s3:GetObject")["code"], "NoSuchKey");

    // Without the right to list, a missing object says nothing of s3:GetObject.
    let policies = without(&account().policies(), "s3:ListBucket");
    let mut environment = account().with_policies(&policies);
    environment.remove("PROBE_OBJECT_KEY");
    let response = invoke(&environment, json!({})).await;
    assert_eq!(verdicts(&response)["s3:ListBucket"], "denied");
    assert_eq!(verdicts(&response)["s3:GetObject"], "inconclusive");
}

#[tokio::test]
async fn passing_the_role_is_tried_where_it_is_configured() {
    let mut environment = account().environment.clone();
    let role = account().resources["roles"]["sagemaker-execution-role"].as_str().unwrap();
    environment.insert("PROBE_SAGEMAKER_ROLE_ARN".to_owned(), role.to_owned());
    let response = invoke(&environment, json!({})).await;
    assert_eq!(verdicts(&response)["iam:PassRole"], "denied", "the guide's policy does not grant it");

    let pass_role = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": [role]}]
    });
    let mut environment = account().with_policies(&[account().policies(), vec![pass_role]].concat());
    environment.insert("PROBE_SAGEMAKER_ROLE_ARN".to_owned(), role.to_owned());
    assert_eq!(invoke_text(&environment, json!({})).await, SUCCESS);
}

#[tokio::test]
async fn another_role_is_checked_where_it_can_be_assumed() {
    let (policies, own) = (account().policies(), "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role");
    let under = |role: &str| {
        let mut environment = account().environment.clone();
        environment.insert("PROBE_ASSUME_ROLE_ARN".to_owned(), format!("arn:aws:iam::123456789012:role/{role}"));
        environment
    };

    // A role that trusts Lambda alone, as that of a guide does, and one that there is not.
    let (closed, _) = account().role(&policies, &[]);
    for role in [closed.as_str(), "no-such-role"] {
        let response = invoke(&under(role), json!({})).await;
        assert_eq!(response["statusCode"], 403, "{response}");
        assert_eq!(response["report"]["headline"]["cause"], "notAssumed", "{response}");
        assert_eq!(counts(&response), json!({"allowed": 1, "denied": 1, "inconclusive": 16}));
    }

    // With the statement of the advice, and nothing else, it is checked in place of the function's own.
    let response = invoke(&under(&closed), json!({})).await;
    let advice = response["report"]["advice"].as_array().unwrap();
    let trust = advice.iter().find_map(|advice| advice["trustPolicy"]["Statement"].as_array()).unwrap();
    assert_eq!(trust[0]["Principal"]["AWS"], own);
    let (open, _) = account().role(&policies, trust);
    assert_eq!(invoke_text(&under(&open), json!({})).await, SUCCESS);

    // What it lacks is denied to it, and the advice is for it.
    let (lacking, _) = account().role(&without(&policies, "dynamodb:PutItem"), trust);
    let response = invoke(&under(&lacking), json!({})).await;
    assert_eq!(counts(&response), json!({"allowed": 17, "denied": 1, "inconclusive": 0}), "{response}");
    assert_eq!(verdicts(&response)["dynamodb:PutItem"], "denied");
    assert_eq!(response["report"]["principal"]["role"], lacking.as_str());
    let command = response["report"]["advice"][0]["command"].as_str().unwrap();
    assert!(command.starts_with(&format!("aws iam put-role-policy --role-name={lacking} ")), "{command}");
}
