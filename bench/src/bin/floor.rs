//! The seventeen calls, all at once, with as little as possible between them
//! and the sockets: what an SDK can hardly be faster than.
//!
//! It does what the function does for its verdicts: it sends one request for each
//! action, finds AWS's request id in each answer, and writes a report of the size
//! of the function's. With `--preconnect` it opens its connections before it asks
//! for the first event, as the function does.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{digest, hmac};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// That of the function.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The function's response to a run in which everything is allowed.
const RESPONSE: &str = r#"{"statusCode":200,"body":"Preprocessing complete and metadata updated","headers":{"Content-Type":"application/json"}}"#;

type Failure = Box<dyn Error + Send + Sync>;
type Connection = SendRequest<Full<Bytes>>;

/// One call: the service's endpoint variable and signing name, and the request.
struct Call {
    /// The action that it tries, for the report.
    action: &'static str,
    endpoint: &'static str,
    service: &'static str,
    method: &'static str,
    path: &'static str,
    header: Option<(&'static str, &'static str)>,
    body: &'static str,
}

const fn json(
    action: &'static str,
    endpoint: &'static str,
    service: &'static str,
    target: &'static str,
    body: &'static str,
) -> Call {
    Call { action, endpoint, service, method: "POST", path: "/", header: Some(("x-amz-target", target)), body }
}

const fn s3(
    action: &'static str,
    method: &'static str,
    path: &'static str,
    header: Option<(&'static str, &'static str)>,
    body: &'static str,
) -> Call {
    Call { action, endpoint: "S3", service: "s3", method, path, header, body }
}

const CALLS: &[Call] = &[
    Call {
        action: "sts:GetCallerIdentity",
        endpoint: "STS",
        service: "sts",
        method: "POST",
        path: "/",
        header: Some(("content-type", "application/x-www-form-urlencoded")),
        body: "Action=GetCallerIdentity&Version=2011-06-15",
    },
    s3("s3:GetObject", "GET", "/your-bucket-name/training/data.csv", Some(("range", "bytes=0-0")), ""),
    s3(
        "s3:PutObject",
        "PUT",
        "/your-bucket-name/permissions-probe-0",
        Some(("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")),
        "0",
    ),
    s3("s3:ListBucket", "GET", "/your-bucket-name?list-type=2&max-keys=1", None, ""),
    json(
        "dynamodb:PutItem",
        "DYNAMODB",
        "dynamodb",
        "DynamoDB_20120810.PutItem",
        r##"{"TableName":"ModelMetadata","Item":{"permissions_probe_absent":{"S":"absent"}},"ConditionExpression":"attribute_exists(#guard) AND attribute_not_exists(#guard)","ExpressionAttributeNames":{"#guard":"permissions_probe_absent"}}"##,
    ),
    json(
        "dynamodb:UpdateItem",
        "DYNAMODB",
        "dynamodb",
        "DynamoDB_20120810.UpdateItem",
        r##"{"TableName":"ModelMetadata","Key":{"permissions_probe_absent":{"S":"absent"}},"UpdateExpression":"SET #guard = :value","ConditionExpression":"attribute_exists(#guard) AND attribute_not_exists(#guard)","ExpressionAttributeNames":{"#guard":"permissions_probe_guard"},"ExpressionAttributeValues":{":value":{"S":"absent"}}}"##,
    ),
    json(
        "dynamodb:GetItem",
        "DYNAMODB",
        "dynamodb",
        "DynamoDB_20120810.GetItem",
        r#"{"TableName":"ModelMetadata","Key":{"permissions_probe_absent":{"S":"absent"}}}"#,
    ),
    json(
        "dynamodb:Scan",
        "DYNAMODB",
        "dynamodb",
        "DynamoDB_20120810.Scan",
        r#"{"TableName":"ModelMetadata","Limit":1,"Select":"COUNT"}"#,
    ),
    json(
        "dynamodb:Query",
        "DYNAMODB",
        "dynamodb",
        "DynamoDB_20120810.Query",
        r##"{"TableName":"ModelMetadata","Limit":1,"Select":"COUNT","KeyConditionExpression":"#key = :value","ExpressionAttributeNames":{"#key":"permissions_probe_absent"},"ExpressionAttributeValues":{":value":{"S":"absent"}}}"##,
    ),
    json(
        "sagemaker:CreateTrainingJob",
        "SAGEMAKER",
        "sagemaker",
        "SageMaker.CreateTrainingJob",
        r#"{"TrainingJobName":"permissions-probe-0","RoleArn":"arn:aws:iam::123456789012:role/permissions-probe-0","AlgorithmSpecification":{"TrainingImage":"123456789012.dkr.ecr.us-east-1.amazonaws.com/permissions-probe-0:absent","TrainingInputMode":"File"},"ResourceConfig":{"InstanceType":"ml.m5.large","InstanceCount":1,"VolumeSizeInGB":1},"StoppingCondition":{"MaxRuntimeInSeconds":60},"OutputDataConfig":{"S3OutputPath":"s3://your-bucket-name/permissions-probe-0"}}"#,
    ),
    json(
        "sagemaker:DescribeTrainingJob",
        "SAGEMAKER",
        "sagemaker",
        "SageMaker.DescribeTrainingJob",
        r#"{"TrainingJobName":"permissions-probe-0"}"#,
    ),
    json(
        "sagemaker:CreateModel",
        "SAGEMAKER",
        "sagemaker",
        "SageMaker.CreateModel",
        r#"{"ModelName":"permissions-probe-0","ExecutionRoleArn":"arn:aws:iam::123456789012:role/permissions-probe-0","PrimaryContainer":{"Image":"123456789012.dkr.ecr.us-east-1.amazonaws.com/permissions-probe-0:absent"}}"#,
    ),
    json(
        "sagemaker:CreateEndpoint",
        "SAGEMAKER",
        "sagemaker",
        "SageMaker.CreateEndpoint",
        r#"{"EndpointName":"permissions-probe-0","EndpointConfigName":"permissions-probe-0"}"#,
    ),
    Call {
        action: "sagemaker:InvokeEndpoint",
        endpoint: "SAGEMAKER_RUNTIME",
        service: "sagemaker",
        method: "POST",
        path: "/endpoints/permissions-probe-0/invocations",
        header: Some(("content-type", "application/json")),
        body: "{}",
    },
    json(
        "logs:CreateLogGroup",
        "CLOUDWATCH_LOGS",
        "logs",
        "Logs_20140328.CreateLogGroup",
        r#"{"logGroupName":"/aws/lambda/permissions-probe"}"#,
    ),
    json(
        "logs:CreateLogStream",
        "CLOUDWATCH_LOGS",
        "logs",
        "Logs_20140328.CreateLogStream",
        r#"{"logGroupName":"/aws/lambda/permissions-probe","logStreamName":"2026/01/01/[$LATEST]abc"}"#,
    ),
    json(
        "logs:PutLogEvents",
        "CLOUDWATCH_LOGS",
        "logs",
        "Logs_20140328.PutLogEvents",
        r#"{"logGroupName":"/aws/lambda/permissions-probe","logStreamName":"2026/01/01/[$LATEST]abc","logEvents":[{"timestamp":0,"message":"permissions-probe"}]}"#,
    ),
];

