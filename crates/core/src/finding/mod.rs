//! What a run has found: one finding for each check, and one for each other
//! action that AWS denied on the way.

mod collect;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::answer::{Answer, Leftover};
use crate::iam::denial::{Denial, Kind, PolicyType};
use crate::judge::{Cause, Judgment, Verdict, judge};
use crate::place::Place;
use crate::plan::Check;
use crate::probe::{Better, ProbeInfo};
use crate::proof::{Grade, Warning};
use crate::specification::Target;
use crate::text::Text;

pub use collect::findings;

/// What one check was answered, and how long that took.
#[derive(Debug)]
pub struct Outcome {
    pub check: Check,
    pub answer: Answer,
    pub duration: Duration,
    /// Set where the action came to be allowed when it was tried again.
    pub allowed_after: Option<AllowedAfter>,
}

/// After how long an action was allowed, and what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedAfter {
    pub after: Duration,
    /// `denied`, or the name of the cause.
    pub before: &'static str,
}

impl Outcome {
    pub fn new(check: Check, answer: Answer, duration: Duration) -> Self {
        Self { check, answer, duration, allowed_after: None }
    }

    /// What the answer proves by itself.
    pub fn verdict(&self) -> Verdict {
        self.judge().verdict()
    }

    /// The same, with what it rests on.
    pub fn judge(&self) -> Judgment<'_> {
        let mut judgment = judge(&self.answer, self.check.probe);
        if let Judgment::Allowed { warning, .. } = &mut judgment
            && *warning == Some(Warning::ResourceMissing)
            && self.check.is_on_made_up_name()
        {
            *warning = None;
        }
        if let Judgment::Allowed { warning: warning @ None, .. } = &mut judgment {
            *warning = self.function_problems().first().map(FunctionProblem::warning);
        }
        judgment
    }

    /// What is wrong with the function whose configuration was read.
    pub fn function_problems(&self) -> Vec<FunctionProblem> {
        let (Some(facts), Some(ask)) = (&self.answer.function, &self.check.ask) else { return Vec::new() };
        let mut problems = Vec::new();
        let found = facts.role.rsplit('/').next().unwrap_or_default();
        if let Some(expected) = ask.role.as_deref().filter(|expected| *expected != found) {
            problems.push(FunctionProblem::Role { found: facts.role.as_str().into(), expected: expected.into() });
        }
        problems.extend(facts.regions.iter().map(|(variable, region)| FunctionProblem::Region {
            variable: variable.as_str().into(),
            region: region.as_str().into(),
        }));
        problems.extend(facts.reasons.iter().map(|reason| FunctionProblem::NotReady(reason.as_str().into())));
        problems
    }

    /// What of the request a policy's condition can look at.
    pub fn request_context(&self) -> String {
        let of_form = self.answer.request_context.as_deref().map(str::to_owned);
        of_form.unwrap_or_else(|| self.check.probe.on.request_context(&self.check.target))
    }

    /// What the request leaves behind, if AWS carried it out.
    pub fn leftover(&self, place: &Place) -> Option<Leftover> {
        let of_form = self.answer.leftover.as_deref().cloned();
        of_form.or_else(|| self.check.leftover(place))
    }
}

/// What is known of one action on one resource.
#[derive(Debug)]
pub struct Finding {
    pub origin: Origin,
    pub action: Text,
    pub resource: Option<Text>,
    pub verdict: Verdict,
    pub proof: Option<ProofFound>,
    pub code: Option<Text>,
    pub message: Option<Text>,
    pub denial: Option<DenialFound>,
    pub cause: Option<Cause>,
    pub warning: Option<Warning>,
    pub note: Option<Note>,
    pub aws_request_id: Option<Text>,
    pub duration: Duration,
    /// What a statement for the action names.
    pub resources: Vec<String>,
    /// Where S3 says that the bucket is.
    pub bucket_region: Option<Text>,
    /// The actions of which one was denied, where AWS does not say which.
    pub candidates: Vec<Candidate>,
    /// What of a denied request a policy's condition can look at.
    pub request_context: String,
    /// What the request left behind.
    pub leftover: Option<Leftover>,
    /// Whose permissions it is about, where that is not the caller.
    pub principal: Option<Text>,
    /// What of the pipeline's own request was sent.
    pub conditions: Option<Conditions>,
}

