//! The program as people run it, against a server that answers as AWS is documented to.

#![allow(clippy::unwrap_used, reason = "unwrap belongs in tests")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use fake_aws::{Request, Server, action_of, denial, error_of, healthy, identity, session};
use serde_json::Value;

/// A user's terminal: no AWS settings, and a server that stands for AWS.
fn doctor(endpoint: Option<&str>, words: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_permissions-doctor"));
    command.env_clear().env("HOME", env!("CARGO_TARGET_TMPDIR")).env("AWS_EC2_METADATA_DISABLED", "true");
    if let Some(endpoint) = endpoint {
        command.envs([
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAOWN"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]);
    }
    let streams = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn against(server: &Server, words: &[&str]) -> (i32, String, String) {
    let done = doctor(Some(&format!("http://{}", server.address)), words, "");
    (done.status.code().unwrap(), text(&done.stdout), text(&done.stderr))
}

/// A file of this test's own.
fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The path of a file that does not exist yet.
fn fresh(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_file(&path));
    path.to_str().unwrap().to_owned()
}

/// AWS, which denies one action.
fn without(action: &'static str) -> Server {
    Server::start(
        move |request: &Request| {
            if action_of(request) == action { denial(action, action) } else { healthy(request) }
        },
    )
}

const BUCKET: [&str; 2] = ["--bucket", "your-bucket-name"];

#[test]
fn the_exit_code_tells_how_it_stands() {
    let check = |server: &Server, more: &[&str]| against(server, &[&["check"], &BUCKET[..], more].concat());
    let (code, told, said) = check(&Server::start(healthy), &[]);
    assert_eq!(code, 0, "{told} {said}");
    assert!(said.contains("Asking AWS: 14 checks under the caller"), "{said}");
    assert!(told.contains("Not covered") && told.contains("--log-group"), "a green says what it leaves out: {told}");
    let (code, told, _) = check(&without("dynamodb:PutItem"), &[]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("✗ denied  dynamodb:PutItem"), "{told}");
    let throttled = Server::start(|request: &Request| {
        if action_of(request) == "dynamodb:Query" {
            error_of(request, 400, "ThrottlingException", "Rate exceeded")
        } else {
            healthy(request)
        }
    });
    assert_eq!(check(&throttled, &[]).0, 2);
    // A table outside of the policy is allowed as well: more than the policy says.
    let (code, told, _) = check(&Server::start(healthy), &["--strict"]);
    assert_eq!(code, 3, "{told}");
    assert_eq!(doctor(None, &["check", "--bukket", "x"], "").status.code(), Some(64));
    assert_eq!(doctor(None, &["check", "--format", "pdf"], "").status.code(), Some(64));
    let done = doctor(None, &["check", "--policy", "/nowhere.json", "--role-arn", "x", "--region", "here"], "");
    assert_eq!(done.status.code(), Some(78));
    let said = text(&done.stderr);
    for name in ["--policy is \"/nowhere.json\"", "--role-arn is \"x\"", "--region is \"here\"", "--profile"] {
        assert!(said.contains(name), "all at once: {said}");
    }
    assert!(!said.contains("PROBE_"), "{said}");
}

#[test]
fn what_is_wrong_in_a_policy_is_named_by_its_file() {
    let good = file(
        "good.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#,
    );
    let bad = file(
        "bad.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObjekt","Resource":"*"}]}"#,
    );
    let done = doctor(None, &["check", "--policy", &good, &bad, "--region", "us-east-1"], "");
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(78), "{said}");
    assert!(said.contains(&format!("--policy {bad} Statement[0].Action")) && said.contains("s3:GetObjekt"), "{said}");
    assert!(!said.contains(&format!("--policy {good}")), "{said}");
}

