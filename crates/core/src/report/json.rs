//! The report as JSON: the wire format, whose names are a contract
//! (docs/reference/report.md). Every text in it has been rendered.

use serde::{Serialize, Serializer};

use crate::diagnosis::{Advice as Remedies, Run, wording};
use crate::finding::{DenialFound, Details, Finding, MatchedStatement, ProofFound};
use crate::iam::denial::{Kind, PolicyType};
use crate::iam::policy::{PolicyDocument, Trusted};
use crate::judge::{Cause, Verdict};
use crate::principal::Principal;
use crate::problem::Problem as Wrong;
use crate::proof::{Grade, Warning};
use crate::report;
use crate::text::{MAX_TEXT_BYTES, Rendering, Text};
use crate::voice::Voice;

/// The name and version of the format.
pub const SCHEMA: &str = "permissions-probe/v1";

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub schema: &'static str,
    pub verdict: Verdict,
    pub summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<Headline>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    pub principal: Caller,
    pub region: Option<String>,
    pub request_id: String,
    pub duration_ms: u64,
    pub actions: Vec<Row>,
    pub advice: Vec<Advice>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advisories: Vec<Advice>,
    /// Where the report is logged, if that is known.
    #[serde(skip)]
    pub log_group: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Headline {
    pub cause: &'static str,
    pub text: String,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    pub allowed: usize,
    pub denied: usize,
    pub inconclusive: usize,
    pub proofs: Grades,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Grades {
    pub documented: usize,
    pub observed: usize,
    pub inferred: usize,
}

/// Who called, as AWS says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Caller {
    pub arn: Option<String>,
    pub account: Option<String>,
    pub role: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    pub name: String,
    pub value: Option<String>,
    pub expected: String,
    /// The whole as a sentence.
    #[serde(skip)]
    pub sentence: String,
}

/// What is known of one action on one resource.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub action: String,
    pub resource: Option<String>,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "is_false")]
    pub must_be_denied: bool,
    pub proof: Option<Proof>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub denial: Option<Denial>,
    pub cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The actions that were called when AWS denied this one.
    #[serde(rename = "metBy", skip_serializing_if = "Vec::is_empty")]
    pub called_by: Vec<&'static str>,
    pub aws_request_id: Option<String>,
    pub duration_ms: u64,
    /// The actions of which one was denied, where AWS does not say which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    pub code: String,
    pub grade: Grade,
    pub source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub better: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Denial {
    pub kind: Kind,
    pub policy_type: Option<PolicyType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<&'static str>,
    pub policy_arn: Option<String>,
    pub action: Option<String>,
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<DenialDetails>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DenialDetails {
    pub matched: Vec<Matched>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matched {
    pub policy: String,
    pub policy_type: Option<String>,
    pub attached_to: Vec<String>,
    pub sid: Option<String>,
    pub effect: Option<String>,
}

/// One thing to do or to know.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    pub text: String,
    pub actions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_policy: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A policy whose texts have been rendered.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Policy(PolicyDocument);

impl Policy {
    /// The policy on one line.
    pub fn to_json(&self) -> String {
        self.0.to_json()
    }
}

impl Report {
    /// Renders a report. `masks` says whether account ids and names of sessions are masked.
    pub fn render(report: &report::Report, voice: Voice, masks: bool) -> Self {
        let mut rendering = Rendering::new(masks);
        let run = report.run();
        let region = run.map(|run| rendering.text(&run.place.region.as_str().into()));
        // First, so that the caller's account has the same number in every run.
        let principal = Caller::render(run.and_then(|run| run.principal.as_ref()), &mut rendering);
        let problems = report.problems.iter().map(|problem| Problem::render(problem, &mut rendering)).collect();
        let actions = report.findings().iter().map(|it| Row::render(it, voice, &mut rendering)).collect();
        let headline = run.zip(report.root_cause.as_ref()).map(|(run, cause)| Headline {
            cause: cause.id(),
            text: rendering.text(&wording::describe_root_cause(cause, run, voice)),
        });
        let log_group = run.and_then(|run| run.specification.log_stream.group.as_deref());
        let log_group = log_group.map(|group| rendering.text(&group.into()));
        let advice =
            report.advice.iter().filter_map(|advice| Some(Advice::render(advice, run?, voice, &mut rendering)));
        let advice = advice.collect();
        let advisories = report.advisories.iter().map(|advisory| Advice {
            text: rendering.text(&wording::describe_advisory(advisory, voice)),
            actions: advisory.actions().iter().map(|action| rendering.text(action)).collect(),
            policy: None,
            trust_policy: None,
            command: None,
        });
        Self {
            schema: SCHEMA,
            verdict: report.verdict,
            summary: Summary::of(&report.summary),
            headline,
            problems,
            principal,
            region,
            advisories: advisories.collect(),
            log_group,
            request_id: rendering.request_id(&report.request_id),
            duration_ms: millis(report.duration),
            actions,
            advice,
        }
    }

    pub fn to_json(&self) -> String {
        // Nothing in a report has keys that are not strings, the one thing that can fail.
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"schema\":\"{SCHEMA}\",\"error\":\"{error}\"}}"))
    }
}

impl Summary {
    pub fn of(summary: &report::Summary) -> Self {
        Self {
            allowed: summary.allowed,
            denied: summary.denied,
            inconclusive: summary.inconclusive,
            proofs: Grades { documented: summary.documented, observed: summary.observed, inferred: summary.inferred },
        }
    }
}

impl Caller {
    fn render(principal: Option<&Principal>, rendering: &mut Rendering) -> Self {
        let Some(principal) = principal else { return Self::default() };
        Self {
            arn: Some(rendering.text(&principal.arn.as_str().into())),
            account: Some(rendering.text(&principal.account.as_str().into())),
            role: principal.role().map(|role| rendering.text(&role.into())),
        }
    }
}

