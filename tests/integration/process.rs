//! The compiled function over its life: ten thousand invocations, frozen and
//! thawed, several at a time, and started with nothing that it needs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::emulator::{Environment, SUCCESS, counts, event, root, scrubbed, tool, verdicts};
use crate::harness::rows;
use crate::lambda::{Lambda, environment, with};
use fake_aws::{Act, Request, Server, action_of, denial, denied_at_first, error_of, healthy, serve};

#[test]
fn many_invocations_leave_nothing_behind_in_the_process() {
    // `PROBE_INVOCATIONS=10000` for the long run.
    let asked = std::env::var("PROBE_INVOCATIONS").ok().and_then(|count| count.parse().ok());
    let count = asked.unwrap_or(1_000_usize);
    outlives(&[], count);
    // Its clients are made anew for each run.
    outlives(&[("PROBE_ASSUME_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role")], count / 2);
}

#[test]
fn no_event_however_large_fills_the_memory() {
    // Lambda takes events of six megabytes (Lambda Developer Guide, "Lambda quotas").
    const SIZE: usize = 6 * 1024 * 1024;
    let fill = |start: &str, part: &str, end: &str| {
        let times = (SIZE - start.len() - end.len()) / (part.len() + 1);
        [start, &vec![part; times].join(","), end].concat().into_bytes()
    };
    let keys = (0..SIZE / 12).map(|index| format!("\"{index:07}\":0,")).collect::<Vec<_>>().concat();
    let aws = Server::start(healthy);
    aws.seen.forget();
    let quiet = with(environment(&aws), &[("AWS_LAMBDA_LOG_LEVEL", "ERROR"), ("PROBE_GATE", "cloudformation")]);
    for (event, status) in [
        (fill("[", "[0]", "]"), 200),
        (fill("[", "{\"a\":0}", "]"), 200),
        (fill("{\"key\":[", "[0]", "]}"), 200),
        (fill("{\"key\":[", "\"\"", "]}"), 200),
        (format!("{{{}\"x\":0}}", &keys[..keys.len() - keys.len() % 12]).into_bytes(), 200),
        (fill("{\"probe\":[", "[0]", "]}"), 400),
        (fill("{\"probe\":{\"actions\":[", "0", "]}}"), 400),
        (fill("{\"requestContext\":[", "{\"a\":0}", "]}"), 400),
        (fill("{\"ResponseURL\":\"x\",\"ResourceProperties\":[", "{\"a\":0}", "]}"), 400),
        ([b"\"".to_vec(), vec![b'x'; SIZE - 2], b"\"".to_vec()].concat(), 200),
        ([b"{\"probe\":\"".to_vec(), vec![b'x'; SIZE - 20], b"\"}".to_vec()].concat(), 400),
        (format!("{{\"ResponseURL\":\"x\",\"ResourceProperties\":{}", one_by_one(1_200)).into_bytes(), 400),
        (kept_and_dropped(), 400),
        (twice(), 400),
        (vec![b'['; SIZE], 400),
        (vec![0xff; SIZE], 400),
    ] {
        let lambda = Lambda::start(&quiet);
        let shown = String::from_utf8_lossy(&event[..40]).escape_debug().to_string();
        let response: Value = serde_json::from_str(&lambda.invoke_text(&event)).unwrap();
        assert_eq!(response["statusCode"], status, "{shown}: {response}");
        let peak = lambda.peak_memory();
        println!("{shown} …, {} bytes: peak {peak} KiB", event.len());
        assert!(peak < 48 * 1024, "{shown}: {peak} KiB");
    }
}

/// So many objects, each within another one's list.
fn one_by_one(count: usize) -> String {
    format!("[{}]}}", vec!["{\"\":{\"\":0}}"; count].join(","))
}

/// Keys that are small enough to be kept, between keys that are not.
fn kept_and_dropped() -> Vec<u8> {
    let kept = vec!["{\"\":{\"\":0}}"; 4_000].join(",");
    let dropped = vec!["0"; 11_000].join(",");
    let keys = ["probe", "headers", "requestContext", "StackId", "RequestId", "DeploymentId", "httpMethod", "method"];
    let pairs = keys.chunks(2).map(|pair| format!("\"{}\":[{kept}],\"{}\":[{dropped}]", pair[0], pair[1]));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(",")).into_bytes()
}

