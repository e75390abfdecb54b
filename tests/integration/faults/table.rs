//! The faults, and what each row says under each of them.

use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::faults::partial::{lost, one_of_several};
use crate::harness::{
    ACCOUNT, Act, Request, Seen, Server, action_of, denial, error_of, healthy, json_error_with, response, serve,
    with_headers,
};
use fake_aws::tls::{self, Certificate};
use permissions_aws::probes::ALL;
use permissions_core::iam::denial::PolicyType;
use permissions_core::judge::{CODES, Cause};

/// One thing that goes wrong.
pub struct Fault {
    pub group: &'static str,
    pub name: String,
    pub how: How,
    /// What the row of an action says, in the words of `stub::summary`.
    pub expected: Box<dyn Fn(&str) -> String>,
}

/// Where the requests go.
pub enum How {
    /// To a server of this fault's own, over http.
    Server(Box<dyn Fn() -> Server>),
    /// To a server of this fault's own, over https, which trusts this authority.
    Tls(Box<dyn Fn() -> (Server, Vec<u8>)>),
    /// To an endpoint where there is nothing.
    Endpoint(&'static str),
}

impl Fault {
    /// Whether it holds up an answer for longer than a test wants to wait.
    pub fn is_slow(&self) -> bool {
        ALL.iter().any(|probe| (self.expected)(probe.info.action) == "inconclusive timedOut")
    }
}

/// All faults.
pub fn faults() -> Vec<Fault> {
    let groups =
        [network(), broken_http(), tls_faults(), not_aws(), nonsense(), codes(), denials(), one_of_several(), lost()];
    groups.into_iter().flatten().collect()
}

fn all(expected: &str) -> Box<dyn Fn(&str) -> String> {
    let expected = expected.to_owned();
    Box::new(move |_| expected.clone())
}

pub(super) fn answered<A: Into<Act> + 'static>(
    group: &'static str,
    name: impl Into<String>,
    answer: impl Fn(&Request) -> A + Clone + Send + Sync + 'static,
    expected: Box<dyn Fn(&str) -> String>,
) -> Fault {
    let how = How::Server(Box::new(move || Server::start(answer.clone())));
    Fault { group, name: name.into(), how, expected }
}

fn connected(
    group: &'static str,
    name: &str,
    treat: fn(TcpStream, &Seen),
    expected: Box<dyn Fn(&str) -> String>,
) -> Fault {
    Fault { group, name: name.to_owned(), how: How::Server(Box::new(move || Server::accept(treat))), expected }
}

pub(super) const LONG: Duration = Duration::from_secs(3);

/// Sends these bytes and closes while a request is still unread, so that the
/// operating system resets the connection.
fn reset(connection: &TcpStream, bytes: &[u8]) {
    use std::io::{Read, Write};
    let mut connection = connection;
    drop(connection.read(&mut [0; 1]));
    drop(connection.write_all(bytes));
    std::thread::sleep(Duration::from_millis(20));
}

