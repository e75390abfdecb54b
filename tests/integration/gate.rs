//! Deployments that wait for a run: CloudFormation, with AWS's own event bodies,
//! against a bucket of these tests' own behind TLS, and CodeDeploy.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::emulator::{Environment, SUCCESS, event};
use crate::lambda::{Lambda, environment, with};
use fake_aws::tls::{self, Certificate};
use fake_aws::{Act, Request, Server, action_of, denial, denied_at_first, error_of, healthy, s3_error, with_headers};

/// The bucket in which CloudFormation waits for an answer, and a function that trusts it.
struct Deployment {
    bucket: Server,
    authority: PathBuf,
    environment: Environment,
}

impl Deployment {
    fn new<A: Into<Act>>(aws: &Server, bucket: impl Fn(&Request) -> A + Send + Sync + 'static) -> Self {
        let (bucket, pem) = tls::server(Certificate::Good, bucket);
        let file = format!("authority-{}.pem", bucket.address.port());
        let authority = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&authority, pem).unwrap();
        let stand_in = format!("https://localhost:{}", bucket.address.port());
        let variables = [
            ("AWS_CA_BUNDLE", authority.to_str().unwrap()),
            ("PROBE_GATE", "cloudformation,codedeploy"),
            ("PROBE_GATE_ENDPOINT", &stand_in),
        ];
        let environment = with(environment(aws), &variables);
        Self { bucket, authority, environment }
    }

    /// CloudFormation's event, with a URL of this deployment's bucket. Its path
    /// and its query are those of AWS's example.
    fn event(&self, name: &str, properties: &Value) -> Value {
        let mut event = event(name);
        let url = event["ResponseURL"].as_str().unwrap();
        let path = url.strip_prefix("https://").unwrap().split_once('/').unwrap().1;
        event["ResponseURL"] = format!("https://localhost:{}/{path}", self.bucket.address.port()).into();
        for (name, value) in properties.as_object().unwrap() {
            event["ResourceProperties"][name] = value.clone();
        }
        event
    }

    /// The answers that have come, and whether each is one that CloudFormation takes.
    fn answers(&self) -> Vec<Value> {
        let path = event("cloudformation-create.json")["ResponseURL"].as_str().unwrap().to_owned();
        let path = path.split_once("amazonaws.com").unwrap().1.to_owned();
        let answers = self.bucket.seen.requests().into_iter().map(|request| {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", path.as_str()));
            assert_eq!(request.header("content-type"), None, "it would not be the one that was signed");
            assert!(request.header("authorization").is_none(), "nobody but AWS sees a signature");
            assert!(request.body.len() <= 4096, "{} bytes", request.body.len());
            let answer = request.json();
            let asked = event("cloudformation-create.json");
            for name in ["StackId", "RequestId", "LogicalResourceId"] {
                assert_eq!(answer[name], asked[name]);
            }
            assert!(!answer["Reason"].as_str().unwrap().is_empty());
            answer
        });
        answers.collect()
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.authority));
    }
}

fn ok(_: &Request) -> Vec<u8> {
    with_headers(200, "", "")
}

fn denies(action: &'static str) -> impl Fn(&Request) -> Vec<u8> {
    move |request| if action_of(request) == action { denial(action, action) } else { healthy(request) }
}

/// A gate that does not wait for a policy to take effect.
fn at_once() -> Value {
    json!({"Probe": {"settleSeconds": "0"}})
}

#[test]
fn a_stack_whose_role_can_do_its_work_is_told_success() {
    let aws = Server::start(healthy);
    let deployment = Deployment::new(&aws, ok);
    let lambda = Lambda::start(&deployment.environment);
    let response =
        lambda.invoke_text(deployment.event("cloudformation-create.json", &json!({})).to_string().as_bytes());
    assert_eq!(response, SUCCESS);
    let answers = deployment.answers();
    println!("passes: {}", answers[0]);
    assert_eq!((answers.len(), &answers[0]["Status"]), (1, &json!("SUCCESS")));
    assert_eq!(
        answers[0]["Reason"],
        "17 actions are allowed and none is denied. The report is logged in /aws/lambda/permissions-probe, with function_request_id request-1."
    );
    assert!(answers[0]["PhysicalResourceId"].as_str().unwrap().starts_with("permissions-probe:primerinvoke:"));

    let updated = deployment.event("cloudformation-update.json", &json!({}));
    assert_eq!(lambda.invoke_text(updated.to_string().as_bytes()), SUCCESS);
    assert_eq!(deployment.answers()[1]["Status"], "SUCCESS");
    // The answer's URL is a credential.
    let log = lambda.log();
    assert!(log.contains("\"gate\":\"CloudFormation\"") && !log.contains("Signature="), "{log}");
}

