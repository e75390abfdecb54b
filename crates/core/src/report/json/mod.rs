//! The report as JSON: the wire format, whose names are a contract
//! (docs/reference/report.md). Every text in it has been rendered.

mod row;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::diagnosis::{Advice as Remedies, Run, wording};
use crate::finding::Conformity;
use crate::iam::denial::{Kind, PolicyType};
use crate::iam::policy::{PolicyDocument, Trusted};
use crate::judge::{Cause, Verdict};
use crate::principal::Principal;
use crate::problem::Problem as Wrong;
use crate::proof::{Grade, Warning};
use crate::report;
use crate::report::links::{Link, links};
use crate::report::sentence::{describe_conformity, describe_outcome};
use crate::text::{MAX_TEXT_BYTES, Rendering, Text};
use crate::voice::Voice;

pub use row::{Denial, DenialDetails, Matched, Proof, Row, SentConditions};

/// The name and version of the format.
pub const SCHEMA: &str = "permissions-probe/v2";

/// A report whose texts have been rendered.
#[derive(Clone, Debug)]
pub struct Report {
    pub verdict: Verdict,
    pub headline: Option<Headline>,
    pub summary: Summary,
    pub problems: Vec<Problem>,
    /// Each finding, in the order of the plan.
    pub rows: Vec<Row>,
    pub advice: Vec<Advice>,
    pub advisories: Vec<Advice>,
    /// Who called, as AWS says; `None` while AWS has not said it.
    pub principal: Option<Caller>,
    pub region: Option<String>,
    pub request_id: String,
    pub duration_ms: u64,
    /// Whether what is as specified is written in full, too.
    pub in_full: bool,
    /// Whether a run was made.
    pub is_tried: bool,
    /// Whether only some of the actions were asked for.
    pub is_filtered: bool,
    /// Who was checked in place of the role that should have been: a sentence.
    pub other_principal: Option<String>,
    /// The whole in a few plain sentences.
    pub outcome: String,
    /// Where the report is logged, if that is known.
    pub log_group: Option<String>,
    /// What the report is about, and where the console shows it.
    pub links: Vec<Link>,
    /// How much of a policy of the user's own was checked.
    pub coverage: Option<Coverage>,
    pub not_covered: Vec<NotCovered>,
}

/// A report as it is written, worst first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    schema: &'static str,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    headline: Option<&'a Headline>,
    summary: Summary,
    /// How the run stands to a policy of the user's own, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    conformity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Coverage>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    problems: &'a [Problem],
    wrong: Vec<&'a Row>,
    advice: &'a [Advice],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    advisories: &'a [Advice],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    not_covered: &'a [NotCovered],
    allowed: AsSpecified<'a>,
    #[serde(skip_serializing_if = "AsSpecified::is_empty")]
    denied_as_specified: AsSpecified<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a Caller>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    request_id: &'a str,
    duration_ms: u64,
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = Wire {
            schema: SCHEMA,
            verdict: self.verdict,
            headline: self.headline.as_ref(),
            summary: self.summary,
            // Without its rows, a report does not say which they are.
            conformity: (self.coverage.is_some() && !self.rows.is_empty()).then(|| describe_conformity(self)),
            coverage: self.coverage,
            problems: &self.problems,
            wrong: self.wrong(),
            advice: &self.advice,
            advisories: &self.advisories,
            not_covered: &self.not_covered,
            allowed: AsSpecified { report: self, verdict: Verdict::Allowed },
            denied_as_specified: AsSpecified { report: self, verdict: Verdict::Denied },
            principal: self.principal.as_ref(),
            region: self.region.as_deref(),
            request_id: &self.request_id,
            duration_ms: self.duration_ms,
        };
        wire.serialize(serializer)
    }
}

/// What is said of a row that is as specified.
#[derive(Serialize)]
struct Brief<'a> {
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Grade>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<&'a SentConditions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl<'a> Brief<'a> {
    fn of(row: &'a Row, report: &Report) -> Self {
        Self {
            action: &row.action,
            resource: row.resource.as_deref().map(|resource| report.shorten(resource)),
            proof: row.proof.as_ref().map(|proof| proof.grade),
            principal: row.principal.as_deref(),
            conditions: row.conditions.as_ref(),
            note: row.note.as_deref().filter(|_| row.is_noteworthy),
        }
    }
}

