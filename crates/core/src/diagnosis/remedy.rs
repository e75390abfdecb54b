//! From the findings to what to do about them.

use std::sync::Arc;

use crate::answer::Leftover;
use crate::diagnosis::root_cause::{
    FunctionRole, SilentServices, bucket_of, bucket_regions, function_roles, is_of_silent_service, silent_services,
};
use crate::diagnosis::{Run, actions_of};
use crate::finding::{DenialFound, Finding, Note};
use crate::iam::actions::{ASSUME_ROLE, PASS_ROLE};
use crate::iam::denial::{Kind, PolicyType};
use crate::iam::policy::{Effect, PolicyDocument, Statement, Trusted};
use crate::iam::wildcard;
use crate::judge::{Cause, Verdict};
use crate::plan::Purpose;
use crate::principal::Principal;
use crate::probe::shell_quote;
use crate::proof::Warning;
use crate::specification::{Bucket, Endpoint, Role, Table, Target, TrainingJob};
use crate::text::{Text, mask};

/// The start of the name of the inline policy that the advice makes.
const POLICY_NAME: &str = "permissions-probe";

/// One thing to do, and the actions that it is about; none, where it is about the whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    pub remedy: Remedy,
    pub actions: Vec<Text>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Remedy {
    /// Run under the role that is expected, or expect the one that was used.
    ChangeRole { principal: Principal },
    /// Run in the Region that the policy names, or name the Region of the run.
    ChangeRegion { expected: String },
    /// Add this policy to the role; `None` where it is not the role that is expected.
    AddPolicy { role: Option<String>, policy: Option<PolicyDocument>, keys: Vec<KeyDenied> },
    /// No identity-based policy allows it, and AWS names no resource for a statement.
    FindResource { role: Option<String>, keys: Vec<KeyDenied> },
    /// No identity-based policy allows it, and it is not an action that this program knows.
    LookUpAction { role: Option<String> },
    /// AWS does not say which policy denied: if it is a missing statement, add this policy.
    PerhapsAddPolicy { policy: Option<PolicyDocument>, is_bare_of_s3: bool, keys: Vec<KeyDenied> },
    /// AWS does not say which of these actions it denied: if it is a missing statement, add this policy.
    AllowCandidates { candidates: Vec<&'static str>, policy: Option<PolicyDocument>, role: Option<Role> },
    /// What is allowed must not be: the role's own statement should say no more than this one.
    NarrowGrant { policy: PolicyDocument, denies: bool },
    /// A function of the pipeline needs another role.
    ChangeFunctionRole { function: FunctionRole, arn: Option<String> },
    /// AWS names three possibilities at once, and none of them is the role's own policy.
    LookAtResource,
    /// The trust policy of the role to check has to let the caller in, by this statement; `None` where the
    /// caller is not the role that is expected.
    TrustCaller { role: Arc<Role>, trust_policy: Option<PolicyDocument> },
    /// No Allow in the role's own policy helps.
    AskOwner { refusal: Refusal, requests: Vec<(Text, String)> },
    /// Something other than a policy keeps AWS from answering.
    Unanswered(Unanswered),
    /// What is named does not exist.
    CreateResource(MissingResource),
    /// AWS carried out what was made to be refused.
    DeleteLeftovers(Vec<Leftover>),
    /// The trust policy of the role that is handed to SageMaker has to let SageMaker in.
    TrustSageMaker { role: Arc<Role> },
}

/// A key of AWS KMS that an action is denied on; AWS does not always name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDenied {
    pub key: Option<Text>,
    pub action: Text,
}

/// A denial that the role's own policies can do nothing about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: Kind,
    pub policy_type: Option<PolicyType>,
    pub policy_arn: Option<Text>,
    pub setting: Option<&'static str>,
}

/// Why nothing can be told, and what there is to say beyond that.
#[derive(Clone, Debug, PartialEq)]
pub enum Unanswered {
    Credentials,
    ClockSkew,
    Throttled,
    /// A service that answered nothing.
    Silent(SilentServices),
    /// A service that answered other requests.
    Slow,
    /// The buckets, and where S3 says that they are.
    OtherRegion(Vec<(Arc<Bucket>, Text)>),
    OtherRegionUnnamed(Arc<Bucket>),
    NoBucket(Arc<Bucket>),
    NoResource,
    NotSent(Text),
    ServiceFault,
    AccountNotReady,
    KmsKey(Text),
    NotConfigured(Text),
    OtherAccount,
    /// A resource of the user's own policy.
    ResourceOfOtherAccount,
    Leftover(Option<Leftover>),
    Setting(Text),
    /// AWS denied this other action first; whether a statement is what is missing for it.
    OtherActionDenied {
        action: Option<Text>,
        is_missing_statement: bool,
        /// Whether AWS allowed it where it was called itself.
        is_allowed_itself: bool,
    },
    NotFromAws,
    ControlFailed,
    NotAssumed,
    Unrecognized,
    ProbeBroken,
}