#[test]
fn a_stack_whose_role_lacks_a_permission_is_told_why_it_fails() {
    let aws = Server::start(denies("dynamodb:PutItem"));
    let deployment = Deployment::new(&aws, ok);
    let lambda = Lambda::start(&deployment.environment);
    let response = lambda.invoke(deployment.event("cloudformation-create.json", &at_once()).to_string().as_bytes());
    assert_eq!(response["statusCode"], 403, "{response}");
    let answers = deployment.answers();
    println!("fails: {}", answers[0]);
    assert_eq!(answers[0]["Status"], "FAILED");
    assert_eq!(
        answers[0]["Reason"],
        "dynamodb:PutItem is denied on arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata: no identity-based \
         policy allows it. The report is logged in /aws/lambda/permissions-probe, with function_request_id request-1. No identity-based \
         policy of the role lambda-ml-pipeline-role allows these actions. Add this policy to the role to allow them: \
         {\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"dynamodb:PutItem\"],\"Resource\":\
         [\"arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata\"]}]}"
    );

    // Every permission at once, and the headline first.
    let all = Server::start(|request: &Request| match action_of(request).as_str() {
        "sts:GetCallerIdentity" => fake_aws::identity("some-other-role"),
        action => denial(action, action),
    });
    let deployment = Deployment::new(&all, ok);
    let event = deployment.event("cloudformation-update.json", &at_once());
    assert_eq!(Lambda::start(&deployment.environment).invoke(event.to_string().as_bytes())["statusCode"], 403);
    let answer = deployment.answers().remove(0);
    let reason = answer["Reason"].as_str().unwrap();
    assert!(reason.starts_with("The function does not run under the role lambda-ml-pipeline-role but as "), "{reason}");
    assert!(reason.contains("logs:PutLogEvents is denied"), "{reason}");
    assert_eq!(answer["PhysicalResourceId"], event["PhysicalResourceId"], "an update that fails changes no id");
}

