//! A report for each root cause, made by the whole function from bytes on the
//! wire, and the documentation's page of them.

use std::cell::{Cell, RefCell};

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::harness::{
    self as stub, ACCOUNT, FUNCTION_ARN, Request, Stub, action_of, error_of, healthy, identity, rows,
};
use crate::snapshots;
use permissions_core::event::Event;

type Variables = &'static [(&'static str, &'static str)];

const SAGEMAKER_ROLE: &str = "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role";

/// What SageMaker says of a role whose trust policy does not name it, and of one that does not exist.
fn not_trusted() -> Vec<u8> {
    let text = format!(
        "Could not assume role {SAGEMAKER_ROLE}. Please ensure that the role exists and allows principal \
         'sagemaker.amazonaws.com' to assume the role."
    );
    stub::json_error("ValidationException", &text)
}

/// Neither role is configured, unless a cause asks for it.
const NO_ROLES: [(&str, &str); 2] = [("PROBE_SAGEMAKER_ROLE_ARN", ""), ("PROBE_ASSUME_ROLE_ARN", "")];

thread_local! {
    /// The event that this test's runs are asked by.
    static EVENT: RefCell<Value> = RefCell::new(json!({"probe": {"verbose": true}}));
    /// Whether callers over HTTP get whole reports.
    static IS_FULL: Cell<bool> = const { Cell::new(false) };
}

/// What comes of a cause for an event other than a person's.
pub async fn cause_by(event: Value, name: &str) -> Value {
    let before = EVENT.replace(event);
    let response = cause(name).await;
    EVENT.set(before);
    response
}

/// The same with `PROBE_HTTP_REPORT=full`.
pub async fn cause_full(event: Value, name: &str) -> Value {
    IS_FULL.set(true);
    let response = cause_by(event, name).await;
    IS_FULL.set(false);
    response
}

/// The same of a run against answers.
pub async fn run_by(
    event: Value,
    variables: Variables,
    answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
) -> Value {
    let before = EVENT.replace(event);
    let response = run(variables, answer).await;
    EVENT.set(before);
    response
}

/// A specification that names a function of the pipeline.
const SPECIFICATION: &str = r#"{"policy": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::your-bucket-name", "arn:aws:s3:::your-bucket-name/*"]}}, "functions": ["PreprocessLambda"]}"#;

