//! What a probe says of itself: one action, and the request that makes AWS
//! decide whether it is allowed.

use std::sync::Arc;

use crate::answer::Leftover;
use crate::iam::wildcard;
use crate::place::Place;
use crate::proof::Proof;
use crate::specification::{Bucket, Endpoint, LogStream, Role, Specification, Table, Target, TrainingJob};
use crate::voice::Setting;

/// One action, and what is to be known of the request for it.
#[derive(Debug)]
pub struct ProbeInfo {
    /// The action as IAM writes it.
    pub action: &'static str,
    /// The kind of resource that it is tried on.
    pub on: On,
    /// The request in a few words.
    pub request: &'static str,
    /// Why the request changes nothing.
    pub harmless: &'static str,
    /// What it can leave behind, and what one request costs.
    pub side_effect: &'static str,
    /// The answers that prove "allowed".
    pub proofs: &'static [Proof],
    /// The actions, with IAM's wildcards, that AWS looks at only after this one
    /// (Service Authorization Reference: dependent actions).
    pub dependent_actions: &'static [&'static str],
}

/// The kind of resource that an action is tried on, and what is to be known of one.
#[derive(Debug)]
pub enum On {
    Account(About<Account>),
    Bucket(About<Bucket>),
    Table(About<Table>),
    Endpoint(About<Endpoint>),
    TrainingJob(About<TrainingJob>),
    Role(About<Role>),
    LogStream(About<LogStream>),
    /// A resource that fills the form of a request; and what of that request a policy's condition can look at.
    Resource(&'static str),
}

/// The account itself, for actions on no resource that a specification could name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account;

/// What is to be known of a request for a resource.
pub struct About<T> {
    /// The ARNs, or patterns of ARNs, that a statement for the action names; the
    /// first is the one that the report gives.
    pub resources: fn(&T, &Place) -> Vec<String>,
    /// What of the request a policy's condition can look at, and the pipeline's own request may have otherwise.
    pub request_context: fn(&T) -> String,
    /// How to get a proof that is documented; `None` where the proof is.
    pub better: fn(&T) -> Option<Better>,
    /// What AWS has made, should it carry the request out.
    pub leftover: Option<fn(&T, &Place) -> Leftover>,
}

impl<T> std::fmt::Debug for About<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("About")
    }
}

/// How to get a proof that is documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// No harmless request is known that proves it better.
    NoneKnown,
    /// Name it with this setting; `else_` is another way, where there is one.
    Name { setting: Setting, to: &'static str, else_: Option<&'static str>, within: Option<Setting> },
}

/// A text as one word of a POSIX shell.
pub fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl ProbeInfo {
    /// Whether AWS looks at this other action only after the probe's own.
    pub fn has_dependent(&self, action: &str) -> bool {
        self.dependent_actions.iter().any(|pattern| wildcard::matches(pattern, action))
    }
}

/// Applies an expression to what is to be known of a target of the right kind.
macro_rules! about {
    ($on:expr, $target:expr, |$about:ident, $of:ident| $then:expr) => {
        match ($on, $target) {
            (On::Account($about), Target::Account) => {
                let $of = &Account;
                Some($then)
            }
            (On::Bucket($about), Target::Bucket($of)) => Some($then),
            (On::Table($about), Target::Table($of)) => Some($then),
            (On::Endpoint($about), Target::Endpoint($of)) => Some($then),
            (On::TrainingJob($about), Target::TrainingJob($of)) => Some($then),
            (On::Role($about), Target::Role($of)) => Some($then),
            (On::LogStream($about), Target::LogStream($of)) => Some($then),
            _ => None,
        }
    };
}

/// Of a target of another kind, which no plan has, nothing is known.
impl On {
    pub fn resources(&self, target: &Target, place: &Place) -> Vec<String> {
        if let Target::Resource(resource) = target {
            return vec![resource.pattern.clone()];
        }
        about!(self, target, |about, of| (about.resources)(of, place)).unwrap_or_default()
    }

    pub fn request_context(&self, target: &Target) -> String {
        if let Self::Resource(context) = self {
            return (*context).to_owned();
        }
        about!(self, target, |about, of| (about.request_context)(of)).unwrap_or_default()
    }

    pub fn better(&self, target: &Target) -> Option<Better> {
        about!(self, target, |about, of| (about.better)(of)).flatten()
    }

    pub fn leftover(&self, target: &Target, place: &Place) -> Option<Leftover> {
        if let (Self::Resource(_), Target::Resource(resource)) = (self, target) {
            let names: Vec<&str> = resource.names.iter().map(|(_, name)| name.as_str()).collect();
            let what = format!("what {} makes or changes under the name {}", resource.action, names.join("/"));
            return Some(Leftover { what, command: None });
        }
        about!(self, target, |about, of| about.leftover.map(|leftover| leftover(of, place))).flatten()
    }

