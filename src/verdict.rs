//! From an answer of AWS to a verdict: one ordered, pure function.
//!
//! The rules are those by which AWS answers (see the README, "How a verdict is
//! reached"): by error code and message, never by HTTP status; a denial belongs
//! to the action that its sentence names; an action is allowed only on an answer
//! that AWS gives after it has authorized; everything else is inconclusive.

use crate::answer::{Answer, Means, Reply, Silence};
use crate::denial::{self, Denial};
use crate::pattern;

/// What is known of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Allowed,
    Inconclusive,
    Denied,
}

/// How sure it is that an answer means what it is taken to mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// AWS's documentation or the service's model says so.
    Documented,
    /// A recorded answer or a public thread shows it.
    Observed,
    /// It follows from a documented or observed sibling.
    Inferred,
}

impl Proof {
    pub const fn success(name: &'static str) -> Self {
        Self { answer: Expected::Success(name), warning: None, missing: false }
    }

    pub const fn error(code: &'static str, text: &'static str) -> Self {
        Self { answer: Expected::Error { code, text }, warning: None, missing: false }
    }

    pub const fn missing(self) -> Self {
        Self { missing: true, ..self }
    }

    pub const fn warn(self, warning: Warning) -> Self {
        Self { warning: Some(warning), ..self }
    }

    /// Whether it is this answer that AWS gave.
    pub fn is_given_by(&self, answer: &Answer) -> bool {
        answer.request_id.is_some()
            && match (&self.answer, &answer.reply) {
                (Expected::Success(expected), Reply::Success(name)) => expected == name,
                (Expected::Error { code, text }, Reply::Error { code: Some(given), message, .. }) => {
                    let message = message.as_deref().unwrap_or_default();
                    code == given && text.split(" … ").all(|part| contains(message, part))
                }
                _ => false,
            }
    }
}

impl Grade {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
        }
    }
}

/// An answer that AWS can give only after it has authorized the action. How sure
/// that is follows from the records in [`evidence`](crate::evidence).
#[derive(Debug, PartialEq, Eq)]
pub struct Proof {
    pub answer: Expected,
    /// What is wrong all the same, although the action is allowed.
    pub warning: Option<Warning>,
    /// Whether the answer says that the resource is missing, which is as it should
    /// be, unless the configuration names it.
    pub missing: bool,
}

/// The form of a proof's answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Expected {
    /// A success, by the name that the probe gives it.
    Success(&'static str),
    /// An error with this code, whose message contains every part of the text
    /// without regard to case; an ellipsis between two spaces parts them.
    Error { code: &'static str, text: &'static str },
}

impl Expected {
    /// The code, or the name of the success, and the text: what the records of evidence are kept by.
    pub const fn key(&self) -> (&'static str, &'static str) {
        match self {
            Self::Success(name) => (name, ""),
            Self::Error { code, text } => (code, text),
        }
    }
}

/// What keeps a run from being clean although AWS allowed the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The resource does not exist in this Region and account.
    ResourceMissing,
    /// The probe changed something after all.
    SideEffect,
    /// SageMaker cannot assume the role that it may be handed.
    RoleTrust,
}

impl Warning {
    /// The name in the report and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResourceMissing => "resourceMissing",
            Self::SideEffect => "sideEffect",
            Self::RoleTrust => "roleTrust",
        }
    }
}

/// Why nothing can be told. Each has a row in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Credentials,
    ClockSkew,
    Throttled,
    Network,
    TimedOut,
    WrongRegion,
    ResourceMissing,
    RequestRefused,
    NotSent,
    ServiceFault,
    AccountNotReady,
    KmsKey,
    NotConfigured,
    OtherAccount,
    Leftover,
    Setting,
    NotAssumed,
    NotRun,
    OtherActionDenied,
    Ambiguous,
    NotFromAws,
    ControlFailed,
    Unrecognized,
    ProbeBroken,
}

