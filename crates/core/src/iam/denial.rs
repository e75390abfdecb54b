//! The sentence in which AWS says that a request was denied.
//!
//! ```text
//! User: <principal> is not authorized to perform: <service:Action>[ on resource: <resource>]
//!   [ because no <type> policy allows the <service:Action> action
//!   | with an explicit deny in a[n] <type> policy
//!   | … ][: <policy-arn>][, with policy ARN: <policy-arn>]
//!   [. Go to <link> for complete details, or call … with the following authorization id: <id>]
//! ```
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages", and
//! public threads since 2016. AWS states one policy type even where several
//! deny, so what is read here is the *stated* policy type, never "the cause".
//!
//! [`parse`] reads the denials of every service, not only of those that this
//! program probes, and in what SDKs, shells and logs wrap around them.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

/// What one denial sentence says. Every part borrows from the message, but for
/// an ARN that a terminal has broken across lines, which is put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    pub kind: Kind,
    /// The policy type that AWS states; `None` where it states none.
    pub policy_type: Option<PolicyType>,
    /// The setting that denies, where it is one and no policy.
    pub setting: Option<&'static str>,
    /// The ARN of the policy that denies, which AWS adds service by service.
    pub policy_arn: Option<&'a str>,
    /// `None` where the sentence names nobody, as STS's and Athena's do not.
    pub principal: Option<Cow<'a, str>>,
    /// The action that was denied, which can be another one than was called.
    pub action: &'a str,
    /// `None` where the sentence names no resource; it is not the principal then.
    pub resource: Option<Cow<'a, str>>,
    /// What `GetRequestAuthorizationDetails` takes to explain this denial.
    pub authorization_id: Option<&'a str>,
    /// The page of the console that explains this denial.
    pub details_link: Option<&'a str>,
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

/// The policy types by the words that name them in a sentence.
const TYPES: &[(&str, PolicyType)] = &[
    ("identity-based polic", PolicyType::IdentityBased),
    ("resource-based polic", PolicyType::ResourceBased),
    ("permissions boundar", PolicyType::PermissionsBoundary),
    ("session polic", PolicyType::Session),
    ("sessions polic", PolicyType::Session),
    ("service control polic", PolicyType::ServiceControl),
    ("resource control polic", PolicyType::ResourceControl),
    ("VPC endpoint polic", PolicyType::VpcEndpoint),
    ("role trust polic", PolicyType::RoleTrust),
];

/// Reads a denial sentence, wherever in the message it stands.
///
/// Returns `None` where the message has no such sentence: S3's bare
/// `Access Denied` names no action and so is for the caller to judge, and
/// EC2's encoded message can be read only by `sts:DecodeAuthorizationMessage`.
///
/// The time is linear in the length of the message.
///
/// ```
/// use permissions_core::iam::denial::{Kind, PolicyType, parse};
///
/// let denial = parse(
///     "User: arn:aws:iam::123456789012:user/mateo is not authorized to perform: s3:GetObject on resource: \
///      \"arn:aws:s3:::amzn-s3-demo-bucket/a.csv\" with an explicit deny in a resource control policy",
/// )
/// .expect("this is a denial");
/// assert_eq!(denial.action, "s3:GetObject");
/// assert_eq!(denial.resource.as_deref(), Some("arn:aws:s3:::amzn-s3-demo-bucket/a.csv"));
/// assert_eq!((denial.kind, denial.policy_type), (Kind::Explicit, Some(PolicyType::ResourceControl)));
/// assert_eq!(parse("Access Denied"), None);
/// ```
pub fn parse(message: &str) -> Option<Denial<'_>> {
    let mut from = 0;
    loop {
        let (at, after) = find(&message[from..], "not authorized to perform")?;
        let (at, after) = (from + at, from + after);
        // Another sentence under the same words ("… this operation.") can come first.
        if let Some((action, rest)) = action(&message[after..]) {
            return Some(read(principal(&message[..at]), action, rest));
        }
        from = after;
    }
}

