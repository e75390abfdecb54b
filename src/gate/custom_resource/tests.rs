use proptest::prelude::*;

use super::*;

const URL: &str = "https://cloudformation-custom-resource-response-useast2.s3-us-east-2.amazonaws.com/arn%3Aaws?x=y";

const STACK: &str = "arn:aws:cloudformation:us-east-2:123456789012:stack/s/1134083a-2608-1e91-9897-022501a2c456";
const REGION: &str = "us-east-2";

fn event(request_type: &str, properties: &Value) -> Value {
    json!({
        "RequestType": request_type, "ResponseURL": URL, "StackId": STACK, "RequestId": "request",
        "LogicalResourceId": "Gate", "ResourceProperties": properties,
    })
}

fn parse(event: &Value) -> CustomResource {
    CustomResource::parse(event, None, REGION).unwrap()
}

fn body(resource: &CustomResource, passes: bool, reason: &str) -> Value {
    let body = resource.body(&GateDecision { passes, reason: reason.to_owned() });
    assert!(body.len() <= MAX_ANSWER_BYTES, "{} bytes", body.len());
    serde_json::from_slice(&body).unwrap()
}

fn names(event: &Value) -> Vec<String> {
    let problems = CustomResource::parse(event, None, REGION).unwrap_err();
    assert!(problems.iter().all(|problem| !problem.describe().raw().contains("secret")), "{problems:?}");
    problems.iter().map(|problem| problem.name.raw().to_owned()).collect()
}

#[test]
fn names_everything_that_keeps_it_from_answering() {
    let nothing = json!({"ResponseURL": "http://secret", "RequestType": 7, "StackId": ""});
    assert_eq!(names(&nothing), ["StackId", "RequestId", "LogicalResourceId", "ResponseURL"]);
    for (name, wrong) in [
        ("StackId", json!("stack")),
        ("StackId", json!(format!("{STACK}{}", "x".repeat(1024)))),
        ("StackId", json!(format!("{STACK}\""))),
        ("RequestId", json!("x".repeat(129))),
        ("RequestId", json!("a\nb")),
        ("LogicalResourceId", json!("Gate-1")),
        ("LogicalResourceId", json!("x".repeat(256))),
        ("PhysicalResourceId", json!("x".repeat(1025))),
        ("PhysicalResourceId", json!("\u{1}")),
        ("PhysicalResourceId", json!("")),
    ] {
        let mut event = event("Update", &json!({}));
        event[name] = wrong.clone();
        assert_eq!(names(&event), [name], "{wrong}");
    }
    // What has a URL and ids is told what is wrong with the rest.
    let mut untyped = event("Create", &json!({}));
    untyped.as_object_mut().unwrap().remove("RequestType");
    assert!(!parse(&untyped).decision_without_check().unwrap().passes);
    assert!(!parse(&event("Create", &json!("too large"))).decision_without_check().unwrap().passes);
}

#[test]
fn an_answer_goes_to_cloudformation_s_own_bucket_and_nowhere_else() {
    let takes = |url: &str| takes_answers(url, None, REGION);
    for host in [
        "cloudformation-custom-resource-response-useast2.s3-us-east-2.amazonaws.com",
        "cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com",
        "cloudformation-custom-resource-response-useast2.s3.amazonaws.com",
        "cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com:443",
    ] {
        assert!(takes(&format!("https://{host}/x?y")), "{host}");
    }
    assert!(takes_answers(
        "https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn/x",
        None,
        "cn-north-1"
    ));
    for url in [
        // Everybody's buckets, and everybody's private APIs.
        "https://secret.s3.amazonaws.com/",
        "https://secret.s3.us-east-2.amazonaws.com/cloudformation-custom-resource-response-useast2",
        "https://cloudformation-custom-resource-response-useast2-secret.s3.us-east-2.amazonaws.com/",
        "https://x.cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com/",
        "https://secret.execute-api.us-east-2.amazonaws.com/",
        "https://secret.lambda-url.us-east-2.on.aws/",
        // Another Region's, another partition's.
        "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/",
        "https://cloudformation-custom-resource-response-useast2.s3.us-east-1.amazonaws.com/",
        "https://cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com.cn/",
        // Another port, another scheme, and what looks like it.
        "https://cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com:8443/",
        "https://cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com:0443/",
        "https://cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com:+443/",
        "https://cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com:/",
        "http://cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com/",
        "https://cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com@secret.example.com/",
        "https://secret.example.com#.amazonaws.com/",
        "https://secret.example.com\\.amazonaws.com/",
        "https://169.254.169.254/secret",
        "https://localhost:1/secret",
        "file:///secret",
        "",
    ] {
        assert!(!takes(url), "{url}");
        let mut event = event("Create", &json!({}));
        event["ResponseURL"] = url.into();
        assert_eq!(names(&event), ["ResponseURL"], "{url}");
    }
    let stands_in = |url: &str, stand_in: &str| takes_answers(url, Some(stand_in), REGION);
    assert!(stands_in("https://localhost:4566/x", "http://localhost:4566"));
    assert!(stands_in("https://localhost/x", "https://localhost"));
    assert!(!stands_in("https://localhost:1/x", "http://localhost:4566"), "its own port, and no other");
    assert!(!stands_in("https://localhost:1/x", "http://127.0.0.1:1"));
    assert!(!stands_in("https://localhost:0001/x", "http://localhost:1"));
    assert!(!stands_in("http://localhost:1/x", "http://localhost:1"), "nothing is sent in the clear");
}

