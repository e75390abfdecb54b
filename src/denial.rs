//! The sentence in which AWS says that a request was denied.
//!
//! ```text
//! User: <principal> is not authorized to perform: <service:Action>[ on resource: <arn>]
//!   [ because no <type> policy allows the <service:Action> action
//!   | with an explicit deny in a[n] <type> policy[: <policy-arn>] | …]
//!   [, with policy ARN: <policy-arn>][. Go to <link> for complete details, or call … with the following authorization id: <id>]
//! ```
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages". AWS
//! states one policy type even where several deny, so what is read here is the
//! *stated* policy type, never "the cause".

use std::fmt;

/// What one denial sentence says. Every part borrows from the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    pub kind: Kind,
    /// The policy type that AWS states; `None` where it states none.
    pub policy_type: Option<PolicyType>,
    /// The ARN of the policy that denies, which AWS adds service by service.
    pub policy_arn: Option<&'a str>,
    pub principal: Option<&'a str>,
    /// The action that was denied, which can be another one than was called.
    pub action: &'a str,
    /// `None` where the sentence names no resource; it is not the principal then.
    pub resource: Option<&'a str>,
    /// What `GetRequestAuthorizationDetails` takes to explain this denial.
    pub authorization_id: Option<&'a str>,
}

/// How the denial came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No policy of the stated type allows the action.
    Implicit,
    /// A `Deny` statement applies.
    Explicit,
    /// AWS does not say.
    Unstated,
}

/// The policy types that AWS names in denials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyType {
    IdentityBased,
    ResourceBased,
    PermissionsBoundary,
    Session,
    ServiceControl,
    ResourceControl,
    VpcEndpoint,
    RoleTrust,
}

impl PolicyType {
    /// The name as AWS writes it in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdentityBased => "identity-based policy",
            Self::ResourceBased => "resource-based policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy (SCP)",
            Self::ResourceControl => "resource control policy (RCP)",
            Self::VpcEndpoint => "VPC endpoint policy",
            Self::RoleTrust => "role trust policy",
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stands after the resource, the more specific phrase first.
const REASONS: &[(&str, Kind, Option<PolicyType>)] = {
    use Kind::{Explicit, Implicit, Unstated};
    use PolicyType as P;
    &[
        (
            "with an explicit deny in a VPC endpoint policy transitively through a service control policy",
            Explicit,
            Some(P::ServiceControl),
        ),
        ("because no identity-based policy allows", Implicit, Some(P::IdentityBased)),
        ("because no resource-based policy allows", Implicit, Some(P::ResourceBased)),
        ("because no session policy allows", Implicit, Some(P::Session)),
        ("because no permissions boundary allows", Implicit, Some(P::PermissionsBoundary)),
        ("because no service control policy allows", Implicit, Some(P::ServiceControl)),
        ("because no resource control policy allows", Implicit, Some(P::ResourceControl)),
        ("because no VPC endpoint policy allows", Implicit, Some(P::VpcEndpoint)),
        ("because no role trust policy allows", Implicit, Some(P::RoleTrust)),
        ("because the role trust policy allows", Implicit, Some(P::RoleTrust)),
        ("with an explicit deny in an identity-based policy", Explicit, Some(P::IdentityBased)),
        ("with an explicit deny in a resource-based policy", Explicit, Some(P::ResourceBased)),
        ("with an explicit deny in a session policy", Explicit, Some(P::Session)),
        ("with an explicit deny in a sessions policy", Explicit, Some(P::Session)),
        ("with an explicit deny in a service control policy", Explicit, Some(P::ServiceControl)),
        ("with an explicit deny in a resource control policy", Explicit, Some(P::ResourceControl)),
        ("with an explicit deny in a VPC endpoint policy", Explicit, Some(P::VpcEndpoint)),
        ("with an explicit deny in a permissions boundary", Explicit, Some(P::PermissionsBoundary)),
        ("with an explicit deny in the role trust policy", Explicit, Some(P::RoleTrust)),
        ("with an explicit deny in a role trust policy", Explicit, Some(P::RoleTrust)),
        // AWS KMS says this of a key that may not even exist.
        (
            "because the resource does not exist in this Region, no resource-based policies allow access, or a \
             resource-based policy explicitly denies access",
            Unstated,
            Some(P::ResourceBased),
        ),
        // S3 Block Public Access is a setting, not a policy.
        ("because public policies are prevented by", Explicit, None),
        ("because public ACLs are prevented by", Explicit, None),
        ("with an explicit deny", Explicit, None),
    ]
};

const MARKER: &str = "is not authorized to perform:";

/// Reads a denial sentence, wherever in the message it stands.
///
/// Returns `None` where the message is no such sentence: S3's bare
/// `Access Denied` names no action and so is for the caller to judge.
pub fn parse(message: &str) -> Option<Denial<'_>> {
    let (at, after) = find(message, MARKER)?;
    let principal = principal(&message[..at]);
    let rest = message[after..].trim_start();
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let action = rest[..end].trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if !is_action(action) {
        return None;
    }
    let mut rest = &rest[end..];