/// Reads what follows the action.
fn read<'a>(principal: Option<&'a str>, action: &'a str, rest: &'a str) -> Denial<'a> {
    let (resource, rest) = resource(rest);
    let rest = skip(rest);
    let setting = setting(rest).map(|(name, _)| name);
    let reason = reason(rest);
    let (kind, policy_type, rest) = reason.unwrap_or((Kind::Unstated, None, rest));
    // The ARNs behind the link to the details are not the policy's.
    let (reason, details) = match find(rest, "Go to ") {
        Some((at, after)) => (&rest[..at], &rest[after..]),
        None => (rest, ""),
    };
    let details_link = Some(word(details)).filter(|link| link.starts_with("https://"));
    let id = find(details, "authorization id:").map(|(_, after)| word(&details[after..]));
    let id = id.or_else(|| Some(details_link?.split_once("/authorization-details/")?.1)).filter(|id| !id.is_empty());
    Denial {
        kind,
        policy_type,
        setting,
        policy_arn: policy_arn(reason),
        principal: principal.map(join_lines),
        action,
        resource: resource.map(join_lines),
        authorization_id: id,
        details_link,
    }
}

/// Reads `: service:Action`, or the like; returns it and what follows it.
fn action(text: &str) -> Option<(&str, &str)> {
    let text = skip(text);
    let text = skip(text.strip_prefix(':').unwrap_or(text));
    let marks = ['[', '"', '\'', '`', '*'];
    let text = text.trim_start_matches(marks);
    let service = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-')?;
    let name = text[service..].strip_prefix(':')?;
    let length = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    if service == 0 || length == 0 {
        return None;
    }
    let (action, rest) = text.split_at(service + 1 + length);
    Some((action, rest.trim_start_matches(marks).trim_start_matches(']')))
}

/// Reads who is denied, which stands before `is not authorized to perform`.
fn principal(before: &str) -> Option<&str> {
    let before = before.trim_end();
    let before = before.strip_suffix("is").or_else(|| before.strip_suffix("are")).unwrap_or(before);
    let before = trim_end(before);
    // The latest "User:" is the sentence's own: a wrapper can stand before it.
    // Few services write "Principal:" or "Role", and some leave the colon out.
    let named = ["User:", "Principal:"].iter().find_map(|word| Some(skip(&before[rfind(before, word)?..])));
    let arn = || {
        let after = ["User ", "Role "].iter().find_map(|word| rfind(before, word))?;
        Some(skip(&before[after..])).filter(|principal| principal.starts_with("arn:"))
    };
    if let Some(principal) = named.or_else(arn) {
        return Some(principal).filter(|principal| !principal.is_empty());
    }
    let last = before.rsplit(char::is_whitespace).next()?;
    last.starts_with("arn:").then_some(last)
}

/// Reads ` on resource: …`; returns the resource, if one is named, and what follows it.
fn resource(text: &str) -> (Option<&str>, &str) {
    let start = skip(text);
    let named = at_start(start, "on resource").map(|after| &start[after..]);
    // Some services say `on arn:…`.
    let bare = || at_start(start, "on arn:").map(|after| &start[after - "arn:".len() - 1..]);
    let named = named.or_else(bare);
    let rest =
        named.and_then(|rest| rest.strip_prefix(':').or_else(|| rest.starts_with(char::is_whitespace).then_some(rest)));
    let Some(rest) = rest.map(skip).filter(|rest| reason(rest).is_none()) else {
        // "on this resource", "on the resource associated with this ciphertext": none is named.
        return (None, to_reason(start).unwrap_or(start));
    };
    for quote in ["\\\"", "\""] {
        if let Some(inner) = rest.strip_prefix(quote) {
            let end = end_of_quoted(inner, quote);
            let after = inner[end..].strip_prefix(quote).unwrap_or(&inner[end..]);
            return (Some(&inner[..end]).filter(|resource| !resource.is_empty()), after);
        }
    }
    let end = end_of_resource(rest);
    (Some(&rest[..end]).filter(|resource| !resource.is_empty()), &rest[end..])
}

/// What follows from the reason on, where the same sentence has one.
fn to_reason(text: &str) -> Option<&str> {
    let sentence = &text[..find(text, "User: ").map_or(text.len(), |(at, _)| at)];
    let mut rest = sentence;
    while let Some(at) = rest.find(char::is_whitespace) {
        rest = skip(&rest[at..]);
        if reason(rest).is_some() {
            return Some(&text[sentence.len() - rest.len()..]);
        }
    }
    None
}

/// Where a quoted resource ends: at the quote before the reason, since a
/// resource can have quotes of its own, else at the first that closes a word.
fn end_of_quoted(text: &str, quote: &str) -> usize {
    let places = || text.match_indices(quote).map(|(at, _)| (at, &text[at + quote.len()..]));
    let before_reason = places().find(|(_, after)| reason(skip(after)).is_some());
    // Without a reason, what closes the message, or wraps it, follows.
    let closers = |c: char| ".,;)}]'\\\"`".contains(c) || c.is_whitespace();
    let last = |after: &str| after.len() <= 8 && after.chars().all(closers) || starts_wrapper(skip(after));
    before_reason
        .or_else(|| places().find(|(_, after)| last(after)))
        .or_else(|| places().find(|(_, after)| after.starts_with(closers)))
        .map_or(text.len(), |(at, _)| at)
}

