//! A pasted error, explained: whose permissions it is about, what was denied, and what to do. Offline.
//!
//! Three kinds of text say that AWS denied something, and are read in this order:
//!
//! | module | what it reads |
//! |---|---|
//! | [`denial`] | IAM's sentence: `User: … is not authorized to perform: …` |
//! | [`prose`] | the sentences that services have of their own, which are mostly about the role that they were handed |
//! | [`wrapper`] | an error code such as `AccessDenied` in what SDKs, shells and services wrap around it, without a sentence |
//!
//! `clean` first takes away what a paste has put around the text, and `record` reads CloudTrail's records.
//! A text that is none of these is no denial, and nothing is guessed of it.

mod advice;
mod clean;
pub mod pattern;
pub mod prose;
mod record;
mod render;
#[cfg(test)]
mod tests;
pub mod wrapper;

use crate::iam::denial::{self, Denial, Kind, PolicyType};
use crate::iam::{catalogue, policy::PolicyDocument};
use crate::text::Text;
use pattern::Searched;
use prose::Prose;

pub use render::{render_json, render_text};

/// How long a text may be that is read as a whole; of a longer one, parts are.
pub const MAX_BYTES: usize = 256 << 10;

/// What a denial says.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Whose permissions it is about; `None` where the text does not tell.
    pub about: Option<About>,
    /// Who was denied, as the text names it.
    pub principal: Option<Text>,
    pub action: Option<Text>,
    pub resource: Option<Text>,
    pub kind: Kind,
    pub policy_type: Option<PolicyType>,
    pub policy_arn: Option<Text>,
    pub root_cause: Option<RootCause>,
    pub advice: Vec<Advice>,
}

/// Whose permissions a denial is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Who made the call.
    Caller,
    /// Another role than the caller's: its ARN, or its name where the text has no ARN of it.
    Role(Text),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    pub text: Text,
    pub actions: Vec<Text>,
    pub policy: Option<PolicyDocument>,
    pub trust_policy: Option<PolicyDocument>,
    pub command: Option<Text>,
}

/// What lies behind a denial, where the text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootCause {
    /// No identity-based policy allows the action: a statement is missing.
    MissingStatement,
    /// A policy of another type denies it, or does not allow it.
    PolicyType,
    /// A service cannot assume the role: its trust policy, its name or its path.
    RoleTrust,
    /// The image cannot be pulled: the role, or the repository's own policy.
    ImagePull,
    /// A role cannot read or write what is in Amazon S3.
    DataAccess,
    /// A key of AWS KMS: its own policy, the role, or its state.
    KmsKey,
    /// AWS Lambda cannot start a function, or cannot do in its name what its configuration asks for.
    FunctionRole,
    /// AWS Step Functions may not make the rule by which it waits for a job.
    ManagedRule,
    /// Not IAM, but AWS Lake Formation.
    LakeFormation,
    /// The resource does not let the caller or a service in: its own policy.
    ResourcePolicy,
    /// A setting, such as S3 Block Public Access.
    Setting,
    /// The role is of another account.
    OtherAccount,
    /// What AWS says is encoded, and one command decodes it.
    EncodedMessage,
}

impl RootCause {
    /// The name in the output.
    pub const fn id(self) -> &'static str {
        match self {
            Self::MissingStatement => "missingStatement",
            Self::PolicyType => "policyType",
            Self::RoleTrust => "roleTrust",
            Self::ImagePull => "imagePull",
            Self::DataAccess => "dataAccess",
            Self::KmsKey => "kmsKey",
            Self::FunctionRole => "functionRole",
            Self::ManagedRule => "managedRule",
            Self::LakeFormation => "lakeFormation",
            Self::ResourcePolicy => "resourcePolicy",
            Self::Setting => "setting",
            Self::OtherAccount => "otherAccount",
            Self::EncodedMessage => "encodedMessage",
        }
    }
}

