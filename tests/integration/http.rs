//! The report over HTTP, in the form that a request prefers.

use serde_json::{Value, json};

use crate::emulator::event;
use crate::harness::{Request, Server, action_of, denial, healthy};
use crate::lambda::{Lambda, environment, with};

fn without_put_item(request: &Request) -> Vec<u8> {
    match action_of(request).as_str() {
        action @ "dynamodb:PutItem" => denial(action, action),
        _ => healthy(request),
    }
}

/// A request to a function URL with this header, if any, and this query.
fn request(accept: Option<&str>, query: Value) -> Vec<u8> {
    let mut event = event("function-url.json");
    let headers = event["headers"].as_object_mut().unwrap();
    headers.remove("accept");
    headers.extend(accept.map(|accept| ("accept".to_owned(), accept.into())));
    event["queryStringParameters"] = query;
    event.to_string().into_bytes()
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

#[test]
fn a_request_gets_the_form_that_it_prefers_and_a_page_only_if_it_asks_for_one() {
    let aws = Server::start(without_put_item);
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_HTTP_REPORT", "full")]));
    for (accept, expected) in [
        (None, JSON),
        (Some(""), JSON),
        (Some("*/*"), JSON),
        (Some("image/png"), JSON),
        (Some("application/json"), JSON),
        (Some("text/plain"), TEXT),
        (Some("text/*"), TEXT),
        (Some("TEXT/HTML"), HTML),
        (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), HTML),
        (Some("text/html;q=0.5, application/json"), JSON),
        (Some("text/html;q=0"), JSON),
        (Some("text/html;q=x, text/plain;q=0.1"), TEXT),
        (Some("text/plain;q=0.5, text/html;q=0.9"), HTML),
        (Some("text/plain;q=0, text/*"), JSON),
        (Some("application/json;q=0, */*"), JSON),
        (Some("application/json;q=0, text/plain;q=0.1"), TEXT),
        (Some("text/*;q=0.5, text/plain;q=0.1, text/html;q=0.4"), HTML),
        (Some("*/*, text/plain"), TEXT),
        (Some("text/html, application/json"), JSON),
    ] {
        let response = lambda.invoke(&request(accept, json!({})));
        assert_eq!(response["headers"]["Content-Type"], expected, "{accept:?}");
        assert_eq!((&response["statusCode"], &response["headers"]["Vary"]), (&json!(403), &json!("Accept")));
        let body = response["body"].as_str().unwrap();
        match expected {
            JSON => assert_eq!(serde_json::from_str::<Value>(body).unwrap()["schema"], "permissions-probe/v2"),
            TEXT => assert!(
                body.starts_with("✗ denied\ndynamodb:PutItem is denied on arn:") && !body.contains('<'),
                "{body}"
            ),
            _ => assert!(body.starts_with("<!doctype html>") && body.contains("✗ denied: dynamodb:PutItem"), "{body}"),
        }
    }
    // A load balancer's lists, VPC Lattice's two forms, and a header of any case.
    let mut lists = event("alb.json");
    lists.as_object_mut().unwrap().remove("headers");
    lists["multiValueHeaders"] = json!({"Accept": ["image/png", "text/plain"]});
    // A REST API has the last of several values in `headers`.
    let mut rest = event("api-gateway-v1.json");
    rest["headers"] = json!({"Accept": "image/png"});
    rest["multiValueHeaders"] = json!({"Accept": ["text/plain", "image/png"]});
    let lattice =
        json!({"method": "GET", "raw_path": "/", "headers": {"ACCEPT": "text/plain"}, "query_string_parameters": {}});
    let lattice_2 = json!({"version": "2.0", "method": "GET", "headers": {"accept": ["text/plain"]},
                           "requestContext": {"serviceNetworkArn": "arn:aws:vpc-lattice:us-east-1:123456789012:servicenetwork/sn-0"}});
    for event in [lists, rest, lattice, lattice_2] {
        let response = lambda.invoke(event.to_string().as_bytes());
        assert!(response["body"].as_str().unwrap().starts_with("✗ denied\n"), "{response}");
    }
}

#[test]
fn a_text_is_laid_out_for_a_terminal_and_bad_parameters_are_named() {
    let aws = Server::start(without_put_item);
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_HTTP_REPORT", "full")]));
    let text = |query: Value| {
        let response = lambda.invoke(&request(Some("text/plain"), query));
        (response["statusCode"].clone(), response["body"].as_str().unwrap().to_owned())
    };
    let (_, plain) = text(json!({}));
    let (_, narrow) = text(json!({"width": "50", "color": "true"}));
    assert!(!plain.contains('\u{1b}') && narrow.contains("\u{1b}[31m"), "{narrow}");
    assert!(narrow.lines().count() > plain.lines().count(), "{narrow}");
    let asked = aws.seen.count();
    let (status, bad) = text(json!({"width": "wide", "color": "red"}));
    assert_eq!(status, 400, "{bad}");
    for part in [
        "width is \"wide\"; expected a whole number of columns from 40 to 1000",
        "color is \"red\"; expected true or false",
    ] {
        assert!(bad.split_whitespace().collect::<Vec<_>>().join(" ").contains(part), "{bad}");
    }
    assert_eq!(aws.seen.count(), asked, "nothing was checked");
}

#[test]
fn neither_text_nor_page_has_a_name_unless_the_configuration_says_so() {
    let aws = Server::start(without_put_item);
    let lambda = Lambda::start(&environment(&aws));
    for accept in ["text/plain", "text/html", "application/json"] {
        let response = lambda.invoke(&request(Some(accept), json!({})));
        let body = response["body"].as_str().unwrap();
        for name in ["arn:", "123456789012", "your-bucket-name", "ModelMetadata", "lambda-ml-pipeline-role"] {
            assert!(!body.contains(name), "{accept}: {name}: {body}");
        }
        assert!(body.contains("denied"), "{body}");
    }
    let response = lambda.invoke(&request(Some("text/plain"), json!({})));
    assert_eq!(
        response["body"].as_str().unwrap().lines().take(2).collect::<Vec<_>>(),
        ["✗ denied", "16 allowed, 1 denied, 0 inconclusive. The function's log has the report under the request id."]
    );
    // What the caller did wrong is told to everybody, and the log has no more of it than of any other.
    let wide = "9".repeat(9000);
    let response = lambda.invoke(&request(Some("text/plain"), json!({"width": wide})));
    let body = response["body"].as_str().unwrap();
    assert_eq!(response["statusCode"], 400);
    assert!(body.contains("expected a whole number of columns from 40 to 1000") && body.len() < 600, "{body}");
    assert!(!body.contains("inconclusive.") && !body.contains(" ms"), "nothing was tried: {body}");
    let log = lambda.log();
    assert!(log.lines().filter(|line| line.contains("width")).all(|line| line.len() < 1000), "{log}");
}