/// What stands behind a resource that no reason follows: wrappers of SDKs,
/// shells and logs.
const WRAPPERS: &[&str] = &[
    ", with policy ARN:",
    ". Go to ",
    "(Service",
    "status code:",
    "request id:",
    "(RequestId",
    "[RequestId",
    ". Encoded authorization",
    "Encoded authorization",
    "- Sender ",
    "User: ",
    "\\\"",
    "\",",
    "\"}",
    "\")",
    "\" (",
];

/// Where a resource without quotes ends. It can have spaces, so only what is
/// known to follow ends it: the reason, a wrapper, or a line that goes on with
/// neither.
fn end_of_resource(text: &str) -> usize {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let here = &text[at..];
        let next = skip(here);
        let gap = &here[..here.len() - next.len()];
        let ends = if gap.contains(['\n', '\r', '\\']) {
            gap.contains('\\') || !goes_on(text, next)
        } else if !gap.is_empty() {
            reason(next).is_some() || starts_wrapper(next)
        } else {
            matches!(c, ',' | '.' | '"' | '(' | '\\') && starts_wrapper(here)
        };
        if ends {
            break;
        }
        // A gap is looked behind once, or a message of nothing else would take quadratic time.
        at += gap.len().max(c.len_utf8());
    }
    let end = at;
    // The full stop of the sentence, and brackets around it, are not part of the resource.
    let resource = text[..end].trim_end();
    if reason(skip(&text[end..])).is_some() {
        return resource.len();
    }
    resource.trim_end_matches(|c: char| ".,;)]}'\"`".contains(c) || c.is_whitespace()).len()
}

/// Whether a line break stands within an ARN, where a terminal has wrapped it:
/// the next line goes on with a colon, or with one word before the reason.
fn goes_on(text: &str, next: &str) -> bool {
    if !text.starts_with("arn:") || reason(next).is_some() {
        return false;
    }
    let word = next.find(char::is_whitespace).unwrap_or(next.len());
    next.starts_with(':') || reason(skip(&next[word..])).is_some()
}

/// Takes the line breaks out of an ARN.
fn join_lines(text: &str) -> Cow<'_, str> {
    let text = text.trim_end();
    if !text.starts_with("arn:") || !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.lines().map(str::trim).collect())
}

fn starts_wrapper(text: &str) -> bool {
    WRAPPERS.iter().any(|wrapper| at_start(text, wrapper).is_some())
}

/// Reads why, at the start of the text; returns the kind, the policy type and what follows.
fn reason(text: &str) -> Option<(Kind, Option<PolicyType>, &str)> {
    // Most of what is asked of this function starts neither way.
    if !text.as_bytes().first().is_some_and(|first| matches!(first | 0x20, b'b' | b'w')) {
        return None;
    }
    if let Some(after) = at_start(text, "because no ") {
        let (policy_type, rest) = policy_type(&text[after..]);
        return Some((Kind::Implicit, policy_type, rest));
    }
    if let Some(after) = at_start(text, "because the role trust policy") {
        return Some((Kind::Implicit, Some(PolicyType::RoleTrust), &text[after..]));
    }
    // AWS KMS says this of a key that may not even exist.
    if let Some(after) = at_start(text, "because the resource does not exist in this region") {
        return Some((Kind::Unstated, Some(PolicyType::ResourceBased), &text[after..]));
    }
    if let Some((_, after)) = setting(text) {
        return Some((Kind::Explicit, None, &text[after..]));
    }
    let rest = &text[at_start(text, "with an explicit deny")?..];
    let policy = skip(rest);
    let article = ["in a ", "in an ", "in the "].iter().find_map(|article| at_start(policy, article));
    let Some(article) = article else { return Some((Kind::Explicit, None, rest)) };
    let (policy_type, rest) = policy_type(&policy[article..]);
    // A VPC endpoint policy that an SCP stands behind: the SCP denies.
    let then = skip(rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()));
    let is_of_scp = at_start(then, "transitively through a service control policy").is_some();
    Some((Kind::Explicit, if is_of_scp { Some(PolicyType::ServiceControl) } else { policy_type }, rest))
}

