//! From outcomes to findings.

use crate::answer::Reply;
use crate::evidence;
use crate::finding::{Candidate, Conditions, DenialFound, Finding, Note, Origin, Outcome, ProofFound};
use crate::form;
use crate::iam::actions::{CONTROL, PASS_ROLE};
use crate::iam::denial::Kind;
use crate::iam::resource::{MADE_UP, is_everything};
use crate::judge::{Cause, Judgment, Proven, Verdict};
use crate::place::Place;
use crate::plan::{Check, Purpose};
use crate::proof::{Grade, Warning};
use crate::specification::Target;
use crate::text::Text;

/// One finding for each outcome, and one for each other action that AWS denied on the way.
pub fn findings(outcomes: &[Outcome], place: &Place) -> Vec<Finding> {
    let controls = Controls::of(outcomes);
    let mut findings: Vec<Finding> =
        outcomes.iter().map(|outcome| Finding::of_outcome(outcome, place, controls)).collect();
    if controls == Controls::NoIdentity {
        return findings;
    }
    let denied = findings.iter().filter_map(|finding| finding.dependent(place));
    let unexplained = outcomes.iter().filter_map(|outcome| Finding::unexplained(outcome, place));
    for new in denied.chain(unexplained).collect::<Vec<_>>() {
        let same = |known: &&mut Finding| known.action.raw().eq_ignore_ascii_case(new.action.raw());
        // That AWS went on to another action shows "allowed" by inference; a denial by name is documented.
        let refuted = |known: &&mut Finding| {
            new.verdict == Verdict::Denied && known.is_allowed_by_inference() && known.speaks_for(new.resource.as_ref())
        };
        if let Some(known) = findings.iter_mut().filter(same).find(refuted) {
            known.deny(new);
            continue;
        }
        // A check of its own that was allowed, or denied, has said what there is to say of its resource; one that
        // could not tell has not.
        let told = |known: &Finding| {
            !known.is_dependent() && known.verdict != Verdict::Inconclusive && known.speaks_for(new.resource.as_ref())
        };
        if findings.iter_mut().filter(same).any(|known| told(known)) {
            continue;
        }
        match findings.iter_mut().filter(same).find(|known| known.is_dependent() && known.resource == new.resource) {
            Some(known) => known.merge(new),
            None => findings.push(new),
        }
    }
    findings
}

impl Finding {
    /// Whether a denial of the same action on this resource is about what was checked here.
    pub(crate) fn speaks_for(&self, resource: Option<&Text>) -> bool {
        let (Some(check), Some(resource)) = (self.check(), resource) else { return true };
        // arn:partition:service:region:account:resource
        let named = resource.raw().splitn(6, ':').nth(5).unwrap_or_default();
        let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
        // One of several buckets, tables or roles says nothing of another.
        match &check.target {
            _ if named.is_empty() => true,
            Target::Bucket(bucket) => first(named) == bucket.name,
            Target::Table(table) => named.strip_prefix("table/").is_none_or(|name| first(name) == table.name),
            Target::Role(role) => resource.raw() == role.arn,
            _ => true,
        }
    }

    /// Whether the check is taken for allowed because AWS went on to another action, and denied that.
    fn is_allowed_by_inference(&self) -> bool {
        self.check().is_some() && self.verdict == Verdict::Allowed && self.denial.is_some()
    }

    /// Takes over that AWS denied the action by name, while another one was called.
    fn deny(&mut self, denied: Self) {
        self.verdict = Verdict::Denied;
        self.proof = denied.proof;
        self.code = denied.code;
        self.message = denied.message;
        self.denial = denied.denial;
        self.note = denied.note;
        self.aws_request_id = denied.aws_request_id;
        self.request_context = denied.request_context;
    }