/// Every cause, with its name in the report and what it means.
pub const CAUSES: &[(Cause, &str, &str)] = &[
    (Cause::Credentials, "credentials", "AWS did not accept the credentials, so it never came to authorize the action"),
    (Cause::ClockSkew, "clockSkew", "the clock of this machine is off, so AWS refused the signature"),
    (Cause::Throttled, "throttled", "AWS limited the rate of requests"),
    (
        Cause::Network,
        "network",
        "no complete answer came over the network; in a VPC, the service needs a NAT gateway or a VPC endpoint",
    ),
    (Cause::TimedOut, "timedOut", "no answer came within the time limit"),
    (Cause::WrongRegion, "wrongRegion", "the bucket is in another Region than the request was sent to"),
    (Cause::ResourceMissing, "resourceMissing", "the resource does not exist in this Region and account"),
    (
        Cause::RequestRefused,
        "requestRefused",
        "AWS refused the form of the request, which says nothing about authorization",
    ),
    (
        Cause::NotSent,
        "notSent",
        "the request could not be made here, so AWS was not asked; look at the function's Region and endpoints",
    ),
    (Cause::ServiceFault, "serviceFault", "the service failed on its side"),
    (Cause::AccountNotReady, "accountNotReady", "the account is not subscribed to the service, or is suspended"),
    (Cause::KmsKey, "kmsKey", "the AWS KMS key behind the resource is missing or disabled"),
    (Cause::NotConfigured, "notConfigured", "something that the probe needs is not configured"),
    (
        Cause::OtherAccount,
        "otherAccount",
        "the role belongs to another account, and SageMaker takes only roles of the caller's own account",
    ),
    (
        Cause::Leftover,
        "leftover",
        "a record of an earlier run, with the name that this request uses, stands in the way; delete it",
    ),
    (
        Cause::Setting,
        "setting",
        "a setting of the bucket refuses the request, which no policy changes; its owner can change the setting",
    ),
    (
        Cause::NotAssumed,
        "notAssumed",
        "the role of PROBE_ASSUME_ROLE_ARN was not assumed, so nothing was tried under it",
    ),
    (Cause::NotRun, "notRun", "nothing was tried, for the reason that the report gives under problems"),
    (
        Cause::OtherActionDenied,
        "otherActionDenied",
        "AWS denied another action first, so this one stays unknown until that one is allowed",
    ),
    (
        Cause::Ambiguous,
        "ambiguous",
        "AWS denied access without naming the action, and more than one action, or the state of a key, can be the reason",
    ),
    (
        Cause::NotFromAws,
        "notFromAws",
        "the answer carries no AWS request id, so a proxy or a firewall may have given it",
    ),
    (
        Cause::ControlFailed,
        "controlFailed",
        "a control of this run did not come out as it must, so this answer is not believed",
    ),
    (Cause::Unrecognized, "unrecognized", "the answer is none that is known to prove anything"),
    (Cause::ProbeBroken, "probeBroken", "the probe broke: a defect of this program, please report it"),
];

impl Cause {
    /// The name in the report.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it means, as one clause of a sentence.
    pub fn meaning(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Cause, &'static str, &'static str) {
        CAUSES.iter().find(|row| row.0 == self).expect("every cause has a row, as a test asserts")
    }
}

/// What an answer proves about the probed action.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement<'a> {
    Allowed {
        /// The code, or the success, that proves it.
        code: &'a str,
        proven: Proven<'a>,
        warning: Option<Warning>,
    },
    Denied {
        /// AWS's page that says what the answer means.
        source: &'static str,
        /// `None` for S3's bare `Access Denied`.
        denial: Option<Denial<'a>>,
    },
    Inconclusive {
        cause: Cause,
        /// The denial of another action, if that is the cause.
        denial: Option<Denial<'a>>,
        /// The actions of which one was denied, where AWS does not say which.
        candidates: &'static [&'static str],
    },
}

/// By what an action is proven to be allowed.
#[derive(Clone, Debug, PartialEq)]
pub enum Proven<'a> {
    /// An answer that AWS gives only after it has authorized the action.
    Answer(&'static Proof),
    /// The denial of an action that AWS looks at only after this one.
    Dependent(Denial<'a>),
    /// A denial that names no action, and cannot be this one's; this is the action behind it.
    Unexplained(&'static str),
}

impl Judgement<'_> {
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Allowed { .. } => Verdict::Allowed,
            Self::Denied { .. } => Verdict::Denied,
            Self::Inconclusive { .. } => Verdict::Inconclusive,
        }
    }
}

