//! The answers that prove "allowed", and how sure that is.

use crate::answer::{Answer, Reply};

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
    /// A function of the pipeline runs under another role than it should.
    WrongRoleOnFunction,
    /// A function of the pipeline is not ready to run, or names another Region.
    FunctionConfiguration,
}

impl Warning {
    /// The name in the report and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResourceMissing => "resourceMissing",
            Self::SideEffect => "sideEffect",
            Self::RoleTrust => "roleTrust",
            Self::WrongRoleOnFunction => "wrongRoleOnFunction",
            Self::FunctionConfiguration => "functionConfiguration",
        }
    }
}

/// Whether the text stands in the message, without regard to case.
pub(crate) fn contains(message: &str, text: &str) -> bool {
    let Some((first, rest)) = text.as_bytes().split_first() else { return true };
    // Nearly every place differs in the first letter, and every answer is looked through for every proof.
    let mut places = message.as_bytes().windows(text.len());
    places.any(|place| place[0].eq_ignore_ascii_case(first) && place[1..].eq_ignore_ascii_case(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{error, success};

    #[test]
    fn a_proof_is_given_by_its_own_answer_alone() {
        let not_found = Proof::error("ValidationException", "requested image … not found");
        assert!(not_found.is_given_by(&error("ValidationException", "Requested image x Not Found.")));
        assert!(!not_found.is_given_by(&error("ValidationException", "Requested image x is invalid.")));
        assert!(!not_found.is_given_by(&error("ValidationException", "The model was not found.")));
        assert!(!not_found.is_given_by(&error("ValidationError", "Requested image x not found.")));
        assert!(!not_found.is_given_by(&success()));
        assert!(Proof::error("BadDigest", "").is_given_by(&error("BadDigest", "whatever it says")));
        let done = Proof::success("200");
        assert!(done.is_given_by(&success()) && !Proof::success("204").is_given_by(&success()));
        assert!(!done.is_given_by(&error("200", "")));
    }

    #[test]
    fn what_carries_no_id_of_a_request_proves_nothing() {
        let unsigned = Answer { request_id: None, ..success() };
        assert!(!Proof::success("200").is_given_by(&unsigned));
    }

    #[test]
    fn a_proof_keeps_what_it_was_told() {
        let proof = Proof::error("NoSuchKey", "").missing().warn(Warning::SideEffect);
        assert_eq!(proof.answer.key(), ("NoSuchKey", ""));
        assert!(proof.missing && proof.warning == Some(Warning::SideEffect));
        assert_eq!(Proof::success("200").answer.key(), ("200", ""));
    }

    #[test]
    fn grades_and_warnings_have_names_and_an_order() {
        let grades = [Grade::Documented, Grade::Observed, Grade::Inferred];
        assert_eq!(grades.map(Grade::name), ["documented", "observed", "inferred"]);
        assert!(grades.is_sorted(), "the surest comes first");
        let warnings = [
            Warning::ResourceMissing,
            Warning::SideEffect,
            Warning::RoleTrust,
            Warning::WrongRoleOnFunction,
            Warning::FunctionConfiguration,
        ];
        let names = ["resourceMissing", "sideEffect", "roleTrust", "wrongRoleOnFunction", "functionConfiguration"];
        assert_eq!(warnings.map(Warning::name), names);
    }

    #[test]
    fn a_text_is_found_without_regard_to_case() {
        assert!(contains("The Key is GONE", "key is gone") && contains("", "") && contains("abc", "C"));
        assert!(!contains("key", "keys") && !contains("", "k"));
    }
}
