//! The compiled function under the official Lambda Runtime Interface Emulator.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::emulator::{
    Environment, SUCCESS, account, assert_on_loopback, event, free_address, function, http, root, scrubbed, stop,
    verdicts,
};
use crate::harness::rows;

/// The function in its emulated execution environment.
struct Runtime {
    address: String,
    /// Where its log goes: a file, since a pipe that nobody reads would stop it.
    log: PathBuf,
    child: Option<Child>,
}

impl Runtime {
    fn start(environment: &Environment, timeout_seconds: u32) -> Self {
        let address = free_address();
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.log", address.replace(':', "-")));
        let child = scrubbed(&emulator())
            .args(["--runtime-interface-emulator-address", &address])
            .args(["--runtime-api-address", &free_address()])
            .arg(function())
            .envs(environment)
            .env("AWS_LAMBDA_FUNCTION_NAME", "permissions-probe")
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout_seconds.to_string())
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .stdout(File::create(&log).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let runtime = Self { address, log, child: Some(child) };
        let started = Instant::now();
        while TcpStream::connect(&runtime.address).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "the Runtime Interface Emulator did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_on_loopback(runtime.child.as_ref().unwrap(), &runtime.address);
        runtime
    }

    fn invoke(&self, event: &[u8]) -> String {
        let (status, body) = http(&self.address, "POST", "/2015-03-31/functions/function/invocations", event);
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Stops the function and returns its log lines.
    fn log(mut self) -> Vec<Value> {
        stop(self.child.take());
        let text = std::fs::read_to_string(&self.log).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        stop(self.child.take());
        drop(std::fs::remove_file(&self.log));
    }
}

/// The emulator ships inside the AWS SAM CLI.
fn emulator() -> PathBuf {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let lib = root().join(".local/venv/lib");
    std::fs::read_dir(&lib)
        .unwrap_or_else(|_| panic!("{} is missing; run ./dev test, which installs it", lib.display()))
        .map(|python| python.unwrap().path())
        .map(|python| python.join("site-packages/samcli/local/rapid").join(format!("aws-lambda-rie-{machine}")))
        .find(|path| path.exists())
        .expect("the AWS SAM CLI ships the Runtime Interface Emulator")
}

#[test]
fn the_compiled_function_answers_every_event_and_survives_bad_ones() {
    let runtime = Runtime::start(&account().environment, 15);
    for file in std::fs::read_dir(root().join("events")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        // A deployment's event asks for an answer to be sent to AWS: the tests of the gate.
        if name.starts_with("cloudformation-") || name.starts_with("codedeploy-") {
            continue;
        }
        let response = runtime.invoke(event(&name).to_string().as_bytes());
        let parsed: Value =
            serde_json::from_str(&response).unwrap_or_else(|error| panic!("{name}: {error}: {response}"));
        match name.as_str() {
            "bad-options.json" => assert_eq!(parsed["statusCode"], 400, "{response}"),
            "options.json" => assert_eq!(verdicts(&parsed).len(), 5, "{response}"),
            "verbose.json" => assert_eq!(verdicts(&parsed).len(), 17, "{response}"),
            "alb.json" | "api-gateway-v1.json" | "api-gateway-v2.json" | "function-url.json" => {
                assert_eq!(
                    (&parsed["statusCode"], &parsed["isBase64Encoded"]),
                    (&200.into(), &false.into()),
                    "{response}"
                );
            }
            "widget.json" => assert!(parsed.as_str().unwrap().contains("✓ allowed"), "{response}"),
            _ => assert_eq!(response, SUCCESS, "{name}"),
        }
    }
    for bad in [&b"{\"probe\": "[..], b"", b"\xff\xfe", b"[[[", "[".repeat(100_000).as_bytes()] {
        let text = runtime.invoke(bad);
        let response: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{error}: {text:?}, to {:?}", String::from_utf8_lossy(&bad[..bad.len().min(20)]))
        });
        assert_eq!(response["statusCode"], 400, "{response}");
        assert_eq!(response["report"]["problems"][0]["name"], "event", "{response}");
    }
    assert_eq!(runtime.invoke(b"{}"), SUCCESS, "the process lives on");
}