/// A key of half an event's size that stands twice, of characters that take six times the room when they are shown.
fn twice() -> Vec<u8> {
    let key = "\u{7f}".repeat(3 * 1024 * 1024 - 16);
    format!("{{\"{key}\":0,\"{key}\":0}}").into_bytes()
}

#[test]
fn an_event_of_a_megabyte_takes_little_more_than_none() {
    let aws = Server::start(healthy);
    aws.seen.forget();
    let quiet = with(environment(&aws), &[("AWS_LAMBDA_LOG_LEVEL", "ERROR")]);
    let of_size = |start: &str, part: &str, end: &str, kib: usize| {
        [start, &vec![part; kib * 1024 / (part.len() + 1)].join(","), end].concat()
    };
    let actions = |kib| of_size("{\"probe\":{\"actions\":[", "0", "]}}", kib);
    for event in [
        actions(195),
        actions(488),
        actions(976),
        of_size("{\"probe\":[", "{\"a\":[0]}", "]}", 976),
        of_size("{\"key\":[", "{\"a\":[0]}", "]}", 976),
        format!("{{\"probe\":\"{}\"}}", "\u{7f}".repeat(976 * 1024)),
        format!("{{\"probe\":{{\"{}\":0}}}}", "\u{7f}".repeat(500 * 1024)),
    ] {
        let lambda = Lambda::start(&quiet);
        lambda.invoke(b"{}");
        let idle = lambda.peak_memory();
        lambda.invoke_text(event.as_bytes());
        let more = lambda.peak_memory() - idle;
        let shown = event[..40].escape_debug();
        println!("{shown} …, {} bytes: {more} KiB over {idle} KiB", event.len());
        assert!(more < 16 * 1024, "{shown}: {more} KiB");
    }
}

#[test]
fn each_kind_of_run_writes_what_the_documentation_says() {
    let page = std::fs::read_to_string(crate::emulator::root().join("docs/guides/schedule-and-alarms.md")).unwrap();
    let head = "| run | `Denied` | `Inconclusive` | `DurationMs` and the others | what the alarms do |";
    let rows: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|line| *line != head)
        .skip(2)
        .take(5)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let denies = Arc::new(AtomicBool::new(false));
    let throttles = Arc::new(AtomicBool::new(false));
    let (denying, throttling) = (denies.clone(), throttles.clone());
    let aws = Server::start(move |request: &Request| match action_of(request).as_str() {
        "dynamodb:PutItem" if denying.load(Ordering::SeqCst) => denial("dynamodb:PutItem", "dynamodb:PutItem"),
        "dynamodb:Scan" if throttling.load(Ordering::SeqCst) => {
            error_of(request, 400, "ThrottlingException", "Rate exceeded")
        }
        _ => healthy(request),
    });
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_GATE", "codedeploy")]));
    let hook = event("codedeploy-hook.json").to_string();
    let filter = r#"{"probe": {"actions": ["dynamodb:PutItem", "dynamodb:Scan"]}}"#;
    let mut asked = Vec::new();
    for (row, event, untold) in [
        (0, "{}", false),
        (1, "{}", true),
        (2, filter, false),
        (2, filter, true),
        (3, hook.as_str(), false),
        (4, r#"{"probe": 1}"#, false),
    ] {
        throttles.store(untold, Ordering::SeqCst);
        for denied in [false, true] {
            denies.store(denied, Ordering::SeqCst);
            let id = lambda.send(event.as_bytes());
            lambda.receive(&id);
            asked.push((row, id, denied, untold));
        }
    }
    let log = lambda.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (row, id, denied, untold) in asked {
        let own = |line: &&Value| {
            line["function_request_id"] == id.as_str()
                && line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == json!([["FunctionName"]])
        };
        let own = lines.iter().find(own);
        for (cell, name, value) in
            [(1, "Denied", u64::from(denied)), (2, "Inconclusive", u64::from(untold)), (3, "DurationMs", 1)]
        {
            let expected = match rows[row][cell] {
                "always" => true,
                "above 0" => value > 0,
                "never" => false,
                other => panic!("{other}"),
            };
            let written = own.map(|line| &line[name]).filter(|value| !value.is_null());
            assert_eq!(written.is_some(), expected, "{}: {name} with {denied} and {untold}: {own:?}", rows[row][0]);
            assert!(name == "DurationMs" || written.is_none_or(|written| *written == value), "{name}: {own:?}");
        }
    }
}