#[test]
fn many_denials_leave_room_for_what_to_do() {
    let aws = Server::start(|request: &Request| match action_of(request).as_str() {
        "sts:GetCallerIdentity" => healthy(request),
        action => {
            let sentence = format!(
                "User: u is not authorized to perform: {action} on resource: r with an explicit deny in a service control policy: \
                 arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/service_control_policy/p-{}",
                "a".repeat(60)
            );
            error_of(request, 403, "AccessDeniedException", &sentence)
        }
    });
    let deployment = Deployment::new(&aws, ok);
    let event = deployment.event("cloudformation-create.json", &at_once());
    Lambda::start(&deployment.environment).invoke(event.to_string().as_bytes());
    let reason = deployment.answers()[0]["Reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("Adding an Allow to the role's own policy will not help"), "{reason}");
    assert!(reason.contains("s3:GetObject, s3:PutObject") && reason.contains("logs:PutLogEvents."), "{reason}");
}

#[test]
fn a_policy_that_was_attached_a_moment_ago_gets_the_time_to_take_effect() {
    let aws = Server::start(denied_at_first("dynamodb:PutItem"));
    let deployment = Deployment::new(&aws, ok);
    let event = deployment.event("cloudformation-create.json", &json!({}));
    assert_eq!(Lambda::start(&deployment.environment).invoke_text(event.to_string().as_bytes()), SUCCESS);
    assert_eq!(deployment.answers()[0]["Status"], "SUCCESS");
}

#[test]
fn a_deletion_is_told_success_whatever_the_role_can_do() {
    let aws = Server::start(|_: &Request| Act::Close(Vec::new()));
    let deployment = Deployment::new(&aws, ok);
    for broken in [false, true] {
        let mut environment = deployment.environment.clone();
        if broken {
            environment.remove("PROBE_BUCKET");
        }
        let event = deployment.event("cloudformation-delete.json", &json!({}));
        let response = Lambda::start(&environment).invoke(event.to_string().as_bytes());
        assert_eq!(response["statusCode"], 200, "{response}");
        assert_ne!(response["body"], "Preprocessing complete and metadata updated", "nothing was checked");
        let answer = deployment.answers().pop().unwrap();
        assert_eq!(answer["Status"], "SUCCESS");
        assert_eq!(answer["PhysicalResourceId"], event["PhysicalResourceId"]);
    }
    assert_eq!(aws.seen.count(), 0);
}

#[test]
fn what_is_wrong_with_the_function_or_the_gate_is_told_instead_of_nothing() {
    let aws = Server::start(healthy);
    let deployment = Deployment::new(&aws, ok);
    let mut lacking = deployment.environment.clone();
    lacking.remove("PROBE_BUCKET");
    let mut without_credentials = deployment.environment.clone();
    without_credentials.remove("AWS_ACCESS_KEY_ID");
    for (environment, properties, status, expected) in [
        (&lacking, json!({}), 500, "PROBE_BUCKET is not set; expected the name of an S3 bucket"),
        (&without_credentials, json!({}), 500, "AWS_ACCESS_KEY_ID is not set; expected credentials"),
        (
            &deployment.environment,
            json!({"Probe": {"settleSeconds": "soon", "color": "red"}}),
            400,
            "probe.color is \"red\"; expected no such option",
        ),
        (&deployment.environment, json!({"Probe": "now"}), 400, "probe is \"now\"; expected an object"),
    ] {
        let event = deployment.event("cloudformation-create.json", &properties);
        let response = Lambda::start(environment).invoke(event.to_string().as_bytes());
        assert_eq!(response["statusCode"], status, "{response}");
        let answer = deployment.answers().pop().unwrap();
        assert_eq!(answer["Status"], "FAILED");
        assert!(answer["Reason"].as_str().unwrap().starts_with(expected), "{answer}");
    }
    let mut unknown = deployment.event("cloudformation-create.json", &json!({}));
    unknown["RequestType"] = "Read".into();
    assert_eq!(Lambda::start(&deployment.environment).invoke(unknown.to_string().as_bytes())["statusCode"], 400);
    let answer = deployment.answers().pop().unwrap();
    assert_eq!(
        (&answer["Status"], &answer["Reason"]),
        (&json!("FAILED"), &json!("RequestType is \"Read\"; expected Create, Update or Delete."))
    );
    let mut untyped = deployment.event("cloudformation-create.json", &json!({}));
    untyped.as_object_mut().unwrap().remove("RequestType");
    assert_eq!(Lambda::start(&deployment.environment).invoke(untyped.to_string().as_bytes())["statusCode"], 400);
    let answer = deployment.answers().pop().unwrap();
    assert_eq!(
        (&answer["Status"], &answer["Reason"]),
        (&json!("FAILED"), &json!("RequestType is not set; expected Create, Update or Delete."))
    );
}

#[test]
fn the_wrong_role_passes_no_gate() {
    for (expected, identity) in [
        ("lambda-ml-pipeline-role", "another-role"),
        // The same name in another account, or in another partition, is another role.
        ("arn:aws:iam::210987654321:role/lambda-ml-pipeline-role", "lambda-ml-pipeline-role"),
        ("arn:aws-cn:iam::123456789012:role/path/lambda-ml-pipeline-role", "lambda-ml-pipeline-role"),
    ] {
        let aws = Server::start(move |request: &Request| match action_of(request).as_str() {
            "sts:GetCallerIdentity" => fake_aws::identity(identity),
            _ => healthy(request),
        });
        let deployment = Deployment::new(&aws, ok);
        let lambda = Lambda::start(&with(deployment.environment.clone(), &[("PROBE_EXPECTED_ROLE", expected)]));
        let event = deployment.event("cloudformation-create.json", &at_once());
        lambda.invoke(event.to_string().as_bytes());
        let answer = deployment.answers().remove(0);
        assert_eq!(answer["Status"], "FAILED", "{answer}");
        assert!(
            answer["Reason"]
                .as_str()
                .unwrap()
                .starts_with("The function does not run under the role lambda-ml-pipeline-role"),
            "{answer}"
        );
        let log = lambda.log();
        let warned = log.lines().any(|line| line.contains("\"WARN\"") && line.contains("does not run under the role"));
        assert!(warned, "{log}");
    }
    let aws = Server::start(healthy);
    let deployment = Deployment::new(&aws, ok);
    let expected = ("PROBE_EXPECTED_ROLE", "arn:aws:iam::123456789012:role/path/lambda-ml-pipeline-role");
    let event = deployment.event("cloudformation-create.json", &at_once());
    let lambda = Lambda::start(&with(deployment.environment.clone(), &[expected]));
    assert_eq!(lambda.invoke_text(event.to_string().as_bytes()), SUCCESS);
}

#[test]
fn a_reason_says_where_the_report_is_only_if_it_is_there() {
    let aws = Server::start(denies("logs:PutLogEvents"));
    let deployment = Deployment::new(&aws, ok);
    let event = deployment.event("cloudformation-create.json", &at_once());
    Lambda::start(&deployment.environment).invoke(event.to_string().as_bytes());
    let answer = deployment.answers().remove(0);
    assert!(!answer["Reason"].as_str().unwrap().contains("The report is logged"), "{answer}");

    // The rows of a run that passes are at INFO, which this function does not log.
    let aws = Server::start(healthy);
    let deployment = Deployment::new(&aws, ok);
    let quiet = with(deployment.environment.clone(), &[("AWS_LAMBDA_LOG_LEVEL", "WARN")]);
    let event = deployment.event("cloudformation-create.json", &at_once());
    Lambda::start(&quiet).invoke_text(event.to_string().as_bytes());
    assert_eq!(deployment.answers()[0]["Reason"], "17 actions are allowed and none is denied.");

    // Where it says so, the log has it, whatever an earlier run has told already.
    let aws = Server::start(denies("dynamodb:PutItem"));
    let deployment = Deployment::new(&aws, ok);
    let lambda = Lambda::start(&with(deployment.environment.clone(), &[("AWS_LAMBDA_LOG_LEVEL", "WARN")]));
    lambda.invoke(b"{}");
    let event = deployment.event("cloudformation-create.json", &at_once());
    lambda.invoke(event.to_string().as_bytes());
    assert!(deployment.answers()[0]["Reason"].as_str().unwrap().contains("with function_request_id request-2"));
    let log = lambda.log();
    let second: Vec<_> = log
        .lines()
        .filter(|line| line.contains("\"function_request_id\":\"request-2\"") && !line.contains("_aws"))
        .collect();
    for kind in ["check", "advice", "run", "gate"] {
        assert!(second.iter().any(|line| line.contains(&format!("\"kind\":\"{kind}\""))), "{kind}: {second:?}");
    }
}

#[test]
fn an_answer_goes_out_before_the_time_is_up() {
    let aws = Server::start(|_: &Request| Act::Stall(Vec::new(), Duration::from_secs(20)));
    let deployment = Deployment::new(&aws, ok);
    let mut environment = deployment.environment.clone();
    environment.insert("PROBE_TIMEOUT_MS".to_owned(), "60000".to_owned());
    let lambda = Lambda::start(&environment);
    let started = Instant::now();
    let event = deployment.event("cloudformation-create.json", &json!({}));
    let response = lambda.invoke(event.to_string().as_bytes());
    // The invocation has 15 seconds, of which a third is kept for the answer.
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    assert_eq!(response["statusCode"], 503, "{response}");
    let answer = deployment.answers().remove(0);
    assert_eq!(answer["Status"], "FAILED");
    assert!(
        answer["Reason"].as_str().unwrap().contains("Inconclusive (timedOut: no answer came within the time limit): s"),
        "{answer}"
    );
}

#[test]
fn an_answer_that_does_not_come_through_is_sent_again() {
    let asked = AtomicUsize::new(0);
    let aws = Server::start(healthy);
    let deployment = Deployment::new(&aws, move |_: &Request| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Act::Send(with_headers(503, "", "")),
        1 => Act::Close(Vec::new()),
        _ => Act::Send(with_headers(200, "", "")),
    });
    let event = deployment.event("cloudformation-create.json", &json!({}));
    assert_eq!(Lambda::start(&deployment.environment).invoke_text(event.to_string().as_bytes()), SUCCESS);
    assert_eq!(deployment.answers().len(), 3);

    // What S3 asks to be tried again is (S3 API Reference, "Error responses": RequestTimeout, TemporaryRedirect).
    let asked = AtomicUsize::new(0);
    let late = Deployment::new(&aws, move |_: &Request| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => with_headers(400, "", "<Error><Code>RequestTimeout</Code></Error>"),
        1 => with_headers(307, "", ""),
        _ => with_headers(200, "", ""),
    });
    let event = late.event("cloudformation-create.json", &json!({}));
    assert_eq!(Lambda::start(&late.environment).invoke_text(event.to_string().as_bytes()), SUCCESS);
    assert_eq!(late.answers().len(), 3);

    // A URL that is no longer valid is not tried again, and whoever reads the response learns of it.
    let expired =
        Deployment::new(&aws, |_: &Request| with_headers(403, "", "<Error><Code>AccessDenied</Code></Error>"));
    let event = expired.event("cloudformation-create.json", &json!({}));
    let lambda = Lambda::start(&expired.environment);
    let response = lambda.invoke(event.to_string().as_bytes());
    assert_eq!(response["statusCode"], 502, "{response}");
    assert_eq!(response["report"]["problems"][0]["name"], "ResponseURL");
    assert_eq!(response["report"]["problems"][0]["value"], "HTTP status 403");
    let body = response["body"].as_str().unwrap();
    assert!(
        body.starts_with("ResponseURL is \"HTTP status 403\"; expected ") && !body.contains("Nothing was checked"),
        "{body}"
    );
    assert_eq!(response["report"]["summary"]["allowed"], 17, "and no row disappears");
    assert_eq!(expired.answers().len(), 1);
    let log = lambda.log();
    assert!(log.contains("\"name\":\"ResponseURL\"") && log.contains("\"kind\":\"gate\""), "{log}");
}