impl Problem {
    pub fn render(problem: &Wrong, rendering: &mut Rendering) -> Self {
        let value = rendering.optional(problem.value.as_ref());
        Self {
            name: rendering.text(&problem.name),
            value,
            expected: rendering.text(&problem.expected),
            sentence: rendering.text(&problem.describe()),
        }
    }
}

impl Row {
    fn render(finding: &Finding, voice: Voice, rendering: &mut Rendering) -> Self {
        Self {
            action: rendering.text(&finding.action),
            resource: rendering.optional(finding.resource.as_ref()),
            verdict: finding.verdict,
            must_be_denied: finding.must_be_denied(),
            message: rendering.optional(finding.message.as_ref()),
            note: finding.note.as_ref().map(|note| rendering.text(&wording::describe_note(note, voice))),
            code: rendering.optional(finding.code.as_ref()),
            proof: finding.proof.as_ref().map(|proof| Proof::render(proof, voice, rendering)),
            denial: finding.denial.as_ref().map(|denial| Denial::render(denial, rendering)),
            cause: finding.cause,
            warning: finding.warning,
            called_by: finding.called_by().iter().map(|probe| probe.action).collect(),
            aws_request_id: finding.aws_request_id.as_ref().map(|id| rendering.request_id(id)),
            duration_ms: millis(finding.duration),
            candidates: finding.candidate_actions(),
        }
    }
}

impl Proof {
    fn render(proof: &ProofFound, voice: Voice, rendering: &mut Rendering) -> Self {
        Self {
            code: rendering.text(&proof.code),
            grade: proof.grade,
            source: proof.source.clone(),
            request: rendering.optional(proof.request.as_ref()),
            better: proof.better.map(|better| wording::describe_better(better, voice)),
        }
    }
}

impl Denial {
    fn render(denial: &DenialFound, rendering: &mut Rendering) -> Self {
        Self {
            kind: denial.kind,
            policy_type: denial.policy_type,
            setting: denial.setting,
            resource: rendering.optional(denial.resource.as_ref()),
            policy_arn: rendering.optional(denial.policy_arn.as_ref()),
            details_link: rendering.optional(denial.details_link.as_ref()),
            action: rendering.optional(denial.action.as_ref()),
            authorization_id: rendering.optional(denial.authorization_id.as_ref()),
            details: denial.details.as_ref().map(|details| DenialDetails::render(details, rendering)),
        }
    }
}

impl DenialDetails {
    fn render(details: &Details, rendering: &mut Rendering) -> Self {
        let matched = |matched: &MatchedStatement, rendering: &mut Rendering| Matched {
            policy: rendering.text(&matched.policy),
            policy_type: rendering.optional(matched.policy_type.as_ref()),
            attached_to: matched.attached_to.iter().map(|to| rendering.text(to)).collect(),
            sid: rendering.optional(matched.sid.as_ref()),
            effect: rendering.optional(matched.effect.as_ref()),
        };
        Self {
            note: rendering.optional(details.note.as_ref()),
            matched: details.matched.iter().map(|it| matched(it, rendering)).collect(),
        }
    }
}

impl Advice {
    fn render(advice: &Remedies, run: &Run, voice: Voice, rendering: &mut Rendering) -> Self {
        let remedy = &advice.remedy;
        Self {
            text: rendering.text(&wording::describe_remedy(remedy, run, voice)),
            actions: advice.actions.iter().map(|action| rendering.text(action)).collect(),
            // A command that is cut would be another one.
            command: remedy
                .command()
                .filter(|command| command.len() <= MAX_TEXT_BYTES)
                .map(|command| rendering.text(&command.into())),
            policy: remedy.policy().map(|policy| Policy::render(policy, rendering)),
            trust_policy: remedy.trust_policy().map(|policy| Policy::render(&policy, rendering)),
        }
    }
}

impl Policy {
    fn render(policy: &PolicyDocument, rendering: &mut Rendering) -> Self {
        let mut policy = policy.clone();
        let mut render = |text: &mut String| *text = rendering.text(&Text::new(std::mem::take(text)));
        for statement in &mut policy.statement {
            statement.resource.iter_mut().chain(&mut statement.action).for_each(&mut render);
            if let Some(condition) = &mut statement.condition {
                for_each_text(condition, &mut render);
            }
            if let Some(Trusted::Aws(arn)) = &mut statement.principal {
                render(arn);
            }
        }
        Self(policy)
    }
}

/// Every text in a value, its keys left out: those of a condition are names of AWS's own.
fn for_each_text(value: &mut serde_json::Value, then: &mut impl FnMut(&mut String)) {
    match value {
        serde_json::Value::String(text) => then(text),
        serde_json::Value::Array(list) => list.iter_mut().for_each(|value| for_each_text(value, then)),
        serde_json::Value::Object(object) => object.values_mut().for_each(|value| for_each_text(value, then)),
        _ => {}
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A duration in whole milliseconds.
pub fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Implicit => "implicitDeny",
        Kind::Explicit => "explicitDeny",
        Kind::Unstated => "unstated",
    }
}

/// Serializes an enum by its name.
macro_rules! serialize_by_name {
    ($($type:ty: $name:expr;)*) => {
        $(impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let name: fn($type) -> &'static str = $name;
                serializer.serialize_str(name(*self))
            }
        })*
    };
}

serialize_by_name! {
    Verdict: Verdict::name;
    Grade: Grade::name;
    Cause: Cause::name;
    Warning: Warning::name;
    PolicyType: policy_type_name;
    Kind: kind_name;
}