    let mut resource = None;
    if let Some((0, after)) = find(rest.trim_start(), "on resource:") {
        let text = rest.trim_start()[after..].trim_start();
        let end = end_of_resource(text);
        resource = Some(unquote(text[..end].trim_end())).filter(|r| !r.is_empty());
        rest = &text[end..];
    }

    // The sentence that sends the reader elsewhere comes last, and the ARNs
    // and ids in it are not the policy's.
    let (reason, details) = match find(rest, "Go to ") {
        Some((at, after)) => (&rest[..at], &rest[after..]),
        None => (rest, ""),
    };
    let (kind, policy_type, after) = REASONS
        .iter()
        .find_map(|(phrase, kind, policy)| find(reason, phrase).map(|(_, after)| (*kind, *policy, after)))
        .unwrap_or((Kind::Unstated, None, 0));
    Some(Denial {
        kind,
        policy_type,
        policy_arn: arn_in(&reason[after..]),
        principal,
        action,
        resource,
        authorization_id: find(details, "authorization id:").and_then(|(_, after)| word(&details[after..])),
    })
}

/// Whether the text has the form `service:Action`.
fn is_action(text: &str) -> bool {
    text.split_once(':').is_some_and(|(service, name)| {
        !service.is_empty()
            && !name.is_empty()
            && service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*')
    })
}

fn principal(before: &str) -> Option<&str> {
    // The latest "User:" is the sentence's own: a wrapper can stand before it.
    let at = before.to_ascii_lowercase().rfind("user:")?;
    Some(before[at + "user:".len()..].trim()).filter(|p| !p.is_empty())
}

/// Where the resource ends: at the reason, at the next sentence, or at what an
/// SDK or a shell has wrapped around the message.
fn end_of_resource(text: &str) -> usize {
    let ends = [
        "because no ",
        "because the ",
        "because public ",
        "with an explicit deny",
        ", with policy ARN:",
        ". Go to ",
        "(Service:",
    ];
    let end = ends.iter().filter_map(|end| find(text, end).map(|(at, _)| at)).min().unwrap_or(text.len());
    // A sentence's full stop is not part of the resource.
    let resource = text[..end].trim_end();
    if end == text.len() { resource.trim_end_matches('.').len() } else { resource.len() }
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text)
}

fn arn_in(text: &str) -> Option<&str> {
    let at = text.find("arn:")?;
    word(&text[at..])
}

/// The first word, without the punctuation of the sentence around it.
fn word(text: &str) -> Option<&str> {
    let word = text.split_whitespace().next()?;
    let word = word.trim_matches(|c| matches!(c, '.' | ',' | ';' | ')' | '(' | '"' | '\'' | '}'));
    (!word.is_empty()).then_some(word)
}

/// Finds a phrase without regard to case, any run of white space in the text
/// matching one space of the phrase, since wrappers break lines. Returns where
/// the match starts and ends.
fn find(text: &str, phrase: &str) -> Option<(usize, usize)> {
    let first = phrase.as_bytes()[0];
    let bytes = text.as_bytes();
    (0..bytes.len())
        .filter(|at| bytes[*at].eq_ignore_ascii_case(&first))
        .find_map(|at| match_here(bytes, at, phrase.as_bytes()).map(|end| (at, end)))
}