/// The rows of one verdict that are as specified: a short entry each, unless the report is written in full.
struct AsSpecified<'a> {
    report: &'a Report,
    verdict: Verdict,
}

impl AsSpecified<'_> {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.report.rows.iter().filter(|row| row.is_as_specified() && row.verdict == self.verdict)
    }

    fn is_empty(&self) -> bool {
        self.rows().next().is_none()
    }
}

impl Serialize for AsSpecified<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for row in self.rows() {
            if self.report.in_full {
                list.serialize_element(row)?;
            } else {
                list.serialize_element(&Brief::of(row, self.report))?;
            }
        }
        list.end()
    }
}

/// How much of a policy was checked: so many actions on a resource of so many.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Coverage {
    pub checked: usize,
    pub of: usize,
}

/// What the policy says and no check tells.
#[derive(Clone, Debug, Serialize)]
pub struct NotCovered {
    pub action: String,
    pub resource: String,
    pub reason: String,
    /// For how many actions on a resource it stands, if for more than one.
    #[serde(skip_serializing_if = "is_one")]
    pub count: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one(count: &usize) -> bool {
    *count == 1
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
#[derive(Clone, Debug, Serialize)]
pub struct Caller {
    pub arn: String,
    pub account: String,
    /// The role, where the caller is a session of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    pub expected: String,
    /// The whole as a sentence.
    #[serde(skip)]
    pub sentence: String,
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
    /// The command that does it, for a POSIX shell.
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

    /// The policy as the IAM console shows it.
    pub fn to_pretty_json(&self) -> String {
        serde_json::to_string_pretty(&self.0).unwrap_or_default()
    }
}

impl Report {
    /// Renders a report. `masks` says whether account ids and names of sessions are masked.
    pub fn render(report: &report::Report, voice: Voice, masks: bool) -> Self {
        let mut rendering = Rendering::new(masks);
        let run = report.run();
        let region = run.map(|run| rendering.text(&run.place.region.as_str().into()));
        // First, so that the caller's account has the same number in every run.
        let principal = run.and_then(|run| run.principal.as_ref()).map(|it| Caller::render(it, &mut rendering));
        let problems = report.problems.iter().map(|problem| Problem::render(problem, &mut rendering)).collect();
        let rows = report.findings().iter().map(|it| Row::render(it, voice, &mut rendering)).collect();
        let headline = run.zip(report.root_cause.as_ref()).map(|(run, cause)| Headline {
            cause: cause.id(),
            text: rendering.text(&wording::describe_root_cause(cause, run, voice)),
        });
        let other_principal = run.and_then(wording::describe_other_principal);
        let other_principal = other_principal.map(|text| rendering.text(&text));
        let links = run.map(|run| links(run, &mut rendering)).unwrap_or_default();
        let log_group = run.and_then(|run| run.specification.log_stream.group.as_deref());
        let log_group = log_group.map(|group| rendering.text(&group.into()));
        let advice =
            report.advice.iter().filter_map(|advice| Some(Advice::render(advice, run?, voice, &mut rendering)));
        let advice = advice.collect();
        let coverage = run.and_then(|run| run.coverage.as_ref());
        let not_covered = report.not_covered().iter().map(|left_out| NotCovered {
            action: rendering.text(&left_out.action.as_str().into()),
            resource: rendering.text(&left_out.resource.as_str().into()),
            reason: rendering.text(&left_out.reason.as_str().into()),
            count: left_out.count,
        });
        let not_covered = not_covered.collect();
        let advisories = report.advisories.iter().map(|advisory| Advice {
            text: rendering.text(&wording::describe_advisory(advisory, voice)),
            actions: advisory.actions().iter().map(|action| rendering.text(action)).collect(),
            policy: None,
            trust_policy: None,
            command: None,
        });
        let mut rendered = Self {
            verdict: report.verdict,
            headline,
            summary: Summary::of(&report.summary),
            problems,
            rows,
            advice,
            advisories: advisories.collect(),
            principal,
            region,
            request_id: rendering.request_id(&report.request_id),
            duration_ms: millis(report.duration),
            in_full: false,
            is_tried: run.is_some(),
            is_filtered: report.is_filtered,
            other_principal,
            outcome: String::new(),
            log_group,
            links,
            coverage: coverage.map(|coverage| Coverage { checked: coverage.checked, of: coverage.of }),
            not_covered,
        };
        rendered.outcome = describe_outcome(&rendered);
        rendered
    }

    /// The report with one more problem, which came after the run.
    pub fn add_problem(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.outcome = describe_outcome(self);
    }

    /// The same for those who may not see a name of the account's: the verdict, the counts, and the cause in general.
    /// `problems` are those that name nothing of the account.
    #[must_use]
    pub fn without_names(&self, cause: Option<&'static str>, problems: &[Problem]) -> Self {
        let headline = cause.map(|cause| Headline { cause, text: wording::describe_without_names(cause).to_owned() });
        let Summary { allowed, denied, inconclusive, .. } = self.summary;
        let counts = format!("{allowed} allowed, {denied} denied, {inconclusive} inconclusive.");
        let sentences = [
            headline.as_ref().map(|headline| headline.text.clone()).filter(|_| problems.is_empty()),
            self.is_tried.then_some(counts),
        ];
        let log = "The function's log has the report under the request id.";
        let sentences =
            problems.iter().map(|problem| format!("{}.", problem.sentence)).chain(sentences.into_iter().flatten());
        Self {
            outcome: sentences.chain([log.to_owned()]).collect::<Vec<_>>().join(" "),
            verdict: self.verdict,
            headline,
            summary: self.summary,
            problems: problems.to_vec(),
            rows: Vec::new(),
            advice: Vec::new(),
            advisories: Vec::new(),
            principal: None,
            region: None,
            request_id: self.request_id.clone(),
            duration_ms: self.duration_ms,
            in_full: false,
            is_tried: self.is_tried,
            is_filtered: self.is_filtered,
            other_principal: None,
            log_group: None,
            links: Vec::new(),
            coverage: self.coverage,
            not_covered: Vec::new(),
        }
    }

    /// The rows that are not as specified, the worst first.
    pub fn wrong(&self) -> Vec<&Row> {
        let mut wrong: Vec<_> = self.rows.iter().filter(|row| !row.is_as_specified()).collect();
        wrong.sort_by_key(|row| match row.conformity {
            Conformity::Missing => 0,
            Conformity::Excess => 1,
            Conformity::Flawed(_) => 2,
            Conformity::Unknown(_) | Conformity::AsSpecified => 3,
        });
        wrong
    }

    /// An ARN of the report's own Region and account without what it shares with all others; any other text as it is.
    pub fn shorten<'a>(&self, resource: &'a str) -> &'a str {
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        let account = self.principal.as_ref().map(|principal| principal.account.as_str());
        match parts[..] {
            ["arn", _, _, region, of, rest]
                if (region.is_empty() || Some(region) == self.region.as_deref())
                    && (of.is_empty() || of == "*" || Some(of) == account) =>
            {
                rest
            }
            _ => resource,
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
    fn render(principal: &Principal, rendering: &mut Rendering) -> Self {
        Self {
            arn: rendering.text(&principal.arn.as_str().into()),
            account: rendering.text(&principal.account.as_str().into()),
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

impl Advice {
    fn render(advice: &Remedies, run: &Run, voice: Voice, rendering: &mut Rendering) -> Self {
        let remedy = &advice.remedy;
        // A command that is cut would be another one.
        let command = remedy.command().filter(|command| command.len() <= MAX_TEXT_BYTES);
        let command = command.map(|command| rendering.text(&command.into()));
        Self {
            text: rendering.text(&wording::describe_remedy(remedy, run, voice)),
            actions: advice.actions.iter().map(|action| rendering.text(action)).collect(),
            command,
            policy: remedy.policy().map(|policy| Policy::render(policy, rendering)),
            trust_policy: remedy.trust_policy().map(|policy| Policy::render(&policy, rendering)),
        }
    }
}

impl Policy {
    pub(crate) fn render(policy: &PolicyDocument, rendering: &mut Rendering) -> Self {
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