/// Runs the function against answers, in an environment.
pub async fn run(variables: Variables, answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Value {
    let stub = Stub::start(answer);
    let how = ("PROBE_HTTP_REPORT", if IS_FULL.get() { "full" } else { "summary" });
    let variables: Vec<_> = variables.iter().copied().chain(NO_ROLES).chain([how]).collect();
    let app = stub.app(stub::config_with(&variables));
    let mut context = Context::default();
    context.invoked_function_arn = FUNCTION_ARN.into();
    let event = EVENT.with_borrow(Value::clone);
    let response = app.handle(LambdaEvent::new(Event(Ok(event)), context)).await;
    snapshots::keep(&response);
    serde_json::to_value(response).unwrap()
}

fn denied(request: &Request, reason: &str) -> Vec<u8> {
    let action = action_of(request);
    if action == "sts:GetCallerIdentity" {
        return healthy(request);
    }
    let resource = match action.split(':').next() {
        Some("s3") => "\"arn:aws:s3:::your-bucket-name\"".to_owned(),
        Some("dynamodb") => format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/ModelMetadata"),
        Some(service) => format!("arn:aws:{service}:us-east-1:{ACCOUNT}:x"),
        None => String::new(),
    };
    let code = if action.starts_with("s3:") { "AccessDenied" } else { "AccessDeniedException" };
    let role = format!("arn:aws:sts::{ACCOUNT}:assumed-role/lambda-ml-pipeline-role/permissions-probe");
    let sentence = format!("User: {role} is not authorized to perform: {action} on resource: {resource} {reason}");
    error_of(request, 403, code, &sentence.replace("ACTION", &action))
}

const IMPLICIT: &str = "because no identity-based policy allows the ACTION action";

/// Each root cause, by the name that its headline has: how it comes about.
#[allow(clippy::too_many_lines, reason = "it is one list")]
pub async fn cause(name: &str) -> Value {
    match name {
        "wrongRole" => {
            run(&[], |request| match action_of(request).as_str() {
                "sts:GetCallerIdentity" => identity("another-role"),
                _ => denied(request, IMPLICIT),
            })
            .await
        }
        "wrongRegion" => {
            run(&[("PROBE_EXPECTED_REGION", "ap-southeast-1")], |request| match action_of(request) {
                action if action.starts_with("dynamodb:") => denied(request, IMPLICIT),
                _ => healthy(request),
            })
            .await
        }
        "bucketRegion" => {
            run(&[], |request| match action_of(request) {
                action if action.starts_with("s3:") => {
                    stub::s3_error(301, "PermanentRedirect", "The bucket must be addressed using another endpoint.")
                }
                _ => healthy(request),
            })
            .await
        }
        "resourceMissing" => {
            run(&[("PROBE_TABLE", "ModelMetaData")], |request| match action_of(request) {
                action if action.starts_with("dynamodb:") => {
                    stub::json_error("ResourceNotFoundException", "Requested resource not found")
                }
                _ => healthy(request),
            })
            .await
        }
        "tableName" => {
            run(&[("PROBE_TABLE", "modelmetadata")], |request| match action_of(request) {
                action if action.starts_with("dynamodb:") => denied(request, IMPLICIT),
                _ => healthy(request),
            })
            .await
        }
        "credentials" => {
            run(&[], |request| {
                error_of(request, 403, "ExpiredTokenException", "The security token included in the request is expired")
            })
            .await
        }
        "clockSkew" => {
            run(&[], |request| {
                error_of(request, 403, "RequestTimeTooSkewed", "The difference between the times is too large.")
            })
            .await
        }
        "network" => {
            run(&[], |request| match action_of(request) {
                action if action.starts_with("dynamodb:") => Vec::new(),
                _ => healthy(request),
            })
            .await
        }
        "policyType" => {
            run(&[], |request| {
                denied(
                    request,
                    "with an explicit deny in a service control policy: \
                     arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/service_control_policy/p-a1b2c3d4",
                )
            })
            .await
        }
        "notAssumed" => {
            run(&[("PROBE_ASSUME_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role")], |request| {
                if action_of(request) != "sts:AssumeRole" {
                    return healthy(request);
                }
                let sentence = "User: arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/permissions-probe is not \
                                authorized to perform: sts:AssumeRole on resource: \
                                arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role";
                error_of(request, 403, "AccessDenied", sentence)
            })
            .await
        }
        "control" => {
            run(&[], |request| match action_of(request).as_str() {
                "sts:GetCallerIdentity" => Vec::new(),
                _ => healthy(request),
            })
            .await
        }
        "denyControl" => run(&[("PROBE_DENY_CONTROL", "dynamodb:ListTables")], healthy).await,
        "wrongRoleOnFunction" => {
            run(&[("PROBE_SPECIFICATION", SPECIFICATION)], |request| {
                if !request.path.starts_with("/2015-03-31/functions/PreprocessLambda/configuration") {
                    return healthy(request);
                }
                let configuration = json!({
                    "FunctionName": "PreprocessLambda",
                    "FunctionArn": format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:PreprocessLambda"),
                    "Role": format!("arn:aws:iam::{ACCOUNT}:role/service-role/PreprocessLambda-role-abc"),
                    "State": "Active",
                });
                stub::json(&configuration.to_string())
            })
            .await
        }
        "roleTrust" => {
            run(&[("PROBE_SAGEMAKER_ROLE_ARN", SAGEMAKER_ROLE)], |request| match action_of(request).as_str() {
                "sagemaker:CreateModel" if request.json()["ExecutionRoleArn"] == SAGEMAKER_ROLE => not_trusted(),
                _ => healthy(request),
            })
            .await
        }
        // The two that need no headline: the rows say it all.
        "a missing statement" => {
            run(&[], |request| match action_of(request).as_str() {
                "dynamodb:PutItem" | "s3:PutObject" | "s3:ListBucket" => denied(request, IMPLICIT),
                _ => healthy(request),
            })
            .await
        }
        "a key" => {
            run(&[], |request| match action_of(request).as_str() {
                "s3:GetObject" => error_of(
                    request,
                    403,
                    "AccessDenied",
                    "User: arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/permissions-probe is not authorized \
                     to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:123456789012:key/0123-4567 because no \
                     identity-based policy allows the kms:Decrypt action",
                ),
                _ => healthy(request),
            })
            .await
        }
        "a success" => run(&[], healthy).await,
        _ => unreachable!("{name}"),
    }
}

pub const CAUSES: &[&str] = &[
    "wrongRole",
    "notAssumed",
    "wrongRegion",
    "bucketRegion",
    "resourceMissing",
    "tableName",
    "credentials",
    "clockSkew",
    "network",
    "wrongRoleOnFunction",
    "roleTrust",
    "policyType",
    "control",
    "denyControl",
    "a missing statement",
    "a key",
];

#[tokio::test]
async fn each_root_cause_is_the_headline_and_hides_no_row() {
    for name in CAUSES {
        let response = cause(name).await;
        let report = &response["report"];
        let rows = rows(report).len();
        assert_eq!(
            rows,
            match *name {
                "a key" | "notAssumed" | "roleTrust" | "denyControl" => 18,
                "wrongRoleOnFunction" => 5,
                _ => 17,
            },
            "{name}"
        );
        let headline = report["headline"]["cause"].as_str();
        assert_eq!(headline, Some(*name).filter(|name| !name.contains(' ')), "{name}: {response}");
    }
}

#[tokio::test]
async fn a_clean_run_has_no_headline_and_no_advice() {
    let response = run(&[], healthy).await;
    assert_eq!((&response["statusCode"], &response["report"]["advice"]), (&json!(200), &json!([])), "{response}");
    assert_eq!(response["report"].get("headline"), None);
    assert_eq!(response["report"].get("advisories"), None);
}

#[tokio::test]
async fn a_configuration_that_is_not_valid_leaves_every_row_in_the_report() {
    let stub = Stub::start(healthy);
    let invalid = permissions_probe::config::Config::from_env(|_| None);
    let connections = permissions_aws::http_client::Connections::new(&permissions_aws::trust_store::TrustStore::Amazon);
    let app = permissions_probe::function::App::new(invalid, stub.sdk(), connections);
    let response = app.handle(LambdaEvent::new(Event(Ok(json!({}))), Context::default())).await;
    let response = serde_json::to_value(response).unwrap();
    let rows = rows(&response["report"]);
    assert_eq!((&response["statusCode"], rows.len()), (&json!(500), 17), "{response}");
    assert!(rows.iter().all(|row| row["cause"] == "notRun"), "{response}");
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn a_headline_explains_everything_or_is_not_there() {
    // A denial and a network that is down have no one cause.
    let response = run(&[], |request| match action_of(request).as_str() {
        "dynamodb:PutItem" => denied(request, "with an explicit deny in a session policy"),
        "s3:PutObject" => Vec::new(),
        _ => healthy(request),
    })
    .await;
    assert_eq!(response["report"].get("headline"), None, "{response}");
    assert_eq!(response["statusCode"], 403);
}

#[tokio::test]
async fn a_headline_is_not_made_of_one_row() {
    let one = |code: &'static str, message: &'static str| {
        move |request: &Request| match action_of(request).as_str() {
            "dynamodb:PutItem" => error_of(request, 400, code, message),
            _ => healthy(request),
        }
    };
    let rejected = one("UnrecognizedClientException", "The security token included in the request is invalid.");
    let response = run(&[], rejected).await;
    assert_eq!(response["report"].get("headline"), None, "sixteen rows were authorized: {response}");

    let denied = one(
        "AccessDeniedException",
        "User: u is not authorized to perform: dynamodb:PutItem with an explicit deny in a service control policy",
    );
    for variables in [&[("PROBE_EXPECTED_REGION", "ap-southeast-1")][..], &[("PROBE_TABLE", "ModelMetadata2")]] {
        let response = run(variables, denied).await;
        assert_eq!(response["report"].get("headline"), None, "an SCP is neither a Region nor a name: {response}");
    }
}

#[tokio::test]
async fn no_allow_is_advised_where_it_cannot_help() {
    for (reason, owner) in [
        ("with an explicit deny in an identity-based policy", "the administrator of the role"),
        (
            "because no permissions boundary allows the ACTION action",
            "the administrator who set the role's permissions boundary",
        ),
        ("with an explicit deny in a resource control policy", "the administrator of the AWS organization"),
        ("with an explicit deny in a session policy", "the owner of the program that opened the session"),
        ("because no VPC endpoint policy allows the ACTION action", "the owner of the VPC endpoint"),
        ("because no resource-based policy allows the ACTION action", "the owner of the resource"),
        ("with an explicit deny", "the owner of the policy"),
    ] {
        let response = run(&[], move |request| match action_of(request).as_str() {
            "dynamodb:PutItem" => denied(request, reason),
            _ => healthy(request),
        })
        .await;
        let advice = response["report"]["advice"].as_array().unwrap();
        assert_eq!(advice.len(), 1, "{reason}");
        let text = advice[0]["text"].as_str().unwrap();
        assert!(
            text.contains("Adding an Allow to the role's own policy will not help") && text.contains(owner),
            "{text}"
        );
        assert_eq!((advice[0].get("policy"), advice[0].get("command")), (None, None), "{reason}");
    }
    // Where AWS does not say, it is a possibility, in those words.
    let response = run(&[], |request| match action_of(request).as_str() {
        "s3:ListBucket" => stub::s3_error(403, "AccessDenied", "Access Denied"),
        _ => healthy(request),
    })
    .await;
    let text = response["report"]["advice"][0]["text"].as_str().unwrap();
    assert!(text.contains("One possibility is that no identity-based policy allows them"), "{text}");
}

#[tokio::test]
async fn what_the_guide_forgets_is_said_where_the_run_shows_it() {
    let response = run(&[("PROBE_ENDPOINT_NAME", "prod")], |request| match action_of(request).as_str() {
        "sagemaker:CreateModel" => {
            let role = request.json()["ExecutionRoleArn"].as_str().unwrap().to_owned();
            let sentence = format!(
                "User: u is not authorized to perform: iam:PassRole on resource: {role} because no identity-based policy \
                 allows the iam:PassRole action"
            );
            stub::json_error("AccessDeniedException", &sentence)
        }
        "sagemaker:InvokeEndpoint" => {
            stub::rest_json_error(400, "ValidationError", "Endpoint prod is not a multi-model endpoint.")
        }
        _ => healthy(request),
    })
    .await;
    assert_eq!(response["statusCode"], 200, "no verdict depends on it: {response}");
    let advisories = response["report"]["advisories"].as_array().unwrap();
    assert_eq!(advisories.len(), 2);
    assert!(advisories[0]["text"].as_str().unwrap().contains("iam:PassedToService = sagemaker.amazonaws.com"));
    assert_eq!(advisories[1]["actions"], json!(["sagemaker:CreateEndpointConfig", "sagemaker:DescribeEndpoint"]));
}

#[tokio::test]
async fn a_role_that_sagemaker_cannot_assume_is_told_with_the_trust_policy() {
    let response = cause("roleTrust").await;
    assert_eq!(response["statusCode"], 503);
    let row = row_of(&response, "iam:PassRole");
    assert_eq!((&row["verdict"], &row["warning"]), (&json!("allowed"), &json!("roleTrust")), "{row}");
    let advice = &response["report"]["advice"][0];
    assert_eq!(
        advice["trustPolicy"],
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": ["sts:AssumeRole"]}
        ]})
    );
    let command = advice["command"].as_str().unwrap();
    let (command, document) = command.split_once(" --policy-document '").unwrap();
    assert_eq!(command, "aws iam update-assume-role-policy --role-name=sagemaker-ml-pipeline-role");
    let document: Value = serde_json::from_str(document.strip_suffix('\'').unwrap()).unwrap();
    assert_eq!(document, advice["trustPolicy"], "what is pasted is what is shown");
}

