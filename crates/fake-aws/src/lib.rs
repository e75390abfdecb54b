//! A server of canned bytes on the loopback, and what AWS answers.
//!
//! It knows nothing of the program that asks, so that the tests of the compiled
//! function use it as well as those of its parts.

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

pub mod tls;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

pub const ACCOUNT: &str = "123456789012";

/// How a server answers one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends an answer, and waits for the next request.
    Send(Vec<u8>),
    /// Sends what there is, which can be nothing, and closes the connection.
    Close(Vec<u8>),
    /// Sends what there is, and then nothing more for this long.
    Stall(Vec<u8>, Duration),
    /// Sends the start of an answer, and then the other bytes so many times.
    Repeat(Vec<u8>, Vec<u8>, usize),
}

impl From<Vec<u8>> for Act {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() { Self::Close(bytes) } else { Self::Send(bytes) }
    }
}

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
pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
}

/// What a server has seen.
#[derive(Default)]
pub struct Seen {
    requests: Mutex<Vec<Request>>,
    count: AtomicUsize,
    connections: AtomicUsize,
    /// The bytes that were sent in endless answers.
    pub poured: AtomicUsize,
    stopped: AtomicBool,
    forgets: AtomicBool,
}

impl Seen {
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// From now on, requests are only counted, and not kept.
    pub fn forget(&self) {
        self.forgets.store(true, Ordering::SeqCst);
    }

    /// How many requests there were.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn add(&self, request: Request) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if !self.forgets.load(Ordering::SeqCst) {
            self.requests.lock().unwrap().push(request);
        }
    }
}

impl Server {
    /// Starts a server that answers each request as told, and closes a
    /// connection on which nothing is asked for ten seconds.
    pub fn start<A: Into<Act>>(answer: impl Fn(&Request) -> A + Send + Sync + 'static) -> Self {
        Self::accept(move |connection, seen| serve(connection, seen, Duration::from_secs(10), &answer))
    }

    /// Starts a server that does as it likes with each connection.
    pub fn accept(connected: impl Fn(TcpStream, &Seen) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, connected) = (server.seen.clone(), Arc::new(connected));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if seen.stopped.load(Ordering::SeqCst) {
                    break;
                }
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, connected) = (seen.clone(), connected.clone());
                std::thread::spawn(move || connected(connection, &seen));
            }
        });
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.seen.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// Answers the requests of one connection, until none comes for so long.
pub fn serve<A: Into<Act>>(connection: TcpStream, seen: &Seen, idle: Duration, answer: &dyn Fn(&Request) -> A) {
    connection.set_read_timeout(Some(idle)).unwrap();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut connection = connection;
    while let Some(request) = read_request(&mut reader) {
        let act = without_body(&request, answer(&request).into());
        seen.add(request);
        if !perform(&mut connection, seen, &act) {
            break;
        }
    }
}

/// The answer to HEAD has no body, whatever its length says (RFC 9110, section 9.3.2).
fn without_body(request: &Request, act: Act) -> Act {
    match act {
        Act::Send(mut bytes) if request.method == "HEAD" => {
            let head = bytes.windows(4).position(|end| end == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
            bytes.truncate(head);
            Act::Send(bytes)
        }
        act => act,
    }
}

/// Whether the connection goes on.
pub fn perform(connection: &mut impl Write, seen: &Seen, act: &Act) -> bool {
    match act {
        Act::Send(bytes) => connection.write_all(bytes).is_ok(),
        Act::Close(bytes) => {
            drop(connection.write_all(bytes));
            false
        }
        Act::Stall(bytes, long) => {
            drop(connection.write_all(bytes));
            std::thread::sleep(*long);
            false
        }
        Act::Repeat(start, bytes, times) => {
            let mut sent = connection.write_all(start).is_ok();
            for _ in 0..*times {
                sent = sent && connection.write_all(bytes).is_ok();
                if !sent {
                    break;
                }
                seen.poured.fetch_add(bytes.len(), Ordering::SeqCst);
            }
            false
        }
    }
}

pub fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut request = read_head(reader)?;
    read_body(reader, &mut request)?;
    Some(request)
}

/// Reads a request up to its body.
pub fn read_head(reader: &mut impl BufRead) -> Option<Request> {
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
    Some(Request { method, path, headers, body: Vec::new() })
}

pub fn read_body(reader: &mut impl BufRead, request: &mut Request) -> Option<()> {
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()
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
    json_error_with(400, code, message)
}

/// The same, with this status.
pub fn json_error_with(status: u16, code: &str, message: &str) -> Vec<u8> {
    let body = serde_json::json!({"__type": format!("com.amazonaws.service#{code}"), "message": message});
    response(status, "application/x-amz-json-1.0", &body.to_string())
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
        "sts" => sts_error(403, "AccessDenied", &message),
        _ if called == "sagemaker:InvokeEndpoint" => rest_json_error(403, "AccessDeniedException", &message),
        _ => json_error("AccessDeniedException", &message),
    }
}