/// Explains a text; `None` where it is no denial by AWS.
///
/// ```
/// use permissions_core::explain::{About, explain};
///
/// let told = explain("Could not assume role arn:aws:iam::123456789012:role/Train. Please ensure that the role exists \
///                     and allows principal 'sagemaker.amazonaws.com' to assume the role.").expect("a denial");
/// assert_eq!(told.about, Some(About::Role("arn:aws:iam::123456789012:role/Train".into())));
/// assert!(explain("bash: ./train.sh: Permission denied").is_none());
/// ```
pub fn explain(text: &str) -> Option<Explanation> {
    parts(text).into_iter().find_map(explain_part)
}

fn explain_part(text: &str) -> Option<Explanation> {
    let text = clean::clean(text);
    let told = explain_clean(&text);
    // A terminal that is too narrow cuts words in two, an action or an account's id among them.
    let is_cut = |told: &Explanation| told.resource.as_ref().is_some_and(|resource| has_cut_account(resource.raw()));
    let is_whole = |told: &Explanation| told.action.is_some() && !is_cut(told);
    if text.contains('\n') && text.contains("not authorized to perform") && !told.as_ref().is_some_and(is_whole) {
        let joined: String = text.lines().map(str::trim).collect();
        return explain_clean(&joined).filter(is_whole).or(told);
    }
    told
}

/// Whether a text is an ARN whose account's id is shorter than those of AWS.
fn has_cut_account(arn: &str) -> bool {
    let account = arn.split(':').nth(4).unwrap_or_default();
    arn.starts_with("arn:aws")
        && arn.splitn(6, ':').count() == 5
        && account.len() < 12
        && account.bytes().all(|b| b.is_ascii_digit())
}

fn explain_clean(text: &str) -> Option<Explanation> {
    if let Some(records) = record::read(text) {
        // What happened is recorded; it may not have been denied.
        return records.into_iter().find_map(explain_record);
    }
    let searched = Searched::new(text);
    if let Some(sentence) = clean::sentence_of_console(&searched) {
        return explain_clean(&sentence);
    }
    let prose = prose::find(&searched);
    let wrapped = wrapper::read(&searched);
    if let Some(denial) = denial::parse(text).filter(|denial| is_of_aws(denial, &searched)) {
        // A service that is denied to assume a role says so in IAM's words, and names no principal.
        let is_of_service = |(prose, _): &(&Prose, pattern::Parts<'_>)| {
            prose.is_relayed() && is_same(prose, &denial) && denial.principal.is_none()
        };
        if !prose.as_ref().is_some_and(is_of_service) {
            return Some(explain_sentence(&denial, prose.as_ref(), wrapped.as_ref(), &searched));
        }
    }
    if let Some(prose) = prose {
        return Some(advice::of_prose(prose, wrapped.as_ref(), &searched));
    }
    wrapped.filter(wrapper::Wrapped::is_denied).map(|wrapped| advice::of_wrapped(&wrapped, &searched))
}

/// Whether a service's own sentence is about the action of IAM's sentence in the same text.
fn is_same(prose: &Prose, denial: &Denial<'_>) -> bool {
    prose.action.is_some_and(|action| action.eq_ignore_ascii_case(denial.action))
}