#[tokio::test]
async fn a_role_of_another_account_is_a_problem_of_the_configuration() {
    let response = run(&[("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::111122223333:role/r")], healthy).await;
    assert_eq!(response["statusCode"], 500, "{response}");
    let problem = &response["report"]["problems"][0];
    assert_eq!(
        (&problem["name"], problem["value"].as_str()),
        (&json!("PROBE_SAGEMAKER_ROLE_ARN"), Some("arn:aws:iam::111122223333:role/r"))
    );
    assert!(problem["expected"].as_str().unwrap().contains("a role of the account 123456789012"), "{problem}");
}

fn row_of(response: &Value, action: &str) -> Value {
    stub::row_of(&response["report"], action)
}

#[tokio::test]
async fn a_denial_that_names_no_action_is_explained_with_the_statements_for_each_that_it_can_be() {
    let bare = |request: &Request| error_of(request, 403, "AccessDenied", "Access Denied");
    // Write: the object and the key look the same.
    let response = run(&[], move |request| match action_of(request).as_str() {
        "s3:PutObject" => bare(request),
        _ => healthy(request),
    })
    .await;
    let row = row_of(&response, "s3:PutObject");
    assert_eq!((&response["statusCode"], &row["cause"]), (&json!(503), &json!("ambiguous")), "{response}");
    assert_eq!(row["candidates"], json!(["s3:PutObject", "kms:GenerateDataKey"]));
    let statements = &response["report"]["advice"][0]["policy"]["Statement"];
    assert_eq!(statements[0]["Resource"], json!(["arn:aws:s3:::your-bucket-name/*"]));
    assert_eq!(statements[1]["Action"], json!(["kms:GenerateDataKey"]));
    assert_eq!(statements[1]["Condition"]["StringEquals"]["kms:ViaService"], "s3.us-east-1.amazonaws.com");

    // Read: HeadObject of the same object tells them apart.
    for (head_too, verdict, status) in [(true, "denied", 403), (false, "allowed", 503)] {
        let response = run(&[], move |request| match action_of(request).as_str() {
            "s3:GetObject" if head_too || request.method == "GET" => bare(request),
            _ => healthy(request),
        })
        .await;
        assert_eq!(response["statusCode"], status, "{response}");
        let row = row_of(&response, "s3:GetObject");
        assert_eq!(row["verdict"], verdict);
        if !head_too {
            assert_eq!(row["proof"]["grade"], "inferred");
            let key = row_of(&response, "kms:Decrypt");
            assert_eq!((&key["verdict"], &key["cause"]), (&json!("inconclusive"), &json!("ambiguous")), "{key}");
            assert_eq!(key["metBy"], json!(["s3:GetObject"]));
            assert_eq!(response["report"]["summary"]["inconclusive"], 1, "an alarm hears of it");
            assert_eq!(response["report"]["advice"][0]["actions"], json!(["kms:Decrypt"]));
        }
    }
    // KMS itself, in the words of old.
    let response = run(&[], |request| match action_of(request).as_str() {
        "s3:GetObject" => error_of(
            request,
            403,
            "AccessDenied",
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not \
             allowed to access.",
        ),
        _ => healthy(request),
    })
    .await;
    let row = row_of(&response, "s3:GetObject");
    assert_eq!((&row["cause"], &row["candidates"]), (&json!("ambiguous"), &json!(["kms:Decrypt"])), "{row}");
}

