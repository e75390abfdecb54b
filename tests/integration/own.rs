//! A specification of the user's own: proved both ways in an emulated account, and refused with all its problems.

use serde_json::{Value, json};

use crate::emulator::{Account, Environment, SUCCESS, account, invoke, invoke_text, root};
use crate::harness::{self as stub, Request, Stub, action_of, healthy, row_of, rows};

/// The environment with a specification, and without what it makes needless.
fn with(environment: &Environment, specification: &Value) -> Environment {
    let mut environment = environment.clone();
    environment.retain(|name, _| !matches!(name.as_str(), "PROBE_BUCKET" | "PROBE_TABLE" | "PROBE_TABLE_KEY"));
    environment.insert("PROBE_SPECIFICATION".to_owned(), specification.to_string());
    environment
}

/// The guide's policy, on the account's bucket.
fn guide(account: &Account) -> Value {
    let guide = permissions_core::specification::GUIDE_POLICY;
    serde_json::from_str(&guide.replace("your-bucket-name", &account.environment["PROBE_BUCKET"])).unwrap()
}

fn policy(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// What stands in the report under an action, as not covered.
fn reason_of(response: &Value, action: &str) -> String {
    let all = response["report"]["notCovered"].as_array().cloned().unwrap_or_default();
    let found: Vec<_> = all.iter().filter(|left_out| left_out["action"] == action).collect();
    assert_eq!(found.len(), 1, "{action}: {response}");
    found[0]["reason"].as_str().unwrap().to_owned()
}

/// Each verdict by its action and its resource.
fn verdicts(response: &Value) -> Vec<String> {
    let mut verdicts: Vec<_> = rows(&response["report"])
        .iter()
        .map(|row| format!("{} {} {}", row["verdict"].as_str().unwrap(), row["action"], row["resource"]))
        .collect();
    verdicts.sort();
    verdicts
}

const VERBOSE: &str = r#"{"probe": {"verbose": true}}"#;

async fn invoke_verbose(environment: &Environment) -> Value {
    invoke(environment, serde_json::from_str(VERBOSE).unwrap()).await
}

#[tokio::test]
async fn the_guides_policy_as_a_specification_is_checked_as_the_guides() {
    let account = account();
    let environment = account.with_policies(&[guide(account)]);
    let own = with(&environment, &json!({"policy": guide(account)}));
    assert_eq!(invoke_text(&own, json!({})).await, SUCCESS);
    let (own, by_default) = (invoke_verbose(&own).await, invoke_verbose(&environment).await);
    // The rows more are those of the table outside of the policy, one for each action.
    let told: Vec<_> = verdicts(&own).into_iter().filter(|row| !row.contains("table/permissions-probe-")).collect();
    assert_eq!(told, verdicts(&by_default));
    assert_eq!(own["report"]["deniedAsSpecified"].as_array().unwrap().len(), 5);
    assert_eq!(own["report"]["coverage"], json!({"checked": 16, "of": 16}));
    assert_eq!(own["report"]["conformity"], "as specified");
    assert!(by_default["report"]["coverage"].is_null() && by_default["report"]["conformity"].is_null());
}

#[tokio::test]
async fn a_grant_on_everything_is_excess_and_fails_where_that_is_asked_for() {
    let account = account();
    let wide = guide(account).to_string().replace("arn:aws:dynamodb:us-east-1:*:table/ModelMetadata", "*");
    let environment = account.with_policies(&[serde_json::from_str(&wide).unwrap()]);
    let own = with(&environment, &json!({"policy": guide(account)}));
    let response = invoke(&own, json!({})).await;
    assert_eq!((&response["statusCode"], &response["report"]["verdict"]), (&json!(200), &json!("allowed")));
    let excess = "excess: dynamodb:GetItem, dynamodb:Query, dynamodb:Scan, dynamodb:PutItem, dynamodb:UpdateItem";
    assert_eq!(response["report"]["conformity"], excess);
    let row = &response["report"]["wrong"][0];
    assert_eq!(
        (&row["action"], &row["verdict"], &row["mustBeDenied"]),
        (&json!("dynamodb:GetItem"), &json!("allowed"), &json!(true))
    );
    let offered = &response["report"]["advice"][0]["policy"]["Statement"];
    assert_eq!(offered[0]["Resource"], json!(["arn:aws:dynamodb:us-east-1:*:table/ModelMetadata"]));

    // One action of them is enough: each can have a statement of its own.
    let put = json!([{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}]);
    let one = account.with_policies(&[guide(account), policy(&put)]);
    let response = invoke(&with(&one, &json!({"policy": guide(account)})), json!({})).await;
    assert_eq!(response["report"]["conformity"], "excess: dynamodb:PutItem");

    // Over HTTP, no name of the account is told, and no bare success either.
    let over_http = invoke(&own, crate::emulator::event("function-url.json")).await;
    assert_eq!(over_http["statusCode"], 200);
    let body = over_http["body"].as_str().unwrap();
    assert!(body.contains("permissions-probe/v2") && !body.contains("ModelMetadata"), "{over_http}");

    let mut strict = own.clone();
    strict.insert("PROBE_STRICT".to_owned(), "true".to_owned());
    let response = invoke(&strict, json!({})).await;
    assert_eq!((&response["statusCode"], &response["report"]["verdict"]), (&json!(403), &json!("excess")));
    // Without a specification, a table outside is asked for where PROBE_STRICT is set.
    let mut by_default = environment.clone();
    assert_eq!(invoke_text(&by_default, json!({})).await, SUCCESS);
    by_default.insert("PROBE_STRICT".to_owned(), "false".to_owned());
    let response = invoke(&by_default, json!({})).await;
    assert_eq!(
        (&response["statusCode"], &response["report"]["wrong"][0]["action"]),
        (&json!(200), &json!("dynamodb:GetItem"))
    );
}

#[tokio::test]
async fn what_must_be_denied_is_proved_both_ways() {
    let account = account();
    let table = "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata";
    let specification = json!({"policy": policy(&json!([
        {"Effect": "Allow", "Action": "dynamodb:*Item", "Resource": table},
        {"Effect": "Deny", "Action": ["dynamodb:PutItem", "dynamodb:DeleteItem"], "Resource": table}
    ]))});
    let reads = json!([{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem",
        "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem"], "Resource": table}]);
    let response = invoke_verbose(&with(&account.with_policies(&[policy(&reads)]), &specification)).await;
    let denied: Vec<_> =
        response["report"]["deniedAsSpecified"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
    // Two by the statement, and three on the table outside of the policy.
    let expected = ["PutItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"].map(|name| format!("dynamodb:{name}"));
    assert_eq!(denied, expected.map(Value::from), "{response}");
    let allowed = response["report"]["allowed"].as_array().unwrap();
    assert!(allowed.iter().any(|row| row["action"] == "dynamodb:UpdateItem"), "the statement that denies wins");
    let everything = json!([{"Effect": "Allow", "Action": "dynamodb:*", "Resource": table}]);
    let response = invoke(&with(&account.with_policies(&[policy(&everything)]), &specification), json!({})).await;
    let conformity = response["report"]["conformity"].as_str().unwrap();
    assert!(conformity.starts_with("excess: dynamodb:PutItem, dynamodb:DeleteItem"), "{conformity}");
}

#[tokio::test]
async fn what_is_not_checked_is_said_with_the_reason() {
    let account = account();
    let specification = json!({"policy": policy(&json!([
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "sagemaker:ListProcessingJobs"], "Resource": "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata"},
        {"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
        {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data-*/in/*"},
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:us-east-1:123456789012:accesspoint/a/object/*"}
    ]))});
    let grant = json!([{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata"}]);
    let response = invoke(&with(&account.with_policies(&[policy(&grant)]), &specification), json!({})).await;
    assert_eq!(response["statusCode"], 200, "{response}");
    assert!(reason_of(&response, "sagemaker:ListProcessingJobs").contains("this statement allows nothing"));
    assert_eq!(reason_of(&response, "dynamodb:Scan"), "condition on aws:SourceIp");
    assert!(reason_of(&response, "iam:PassRole").contains("under resources, name one that matches *"));
    assert!(!reason_of(&response, "bedrock:InvokeModel").is_empty());
    assert!(reason_of(&response, "s3:GetObject").contains("name one that matches arn:aws:s3:::data-*/in/*"));
    assert!(reason_of(&response, "s3:PutObject").starts_with("access points"));
    assert!(reason_of(&response, "kms:*").starts_with("it stands for "));
    let body = response["body"].as_str().unwrap();
    let of = response["report"]["coverage"]["of"].as_u64().unwrap();
    assert!(of > 50 && body.contains(&format!("Checked 1 of {of}")), "{body}");
}

/// A pipeline with two buckets, two tables, an index, a key and two roles.
fn pipeline(account: &Account) -> Value {
    let known = &account.resources;
    let bucket = &account.environment["PROBE_BUCKET"];
    json!({
        "policy": [policy(&json!([
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [format!("arn:aws:s3:::{bucket}"), known["bucket"]]},
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [format!("arn:aws:s3:::{bucket}/*"), format!("{}/model.tar.gz", known["bucket"].as_str().unwrap())]},
            {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": format!("{}/out/*", known["bucket"].as_str().unwrap())},
            {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": ["arn:aws:dynamodb:us-east-1:*:table/ModelMetadata", known["table"]]},
            {"Effect": "Allow", "Action": ["dynamodb:Query"], "Resource": known["index"]},
            {"Effect": "Allow", "Action": ["kms:GenerateDataKey"], "Resource": known["key"]}
        ])), policy(&json!([
            {"Effect": "Allow", "Action": ["sagemaker:CreateTrainingJob"], "Resource": "arn:aws:sagemaker:us-east-1:*:training-job/churn-*"},
            {"Effect": "Allow", "Action": ["sagemaker:CreateModel"], "Resource": "*"},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": known["roles"]["sagemaker-execution-role"],
             "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}}
        ]))],
        "requests": {"sagemaker:CreateTrainingJob": {"ResourceConfig": {"InstanceType": "ml.m5.2xlarge"}}},
        "resources": {(known["roles"]["sagemaker-execution-role"].as_str().unwrap()): {
            "image": known["image"], "modelData": known["modelData"]}}
    })
}

/// The statements of a specification's policies, without what the emulator does not look at.
fn statements(specification: &Value) -> Vec<Value> {
    let all = specification["policy"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|policy| policy["Statement"].as_array().unwrap().clone());
    all.map(|mut statement| {
        statement.as_object_mut().unwrap().remove("Condition");
        statement
    })
    .collect()
}

#[tokio::test]
async fn a_whole_pipeline_is_proved_both_ways_and_the_account_stays_as_it_was() {
    let account = account();
    let (specification, before) = (pipeline(account), account.state());
    let statements = statements(&specification);
    let environment = account.with_policies(&[policy(&json!(statements))]);
    let response = invoke_verbose(&with(&environment, &specification)).await;
    assert_eq!(response["report"]["conformity"], "as specified", "{response:#}");
    let roles: Vec<_> = rows(&response["report"]).into_iter().filter(|row| row["principal"].is_string()).collect();
    assert_eq!(roles.iter().map(|row| row["verdict"].as_str().unwrap()).collect::<Vec<_>>(), ["allowed", "allowed"]);
    // Each statement is needed: without it, its own actions are denied, and no other.
    for left_out in 0..statements.len() {
        let mut others = statements.clone();
        let missing = others.remove(left_out);
        let environment = account.with_policies(&[policy(&json!(others))]);
        let response = invoke(&with(&environment, &specification), json!({})).await;
        assert_eq!(response["statusCode"], 403, "without {missing}: {response}");
        let of_statement = |action: &Value| {
            let actions = &missing["Action"];
            actions == action || actions.as_array().is_some_and(|actions| actions.contains(action))
        };
        for row in response["report"]["wrong"].as_array().unwrap() {
            assert!(of_statement(&row["action"]) || row["verdict"] == "inconclusive", "without {missing}: {row}");
        }
    }
    assert_eq!(account.state(), before);
}

#[tokio::test]
async fn the_least_policy_is_enough_and_none_of_its_statements_can_be_left_out() {
    let account = account();
    let specification = json!({"policy": guide(account)});
    let environment = with(&account.with_policies(&[guide(account)]), &specification);
    let answer = invoke(&environment, json!({"probe": {"policy": "json"}})).await;
    let least: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert!(!least.to_string().contains("\"*\""), "{least}");
    let own = |policy: Value| with(&account.with_policies(&[policy]), &specification);
    assert_eq!(invoke_text(&own(least.clone()), json!({})).await, SUCCESS);
    let all = least["Statement"].as_array().unwrap();
    assert!(all.len() > 5, "{least}");
    for left_out in 0..all.len() {
        let mut others = all.clone();
        let missing = others.remove(left_out);
        let response = invoke(&own(policy(&json!(others))), json!({})).await;
        assert_eq!(response["statusCode"], 403, "without {missing}: {response}");
    }
    let sam = invoke(&environment, json!({"probe": {"policy": "sam"}})).await;
    assert!(sam["body"].as_str().unwrap().starts_with("Policies:\n  - Version: '2012-10-17'\n"), "{sam}");
    let terraform = invoke(&environment, json!({"probe": {"policy": "terraform"}})).await;
    assert!(terraform["body"].as_str().unwrap().starts_with("data \"aws_iam_policy_document\""), "{terraform}");
    let wrong = invoke(&environment, json!({"probe": {"policy": "cdk"}})).await;
    assert_eq!((&wrong["statusCode"], &wrong["report"]["problems"][0]["name"]), (&json!(400), &json!("probe.policy")));
}

/// Every action on every resource that a policy grants, the account left open.
fn grants(policy: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let mut grants = Vec::new();
    for statement in policy["Statement"].as_array().unwrap() {
        for action in list(&statement["Action"]) {
            grants.push(action.as_str().unwrap().to_owned());
        }
    }
    grants.sort();
    grants
}

#[tokio::test]
async fn the_policy_of_the_template_grants_the_actions_of_the_least_policy() {
    let account = account();
    let answer = invoke(&account.environment, json!({"probe": {"policy": "json"}})).await;
    let least: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    // The managed policy for logs comes besides.
    let of_pipeline = |policy: &&Value| policy.to_string().contains("sagemaker:");
    let policies = account.policies();
    let own = policies.iter().find(of_pipeline).unwrap();
    assert_eq!(grants(own), grants(&least));
}

#[tokio::test]
async fn a_function_under_another_role_fails_the_check_and_one_that_cannot_be_read_does_not() {
    let account = account();
    let read =
        json!([{"Effect": "Allow", "Action": ["lambda:GetFunctionConfiguration", "dynamodb:Scan"], "Resource": "*"}]);
    let scan = policy(
        &json!([{"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata"}]),
    );
    let under = |policy: &Value, functions: &Value| {
        let environment = account.with_policies(std::slice::from_ref(policy));
        with(&environment, &json!({"policy": scan, "functions": functions}))
    };
    let named = |name: &str| json!({"name": name, "role": "lambda-ml-pipeline-role"});
    let allowed = policy(&json!([read[0], {"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": "*"}]));
    let narrow = policy(&json!([
        {"Effect": "Allow", "Action": "lambda:GetFunctionConfiguration", "Resource": "*"},
        {"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata"}
    ]));
    drop(allowed);
    let well =
        invoke_text(&under(&narrow, &json!([named("PreprocessLambda"), named("InferenceLambda")])), json!({})).await;
    assert_eq!(well, SUCCESS);
    let wrong = invoke(&under(&narrow, &json!([named("PreprocessLambda"), named("WrongRoleLambda")])), json!({})).await;
    assert_eq!(
        (&wrong["statusCode"], &wrong["report"]["headline"]["cause"]),
        (&json!(503), &json!("wrongRoleOnFunction")),
        "{wrong}"
    );
    let command =
        wrong["report"]["advice"].as_array().unwrap().iter().find_map(|advice| advice["command"].as_str()).unwrap();
    assert_eq!(
        command,
        "aws lambda update-function-configuration --region=us-east-1 --function-name=WrongRoleLambda \
         --role=arn:aws:iam::123456789012:role/lambda-ml-pipeline-role"
    );
    let missing = invoke(&under(&narrow, &json!([named("NoSuchLambda")])), json!({})).await;
    assert_eq!(
        (&missing["statusCode"], &missing["report"]["wrong"][0]["warning"]),
        (&json!(503), &json!("resourceMissing")),
        "{missing}"
    );
    let unread = invoke(&under(&scan, &json!([named("WrongRoleLambda")])), json!({})).await;
    assert_eq!(unread["statusCode"], 200, "{unread}");
    assert!(reason_of(&unread, "lambda:GetFunctionConfiguration").contains("costs nothing but this note"));
}

#[tokio::test]
async fn the_ladder_tells_what_sagemakers_own_role_lacks() {
    let account = account();
    let known = &account.resources;
    let (image, data) = (known["repository"].as_str().unwrap(), known["bucket"].as_str().unwrap());
    let trusts =
        json!({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"});
    let pulls =
        json!({"Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": image});
    let token = json!({"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"});
    let reads = json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [data, format!("{data}/*")]});
    let caller =
        policy(&json!([{"Effect": "Allow", "Action": ["sagemaker:CreateModel", "iam:PassRole"], "Resource": "*"}]));
    let told = |statements: Value, trust: Vec<Value>, caller: Value| {
        let (role, _) = account.role(&[policy(&statements)], &trust);
        let environment = account.with_policies(&[caller]);
        async move {
            let specification = json!({
                "policy": policy(&json!([{"Effect": "Allow", "Action": "sagemaker:CreateModel", "Resource": "*"}])),
                "resources": {(format!("arn:aws:iam::123456789012:role/{role}")): {"image": known["image"], "modelData": known["modelData"]}}
            });
            let response = invoke_verbose(&with(&environment, &specification)).await;
            let of = |action: &str| {
                let row = row_of(&response["report"], action);
                let what = row["warning"].as_str().or(row["cause"].as_str()).unwrap_or_default().to_owned();
                format!("{} {what}", row["verdict"].as_str().unwrap()).trim().to_owned()
            };
            [of("iam:PassRole"), of("ecr:BatchGetImage"), of("s3:GetObject")]
        }
    };
    let trusted = || vec![trusts.clone()];
    let all = json!([pulls, token, reads]);
    assert_eq!(told(all.clone(), trusted(), caller.clone()).await, ["allowed", "allowed", "allowed"]);
    assert_eq!(
        told(json!([pulls, token]), trusted(), caller.clone()).await,
        ["allowed", "allowed", "inconclusive ambiguous"]
    );
    assert_eq!(
        told(json!([token, reads]), trusted(), caller.clone()).await,
        ["allowed", "inconclusive ambiguous", "inconclusive unrecognized"]
            .map(|it| it.replace("unrecognized", "requestRefused"))
    );
    assert_eq!(
        told(all.clone(), Vec::new(), caller).await,
        ["allowed roleTrust", "inconclusive notAssumed", "inconclusive notAssumed"]
    );
    let cannot_pass = policy(&json!([{"Effect": "Allow", "Action": "sagemaker:CreateModel", "Resource": "*"}]));
    assert_eq!(
        told(all, trusted(), cannot_pass).await,
        ["denied", "inconclusive otherActionDenied", "inconclusive otherActionDenied"]
    );
}

#[tokio::test]
async fn every_problem_of_a_specification_is_told_at_once() {
    let account = account();
    let bad = json!({
        "policy": {"Version": "2013", "Statement": [
            {"Effect": "Maybe", "NotAction": "s3:*", "Resource": "x"},
            {"Effect": "Allow", "Action": ["logs:DescribeAlarms", "opensearchserverless:*", "s3:GetObjekt", "GetObject"], "NotResource": "*"}
        ]},
        "resources": {"x": {"key": 1}}, "functions": [1, "a b"], "requests": {"s3:Nope": {}, "s3:PutObject": []}, "more": 1
    });
    let response = invoke(&with(&account.environment, &bad), json!({})).await;
    assert_eq!(response["statusCode"], 500);
    let problems = response["report"]["problems"].as_array().unwrap();
    let names: Vec<_> = problems
        .iter()
        .map(|problem| problem["name"].as_str().unwrap().trim_start_matches("PROBE_SPECIFICATION "))
        .collect();
    for name in [
        "more",
        "policy.Version",
        "policy.Statement[0].NotAction",
        "policy.Statement[0].Effect",
        "policy.Statement[0].Resource",
        "policy.Statement[1].NotResource",
        "policy.Statement[1].Action[0]",
        "policy.Statement[1].Action[1]",
        "policy.Statement[1].Action[2]",
        "policy.Statement[1].Action[3]",
        "requests.s3:Nope",
        "requests.s3:PutObject",
        "resources.x",
        "resources.x.key",
        "functions[0]",
        "functions[1]",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(response.to_string().contains("cloudwatch:DescribeAlarms"), "the action's own service is named");
    for (given, said) in [
        ("{", "a JSON document; EOF"),
        (r#"{"policy": 1, "policy": 2}"#, "duplicate key"),
        ("no-such-file.json", "No such file"),
        ("src", "it is no file"),
    ] {
        let mut environment = account.environment.clone();
        environment.insert("PROBE_SPECIFICATION".to_owned(), given.to_owned());
        let response = invoke(&environment, json!({})).await;
        assert!(response["body"].as_str().unwrap().contains(said), "{given}: {response}");
    }
}

#[tokio::test]
async fn the_example_of_the_documentation_is_a_specification() {
    let mut environment = account().environment.clone();
    environment.insert(
        "PROBE_SPECIFICATION".to_owned(),
        root().join("docs/examples/specification.json").display().to_string(),
    );
    let response = invoke(&environment, json!({})).await;
    assert_eq!(response["report"]["problems"], Value::Null, "{response}");
    assert!(response["report"]["coverage"]["checked"].as_u64().unwrap() > 15, "{response}");
}

/// Buckets that are granted one by one.
fn of_buckets(count: usize) -> Value {
    let buckets: Vec<_> = (0..count).map(|index| format!("arn:aws:s3:::bucket-{index}")).collect();
    json!({"policy": policy(&json!([{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": buckets}]))})
}

#[tokio::test]
async fn five_hundred_checks_are_made_and_more_are_refused() {
    let run = |count| async move {
        let server = Stub::start(|request: &Request| match action_of(request).as_str() {
            "s3:ListBucket" => {
                let body = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>NAME</Name><KeyCount>0</KeyCount>\
                            <MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>";
                let name = request.path.trim_start_matches('/').split(['/', '?']).next().unwrap();
                stub::response(200, "application/xml", &body.replace("NAME", name))
            }
            _ => healthy(request),
        });
        let specification = of_buckets(count).to_string();
        let config = stub::config_with(&[
            ("PROBE_SPECIFICATION", specification.as_str()),
            ("PROBE_SAGEMAKER_ROLE_ARN", ""),
            ("PROBE_ASSUME_ROLE_ARN", ""),
        ]);
        let event = permissions_core::event::Event(Ok(json!({})));
        let response = server
            .app(config)
            .handle(lambda_runtime::LambdaEvent::new(event, lambda_runtime::Context::default()))
            .await;
        serde_json::to_string(&response).unwrap()
    };
    assert_eq!(run(499).await, SUCCESS);
    assert!(run(500).await.contains("at most 500 checks; it asks for 501"));
}

#[tokio::test]
async fn a_resource_is_asked_for_in_its_own_region() {
    let server = Stub::start(|request: &Request| match request.target() {
        target if target.ends_with(".CreateRepository") => {
            let body = r#"{"__type": "RepositoryAlreadyExistsException", "message": "The repository already exists"}"#;
            stub::response(400, "application/x-amz-json-1.1", body)
        }
        _ => healthy(request),
    });
    let specification = json!({"policy": policy(&json!([
        {"Effect": "Allow", "Action": ["dynamodb:Scan"], "Resource": ["arn:aws:dynamodb:ap-southeast-1:*:table/T", "arn:aws:dynamodb:us-east-1:*:table/T"]},
        {"Effect": "Allow", "Action": "sagemaker:DescribeModel", "Resource": "arn:aws:sagemaker:eu-west-1:*:model/m-*"},
        {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": "arn:aws:dynamodb:us-east-1:444455556666:table/T"},
        {"Effect": "Allow", "Action": ["ecr:CreateRepository", "sagemaker:CreateModelPackageGroup"], "Resource": "*"}
    ])), "resources": {
        "arn:aws:ecr:eu-central-1:123456789012:repository/models": {},
        "arn:aws:sagemaker:us-east-1:444455556666:model-package-group/models": {}
    }});
    let config = stub::config_with(&[
        ("PROBE_SPECIFICATION", specification.to_string().as_str()),
        ("PROBE_SAGEMAKER_ROLE_ARN", ""),
        ("PROBE_ASSUME_ROLE_ARN", ""),
    ]);
    let mut context = lambda_runtime::Context::default();
    context.invoked_function_arn = stub::FUNCTION_ARN.into();
    let event = permissions_core::event::Event(Ok(json!({"probe": {"verbose": true}})));
    let response =
        serde_json::to_value(server.app(config).handle(lambda_runtime::LambdaEvent::new(event, context)).await)
            .unwrap();
    let mut asked: Vec<_> = server
        .requests()
        .iter()
        .map(|request| {
            (
                request.target().to_owned(),
                request.header("authorization").unwrap().split('/').nth(2).unwrap().to_owned(),
            )
        })
        .collect();
    asked.sort();
    for expected in [
        ("DynamoDB_20120810.Scan", "ap-southeast-1"),
        ("DynamoDB_20120810.Scan", "us-east-1"),
        ("SageMaker.DescribeModel", "eu-west-1"),
        ("AmazonEC2ContainerRegistry_V20150921.CreateRepository", "eu-central-1"),
    ] {
        assert!(asked.contains(&(expected.0.to_owned(), expected.1.to_owned())), "{expected:?}: {asked:?}");
    }
    // AWS would make what it does not have, so these go to where the thing is, or nowhere.
    let made = |target: &str| asked.iter().filter(|(asked, _)| asked.ends_with(target)).count();
    assert_eq!((made("CreateRepository"), made("CreateModelPackageGroup")), (1, 0), "{asked:?}");
    let elsewhere = |row: &&Value| row["resource"].as_str().is_some_and(|arn| arn.contains("table/T"));
    let found = rows(&response["report"]);
    let row = found.iter().filter(elsewhere).find(|row| row["action"] == "dynamodb:Query").unwrap();
    assert_eq!((&row["verdict"], &row["cause"]), (&json!("inconclusive"), &json!("otherAccount")), "{row}");
}