/// The settings that deny as a policy does, by the words in which they do so (S3
/// User Guide, "Troubleshoot access denied (403 Forbidden) errors").
const SETTINGS: &[(&str, &str)] = &[
    ("because public ", "S3 Block Public Access"),
    ("because this bucket has blocked ", "the bucket's blocked encryption types"),
];

/// Reads which setting denies, at the start of the text; returns its name and the length.
fn setting(text: &str) -> Option<(&'static str, usize)> {
    SETTINGS.iter().find_map(|(words, name)| at_start(text, words).map(|after| (*name, after)))
}

/// Reads the policy type, at the start of the text; returns it and what follows.
fn policy_type(text: &str) -> (Option<PolicyType>, &str) {
    let found = TYPES.iter().find_map(|(name, policy)| Some((Some(*policy), &text[at_start(text, name)?..])));
    found.unwrap_or((None, text))
}

/// Reads the policy's ARN, which follows a colon. What a wrapper holds is not it.
fn policy_arn(reason: &str) -> Option<&str> {
    let end =
        ["(Service", "Encoded authorization", "User: ", "\n\n"].iter().filter_map(|end| Some(find(reason, end)?.0));
    let reason = &reason[..end.min().unwrap_or(reason.len())];
    let (at, _) = find(reason, ": arn:")?;
    let arn = word(skip(&reason[at + 1..]));
    (!arn.is_empty()).then_some(arn)
}

/// The first word, without the punctuation of the sentence around it.
fn word(text: &str) -> &str {
    let text = skip(text);
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\\' | ',')).unwrap_or(text.len());
    let word = text[..end].split("</").next().unwrap_or_default();
    let word = word.trim_matches(|c| matches!(c, '.' | ';' | ')' | '(' | '\'' | ']' | '`'));
    if word.contains('{') { word } else { word.trim_end_matches(['}', '.']) }
}

/// Leaves out white space, also where it is written as an escape, and what
/// comments and quotations put at the start of a line.
fn skip(text: &str) -> &str {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace());
        let new_line = rest[..rest.len() - trimmed.len()].contains('\n');
        let next = if let Some(next) = ["\\n", "\\r", "\\t"].iter().find_map(|e| trimmed.strip_prefix(e)) {
            next
        } else if new_line {
            trimmed.trim_start_matches(['>', '#', '│', '|']).trim_start_matches("//")
        } else {
            trimmed
        };
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

/// Leaves out the same at the end.
fn trim_end(text: &str) -> &str {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_end();
        let escape = ["\\n", "\\r", "\\t"].iter().find_map(|escape| trimmed.strip_suffix(escape));
        let mark = || {
            let before = trimmed.strip_suffix("//").or_else(|| trimmed.strip_suffix(['>', '#', '│', '|']))?;
            before.trim_end_matches([' ', '\t']).ends_with('\n').then_some(before)
        };
        let next = escape.or_else(mark).unwrap_or(trimmed);
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

/// The length of the phrase at the start of the text, without regard to case;
/// each space of the phrase stands for what [`skip`] leaves out.
fn at_start(text: &str, phrase: &str) -> Option<usize> {
    let mut rest = text;
    for expected in phrase.bytes() {
        if expected == b' ' {
            let next = skip(rest);
            if next.len() == rest.len() {
                return None;
            }
            rest = next;
        } else {
            let first = rest.as_bytes().first()?;
            if !first.eq_ignore_ascii_case(&expected) {
                return None;
            }
            rest = &rest[1..];
        }
    }
    Some(text.len() - rest.len())
}

/// The first place where the phrase stands: its start and its end.
fn find(text: &str, phrase: &str) -> Option<(usize, usize)> {
    let first = phrase.as_bytes()[0];
    let starts = text.bytes().zip(0..).filter(|(byte, _)| byte.eq_ignore_ascii_case(&first));
    // A phrase starts with an ASCII character, so each start is a character's.
    starts.map(|(_, at)| at).find_map(|at| at_start(&text[at..], phrase).map(|length| (at, at + length)))
}

/// The end of the last place where the phrase stands.
fn rfind(text: &str, phrase: &str) -> Option<usize> {
    let first = phrase.as_bytes()[0];
    let starts = text.bytes().zip(0..text.len()).rev().filter(|(byte, _)| byte.eq_ignore_ascii_case(&first));
    starts.map(|(_, at)| at).find_map(|at| at_start(&text[at..], phrase).map(|length| at + length))
}
