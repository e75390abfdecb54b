//! What came back from AWS, as far as a verdict needs it.

use std::borrow::Cow;

use crate::iam::denial::{self, Denial};

/// The answer to one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub reply: Reply,
    /// AWS's id of the request. An answer without one did not come from AWS.
    pub request_id: Option<String>,
    /// S3's `x-amz-bucket-region`, which also stands in answers that refuse.
    pub bucket_region: Option<String>,
    /// Which form of its request the probe sent, where it has several.
    pub form: Option<Cow<'static, str>>,
    /// Whether the specification names the very thing that was asked for.
    pub configured: bool,
    /// What a denial that names no action would mean for this request.
    pub unexplained_denial: Means,
    /// What of this form of the request a policy's condition can look at, where it is not what the probe's other forms
    /// have.
    pub request_context: Option<Box<str>>,
    /// The actions of which one is missing, where the answer says that much.
    pub candidates: &'static [&'static str],
    /// What the configuration of a function says, where that was read.
    pub function: Option<Box<FunctionFacts>>,
    /// What this form of the request leaves behind, where it is not what the probe's other forms do.
    pub leftover: Option<Box<Leftover>>,
}

/// What the configuration of a function says, as far as a report needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionFacts {
    /// The ARN of its role.
    pub role: String,
    /// What keeps it from running, in Lambda's codes: of its state, or of its latest update.
    pub reasons: Vec<String>,
    /// The variables that name a Region, or an ARN of one.
    pub regions: Vec<(String, String)>,
}

/// What a request leaves behind that was made to be refused, and was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Such as `the model permissions-probe-…`.
    pub what: String,
    /// The command that deletes it, where it can be deleted.
    pub command: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A success of the service, under the name by which a proof asks for it.
    Success(&'static str),
    /// An error of the service. A proxy's page has no code.
    Error { status: u16, code: Option<String>, message: Option<String> },
    /// No answer.
    None { why: NoAnswer, detail: String },
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The time limit ran out.
    TimedOut,
    /// No connection, or one that broke before the answer was complete.
    Network,
    /// A whole answer, which the service's protocol cannot read.
    Unreadable,
    /// The same, and without AWS's request id.
    NotFromAws,
    /// There were no credentials to sign with.
    Credentials,
    /// The request could not be built from what is known.
    NotSent,
    /// Something that the probe needs is not configured.
    NotConfigured,
    /// The probe needs the account, and AWS has not told it.
    AccountUnknown,
    /// What is configured belongs to another account.
    OtherAccount,
    /// There is no session of the role to check.
    NotAssumed,
    /// The probe panicked: a defect of this program.
    ProbePanicked,
}

/// What a denial that names no action, S3's bare `Access Denied`, means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Nothing: only S3 denies like that, and not every one of its requests.
    Nothing,
    /// The probed action was denied.
    ThisAction,
    /// One of these actions was denied.
    ThisOrAnother(&'static [&'static str]),
    /// The probed action was allowed, and this one, which AWS looks at after it, was not.
    Dependent(&'static str),
}

impl Answer {
    /// An answer of AWS with nothing known but what was answered, and AWS's id of the request.
    pub fn new(reply: Reply, request_id: Option<String>) -> Self {
        Self {
            reply,
            request_id,
            bucket_region: None,
            form: None,
            configured: false,
            unexplained_denial: Means::Nothing,
            request_context: None,
            candidates: &[],
            function: None,
            leftover: None,
        }
    }

    /// No answer.
    pub fn none(why: NoAnswer, detail: impl Into<String>) -> Self {
        Self::new(Reply::None { why, detail: detail.into() }, None)
    }

    /// Says which form of its request the probe sent.
    pub fn form(self, form: impl Into<Cow<'static, str>>) -> Self {
        Self { form: Some(form.into()), ..self }
    }

    /// Says what of this form of the request a policy's condition can look at.
    pub fn with_context(self, context: impl Into<Box<str>>) -> Self {
        Self { request_context: Some(context.into()), ..self }
    }

    /// Says what this form of the request leaves behind, if AWS carries it out.
    pub fn leaving(self, leftover: Leftover) -> Self {
        Self { leftover: Some(Box::new(leftover)), ..self }
    }

    /// Says that the specification names what was asked for.
    pub fn configured(self) -> Self {
        Self { configured: true, ..self }
    }

    /// Says what a denial that names no action would mean here.
    pub fn unexplained(self, unexplained_denial: Means) -> Self {
        Self { unexplained_denial, ..self }
    }

    /// Whether AWS denied access, and named no action.
    pub fn is_unexplained_denial(&self) -> bool {
        self.code() == Some("AccessDenied") && self.denial().is_none()
    }

    /// The denial that the message states, if it states one.
    pub fn denial(&self) -> Option<Denial<'_>> {
        let denied = matches!(self.code(), Some("AccessDenied" | "AccessDeniedException"));
        self.message().filter(|_| denied).and_then(denial::parse)
    }

    /// Whether there is no answer, because the probe lacked the account.
    pub fn lacks_account(&self) -> bool {
        matches!(self.reply, Reply::None { why: NoAnswer::AccountUnknown, .. })
    }

    /// The service's error code.
    pub fn code(&self) -> Option<&str> {
        match &self.reply {
            Reply::Error { code, .. } => code.as_deref(),
            _ => None,
        }
    }

    /// The service's message.
    pub fn message(&self) -> Option<&str> {
        match &self.reply {
            Reply::Error { message, .. } => message.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{bare, denial, error, success};

    #[test]
    fn only_an_error_has_a_code_and_a_message() {
        let answer = error("SlowDown", "Please reduce your request rate.");
        assert_eq!((answer.code(), answer.message()), (Some("SlowDown"), Some("Please reduce your request rate.")));
        for answer in [success(), Answer::none(NoAnswer::TimedOut, "no answer")] {
            assert_eq!((answer.code(), answer.message()), (None, None));
        }
    }

    #[test]
    fn a_denial_is_read_under_the_codes_of_denials_alone() {
        let stated = denial("s3:GetObject", "", "with an explicit deny");
        assert_eq!(stated.denial().unwrap().action, "s3:GetObject");
        let other = error("ValidationException", stated.message().unwrap());
        assert_eq!(other.denial(), None);
    }

    #[test]
    fn a_denial_is_unexplained_where_s3_names_no_action() {
        assert!(bare(Means::Nothing).is_unexplained_denial());
        assert!(!error("AccessDenied", "User: u is not authorized to perform: s3:GetObject").is_unexplained_denial());
        assert!(!error("AccessDeniedException", "Access Denied").is_unexplained_denial(), "it is S3 that says so");
        assert!(!success().is_unexplained_denial());
    }

    #[test]
    fn an_answer_lacks_the_account_only_where_it_says_so() {
        assert!(Answer::none(NoAnswer::AccountUnknown, "").lacks_account());
        assert!(!Answer::none(NoAnswer::NotConfigured, "").lacks_account() && !success().lacks_account());
    }

    #[test]
    fn what_is_added_to_an_answer_keeps_the_rest() {
        let left = Leftover { what: "the object x".to_owned(), command: None };
        let answer = error("SlowDown", "").form("the named object").configured().leaving(left.clone());
        let answer = answer.with_context("no tags");
        assert_eq!(answer.request_context.as_deref(), Some("no tags"));
        assert_eq!(answer.form.as_deref(), Some("the named object"));
        assert_eq!(answer.leftover.as_deref(), Some(&left));
        assert!(answer.configured && answer.request_id.is_some());
        assert_eq!((answer.code(), answer.unexplained_denial), (Some("SlowDown"), Means::ThisAction));
    }
}