#[tokio::test]
async fn an_explicit_deny_says_what_the_request_had() {
    let response = run(&[], |request| match action_of(request).as_str() {
        "sagemaker:CreateTrainingJob" | "dynamodb:GetItem" => {
            denied(request, "with an explicit deny in a service control policy")
        }
        "s3:PutObject" => denied(
            request,
            "because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C)",
        ),
        _ => healthy(request),
    })
    .await;
    let advice = response["report"]["advice"].as_array().unwrap();
    let text = |action: &str| {
        let of_action = |advice: &&Value| advice["actions"].as_array().unwrap().contains(&json!(action));
        advice.iter().find(of_action).unwrap()["text"].as_str().unwrap().to_owned()
    };
    let shape = text("sagemaker:CreateTrainingJob");
    assert!(shape.contains("the instance type ml.m5.large, no VPC configuration, no KMS keys"), "{shape}");
    assert!(shape.contains("dynamodb:GetItem with the attribute permissions_probe_absent as its key"), "{shape}");
    assert!(shape.contains("If the policy has conditions, it may allow the pipeline's own requests"), "{shape}");
    let setting = text("s3:PutObject");
    assert!(
        setting.contains("A setting denies these actions, not a policy: the bucket's blocked encryption types"),
        "{setting}"
    );
    assert_eq!(row_of(&response, "s3:PutObject")["denial"]["setting"], "the bucket's blocked encryption types");
}

