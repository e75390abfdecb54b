//! Each kind of event, and the response that it gets.

use aws_lambda_events::alb::AlbTargetGroupRequest;
use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse, ApiGatewayV2httpRequest};
use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlRequest;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::emulator::{SUCCESS, account, event, invoke, invoke_text, verdicts};
use crate::harness::rows;

#[test]
fn the_events_are_what_aws_sends() {
    fn read<T: DeserializeOwned>(name: &str) -> T {
        serde_json::from_value(event(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
    assert_eq!(read::<ApiGatewayProxyRequest>("api-gateway-v1.json").path.as_deref(), Some("/health"));
    assert_eq!(read::<ApiGatewayV2httpRequest>("api-gateway-v2.json").raw_path.as_deref(), Some("/health"));
    assert_eq!(read::<LambdaFunctionUrlRequest>("function-url.json").raw_path.as_deref(), Some("/"));
    assert_eq!(read::<AlbTargetGroupRequest>("alb.json").path.as_deref(), Some("/health"));
    assert_eq!(read::<EventBridgeEvent>("scheduled.json").detail_type, "Scheduled Event");
}

#[tokio::test]
async fn every_kind_of_event_gets_the_success() {
    for name in ["console-test.json", "scheduled.json", "guide-test.json"] {
        assert_eq!(invoke_text(&account().environment, event(name)).await, SUCCESS, "{name}");
    }
    for event in [json!(null), json!([]), json!("x"), json!(7)] {
        assert_eq!(invoke_text(&account().environment, event).await, SUCCESS);
    }
}

#[tokio::test]
async fn http_fronts_get_no_key_of_ours() {
    let denied = account().with_policies(&[]);
    for name in ["api-gateway-v1.json", "api-gateway-v2.json", "function-url.json", "alb.json"] {
        let response = invoke(&denied, event(name)).await;
        let keys: Vec<_> = response.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["body", "headers", "isBase64Encoded", "statusCode"], "{name}");
        assert_eq!(response["statusCode"], 403, "{name}");
        let proxied: ApiGatewayProxyResponse = serde_json::from_value(response.clone()).unwrap();
        assert_eq!(proxied.headers["content-type"], "application/json", "{name}");
        let report: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
        assert_eq!(report["schema"], "permissions-probe/v2", "{name}");
    }
    assert!(invoke(&denied, event("scheduled.json")).await.get("report").is_some());
}

#[tokio::test]
async fn http_fronts_get_json_for_get_and_nothing_for_head_and_405_for_the_rest() {
    /// The event of a front with another method.
    fn with_method(name: &str, method: &str) -> Value {
        let mut event = event(name);
        for path in ["/httpMethod", "/requestContext/http/method", "/requestContext/httpMethod"] {
            if let Some(value) = event.pointer_mut(path) {
                *value = method.into();
            }
        }
        event
    }
    let environment = &account().environment;
    for name in ["api-gateway-v1.json", "api-gateway-v2.json", "function-url.json", "alb.json"] {
        let headers =
            json!({"Content-Type": "application/json", "Vary": "Accept", "Cache-Control": "max-age=60", "Age": "0"});
        let body = "\"Preprocessing complete and metadata updated\"";
        let expected = json!({"statusCode": 200, "body": body, "headers": headers, "isBase64Encoded": false});
        assert_eq!(invoke(environment, event(name)).await, expected, "{name}");
        let expected = json!({"statusCode": 200, "body": "", "headers": headers, "isBase64Encoded": false});
        assert_eq!(invoke(environment, with_method(name, "HEAD")).await, expected, "{name}");
        let refused = invoke(environment, with_method(name, "DELETE")).await;
        assert_eq!(refused["statusCode"], 405, "{name}");
        assert_eq!(refused["headers"]["Allow"], "GET, HEAD", "{name}");
        let report: Value = serde_json::from_str(refused["body"].as_str().unwrap()).unwrap();
        assert_eq!(report["headline"]["text"], "Only GET and HEAD ask for a check.", "{name}");
        assert_eq!(refused["headers"]["Cache-Control"], "no-store", "{name}");
    }
}

#[tokio::test]
async fn the_callers_of_a_front_get_no_names_unless_the_configuration_says_so() {
    let mut environment = account().with_policies(&[]);
    environment.insert("PROBE_EXPECTED_ROLE".to_owned(), "lambda-ml-pipeline-role".to_owned());
    let response = invoke(&environment, event("function-url.json")).await;
    let body = response["body"].as_str().unwrap();
    for name in [
        "arn:",
        "123456789012",
        "role-",
        "your-bucket-name",
        "ModelMetadata",
        "lambda-ml-pipeline-role",
        "permissions-probe-",
    ] {
        assert!(!body.contains(name), "{name}: {body}");
    }
    let public: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        public,
        json!({
            "schema": "permissions-probe/v2",
            "verdict": "denied",
            "summary": public["summary"],
            "headline": {"cause": "wrongRole", "text": "The function runs under another role than the one to check."},
            "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        })
    );
    environment.insert("PROBE_HTTP_REPORT".to_owned(), "full".to_owned());
    let response = invoke(&environment, event("function-url.json")).await;
    let report: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!(rows(&report).len(), 17);
    // What is wrong with the configuration has names, too.
    environment.insert("PROBE_BUCKET".to_owned(), "Secret_Bucket".to_owned());
    environment.remove("PROBE_HTTP_REPORT");
    let response = invoke(&environment, event("function-url.json")).await;
    assert_eq!(response["statusCode"], 500);
    assert!(!response.to_string().contains("Secret_Bucket"), "{response}");
}

#[tokio::test]
async fn a_load_balancer_that_sends_lists_of_headers_gets_lists() {
    let mut event = event("alb.json");
    let headers = event.as_object_mut().unwrap().remove("headers").unwrap();
    event["multiValueHeaders"] =
        headers.as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    let response = invoke(&account().environment, event).await;
    assert_eq!(
        response["multiValueHeaders"],
        json!({"Content-Type": ["application/json"], "Vary": ["Accept"], "Cache-Control": ["max-age=60"], "Age": ["0"]})
    );
    assert!(response.get("headers").is_none(), "{response}");
}

#[tokio::test]
async fn actions_filters_and_verbose_reports_a_success_too() {
    let response = invoke(&account().environment, event("options.json")).await;
    assert_eq!(response["statusCode"], 200);
    assert_eq!(response["body"], "Preprocessing complete and metadata updated");
    assert_eq!(
        verdicts(&response).into_keys().collect::<Vec<_>>(),
        ["dynamodb:PutItem", "s3:GetObject", "s3:ListBucket", "s3:PutObject", "sts:GetCallerIdentity"]
    );
    let response = invoke(&account().environment, event("verbose.json")).await;
    assert_eq!(verdicts(&response).len(), 17);
    let report = &response["report"];
    assert_eq!(report["principal"]["role"], "lambda-ml-pipeline-role");
    assert_eq!(report["principal"]["account"], "123456789012");
    assert_eq!(report["region"], "us-east-1");
    assert_eq!(report["requestId"], "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
    assert_eq!(report["advice"], json!([]));
}

#[tokio::test]
async fn a_bad_event_is_a_400_that_lists_everything() {
    let response = invoke(&account().environment, event("bad-options.json")).await;
    assert_eq!(response["statusCode"], 400);
    let problems = response["report"]["problems"].as_array().unwrap();
    let names: Vec<_> = problems.iter().map(|problem| problem["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["probe.actions[1]", "probe.color", "probe.verbose"]);
    assert!(problems[0]["expected"].as_str().unwrap().contains("s3:GetObject, s3:PutObject"), "{problems:?}");
    assert_eq!(response["report"]["summary"]["inconclusive"], 17, "no row disappears");
}

#[tokio::test]
async fn a_bad_configuration_is_a_500_that_lists_everything() {
    let mut environment = account().environment.clone();
    environment.insert("PROBE_BUCKET".to_owned(), "Your_Bucket".to_owned());
    environment.insert("PROBE_TIMEOUT_MS".to_owned(), "soon".to_owned());
    let response = invoke(&environment, json!({})).await;
    assert_eq!(response["statusCode"], 500);
    let problems = response["report"]["problems"].as_array().unwrap();
    assert_eq!(problems[0]["name"], "PROBE_BUCKET");
    assert_eq!(problems[0]["value"], "Your_Bucket");
    assert!(problems[0]["expected"].as_str().unwrap().contains("lower-case"));
    assert_eq!(problems[1]["name"], "PROBE_TIMEOUT_MS");
    assert_eq!(problems.len(), 2);
}