#[test]
fn the_log_has_a_line_for_each_action_that_is_wrong_and_a_last_one_for_the_run() {
    let environment = account().with_policies(&[]);
    let runtime = Runtime::start(&environment, 15);
    let response: Value = serde_json::from_str(&runtime.invoke(b"{}")).unwrap();
    let token = environment["AWS_SESSION_TOKEN"].clone();
    let lines: Vec<Value> = runtime.log().into_iter().filter(|line| line["kind"].is_string()).collect();
    let checks: Vec<_> = lines.iter().filter(|line| line["kind"] == "check").collect();
    assert_eq!(checks.len(), 16, "the control is well, and is no line at INFO");
    for line in &checks {
        assert_eq!((&line["level"], &line["policyType"]), (&"WARN".into(), &"identity-based".into()), "{line}");
        assert_eq!(line["function_request_id"], response["report"]["requestId"], "{line}");
        let (message, action) = (line["message"].as_str().unwrap(), line["action"].as_str().unwrap());
        assert!(message.starts_with(&format!("{action} is denied on ")), "{line}");
        assert!(message.ends_with(": no identity-based policy allows it."), "{line}");
        assert!(line["code"].as_str().unwrap().starts_with("AccessDenied") && line["resource"].is_string(), "{line}");
    }
    let advice = lines.iter().find(|line| line["kind"] == "advice").unwrap();
    assert_eq!(advice["policy"], response["report"]["advice"][0]["policy"], "it can be copied as it is: {advice}");
    let run = lines.last().unwrap();
    assert_eq!((&run["kind"], &run["level"], &run["message"]), (&"run".into(), &"WARN".into(), &response["body"]));
    assert_eq!((&run["denied"], &run["statusCode"], &run["cold_start"]), (&16.into(), &403.into(), &true.into()));
    let denied = run["deniedActions"].as_str().unwrap();
    assert!(checks.iter().all(|line| denied.contains(line["action"].as_str().unwrap())), "{run}");
    let secrets = [token.as_str(), environment["AWS_SECRET_ACCESS_KEY"].as_str(), "feature,label"];
    assert!(lines.iter().all(|line| secrets.iter().all(|secret| !line.to_string().contains(secret))));
}

#[test]
fn the_log_follows_the_levels_and_formats_of_lambda() {
    for (format, level, lines) in [("JSON", "WARN", 0), ("JSON", "INFO", 1), ("JSON", "DEBUG", 18), ("Text", "INFO", 0)]
    {
        let mut environment = account().environment.clone();
        environment.insert("AWS_LAMBDA_LOG_FORMAT".to_owned(), format.to_owned());
        environment.insert("AWS_LAMBDA_LOG_LEVEL".to_owned(), level.to_owned());
        let runtime = Runtime::start(&environment, 15);
        assert_eq!(runtime.invoke(b"{}"), SUCCESS);
        let ours = |line: &&Value| line["kind"] == "check" || line["kind"] == "run";
        assert_eq!(runtime.log().iter().filter(ours).count(), lines, "{format} {level}");
    }
}

#[test]
fn every_service_silent_is_reported_before_a_short_timeout() {
    // Accepts connections, as the listener's queue does, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut environment = account().environment.clone();
    environment.insert("AWS_ENDPOINT_URL".to_owned(), format!("http://{}", silent.local_addr().unwrap()));
    let runtime = Runtime::start(&environment, 3);
    let started = Instant::now();
    let response: Value = serde_json::from_str(&runtime.invoke(b"{}")).unwrap();
    let took = started.elapsed();
    assert_eq!(response["statusCode"], 503, "{response}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    let rows = rows(&response["report"]);
    assert_eq!(rows.len(), 17);
    assert!(rows.iter().all(|row| row["cause"] == "timedOut"), "{response}");
}

#[test]
fn a_function_without_configuration_says_what_is_missing() {
    let runtime = Runtime::start(&Environment::new(), 3);
    for _ in 0..2 {
        let response: Value = serde_json::from_str(&runtime.invoke(b"{}")).unwrap();
        assert_eq!(response["statusCode"], 500, "{response}");
        assert_eq!(response["report"]["problems"][0]["name"], "PROBE_BUCKET", "{response}");
    }
}