struct Client {
    tls: TlsConnector,
    key: String,
    secret: String,
    endpoints: HashMap<&'static str, String>,
    idle: Mutex<HashMap<&'static str, Vec<Connection>>>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The time as a signature has it, such as `20260101T000000Z` (days by Howard Hinnant's algorithm).
fn timestamp() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

impl Client {
    /// AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request").
    fn sign(&self, call: &Call, host: &str) -> Result<Request<Full<Bytes>>, Failure> {
        let (time, payload) = (timestamp(), sha256(call.body.as_bytes()));
        let date = &time[..8];
        let (path, query) = call.path.split_once('?').unwrap_or((call.path, ""));
        let mut headers = vec![("host", host), ("x-amz-content-sha256", &payload), ("x-amz-date", &time)];
        headers.extend(call.header);
        headers.sort_unstable();
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let mut canonical = format!("{}\n{path}\n{query}\n", call.method);
        for (name, value) in &headers {
            writeln!(canonical, "{name}:{value}")?;
        }
        write!(canonical, "\n{names}\n{payload}")?;
        let scope = format!("{date}/us-east-1/{}/aws4_request", call.service);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let key = mac(format!("AWS4{}", self.secret).as_bytes(), date);
        let key = mac(mac(mac(key.as_ref(), "us-east-1").as_ref(), call.service).as_ref(), "aws4_request");
        let signature = hex(mac(key.as_ref(), &text).as_ref());
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", self.key);
        let mut request = Request::builder().method(call.method).uri(call.path).header("authorization", authorization);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Ok(request.body(Full::new(Bytes::from_static(call.body.as_bytes())))?)
    }