#[test]
fn what_must_be_denied_is_counted_as_no_denial() {
    let aws = Server::start(|request: &Request| match action_of(request).as_str() {
        "dynamodb:ListTables" => denial("dynamodb:ListTables", "dynamodb:ListTables"),
        _ => healthy(request),
    });
    let variables = [
        ("PROBE_DENY_CONTROL", "dynamodb:ListTables"),
        ("PROBE_METRICS", "actions"),
        ("AWS_LAMBDA_LOG_LEVEL", "DEBUG"),
    ];
    let lambda = Lambda::start(&with(environment(&aws), &variables));
    assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    let log = lambda.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["ActionDenied"] != 1), "{log}");
    let control = lines.iter().find(|line| line["action"] == "dynamodb:ListTables").unwrap();
    assert_eq!((&control["verdict"], &control["mustBeDenied"]), (&json!("denied"), &json!(true)));
}

#[test]
fn an_action_that_cannot_be_told_turns_no_alarm_off() {
    let aws = Server::start(|request: &Request| match action_of(request).as_str() {
        action @ "dynamodb:PutItem" => denial(action, action),
        "dynamodb:Scan" => error_of(request, 400, "ThrottlingException", "Rate exceeded"),
        _ => healthy(request),
    });
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_METRICS", "actions")]));
    lambda.invoke(b"{}");
    let log = lambda.log();
    let of = |action: &str| {
        let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["Action"] == action).map(|line| line["ActionDenied"].as_u64().unwrap())
    };
    assert_eq!((of("dynamodb:PutItem"), of("dynamodb:GetItem"), of("dynamodb:Scan")), (Some(1), Some(0), None));
}

#[test]
fn a_byte_that_never_comes_is_not_waited_for() {
    let head = b"HTTP/1.1 206 X\r\nx-amz-request-id: R\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\ncontent-length: 1\r\n\r\n";
    let aws = Server::start(|request: &Request| match action_of(request).as_str() {
        "s3:GetObject" => Act::Stall(head.to_vec(), Duration::from_secs(20)),
        _ => healthy(request).into(),
    });
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_TIMEOUT_MS", "1000")]));
    assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    let before = lambda.files();
    for _ in 0..10 {
        assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    }
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    assert!(lambda.files() <= before + 1, "files: {before} and then {}", lambda.files());
}

#[test]
fn answers_that_break_off_leave_nothing_behind() {
    // `PROBE_BROKEN_INVOCATIONS=10000` for the long run.
    let asked = std::env::var("PROBE_BROKEN_INVOCATIONS").ok().and_then(|count| count.parse().ok());
    let (warm, count) = (50_usize, asked.unwrap_or(200_usize));
    let turn = AtomicUsize::new(0);
    let aws = Server::start(move |request: &Request| {
        let whole = healthy(request);
        match turn.fetch_add(1, Ordering::SeqCst) {
            turn if turn % 7 == 0 => Act::Close(whole[..turn * 31 % whole.len()].to_vec()),
            _ => Act::Send(whole),
        }
    });
    aws.seen.forget();
    let lambda = Lambda::start(&with(environment(&aws), &[("AWS_LAMBDA_LOG_LEVEL", "ERROR")]));
    let mut before = (0, 0);
    for index in 0..count {
        if index == warm {
            before = (lambda.memory(), lambda.files());
        }
        let response: Value = serde_json::from_str(&lambda.invoke_text(b"{}")).unwrap();
        assert!(response["statusCode"] == 200 || response["statusCode"] == 503, "{response}");
    }
    let after = (lambda.memory(), lambda.files());
    println!(
        "{count} invocations with broken answers: memory, files were {before:?} after {warm} and {after:?} at the end"
    );
    assert!(after.0 <= before.0 + 2048 && after.1 <= before.1 + 3, "{before:?} and then {after:?}");
}

