//! Starts what the tests run against, and talks to it.

use crate::harness::rows;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use lambda_runtime::{Context, LambdaEvent};
use permissions_aws::http_client::Connections;
use permissions_aws::trust_store::TrustStore;
use permissions_core::event::Event;
use permissions_probe::config::Config;
use permissions_probe::function::App;
use serde::Deserialize;
use serde_json::{Value, json};

pub const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:permissions-probe";

/// The response that the guide's users expect, to the byte.
pub const SUCCESS: &str = r#"{"statusCode":200,"body":"Preprocessing complete and metadata updated","headers":{"Content-Type":"application/json"}}"#;

pub type Environment = BTreeMap<String, String>;

/// An emulated account, which ends with this process.
#[derive(Deserialize)]
pub struct Account {
    endpoint: String,
    /// What the emulator's own paths want from whoever asks them.
    token: String,
    /// What the function's environment holds, credentials of the template's role included.
    pub environment: Environment,
    /// The ARNs of what is in the account beside the guide's bucket and table.
    pub resources: Value,
    #[serde(skip)]
    child: Option<Child>,
}

/// The account that behaves as AWS does, shared by all tests, which leave it as it was.
pub fn account() -> &'static Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    ACCOUNT.get_or_init(|| Account::start(&[]))
}

impl Account {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = scrubbed(&tool("python"))
            .args(["-m", "tools.emulator"])
            .args(arguments)
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let mut account: Self = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("the emulator did not start ({error}); `.local/venv/bin/python -m tools.emulator` shows why")
        });
        account.child = Some(child);
        account
    }

    /// The policies in effect on the template's role, the managed one included.
    pub fn policies(&self) -> Vec<Value> {
        self.ask("GET", "/test-bed/policies", "")
    }

    /// Everything that a probe could have changed.
    pub fn state(&self) -> Value {
        self.ask("GET", "/test-bed/state", "")
    }

    /// What CloudFormation has made of the template.
    pub fn deployed(&self) -> Value {
        self.ask("GET", "/test-bed/deployed", "")
    }

    /// The name of a new role with these policies, which the principals of these statements can assume.
    pub fn role(&self, policies: &[Value], trust: &[Value]) -> (String, Environment) {
        #[derive(Deserialize)]
        struct Role {
            role: String,
            credentials: Environment,
        }
        let body = json!({ "policies": policies, "trust": trust }).to_string();
        let Role { role, credentials } = self.ask("POST", "/test-bed/role", &body);
        (role, credentials)
    }

    /// The function's environment under a new role with these policies.
    pub fn with_policies(&self, policies: &[Value]) -> Environment {
        let (role, credentials) = self.role(policies, &[]);
        let mut environment = self.environment.clone();
        environment.extend(credentials);
        environment.insert("PROBE_EXPECTED_ROLE".to_owned(), role);
        environment
    }

    fn ask<T: for<'de> Deserialize<'de>>(&self, method: &str, path: &str, body: &str) -> T {
        let address = self.endpoint.strip_prefix("http://").unwrap();
        let token = format!("x-test-bed-token: {}\r\n", self.token);
        let (status, answer) = http_with(address, method, path, &token, body.as_bytes());
        assert_eq!(status, 200, "{method} {path}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        stop(self.child.take());
    }
}

/// Asserts that what a process and its descendants listen on, this port among it, is on the loopback.
pub fn assert_on_loopback(process: &Child, address: &str) {
    let (_, port) = address.rsplit_once(':').unwrap();
    let pid = process.id().to_string();
    let seen = scrubbed(&tool("python"))
        .args(["-m", "tools.loopback", pid.as_str(), port])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stderr));
}

/// Stops a process that a test started.
pub fn stop(child: Option<Child>) {
    if let Some(mut child) = child {
        drop(child.kill());
        drop(child.wait());
    }
}

/// The function in this process, as it would start in this environment.
pub fn app(environment: &Environment) -> App {
    let get = |name: &str| environment.get(name).map(String::as_str).unwrap_or_default();
    let credentials = Credentials::new(
        get("AWS_ACCESS_KEY_ID"),
        get("AWS_SECRET_ACCESS_KEY"),
        environment.get("AWS_SESSION_TOKEN").cloned(),
        None,
        "test",
    );
    let connections = Connections::new(&TrustStore::default());
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(get("AWS_REGION").to_owned()))
        .endpoint_url(get("AWS_ENDPOINT_URL"))
        .http_client(connections.client())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    // Metrics go to standard output, past the tests' own capture; those of the compiled function are tested.
    let read =
        |name: &str| if name == "PROBE_METRICS" { Some("off".to_owned()) } else { environment.get(name).cloned() };
    App::new(Config::from_env(|name| read(name).map(Ok)), sdk, connections)
}

/// Invokes the function in this process; returns the response as JSON text.
pub async fn invoke_text(environment: &Environment, event: Value) -> String {
    let mut context = Context::default();
    context.request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd".into();
    context.invoked_function_arn = FUNCTION_ARN.into();
    let response = app(environment).handle(LambdaEvent::new(Event(Ok(event)), context)).await;
    serde_json::to_string(&response).unwrap()
}

pub async fn invoke(environment: &Environment, event: Value) -> Value {
    serde_json::from_str(&invoke_text(environment, event).await).unwrap()
}

/// The verdict of every row of a response's report, by action.
pub fn verdicts(response: &Value) -> BTreeMap<String, String> {
    let rows = rows(&response["report"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let verdicts: BTreeMap<_, _> = rows.iter().map(|row| (text(&row["action"]), text(&row["verdict"]))).collect();
    assert_eq!(verdicts.len(), rows.len(), "an action has two rows: {response}");
    verdicts
}

/// How many rows have which verdict: a response's summary without the grades of the proofs, which add up to what is told.
pub fn counts(response: &Value) -> Value {
    let mut summary = response["report"]["summary"].clone();
    let proofs = summary.as_object_mut().unwrap().remove("proofs").unwrap();
    let graded: u64 = ["documented", "observed", "inferred"].iter().map(|grade| proofs[grade].as_u64().unwrap()).sum();
    let told = summary["allowed"].as_u64().unwrap() + summary["denied"].as_u64().unwrap();
    assert_eq!(graded, told, "every verdict rests on a proof: {response}");
    summary
}

/// An HTTP request to this machine; returns the status and the body.
pub fn http(address: &str, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    http_with(address, method, path, "", body)
}

/// The same with further header lines, each of which ends with CRLF.
fn http_with(address: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    // HTTP/1.0, so that the end of the connection is the end of the body.
    let head = format!(
        "{method} {path} HTTP/1.0\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(body).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// An address of this machine that nothing listens on.
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The program under test: the one that `./dev test` compiled as for a release, else cargo's.
pub fn function() -> PathBuf {
    std::env::var_os("PROBE_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_permissions-probe").into(), PathBuf::from)
}

/// A command that knows nothing of anybody's AWS account.
pub fn scrubbed(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") || name.to_string_lossy().starts_with("PROBE_") {
            command.env_remove(name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// A program of the virtual environment.
pub fn tool(name: &str) -> PathBuf {
    let path = root().join(".local/venv/bin").join(name);
    assert!(path.exists(), "{} is missing; run ./dev test, which installs it", path.display());
    path
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An event of `events/`.
pub fn event(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(root().join("events").join(name)).unwrap()).unwrap()
}