#[test]
fn nothing_is_sent_to_a_host_that_cloudformation_does_not_wait_at() {
    let aws = Server::start(healthy);
    let deployment = Deployment::new(&aws, ok);
    let lambda = Lambda::start(&deployment.environment);
    let port = deployment.bucket.address.port();
    for url in [
        format!("https://127.0.0.1:{port}/secret"),
        format!("http://localhost:{port}/secret"),
        // The port of AWS's stand-in is not the bucket's.
        format!("https://localhost:{}/secret", aws.address.port()),
        "https://example.com/secret".to_owned(),
        "https://secret.s3.us-east-1.amazonaws.com/".to_owned(),
        "https://secret.execute-api.us-east-1.amazonaws.com/".to_owned(),
    ] {
        let mut event = event("cloudformation-create.json");
        event["ResponseURL"] = url.into();
        let response = lambda.invoke(event.to_string().as_bytes());
        assert_eq!(response["statusCode"], 400, "{response}");
        assert_eq!(response["report"]["problems"][0]["name"], "ResponseURL");
        assert!(!response.to_string().contains("secret"));
    }
    assert_eq!((aws.seen.count(), deployment.bucket.seen.count()), (0, 0));
    assert!(!lambda.log().contains("/secret"));

    // Where Lambda started the function, nothing stands in for anything.
    let mut on_lambda = deployment.environment.clone();
    on_lambda.insert("AWS_LAMBDA_INITIALIZATION_TYPE".to_owned(), "provisioned-concurrency".to_owned());
    let event = deployment.event("cloudformation-create.json", &json!({}));
    let response = Lambda::start(&on_lambda).invoke(event.to_string().as_bytes());
    assert_eq!((&response["statusCode"], deployment.bucket.seen.count()), (&json!(400), 0), "{response}");
}