#[test]
fn an_endpoint_of_s3_s_own_is_asked_by_path() {
    let aws = Server::start(healthy);
    let mut environment = environment(&aws);
    let endpoint = environment.remove("AWS_ENDPOINT_URL").unwrap().replace("127.0.0.1", "localhost");
    for service in ["S3", "DYNAMODB", "SAGEMAKER", "SAGEMAKER_RUNTIME", "CLOUDWATCH_LOGS", "STS"] {
        environment.insert(format!("AWS_ENDPOINT_URL_{service}"), endpoint.clone());
    }
    assert_eq!(Lambda::start(&environment).invoke_text(b"{}"), SUCCESS);
    let listed = aws.seen.requests().into_iter().find(|request| action_of(request) == "s3:ListBucket").unwrap();
    assert!(listed.path.starts_with("/your-bucket-name/"), "{}", listed.path);
}

#[test]
fn a_result_is_reused_until_it_is_too_old() {
    let aws = Server::start(healthy);
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_HTTP_MAX_AGE", "2")]));
    let get = event("function-url.json").to_string();
    let ask = || lambda.invoke(get.as_bytes());
    let first = ask();
    let asked = aws.seen.count();
    assert_eq!(first["headers"]["Cache-Control"], "max-age=2");
    std::thread::sleep(Duration::from_millis(1100));
    let second = ask();
    assert_eq!((second["headers"]["Age"].as_str(), aws.seen.count()), (Some("1"), asked), "nothing was asked again");
    assert_eq!(lambda.invoke(b"{}")["statusCode"], 200);
    assert!(aws.seen.count() > asked, "who may invoke the function gets a run");
    std::thread::sleep(Duration::from_millis(1100));
    let asked = aws.seen.count();
    assert_eq!(ask()["headers"]["Age"], "0");
    assert!(aws.seen.count() > asked);

    let each = Lambda::start(&with(environment(&aws), &[("PROBE_HTTP_MAX_AGE", "0")]));
    for _ in 0..2 {
        let asked = aws.seen.count();
        assert_eq!(each.invoke(get.as_bytes())["headers"]["Cache-Control"], "no-store");
        assert!(aws.seen.count() > asked);
    }
}

/// Asserts that so many invocations take no more than two hundred do.
fn outlives(variables: &[(&str, &str)], count: usize) {
    let warm = 200;
    let aws = Server::start(healthy);
    aws.seen.forget();
    let quiet = with(environment(&aws), &[("AWS_LAMBDA_LOG_LEVEL", "ERROR")]);
    let lambda = Lambda::start(&with(quiet, variables));
    let mut before = (0, 0, 0);
    for index in 0..count {
        if index == warm {
            before = (lambda.memory(), lambda.files(), aws.seen.connections());
        }
        assert_eq!(lambda.invoke_text(b"{}"), SUCCESS, "{index}");
    }
    let after = (lambda.memory(), lambda.files(), aws.seen.connections());
    println!("{count} invocations: memory, files, connections were {before:?} after {warm} and {after:?} at the end");
    assert!(after.0 <= before.0 + 1024, "memory in KiB: {} and then {}", before.0, after.0);
    assert!(after.1 <= before.1, "files: {} and then {}", before.1, after.1);
    assert!(after.2 <= before.2 + 2, "connections: {} and then {}", before.2, after.2);
}

#[test]
fn a_start_for_an_invocation_connects_ahead_and_asks_for_nothing() {
    let aws = Server::start(healthy);
    let lambda = Lambda::start(&with(environment(&aws), &[("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")]));
    let started = Instant::now();
    while aws.seen.connections() < 17 && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((aws.seen.connections(), aws.seen.count()), (17, 0));
    for _ in 0..2 {
        assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
        assert_eq!(aws.seen.connections(), 17, "the run needs no other connection");
    }
}