/// Judges an answer to a request that needs `action`.
///
/// `proofs` are the answers that prove "allowed"; `behind` are the actions, with
/// IAM's wildcards, that AWS looks at only after it has authorized `action`.
pub fn judge<'a>(answer: &'a Answer, action: &str, proofs: &'static [Proof], behind: &[&str]) -> Judgement<'a> {
    let (status, code, message) = match &answer.reply {
        Reply::Nothing { why, .. } => {
            return inconclusive(match why {
                Silence::TimedOut => Cause::TimedOut,
                Silence::Network => Cause::Network,
                Silence::Unreadable => Cause::Unrecognized,
                Silence::Foreign => Cause::NotFromAws,
                Silence::Credentials => Cause::Credentials,
                Silence::NotSent => Cause::NotSent,
                Silence::NotConfigured | Silence::AccountUnknown => Cause::NotConfigured,
                Silence::OtherAccount => Cause::OtherAccount,
                Silence::NotAssumed => Cause::NotAssumed,
                Silence::Broken => Cause::ProbeBroken,
            });
        }
        _ if answer.request_id.is_none() => return inconclusive(Cause::NotFromAws),
        Reply::Success(name) => {
            let proof = proofs.iter().find(|proof| proof.is_given_by(answer));
            return proof.map_or(inconclusive(Cause::Unrecognized), |proof| allowed(name, proof, answer));
        }
        Reply::Error { code: None, status, .. } => {
            return inconclusive(if *status >= 500 { Cause::ServiceFault } else { Cause::Unrecognized });
        }
        Reply::Error { status, code: Some(code), message } => {
            (*status, code.as_str(), message.as_deref().unwrap_or(""))
        }
    };

    if matches!(code, "AccessDenied" | "AccessDeniedException") {
        return denied(answer, message, action, behind);
    }
    // A request that is refused for its form was refused before it was authorized,
    // whatever else its message quotes of it.
    if ["failed to satisfy constraint", "validation error detected", "validation errors detected"]
        .iter()
        .any(|text| contains(message, text))
    {
        return inconclusive(Cause::RequestRefused);
    }
    if let Some(proof) = proofs.iter().find(|proof| proof.is_given_by(answer)) {
        return allowed(code, proof, answer);
    }
    inconclusive(cause_of(code, message, status))
}

fn inconclusive(cause: Cause) -> Judgement<'static> {
    Judgement::Inconclusive { cause, denial: None, candidates: &[] }
}

fn allowed<'a>(code: &'a str, proof: &'static Proof, answer: &Answer) -> Judgement<'a> {
    let missing = (answer.configured && proof.missing).then_some(Warning::ResourceMissing);
    Judgement::Allowed { code, proven: Proven::Answer(proof), warning: proof.warning.or(missing) }
}

/// Judges an answer whose code says that access was denied.
fn denied<'a>(answer: &'a Answer, message: &'a str, action: &str, behind: &[&str]) -> Judgement<'a> {
    let code = answer.code().unwrap_or_default();
    let Some(denial) = denial::parse(message) else {
        return without_action(answer, code, message, action);
    };
    if denial.action.eq_ignore_ascii_case(action) {
        return Judgement::Denied {
            source: "IAM User Guide, \"Troubleshoot access denied error messages\"",
            denial: Some(denial),
        };
    }
    // A sentence that was cut off within the action names another one, or none.
    let cut = message.trim_end().ends_with(denial.action) && denial.resource.is_none();
    if cut && action.len() > denial.action.len() && action.is_char_boundary(denial.action.len()) {
        let (start, _) = action.split_at(denial.action.len());
        if start.eq_ignore_ascii_case(denial.action) {
            return inconclusive(Cause::Unrecognized);
        }
    }
    if behind.iter().any(|pattern| pattern::matches(pattern, denial.action)) {
        return Judgement::Allowed { code, proven: Proven::Dependent(denial), warning: None };
    }
    Judgement::Inconclusive { cause: Cause::OtherActionDenied, denial: Some(denial), candidates: &[] }
}