#[tokio::test]
async fn what_aws_carries_out_is_named_with_the_command_that_deletes_it() {
    let made = |request: &Request| match action_of(request).as_str() {
        "sagemaker:CreateModel" => stub::json("{\"ModelArn\": \"arn:aws:sagemaker:us-east-1:123456789012:model/m\"}"),
        "sagemaker:CreateTrainingJob" => stub::json_error("ResourceInUse", "Training job names must be unique"),
        _ => healthy(request),
    };
    let names = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let seen = names.clone();
    let response = run(&[], move |request| {
        if request.target().starts_with("SageMaker.Create") {
            let body = request.json();
            let name = ["ModelName", "TrainingJobName", "EndpointName"].iter().find_map(|key| body[key].as_str());
            seen.lock().unwrap().insert(name.unwrap().to_owned());
        }
        made(request)
    })
    .await;
    assert_eq!(names.lock().unwrap().iter().collect::<Vec<_>>(), [stub::RECORD], "one name, in all runs");
    assert_eq!(response["statusCode"], 503);
    let row = row_of(&response, "sagemaker:CreateTrainingJob");
    let note = row["note"].as_str().unwrap();
    let command = format!("aws sagemaker delete-training-job --region=us-east-1 --training-job-name={}", stub::RECORD);
    assert!(note.contains(&format!("the training job {}", stub::RECORD)) && note.contains(&command), "{note}");
    let advice = &response["report"]["advice"][0];
    assert!(advice["text"].as_str().unwrap().contains(&format!("the model {}", stub::RECORD)), "{advice}");
    let model = format!("aws sagemaker delete-model --region=us-east-1 --model-name={}", stub::RECORD);
    assert_eq!(advice["command"], format!("{command}; {model}"));
}

#[tokio::test]
async fn a_statement_is_offered_only_for_what_the_pipeline_needs() {
    for (named, resource, offered) in [
        ("ec2:DescribeInstances", "arn:aws:ec2:us-east-1:123456789012:instance/i", false),
        ("kms:Decrypt", "*", false),
        ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/k", true),
    ] {
        let response = run(&[], move |request| match action_of(request).as_str() {
            "s3:GetObject" => {
                let sentence = format!(
                    "User: u is not authorized to perform: {named} on resource: {resource} because no identity-based policy \
                     allows the {named} action"
                );
                error_of(request, 403, "AccessDenied", &sentence)
            }
            _ => healthy(request),
        })
        .await;
        let advice = response["report"]["advice"].as_array().unwrap();
        assert_eq!(
            advice.iter().any(|advice| advice.get("policy").is_some()),
            offered,
            "{named} {resource}: {advice:?}"
        );
        assert!(
            advice.iter().any(|advice| advice["actions"] == json!([named])),
            "it is named all the same: {advice:?}"
        );
    }
    // AWS authorizes CreateLogGroup on the bare ARN, and has authorized it on the other.
    let response = run(&[], |request| match action_of(request).as_str() {
        "logs:CreateLogGroup" => denied(request, IMPLICIT),
        _ => healthy(request),
    })
    .await;
    let group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/permissions-probe";
    assert_eq!(
        response["report"]["advice"][0]["policy"]["Statement"][0]["Resource"],
        json!([group, format!("{group}:*")])
    );
}

#[tokio::test]
async fn the_report_says_how_many_rows_rest_on_which_grade() {
    let response = run(&[], healthy).await;
    assert_eq!(
        response["report"]["summary"],
        json!({"allowed": 17, "denied": 0, "inconclusive": 0, "proofs": {"documented": 7, "observed": 4, "inferred": 6}})
    );
    let response = run(
        &[
            ("PROBE_TABLE_KEY", "id:S"),
            ("PROBE_TRAINING_JOB_NAME", "train-1"),
            ("PROBE_OBJECT_KEY", "training/data.csv"),
        ],
        healthy,
    )
    .await;
    assert_eq!(
        response["report"]["summary"]["proofs"],
        json!({"documented": 11, "observed": 2, "inferred": 4}),
        "{response}"
    );
    for row in rows(&response["report"]) {
        let documented = row["proof"]["grade"] == "documented";
        assert_eq!(row["proof"].get("better").is_none(), documented, "{row}");
    }
}

#[tokio::test]
async fn a_denial_of_another_action_on_a_made_up_name_is_a_row() {
    let named = format!("arn:aws:sagemaker:us-east-1:123456789012:training-job/{}", stub::RECORD);
    let response = run(&[], move |request| match action_of(request).as_str() {
        "sagemaker:CreateTrainingJob" => {
            let sentence = format!(
                "User: u is not authorized to perform: sagemaker:AddTags on resource: {named} because no identity-based policy \
                 allows the sagemaker:AddTags action"
            );
            error_of(request, 400, "AccessDeniedException", &sentence)
        }
        _ => healthy(request),
    })
    .await;
    let row = row_of(&response, "sagemaker:AddTags");
    assert_eq!(
        (&response["statusCode"], &row["resource"]),
        (&json!(403), &json!("arn:aws:sagemaker:us-east-1:123456789012:training-job/*")),
        "{response}"
    );
}