#[test]
fn a_start_without_a_way_out_is_as_quick_and_its_run_says_so() {
    let nobody = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let environment = environment(&Server::start(healthy));
    let lambda = Lambda::start(&with(environment, &[nobody, ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")]));
    let response = lambda.invoke(b"{}");
    assert_eq!(response["statusCode"], 503, "{response}");
    let rows = rows(&response["report"]);
    assert!(rows.len() == 17 && rows.iter().all(|row| row["cause"] == "network"), "{response}");
}

#[test]
fn every_request_says_whose_it_is() {
    let aws = Server::start(healthy);
    let role = ("PROBE_ASSUME_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role");
    assert_eq!(Lambda::start(&environment(&aws)).invoke_text(b"{}"), SUCCESS);
    let hook = event("codedeploy-hook.json").to_string();
    let hooked = with(environment(&aws), &[role, ("PROBE_GATE", "codedeploy")]);
    assert_eq!(Lambda::start(&hooked).invoke_text(hook.as_bytes()), SUCCESS);
    let requests = aws.seen.requests();
    assert_eq!(requests.len(), 20 + 22, "a run, and one in a session with an answer to CodeDeploy");
    for request in requests {
        let agent = request.header("user-agent").unwrap();
        assert!(agent.split(' ').any(|part| part == "app/permissions-probe"), "{} {agent}", action_of(&request));
    }
}

/// Whether Lambda keeps a line of JSON (Lambda Developer Guide, "Log-level
/// filtering"): one without a level, or without a timestamp by RFC 3339, counts as INFO.
fn is_kept(line: &Value, level: &str) -> bool {
    let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let rank = |level: &str| levels.iter().position(|known| known.eq_ignore_ascii_case(level));
    let dated =
        line["timestamp"].as_str().is_some_and(|at| at.len() >= 20 && at.as_bytes()[10] == b'T' && at.ends_with('Z'));
    let own = line["level"].as_str().and_then(rank).filter(|_| dated);
    own.unwrap_or(2) >= rank(level).unwrap()
}

#[test]
fn the_metrics_are_what_cloudwatch_reads_and_survive_every_level() {
    let aws = Server::start(|request: &Request| match action_of(request).as_str() {
        "dynamodb:GetItem" => denial("dynamodb:GetItem", "dynamodb:GetItem"),
        _ => healthy(request),
    });
    let mut written = BTreeSet::new();
    for level in ["INFO", "WARN", "FATAL"] {
        let variables =
            [("AWS_LAMBDA_LOG_LEVEL", level), ("PROBE_METRICS", "actions"), ("AWS_LAMBDA_FUNCTION_NAME", "f")];
        let lambda = Lambda::start(&with(environment(&aws), &variables));
        let ids = [0, 1].map(|_| answered(&lambda));
        let log = lambda.log();
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for metric in
            lines.iter().filter_map(|line| line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array()).flatten()
        {
            let text = |name: &str| metric[name].as_str().unwrap().to_owned();
            written.insert((text("Name"), text("Unit")));
        }
        assert_schema(&log.lines().filter(|line| line.contains("\"_aws\"")).collect::<Vec<_>>().join("\n"));
        for (run, id) in (0..).zip(ids) {
            let mut metrics =
                lines.iter().filter(|line| line["_aws"].is_object() && line["function_request_id"] == id.as_str());
            let line = metrics.next().unwrap();
            assert!(is_kept(line, level), "{line}");
            let counts =
                ["Allowed", "Denied", "Inconclusive", "Advisories", "ColdStart"].map(|name| line[name].as_u64());
            assert_eq!(counts, [Some(16), Some(1), Some(0), Some(0), Some(1 - run)], "{line}");
            assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "PermissionsProbe");
            assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["FunctionName"]]));
            assert_eq!(line["FunctionName"], "f");
            let everywhere = metrics.next().unwrap();
            assert_eq!(everywhere["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
            assert_eq!((&everywhere["Denied"], &everywhere["Inconclusive"]), (&1.into(), &0.into()), "{everywhere}");
            assert!(is_kept(everywhere, level), "{everywhere}");
            let actions: Vec<_> = metrics.collect();
            assert_eq!(actions.len(), 17);
            for line in actions {
                assert_eq!(line["ActionDenied"], u64::from(line["Action"] == "dynamodb:GetItem"), "{line}");
                assert!(is_kept(line, level), "{line}");
            }
        }
    }
    assert_eq!(documented_metrics(), written);
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_METRICS", "off")]));
    lambda.invoke(b"{}");
    assert!(!lambda.log().contains("_aws"));
}

/// The metrics that the page on schedule and alarms lists, with their units.
fn documented_metrics() -> BTreeSet<(String, String)> {
    let page = std::fs::read_to_string(crate::emulator::root().join("docs/guides/schedule-and-alarms.md")).unwrap();
    let rows = page.lines().skip_while(|line| *line != "| metric | unit | meaning |").skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .flat_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let unit = cells[2].to_owned();
            cells[1].split(", ").map(move |name| (name.trim_matches('`').to_owned(), unit.clone())).collect::<Vec<_>>()
        })
        .collect()
}