/// What does not exist, though the specification names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingResource {
    Object(Arc<Bucket>),
    Endpoint(Arc<Endpoint>),
    TrainingJob(Arc<TrainingJob>),
    Table(Arc<Table>),
}

impl Remedy {
    /// The policy to add to the role.
    pub fn policy(&self) -> Option<&PolicyDocument> {
        match self {
            Self::AddPolicy { policy, .. }
            | Self::PerhapsAddPolicy { policy, .. }
            | Self::AllowCandidates { policy, .. } => policy.as_ref(),
            Self::NarrowGrant { policy, .. } => Some(policy),
            _ => None,
        }
    }

    /// What to add to the trust policy of a role, which is replaced as a whole.
    pub fn trust_policy(&self) -> Option<PolicyDocument> {
        match self {
            Self::TrustCaller { trust_policy, .. } => trust_policy.clone(),
            Self::TrustSageMaker { .. } => Some(sagemaker_trust()),
            _ => None,
        }
    }

    /// The command line that does it, for a POSIX shell.
    pub fn command(&self) -> Option<String> {
        match self {
            Self::AddPolicy { role: Some(role), policy: Some(policy), .. } => Some(put_role_policy(role, policy)),
            Self::AllowCandidates { role: Some(role), policy: Some(policy), .. } => {
                Some(put_role_policy(role.name(), policy))
            }
            Self::ChangeFunctionRole { function, arn: Some(arn) } => Some(format!(
                "aws lambda update-function-configuration --region={} --function-name={} --role={arn}",
                function.region, function.name
            )),
            Self::TrustSageMaker { role } => Some(format!(
                "aws iam update-assume-role-policy --role-name={} --policy-document {}",
                role.name(),
                shell_quote(&sagemaker_trust().to_json())
            )),
            Self::DeleteLeftovers(leftovers) => {
                let commands: Vec<_> = leftovers.iter().filter_map(|leftover| leftover.command.as_deref()).collect();
                (!commands.is_empty()).then(|| commands.join("; "))
            }
            _ => None,
        }
    }
}

impl Refusal {
    pub fn of(denial: &DenialFound) -> Self {
        Self {
            kind: denial.kind,
            policy_type: denial.policy_type,
            policy_arn: denial.policy_arn.clone(),
            setting: denial.setting,
        }
    }
}