#[tokio::test]
async fn one_slow_row_sends_nobody_to_the_network() {
    let slow = |request: &Request| match action_of(request).as_str() {
        "dynamodb:Scan" => stub::Act::Stall(Vec::new(), std::time::Duration::from_secs(2)),
        _ => healthy(request).into(),
    };
    let stub = Stub::start(slow);
    let app = stub.app(stub::config_with(&[("PROBE_TIMEOUT_MS", "500"), NO_ROLES[0], NO_ROLES[1]]));
    let response = app.handle(LambdaEvent::new(Event(Ok(json!({}))), Context::default())).await;
    let response = serde_json::to_value(response).unwrap();
    assert_eq!(response["report"].get("headline"), None, "four rows of DynamoDB were answered: {response}");
    let advice = &response["report"]["advice"][0];
    assert_eq!(advice["actions"], json!(["dynamodb:Scan"]));
    assert!(advice["text"].as_str().unwrap().contains("raise PROBE_TIMEOUT_MS"), "{advice}");

    // Beside a service that answers nothing, the slow row is told for itself.
    let slow = |request: &Request| match action_of(request).as_str() {
        "dynamodb:Scan" | "logs:CreateLogGroup" | "logs:CreateLogStream" | "logs:PutLogEvents" => {
            stub::Act::Stall(Vec::new(), std::time::Duration::from_secs(2))
        }
        _ => healthy(request).into(),
    };
    let stub = Stub::start(slow);
    let app = stub.app(stub::config_with(&[("PROBE_TIMEOUT_MS", "500"), NO_ROLES[0], NO_ROLES[1]]));
    let response = app.handle(LambdaEvent::new(Event(Ok(json!({}))), Context::default())).await;
    let response = serde_json::to_value(response).unwrap();
    assert_eq!(response["report"].get("headline"), None, "it is not the network alone: {response}");
    let advice = response["report"]["advice"].as_array().unwrap();
    let of = |action: &str| {
        let named = |advice: &&Value| advice["actions"].as_array().unwrap().contains(&json!(action));
        let texts: Vec<_> = advice.iter().filter(named).map(|advice| advice["text"].as_str().unwrap()).collect();
        assert_eq!(texts.len(), 1, "{action}: {advice:?}");
        texts[0].to_owned()
    };
    assert!(of("dynamodb:Scan").contains("raise PROBE_TIMEOUT_MS"), "{advice:?}");
    let logs = of("logs:PutLogEvents");
    assert!(logs.contains("com.amazonaws.us-east-1.logs") && !logs.contains("DynamoDB"), "{logs}");

    // However long a service asks to wait for, the row says why.
    let response = run(&[("PROBE_TIMEOUT_MS", "2000")], |request| match action_of(request).as_str() {
        "dynamodb:Scan" => stub::with_headers(
            400,
            "x-amzn-requestid: R\r\nx-amz-retry-after: 60000\r\ncontent-type: application/x-amz-json-1.0\r\n",
            "{\"__type\": \"ThrottlingException\", \"message\": \"Rate exceeded\"}",
        ),
        _ => healthy(request),
    })
    .await;
    assert_eq!(row_of(&response, "dynamodb:Scan")["cause"], "throttled", "{response}");
}

#[tokio::test]
async fn what_is_wrong_for_several_causes_is_told_for_each() {
    let response = run(&[], |request| match action_of(request).as_str() {
        "dynamodb:PutItem" => denied(request, IMPLICIT),
        "dynamodb:Scan" => stub::json_error("ResourceNotFoundException", "Requested resource not found"),
        "s3:ListBucket" => stub::s3_error(404, "NoSuchBucket", "The specified bucket does not exist"),
        "s3:PutObject" => stub::with_headers(
            400,
            "x-amz-request-id: R\r\n",
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the region \
             'us-east-1' is wrong; expecting 'eu-west-1'</Message></Error>",
        ),
        _ => healthy(request),
    })
    .await;
    assert_eq!(response["report"].get("headline"), None);
    let texts: Vec<_> = response["report"]["advice"]
        .as_array()
        .unwrap()
        .iter()
        .map(|advice| advice["text"].as_str().unwrap())
        .collect();
    for expected in [
        "No identity-based policy of the role",
        "There is no table ModelMetadata",
        "There is no bucket your-bucket-name",
        "The bucket your-bucket-name is in eu-west-1",
    ] {
        assert!(texts.iter().any(|text| text.starts_with(expected)), "{expected}: {texts:?}");
    }
}

#[tokio::test]
async fn a_statement_names_the_object_that_is_read_where_the_prefix_does_not_take_it_in() {
    let denies = |request: &Request| match action_of(request).as_str() {
        "s3:GetObject" => denied(request, IMPLICIT),
        _ => healthy(request),
    };
    let response = run(&[("PROBE_PREFIX", "training/"), ("PROBE_OBJECT_KEY", "other/x$.csv")], denies).await;
    assert_eq!(
        response["report"]["advice"][0]["policy"]["Statement"][0]["Resource"],
        json!(["arn:aws:s3:::your-bucket-name/training/*", "arn:aws:s3:::your-bucket-name/other/x${$}.csv"])
    );
    // IAM takes no character beyond U+00FF in a policy.
    let response = run(&[("PROBE_PREFIX", "日本/é/"), ("PROBE_OBJECT_KEY", "日本/é/x")], denies).await;
    assert_eq!(
        response["report"]["advice"][0]["policy"]["Statement"][0]["Resource"],
        json!(["arn:aws:s3:::your-bucket-name/*/é/*"])
    );
}