#[test]
fn texts_are_taken_for_the_numbers_and_truth_values_that_they_were() {
    let properties = json!({"Probe": {"settleSeconds": "45", "verbose": "true", "actions": ["s3:*"]}, "X": "1"});
    let expected = json!({"settleSeconds": 45, "verbose": true, "actions": ["s3:*"]});
    assert_eq!(parse(&event("Create", &properties)).options(), expected);
    assert_eq!(
        parse(&event("Create", &json!({"Probe": {"settleSeconds": "soon"}}))).options()["settleSeconds"],
        "soon"
    );
    assert_eq!(parse(&event("Create", &json!({"Probe": "x"}))).options(), "x");
    assert_eq!(parse(&event("Create", &json!(null))).options(), json!({}));
    assert_eq!(parse(&event("Create", &json!({"probe": {"verbose": "false"}}))).options(), json!({"verbose": false}));
}

#[test]
fn an_update_back_to_what_has_passed_and_a_delete_pass_without_a_check() {
    let (first, second) = (json!({"A": "1", "B": {"x": "1", "y": "2"}}), json!({"A": "2"}));
    let created = parse(&event("Create", &first));
    assert_eq!(created.decision_without_check(), None);
    let never_passed = body(&created, false, "")["PhysicalResourceId"].clone();
    let mut again = event("Update", &first);
    again["PhysicalResourceId"] = never_passed;
    assert_eq!(parse(&again).decision_without_check(), None, "what has never passed is checked again");
    let id = body(&created, true, "")["PhysicalResourceId"].clone();

    let known = |mut event: Value| {
        event["PhysicalResourceId"] = id.clone();
        parse(&event)
    };
    let update = known(event("Update", &second));
    assert_eq!(update.decision_without_check(), None);
    assert_eq!(body(&update, false, "")["PhysicalResourceId"], id, "what has failed is not known by a new id");
    assert_ne!(body(&update, true, "")["PhysicalResourceId"], id);

    let reordered: Value = serde_json::from_str(r#"{"B": {"y": "2", "x": "1"}, "A": "1"}"#).unwrap();
    let back = known(event("Update", &reordered));
    assert!(back.decision_without_check().unwrap().passes);
    assert_eq!(body(&back, true, "")["PhysicalResourceId"], id);

    let mut deleted = event("Delete", &second);
    deleted["PhysicalResourceId"] = "an id that CloudFormation made up".into();
    assert!(parse(&deleted).is_deleted());
    let deleted = parse(&deleted);
    assert!(deleted.decision_without_check().unwrap().passes);
    assert_eq!(body(&deleted, true, "")["PhysicalResourceId"], "an id that CloudFormation made up");
    assert!(!parse(&event("Read", &first)).decision_without_check().unwrap().passes);
}

#[test]
fn no_answer_is_longer_than_cloudformation_takes() {
    let resource = parse(&event("Create", &json!({})));
    for reason in ["x".repeat(4096), "\u{1}".repeat(5000), "é\"\\".repeat(3000), "😀".repeat(2000)] {
        let body = body(&resource, false, &reason);
        let told = body["Reason"].as_str().unwrap();
        assert!(told.ends_with('…') && reason.starts_with(told.trim_end_matches('…')), "{told}");
        assert!(serde_json::to_vec(&body).unwrap().len() > MAX_ANSWER_BYTES - 16, "as much as fits is told");
    }
    assert_eq!(body(&resource, false, "short")["Reason"], "short");
    // The longest of everything that is taken.
    let mut long = event("Update", &json!({}));
    long["StackId"] = format!("{STACK}{}", "x".repeat(1024 - STACK.len())).into();
    long["RequestId"] = "\"".repeat(128).into();
    long["LogicalResourceId"] = "x".repeat(255).into();
    long["PhysicalResourceId"] = "\\".repeat(1024).into();
    assert_eq!(body(&parse(&long), false, &"x".repeat(4096))["Status"], "FAILED");
}

proptest! {
    #[test]
    fn whatever_is_to_be_told_fits_and_is_json(reason in "\\PC{0,3000}|[\u{0}-\u{ff}]{0,3000}", id in "\\PC{1,200}") {
        let mut event = event("Update", &json!({"A": reason}));
        event["PhysicalResourceId"] = id.as_str().into();
        let told = body(&parse(&event), false, &reason);
        prop_assert_eq!(&told["PhysicalResourceId"], &id);
        let told = told["Reason"].as_str().unwrap();
        prop_assert!(told == reason || reason.starts_with(told.strip_suffix('…').unwrap()));
    }

    #[test]
    fn a_url_is_taken_for_one_of_aws_only_if_the_http_client_goes_there(
        url in "(https?|HTTPS|ftp)?(:?//?)?[a-z@:\\\\%#?/.é]{0,3}(cloudformation-custom-resource-response-useast2\\.s3[.-]us-east-2\\.amazonaws\\.com(\\.cn)?)?[a-z@:\\\\%#?/.0-9]{0,8}",
    ) {
        if takes_answers(&url, None, REGION) {
            let parsed: hyper::Uri = url.parse().unwrap();
            let host = parsed.host().unwrap();
            prop_assert_eq!(parsed.scheme_str(), Some("https"));
            prop_assert!(host.ends_with("us-east-2.amazonaws.com"), "{}", host);
            prop_assert_eq!(parsed.port_u16().unwrap_or(443), 443);
            prop_assert!(!parsed.authority().unwrap().as_str().contains('@'));
        }
    }
}

#[test]
fn its_debug_form_does_not_tell_the_url() {
    assert!(!format!("{:?}", parse(&event("Create", &json!({})))).contains("amazonaws"));
}