/// What to do, the most likely cause first. Nothing, where nothing is wrong.
///
/// A role or a Region that is not the expected one is named even where
/// everything is allowed: then it is the expectation that is wrong, or the role
/// that was meant is not the one that was checked.
pub fn remedies(run: &Run) -> Vec<Advice> {
    let unexpected = run.unexpected_principal();
    let mut advice: Vec<Advice> = Vec::new();
    advice.extend(unexpected.map(|principal| whole_run(Remedy::ChangeRole { principal: principal.clone() })));
    advice.extend(run.other_region().map(|expected| whole_run(Remedy::ChangeRegion { expected: expected.to_owned() })));
    let denied: Vec<(&Finding, &DenialFound)> = run
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Denied && !finding.is_clean())
        .filter_map(|finding| Some((finding, finding.denial.as_ref()?)))
        .collect();
    let of = |kind: fn(&DenialFound) -> bool| -> Vec<&Finding> {
        denied.iter().filter(|(_, denial)| kind(denial)).map(|(finding, _)| *finding).collect()
    };

    let (offered, others): (Vec<&Finding>, Vec<&Finding>) =
        of(DenialFound::is_missing_statement).iter().partition(|finding| is_offered(finding, run));
    let role = run.principal.as_ref().and_then(Principal::role).map(str::to_owned);
    let (named, unnamed): (Vec<&Finding>, Vec<&Finding>) =
        others.iter().partition(|finding| !is_known(finding, run) && names_resources(finding));
    if !unnamed.is_empty() {
        advice.push(about(&unnamed, Remedy::FindResource { role: role.clone(), keys: keys_of(&unnamed) }));
    }
    if !named.is_empty() {
        advice.push(about(&named, Remedy::LookUpAction { role: role.clone() }));
    }
    if let Some(policy) = policy_for(&offered, run) {
        // Do not offer a policy for a role that is not the expected one.
        let remedy = match unexpected {
            Some(_) => Remedy::AddPolicy { role, policy: None, keys: Vec::new() },
            None => Remedy::AddPolicy { role, policy: Some(policy), keys: keys_of(&offered) },
        };
        advice.push(about(&offered, remedy));
    }
    let (offered, others): (Vec<&Finding>, Vec<&Finding>) =
        of(|denial| denial.kind == Kind::Unstated && denial.policy_type.is_none())
            .iter()
            .partition(|finding| is_offered(finding, run));
    for unstated in [offered, others].iter().filter(|unstated| !unstated.is_empty()) {
        let is_bare_of_s3 = |finding: &&Finding| {
            finding.is_of_service("s3") && finding.denial.as_ref().is_some_and(|denial| denial.action.is_none())
        };
        let remedy = Remedy::PerhapsAddPolicy {
            policy: policy_for(unstated, run).filter(|_| unexpected.is_none()),
            is_bare_of_s3: unstated.iter().any(is_bare_of_s3),
            keys: keys_of(unstated),
        };
        advice.push(about(unstated, remedy));
    }
    add_candidates(run, &mut advice);
    let one_of_three = of(|denial| denial.kind == Kind::Unstated && denial.policy_type.is_some());
    if !one_of_three.is_empty() {
        advice.push(about(&one_of_three, Remedy::LookAtResource));
    }
    advice.extend(trust_caller(run));
    add_refusals(&of(|denial| denial.kind != Kind::Unstated && !denial.is_missing_statement()), &mut advice);
    add_unanswered(run, &mut advice);
    add_warnings(run, &mut advice);
    add_excess(run, &mut advice);
    advice
}

/// What to do about what is allowed and must not be.
fn add_excess(run: &Run, advice: &mut Vec<Advice>) {
    let excess: Vec<&Finding> = run.findings.iter().filter(|finding| finding.is_excess()).collect();
    let (scope, denied): (Vec<&Finding>, Vec<&Finding>) =
        excess.iter().partition(|finding| finding.check().is_some_and(|check| check.purpose == Purpose::Scope));
    for (findings, effect) in [(scope, Effect::Allow), (denied, Effect::Deny)] {
        let is_about = |statement: &&Statement| {
            let is_of = |pattern: &String| {
                let of_action = |finding: &&Finding| wildcard::matches(pattern, finding.action.raw());
                let of_service =
                    |finding: &&Finding| pattern.split(':').next() == finding.action.raw().split(':').next();
                findings.iter().any(|it| if effect == Effect::Deny { of_action(it) } else { of_service(it) })
            };
            statement.effect == effect && statement.action.iter().any(is_of)
        };
        let statements: Vec<Statement> = run.specification.policy.statement.iter().filter(is_about).cloned().collect();
        if !findings.is_empty() && !statements.is_empty() {
            let remedy =
                Remedy::NarrowGrant { policy: PolicyDocument::new(statements), denies: effect == Effect::Deny };
            advice.push(about(&findings, remedy));
        }
    }
}

fn whole_run(remedy: Remedy) -> Advice {
    Advice { remedy, actions: Vec::new() }
}

fn about(findings: &[&Finding], remedy: Remedy) -> Advice {
    Advice { remedy, actions: actions_of(findings) }
}

/// The keys among what is denied, each once.
fn keys_of(findings: &[&Finding]) -> Vec<KeyDenied> {
    let of_kms = findings.iter().filter(|finding| finding.is_of_service("kms"));
    each_once(of_kms.map(|finding| KeyDenied { key: finding.resource.clone(), action: finding.action.clone() }))
}

/// Whether a statement for the action can be offered: it is one that a probe
/// needs, or that AWS looks at behind it, on a resource that is named.
fn is_offered(finding: &Finding, run: &Run) -> bool {
    is_known(finding, run) && names_resources(finding)
}

fn is_known(finding: &Finding, run: &Run) -> bool {
    let action = finding.action.raw();
    let asked = || run.known_actions.iter().any(|known| known.eq_ignore_ascii_case(action));
    let behind = || finding.called_by().iter().any(|probe| probe.has_dependent(action));
    !finding.is_dependent() || asked() || behind()
}