/// The action that a request needs.
pub fn action_of(request: &Request) -> String {
    if let Some((service, operation)) = request.target().split_once('.') {
        let service = ["dynamodb", "sagemaker", "logs", "codedeploy"]
            .iter()
            .find(|s| service.to_ascii_lowercase().starts_with(**s));
        return format!("{}:{operation}", service.unwrap());
    }
    let action = match request.method.as_str() {
        "POST" if request.path.starts_with("/endpoints/") => "sagemaker:InvokeEndpoint",
        "POST" if request.body.starts_with(b"Action=AssumeRole&") => "sts:AssumeRole",
        "POST" => "sts:GetCallerIdentity",
        "PUT" => "s3:PutObject",
        _ if request.path.contains("list-type") => "s3:ListBucket",
        _ if request.path.contains("x-id=ListBuckets") => "s3:ListAllMyBuckets",
        _ => "s3:GetObject",
    };
    action.to_owned()
}

/// What AWS answers a role that may do everything, where all is as it should be.
pub fn healthy(request: &Request) -> Vec<u8> {
    match action_of(request).as_str() {
        "sts:GetCallerIdentity" => identity("lambda-ml-pipeline-role"),
        "sts:AssumeRole" => session("AKIASESSION"),
        "s3:ListBucket" => response(
            200,
            "application/xml",
            "<ListBucketResult><Name>your-bucket-name</Name><Contents><Key>training/data.csv</Key></Contents></ListBucketResult>",
        ),
        "s3:GetObject" => {
            with_headers(206, "x-amz-request-id: REQUEST-1\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n", "x")
        }
        "s3:PutObject" if request.header("if-none-match").is_some() => {
            s3_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        }
        "s3:PutObject" => s3_error(400, "BadDigest", "The Content-MD5 you specified did not match what we received."),
        // The table's key is id, a string.
        "dynamodb:PutItem" | "dynamodb:UpdateItem" if has_key(request) => {
            json_error("ConditionalCheckFailedException", "The conditional request failed")
        }
        "dynamodb:PutItem" => {
            json_error("ValidationException", "One or more parameter values were invalid: Missing the key id")
        }
        "dynamodb:Query" if !has_key(request) => {
            json_error("ValidationException", "Query condition missed key schema element: id")
        }
        "dynamodb:Query" => {
            json("{\"Count\": 0, \"ScannedCount\": 0, \"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}")
        }
        "dynamodb:GetItem" if has_key(request) => json("{\"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}"),
        "dynamodb:Scan" => {
            json("{\"Count\": 1, \"ScannedCount\": 1, \"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}")
        }
        "dynamodb:ListTables" => json("{\"TableNames\": [\"ModelMetadata\"]}"),
        "logs:DescribeLogGroups" => json("{\"logGroups\": []}"),
        "s3:ListAllMyBuckets" => {
            response(200, "application/xml", "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>")
        }
        action if action.starts_with("dynamodb:") => {
            json_error("ValidationException", "The provided key element does not match the schema")
        }
        "sagemaker:DescribeTrainingJob" if !request.body.windows(18).any(|text| text == b"permissions-probe-") => {
            json("{\"TrainingJobArn\": \"arn:aws:sagemaker:us-east-1:123456789012:training-job/x\"}")
        }
        "sagemaker:DescribeTrainingJob" => json_error("ValidationException", "Requested resource not found."),
        "sagemaker:CreateEndpoint" => json_error("ValidationException", "Could not find endpoint configuration \"x\"."),
        "sagemaker:InvokeEndpoint" => rest_json_error(400, "ValidationError", "Endpoint x of account y not found."),
        "sagemaker:CreateModel" => json_error("ValidationException", "Requested image x not found."),
        "sagemaker:CreateTrainingJob" => json_error("ValidationException", "Could not assume role x."),
        "codedeploy:PutLifecycleEventHookExecutionStatus" => json("{\"lifecycleEventHookExecutionId\": \"x\"}"),
        "logs:PutLogEvents" => json("{\"rejectedLogEventsInfo\": {\"tooOldLogEventEndIndex\": 1}}"),
        _ => json_error("ResourceAlreadyExistsException", "It already exists."),
    }
}

/// Whether a request to DynamoDB names the key `id`, in its condition or as its key.
fn has_key(request: &Request) -> bool {
    let body = request.json();
    body["Key"].get("id").or_else(|| body["Item"].get("id")).is_some()
        || body["ExpressionAttributeNames"]["#key"] == "id"
}

/// The same, where one action is denied when it is first asked for.
pub fn denied_at_first(action: &'static str) -> impl Fn(&Request) -> Vec<u8> {
    let asked = AtomicUsize::new(0);
    move |request| {
        if action_of(request) == action && asked.fetch_add(1, Ordering::SeqCst) == 0 {
            denial(action, action)
        } else {
            healthy(request)
        }
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

/// STS's answer to who may assume a role.
pub fn session(key: &str) -> Vec<u8> {
    response(
        200,
        "text/xml",
        &format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>session</SecretAccessKey><SessionToken>token</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

/// An error of STS.
pub fn sts_error(status: u16, code: &str, message: &str) -> Vec<u8> {
    response(
        status,
        "text/xml",
        &format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>REQUEST-1</RequestId></ErrorResponse>"
        ),
    )
}

/// An error of the service that the request went to.
pub fn error_of(request: &Request, status: u16, code: &str, message: &str) -> Vec<u8> {
    match action_of(request).as_str() {
        action if action.starts_with("s3:") => s3_error(status, code, message),
        "sagemaker:InvokeEndpoint" => rest_json_error(status, code, message),
        action if action.starts_with("sts:") => sts_error(status, code, message),
        _ => json_error_with(status, code, message),
    }
}