    /// The resources of a specification that are of this kind. `role` is the one for a probe of a role.
    pub fn targets(&self, specification: &Specification, role: Option<&Arc<Role>>) -> Vec<Target> {
        match self {
            Self::Account(_) => vec![Target::Account],
            Self::Bucket(_) => specification.buckets.iter().cloned().map(Target::Bucket).collect(),
            Self::Table(_) => specification.tables.iter().cloned().map(Target::Table).collect(),
            Self::Endpoint(_) => vec![Target::Endpoint(specification.endpoint.clone())],
            Self::TrainingJob(_) => vec![Target::TrainingJob(specification.training_job.clone())],
            Self::Role(_) => role.cloned().map(Target::Role).into_iter().collect(),
            Self::LogStream(_) => vec![Target::LogStream(specification.log_stream.clone())],
            // Only a specification of the user's own has any.
            Self::Resource(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures::{PROBES, SAGEMAKER_ROLE, specification, with_passed_role};
    use crate::place::tests::place;

    #[test]
    fn a_quoted_text_is_one_word() {
        assert_eq!(shell_quote("a b"), "'a b'");
        assert_eq!(shell_quote("it's"), r"'it'\''s'");
    }

    #[test]
    fn what_an_action_stands_before_is_known_by_its_pattern() {
        let probe = PROBES.iter().find(|probe| probe.action == "s3:GetObject").unwrap();
        assert!(probe.has_dependent("kms:Decrypt") && !probe.has_dependent("iam:PassRole"));
        assert!(format!("{probe:?}").contains("Bucket(About)"), "{probe:?}");
    }

    #[test]
    fn of_a_target_of_another_kind_nothing_is_known() {
        let of = |action: &str| &PROBES.iter().find(|probe| probe.action == action).unwrap().on;
        let place = place();
        let (bucket, account) = (Target::Bucket(specification().buckets[0].clone()), Target::Account);
        let on_bucket = of("s3:PutObject");
        assert_eq!(on_bucket.resources(&bucket, &place), ["arn:aws:s3:::your-bucket-name/*"]);
        assert_eq!(on_bucket.request_context(&bucket), "the prefix \"\"");
        assert!(on_bucket.better(&bucket).is_some() && on_bucket.leftover(&bucket, &place).is_some());
        assert!(on_bucket.resources(&account, &place).is_empty() && on_bucket.request_context(&account).is_empty());
        assert!(on_bucket.better(&account).is_none() && on_bucket.leftover(&account, &place).is_none());
        assert_eq!(of("dynamodb:ListTables").resources(&account, &place), ["*"]);
        assert!(of("dynamodb:ListTables").resources(&bucket, &place).is_empty());
    }

    #[test]
    fn every_kind_of_resource_finds_its_targets_and_says_what_is_known_of_them() {
        let mut specification = with_passed_role();
        specification.endpoint = Arc::new(Endpoint { name: Some("prod".to_owned()) });
        specification.training_job = Arc::new(TrainingJob { name: Some("train-1".to_owned()) });
        for (action, name, resource) in [
            ("sts:GetCallerIdentity", "", "*"),
            ("s3:ListBucket", "your-bucket-name", "arn:aws:s3:::your-bucket-name"),
            ("dynamodb:Scan", "ModelMetadata", "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata"),
            ("sagemaker:InvokeEndpoint", "prod", "arn:aws:sagemaker:us-east-1:123456789012:endpoint/*"),
            ("sagemaker:DescribeTrainingJob", "train-1", "arn:aws:sagemaker:us-east-1:123456789012:training-job/*"),
            ("iam:PassRole", SAGEMAKER_ROLE, SAGEMAKER_ROLE),
            ("logs:PutLogEvents", "/aws/lambda/x", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/x:*"),
        ] {
            let on = &PROBES.iter().find(|probe| probe.action == action).unwrap().on;
            let targets = on.targets(&specification, specification.passed_role.as_ref());
            assert_eq!(targets.iter().map(Target::name).collect::<Vec<_>>(), [name], "{action}");
            assert_eq!(on.resources(&targets[0], &place()), [resource], "{action}");
            assert!(!on.request_context(&targets[0]).is_empty(), "{action}");
        }
        let of_role = &PROBES.iter().find(|probe| probe.action == "iam:PassRole").unwrap().on;
        assert!(of_role.targets(&specification, None).is_empty(), "no role is named");
    }
}