    async fn connect(&self, host: &str) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(host.split(':').next().unwrap_or_default().to_owned())?;
        let stream = self.tls.connect(name, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Makes a call and finds out which request AWS says that it was.
    async fn call(&self, call: &'static Call) -> Result<Row, Failure> {
        let (started, host) = (Instant::now(), self.endpoints[call.endpoint].as_str());
        let request = self.sign(call, host)?;
        let mut connection = match self.idle(call.endpoint).filter(SendRequest::is_ready) {
            Some(connection) => connection,
            None => self.connect(host).await?,
        };
        let answer = connection.send_request(request).await?;
        let id = ["x-amzn-requestid", "x-amz-request-id"].iter().find_map(|name| answer.headers().get(*name));
        let id = id.ok_or_else(|| format!("the answer to {} has no request id", call.action))?.to_str()?.to_owned();
        let (action, status) = (call.action, answer.status().as_u16());
        answer.into_body().collect().await?;
        self.keep(call.endpoint, connection);
        Ok(Row { action, status, id, ms: started.elapsed().as_millis() })
    }

    fn idle(&self, endpoint: &str) -> Option<Connection> {
        self.idle.lock().ok()?.get_mut(endpoint)?.pop()
    }

    fn keep(&self, endpoint: &'static str, connection: Connection) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.entry(endpoint).or_default().push(connection);
        }
    }
}

/// What a call brought.
struct Row {
    action: &'static str,
    status: u16,
    id: String,
    ms: u128,
}

/// The log's line of a run, about as long as what the function logs of one.
fn report(rows: &[Row], request: &str) -> String {
    let mut line = format!(r#"{{"timestamp":"{}","level":"INFO","function_request_id":"{request}""#, timestamp());
    line.push_str(r#","statusCode":200,"verdict":"allowed","rows":["#);
    for (index, Row { action, status, id, ms }) in rows.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(line, r#"{comma}{{"action":"{action}","status":{status},"id":"{id}","ms":{ms}}}"#).unwrap_or_default();
    }
    line.push_str("]}\n");
    line
}

/// Does the same for every call at once.
async fn for_each_call<T: Send + 'static, F: Future<Output = Result<T, Failure>> + Send + 'static>(
    client: &Arc<Client>,
    act: fn(Arc<Client>, &'static Call) -> F,
) -> Result<Vec<T>, Failure> {
    let tasks: Vec<_> = CALLS.iter().map(|call| tokio::spawn(act(client.clone(), call))).collect();
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        done.push(task.await??);
    }
    Ok(done)
}

fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(variable("AWS_CA_BUNDLE")?)? {
        roots.add(certificate?)?;
    }
    let mut endpoints = HashMap::new();
    for call in CALLS {
        let url = variable(&format!("AWS_ENDPOINT_URL_{}", call.endpoint))?;
        endpoints.insert(call.endpoint, url.trim_start_matches("https://").to_owned());
    }
    let client = Arc::new(Client {
        tls: TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())),
        key: variable("AWS_ACCESS_KEY_ID")?,
        secret: variable("AWS_SECRET_ACCESS_KEY")?,
        endpoints,
        idle: Mutex::default(),
    });

    if std::env::args().any(|argument| argument == "--preconnect") {
        let connect = |client: Arc<Client>, call: &'static Call| async move {
            let connection = client.connect(&client.endpoints[call.endpoint]).await?;
            client.keep(call.endpoint, connection);
            Ok(())
        };
        for_each_call(&client, connect).await?;
    }
    let api = variable("AWS_LAMBDA_RUNTIME_API")?;
    let (mut lambda, connection) = handshake(TokioIo::new(TcpStream::connect(&api).await?)).await?;
    tokio::spawn(connection);
    let request = |method, path: String, body: &'static str| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", &api)
            .body(Full::new(Bytes::from_static(body.as_bytes())))
    };
    loop {
        lambda.ready().await?;
        let event = lambda.send_request(request("GET", "/2018-06-01/runtime/invocation/next".to_owned(), "")?).await?;
        let id = event.headers()["lambda-runtime-aws-request-id"].to_str()?.to_owned();
        event.into_body().collect().await?;
        let rows = for_each_call(&client, |client, call| async move { client.call(call).await }).await?;
        std::io::stdout().write_all(report(&rows, &id).as_bytes())?;
        lambda.ready().await?;
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        lambda.send_request(request("POST", path, RESPONSE)?).await?.into_body().collect().await?;
    }
}