fn names_resources(finding: &Finding) -> bool {
    // What the user's own policy says of all resources, it says of all.
    let of_policy = finding.check().is_some_and(|check| check.ask.is_some());
    of_policy && !finding.resources.is_empty()
        || !finding.resources.is_empty() && finding.resources.iter().all(|resource| resource != "*")
}

/// One statement for each set of resources, with all the actions on it; `None`
/// where AWS names no resource, since a statement must not be for all of them.
fn policy_for(findings: &[&Finding], run: &Run) -> Option<PolicyDocument> {
    let mut statements: Vec<Statement> = Vec::new();
    for finding in findings.iter().filter(|finding| is_offered(finding, run)) {
        let action = finding.action.raw();
        let passes_role = action.eq_ignore_ascii_case(PASS_ROLE);
        let same = |known: &&mut Statement| known.resource == finding.resources && known.condition.is_none();
        match statements.iter_mut().find(same).filter(|_| !passes_role) {
            Some(known) if known.action.iter().any(|known| known == action) => {}
            Some(known) => known.action.push(action.to_owned()),
            None => statements.push(Statement {
                // Without it, the role could be handed to any service.
                condition: passes_role
                    .then(|| serde_json::json!({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})),
                ..Statement::allow(vec![action.to_owned()], finding.resources.clone())
            }),
        }
    }
    (!statements.is_empty()).then(|| PolicyDocument::new(statements))
}

/// The command that adds the policy, for a POSIX shell.
///
/// Each policy has a name of its own: under one and the same, the next policy
/// would take the place of the one before.
fn put_role_policy(role: &str, policy: &PolicyDocument) -> String {
    let document = policy.to_json();
    // The hash function FNV-1a: names differ where documents do, but for the account, which is the role's own, and which
    // a hash would give away to who tries all.
    let hash =
        mask(&document).bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!(
        "aws iam put-role-policy --role-name={role} --policy-name {POLICY_NAME}-{hash:08x} --policy-document {}",
        shell_quote(&document)
    )
}

/// What to do where AWS does not say which action it denied.
fn add_candidates(run: &Run, advice: &mut Vec<Advice>) {
    let mut told: Vec<&Finding> = Vec::new();
    for finding in run.findings.iter().filter(|finding| !finding.candidates.is_empty()) {
        // The same action behind several of the pipeline's own is told once for each bucket.
        if told.iter().any(|other| other.action == finding.action && other.candidates == finding.candidates) {
            continue;
        }
        told.push(finding);
        let named = finding.candidates.iter().filter(|candidate| !candidate.resources.is_empty());
        let statements: Vec<_> = named
            .map(|candidate| Statement {
                condition: candidate.condition.clone(),
                ..Statement::allow(vec![candidate.action.to_owned()], candidate.resources.clone())
            })
            .collect();
        // Without a principal, the control failed, and nothing is believed.
        let is_believed = run.principal.is_some() && run.unexpected_principal().is_none();
        let is_offered = !statements.is_empty() && is_believed;
        let remedy = Remedy::AllowCandidates {
            candidates: finding.candidate_actions(),
            policy: is_offered.then(|| PolicyDocument::new(statements)),
            role: finding.principal.as_ref().map(|role| Role::new(role.raw())),
        };
        advice.push(about(&[finding], remedy));
    }
}

/// What the trust policy of the role to check lacks, where AWS's denial leaves
/// that open or says so.
fn trust_caller(run: &Run) -> Option<Advice> {
    let finding = run.not_assumed().filter(|finding| is_about_trust(finding))?;
    let role = run.specification.assumed_role.clone()?;
    let principal = run.principal.as_ref()?;
    let caller = format!("arn:{}:iam::{}:role/{}", principal.partition(), principal.account, principal.role()?);
    // No statement is offered for a role that is not the expected one.
    let trust_policy =
        run.unexpected_principal().is_none().then(|| PolicyDocument::new(vec![Statement::trust(Trusted::Aws(caller))]));
    Some(about(&[finding], Remedy::TrustCaller { role, trust_policy }))
}

fn sagemaker_trust() -> PolicyDocument {
    PolicyDocument::new(vec![Statement::trust(Trusted::Service("sagemaker.amazonaws.com".to_owned()))])
}