/// The parts that are read: the whole, or of a text that is longer than [`MAX_BYTES`] its start, its end, and what stands
/// around words that denials have.
fn parts(text: &str) -> Vec<&str> {
    if text.len() <= MAX_BYTES {
        return vec![text];
    }
    let part = |start: usize, end: usize| {
        let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let end = (0..=end.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.get(start..end).unwrap_or_default()
    };
    let mut parts = vec![part(0, MAX_BYTES), part(text.len() - MAX_BYTES, text.len())];
    let lower = text.to_ascii_lowercase();
    for words in HINTS {
        for at in lower.find(words).into_iter().chain(lower.rfind(words)) {
            parts.push(part(at.saturating_sub(AROUND), at + AROUND));
        }
    }
    parts
}

/// Words that denials have.
const HINTS: &[&str] = &[
    "not authorized to",
    "accessdenied",
    "access denied",
    "unauthorizedoperation",
    "assume",
    "cannot pull",
    "not have permission",
    "lake formation",
    "403",
];

/// How much of a long text is read before and after such words.
const AROUND: usize = 16 << 10;

/// Whether a sentence is one of AWS's, and not of another cloud that has the same words, nor a part of one that a program
/// looks for.
fn is_of_aws(denial: &Denial<'_>, searched: &Searched<'_>) -> bool {
    let is_whole = principal_of(denial, searched).is_some()
        || denial.kind != Kind::Unstated
        || denial.policy_type.is_some()
        || searched.has("accessdenied")
        || denial.action.to_ascii_lowercase().starts_with("sts:assumerolewith");
    let has_arn = searched.has("arn:aws");
    has_arn || is_whole && catalogue::find(denial.action).is_some()
}

/// Who is denied: by the sentence, or by the word before it.
fn principal_of<'a>(denial: &'a Denial<'_>, searched: &Searched<'a>) -> Option<&'a str> {
    let named = denial.principal.as_deref().map(pattern::trim).filter(|name| !name.is_empty());
    named.or_else(|| searched.word_before("is not authorized to perform"))
}

/// What a record of CloudTrail says of a call that was denied, with the sentence in it where it has one.
fn explain_record(record: record::Failed) -> Option<Explanation> {
    let bare = || {
        let is_denied = wrapper::is_denied(&record.code);
        is_denied.then(|| advice::of_bare(record.action.as_deref(), record.resource.as_deref()))
    };
    if wrapper::is_about_the_request(&Searched::new(&record.message)) {
        return None;
    }
    let mut told = explain(&record.message).or_else(bare)?;
    // What the service says of a role that it was handed is not about who called.
    if told.about == Some(About::Caller) {
        told.principal = told.principal.or(record.principal.map(Text::new));
        told.action = told.action.or(record.action.map(Text::new));
        told.resource = told.resource.or(record.resource.map(Text::new));
    }
    Some(told)
}

fn explain_sentence(
    denial: &Denial<'_>,
    prose: Option<&(&'static Prose, pattern::Parts<'_>)>,
    wrapped: Option<&wrapper::Wrapped<'_>>,
    searched: &Searched<'_>,
) -> Explanation {
    let principal = principal_of(denial, searched);
    // Where the reason names another action than the head, that one is what no policy allows.
    let named = searched.find("policy allows the {action} action").and_then(|parts| catalogue::find(parts.first()?.1));
    let action = named.map_or_else(|| denial.action.to_owned(), |action| action.name);
    let about = whose(denial, principal, prose, wrapped, searched);
    let of_setting = denial.setting.map(|_| RootCause::Setting);
    let root_cause = match (denial.kind, denial.policy_type) {
        (Kind::Implicit, Some(PolicyType::IdentityBased)) => Some(RootCause::MissingStatement),
        (Kind::Unstated, Some(PolicyType::ResourceBased)) => {
            Some(if denial.action.to_ascii_lowercase().starts_with("kms:") {
                RootCause::KmsKey
            } else {
                RootCause::ResourcePolicy
            })
        }
        (_, Some(PolicyType::RoleTrust)) => Some(RootCause::RoleTrust),
        (_, Some(_)) => Some(RootCause::PolicyType),
        (_, None) => of_setting,
    };
    let mut told = Explanation {
        about: Some(about),
        principal: principal.map(Text::from),
        action: Some(action.into()),
        resource: denial.resource.as_deref().map(bounded).filter(|it| !it.is_empty()).map(Text::from),
        kind: denial.kind,
        policy_type: denial.policy_type,
        policy_arn: policy_arn(denial).map(Text::from),
        root_cause,
        advice: Vec::new(),
    };
    told.advice = advice::of_sentence(denial, &told, wrapped, searched);
    told.advice.extend(further_denials(denial, searched));
    told
}