#[test]
fn a_function_that_is_no_gate_takes_a_deployment_s_event_for_any_other() {
    let aws = Server::start(healthy);
    let deployment = Deployment::new(&aws, ok);
    let mut environment = deployment.environment.clone();
    environment.remove("PROBE_GATE");
    let lambda = Lambda::start(&environment);
    for event in [deployment.event("cloudformation-create.json", &json!({})), event("codedeploy-hook.json")] {
        assert_eq!(lambda.invoke_text(event.to_string().as_bytes()), SUCCESS);
    }
    assert_eq!((deployment.bucket.seen.count(), told(&aws).len()), (0, 0), "nobody waits");
}

/// What a run under this account tells everywhere, with accounts masked: the response, the log and the reason.
fn masked(account: &'static str) -> [String; 3] {
    let to = move |text: &str| text.replace("123456789012", account);
    let aws = Server::start(move |request: &Request| {
        let reason = "with an explicit deny in a service control policy: \
                      arn:aws:organizations::123456789012:policy/o-a1b2c3d4e5/service_control_policy/p-a1b2c3d4";
        let answer = match action_of(request).as_str() {
            "s3:PutObject" => s3_error(403, "AccessDenied", "Access Denied"),
            "s3:ListBucket" => {
                let sentence = format!(
                    "User: arn:aws:iam::123456789012:user/dev/me (AROAEXAMPLEEXAMPLE12:me) is not authorized to perform: \
                                        s3:ListBucket on resource: \"arn:aws:s3:::x/account%20123456789012\" {reason}"
                );
                error_of(request, 403, "AccessDenied", &sentence)
            }
            action @ ("dynamodb:PutItem" | "sagemaker:CreateModel") => denial(action, action),
            _ => healthy(request),
        };
        to(&String::from_utf8(answer).unwrap()).into_bytes()
    });
    let deployment = Deployment::new(&aws, ok);
    let role = to("arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role");
    // SageMaker's default bucket has the account in its name.
    let (bucket, group) = (to("sagemaker-us-east-1-123456789012"), to("/aws/lambda/probe-123456789012"));
    let variables = [
        ("PROBE_REDACT", "account"),
        ("PROBE_SAGEMAKER_ROLE_ARN", role.as_str()),
        ("PROBE_BUCKET", bucket.as_str()),
        ("PROBE_OBJECT_KEY", "training/data.csv"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", group.as_str()),
    ];
    let arn = to("arn:aws:lambda:us-east-1:123456789012:function:permissions-probe");
    let lambda = Lambda::start_as(&arn, &with(deployment.environment.clone(), &variables));
    let event = deployment.event("cloudformation-create.json", &at_once());
    let response = lambda.invoke_text(event.to_string().as_bytes());
    let reason = deployment.answers()[0]["Reason"].as_str().unwrap().to_owned();
    // What no two runs have in common: how long it took, and when.
    let steady = |text: String| {
        let mut text = text;
        for name in ["durationMs", "DurationMs", "timestamp", "Timestamp"] {
            for quote in ["\"", "\\\""] {
                let start = format!("{quote}{name}{quote}:");
                let mut from = 0;
                while let Some(at) = text[from..].find(&start).map(|at| from + at + start.len()) {
                    let end = text[at..].find([',', '}']).map_or(text.len(), |end| at + end);
                    text.replace_range(at..end, "…");
                    from = at;
                }
            }
        }
        text
    };
    [steady(response), steady(lambda.log()), reason]
}

#[test]
fn what_is_masked_does_not_tell_one_account_from_another() {
    let (one, other) = (masked("123456789012"), masked("210987654321"));
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other);
        for secret in
            ["123456789012", "210987654321", "o-a1b2c3d4e5", "user/dev", "AROAEXAMPLE", "/permissions-probe is not"]
        {
            assert!(!one.contains(secret), "{secret}: {one}");
        }
    }
    assert!(
        one[0].contains("ACCOUNT-1") && one[0].contains("ORGANIZATION-1") && one[0].contains("user/USER"),
        "{}",
        one[0]
    );
    assert!(one[0].contains("--policy-name permissions-probe-"), "{}", one[0]);
    assert!(one[0].contains("kms:EncryptionContext:aws:s3:arn") && one[0].contains("sagemaker-us-east-1-ACCOUNT-"));
    assert!(one[2].contains("The report is logged in /aws/lambda/probe-ACCOUNT-"), "{}", one[2]);
}

