//! What the function says: rows, summary, response. The wire format, whose
//! names are a contract, and the only room that serializes.

mod http;
mod rows;

use std::borrow::Cow;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::config::Problem;
use crate::denial::{Kind, PolicyType};
use crate::probe::{Context, Leftover, Principal, Probe};
use crate::verdict::{Cause, Grade, Verdict, Warning};

pub use http::HttpResult;
pub use rows::rows;

/// The name and version of the format.
pub const SCHEMA: &str = "permissions-probe/v1";

/// What the guide's users expect of a pipeline that may do all its work.
pub const SUCCESS: &str = "Preprocessing complete and metadata updated";

const JSON: &str = "application/json";

/// The function's response, in the shape that HTTP fronts take.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    pub status_code: u16,
    pub body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers<String>>,
    /// Instead of the headers, for a load balancer that is set to take lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_value_headers: Option<Headers<[String; 1]>>,
    /// What a load balancer requires, and the other HTTP fronts know.
    #[serde(rename = "isBase64Encoded", skip_serializing_if = "Option::is_none")]
    pub is_base64_encoded: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

#[derive(Debug, Serialize)]
pub struct Headers<T> {
    #[serde(rename = "Content-Type")]
    pub content_type: T,
    #[serde(rename = "Allow", skip_serializing_if = "Option::is_none")]
    pub allow: Option<T>,
    #[serde(rename = "Cache-Control", skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<T>,
    #[serde(rename = "Age", skip_serializing_if = "Option::is_none")]
    pub age: Option<T>,
}

/// Everything that one run found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub schema: &'static str,
    pub verdict: Verdict,
    pub summary: Summary,
    /// The one cause that explains everything that is wrong, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<Headline>,
    /// What is wrong with the event or the environment; then nothing was tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    pub principal: Caller,
    pub region: Option<String>,
    pub request_id: String,
    pub duration_ms: u64,
    pub actions: Vec<Row>,
    pub advice: Vec<Advice>,
    /// What the guide's policy leaves out, where the run shows it. No verdict depends on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advisories: Vec<Advice>,
    /// Whether the calls came from another role than the one that was to be checked.
    #[serde(skip)]
    pub unexpected_role: bool,
    /// Whether only some of the actions were asked for.
    #[serde(skip)]
    pub filtered: bool,
    /// Where the report is logged, if Lambda says so.
    #[serde(skip)]
    pub log_group: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Headline {
    pub cause: &'static str,
    pub text: String,
}

/// How many rows have which verdict. The control's row counts, too.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub allowed: usize,
    pub denied: usize,
    pub inconclusive: usize,
    /// How many of those that are allowed or denied rest on which grade of proof.
    pub proofs: Grades,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Grades {
    pub documented: usize,
    pub observed: usize,
    pub inferred: usize,
}

/// Who called, as AWS says.
#[derive(Debug, Default, Serialize)]
pub struct Caller {
    pub arn: Option<String>,
    pub account: Option<String>,
    pub role: Option<String>,
}

/// What is known of one action.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub action: String,
    pub resource: Option<String>,
    pub verdict: Verdict,
    /// Whether the run is sound only if this is denied: `PROBE_DENY_CONTROL`.
    #[serde(skip_serializing_if = "is_false")]
    pub must_be_denied: bool,
    pub proof: Option<ProofLine>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub denial: Option<DenialLine>,
    pub cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Warning>,
    /// What there is to know beyond the verdict, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The actions that were called when AWS denied this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub met_by: Vec<&'static str>,
    pub aws_request_id: Option<String>,
    pub duration_ms: u64,
    /// What a statement for the action names.
    #[serde(skip)]
    pub resources: Vec<String>,
    /// Where S3 says that the bucket is.
    #[serde(skip)]
    pub bucket_region: Option<String>,
    /// Whether the denial is about a resource whose name this run made up.
    #[serde(skip)]
    pub absent: bool,
    /// Whether AWS denied the action while another one was called.
    #[serde(skip)]
    pub derived: bool,
    /// The actions of which one was denied, where AWS does not say which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// What of the request a policy's condition can look at.
    #[serde(skip)]
    pub shape: String,
    /// What the request left behind.
    #[serde(skip)]
    pub leftover: Option<Leftover>,
}