    /// Adds what another finding of the same action on the same resource says beyond this one: who called it, and,
    /// where AWS names no resource, what a statement for it names.
    fn merge(&mut self, other: Self) {
        if let (Origin::Dependent { called_by }, Origin::Dependent { called_by: more }) =
            (&mut self.origin, other.origin)
        {
            for probe in more {
                if !called_by.iter().any(|known| known.action == probe.action) {
                    called_by.push(probe);
                }
            }
        }
        for candidate in other.candidates {
            if !self.candidates.contains(&candidate) {
                self.candidates.push(candidate);
            }
        }
    }

    /// The actions of which one was denied, each once.
    pub fn candidate_actions(&self) -> Vec<&'static str> {
        let mut actions = Vec::new();
        for candidate in &self.candidates {
            if !actions.contains(&candidate.action) {
                actions.push(candidate.action);
            }
        }
        actions
    }
}

/// What the controls of a run leave to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Controls {
    /// All came out as they must.
    Sound,
    /// AWS did not say who is calling, which it tells everyone who signs: nothing is believed.
    NoIdentity,
    /// What must be denied was allowed: no "allowed" is believed.
    SayYes,
}

impl Controls {
    fn of(outcomes: &[Outcome]) -> Self {
        let allowed = |outcome: &Outcome| outcome.verdict() == Verdict::Allowed;
        let mut identities = outcomes.iter().filter(|outcome| outcome.check.action() == CONTROL);
        if !identities.any(allowed) {
            Self::NoIdentity
        } else if outcomes.iter().filter(|outcome| outcome.check.is_deny_control()).any(allowed) {
            Self::SayYes
        } else {
            Self::Sound
        }
    }

    fn believe(self, verdict: Verdict) -> bool {
        match self {
            Self::Sound => true,
            Self::NoIdentity => false,
            Self::SayYes => verdict == Verdict::Denied,
        }
    }
}

impl Finding {
    fn of_outcome(outcome: &Outcome, place: &Place, controls: Controls) -> Self {
        let Outcome { check, answer, duration, allowed_after } = outcome;
        let place = &check.place(place);
        let resources = match &check.ask {
            // The policy's own words, where the name is made up from them.
            Some(ask)
                if check.is_on_made_up_name()
                    && check.purpose != Purpose::Scope
                    && !is_everything(&ask.resource)
                    && !matches!(check.target, Target::Bucket(_)) =>
            {
                vec![ask.resource.clone()]
            }
            _ if check.purpose == Purpose::Function => vec![check.function_arn(place)],
            _ => check.resources(place),
        };
        let proof = |code: &str, (grade, source): (Grade, String)| {
            let better = check.probe.on.better(&check.target).filter(|_| grade != Grade::Documented);
            let request = answer.form.as_deref().map(Text::from);
            Some(ProofFound { code: code.into(), grade, source, request, better })
        };
        let judgment = outcome.judge();
        let proven = judgment.verdict();
        // A control is what the others are believed by.
        let itself = check.action() == CONTROL || (check.is_deny_control() && controls == Controls::SayYes);
        let disbelieved = !itself && proven != Verdict::Inconclusive && !controls.believe(proven);
        let verdict = if disbelieved { Verdict::Inconclusive } else { proven };
        let mut candidates = &[][..];
        let (proof, denial, cause, warning) = match judgment {
            Judgment::Allowed { code, proven, warning } => {
                let basis = match &proven {
                    Proven::Answer(by) => evidence::basis(check.action(), by),
                    Proven::Dependent(denial) => evidence::dependent_basis(check.action(), denial.action),
                    Proven::Unexplained(_) => (Grade::Inferred, READABLE.to_owned()),
                };
                let denial =
                    if let Proven::Dependent(denial) = &proven { Some(DenialFound::new(denial)) } else { None };
                (proof(code, basis), denial, None, warning)
            }
            Judgment::Denied { source, denial } => {
                let found = denial.as_ref().map_or_else(DenialFound::unexplained, DenialFound::new);
                let basis = (Grade::Documented, source.to_owned());
                (proof(answer.code().unwrap_or_default(), basis), Some(found), None, None)
            }
            Judgment::Inconclusive { cause, denial, candidates: actions } => {
                candidates = actions;
                (None, denial.as_ref().map(DenialFound::new), Some(cause), None)
            }
        };
        let (proof, cause) = if disbelieved { (None, Some(Cause::ControlFailed)) } else { (proof, cause) };
        let note = if disbelieved {
            Some(Note::Disbelieved { would_prove: proven })
        } else {
            let note = note_of(outcome, verdict, (cause, warning), denial.as_ref(), candidates, place);
            match allowed_after {
                Some(allowed_after) => Some(Note::AllowedAfter(*allowed_after, note.map(Box::new))),
                None => note,
            }
        };
        let message = match &answer.reply {
            Reply::None { detail, .. } => Some(detail.as_str().into()),
            Reply::Error { code: None, status, .. } => {
                Some(format!("HTTP status {status} without an error code").into())
            }
            _ => answer.message().map(Text::from),
        };
        Self {
            origin: Origin::Check(check.clone()),
            action: check.action().into(),
            resource: resources.first().map(|resource| resource.as_str().into()),
            verdict,
            proof,
            code: answer.code().map(Text::from),
            message,
            note,
            denial,
            cause,
            warning,
            aws_request_id: answer.request_id.as_deref().map(Text::from),
            duration: *duration,
            resources,
            bucket_region: answer.bucket_region.as_deref().map(Text::from),
            candidates: candidates.iter().map(|action| Candidate::new(action, &check.target, place)).collect(),
            request_context: if verdict == Verdict::Denied { outcome.request_context() } else { String::new() },
            leftover: outcome.leftover(place).filter(|_| warning == Some(Warning::SideEffect)),
            principal: check.other_role().map(Text::from),
            conditions: conditions_of(check, place),
        }
    }