#[test]
fn a_policy_of_the_user_s_own_is_what_is_checked() {
    let policy = file(
        "own.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem"],"Resource":"arn:aws:dynamodb:us-east-1:123456789012:table/Features"}]}"#,
    );
    let server = without("dynamodb:PutItem");
    let (code, told, said) = against(&server, &["check", "--policy", &policy, "--format", "json"]);
    assert_eq!(code, 1, "{told} {said}");
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(report["schema"], "permissions-probe/v2");
    assert_eq!(report["wrong"][0]["action"], "dynamodb:PutItem");
    // This server allows all else, a table outside of the policy as well.
    assert_eq!(report["conformity"], "missing: dynamodb:PutItem; excess: dynamodb:GetItem");
    let asked: Vec<_> =
        server.seen.requests().iter().map(action_of).filter(|action| action.starts_with("s3:")).collect();
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn three_roles_are_one_matrix() {
    // The session's key tells whose it is, and the second role lacks an action.
    let server = Server::start(|request: &Request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let action = action_of(request);
        let caller = request.header("authorization").unwrap_or_default().to_owned();
        match action.as_str() {
            "sts:AssumeRole" => {
                let key = ["AKIAONE", "AKIATWO", "AKIATHREE"];
                let which = ["one", "two", "three"].iter().position(|role| {
                    body.contains(&format!("role%2F{role}&")) || body.contains(&format!("role%2F{role}"))
                });
                session(key[which.unwrap_or_default()])
            }
            "sts:GetCallerIdentity" => {
                let role = [("AKIAONE", "one"), ("AKIATWO", "two"), ("AKIATHREE", "three")]
                    .iter()
                    .find(|(key, _)| caller.contains(key));
                identity(role.map_or("own", |(_, role)| role))
            }
            "dynamodb:Scan" if caller.contains("AKIATWO") => denial("dynamodb:Scan", "dynamodb:Scan"),
            _ => healthy(request),
        }
    });
    let roles = ["one", "two", "three"].map(|role| format!("arn:aws:iam::123456789012:role/{role}"));
    let words = [&["check", "--role-arn"], &roles.each_ref().map(String::as_str)[..], &BUCKET[..]].concat();
    let (code, told, said) = against(&server, &words);
    assert_eq!(code, 1, "{told} {said}");
    let scan = told.lines().find(|line| line.starts_with("dynamodb:Scan")).unwrap();
    assert!(
        scan.contains("✓ allowed  ✗ denied  ✓ allowed")
            || scan.split_whitespace().collect::<Vec<_>>().join(" ").contains("✓ allowed ✗ denied ✓ allowed"),
        "{told}"
    );
    for line in [
        "[1] arn:aws:iam::123456789012:role/one: allowed",
        "[2] arn:aws:iam::123456789012:role/two: denied",
        "── two ──",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert_eq!(said.matches("Asking AWS: ").count(), 3, "{said}");
    let (_, told, _) = against(&server, &[&words[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (report["schema"].as_str(), report["verdict"].as_str()),
        (Some("permissions-doctor/v1"), Some("denied"))
    );
    assert_eq!(report["roles"][1]["report"]["verdict"], "denied");
}

#[test]
fn one_run_writes_every_format() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("formats");
    let of = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let server = without("dynamodb:PutItem");
    let outputs: Vec<String> = ["json", "junit", "sarif", "github", "markdown"]
        .iter()
        .map(|format| format!("{format}={}", of(format)))
        .collect();
    let mut words = [&["check"], &BUCKET[..]].concat();
    for output in &outputs {
        words.extend(["--output", output]);
    }
    let (code, told, said) = against(&server, &words);
    assert_eq!(code, 1, "{told} {said}");
    assert!(told.starts_with("✗ denied"), "{told}");
    assert_eq!(server.seen.requests().iter().filter(|request| action_of(request) == "dynamodb:Scan").count(), 1);
    let read = |name: &str| std::fs::read_to_string(of(name)).unwrap();
    assert!(read("json").contains("\"wrong\":[{\"action\":\"dynamodb:PutItem\""));
    assert!(
        read("junit").contains("<failure message=\"dynamodb:PutItem is denied") && read("junit").contains("<skipped")
    );
    let sarif: Value = serde_json::from_str(&read("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "denied");
    assert!(read("github").starts_with("::error title="));
    assert!(read("markdown").contains("| denied | `dynamodb:PutItem` |"));
    let (code, _, said) =
        against(&server, &[&["check"], &BUCKET[..], &["--output", "junit=a", "--output", "junit=b"]].concat());
    assert_eq!(code, 64, "{said}");
}

#[test]
fn only_what_is_asked_for_is_tried() {
    let server = Server::start(healthy);
    let (code, told, _) =
        against(&server, &[&["check"], &BUCKET[..], &["--actions", "dynamodb:*Item,s3:ListBucket"]].concat());
    assert_eq!(code, 0, "{told}");
    let asked: Vec<_> = server.seen.requests().iter().map(action_of).collect();
    assert!(asked.iter().all(|action| !action.starts_with("sagemaker:")), "{asked:?}");
    let (code, _, said) = against(&server, &[&["check"], &BUCKET[..], &["--actions", "s4:*"]].concat());
    assert_eq!(code, 78);
    assert!(said.contains("--actions is \"s4:*\""), "{said}");
}

#[test]
fn a_pasted_error_is_explained_without_asking_anybody() {
    let error = "An error occurred (AccessDenied) when calling the PutObject operation: User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::b/k\" with an explicit deny in a service control policy";
    let of_argument = doctor(None, &["explain", "--format", "json", error], "");
    let of_input = doctor(None, &["explain", "--format", "json"], error);
    assert_eq!((of_argument.status.code(), text(&of_argument.stdout)), (Some(0), text(&of_input.stdout)));
    let told: Value = serde_json::from_slice(&of_argument.stdout).unwrap();
    assert_eq!((told["isDenial"].as_bool(), told["about"].as_str()), (Some(true), Some("caller")));
    assert_eq!((told["kind"].as_str(), told["policyType"].as_str()), (Some("explicitDeny"), Some("service-control")));
    let none = doctor(None, &["explain", "-"], "bash: Permission denied");
    assert_eq!(none.status.code(), Some(0));
    assert!(text(&none.stdout).contains("Nothing is guessed"));
    let read = doctor(None, &["explain"], error);
    assert!(text(&read.stdout).contains("Policy type  service control policy (SCP)"), "{}", text(&read.stdout));
}

#[test]
fn the_least_policy_is_printed_in_three_formats_without_a_request() {
    for (format, has) in [
        ("json", "\"Version\": \"2012-10-17\""),
        ("sam", "Statement:"),
        ("terraform", "data \"aws_iam_policy_document\""),
    ] {
        let done = doctor(
            None,
            &["policy", "--bucket", "b-b", "--account", "123456789012", "--region", "us-east-1", "--format", format],
            "",
        );
        let told = text(&done.stdout);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        assert!(
            told.contains(has) && told.contains("arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata"),
            "{told}"
        );
    }
    assert_eq!(doctor(None, &["policy", "--account", "1"], "").status.code(), Some(64));
}

#[test]
fn completions_and_the_manual_are_there() {
    let done = doctor(None, &["completions", "bash"], "");
    assert!(done.status.success() && text(&done.stdout).contains("complete -F"), "{}", text(&done.stdout));
    let done = doctor(None, &["man"], "");
    assert!(done.status.success() && text(&done.stdout).contains(".SH"), "{}", text(&done.stdout));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("man");
    assert!(doctor(None, &["man", "--folder", folder.to_str().unwrap()], "").status.success());
    assert!(folder.join("permissions-doctor-check.1").exists());
    let help = text(&doctor(None, &["check", "--help"], "").stdout);
    assert!(help.contains("Examples:") && help.contains("--role-arn arn:aws:iam::"), "{help}");
}

/// The key of a session, which tells what its policy denies.
fn key_of(request: &Request) -> String {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let of = |action: &str| body.contains(&action.replace(':', "%3A"));
    if !body.contains("&Policy=") {
        return "AKIAPLAIN".to_owned();
    }
    if body.contains("%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D") && !body.contains("Allow") {
        return "AKIADENIED".to_owned();
    }
    let all = fake_aws_actions();
    all.iter()
        .position(|action| of(&format!("{action}%22")))
        .map_or("AKIANONE".to_owned(), |index| format!("AKIAONLY{index:03}"))
}

/// The actions of the guide's policy, and the one behind two of them.
fn fake_aws_actions() -> Vec<&'static str> {
    vec![
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:GetItem",
        "dynamodb:Scan",
        "dynamodb:Query",
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:CreateModel",
        "sagemaker:CreateEndpoint",
        "sagemaker:InvokeEndpoint",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ]
}

/// What AWS says of a log group and a log stream that exist.
fn log_that_exists(request: &Request) -> Option<Vec<u8>> {
    match action_of(request).as_str() {
        "logs:DescribeLogGroups" => Some(fake_aws::json(
            r#"{"logGroups":[{"logGroupName":"/aws/lambda/permissions-probe","arn":"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/permissions-probe:*"}]}"#,
        )),
        "logs:DescribeLogStreams" => {
            Some(fake_aws::json(r#"{"logStreams":[{"logStreamName":"2026/01/01/[$LATEST]abc"}]}"#))
        }
        _ => None,
    }
}

/// AWS, which denies what the session's policy denies.
fn with_session_policies(request: &Request) -> Vec<u8> {
    let action = action_of(request);
    if action == "sts:AssumeRole" {
        return session(&key_of(request));
    }
    if let Some(answer) = log_that_exists(request) {
        return answer;
    }
    let caller = request.header("authorization").unwrap_or_default().to_owned();
    let only = caller.split("AKIAONLY").nth(1).and_then(|rest| rest.get(..3)?.parse::<usize>().ok());
    let is_denied = caller.contains("AKIADENIED") || only.is_some_and(|index| fake_aws_actions()[index] == action);
    if action == "sts:GetCallerIdentity" || !is_denied {
        return healthy(request);
    }
    let code = if action.starts_with("s3:") { "AccessDenied" } else { "AccessDeniedException" };
    let message = format!(
        "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: {action} on resource: r with an explicit deny in a session policy"
    );
    error_of(request, 403, code, &message)
}

const CALIBRATE: [&str; 9] = [
    "calibrate",
    "--role-arn",
    "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role",
    "--bucket",
    "your-bucket-name",
    "--log-group",
    "/aws/lambda/permissions-probe",
    "--log-stream",
    "2026/01/01/[$LATEST]abc",
];

#[test]
fn a_verification_says_what_it_will_do_and_does_nothing_unasked() {
    let server = Server::start(with_session_policies);
    let (code, told, said) = against(&server, &CALIBRATE);
    assert_eq!(code, 64, "{told} {said}");
    assert!(told.contains("each of 16 actions under a session policy that denies only that one"), "{told}");
    let sent: Vec<_> = server.seen.requests().iter().map(action_of).collect();
    assert_eq!(
        sent,
        ["logs:DescribeLogGroups", "logs:DescribeLogStreams"],
        "it looks whether the log exists, and no more"
    );
}

#[test]
fn every_action_is_denied_alone_and_the_records_name_no_account() {
    let server = Server::start(with_session_policies);
    let output = fresh("evidence.txt");
    let (code, told, said) = against(&server, &[&CALIBRATE[..], &["--yes", "--output", &output]].concat());
    assert_eq!(code, 0, "{told} {said}");
    assert_eq!(told.matches(" denied, session policy\n").count(), 16, "{told}");
    assert_eq!(told.matches(" AWS names the action, as the probes take it").count(), 2, "{told}");
    for action in fake_aws_actions() {
        assert!(told.contains(&format!("AWS names {action}")), "{action}: {told}");
    }
    let records = std::fs::read_to_string(&output).unwrap();
    assert!(records.contains("record(&[\"dynamodb:GetItem\"], (\"ValidationException\", \"the provided key element does not match the schema\"), Seen::Both, \"SOURCE\", \"20"), "{records}");
    assert!(!records.contains("123456789012") && !records.contains("your-bucket-name"), "{records}");
}

#[test]
fn a_service_that_looks_at_pass_role_first_refutes_what_two_rows_rest_on() {
    let server = Server::start(|request: &Request| {
        let passes = String::from_utf8_lossy(&request.body).contains("RoleArn\":");
        let caller = request.header("authorization").unwrap_or_default().to_owned();
        if passes && (caller.contains("AKIADENIED") || caller.contains("AKIAONLY")) {
            let sentence = "User: u is not authorized to perform: iam:PassRole on resource: r with an explicit deny in a session policy";
            return error_of(request, 403, "AccessDeniedException", sentence);
        }
        with_session_policies(request)
    });
    let output = fresh("refuted.txt");
    let (code, told, _) = against(&server, &[&CALIBRATE[..], &["--yes", "--output", &output]].concat());
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("iam:PassRole FIRST"), "{told}");
}

#[test]
fn an_action_that_is_allowed_where_it_is_denied_refutes_its_probe() {
    let server = Server::start(|request: &Request| {
        // This server does not hold the policies that deny one action.
        let caller = request.header("authorization").unwrap_or_default().to_owned();
        if caller.contains("AKIAONLY") && action_of(request) != "sts:AssumeRole" {
            healthy(request)
        } else {
            with_session_policies(request)
        }
    });
    let output = fresh("allowed.txt");
    let (code, told, _) = against(&server, &[&CALIBRATE[..], &["--yes", "--output", &output]].concat());
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("WRONG: allowed"), "{told}");
    let (code, _, said) = against(&server, &[&CALIBRATE[..], &["--yes", "--output", &output]].concat());
    assert_eq!(code, 78, "what was seen before is not overwritten: {said}");
}

#[test]
fn a_log_that_does_not_exist_is_not_made() {
    let server = Server::start(healthy);
    let (code, told, _) =
        against(&server, &[&["check"], &BUCKET[..], &["--log-group", "/typo", "--log-stream", "s"]].concat());
    assert_eq!(code, 0, "{told}");
    let made = server.seen.requests().iter().map(action_of).any(|action| action.starts_with("logs:Create"));
    assert!(!made, "{told}");
    assert!(told.contains("Not covered") && told.contains("there is no log group /typo"), "{told}");
    // A role that may not look, as the guide's own, is believed.
    let server = without("logs:DescribeLogGroups");
    let (_, told, _) =
        against(&server, &[&["check"], &BUCKET[..], &["--log-group", "/own", "--log-stream", "s"]].concat());
    assert!(told.contains("All 17 checks are as specified"), "{told}");
    let (_, told, _) = against(&server, &[&["check"], &BUCKET[..], &["--actions", "logs:*"]].concat());
    assert!(told.contains("Not covered"), "what is asked for and not tried is said: {told}");
}

#[test]
fn a_role_that_is_empty_is_no_role_and_a_profile_is_the_one_that_counts() {
    let server = Server::start(healthy);
    let (code, _, said) = against(&server, &[&["check"], &BUCKET[..], &["--role-arn", ""]].concat());
    assert_eq!(code, 78, "{said}");
    let (code, _, said) = against(&server, &[&["check"], &BUCKET[..], &["--profile", "nope"]].concat());
    assert_eq!(code, 78, "{said}");
    assert_eq!(server.seen.requests().iter().filter(|it| action_of(it) == "sts:GetCallerIdentity").count(), 0);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(".aws");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("credentials"), "[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n")
        .unwrap();
    let (code, told, said) = against(&server, &[&["check"], &BUCKET[..], &["--profile", "other"]].concat());
    assert_eq!(code, 0, "{told} {said}");
    assert!(
        server.seen.requests().iter().all(|request| request.header("authorization").unwrap().contains("AKIAOTHER"))
    );
}

#[test]
fn two_checks_of_the_same_action_and_resource_are_two_lines_and_two_tests() {
    let statement = |prefix: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b-b","Condition":{{"StringLike":{{"s3:prefix":"{prefix}/*"}}}}}}"#
        )
    };
    let policy = file(
        "prefixes.json",
        &format!(r#"{{"Version":"2012-10-17","Statement":[{},{}]}}"#, statement("a"), statement("b")),
    );
    let server = Server::start(|request: &Request| {
        if action_of(request) == "s3:ListBucket" && format!("{request:?}").contains("prefix=a") {
            denial("s3:ListBucket", "s3:ListBucket")
        } else if action_of(request) == "sts:AssumeRole" {
            session("AKIAROLE")
        } else {
            healthy(request)
        }
    });
    let roles = ["arn:aws:iam::123456789012:role/a", "arn:aws:iam::210987654321:role/a"];
    let junit = fresh("same.xml");
    let output = format!("junit={junit}");
    let (_, told, said) =
        against(&server, &["check", "--policy", &policy, "--role-arn", roles[0], roles[1], "--output", &output]);
    let matrix = told.split("\n\n").next().unwrap();
    assert_eq!(matrix.lines().filter(|line| line.starts_with("s3:ListBucket")).count(), 2, "{told} {said}");
    assert!(matrix.contains("✗ denied"), "{told}");
    let junit = std::fs::read_to_string(junit).unwrap();
    assert!(junit.contains("(2)\"") && junit.contains("classname=\"arn:aws:iam::210987654321:role/a\""), "{junit}");
}

#[test]
fn an_output_of_a_format_that_is_not_there_is_refused() {
    for output in ["xml=r", "JSON=r", "json="] {
        let done = doctor(None, &["check", "--output", output], "");
        assert_eq!(done.status.code(), Some(64), "{output}");
    }
    assert_eq!(doctor(None, &["explain", "text", "--formats", "json"], "").status.code(), Some(64));
    let done = doctor(None, &["policy", "--bucket", "b-b", "--region", "x y"], "");
    assert_eq!(done.status.code(), Some(78));
}