/// A resource without what stands behind it on the same line. Only keys of S3 and names of IAM have spaces in them.
fn bounded(resource: &str) -> &str {
    let marks = ["</", " (Request", " (Service", " |", "`", "»", "\" "];
    let end = marks.iter().filter_map(|mark| resource.find(mark)).min().unwrap_or(resource.len());
    let resource = &resource[..end];
    let has_spaces = resource.starts_with("arn:aws:s3:") || !resource.starts_with("arn:");
    let end = if has_spaces { resource.len() } else { resource.find([' ', '"', '…', '!']).unwrap_or(resource.len()) };
    // What is cut out of an ARN, such as <account id>, is a part of it.
    let redacted = resource[..end].rfind('<').is_some_and(|open| !resource[open..end].contains('>'));
    let resource = if redacted { resource } else { &resource[..end] };
    let trimmed = pattern::trim(resource);
    // A log stream's ARN may end in a colon.
    let ends_in_colon = resource.trim_end().ends_with("log-stream:") && !trimmed.ends_with(':');
    if ends_in_colon { resource.trim() } else { trimmed }
}

/// What to know where the text has other denials besides.
fn further_denials(first: &Denial<'_>, searched: &Searched<'_>) -> Option<Advice> {
    let mut actions: Vec<&str> = Vec::new();
    let mut rest = searched.text();
    while let Some(at) = rest.find("not authorized to perform") {
        let end = at + "not authorized to perform".len();
        let next = rest[end..].find("not authorized to perform").map_or(rest.len(), |next| end + next);
        if let Some(denial) = denial::parse(&rest[at..next])
            && !denial.action.eq_ignore_ascii_case(first.action)
            && !actions.contains(&denial.action)
            && actions.len() < 20
        {
            actions.push(denial.action);
        }
        rest = &rest[end..];
    }
    (!actions.is_empty()).then(|| advice::further(&actions))
}

/// The policy's ARN, without what a chat puts behind it.
fn policy_arn<'a>(denial: &Denial<'a>) -> Option<&'a str> {
    let arn = denial.policy_arn?;
    Some(pattern::trim(arn.split(".[").next().unwrap_or(arn)))
}

/// Whether a sentence is about the caller, or about a role that a service acted under: then the service relays it.
fn whose(
    denial: &Denial<'_>,
    principal: Option<&str>,
    prose: Option<&(&'static Prose, pattern::Parts<'_>)>,
    wrapped: Option<&wrapper::Wrapped<'_>>,
    searched: &Searched<'_>,
) -> About {
    let Some(name) = principal else { return About::Caller };
    // Who calls under a role is a session of it, or is called a user all the same.
    let is_role = name.starts_with("arn:") && name.contains(":iam::") && name.contains(":role/");
    if is_role && !searched.has("user: arn:") && !searched.has("principal arn:") {
        return About::Role(name.into());
    }
    // The request was refused as not valid: what is quoted is what the service met, under the role that it was handed.
    let of_call =
        wrapped.and_then(|wrapped| wrapped.operation).is_some_and(|call| denial.action.ends_with(&format!(":{call}")));
    let is_quoted = searched.has("validationexception") && !searched.has("accessdenied") && !of_call;
    let relayed = prose.is_some_and(|(prose, _)| prose.is_relayed() && is_same(prose, denial));
    let session = name.split_once(":assumed-role/").and_then(|(_, rest)| rest.split_once('/'));
    let Some((role, session)) = session else {
        return if relayed { About::Role(name.into()) } else { About::Caller };
    };
    let of_a_job = session.eq_ignore_ascii_case("sagemaker")
        && wrapped.is_none_or(|wrapped| wrapped.operation.is_none())
        && (searched.has("failurereason") || searched.has("failure reason") || searched.has("clienterror:"));
    if !(is_quoted || relayed || of_a_job) {
        return About::Caller;
    }
    // The ARN of a session has the role's name and not its path.
    let arn = searched.only_role().filter(|arn| arn.rsplit('/').next() == Some(role));
    About::Role(arn.unwrap_or(role).into())
}