/// Judges a denial that names no action.
///
/// S3 says no more than `Access Denied` to a caller of another account, and to
/// everyone before 2024; AWS KMS behind S3 says the same (boto/boto3#2952,
/// aws/aws-sdk-js#2404). Other texts under the same code (object lock, expired
/// links, unsigned headers) are not about authorization.
fn without_action<'a>(answer: &Answer, code: &'a str, message: &str, action: &str) -> Judgement<'a> {
    let one_of = |candidates| Judgement::Inconclusive { cause: Cause::Ambiguous, denial: None, candidates };
    // What KMS says of a key that is missing, in another Region, or denied (ministryofjustice/modernisation-platform#3468).
    if contains(message, "the ciphertext refers to a customer master key that does not exist") {
        return one_of(if action == "s3:PutObject" { &["kms:GenerateDataKey"] } else { &["kms:Decrypt"] });
    }
    // A setting of the bucket, and no policy (S3 User Guide, "Locking objects with Object Lock").
    if contains(message, "object protected by object lock") {
        return inconclusive(Cause::Setting);
    }
    // Seen of several services, in front of any authorization (moto's and public files' texts of Lambda, EKS and DataZone).
    if contains(message, "cross-account pass role is not allowed") {
        return inconclusive(Cause::OtherAccount);
    }
    match answer.unexplained {
        _ if !is_bare(message) => inconclusive(Cause::Unrecognized),
        Means::Nothing => inconclusive(Cause::Unrecognized),
        Means::ThisAction => Judgement::Denied {
            source: if action.starts_with("s3:") {
                "S3 User Guide, \"Troubleshoot access denied (403 Forbidden) errors\""
            } else {
                "STS API Reference, Common Errors: AccessDenied"
            },
            denial: None,
        },
        Means::OneOf(candidates) => one_of(candidates),
        Means::Dependent(action) => Judgement::Allowed { code, proven: Proven::Unexplained(action), warning: None },
    }
}

fn is_bare(message: &str) -> bool {
    let message = message.trim().trim_end_matches('.');
    message.eq_ignore_ascii_case("Access Denied")
}

/// The causes that every service shares, by code.
///
/// Sources: each service's "Common Errors", S3's "List of error codes", and the
/// SDKs' lists of throttling and clock-skew codes.
pub(crate) const CODES: &[(Cause, &[&str])] = &[
    (Cause::ClockSkew, &["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"]),
    (
        Cause::Credentials,
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "InvalidSecurity",
        ],
    ),
    (
        Cause::Throttled,
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "ProvisionedThroughputExceededException",
            "TransactionInProgressException",
            "BandwidthLimitExceeded",
            "SlowDown",
            "PriorRequestNotComplete",
            "EC2ThrottledException",
        ],
    ),
    (
        Cause::WrongRegion,
        &[
            "PermanentRedirect",
            "TemporaryRedirect",
            "Redirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
            "IncorrectEndpoint",
        ],
    ),
    (
        Cause::ResourceMissing,
        &["NoSuchBucket", "NoSuchKey", "ResourceNotFoundException", "ResourceNotFound", "NotFoundException"],
    ),
    (
        Cause::KmsKey,
        &[
            "KMS.NotFoundException",
            "KMS.DisabledException",
            "KMS.KMSInvalidStateException",
            "KMSInvalidStateException",
            "KMSDisabledException",
            "KMSNotFoundException",
        ],
    ),
    (
        Cause::AccountNotReady,
        &[
            "OptInRequired",
            "SubscriptionRequiredException",
            "NotSignedUp",
            "AccountProblem",
            "InvalidPayer",
            "AllAccessDisabled",
            "RegionDisabledException",
        ],
    ),
    (Cause::Setting, &["AccessControlListNotSupported"]),
    (
        Cause::ServiceFault,
        &[
            "InternalError",
            "InternalFailure",
            "InternalFailureException",
            "InternalServerError",
            "InternalServerException",
            "InternalDependencyException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "RequestTimeout",
            "RequestTimeoutException",
            "ModelNotReadyException",
            "OperationAborted",
            "OperationAbortedException",
        ],
    ),
    (
        Cause::RequestRefused,
        &[
            "ValidationException",
            "ValidationError",
            "SerializationException",
            "InvalidParameterException",
            "InvalidParameterValue",
            "InvalidArgument",
            "InvalidRequest",
            "InvalidDigest",
            "InvalidBucketName",
            "MalformedXML",
            "NotImplemented",
            "UnknownOperationException",
        ],
    ),
];