/// Asserts that each line is valid by the JSON schema of CloudWatch's own documentation.
fn assert_schema(lines: &str) {
    let check = "import json, sys, jsonschema; schema = json.load(open(sys.argv[1])); \
                 [jsonschema.Draft7Validator(schema).validate(json.loads(line)) for line in sys.argv[2].splitlines()]";
    let schema = root().join("tests/data/emf-schema.json");
    let done = scrubbed(&tool("python")).args(["-c", check]).arg(schema).arg(lines).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_denial_is_news_when_it_begins_and_when_it_ends() {
    let denies = Arc::new(AtomicBool::new(false));
    let now = denies.clone();
    let aws = Server::start(move |request: &Request| match action_of(request).as_str() {
        "dynamodb:PutItem" if now.load(Ordering::SeqCst) => denial("dynamodb:PutItem", "dynamodb:PutItem"),
        _ => healthy(request),
    });
    let lambda = Lambda::start(&environment(&aws));
    let ids = [false, true, true, false].map(|denied| {
        denies.store(denied, Ordering::SeqCst);
        answered(&lambda)
    });
    let log = lambda.log();
    let news = ids.map(|id| {
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let news = lines.filter(|line| {
            line["function_request_id"] == id.as_str() && line["level"] == "WARN" && line["_aws"].is_null()
        });
        let told = |line: Value| line["change"].as_str().or(line["kind"].as_str()).unwrap().to_owned();
        news.map(told).collect::<Vec<_>>()
    });
    assert_eq!(news[0], Vec::<String>::new());
    assert_eq!(news[1], ["allowed → denied", "advice", "run"]);
    assert_eq!(news[2], ["check", "advice", "run"], "it is wrong, and no news");
    assert_eq!(news[3], ["denied → allowed", "run"]);
}

#[test]
fn what_a_new_policy_does_not_yet_allow_is_tried_again() {
    let aws = Server::start(denied_at_first("dynamodb:PutItem"));
    let lambda = Lambda::start(&environment(&aws));
    let response = lambda.invoke(br#"{"probe": {"settleSeconds": 5, "verbose": true}}"#);
    assert_eq!(response["statusCode"], 200, "{response}");
    let rows = rows(&response["report"]);
    let row = rows.iter().find(|row| row["action"] == "dynamodb:PutItem").unwrap();
    assert_eq!(row["note"], "allowed after 1 s; before, it was denied");
    assert_eq!(
        aws.seen.count(),
        21,
        "all once, with the listing of s3:GetObject and the second ones of Query and UpdateItem, and that one twice"
    );
}

/// The id of an invocation that has been answered.
fn answered(lambda: &Lambda) -> String {
    let id = lambda.send(b"{}");
    lambda.receive(&id);
    id
}

#[test]
fn a_frozen_and_thawed_process_takes_no_stale_connection_for_an_answer() {
    let aws = Server::accept(|connection, seen| serve(connection, seen, Duration::from_secs(1), &healthy));
    let lambda = Lambda::start(&environment(&aws));
    assert_eq!(lambda.invoke_text(b"{}"), SUCCESS);
    for _ in 0..2 {
        lambda.signal("STOP");
        // Until the servers have closed every connection.
        std::thread::sleep(Duration::from_millis(2_500));
        let connections = aws.seen.connections();
        let id = lambda.send(b"{}");
        lambda.signal("CONT");
        assert_eq!(lambda.receive(&id), SUCCESS);
        assert!(aws.seen.connections() > connections, "the old connections cannot have been used");
    }
}

#[test]
fn a_freeze_in_the_middle_of_a_run_is_a_timeout_at_most() {
    let aws = Server::start(|request: &Request| {
        std::thread::sleep(Duration::from_millis(700));
        healthy(request)
    });
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_TIMEOUT_MS", "1500")]));
    let id = lambda.send(b"{}");
    std::thread::sleep(Duration::from_millis(400));
    lambda.signal("STOP");
    std::thread::sleep(Duration::from_secs(2));
    lambda.signal("CONT");
    let response: Value = serde_json::from_str(&lambda.receive(&id)).unwrap();
    let report = if response["statusCode"] == 200 { None } else { Some(rows(&response["report"])) };
    for row in report.into_iter().flatten() {
        assert_ne!(row["verdict"], "denied", "{row}");
        assert!(row["verdict"] == "allowed" || row["cause"] == "timedOut" || row["cause"] == "controlFailed", "{row}");
    }
}

#[test]
fn invocations_at_the_same_time_do_not_mix() {
    let aws = Server::start(|request: &Request| {
        std::thread::sleep(Duration::from_millis(100));
        healthy(request)
    });
    let lambda = Lambda::start(&with(environment(&aws), &[("AWS_LAMBDA_MAX_CONCURRENCY", "8")]));
    let services = ["s3:*", "dynamodb:*", "sagemaker:*", "logs:*"];
    let event = |service: &str| json!({"probe": {"verbose": true, "actions": [service]}}).to_string();
    assert_eq!(lambda.invoke(event("*").as_bytes())["statusCode"], 200);
    let started = Instant::now();
    let sent: Vec<_> = (0..40).map(|i| (i, lambda.send(event(services[i % 4]).as_bytes()))).collect();
    for (i, id) in sent {
        let response: Value = serde_json::from_str(&lambda.receive(&id)).unwrap();
        assert_eq!(response["report"]["requestId"], id.as_str());
        let prefix = services[i % 4].trim_end_matches('*');
        let rows = verdicts(&response);
        assert!(rows.len() > 3, "{rows:?}");
        for (action, verdict) in rows {
            assert_eq!(verdict, "allowed", "{action}");
            assert!(
                action.starts_with(prefix) || action == "sts:GetCallerIdentity",
                "{action} in a report of {prefix}"
            );
        }
    }
    // One after the other, forty runs of 100 ms and more would take four seconds.
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// The names of the problems that a response lists.
fn problems(response: &Value) -> Vec<&str> {
    response["report"]["problems"].as_array().unwrap().iter().map(|problem| problem["name"].as_str().unwrap()).collect()
}

#[test]
fn a_start_without_what_is_needed_is_a_500_that_lists_it() {
    let aws = Server::start(healthy);
    let lacking = |names: &[&str]| {
        let mut environment = environment(&aws);
        environment.retain(|name, _| !names.contains(&name.as_str()));
        environment
    };
    for (environment, expected) in [
        (Environment::new(), &["PROBE_BUCKET", "AWS_REGION"][..]),
        (lacking(&["AWS_REGION"]), &["AWS_REGION"]),
        (lacking(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]), &["AWS_ACCESS_KEY_ID"]),
        (with(environment(&aws), &[("AWS_REGION", "us east 1")]), &["AWS_REGION"]),
        (with(environment(&aws), &[("AWS_ENDPOINT_URL", "127.0.0.1:1")]), &["AWS_ENDPOINT_URL"]),
        (with(environment(&aws), &[("AWS_CA_BUNDLE", "/dev/null")]), &["AWS_CA_BUNDLE"]),
        (
            with(
                lacking(&["AWS_REGION", "PROBE_BUCKET"]),
                &[("PROBE_TABLE", "\u{1b}[31m"), ("SSL_CERT_FILE", "/no/file")],
            ),
            &["PROBE_BUCKET", "PROBE_TABLE", "SSL_CERT_FILE", "AWS_REGION"],
        ),
    ] {
        let lambda = Lambda::start(&environment);
        for _ in 0..2 {
            let response = lambda.invoke(b"{}");
            assert_eq!(response["statusCode"], 500, "{response}");
            assert_eq!(problems(&response), expected);
            assert_eq!(rows(&response["report"]).len(), 17, "no row disappears");
        }
        let log = lambda.log();
        for name in expected {
            assert!(log.contains(&format!("\"name\":\"{name}\"")), "{name} is not in the log: {log}");
        }
        assert!(!log.contains('\u{1b}'));
    }
    assert_eq!(aws.seen.count(), 0, "nothing was tried");
}

#[test]
fn events_that_are_not_valid_are_a_400_and_the_process_lives_on() {
    let aws = Server::start(healthy);
    let lambda = Lambda::start(&environment(&aws));
    let huge_string = format!("{{\"probe\": \"{}\"}}", "x".repeat(6_000_000));
    let huge_list = format!("{{\"probe\": {{\"actions\": [{}1]}}}}", "1,".repeat(200_000));
    for event in [
        &b""[..],
        b"{\"probe\": ",
        b"\xff\xfe",
        b"{\"a\": \"\xff\"}",
        b"{\"probe\": {}, \"probe\": {}}",
        b"{\"a\": [{\"b\": 1, \"b\": 2}]}",
        "[".repeat(1_000_000).as_bytes(),
        "{\"a\":".repeat(100_000).as_bytes(),
        huge_string.as_bytes(),
        huge_list.as_bytes(),
        b"{\"probe\": {\"bucket\": \"another-bucket\"}}",
        b"{\"probe\": {\"endpoint\": \"http://127.0.0.1:1\", \"table\": \"Other\", \"actions\": [\"iam:CreateUser\"]}}",
    ] {
        let text = lambda.invoke_text(event);
        let shown = String::from_utf8_lossy(&event[..event.len().min(60)]).into_owned();
        let response: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {shown}"));
        assert_eq!(response["statusCode"], 400, "{shown}");
        // Lambda takes no response of more than six megabytes.
        assert!(text.len() < 1_000_000, "{shown}: {} bytes", text.len());
    }
    assert_eq!(aws.seen.count(), 0, "no event made the function ask for anything");
    let long = format!("{{\"key\": \"{}\"}}", "x".repeat(6_000_000));
    assert_eq!(
        lambda.invoke_text(long.as_bytes()),
        SUCCESS,
        "a large event that asks for nothing is one like any other"
    );
}

#[test]
fn no_message_can_write_a_log_line_or_drive_a_terminal() {
    let aws = Server::start(|request: &Request| match action_of(request).as_str() {
        "dynamodb:GetItem" => error_of(
            request,
            400,
            "AccessDeniedException",
            "User: u\u{1b}[2J is not authorized to perform: dynamodb:GetItem\r\n{\"level\":\"ERROR\",\"forged\":true}\n\u{9b}31m\u{202e}",
        ),
        _ => healthy(request),
    });
    for format in ["JSON", "Text"] {
        let lambda = Lambda::start(&with(environment(&aws), &[("AWS_LAMBDA_LOG_FORMAT", format)]));
        let response = lambda.invoke_text(b"{}");
        let bad = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
        assert!(!bad(&response) && !response.contains('\n'), "{response}");
        let report: Value = serde_json::from_str(&response).unwrap();
        let shown = report.to_string();
        assert!(shown.contains("forged") && !bad(&shown), "{shown}");
        let rows = rows(&report["report"]);
        let texts = rows.iter().filter_map(|row| row["message"].as_str());
        assert!(texts.clone().all(|text| !bad(text) && !text.contains('\n')), "{:?}", texts.collect::<Vec<_>>());
        let log = lambda.log();
        assert!(log.contains("forged") && !bad(&log), "{log}");
        assert!(!log.lines().any(|line| line.starts_with("{\"level\":\"ERROR\"")), "{log}");
        let ours = |line: &str| match format {
            "JSON" => serde_json::from_str::<Value>(line)
                .is_ok_and(|line| line["kind"].is_string() || line["_aws"].is_object()),
            _ => line.contains("permissions_probe::telemetry") || line.starts_with("{\"_aws\":{"),
        };
        assert!(log.lines().count() == 5 && log.lines().all(ours), "{log}");
    }
}

#[test]
fn whatever_says_yes_to_everything_is_caught() {
    let aws = Server::start(healthy);
    let lambda = Lambda::start(&with(environment(&aws), &[("PROBE_DENY_CONTROL", "dynamodb:ListTables")]));
    let response = lambda.invoke(b"{}");
    assert_eq!(response["statusCode"], 503, "{response}");
    assert_eq!(response["report"]["headline"]["cause"], "denyControl");
    assert_eq!(counts(&response), json!({"allowed": 2, "denied": 0, "inconclusive": 16}));
}

#[test]
fn without_an_identity_nothing_is_believed() {
    let aws = Server::start(|request: &Request| match action_of(request).as_str() {
        "sts:GetCallerIdentity" => Act::Close(Vec::new()),
        _ => healthy(request).into(),
    });
    let response = Lambda::start(&environment(&aws)).invoke(b"{}");
    assert_eq!(response["statusCode"], 503, "{response}");
    assert_eq!(response["report"]["headline"]["cause"], "control");
    assert!(verdicts(&response).values().all(|verdict| verdict == "inconclusive"), "{response}");
}