fn network() -> Vec<Fault> {
    let group = "The network";
    let endpoint = |name: &str, endpoint| Fault {
        group,
        name: name.to_owned(),
        how: How::Endpoint(endpoint),
        expected: all("inconclusive network"),
    };
    let silent = |connection: TcpStream, _: &Seen| {
        std::thread::sleep(LONG);
        drop(connection);
    };
    vec![
        // Port 1 is nobody's, and a label of a name has 63 characters at most.
        endpoint("the connection is refused", "http://127.0.0.1:1"),
        endpoint(
            "the name has no address",
            "http://a-label-of-a-name-that-is-longer-than-the-sixty-three-characters-it-may-have.invalid",
        ),
        connected(group, "the connection is accepted, and then there is silence", silent, all("inconclusive timedOut")),
        answered(group, "the connection is closed without an answer", |_| Vec::new(), all("inconclusive network")),
        connected(group, "a reset before the headers", |c, _| reset(&c, b""), all("inconclusive network")),
        connected(
            group,
            "a reset within the headers",
            |c, _| reset(&c, b"HTTP/1.1 200 OK\r\nx-amzn-requ"),
            all("inconclusive network"),
        ),
        connected(
            group,
            "a reset within the body",
            |c, _| reset(&c, b"HTTP/1.1 400 X\r\nx-amzn-requestid: A\r\ncontent-length: 500\r\n\r\n{\"__type\": \"Acc"),
            all("inconclusive network"),
        ),
        answered(
            group,
            "closed within the headers",
            |_| Act::Close(b"HTTP/1.1 200 OK\r\nx-amzn-requ".to_vec()),
            all("inconclusive network"),
        ),
        answered(
            group,
            "a stall within the headers",
            |_| Act::Stall(b"HTTP/1.1 200 OK\r\nx-amzn-requ".to_vec(), LONG),
            all("inconclusive timedOut"),
        ),
        answered(
            group,
            "a stall within the body of a denial",
            |request| {
                let whole = denial(&action_of(request), &action_of(request));
                Act::Stall(whole[..whole.len() - 30].to_vec(), LONG)
            },
            all("inconclusive timedOut"),
        ),
        answered(
            group,
            "closed within the body of a denial",
            |request| {
                let whole = denial(&action_of(request), &action_of(request));
                Act::Close(whole[..whole.len() - 30].to_vec())
            },
            all("inconclusive network"),
        ),
    ]
}