#[tokio::test]
async fn the_texts_of_the_advice_hold_what_they_promise() {
    // No policy is promised to a role that is not the expected one.
    let response = run(&[], |request| match action_of(request).as_str() {
        "sts:GetCallerIdentity" => identity("another-role"),
        "dynamodb:PutItem" => denied(request, ""),
        _ => healthy(request),
    })
    .await;
    let advice = response["report"]["advice"].as_array().unwrap();
    assert!(advice.iter().all(|advice| !advice["text"].as_str().unwrap().ends_with(':')), "{advice:?}");
    // An action is named once, on however many keys it is denied.
    let response = run(&[], |request| {
        let key = |name: &str| {
            let sentence = format!(
                "User: u is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:123456789012:key/{name} because \
                 no identity-based policy allows the kms:Decrypt action"
            );
            error_of(request, 403, if name == "1" { "AccessDenied" } else { "AccessDeniedException" }, &sentence)
        };
        match action_of(request).as_str() {
            "s3:GetObject" => key("1"),
            "dynamodb:Scan" => key("2"),
            _ => healthy(request),
        }
    })
    .await;
    let advice = &response["report"]["advice"][0];
    assert_eq!(advice["actions"], json!(["kms:Decrypt"]));
    assert_eq!(advice["policy"]["Statement"].as_array().unwrap().len(), 2);
    let text = advice["text"].as_str().unwrap();
    assert!(text.contains("key/1 has to allow") && text.contains("key/2 has to allow"), "{text}");
    // "An" identity-based policy.
    let response = run(&[], |request| match action_of(request).as_str() {
        "dynamodb:PutItem" | "dynamodb:Scan" => denied(request, "with an explicit deny in an identity-based policy"),
        _ => healthy(request),
    })
    .await;
    let text = response["report"]["headline"]["text"].as_str().unwrap();
    assert!(text.contains("an identity-based policy explicitly denies the actions"), "{text}");
}

#[tokio::test]
async fn redaction_masks_accounts_and_sessions_and_keeps_the_rest() {
    let response = run(&[("PROBE_REDACT", "account")], |request| match action_of(request).as_str() {
        "dynamodb:PutItem" => denied(request, IMPLICIT),
        _ => healthy(request),
    })
    .await;
    let text = response.to_string();
    assert!(!text.contains(ACCOUNT) && !text.contains("lambda-ml-pipeline-role/permissions-probe"), "{text}");
    assert_eq!(
        response["report"]["principal"]["arn"],
        "arn:aws:sts::ACCOUNT-1:assumed-role/lambda-ml-pipeline-role/SESSION"
    );
    let row = row_of(&response, "dynamodb:PutItem");
    assert_eq!(row["resource"], "arn:aws:dynamodb:us-east-1:ACCOUNT-1:table/ModelMetadata");
}

#[tokio::test]
async fn a_key_that_aws_does_not_name_is_offered_no_statement() {
    for (reason, said) in [
        ("because no identity-based policy allows the kms:Decrypt action", "AWS does not name a resource"),
        (
            "because the resource does not exist in this Region, no resource-based policies allow access, or a \
             resource-based policy explicitly denies access",
            "Check whether the resource exists",
        ),
    ] {
        let response = run(&[], move |request| match action_of(request).as_str() {
            "s3:GetObject" => {
                let sentence = format!(
                    "User: u is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext {reason}"
                );
                error_of(request, 403, "AccessDenied", &sentence)
            }
            _ => healthy(request),
        })
        .await;
        let report = &response["report"];
        assert_eq!((report.get("headline"), &report["verdict"]), (None, &json!("denied")), "{response}");
        let advice = report["advice"].as_array().unwrap();
        assert!(advice[0]["text"].as_str().unwrap().contains(said), "{advice:?}");
        assert!(advice.iter().all(|advice| advice.get("policy").is_none()), "never a statement for *: {advice:?}");
    }
}

#[tokio::test]
async fn the_next_policy_does_not_take_the_place_of_the_one_before() {
    let name = async |action: &'static str| {
        let response = run(&[], move |request| match action_of(request).as_str() {
            denied_action if denied_action == action => denied(request, IMPLICIT),
            _ => healthy(request),
        })
        .await;
        let command = response["report"]["advice"][0]["command"].as_str().unwrap().to_owned();
        command.split(' ').nth(5).unwrap().to_owned()
    };
    let (get, put) = (name("dynamodb:GetItem").await, name("dynamodb:PutItem").await);
    assert!(
        get.starts_with("permissions-probe-") && put.starts_with("permissions-probe-") && get != put,
        "{get} {put}"
    );
    assert_eq!(get, name("dynamodb:GetItem").await, "the same policy has the same name");
}

#[tokio::test]
async fn a_token_that_aws_echoes_is_in_no_report() {
    let response = run(&[], |request| {
        let message = "The request signature we calculated does not match the signature you provided. The Canonical String for \
                       this request should have been 'POST x-amz-security-token:IQoJb3JpZ2luX2VjSECRET'";
        error_of(request, 403, "InvalidSignatureException", message)
    })
    .await;
    assert_eq!(response["report"]["headline"]["cause"], "credentials");
    assert!(!response.to_string().contains("SECRET"), "{response}");
}