fn match_here(text: &[u8], mut at: usize, phrase: &[u8]) -> Option<usize> {
    for expected in phrase {
        if *expected == b' ' {
            let start = at;
            while text.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            if at == start {
                return None;
            }
        } else {
            if !text.get(at)?.eq_ignore_ascii_case(expected) {
                return None;
            }
            at += 1;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/probe";

    fn sentence(rest: &str) -> String {
        format!("User: {USER} is not authorized to perform: {rest}")
    }

    #[test]
    fn reads_every_part() {
        let message = sentence(
            "s3:GetObject on resource: \"arn:aws:s3:::my.bucket/a b.csv\" with an explicit deny in a service control \
             policy: arn:aws:organizations::111111111111:policy/o-1/service_control_policy/p-1. Go to \
             https://console.aws.amazon.com/iam/home#/authorization-details/abc for complete details, or call the \
             GetRequestAuthorizationDetails API with the following authorization id: abc-1.",
        );
        assert_eq!(
            parse(&message),
            Some(Denial {
                kind: Kind::Explicit,
                policy_type: Some(PolicyType::ServiceControl),
                policy_arn: Some("arn:aws:organizations::111111111111:policy/o-1/service_control_policy/p-1"),
                principal: Some(USER),
                action: "s3:GetObject",
                resource: Some("arn:aws:s3:::my.bucket/a b.csv"),
                authorization_id: Some("abc-1"),
            })
        );
    }

    #[test]
    fn tells_the_policy_types_apart() {
        use Kind::{Explicit, Implicit, Unstated};
        for (reason, kind, policy_type) in [
            (
                "because no identity-based policy allows the dynamodb:PutItem action",
                Implicit,
                Some(PolicyType::IdentityBased),
            ),
            ("because no session policy allows the dynamodb:PutItem action", Implicit, Some(PolicyType::Session)),
            (
                "because no permissions boundary allows the dynamodb:PutItem action",
                Implicit,
                Some(PolicyType::PermissionsBoundary),
            ),
            (
                "because no VPC endpoint policy allows the dynamodb:PutItem action",
                Implicit,
                Some(PolicyType::VpcEndpoint),
            ),
            ("with an explicit deny in an identity-based policy", Explicit, Some(PolicyType::IdentityBased)),
            ("with an explicit deny in a resource control policy", Explicit, Some(PolicyType::ResourceControl)),
            (
                "with an explicit deny in a VPC endpoint policy transitively through a service control policy",
                Explicit,
                Some(PolicyType::ServiceControl),
            ),
            ("with an explicit deny", Explicit, None),
            ("", Unstated, None),
        ] {
            let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata";
            let message = sentence(&format!("dynamodb:PutItem on resource: {arn} {reason}"));
            let denial = parse(&message).unwrap();
            assert_eq!((denial.kind, denial.policy_type), (kind, policy_type), "{reason}");
            assert_eq!(denial.resource, Some(arn), "{reason}");
        }
    }

    #[test]
    fn a_missing_resource_is_not_the_principal() {
        let message = sentence("kms:Decrypt with an explicit deny");
        assert_eq!(parse(&message).unwrap().resource, None);
        let message = sentence("logs:CreateLogGroup");
        let denial = parse(&message).unwrap();
        assert_eq!((denial.action, denial.resource, denial.kind), ("logs:CreateLogGroup", None, Kind::Unstated));
    }

    #[test]
    fn survives_wrappers_and_broken_lines() {
        let message = format!(
            "An error occurred (AccessDeniedException) when calling the Scan operation:\n{}",
            sentence(
                "dynamodb:Scan on\n resource: arn:aws:dynamodb:us-east-1:1:table/T because no\nidentity-based policy allows the dynamodb:Scan action (Service: DynamoDb; Status Code: 400)"
            )
        );
        let denial = parse(&message).unwrap();
        assert_eq!(denial.principal, Some(USER));
        assert_eq!(denial.resource, Some("arn:aws:dynamodb:us-east-1:1:table/T"));
        assert_eq!(denial.policy_type, Some(PolicyType::IdentityBased));
    }

    #[test]
    fn what_is_no_denial_sentence_is_none() {
        for message in [
            "",
            "Access Denied",
            "Access Denied because object protected by object lock.",
            "Request has expired",
            "User: x is not authorized to perform:",
            "User: x is not authorized to perform: this operation",
            "<html><h1>403 Forbidden</h1></html>",
            "ü is not authorized to perform: ü:ü",
        ] {
            assert_eq!(parse(message), None, "{message}");
        }
    }
}