/// Whether a denial of `sts:AssumeRole` can be for want of trust. AWS looks into
/// the trust policy as well as into the caller's own, and most often does not
/// say which of them it was.
fn is_about_trust(finding: &Finding) -> bool {
    let denial = finding.denial.as_ref();
    let denial = denial.filter(|_| finding.verdict == Verdict::Denied && finding.action.raw() == ASSUME_ROLE);
    denial.is_some_and(|denial| match denial.kind {
        Kind::Explicit => false,
        Kind::Implicit | Kind::Unstated => matches!(
            denial.policy_type,
            None | Some(PolicyType::RoleTrust | PolicyType::ResourceBased | PolicyType::IdentityBased)
        ),
    })
}

/// The same policy is told of once, for all its actions.
fn add_refusals(denied: &[&Finding], advice: &mut Vec<Advice>) {
    let mut refusals: Vec<(Refusal, Vec<&Finding>)> = Vec::new();
    for finding in denied.iter().filter(|finding| !is_about_trust(finding)) {
        let Some(refusal) = finding.denial.as_ref().map(Refusal::of) else { continue };
        add_to(&mut refusals, refusal, finding);
    }
    for (refusal, findings) in refusals {
        // What the condition of a deny can look at.
        let conditional = |finding: &&&Finding| {
            let denial = finding.denial.as_ref();
            let explicit = denial.is_some_and(|denial| denial.kind == Kind::Explicit && denial.setting.is_none());
            explicit && !finding.is_dependent()
        };
        let requests = findings.iter().filter(conditional);
        let requests = requests.map(|finding| (finding.action.clone(), finding.request_context.clone()));
        let requests = each_once(requests);
        advice.push(about(&findings, Remedy::AskOwner { refusal, requests }));
    }
}

/// Each of these once, in their order.
fn each_once<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// Puts a finding to those that have the same in common.
fn add_to<'a, T: PartialEq>(groups: &mut Vec<(T, Vec<&'a Finding>)>, common: T, finding: &'a Finding) {
    match groups.iter_mut().find(|(known, _)| *known == common) {
        Some((_, findings)) => findings.push(finding),
        None => groups.push((common, vec![finding])),
    }
}

/// What to do about what could not be told, by its causes.
fn add_unanswered(run: &Run, advice: &mut Vec<Advice>) {
    let mut causes: Vec<(Cause, Vec<&Finding>)> = Vec::new();
    for finding in run.findings.iter().filter(|finding| finding.candidates.is_empty()) {
        // What was not run is what the problems are for.
        if let Some(cause) = finding.cause.filter(|cause| *cause != Cause::NotRun) {
            add_to(&mut causes, cause, finding);
        }
    }
    // What follows from another cause comes after it.
    causes
        .sort_by_key(|(cause, _)| matches!(cause, Cause::NotAssumed | Cause::ControlFailed | Cause::OtherActionDenied));
    // What is the same to do is told once.
    let mut told: Vec<(Unanswered, Vec<&Finding>)> = Vec::new();
    for (cause, findings) in causes {
        for finding in findings {
            add_to(&mut told, unanswered(cause, finding, run), finding);
        }
    }
    advice.extend(told.into_iter().map(|(unanswered, findings)| about(&findings, Remedy::Unanswered(unanswered))));
}