#[test]
fn after_a_deletion_no_line_makes_the_log_group_again() {
    let aws = Server::start(healthy);
    for broken in [false, true] {
        let deployment = Deployment::new(&aws, ok);
        let mut environment = deployment.environment.clone();
        if broken {
            environment.insert("PROBE_TABLE".to_owned(), "x".to_owned());
        }
        let lambda = Lambda::start(&environment);
        let event = deployment.event("cloudformation-delete.json", &json!({}));
        assert_eq!(lambda.invoke(event.to_string().as_bytes())["statusCode"], 200);
        assert_eq!((deployment.answers().len(), lambda.log()), (1, String::new()));
    }
    // Nor does one that cannot be answered, or whose answer is refused.
    let deployment = Deployment::new(&aws, |_: &Request| with_headers(403, "", ""));
    let lambda = Lambda::start(&deployment.environment);
    let event = deployment.event("cloudformation-delete.json", &json!({}));
    assert_eq!(lambda.invoke(event.to_string().as_bytes())["statusCode"], 502);
    let mut unanswerable = event;
    unanswerable["StackId"] = json!("x");
    assert_eq!(lambda.invoke(unanswerable.to_string().as_bytes())["statusCode"], 400);
    assert_eq!(lambda.log(), "");
}

/// What CodeDeploy was told.
fn told(aws: &Server) -> Vec<Value> {
    let calls = aws.seen.requests().into_iter().filter(|request| request.target().starts_with("CodeDeploy_20141006."));
    calls.map(|request| request.json()).collect()
}

