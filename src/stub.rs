//! A server of canned bytes on the loopback, so that tests send every request
//! through the real SDK and read every answer with its real parsers.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use serde_json::Value;

use crate::config::Config;
use crate::probe::{self, Clients, Context, Outcome, Principal, Probe};
use crate::verdict::{Judgement, Warning, judge};

pub const ACCOUNT: &str = "123456789012";
pub const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:permissions-probe";

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The operation that a JSON protocol names in its header.
    pub fn target(&self) -> &str {
        self.header("x-amz-target").unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The server, which stops when it is dropped.
pub struct Stub {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
}

impl Stub {
    /// Starts a server that answers each request with the bytes that `answer` returns.
    pub fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stub = Self { address: listener.local_addr().unwrap(), requests: Arc::default(), stopped: Arc::default() };
        let (requests, stopped, answer) = (stub.requests.clone(), stub.stopped.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (requests, answer) = (requests.clone(), answer.clone());
                std::thread::spawn(move || serve(connection, &requests, &*answer));
            }
        });
        stub
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// An SDK configuration that knows only this server, and nothing of the environment.
    pub fn sdk(&self) -> SdkConfig {
        sdk(&format!("http://{}", self.address))
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

pub fn sdk(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKID", "secret", None, None, "stub")))
        .build()
}

fn serve(connection: TcpStream, requests: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Vec<u8>) {
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut connection = connection;
    while let Some(request) = read_request(&mut reader) {
        let bytes = answer(&request);
        requests.lock().unwrap().push(request);
        if bytes.is_empty() || connection.write_all(&bytes).is_err() {
            break;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut first = first.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// An HTTP response as AWS writes it, request id included.
pub fn response(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    with_headers(status, &format!("content-type: {content_type}\r\nx-amzn-requestid: REQUEST-1\r\n"), body)
}

/// A response with just these headers.
pub fn with_headers(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A success of a JSON service.
pub fn json(body: &str) -> Vec<u8> {
    response(200, "application/x-amz-json-1.0", body)
}

/// An error of a JSON service.
pub fn json_error(code: &str, message: &str) -> Vec<u8> {
    let body = serde_json::json!({"__type": format!("com.amazonaws.service#{code}"), "message": message});
    response(400, "application/x-amz-json-1.0", &body.to_string())
}

/// An error of a REST-JSON service, which names the code in a header.
pub fn rest_json_error(status: u16, code: &str, message: &str) -> Vec<u8> {
    let body = serde_json::json!({"Message": message}).to_string();
    let headers =
        format!("x-amzn-requestid: REQUEST-1\r\nx-amzn-errortype: {code}\r\ncontent-type: application/json\r\n");
    with_headers(status, &headers, &body)
}

/// An error of S3.
pub fn s3_error(status: u16, code: &str, message: &str) -> Vec<u8> {
    let message = message.replace('"', "&quot;");
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>REQUEST-1</RequestId><HostId>host</HostId></Error>"
    );
    with_headers(status, "x-amz-request-id: REQUEST-1\r\nx-amz-bucket-region: eu-west-1\r\n", &body)
}

/// A denial of this action in the form that its service gives it.
pub fn denial(action: &str, called: &str) -> Vec<u8> {
    let message = format!(
        "User: arn:aws:sts::{ACCOUNT}:assumed-role/lambda-ml-pipeline-role/probe is not authorized to perform: {action} \
         on resource: arn:aws:service:us-east-1:{ACCOUNT}:thing because no identity-based policy allows the {action} action"
    );
    match called.split(':').next().unwrap() {
        "s3" => s3_error(403, "AccessDenied", &message),
        "sts" => response(
            403,
            "text/xml",
            &format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>AccessDenied</Code><Message>{message}</Message></Error><RequestId>REQUEST-1</RequestId></ErrorResponse>"
            ),
        ),
        _ if called == "sagemaker:InvokeEndpoint" => rest_json_error(403, "AccessDeniedException", &message),
        _ => json_error("AccessDeniedException", &message),
    }
}

pub fn config() -> Config {
    config_with(&[])
}

/// The configuration of the tests, with more variables or other ones.
pub fn config_with(variables: &[(&str, &str)]) -> Config {
    let base = [
        ("PROBE_BUCKET", "your-bucket-name"),
        ("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/permissions-probe"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]abc"),
    ];
    Config::from_env(|name| variables.iter().chain(&base).find(|v| v.0 == name).map(|v| Ok(v.1.to_owned()))).unwrap()
}

pub fn context(sdk: &SdkConfig, config: Config) -> Context {
    let clients = Clients::new(sdk, config.timeout);
    let mut cx = Context::new(Arc::new(config), clients, "us-east-1", FUNCTION_ARN);
    cx.nonce = "0123456789abcdef".to_owned();
    cx
}

/// Runs one probe against canned bytes; returns what was sent and what came of it.
pub async fn try_probe(
    probe: &'static Probe,
    config: Config,
    answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
) -> (Vec<Request>, Outcome, Option<Principal>) {
    let stub = Stub::start(answer);
    let cx = Arc::new(context(&stub.sdk(), config));
    let outcome = probe::run(probe, cx.clone(), Duration::from_secs(5)).await;
    (stub.requests(), outcome, cx.principal.get().cloned().flatten())
}

/// The one request that a probe sends.
pub async fn request_of(probe: &'static Probe, config: Config) -> Request {
    let (mut requests, ..) = try_probe(probe, config, |_| response(400, "text/plain", "")).await;
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

/// Asserts what each answer is taken for, in the words of [`summary`].
pub async fn check(probe: &'static Probe, answers: Vec<(Vec<u8>, &str)>) {
    for (bytes, expected) in answers {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let (_, outcome, _) = try_probe(probe, config(), move |_| bytes.clone()).await;
        assert_eq!(summary(&outcome), expected, "{shown}");
    }
}

/// A judgement in one line: `allowed CODE grade[, warning]`, `denied [kind]`, or `inconclusive cause`.
pub fn summary(outcome: &Outcome) -> String {
    match judge(&outcome.answer, outcome.probe.action, outcome.probe.proofs, outcome.probe.behind) {
        Judgement::Allowed { code, grade, warning, behind, .. } => {
            let warning = match warning {
                Some(Warning::ResourceMissing) => ", resource missing",
                Some(Warning::SideEffect) => ", side effect",
                None => "",
            };
            let behind = behind.map(|denial| format!(", behind it {}", denial.action)).unwrap_or_default();
            format!("allowed {code} {}{warning}{behind}", grade.name())
        }
        Judgement::Denied { denial, .. } => {
            denial.map_or("denied".to_owned(), |denial| format!("denied {:?} {:?}", denial.kind, denial.policy_type))
        }
        Judgement::Inconclusive { cause, .. } => format!("inconclusive {}", cause.name()),
    }
}

/// The action that a request needs.
pub fn action_of(request: &Request) -> String {
    if let Some((service, operation)) = request.target().split_once('.') {
        let service = ["dynamodb", "sagemaker", "logs"].iter().find(|s| service.to_ascii_lowercase().starts_with(**s));
        return format!("{}:{operation}", service.unwrap());
    }
    let action = match request.method.as_str() {
        "POST" if request.path.starts_with("/endpoints/") => "sagemaker:InvokeEndpoint",
        "POST" => "sts:GetCallerIdentity",
        "PUT" => "s3:PutObject",
        _ if request.path.contains("list-type") => "s3:ListBucket",
        _ => "s3:GetObject",
    };
    action.to_owned()
}

/// What AWS answers a role that may do everything, where all is as it should be.
pub fn healthy(request: &Request) -> Vec<u8> {
    match action_of(request).as_str() {
        "sts:GetCallerIdentity" => identity("lambda-ml-pipeline-role"),
        "s3:ListBucket" => response(
            200,
            "application/xml",
            "<ListBucketResult><Name>your-bucket-name</Name><Contents><Key>training/data.csv</Key></Contents></ListBucketResult>",
        ),
        "s3:GetObject" => {
            with_headers(206, "x-amz-request-id: REQUEST-1\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n", "x")
        }
        "s3:PutObject" => s3_error(400, "BadDigest", "The Content-MD5 you specified did not match what we received."),
        "dynamodb:PutItem" => {
            json_error("ValidationException", "One or more parameter values were invalid: Missing the key id")
        }
        "dynamodb:Query" => json_error("ValidationException", "Query condition missed key schema element: id"),
        "dynamodb:Scan" => json("{\"Count\": 1, \"ScannedCount\": 1}"),
        action if action.starts_with("dynamodb:") => {
            json_error("ValidationException", "The provided key element does not match the schema")
        }
        "sagemaker:DescribeTrainingJob" => json_error("ValidationException", "Requested resource not found."),
        "sagemaker:CreateEndpoint" => json_error("ValidationException", "Could not find endpoint configuration \"x\"."),
        "sagemaker:InvokeEndpoint" => rest_json_error(400, "ValidationError", "Endpoint x of account y not found."),
        "sagemaker:CreateModel" => json_error("ValidationException", "Requested image x not found."),
        "sagemaker:CreateTrainingJob" => json_error("ValidationException", "Could not assume role x."),
        "logs:PutLogEvents" => json("{\"rejectedLogEventsInfo\": {\"tooOldLogEventEndIndex\": 1}}"),
        _ => json_error("ResourceAlreadyExistsException", "It already exists."),
    }
}

/// STS's answer to a session of this role.
pub fn identity(role: &str) -> Vec<u8> {
    response(
        200,
        "text/xml",
        &format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:sts::{ACCOUNT}:assumed-role/{role}/permissions-probe</Arn><Account>{ACCOUNT}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        ),
    )
}

/// An error of the service that the request went to.
pub fn error_of(request: &Request, status: u16, code: &str, message: &str) -> Vec<u8> {
    match action_of(request).as_str() {
        action if action.starts_with("s3:") => s3_error(status, code, message),
        "sagemaker:InvokeEndpoint" => rest_json_error(status, code, message),
        "sts:GetCallerIdentity" => response(
            status,
            "text/xml",
            &format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            ),
        ),
        _ => json_error(code, message),
    }
}