    /// The finding of an action behind the one that was called, where a denial that names no action can only be its.
    fn unexplained(outcome: &Outcome, place: &Place) -> Option<Self> {
        let Judgment::Allowed { proven: Proven::Unexplained(action), .. } = outcome.judge() else { return None };
        let check = &outcome.check;
        let place = &check.place(place);
        Some(Self {
            origin: Origin::Dependent { called_by: vec![check.probe] },
            action: action.into(),
            cause: Some(Cause::Ambiguous),
            code: outcome.answer.code().map(Text::from),
            message: outcome.answer.message().map(Text::from),
            note: Some(Note::ContentWithheld { action: check.action() }),
            aws_request_id: outcome.answer.request_id.as_deref().map(Text::from),
            duration: outcome.duration,
            candidates: vec![Candidate::new(action, &check.target, place)],
            ..Self::not_run(check)
        })
    }

    /// The finding of another action that AWS denied while this one was called.
    fn dependent(&self, place: &Place) -> Option<Self> {
        let check = self.check()?;
        let denial = self.denial.as_ref()?;
        let action = denial.action.as_ref().filter(|action| !action.raw().eq_ignore_ascii_case(check.action()))?;
        // That a role which does not exist may not be passed says nothing of one that does.
        if self.is_on_made_up_name(place) && action.raw().eq_ignore_ascii_case(PASS_ROLE) {
            return None;
        }
        let resource = denial.resource.as_ref().map(|resource| place.names.generalize(resource.raw()));
        Some(Self {
            origin: Origin::Dependent { called_by: vec![check.probe] },
            action: action.clone(),
            resource: resource.as_deref().map(Text::from),
            verdict: Verdict::Denied,
            proof: Some(ProofFound {
                code: self.code.clone().unwrap_or_default(),
                grade: Grade::Documented,
                source: "IAM User Guide, \"Troubleshoot access denied error messages\"".to_owned(),
                request: None,
                better: None,
            }),
            code: self.code.clone(),
            message: self.message.clone(),
            denial: self.denial.clone(),
            cause: None,
            warning: None,
            note: Some(Note::DeniedMeanwhile),
            aws_request_id: self.aws_request_id.clone(),
            duration: self.duration,
            resources: resource.into_iter().collect(),
            bucket_region: None,
            candidates: Vec::new(),
            request_context: self.request_context.clone(),
            leftover: None,
            principal: None,
            conditions: None,
        })
    }
}