/// An action that may be the one that was denied.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Candidate {
    pub action: String,
    /// What a statement for the action names.
    #[serde(skip)]
    pub resources: Vec<String>,
    /// The condition of that statement.
    #[serde(skip)]
    pub condition: Option<serde_json::Value>,
}

/// What proves the verdict, and how sure that is.
#[derive(Debug, Serialize)]
pub struct ProofLine {
    pub code: String,
    pub grade: Grade,
    pub source: String,
    /// The form of the request, where a probe has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Cow<'static, str>>,
    /// What to name for a documented proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub better: Option<&'static str>,
}

/// What AWS's denial says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DenialLine {
    pub kind: Kind,
    pub policy_type: Option<PolicyType>,
    /// The setting that denies, where it is no policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<&'static str>,
    pub policy_arn: Option<String>,
    pub action: Option<String>,
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_id: Option<String>,
    /// The page of the console that explains this denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details_link: Option<String>,
    /// What AWS says of this denial when it is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// AWS's own account of a denial.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The statements that matched; none where no policy allowed the action.
    pub matched: Vec<MatchedStatement>,
    /// Why there is no account of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchedStatement {
    /// The policy's ARN; for an inline policy, AWS's name for it.
    pub policy: String,
    pub policy_type: Option<String>,
    pub attached_to: Vec<String>,
    pub sid: Option<String>,
    pub effect: Option<String>,
}

/// One thing to do or to know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    pub text: String,
    /// The actions that it is about; empty where it is about the whole run.
    pub actions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyDocument>,
    /// What to add to the trust policy of a role, which is replaced as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_policy: Option<PolicyDocument>,
    /// The command line that adds the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A policy that can be pasted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    pub version: &'static str,
    pub statement: Vec<Statement>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    pub effect: &'static str,
    /// Who is trusted, in a role's trust policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Trusted>,
    pub action: Vec<String>,
    /// A trust policy has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Value>,
}

/// Who is trusted: a principal of AWS, by its ARN, or a service.
#[derive(Debug, Serialize)]
pub enum Trusted {
    #[serde(rename = "AWS")]
    Aws(String),
    Service(&'static str),
}

impl Response {
    /// The response to an invocation that asked for no check.
    pub fn of_text(body: &str) -> Self {
        Self {
            status_code: 200,
            body: body.to_owned(),
            headers: Some(Headers { content_type: JSON.to_owned(), allow: None, cache_control: None, age: None }),
            multi_value_headers: None,
            is_base64_encoded: None,
            report: None,
        }
    }

    /// The response to an invocation that came through no HTTP front.
    pub fn new(report: Report, problem: Option<u16>, verbose: bool) -> Self {
        let status_code = problem.unwrap_or_else(|| report.status());
        let clean = status_code == 200;
        let body = if clean { SUCCESS.to_owned() } else { report.to_json() };
        Self { status_code, report: (!clean || verbose).then_some(report), ..Self::of_text(&body) }
    }
}

impl Report {
    pub fn new(rows: Vec<Row>, request_id: String, duration: Duration) -> Self {
        // The action that must be denied is a control, and counts only where it is not.
        let counted = || rows.iter().filter(|row| !(row.must_be_denied && row.is_clean()));
        let count = |verdict| counted().filter(|row| row.verdict == verdict).count();
        let proven =
            |grade| counted().filter(|row| row.proof.as_ref().is_some_and(|proof| proof.grade == grade)).count();
        let summary = Summary {
            proofs: Grades {
                documented: proven(Grade::Documented),
                observed: proven(Grade::Observed),
                inferred: proven(Grade::Inferred),
            },
            allowed: count(Verdict::Allowed),
            denied: count(Verdict::Denied),
            inconclusive: count(Verdict::Inconclusive),
        };
        let verdict = match &summary {
            Summary { denied: 1.., .. } => Verdict::Denied,
            _ if rows.iter().all(Row::is_clean) => Verdict::Allowed,
            _ => Verdict::Inconclusive,
        };
        Self {
            schema: SCHEMA,
            verdict,
            summary,
            problems: Vec::new(),
            principal: Caller::default(),
            region: None,
            request_id,
            duration_ms: millis(duration),
            actions: rows,
            headline: None,
            advice: Vec::new(),
            advisories: Vec::new(),
            unexpected_role: false,
            filtered: false,
            log_group: None,
        }
    }

