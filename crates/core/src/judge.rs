//! From an answer of AWS to a verdict: one ordered, pure function.
//!
//! The rules are those by which AWS answers (docs/reference/verdicts.md): by error code and message, never by HTTP status; a denial belongs
//! to the action that its sentence names; an action is allowed only on an answer
//! that AWS gives after it has authorized; everything else is inconclusive.

#[cfg(test)]
mod tests;

use crate::answer::{Answer, Means, NoAnswer, Reply};
use crate::iam::denial::{self, Denial};
use crate::iam::wildcard;
use crate::probe::ProbeInfo;
use crate::proof::{Proof, Warning, contains};

/// What is known of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Allowed,
    Inconclusive,
    /// Of a whole run alone: something is allowed that must not be, and that counts.
    Excess,
    Denied,
}

impl Verdict {
    /// The name in the report and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Inconclusive => "inconclusive",
            Self::Excess => "excess",
        }
    }
}

/// Why nothing can be told about an action.
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
    (Cause::Credentials, "credentials", "AWS rejected the credentials before it authorized the action"),
    (Cause::ClockSkew, "clockSkew", "the clock of this machine is wrong, so AWS rejected the signature"),
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
        "the request could not be made here, so AWS was not asked; check the Region and the endpoints",
    ),
    (Cause::ServiceFault, "serviceFault", "the service failed on its side"),
    (Cause::AccountNotReady, "accountNotReady", "the account is not subscribed to the service, or is suspended"),
    (Cause::KmsKey, "kmsKey", "the AWS KMS key behind the resource is missing or disabled"),
    (Cause::NotConfigured, "notConfigured", "something that the probe needs is not configured"),
    (
        Cause::OtherAccount,
        "otherAccount",
        "what is named belongs to another account, and the request takes only what is of the caller's own account",
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
    (Cause::NotAssumed, "notAssumed", "the role to check was not assumed, so nothing was tried under it"),
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
    (Cause::ControlFailed, "controlFailed", "a control of this run failed, so this answer is not believed"),
    (Cause::Unrecognized, "unrecognized", "the answer is not known to prove anything"),
    (Cause::ProbeBroken, "probeBroken", "the probe broke: this is a defect of this program, please report it"),
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
pub enum Judgment<'a> {
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

impl Judgment<'_> {
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Allowed { .. } => Verdict::Allowed,
            Self::Denied { .. } => Verdict::Denied,
            Self::Inconclusive { .. } => Verdict::Inconclusive,
        }
    }
}

/// Judges an answer to a probe's request.
pub fn judge<'a>(answer: &'a Answer, probe: &ProbeInfo) -> Judgment<'a> {
    judge_as(answer, probe.action, probe.proofs, probe.dependent_actions)
}