/// What a policy's conditions could look at in the pipeline's own request, and what of it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The condition keys that were sent, with their values.
    pub sent: BTreeMap<String, Vec<String>>,
    /// The condition keys that can have other values in the pipeline's own request.
    pub differ: Vec<String>,
    /// The fields that were not sent.
    pub left: Vec<String>,
}

/// What is wrong with a function of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionProblem {
    /// It runs under another role.
    Role { found: Text, expected: Text },
    /// It is not ready, for a reason in Lambda's own code.
    NotReady(Text),
    /// One of its variables names another Region.
    Region { variable: Text, region: Text },
}

impl FunctionProblem {
    const fn warning(&self) -> Warning {
        match self {
            Self::Role { .. } => Warning::WrongRoleOnFunction,
            Self::NotReady(_) | Self::Region { .. } => Warning::FunctionConfiguration,
        }
    }
}

/// Where a finding comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A check of the plan.
    Check(Check),
    /// AWS denied the action while these were called.
    Dependent { called_by: Vec<&'static ProbeInfo> },
}

/// What a finding is known by, from one run to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub action: String,
    /// The name of a check's target, or the resource that AWS named.
    pub resource: String,
    pub is_dependent: bool,
}

/// How a finding stands to what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conformity {
    /// All is well.
    AsSpecified,
    /// The action has to be allowed, and is denied.
    Missing,
    /// The action has to be denied, and is allowed.
    Excess,
    /// The action is allowed, and something is wrong all the same.
    Flawed(Warning),
    /// Nothing can be told.
    Unknown(Cause),
}

/// What proves a verdict, and how sure that is.
#[derive(Clone, Debug)]
pub struct ProofFound {
    pub code: Text,
    pub grade: Grade,
    pub source: String,
    /// The form of the request, where a probe has several. It can have the key of an object in it.
    pub request: Option<Text>,
    /// How to get a documented proof.
    pub better: Option<Better>,
}

/// What AWS's denial says.
#[derive(Clone, Debug)]
pub struct DenialFound {
    pub kind: Kind,
    pub policy_type: Option<PolicyType>,
    /// The setting that denies, where it is no policy.
    pub setting: Option<&'static str>,
    pub policy_arn: Option<Text>,
    pub action: Option<Text>,
    pub resource: Option<Text>,
    pub authorization_id: Option<Text>,
    /// The page of the console that explains this denial.
    pub details_link: Option<Text>,
    /// What AWS says of this denial when it is asked.
    pub details: Option<Details>,
}

/// AWS's own account of a denial.
#[derive(Clone, Debug)]
pub struct Details {
    /// The statements that matched; none where no policy allowed the action.
    pub matched: Vec<MatchedStatement>,
    /// Why there is no account of it.
    pub note: Option<Text>,
}

#[derive(Clone, Debug)]
pub struct MatchedStatement {
    /// The policy's ARN; for an inline policy, AWS's name for it.
    pub policy: Text,
    pub policy_type: Option<Text>,
    pub attached_to: Vec<Text>,
    pub sid: Option<Text>,
    pub effect: Option<Text>,
}

/// An action that may be the one that was denied.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub action: &'static str,
    /// What a statement for the action names.
    pub resources: Vec<String>,
    /// The condition of that statement.
    pub condition: Option<serde_json::Value>,
}