fn cause_of(code: &str, message: &str, status: u16) -> Cause {
    // A signature that is only too old or too new carries the code of a wrong one.
    if contains(message, "signature expired") || contains(message, "signature not yet current") {
        return Cause::ClockSkew;
    }
    // SageMaker says so of a model or an endpoint of that name; a probe to which it is a proof has taken it by now.
    if contains(message, "cannot create already existing") {
        return Cause::Leftover;
    }
    // DynamoDB says so of a key that is disabled, about to be deleted, or gone, under ValidationException.
    if contains(message, "kms key disabled error") || contains(message, "kms validation error") {
        return Cause::KmsKey;
    }
    if contains(message, "not subscribed to the marketplace") {
        return Cause::AccountNotReady;
    }
    match CODES.iter().find(|(_, codes)| codes.contains(&code)) {
        Some((cause, _)) => *cause,
        None if status >= 500 => Cause::ServiceFault,
        None => Cause::Unrecognized,
    }
}

/// Whether the text stands in the message, without regard to case.
fn contains(message: &str, text: &str) -> bool {
    text.is_empty() || message.as_bytes().windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOFS: &[Proof] = &[Proof::success("200"), Proof::error("ValidationException", "missing the key")];

    fn error(code: &str, message: &str) -> Answer {
        Answer {
            reply: Reply::Error { status: 400, code: Some(code.to_owned()), message: Some(message.to_owned()) },
            request_id: Some("id".to_owned()),
            ..Answer::nothing(Silence::Broken, "")
        }
    }

    fn success(name: &'static str) -> Answer {
        Answer { reply: Reply::Success(name), ..error("", "") }
    }

    fn verdict(answer: &Answer) -> (Verdict, Option<Cause>) {
        match judge(answer, "dynamodb:PutItem", PROOFS, &["kms:*"]) {
            Judgement::Inconclusive { cause, .. } => (Verdict::Inconclusive, Some(cause)),
            judgement => (judgement.verdict(), None),
        }
    }

    #[test]
    fn every_cause_has_one_row_and_one_name() {
        for (cause, name, _) in CAUSES {
            assert_eq!(CAUSES.iter().filter(|row| row.0 == *cause || row.1 == *name).count(), 1, "{name}");
            assert_eq!(cause.name(), *name);
        }
        assert!(CODES.iter().all(|(cause, _)| !cause.meaning().is_empty()));
    }

    #[test]
    fn allowed_needs_a_proof() {
        assert_eq!(verdict(&success("200")), (Verdict::Allowed, None));
        assert_eq!(verdict(&success("204")), (Verdict::Inconclusive, Some(Cause::Unrecognized)));
        let proof = error("ValidationException", "One or more parameter values were invalid: Missing the key id");
        assert_eq!(verdict(&proof), (Verdict::Allowed, None));
        let structural = error("ValidationException", "1 validation error detected: Value '' failed");
        assert_eq!(verdict(&structural), (Verdict::Inconclusive, Some(Cause::RequestRefused)));
        assert_eq!(
            verdict(&error("SomethingNew", "Missing the key")),
            (Verdict::Inconclusive, Some(Cause::Unrecognized))
        );
    }

    #[test]
    fn denied_needs_the_sentence_to_name_the_action() {
        let sentence = "User: arn:aws:iam::1:user/u is not authorized to perform: dynamodb:putitem";
        for code in ["AccessDenied", "AccessDeniedException"] {
            assert_eq!(verdict(&error(code, sentence)), (Verdict::Denied, None), "{code}");
        }
        assert_eq!(verdict(&error("UnauthorizedOperation", sentence)).0, Verdict::Inconclusive);
        let other = "User: u is not authorized to perform: dynamodb:PutItemX on resource: *";
        assert_eq!(
            verdict(&error("AccessDeniedException", other)),
            (Verdict::Inconclusive, Some(Cause::OtherActionDenied))
        );
        let cut = "User: u is not authorized to perform: dynamodb:Put";
        assert_eq!(verdict(&error("AccessDeniedException", cut)), (Verdict::Inconclusive, Some(Cause::Unrecognized)));
        let behind = error("AccessDeniedException", "User: u is not authorized to perform: kms:Decrypt");
        let judgement = judge(&behind, "dynamodb:PutItem", PROOFS, &["kms:*"]);
        assert!(
            matches!(&judgement, Judgement::Allowed { proven: Proven::Dependent(d), .. } if d.action == "kms:Decrypt"),
            "{judgement:?}"
        );
    }

    #[test]
    fn a_bare_denial_means_what_the_request_makes_of_it() {
        for (means, expected) in [
            (Means::Nothing, (Verdict::Inconclusive, Some(Cause::Unrecognized))),
            (Means::OneOf(&["s3:PutObject", "kms:GenerateDataKey"]), (Verdict::Inconclusive, Some(Cause::Ambiguous))),
            (Means::ThisAction, (Verdict::Denied, None)),
            (Means::Dependent("kms:Decrypt"), (Verdict::Allowed, None)),
        ] {
            assert_eq!(verdict(&error("AccessDenied", "Access Denied").unexplained(means)), expected);
            assert_eq!(verdict(&error("AccessDenied", "Access Denied.").unexplained(means)), expected);
        }
        for message in [
            "There were headers present in the request which were not signed",
            "Request has expired",
            "Invalid according to Policy: Policy Condition failed",
            "",
        ] {
            let answer = error("AccessDenied", message).unexplained(Means::ThisAction);
            assert_eq!(verdict(&answer), (Verdict::Inconclusive, Some(Cause::Unrecognized)), "{message}");
        }
    }

    #[test]
    fn an_answer_without_a_request_id_proves_nothing() {
        let sentence = "User: u is not authorized to perform: dynamodb:PutItem";
        for answer in [success("200"), error("AccessDenied", sentence), error("ValidationException", "Missing the key")]
        {
            let answer = Answer { request_id: None, ..answer };
            assert_eq!(verdict(&answer), (Verdict::Inconclusive, Some(Cause::NotFromAws)));
        }
    }

    #[test]
    fn every_other_answer_has_its_cause() {
        for (code, message, cause) in [
            ("ThrottlingException", "Rate exceeded", Cause::Throttled),
            ("ExpiredTokenException", "The security token included in the request is expired", Cause::Credentials),
            ("InvalidSignatureException", "The request signature we calculated does not match", Cause::Credentials),
            ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier", Cause::ClockSkew),
            ("RequestTimeTooSkewed", "The difference is too large", Cause::ClockSkew),
            ("PermanentRedirect", "The bucket you are attempting to access", Cause::WrongRegion),
            ("NoSuchBucket", "The specified bucket does not exist", Cause::ResourceMissing),
            ("KMS.DisabledException", "arn:aws:kms:… is disabled.", Cause::KmsKey),
            ("OptInRequired", "", Cause::AccountNotReady),
            ("InternalServerError", "", Cause::ServiceFault),
            ("Teapot", "I am one", Cause::Unrecognized),
        ] {
            assert_eq!(verdict(&error(code, message)), (Verdict::Inconclusive, Some(cause)), "{code}");
        }
        for (why, cause) in [
            (Silence::TimedOut, Cause::TimedOut),
            (Silence::Network, Cause::Network),
            (Silence::Credentials, Cause::Credentials),
            (Silence::Broken, Cause::ProbeBroken),
            (Silence::NotAssumed, Cause::NotAssumed),
        ] {
            assert_eq!(verdict(&Answer::nothing(why, "")), (Verdict::Inconclusive, Some(cause)));
        }
    }

    #[test]
    fn the_status_decides_nothing() {
        for status in [200, 400, 403, 500] {
            let reply = Reply::Error { status, code: None, message: Some("Forbidden".to_owned()) };
            let answer = Answer { reply, ..error("", "") };
            assert_eq!(verdict(&answer).0, Verdict::Inconclusive, "{status}");
        }
    }
}