/// What a report says, for people: the rows that are not well, the headline and the advice.
pub fn show(response: &Value) -> String {
    let report = &response["report"];
    // What is denied first.
    let mut rows = rows(report);
    rows.sort_by_key(|row| row["verdict"] != "denied");
    let wrong: Vec<String> = rows
        .into_iter()
        .filter_map(|row| {
            let (action, verdict) = (row["action"].as_str().unwrap(), row["verdict"].as_str().unwrap());
            let why = [&row["denial"]["kind"], &row["cause"], &row["warning"]].into_iter().find_map(Value::as_str)?;
            Some(format!("{action} {verdict} ({why})"))
        })
        .collect();
    let shown = match wrong.len() {
        0..=4 => wrong.join(", "),
        all => format!("{}, and {} more", wrong[..3].join(", "), all - 3),
    };
    let mut lines = vec![format!("{} {}: {shown}", response["statusCode"], report["verdict"].as_str().unwrap())];
    lines.extend(report["headline"]["text"].as_str().map(|text| format!("headline: {text}")));
    for advice in report["advice"].as_array().unwrap() {
        lines.push(format!("advice:   {}", advice["text"].as_str().unwrap()));
        lines.extend(advice["command"].as_str().map(|command| format!("          {command}")));
    }
    lines.join("\n")
}

mod details {
    use super::*;

    /// A denial of dynamodb:PutItem with an authorization id, and AWS's answer to the question about it.
    async fn details(enabled: bool, answer: fn() -> Vec<u8>) -> Value {
        const ENABLED: Variables = &[("PROBE_AUTHORIZATION_DETAILS", "true")];
        let response = run(if enabled { ENABLED } else { &[] }, move |request| {
        if request.path.starts_with("/authorization-details/") {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/authorization-details/1a2b-3c4d"));
            return answer();
        }
        match action_of(request).as_str() {
            "dynamodb:PutItem" => denied(
                request,
                "with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/deny. Go to \
                 https://us-east-1.console.aws.amazon.com/iam/home#/authorization-details/1a2b-3c4d for complete details, or \
                 call the GetRequestAuthorizationDetails API with the following authorization id: 1a2b-3c4d",
            ),
            _ => healthy(request),
        }
    })
    .await;
        let row = row_of(&response, "dynamodb:PutItem");
        assert_eq!((&row["action"], &row["verdict"]), (&json!("dynamodb:PutItem"), &json!("denied")), "{response}");
        row["denial"].clone()
    }

    #[cfg(not(feature = "authorization-details"))]
    #[tokio::test]
    async fn a_build_that_cannot_ask_says_so() {
        let denial = details(true, || unreachable!("AWS is not asked")).await;
        assert!(denial["details"]["note"].as_str().unwrap().contains("lacks the feature authorization-details"));
    }

    #[cfg(feature = "authorization-details")]
    #[tokio::test]
    async fn aws_is_asked_about_a_denial_where_the_configuration_says_so() {
        let answer = || {
            let policy = "arn:aws:iam::123456789012:policy/deny";
            let body = json!({
                "requestContext": {},
                "evaluations": [{
                    "action": "dynamodb:PutItem",
                    "resource": "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata",
                    "evaluatedEffect": "EXPLICIT_DENY",
                    "matchedPolicies": [{
                        "uri": policy,
                        "matchedStatements": [{"sid": "NoWrites", "evaluatedEffect": "DENY"}]
                    }]
                }],
                "policies": [{
                    "type": "IDENTITY_BASED_POLICY",
                    "inline": false,
                    "uri": policy,
                    "attachedTo": [{"arn": "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role"}]
                }]
            });
            stub::response(200, "application/json", &body.to_string())
        };
        let denial = details(true, answer).await;
        assert_eq!(
            denial["details"]["matched"],
            json!([{
                "policy": "arn:aws:iam::123456789012:policy/deny",
                "policyType": "IDENTITY_BASED_POLICY",
                "attachedTo": ["arn:aws:iam::123456789012:role/lambda-ml-pipeline-role"],
                "sid": "NoWrites",
                "effect": "DENY"
            }])
        );
        assert_eq!(denial["authorizationId"], "1a2b-3c4d");
        assert_eq!(
            denial["detailsLink"],
            "https://us-east-1.console.aws.amazon.com/iam/home#/authorization-details/1a2b-3c4d"
        );

        let denial = details(false, || unreachable!("AWS is not asked")).await;
        assert_eq!(denial.get("details"), None);
    }

    #[cfg(feature = "authorization-details")]
    #[tokio::test]
    async fn what_goes_wrong_with_the_details_costs_only_a_note() {
        let denied =
            || stub::rest_json_error(403, "AccessDeniedException", "User: u is not authorized to perform: iam:X");
        for (answer, note) in [
            (denied as fn() -> Vec<u8>, "AccessDeniedException: User: u is not authorized to perform: iam:X"),
            (|| stub::with_headers(200, "", "{}"), "the answer carries no AWS request id"),
            (Vec::new, "no code: "),
        ] {
            let denial = details(true, answer).await;
            let text = denial["details"]["note"].as_str().unwrap();
            assert!(text.starts_with("AWS gave no details of this denial: ") && text.contains(note), "{text}");
        }
    }
}