/// Judges an answer to a request that needs `action`.
///
/// `proofs` are the answers that prove "allowed"; `dependent_actions` are the actions, with
/// IAM's wildcards, that AWS looks at only after it has authorized `action`.
pub fn judge_as<'a>(
    answer: &'a Answer,
    action: &str,
    proofs: &'static [Proof],
    dependent_actions: &[&str],
) -> Judgment<'a> {
    let (status, code, message) = match &answer.reply {
        Reply::None { why, .. } => {
            return inconclusive(match why {
                NoAnswer::TimedOut => Cause::TimedOut,
                NoAnswer::Network => Cause::Network,
                NoAnswer::Unreadable => Cause::Unrecognized,
                NoAnswer::NotFromAws => Cause::NotFromAws,
                NoAnswer::Credentials => Cause::Credentials,
                NoAnswer::NotSent => Cause::NotSent,
                NoAnswer::NotConfigured | NoAnswer::AccountUnknown => Cause::NotConfigured,
                NoAnswer::OtherAccount => Cause::OtherAccount,
                NoAnswer::NotAssumed => Cause::NotAssumed,
                NoAnswer::ProbePanicked => Cause::ProbeBroken,
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

    if is_denial(code, action) {
        return denied(answer, message, action, dependent_actions);
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
    if !answer.candidates.is_empty() {
        return Judgment::Inconclusive { cause: Cause::Ambiguous, denial: None, candidates: answer.candidates };
    }
    inconclusive(cause_of(code, message, status))
}

/// Whether an error says by its code that access was denied (IAM User Guide, "Troubleshoot access denied error messages"; EC2
/// API Reference, "Error codes"; SNS API Reference, "Common Errors").
fn is_denial(code: &str, action: &str) -> bool {
    match code {
        "AccessDenied" | "AccessDeniedException" => true,
        "UnauthorizedOperation" => action.starts_with("ec2:"),
        "AuthorizationError" => action.starts_with("sns:"),
        _ => false,
    }
}

fn inconclusive(cause: Cause) -> Judgment<'static> {
    Judgment::Inconclusive { cause, denial: None, candidates: &[] }
}

fn allowed<'a>(code: &'a str, proof: &'static Proof, answer: &Answer) -> Judgment<'a> {
    let missing = (answer.configured && proof.missing).then_some(Warning::ResourceMissing);
    Judgment::Allowed { code, proven: Proven::Answer(proof), warning: proof.warning.or(missing) }
}

/// Judges an answer whose code says that access was denied.
fn denied<'a>(answer: &'a Answer, message: &'a str, action: &str, dependent_actions: &[&str]) -> Judgment<'a> {
    let code = answer.code().unwrap_or_default();
    let Some(denial) = denial::parse(message) else {
        return without_action(answer, code, message, action);
    };
    if denial.action.eq_ignore_ascii_case(action) {
        return Judgment::Denied {
            source: "IAM User Guide, \"Troubleshoot access denied error messages\"",
            denial: Some(denial),
        };
    }
    if is_cut_off(message, &denial, action) {
        return inconclusive(Cause::Unrecognized);
    }
    if dependent_actions.iter().any(|pattern| wildcard::matches(pattern, denial.action)) {
        return Judgment::Allowed { code, proven: Proven::Dependent(denial), warning: None };
    }
    Judgment::Inconclusive { cause: Cause::OtherActionDenied, denial: Some(denial), candidates: &[] }
}

/// The actions of AWS KMS that a service asks for on a caller's behalf (AWS KMS Developer Guide, `kms:ViaService`; DynamoDB
/// Developer Guide and S3 User Guide, encryption with AWS KMS).
const KMS_ACTIONS: &[&str] = &[
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

/// Whether a sentence was cut off within the action: then it names another one, or none.
fn is_cut_off(message: &str, denial: &Denial<'_>, action: &str) -> bool {
    let end = message.trim_end();
    let marked = end.ends_with('…') || end.ends_with("...");
    if denial.resource.is_some() || !end.trim_end_matches(['…', '.']).ends_with(denial.action) {
        return false;
    }
    let is = |whole: &str| whole.eq_ignore_ascii_case(denial.action);
    let starts_called = action.get(..denial.action.len()).is_some_and(is);
    let is_part_of_kms = wildcard::matches("kms:*", denial.action) && !KMS_ACTIONS.iter().any(|known| is(known));
    marked || starts_called || is_part_of_kms
}

/// Judges a denial that names no action.
///
/// S3 says no more than `Access Denied` to a caller of another account, and to
/// everyone before 2024; AWS KMS behind S3 says the same (boto/boto3#2952,
/// aws/aws-sdk-js#2404). Other texts under the same code (object lock, expired
/// links, unsigned headers) are not about authorization.
fn without_action<'a>(answer: &Answer, code: &'a str, message: &str, action: &str) -> Judgment<'a> {
    let one_of = |candidates| Judgment::Inconclusive { cause: Cause::Ambiguous, denial: None, candidates };
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
    match answer.unexplained_denial {
        _ if !is_bare(message) => inconclusive(Cause::Unrecognized),
        Means::Nothing => inconclusive(Cause::Unrecognized),
        Means::ThisAction => Judgment::Denied {
            source: if action.starts_with("s3:") {
                "S3 User Guide, \"Troubleshoot access denied (403 Forbidden) errors\""
            } else {
                "STS API Reference, Common Errors: AccessDenied"
            },
            denial: None,
        },
        Means::ThisOrAnother(candidates) => one_of(candidates),
        Means::Dependent(action) => Judgment::Allowed { code, proven: Proven::Unexplained(action), warning: None },
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
pub const CODES: &[(Cause, &[&str])] = &[
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