#[test]
fn a_hook_tells_codedeploy_whether_traffic_may_be_shifted() {
    let asked = event("codedeploy-hook.json");
    for (aws, status, code) in
        [(Server::start(healthy), "Succeeded", 200), (Server::start(denies("s3:PutObject")), "Failed", 403)]
    {
        let deployment = Deployment::new(&aws, ok);
        let response = Lambda::start(&deployment.environment).invoke(asked.to_string().as_bytes());
        assert_eq!(response["statusCode"], code, "{response}");
        let told = told(&aws);
        println!("{}", told[0]);
        let expected = json!({
            "deploymentId": asked["DeploymentId"],
            "lifecycleEventHookExecutionId": asked["LifecycleEventHookExecutionId"],
            "status": status,
        });
        assert_eq!(told, [expected]);
    }
}

#[test]
fn a_hook_that_may_not_answer_says_which_statement_it_needs() {
    const ACTION: &str = "codedeploy:PutLifecycleEventHookExecutionStatus";
    let group = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:application/group";
    let answer = move |reason: &'static str| {
        Server::start(move |request: &Request| match action_of(request).as_str() {
            ACTION => {
                let sentence = format!("User: u is not authorized to perform: {ACTION} on resource: {group} {reason}");
                error_of(request, 400, "AccessDeniedException", &sentence)
            }
            _ => healthy(request),
        })
    };
    for (reason, expected) in [
        (
            "because no identity-based policy allows the codedeploy:PutLifecycleEventHookExecutionStatus action",
            format!(r#"{{"Effect":"Allow","Action":["{ACTION}"],"Resource":["{group}"]}}"#),
        ),
        (
            "",
            format!(
                "If no policy of the function's role grants it, this statement does: {{\"Effect\":\"Allow\",\"Action\":[\"{ACTION}\"]"
            ),
        ),
        (
            "with an explicit deny in a service control policy",
            "ask the administrator of the AWS organization".to_owned(),
        ),
    ] {
        let aws = answer(reason);
        let deployment = Deployment::new(&aws, ok);
        let response =
            Lambda::start(&deployment.environment).invoke(event("codedeploy-hook.json").to_string().as_bytes());
        assert_eq!(response["statusCode"], 502, "{response}");
        let problem = &response["report"]["problems"][0];
        assert_eq!(problem["name"], ACTION);
        assert!(problem["expected"].as_str().unwrap().contains(&expected), "{problem}");
    }
    let aws = answer("");
    let mut masked = Deployment::new(&aws, ok).environment.clone();
    masked.insert("PROBE_REDACT".to_owned(), "account".to_owned());
    masked.remove("AWS_CA_BUNDLE");
    let lambda = Lambda::start(&masked);
    let response = lambda.invoke(event("codedeploy-hook.json").to_string().as_bytes()).to_string();
    assert!(response.contains(ACTION) && !response.contains("123456789012"), "{response}");
    assert!(!lambda.log().contains("123456789012"));

    let nobody = Server::start(|request: &Request| match action_of(request).as_str() {
        ACTION => with_headers(200, "content-type: application/x-amz-json-1.1\r\n", "{}"),
        _ => healthy(request),
    });
    let deployment = Deployment::new(&nobody, ok);
    let response = Lambda::start(&deployment.environment).invoke(event("codedeploy-hook.json").to_string().as_bytes());
    assert_eq!(response["statusCode"], 502, "an answer without AWS's request id is none: {response}");

    let twice = Server::start(|request: &Request| match action_of(request).as_str() {
        ACTION => error_of(request, 400, "LifecycleEventAlreadyCompletedException", "It has completed."),
        _ => healthy(request),
    });
    let deployment = Deployment::new(&twice, ok);
    let response =
        Lambda::start(&deployment.environment).invoke_text(event("codedeploy-hook.json").to_string().as_bytes());
    assert_eq!(response, SUCCESS, "Lambda may invoke a hook twice");
}