    /// How many rows are not as they should be, and are not denied.
    pub fn unclear(&self) -> usize {
        self.actions.iter().filter(|row| !row.is_clean() && row.verdict != Verdict::Denied).count()
    }

    /// Whether the run tells of every action that it is allowed or denied.
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty() && !self.filtered && self.unclear() == 0
    }

    /// The report of an invocation that tried nothing.
    pub fn of_problems(probes: &[&'static Probe], problems: &[Problem], request_id: String) -> Self {
        let rows = probes.iter().map(|probe| Row::not_run(probe)).collect();
        Self { problems: problems.to_vec(), ..Self::new(rows, request_id, Duration::ZERO) }
    }

    /// The status code of the response: by HTTP's meaning, since HTTP fronts pass it on.
    pub fn status(&self) -> u16 {
        match self.verdict {
            Verdict::Allowed => 200,
            Verdict::Denied => 403,
            Verdict::Inconclusive => 503,
        }
    }

    /// The ids of requests, which identify no account and no person.
    pub fn request_ids_mut(&mut self) -> Vec<&mut String> {
        let ids = self.actions.iter_mut().filter_map(|row| row.aws_request_id.as_mut());
        std::iter::once(&mut self.request_id).chain(ids).collect()
    }

    /// Every other text of the report that AWS, the event or the environment had a part in.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        let mut texts: Vec<&mut String> = Vec::new();
        texts.extend(&mut self.region);
        // First, so that the caller's account has the same number in every run.
        texts.extend(self.principal.arn.iter_mut().chain(&mut self.principal.account).chain(&mut self.principal.role));
        texts.extend(self.problems.iter_mut().flat_map(Problem::texts_mut));
        for row in &mut self.actions {
            texts.push(&mut row.action);
            texts.extend(row.resource.iter_mut().chain(&mut row.message).chain(&mut row.note));
            texts.extend(&mut row.code);
            if let Some(proof) = &mut row.proof {
                texts.push(&mut proof.code);
                // The form of a request can have an object's key in it.
                texts.extend(proof.request.as_mut().filter(|form| matches!(form, Cow::Owned(_))).map(Cow::to_mut));
            }
            if let Some(denial) = &mut row.denial {
                texts.extend(denial.resource.iter_mut().chain(&mut denial.policy_arn).chain(&mut denial.details_link));
                texts.extend(denial.action.iter_mut().chain(&mut denial.authorization_id));
                if let Some(details) = &mut denial.details {
                    texts.extend(&mut details.note);
                    for matched in &mut details.matched {
                        texts.push(&mut matched.policy);
                        texts.extend(matched.policy_type.iter_mut().chain(&mut matched.sid).chain(&mut matched.effect));
                        texts.extend(&mut matched.attached_to);
                    }
                }
            }
        }
        texts.extend(self.headline.iter_mut().map(|headline| &mut headline.text));
        texts.extend(&mut self.log_group);
        for advice in self.advice.iter_mut().chain(&mut self.advisories) {
            texts.push(&mut advice.text);
            texts.extend(&mut advice.actions);
            texts.extend(&mut advice.command);
            let policies = advice.policy.iter_mut().chain(&mut advice.trust_policy);
            for statement in policies.flat_map(|policy| &mut policy.statement) {
                texts.extend(statement.resource.iter_mut().chain(&mut statement.action));
                texts.extend(statement.condition.iter_mut().flat_map(values_mut));
                if let Some(Trusted::Aws(arn)) = &mut statement.principal {
                    texts.push(arn);
                }
            }
        }
        texts
    }

