//! One row of the report: what is known of one action on one resource.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{is_false, millis};
use crate::diagnosis::wording;
use crate::finding::{Conditions, Conformity, DenialFound, Details, Finding, MatchedStatement, Note, ProofFound};
use crate::iam::denial::{Kind, PolicyType};
use crate::judge::{Cause, Verdict};
use crate::proof::{Grade, Warning};
use crate::text::{Rendering, Text};
use crate::voice::Voice;

/// What is known of one action on one resource.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "is_false")]
    pub must_be_denied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denial: Option<Denial>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The actions that were called when AWS denied this one.
    #[serde(rename = "metBy", skip_serializing_if = "Vec::is_empty")]
    pub called_by: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_request_id: Option<String>,
    pub duration_ms: u64,
    /// The ARN of the role that it is about, where that is not the caller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// What of the pipeline's own request was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<SentConditions>,
    /// The actions of which one was denied, where AWS does not say which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<&'static str>,
    /// How it stands to what is asked for.
    #[serde(skip)]
    pub conformity: Conformity,
    /// Whether the note tells something of a row that is as specified.
    #[serde(skip)]
    pub is_noteworthy: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// What proves it; `None` where that is the row's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_type: Option<PolicyType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_arn: Option<String>,
    /// The action and the resource that AWS names, where they are not the row's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_type: Option<String>,
    pub attached_to: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// What a policy's conditions could look at in the pipeline's own request, and what of it was sent.
#[derive(Clone, Debug, Serialize)]
pub struct SentConditions {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, Vec<String>>,
    /// The condition keys that can have other values in the pipeline's own request.
    pub differ: Vec<String>,
    /// The fields of that request that were not sent.
    #[serde(rename = "notSent", skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

impl SentConditions {
    fn render(conditions: &Conditions, rendering: &mut Rendering) -> Self {
        let mut text = |text: &String| rendering.text(&text.as_str().into());
        Self {
            sent: conditions
                .sent
                .iter()
                .map(|(key, values)| (text(key), values.iter().map(&mut text).collect()))
                .collect(),
            differ: conditions.differ.iter().map(&mut text).collect(),
            left: conditions.left.iter().map(&mut text).collect(),
        }
    }
}

impl Row {
    pub(super) fn render(finding: &Finding, voice: Voice, rendering: &mut Rendering) -> Self {
        let action = rendering.text(&finding.action);
        let resource = rendering.optional(finding.resource.as_ref());
        Self {
            denial: finding.denial.as_ref().map(|denial| {
                // What the row says already is not said twice.
                let denial = Denial::render(denial, rendering);
                Denial {
                    action: denial.action.filter(|named| *named != action),
                    resource: denial.resource.filter(|named| Some(named) != resource.as_ref()),
                    ..denial
                }
            }),
            action,
            resource,
            verdict: finding.verdict,
            must_be_denied: finding.must_be_denied(),
            message: rendering.optional(finding.message.as_ref()),
            note: finding.note.as_ref().map(|note| rendering.text(&wording::describe_note(note, voice))),
            code: rendering.optional(finding.code.as_ref()),
            proof: finding.proof.as_ref().map(|proof| Proof::render(proof, finding.code.as_ref(), voice, rendering)),
            cause: finding.cause,
            warning: finding.warning,
            called_by: finding.called_by().iter().map(|probe| probe.action).collect(),
            aws_request_id: finding.aws_request_id.as_ref().map(|id| rendering.request_id(id)),
            duration_ms: millis(finding.duration),
            candidates: finding.candidate_actions(),
            principal: rendering.optional(finding.principal.as_ref()),
            conditions: finding.conditions.as_ref().map(|it| SentConditions::render(it, rendering)),
            conformity: finding.conformity(),
            // What AWS went on to on a name that the run made up is for an advisory to tell.
            is_noteworthy: matches!(
                finding.note,
                Some(Note::WentOnTo { on_made_up_name: false, .. } | Note::AllowedAfter(..))
            ),
        }
    }

    /// Whether AWS denied the action while another one was called; no check asked for it.
    pub fn is_dependent(&self) -> bool {
        !self.called_by.is_empty()
    }

    pub fn is_as_specified(&self) -> bool {
        self.conformity == Conformity::AsSpecified
    }
}

impl Proof {
    fn render(proof: &ProofFound, code: Option<&Text>, voice: Voice, rendering: &mut Rendering) -> Self {
        Self {
            code: (Some(&proof.code) != code).then(|| rendering.text(&proof.code)),
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
