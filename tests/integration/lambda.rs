//! The compiled function as a process, under a Lambda Runtime API of these
//! tests' own, which hands out any event, to any number of workers at once.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::emulator::{Environment, FUNCTION_ARN, function, scrubbed, stop};
use fake_aws::{Act, Request, Server, with_headers};

/// The function, and what invokes it.
pub struct Lambda {
    invocations: Arc<Invocations>,
    _runtime_api: Server,
    child: Option<Child>,
    log: PathBuf,
}

#[derive(Default)]
struct Invocations {
    function_arn: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: usize,
    waiting: VecDeque<(String, Vec<u8>)>,
    answered: BTreeMap<String, String>,
}

/// How long an invocation may take, as the function is told.
const TIMEOUT: Duration = Duration::from_secs(15);

impl Invocations {
    /// Lambda Developer Guide, "Using the Lambda runtime API".
    fn answer(&self, request: &Request) -> Act {
        let mut state = self.state.lock().unwrap();
        let parts: Vec<_> = request.path.split('/').skip(3).collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["invocation", "next"]) => loop {
                if let Some((id, event)) = state.waiting.pop_front() {
                    let deadline = (SystemTime::now() + TIMEOUT).duration_since(UNIX_EPOCH).unwrap().as_millis();
                    let arn = &self.function_arn;
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
                         Lambda-Runtime-Invoked-Function-Arn: {arn}\r\ncontent-type: application/json\r\n\
                         content-length: {}\r\n\r\n",
                        event.len()
                    );
                    return Act::Send([head.into_bytes(), event].concat());
                }
                state = self.changed.wait(state).unwrap();
            },
            ("POST", ["invocation", id, how]) => {
                let body = String::from_utf8(request.body.clone()).unwrap();
                let body = if *how == "response" { body } else { format!("{how}: {body}") };
                state.answered.insert((*id).to_owned(), body);
                self.changed.notify_all();
                Act::Send(with_headers(202, "", "{}"))
            }
            what => panic!("{what:?} is no request of a Lambda runtime"),
        }
    }
}

impl Lambda {
    /// Starts the function in an environment.
    pub fn start(environment: &Environment) -> Self {
        Self::start_as(FUNCTION_ARN, environment)
    }

    /// The same, as the function of another ARN.
    pub fn start_as(function_arn: &str, environment: &Environment) -> Self {
        let invocations = Arc::new(Invocations { function_arn: function_arn.to_owned(), ..Invocations::default() });
        let shared = invocations.clone();
        let runtime_api = Server::start(move |request| shared.answer(request));
        runtime_api.seen.forget();
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lambda-{}.log", runtime_api.address.port()));
        let child = scrubbed(&function())
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "permissions-probe")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            // Nobody's profile is to be found there.
            .env("HOME", env!("CARGO_TARGET_TMPDIR"))
            .envs(environment)
            .stdout(File::create(&log).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { invocations, _runtime_api: runtime_api, child: Some(child), log }
    }

    /// Sends an event; returns the request id.
    pub fn send(&self, event: &[u8]) -> String {
        let mut state = self.invocations.state.lock().unwrap();
        state.next += 1;
        let id = format!("request-{}", state.next);
        state.waiting.push_back((id.clone(), event.to_vec()));
        self.invocations.changed.notify_all();
        id
    }

    /// Waits for the response to a request.
    pub fn receive(&self, id: &str) -> String {
        let started = Instant::now();
        let mut state = self.invocations.state.lock().unwrap();
        loop {
            if let Some(answer) = state.answered.remove(id) {
                return answer;
            }
            assert!(started.elapsed() < TIMEOUT * 2, "{id} was not answered");
            state = self.invocations.changed.wait_timeout(state, Duration::from_secs(1)).unwrap().0;
        }
    }

    pub fn invoke_text(&self, event: &[u8]) -> String {
        self.receive(&self.send(event))
    }

    pub fn invoke(&self, event: &[u8]) -> Value {
        let text = self.invoke_text(event);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends the process a signal, by its name.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status().unwrap();
        assert!(done.success(), "kill -{name}");
    }

    /// The most memory that the process has used, in KiB (proc(5), `VmHWM`).
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory of the process in use, in KiB (proc(5), `VmRSS`).
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How many files and sockets the process has open.
    pub fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    /// Stops the function and returns its log.
    pub fn log(mut self) -> String {
        stop(self.child.take());
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        stop(self.child.take());
        drop(std::fs::remove_file(&self.log));
    }
}

/// An environment in which this server is AWS.
pub fn environment(aws: &Server) -> Environment {
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/permissions-probe"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]abc"),
        ("PROBE_BUCKET", "your-bucket-name"),
    ];
    let mut environment: Environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    environment.insert("AWS_ENDPOINT_URL".to_owned(), format!("http://{}", aws.address));
    environment
}

/// An environment with more variables, or other ones.
pub fn with(mut environment: Environment, variables: &[(&str, &str)]) -> Environment {
    environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    environment
}