    pub fn to_json(&self) -> String {
        // Nothing in a report has keys that are not strings, the one thing that can fail.
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"schema\":\"{SCHEMA}\",\"error\":\"{error}\"}}"))
    }
}

/// Every text in a value, its keys left out: those of a condition are names of AWS's own.
fn values_mut(value: &mut serde_json::Value) -> Vec<&mut String> {
    match value {
        serde_json::Value::String(text) => vec![text],
        serde_json::Value::Array(list) => list.iter_mut().flat_map(values_mut).collect(),
        serde_json::Value::Object(object) => object.values_mut().flat_map(values_mut).collect(),
        _ => Vec::new(),
    }
}

impl Row {
    /// Whether a statement in the role's own policies is what is missing.
    pub fn is_missing_statement(&self) -> bool {
        self.verdict == Verdict::Denied && self.denial.as_ref().is_some_and(DenialLine::is_missing_statement)
    }

    /// Whether all is well with the action.
    pub fn is_clean(&self) -> bool {
        let expected = if self.must_be_denied { Verdict::Denied } else { Verdict::Allowed };
        self.verdict == expected && self.warning.is_none()
    }
}

impl Candidate {
    fn new(action: &str, cx: &Context) -> Self {
        let (resources, condition) = match action {
            "s3:ListBucket" => (vec![cx.bucket_arn()], None),
            action if action.starts_with("s3:") => (vec![cx.objects_arn()], None),
            // S3 hands the bucket, or the object, to KMS as the encryption context (S3 User Guide, "Using
            // server-side encryption with AWS KMS keys"); so the statement is for this bucket's keys alone.
            _ => {
                let bucket = cx.bucket_arn();
                let condition = serde_json::json!({
                    "StringEquals": {"kms:ViaService": format!("s3.{}.{}", cx.region, cx.dns_suffix())},
                    "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, format!("{bucket}/*")]},
                });
                (vec![format!("arn:{}:kms:{}:*:key/*", cx.partition(), cx.region)], Some(condition))
            }
        };
        Self { action: action.to_owned(), resources, condition }
    }
}

impl DenialLine {
    /// Whether no identity-based policy allows the action, and nothing else is stated.
    pub fn is_missing_statement(&self) -> bool {
        self.kind == Kind::Implicit && self.policy_type == Some(PolicyType::IdentityBased)
    }
}

impl Details {
    /// No account of a denial, and why.
    pub fn without(why: &str) -> Self {
        Self { matched: Vec::new(), note: Some(format!("AWS gave no details of this denial: {why}")) }
    }
}

impl Caller {
    pub fn new(principal: Option<&Principal>) -> Self {
        principal.map_or_else(Self::default, |principal| Self {
            arn: Some(principal.arn.clone()),
            account: Some(principal.account.clone()),
            role: principal.role().map(str::to_owned),
        })
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The verdict's name on the wire and in the log.
pub const fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// The policy type's name on the wire and in the log.
pub const fn policy_type_name(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::IdentityBased => "identity-based",
        PolicyType::ResourceBased => "resource-based",
        PolicyType::PermissionsBoundary => "permissions-boundary",
        PolicyType::Session => "session",
        PolicyType::ServiceControl => "service-control",
        PolicyType::ResourceControl => "resource-control",
        PolicyType::VpcEndpoint => "vpc-endpoint",
        PolicyType::RoleTrust => "role-trust",
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut problem = serializer.serialize_struct("Problem", 3)?;
        problem.serialize_field("name", &self.name)?;
        problem.serialize_field("value", &self.value)?;
        problem.serialize_field("expected", &self.expected)?;
        problem.end()
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(verdict_name(*self))
    }
}

impl Serialize for Grade {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for PolicyType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(policy_type_name(*self))
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Implicit => "implicitDeny",
            Self::Explicit => "explicitDeny",
            Self::Unstated => "unstated",
        })
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