fn unanswered(cause: Cause, finding: &Finding, run: &Run) -> Unanswered {
    let said = || finding.message.clone().unwrap_or_default();
    match cause {
        Cause::Credentials => Unanswered::Credentials,
        Cause::ClockSkew => Unanswered::ClockSkew,
        Cause::Throttled => Unanswered::Throttled,
        Cause::Network | Cause::TimedOut => match silent_services(run) {
            Some(services) if is_of_silent_service(finding, run) => Unanswered::Silent(services),
            _ => Unanswered::Slow,
        },
        Cause::WrongRegion => match (bucket_regions(run), bucket_of(finding)) {
            (regions, Some(bucket)) if !regions.iter().any(|(known, _)| known == bucket) => {
                Unanswered::OtherRegionUnnamed(bucket.clone())
            }
            (regions, _) => Unanswered::OtherRegion(regions),
        },
        Cause::ResourceMissing => match bucket_of(finding) {
            Some(bucket) => Unanswered::NoBucket(bucket.clone()),
            None => Unanswered::NoResource,
        },
        Cause::NotSent => Unanswered::NotSent(said()),
        Cause::ServiceFault => Unanswered::ServiceFault,
        Cause::AccountNotReady => Unanswered::AccountNotReady,
        Cause::KmsKey => Unanswered::KmsKey(said()),
        Cause::NotConfigured => Unanswered::NotConfigured(said()),
        Cause::OtherAccount
            if finding.check().is_some_and(|check| check.ask.is_some() && !matches!(check.target, Target::Role(_))) =>
        {
            Unanswered::ResourceOfOtherAccount
        }
        Cause::OtherAccount => Unanswered::OtherAccount,
        Cause::Leftover => Unanswered::Leftover(match &finding.note {
            Some(Note::LeftoverInTheWay(leftover)) => leftover.clone(),
            _ => None,
        }),
        Cause::Setting => Unanswered::Setting(said()),
        Cause::OtherActionDenied => {
            let denial = finding.denial.as_ref();
            let action = denial.and_then(|denial| denial.action.clone());
            let resource = denial.and_then(|denial| denial.resource.as_ref());
            let is_allowed = |action: &Text| {
                let same = |known: &&Finding| known.action.raw().eq_ignore_ascii_case(action.raw());
                let allowed = |known: &Finding| known.check().is_some() && known.verdict == Verdict::Allowed;
                run.findings.iter().filter(same).any(|known| allowed(known) && known.speaks_for(resource))
            };
            Unanswered::OtherActionDenied {
                is_allowed_itself: action.as_ref().is_some_and(is_allowed),
                is_missing_statement: denial.is_some_and(DenialFound::is_missing_statement),
                action,
            }
        }
        Cause::NotFromAws => Unanswered::NotFromAws,
        Cause::ControlFailed => Unanswered::ControlFailed,
        Cause::NotAssumed => Unanswered::NotAssumed,
        Cause::RequestRefused | Cause::Unrecognized | Cause::Ambiguous | Cause::NotRun => Unanswered::Unrecognized,
        Cause::ProbeBroken => Unanswered::ProbeBroken,
    }
}

/// What is wrong although the action is allowed.
fn add_warnings(run: &Run, advice: &mut Vec<Advice>) {
    let warned = |warning| run.findings.iter().filter(move |finding| finding.warning == Some(warning));
    let mut missing: Vec<(MissingResource, Vec<&Finding>)> = Vec::new();
    for finding in warned(Warning::ResourceMissing) {
        let resource = match finding.check().map(|check| &check.target) {
            Some(Target::Bucket(bucket)) => MissingResource::Object(bucket.clone()),
            Some(Target::Endpoint(endpoint)) => MissingResource::Endpoint(endpoint.clone()),
            Some(Target::TrainingJob(job)) => MissingResource::TrainingJob(job.clone()),
            Some(Target::Table(table)) => MissingResource::Table(table.clone()),
            _ => continue,
        };
        add_to(&mut missing, resource, finding);
    }
    // In the order of objects, endpoints, training jobs, tables.
    missing.sort_by_key(|(resource, _)| match resource {
        MissingResource::Object(_) => 0,
        MissingResource::Endpoint(_) => 1,
        MissingResource::TrainingJob(_) => 2,
        MissingResource::Table(_) => 3,
    });
    advice.extend(missing.into_iter().map(|(resource, findings)| about(&findings, Remedy::CreateResource(resource))));
    let changed: Vec<&Finding> = warned(Warning::SideEffect).collect();
    if !changed.is_empty() {
        let leftovers = each_once(changed.iter().filter_map(|finding| finding.leftover.clone()));
        advice.push(about(&changed, Remedy::DeleteLeftovers(leftovers)));
    }
    for function in function_roles(run) {
        let of_function: Vec<&Finding> = warned(Warning::WrongRoleOnFunction).collect();
        let principal = run.principal.as_ref();
        let arn = principal.map(|principal| {
            format!("arn:{}:iam::{}:role/{}", principal.partition(), principal.account, function.expected.raw())
        });
        advice.push(about(&of_function, Remedy::ChangeFunctionRole { function, arn }));
    }
    let untrusted: Vec<&Finding> = warned(Warning::RoleTrust).collect();
    let role = untrusted.iter().find_map(|finding| match &finding.check()?.target {
        Target::Role(role) => Some(role.clone()),
        _ => None,
    });
    advice.extend(role.map(|role| about(&untrusted, Remedy::TrustSageMaker { role })));
}