/// What there is to know beyond the verdict.
#[derive(Clone, Debug)]
pub enum Note {
    /// By itself, the answer would prove this, and a control says that it is not to be believed.
    Disbelieved { would_prove: Verdict },
    /// The action was allowed only after a while.
    AllowedAfter(AllowedAfter, Option<Box<Note>>),
    /// Where S3 says that the bucket is, and where the request was sent.
    BucketElsewhere { bucket: Text, sent_to: Text },
    /// One of these actions was denied.
    Ambiguous(Vec<&'static str>),
    /// A record of an earlier run stands in the way.
    LeftoverInTheWay(Option<Leftover>),
    /// What the cause means.
    Cause(Cause),
    /// The action is allowed, and the resource is missing.
    ResourceMissing,
    /// The action is allowed, and AWS carried the request out.
    SideEffect(Option<Leftover>),
    /// The role may be passed, and SageMaker cannot assume it.
    RoleTrust,
    /// What is wrong with a function of the pipeline.
    Function(Vec<FunctionProblem>),
    /// The action is allowed, since AWS went on to this one.
    WentOnTo { action: Text, on_made_up_name: bool },
    /// S3 found no object to read.
    NoObject,
    /// What of the request the denial can hang on.
    Denied {
        /// The object that was chosen, where the program chose one.
        chosen: Option<Text>,
        /// What a condition can look at; and whether `dynamodb:LeadingKeys` can be that condition.
        request_had: Option<(String, bool)>,
    },
    /// AWS denied this action while another one was called.
    DeniedMeanwhile,
    /// S3 gives the headers of an object and not its content, to a request for this action.
    ContentWithheld { action: &'static str },
}

impl Finding {
    /// What it is known by.
    pub fn key(&self) -> Key {
        let resource = match &self.origin {
            Origin::Check(check) => check.ask.as_ref().map_or(check.target.name(), |ask| &ask.resource),
            Origin::Dependent { .. } => self.resource.as_ref().map_or("", Text::raw),
        };
        Key { action: self.action.raw().to_owned(), resource: resource.to_owned(), is_dependent: self.is_dependent() }
    }

    pub fn conformity(&self) -> Conformity {
        match (self.verdict, self.must_be_denied()) {
            (Verdict::Inconclusive | Verdict::Excess, _) => {
                Conformity::Unknown(self.cause.unwrap_or(Cause::Unrecognized))
            }
            (Verdict::Denied, false) => Conformity::Missing,
            (Verdict::Allowed, true) => Conformity::Excess,
            (Verdict::Allowed, false) => self.warning.map_or(Conformity::AsSpecified, Conformity::Flawed),
            (Verdict::Denied, true) => Conformity::AsSpecified,
        }
    }

    /// Whether all is well with the action.
    pub fn is_clean(&self) -> bool {
        self.conformity() == Conformity::AsSpecified
    }

    /// Whether AWS denied the action while another one was called.
    pub fn is_dependent(&self) -> bool {
        matches!(self.origin, Origin::Dependent { .. })
    }

    /// The actions that were called when AWS denied this one.
    pub fn called_by(&self) -> &[&'static ProbeInfo] {
        match &self.origin {
            Origin::Check(_) => &[],
            Origin::Dependent { called_by } => called_by,
        }
    }

    pub fn check(&self) -> Option<&Check> {
        match &self.origin {
            Origin::Check(check) => Some(check),
            Origin::Dependent { .. } => None,
        }
    }

    /// Whether the run is sound only if this is denied.
    pub fn must_be_denied(&self) -> bool {
        self.check().is_some_and(Check::must_be_denied)
    }

    /// Whether it is allowed where the policy says that it must not be; a control that is says more than that.
    pub fn is_excess(&self) -> bool {
        self.conformity() == Conformity::Excess && !self.check().is_some_and(Check::is_control)
    }

    /// Whether this is the check of an action.
    pub fn is_check_of(&self, action: &str) -> bool {
        self.check().is_some_and(|check| check.action() == action)
    }

    /// Whether the action is one of a service, such as `s3`.
    pub fn is_of_service(&self, service: &str) -> bool {
        self.action.raw().split_once(':').is_some_and(|(of, _)| of == service)
    }

    /// Whether a statement in the role's own policies is what is missing.
    pub fn is_missing_statement(&self) -> bool {
        self.verdict == Verdict::Denied && self.denial.as_ref().is_some_and(DenialFound::is_missing_statement)
    }

    /// The finding of a check that was not made.
    pub fn not_run(check: &Check) -> Self {
        Self {
            origin: Origin::Check(check.clone()),
            action: check.action().into(),
            resource: None,
            verdict: Verdict::Inconclusive,
            proof: None,
            code: None,
            message: None,
            denial: None,
            cause: Some(Cause::NotRun),
            warning: None,
            note: Some(Note::Cause(Cause::NotRun)),
            aws_request_id: None,
            duration: Duration::ZERO,
            resources: Vec::new(),
            bucket_region: None,
            candidates: Vec::new(),
            request_context: String::new(),
            leftover: None,
            principal: None,
            conditions: None,
        }
    }

    /// Whether the denial is about a resource whose name this run made up.
    pub fn is_on_made_up_name(&self, place: &Place) -> bool {
        self.denial.as_ref().is_some_and(|denial| denial.is_on_made_up_name(place))
    }
}

impl DenialFound {
    pub fn new(denial: &Denial<'_>) -> Self {
        Self {
            kind: denial.kind,
            policy_type: denial.policy_type,
            setting: denial.setting,
            policy_arn: denial.policy_arn.map(Text::from),
            action: Some(denial.action.into()),
            resource: denial.resource.as_deref().map(Text::from),
            authorization_id: denial.authorization_id.map(Text::from),
            details_link: denial.details_link.map(Text::from),
            details: None,
        }
    }

    /// S3's `Access Denied`, which explains nothing.
    fn unexplained() -> Self {
        Self {
            kind: Kind::Unstated,
            policy_type: None,
            setting: None,
            policy_arn: None,
            action: None,
            resource: None,
            authorization_id: None,
            details_link: None,
            details: None,
        }
    }

    /// Whether no identity-based policy allows the action, and nothing else is stated.
    pub fn is_missing_statement(&self) -> bool {
        self.kind == Kind::Implicit && self.policy_type == Some(PolicyType::IdentityBased)
    }

    fn is_on_made_up_name(&self, place: &Place) -> bool {
        self.resource.as_ref().is_some_and(|resource| place.names.is_made_up(resource.raw()))
    }
}

impl Details {
    /// No account of a denial, and why.
    pub fn without(why: &str) -> Self {
        Self { matched: Vec::new(), note: Some(format!("AWS gave no details of this denial: {why}").into()) }
    }
}

impl Candidate {
    fn new(action: &'static str, target: &Target, place: &Place) -> Self {
        if let Target::Resource(resource) = target {
            // The bucket of an object, and everything, of an action that takes no resource.
            let arn = match action {
                "s3:ListBucket" => resource.pattern.split('/').next().unwrap_or_default().to_owned(),
                "ecr:GetAuthorizationToken" => "*".to_owned(),
                _ => resource.pattern.clone(),
            };
            return Self { action, resources: vec![arn], condition: None };
        }
        let Target::Bucket(bucket) = target else { return Self { action, resources: Vec::new(), condition: None } };
        let (resources, condition) = match action {
            "s3:ListBucket" => (vec![place.bucket_arn(bucket)], None),
            "s3:GetObject" => (place.read_objects_arns(bucket), None),
            action if action.starts_with("s3:") => (vec![place.objects_arn(bucket)], None),
            // S3 hands the bucket, or the object, to KMS as the encryption context (S3 User Guide, "Using
            // server-side encryption with AWS KMS keys"); so the statement is for this bucket's keys alone.
            _ => {
                let bucket = place.bucket_arn(bucket);
                let partition = place.partition();
                let condition = serde_json::json!({
                    "StringEquals": {"kms:ViaService": format!("s3.{}.{}", place.region, partition.dns_suffix)},
                    "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, format!("{bucket}/*")]},
                });
                (vec![format!("arn:{}:kms:{}:*:key/*", partition.name, place.region)], Some(condition))
            }
        };
        Self { action, resources, condition }
    }
}