fn broken_http() -> Vec<Fault> {
    let group = "HTTP that breaks its rules";
    let mut faults = vec![
        answered(
            group,
            "a chunked denial that ends before its last chunk",
            |request| {
                let whole = denial(&action_of(request), &action_of(request));
                let text = String::from_utf8(whole).unwrap();
                let (_, body) = text.split_once("\r\n\r\n").unwrap();
                let head = "HTTP/1.1 400 X\r\nx-amzn-requestid: A\r\ntransfer-encoding: chunked\r\n\r\n";
                Act::Close(format!("{head}{:x}\r\n{body}\r\n", body.len()).into_bytes())
            },
            all("inconclusive network"),
        ),
        answered(
            group,
            "a denial whose length is stated too short",
            |request| {
                let text = String::from_utf8(denial(&action_of(request), &action_of(request))).unwrap();
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                let length = format!("content-length: {}", body.len());
                Act::Close(format!("{}\r\n\r\n{body}", head.replace(&length, "content-length: 60")).into_bytes())
            },
            all("inconclusive unrecognized"),
        ),
        answered(
            group,
            "another protocol",
            |_| Act::Close(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
            all("inconclusive network"),
        ),
        answered(
            group,
            "a status that is no number",
            |_| Act::Close(b"HTTP/1.1 OK\r\n\r\n".to_vec()),
            all("inconclusive network"),
        ),
        answered(
            group,
            "headers without an end",
            |_| Act::Repeat(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-header: value\r\n".repeat(1000), 10_000),
            all("inconclusive network"),
        ),
    ];
    for (status, kind) in [(200, "a success"), (400, "an error"), (403, "a denial")] {
        faults.push(answered(
            group,
            format!("{kind} without an end, {status}: 128 MB and more"),
            move |_| {
                let head = format!("HTTP/1.1 {status} X\r\nx-amzn-requestid: A\r\nx-amz-request-id: A\r\n\r\n[");
                Act::Repeat(head.into_bytes(), vec![b' '; 1 << 20], 128)
            },
            all("inconclusive unrecognized"),
        ));
    }
    faults
}

fn tls_faults() -> Vec<Fault> {
    let group = "TLS";
    let mut faults = Vec::new();
    for (name, certificate, expected) in [
        ("a certificate of its own making", Certificate::SelfSigned, "inconclusive network"),
        ("a certificate for another host", Certificate::OtherHost, "inconclusive network"),
        ("a certificate that has expired", Certificate::Expired, "inconclusive network"),
        ("a certificate of an unknown authority", Certificate::UnknownAuthority, "inconclusive network"),
    ] {
        let how = How::Tls(Box::new(move || tls::server(certificate, healthy)));
        faults.push(Fault { group, name: name.to_owned(), how, expected: all(expected) });
    }
    for (name, treat, expected) in [
        ("a hang-up in the handshake", tls::hangs_up as fn(TcpStream, &Seen), "inconclusive network"),
        ("an alert in the handshake", tls::alerts, "inconclusive network"),
        (
            "no TLS at all",
            |c, seen| serve(c, seen, LONG, &|_| Act::Close(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
            "inconclusive network",
        ),
        (
            "silence in the handshake",
            |c, _| {
                std::thread::sleep(LONG);
                drop(c.shutdown(Shutdown::Both));
            },
            "inconclusive timedOut",
        ),
    ] {
        let how = How::Tls(Box::new(move || (Server::accept(treat), tls::server(Certificate::Good, healthy).1)));
        faults.push(Fault { group, name: name.to_owned(), how, expected: all(expected) });
    }
    faults
}

/// Answers without AWS's request id.
fn not_aws() -> Vec<Fault> {
    let group = "Answers that are not AWS's: they have no request id";
    let mut faults = Vec::new();
    let html = "<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>";
    for (status, headers) in [
        (200, ""),
        (302, "location: http://127.0.0.1:1/login\r\n"),
        (307, "location: http://127.0.0.1:1/login\r\n"),
        (403, ""),
        (407, "proxy-authenticate: Basic\r\n"),
        (502, ""),
        (503, "retry-after: 1\r\n"),
    ] {
        let headers = format!("content-type: text/html\r\n{headers}");
        faults.push(answered(
            group,
            format!("a proxy's page, {status}"),
            move |_| with_headers(status, &headers, html),
            not_from_aws(status),
        ));
    }
    for status in [200, 204] {
        faults.push(answered(
            group,
            format!("an empty {status}"),
            move |_| with_headers(status, "", ""),
            not_from_aws(status),
        ));
    }
    faults.push(answered(
        group,
        "the body of another service, 200",
        |_| with_headers(200, "content-type: application/json\r\n", "{\"status\": \"ok\", \"version\": 7}"),
        not_from_aws(200),
    ));
    faults.push(answered(
        group,
        "what AWS answers a role that may do everything",
        |request| without_id(&healthy(request)),
        all("inconclusive notFromAws"),
    ));
    faults.push(answered(
        group,
        "AWS's denial, word for word",
        |request| without_id(&denial(&action_of(request), &action_of(request))),
        all("inconclusive notFromAws"),
    ));
    faults
}

/// A success that no protocol can read is unrecognized before anyone asks whose it is.
fn not_from_aws(status: u16) -> Box<dyn Fn(&str) -> String> {
    Box::new(move |_| {
        let cause = if status == 204 { "unrecognized" } else { "notFromAws" };
        format!("inconclusive {cause}")
    })
}

fn without_id(answer: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let kept = |line: &&str| !line.starts_with("x-amzn-requestid:") && !line.starts_with("x-amz-request-id:");
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let head: Vec<_> = head.split("\r\n").filter(kept).collect();
    format!("{}\r\n\r\n{body}", head.join("\r\n")).into_bytes()
}

/// Answers with a request id that say nothing.
fn nonsense() -> Vec<Fault> {
    let group = "Answers with a request id that make no sense";
    let ids = "x-amzn-requestid: A\r\nx-amz-request-id: A\r\n";
    let with_id = move |status: u16, body: Vec<u8>| {
        let mut bytes = format!("HTTP/1.1 {status} X\r\n{ids}content-length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend(body);
        bytes
    };
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"lollollol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\
                <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><Error><Code>&c;</Code><Message>&c;</Message></Error>";
    let deep_xml = "<a>".repeat(10_000);
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("a proxy's page", b"<!DOCTYPE html><html><body>Welcome</body></html>".to_vec()),
        ("an XML entity bomb", bomb.as_bytes().to_vec()),
        ("deep XML", deep_xml.into_bytes()),
        ("deep JSON", "[".repeat(100_000).into_bytes()),
        ("deep JSON in an unknown key", format!("{{\"x\": {}", "[".repeat(100_000)).into_bytes()),
        ("bytes that are no text", [0xff, 0xfe, 0x00, 0x80].repeat(100)),
        ("a truncated object", b"{\"__type\": \"com.amazonaws#AccessDeniedException\", \"mess".to_vec()),
    ];
    let mut faults = Vec::new();
    for (name, body) in bodies {
        for status in [200, 400] {
            let body = body.clone();
            faults.push(answered(
                group,
                format!("{name}, {status}"),
                move |_| with_id(status, body.clone()),
                all("inconclusive unrecognized"),
            ));
        }
    }
    faults.push(answered(
        group,
        "the body of another service, 200",
        move |_| with_id(200, json!({"TrainingJobs": [], "Version": 7}).to_string().into_bytes()),
        all("inconclusive unrecognized"),
    ));
    faults.push(answered(
        group,
        "a denial under the status 200",
        |request| {
            let action = action_of(request);
            let text = String::from_utf8(denial(&action, &action)).unwrap();
            let (line, rest) = text.split_once("\r\n").unwrap();
            assert!(line.starts_with("HTTP/1.1 40"));
            format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes()
        },
        // S3 does give errors that way (S3 API Reference, CopyObject), and the SDK reads them.
        Box::new(|action| match action {
            "s3:PutObject" | "s3:ListBucket" | "s3:ListAllMyBuckets" => {
                "denied implicitDeny, identity-based policy".to_owned()
            }
            _ => "inconclusive unrecognized".to_owned(),
        }),
    ));
    for (status, expected) in
        [(204, "unrecognized"), (302, "unrecognized"), (400, "unrecognized"), (403, "unrecognized")]
    {
        faults.push(answered(
            group,
            format!("nothing, {status}"),
            move |_| with_id(status, Vec::new()),
            all(&format!("inconclusive {expected}")),
        ));
    }
    for status in [500, 502, 503, 504] {
        faults.push(answered(
            group,
            format!("nothing, {status}"),
            move |_| with_id(status, Vec::new()),
            all("inconclusive serviceFault"),
        ));
    }
    faults.push(answered(
        group,
        "nothing, 200",
        move |_| with_id(200, Vec::new()),
        // It is the very answer that CloudWatch Logs gives to a success.
        Box::new(|action| match action {
            "logs:CreateLogGroup" | "logs:CreateLogStream" => "allowed 200 documented".to_owned(),
            _ => "inconclusive unrecognized".to_owned(),
        }),
    ));
    faults
}

/// The rows in which an error is among the answers that prove "allowed".
fn proven(code: &str, action: &str) -> Option<&'static str> {
    let dynamodb = action.starts_with("dynamodb:") && action != "dynamodb:ListTables";
    match (code, action) {
        ("ResourceNotFoundException", "dynamodb:UpdateItem" | "dynamodb:Query") => {
            Some("allowed ResourceNotFoundException inferred, resource missing")
        }
        ("ResourceNotFoundException", _) if dynamodb => {
            Some("allowed ResourceNotFoundException observed, resource missing")
        }
        ("ResourceNotFoundException", "logs:CreateLogStream" | "logs:PutLogEvents") => {
            Some("allowed ResourceNotFoundException observed")
        }
        ("NoSuchKey", "s3:GetObject") => Some("allowed NoSuchKey inferred"),
        _ => None,
    }
}

fn codes() -> Vec<Fault> {
    let group = "AWS's errors that are no answer to the question";
    let mut faults = Vec::new();
    for (cause, codes) in CODES {
        for code in *codes {
            let cause = cause.name();
            let status = match *code {
                "PermanentRedirect" => 301,
                "TemporaryRedirect" | "Redirect" => 307,
                _ => 400,
            };
            faults.push(answered(
                group,
                format!("`{code}`"),
                move |request| error_of(request, status, code, "A message that says nothing more."),
                Box::new(move |action| {
                    proven(code, action).map_or_else(|| format!("inconclusive {cause}"), str::to_owned)
                }),
            ));
        }
    }
    let mut other = |name: &str, status: u16, code: &'static str, message: &'static str, cause: Cause| {
        let answer = move |request: &Request| error_of(request, status, code, message);
        faults.push(answered(group, name, answer, all(&format!("inconclusive {}", cause.name()))));
    };
    let late = "Signature expired: 20261124T000000Z is now earlier than 20261124T005500Z (20261124T010000Z - 5 min.)";
    let early =
        "Signature not yet current: 20261124T020000Z is still later than 20261124T010500Z (20261124T010000Z + 5 min.)";
    other("a clock that is an hour late", 403, "InvalidSignatureException", late, Cause::ClockSkew);
    other("a clock that is an hour early", 403, "SignatureDoesNotMatch", early, Cause::ClockSkew);
    other("an unknown code", 400, "TeapotException", "I am a teapot", Cause::Unrecognized);
    other("an unknown code, 500", 500, "TeapotException", "I am a teapot", Cause::ServiceFault);
    other(
        "a denial's sentence under another code",
        403,
        "UnauthorizedOperation",
        "User: u is not authorized to perform: everything",
        Cause::Unrecognized,
    );
    other(
        "a request that is refused for its form",
        400,
        "ValidationException",
        "1 validation error detected: Value 'x' at 'endpoint' failed to satisfy constraint: Member must not be null; not found",
        Cause::RequestRefused,
    );
    let message = "Access Denied because object protected by object lock.";
    other(&format!("`AccessDenied`: “{message}”"), 403, "AccessDenied", message, Cause::Setting);
    for message in [
        "There were headers present in the request which were not signed",
        "Request has expired",
        "Invalid according to Policy: Policy Condition failed",
    ] {
        other(&format!("`AccessDenied`: “{message}”"), 403, "AccessDenied", message, Cause::Unrecognized);
    }
    // A caller that gets nothing but "Access Denied" learns what was denied only where it can be nothing else.
    faults.push(answered(
        group,
        "`AccessDenied`: “Access Denied”",
        |request| error_of(request, 403, "AccessDenied", "Access Denied"),
        Box::new(|action| match action {
            "s3:GetObject" | "s3:PutObject" => "inconclusive ambiguous".to_owned(),
            "s3:ListBucket" | "sts:AssumeRole" => "denied".to_owned(),
            _ => "inconclusive unrecognized".to_owned(),
        }),
    ));
    faults.push(answered(
        group,
        "a denial, 500, which the SDK asks for again",
        |request| match request.target() {
            "" => error_of(
                request,
                500,
                code_of(request),
                &sentence(&action_of(request), " because no identity-based policy allows the action"),
            ),
            _ => json_error_with(
                500,
                code_of(request),
                &sentence(&action_of(request), " because no identity-based policy allows the action"),
            ),
        },
        all_actions_denied("implicitDeny, identity-based policy"),
    ));
    for (name, offset) in [("late", 3600), ("early", -3600)] {
        faults.push(answered(
            group,
            format!("a clock that is an hour {name}, and a server that says what time it is"),
            move |request| {
                let text =
                    String::from_utf8(error_of(request, 403, "RequestTimeTooSkewed", "The difference is too large."));
                text.unwrap().replacen("\r\n", &format!("\r\ndate: {}\r\n", http_date(offset)), 1).into_bytes()
            },
            all("inconclusive clockSkew"),
        ));
    }
    faults
}

/// The time, so many seconds off, as HTTP writes it.
fn http_date(offset: i64) -> String {
    let now = aws_smithy_types::DateTime::from(std::time::SystemTime::now());
    aws_smithy_types::DateTime::from_secs(now.secs() + offset)
        .fmt(aws_smithy_types::date_time::Format::HttpDate)
        .unwrap()
}

/// AWS's denials, in all their forms.
fn denials() -> Vec<Fault> {
    let group = "Denials";
    let mut faults = Vec::new();
    let types = [
        ("identity-based", PolicyType::IdentityBased),
        ("resource-based", PolicyType::ResourceBased),
        ("permissions boundary", PolicyType::PermissionsBoundary),
        ("session", PolicyType::Session),
        ("service control", PolicyType::ServiceControl),
        ("resource control", PolicyType::ResourceControl),
        ("VPC endpoint", PolicyType::VpcEndpoint),
        ("role trust", PolicyType::RoleTrust),
    ];
    let mut forms =
        vec![(String::new(), "unstated".to_owned()), (" with an explicit deny".to_owned(), "explicitDeny".to_owned())];
    for (name, kind) in types {
        let policy = if name == "permissions boundary" { name.to_owned() } else { format!("{name} policy") };
        let article = if name.starts_with('i') { "an" } else { "a" };
        forms
            .push((format!(" because no {policy} allows the ACTION action"), format!("implicitDeny, {}", kind.name())));
        forms.push((format!(" with an explicit deny in {article} {policy}"), format!("explicitDeny, {}", kind.name())));
    }
    let arn = ": arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/service_control_policy/p-a1b2c3d4";
    forms.push((
        format!(" with an explicit deny in a service control policy{arn}"),
        "explicitDeny, service control policy (SCP)".to_owned(),
    ));
    for (form, expected) in forms {
        let name = format!("“… not authorized to perform: ACTION on resource: ARN{form}”");
        let answer = move |request: &Request| {
            let action = action_of(request);
            error_of(request, 403, code_of(request), &sentence(&action, &form.replace("ACTION", &action)))
        };
        faults.push(answered(group, name, answer, all_actions_denied(&expected)));
    }
    let plain = " because no identity-based policy allows the action";
    for (name, prefix, suffix) in [
        ("a code with a namespace", "com.amazonaws.dynamodb.v20120810#", ""),
        ("a code with a URI behind it", "", ":http://internal.amazon.com/coral/com.amazon.coral.service/"),
        ("a code with both", "aws.protocoltests#", ":http://internal.amazon.com/coral/"),
    ] {
        faults.push(answered(
            group,
            name,
            move |request| {
                let action = action_of(request);
                let message = sentence(&action, plain);
                // Only the JSON protocols write codes like that.
                if request.target().is_empty() {
                    return error_of(request, 403, code_of(request), &message);
                }
                let code = format!("{prefix}AccessDeniedException{suffix}");
                response(400, "application/x-amz-json-1.1", &json!({"__type": code, "message": message}).to_string())
            },
            all_actions_denied("implicitDeny, identity-based policy"),
        ));
    }
    for code in ["accessdeniedexception", "ACCESSDENIED", "Access Denied", "AccessDeniedFault"] {
        faults.push(answered(
            group,
            format!("a denial under the code `{code}`"),
            move |request| error_of(request, 403, code, &sentence(&action_of(request), plain)),
            all("inconclusive unrecognized"),
        ));
    }
    faults.push(answered(
        group,
        "a denial of another action",
        |request| error_of(request, 403, code_of(request), &sentence("ec2:DescribeInstances", plain)),
        all("inconclusive otherActionDenied"),
    ));
    faults
}

/// What the probes of one action are told where AWS denies the action that was called.
fn all_actions_denied(form: &str) -> Box<dyn Fn(&str) -> String> {
    let form = form.to_owned();
    Box::new(move |action| match action {
        // It is asked through CreateModel, which is then what is denied.
        "iam:PassRole" => "inconclusive otherActionDenied".to_owned(),
        _ => format!("denied {form}"),
    })
}

fn code_of(request: &Request) -> &'static str {
    let action = action_of(request);
    if action.starts_with("s3:") || action.starts_with("sts:") { "AccessDenied" } else { "AccessDeniedException" }
}

fn sentence(action: &str, form: &str) -> String {
    format!(
        "User: arn:aws:sts::{ACCOUNT}:assumed-role/lambda-ml-pipeline-role/probe is not authorized to perform: {action} on \
         resource: arn:aws:service:us-east-1:{ACCOUNT}:thing{form}"
    )
}