/// What of the pipeline's own request a check sends.
fn conditions_of(check: &Check, place: &Place) -> Option<Conditions> {
    let mut taken = form::take(check.action(), check.ask.as_ref()?.request.as_ref()?);
    for value in taken.sent.values_mut().flatten() {
        *value = value.replace(MADE_UP, &place.names.absent_name());
    }
    let of_client = if check.action().starts_with("s3:") { form::OF_THE_CLIENT_OF_S3 } else { &[] };
    let of_the_caller = form::OF_THE_CALLER.iter().chain(of_client).map(|key| (*key).to_owned());
    Some(Conditions {
        sent: taken.sent,
        differ: taken.differing.into_iter().chain(of_the_caller).collect(),
        left: taken.left.into_iter().map(|(field, _)| field).collect(),
    })
}

/// Why a bare denial of `GetObject` is not about `s3:GetObject`.
pub(super) const READABLE: &str = "HeadObject of the same object succeeded, and it needs s3:GetObject and nothing of AWS KMS (S3 API Reference, \
                        HeadObject); that the bare denial is about an action behind it is inferred";

/// What a verdict alone does not tell.
fn note_of(
    outcome: &Outcome,
    verdict: Verdict,
    (cause, warning): (Option<Cause>, Option<Warning>),
    denial: Option<&DenialFound>,
    candidates: &[&'static str],
    place: &Place,
) -> Option<Note> {
    let Outcome { check, answer, .. } = outcome;
    Some(match (cause, warning) {
        (Some(Cause::WrongRegion), _) => match &answer.bucket_region {
            Some(region) => {
                Note::BucketElsewhere { bucket: region.as_str().into(), sent_to: place.region.as_str().into() }
            }
            None => Note::Cause(Cause::WrongRegion),
        },
        (Some(Cause::Ambiguous), _) => Note::Ambiguous(candidates.to_vec()),
        (Some(Cause::Leftover), _) => Note::LeftoverInTheWay(outcome.leftover(place)),
        (Some(cause), _) => Note::Cause(cause),
        (None, Some(Warning::ResourceMissing)) => Note::ResourceMissing,
        (None, Some(Warning::SideEffect)) => Note::SideEffect(outcome.leftover(place)),
        (None, Some(Warning::RoleTrust)) => Note::RoleTrust,
        (None, Some(Warning::WrongRoleOnFunction | Warning::FunctionConfiguration)) => {
            Note::Function(outcome.function_problems())
        }
        (None, None) => {
            // A denial of another action on an allowed row is what AWS came to next.
            let next = denial.and_then(|denial| denial.action.as_ref());
            match next.filter(|next| !next.raw().eq_ignore_ascii_case(check.action())) {
                Some(next) => {
                    Note::WentOnTo { action: next.clone(), on_made_up_name: denial?.is_on_made_up_name(place) }
                }
                None if verdict == Verdict::Denied => return note_of_denial(outcome, denial?),
                None if answer.code() == Some("NoSuchKey") => Note::NoObject,
                None => return None,
            }
        }
    })
}

/// What of the request the denial can hang on: the object that this program
/// chose, and what the condition of a deny can look at.
fn note_of_denial(outcome: &Outcome, denial: &DenialFound) -> Option<Note> {
    let form = outcome.answer.form.as_deref();
    let chosen = form.filter(|form| form.starts_with("the first object listed")).map(Text::from);
    let check = &outcome.check;
    let keyed = ["PutItem", "UpdateItem", "GetItem", "Query"];
    let keyed = check.action().strip_prefix("dynamodb:").is_some_and(|action| keyed.contains(&action));
    let keyed = keyed && denial.is_missing_statement();
    let conditional = keyed || (denial.kind == Kind::Explicit && denial.setting.is_none());
    let request_had = conditional.then(|| (outcome.request_context(), keyed));
    (chosen.is_some() || request_had.is_some()).then_some(Note::Denied { chosen, request_had })
}
