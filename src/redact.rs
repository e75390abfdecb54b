//! Takes out of texts what should not be pasted in public, and what a terminal
//! would obey.

use std::collections::BTreeMap;

/// The longest text that is told, in bytes. AWS's own are shorter; and a
/// response of more than six megabytes, or a log line of more than 256 KiB, is
/// one that Lambda or CloudWatch Logs refuses (Lambda quotas, CloudWatch Logs quotas).
const LONGEST: usize = 8 * 1024;

/// Cuts what is too long, and writes control characters out, so that no text
/// from outside can end a log line, move a cursor or turn the direction of writing.
pub fn tame(texts: Vec<&mut String>) {
    for text in texts {
        if text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
            let cut = text.len() - end;
            text.truncate(end);
            text.extend(["… [", &cut.to_string(), " bytes more]"]);
        }
        if text.chars().any(obeyed) {
            *text =
                text.chars().map(|c| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() }).collect();
        }
    }
}

/// Control characters, line and paragraph separators, and what changes the
/// direction of writing (Unicode Standard Annex #9, "Directional Formatting Characters").
fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Masks account ids, ids of organizations, and the names of sessions, users
/// and their ids, the same way in all texts, so that what belongs together
/// still shows. The ids of requests are not among them, and stay whole.
pub fn mask(texts: Vec<&mut String>) {
    let mut known = Known::default();
    for text in texts {
        let masked = organizations(&numbers(text, &mut known.accounts), &mut known.organizations);
        let masked = sessions(&sessions(&masked, ":assumed-role/", 1), ":federated-user/", 0);
        *text = unique_ids(&users(&masked));
    }
}

/// What has been masked, by the number that it has.
#[derive(Default)]
struct Known {
    accounts: BTreeMap<String, usize>,
    organizations: BTreeMap<String, usize>,
}

/// Twelve digits that stand alone are an account id, also behind a character
/// that a URL or JSON writes with digits; the last part of a UUID is not.
fn numbers(text: &str, accounts: &mut BTreeMap<String, usize>) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let before = &text[..text.len() - rest.len() + start];
        let end = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |length| start + length);
        let escaped = digits_of_escape(before);
        let number_at = if end - start == ACCOUNT + escaped { start + escaped } else { start };
        let number = &rest[number_at..end];
        masked.push_str(&rest[..number_at]);
        if number.len() == ACCOUNT && !ends_in_uuid(before) {
            masked.push_str(&numbered("ACCOUNT", number, accounts));
        } else {
            masked.push_str(number);
        }
        rest = &rest[end..];
    }
    masked + rest
}

/// The digits of an account id.
const ACCOUNT: usize = 12;

/// How many digits behind this text still belong to the escape in which it ends: "%", "%C", "\u00e".
fn digits_of_escape(before: &str) -> usize {
    let before = before.as_bytes();
    [("%", 2), ("\\u", 4)]
        .iter()
        .find_map(|(start, length)| {
            (0..*length).find_map(|known| {
                let (rest, hex) = before.split_at_checked(before.len().checked_sub(known)?)?;
                let is_escape = hex.iter().all(u8::is_ascii_hexdigit) && rest.ends_with(start.as_bytes());
                is_escape.then_some(length - known)
            })
        })
        .unwrap_or_default()
}

/// Whether a text ends in all but the last part of a UUID.
fn ends_in_uuid(text: &str) -> bool {
    // No more of it than a UUID is looked at, since texts can be long.
    let start = (0..=text.len().saturating_sub(40)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let text = &text[start..];
    let parts: Vec<&str> = text.rsplitn(6, '-').collect();
    let [last, ref middle @ .., first] = parts[..] else { return false };
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let first = if middle.len() == 4 { middle[3] } else { first };
    let start = first.len().saturating_sub(8);
    last.is_empty()
        && middle.len() >= 3
        && middle[..3].iter().all(|part| part.len() == 4 && hex(part))
        && first.is_char_boundary(start)
        && first.len() >= 8
        && hex(&first[start..])
}

/// `o-` and ten to thirty-two letters and digits (AWS Organizations API Reference, `Organization`), and the ids
/// of its root and its units, which begin with `r-` and `ou-`.
fn organizations(text: &str, known: &mut BTreeMap<String, usize>) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(word) {
        let end = rest[start..].find(|c: char| !word(c)).map_or(rest.len(), |length| start + length);
        let id = &rest[start..end];
        masked.push_str(&rest[..start]);
        let small = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let is_id = match id.split_once('-') {
            Some(("o", name)) => (10..=32).contains(&name.len()) && small(name) && !name.contains('-'),
            Some(("ou", name)) => (13..=65).contains(&name.len()) && small(name) && name.contains('-'),
            _ => false,
        };
        if is_id {
            masked.push_str(&numbered("ORGANIZATION", id, known));
        } else {
            masked.push_str(id);
        }
        rest = &rest[end..];
    }
    masked + rest
}

fn numbered(kind: &str, text: &str, known: &mut BTreeMap<String, usize>) -> String {
    let next = known.len() + 1;
    format!("{kind}-{}", known.entry(text.to_owned()).or_insert(next))
}

/// The name of a user, behind its path.
fn users(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(":user/") {
        let start = at + ":user/".len();
        let end = rest[start..].find(|c: char| !(c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c)));
        let end = end.map_or(rest.len(), |end| start + end);
        masked.push_str(&rest[..start]);
        masked.push_str("USER");
        rest = &rest[end..];
    }
    masked + rest
}

/// The unique id of a role or a user, and the session behind it: `AROA…:session`
/// (IAM User Guide, "IAM identifiers": unique ID prefixes).
fn unique_ids(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let end = rest[start..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(rest.len(), |length| start + length);
        let id = &rest[start..end];
        masked.push_str(&rest[..start]);
        let upper = id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let is_id =
            (16..=128).contains(&id.len()) && upper && ["AROA", "AIDA", "AIPA"].iter().any(|kind| id.starts_with(kind));
        if !is_id {
            masked.push_str(id);
            rest = &rest[end..];
            continue;
        }
        masked.push_str(&id[..4]);
        masked.push_str("ID");
        rest = &rest[end..];
        if let Some(session) = rest.strip_prefix(':') {
            let length =
                session.find(|c: char| !(c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))).unwrap_or(session.len());
            if length > 0 {
                masked.push_str(":SESSION");
                rest = &session[length..];
            }
        }
    }
    masked + rest
}

/// The last part of a session's ARN, behind so many others, is its name.
fn sessions(text: &str, kind: &str, parts: usize) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(kind) {
        let start = at + kind.len();
        let slash = |from: usize| rest[from..].find('/').map(|slash| from + slash + 1);
        let Some(session) = (0..parts).try_fold(start, |from, _| slash(from)) else { break };
        let end = rest[session..].find(|c: char| !(c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)));
        let end = end.map_or(rest.len(), |end| session + end);
        masked.push_str(&rest[..session]);
        masked.push_str("SESSION");
        rest = &rest[end..];
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        let mut texts = ["a\r\n\u{1b}[31mred\u{9b}\u{7f}\u{202e}\u{2028}b".to_owned(), "é “ok”".to_owned()];
        tame(texts.iter_mut().collect());
        assert_eq!(texts, [r"a\r\n\u{1b}[31mred\u{9b}\u{7f}\u{202e}\u{2028}b", "é “ok”"]);
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let mut texts = ["é".repeat(LONGEST), "x".repeat(LONGEST)];
        tame(texts.iter_mut().collect());
        assert_eq!(texts[0], format!("{}… [{LONGEST} bytes more]", "é".repeat(LONGEST / 2)));
        assert_eq!(texts[1].len(), LONGEST);
    }

    #[test]
    fn masks_accounts_and_sessions_consistently() {
        let mut texts = [
            "User: arn:aws:sts::123456789012:assumed-role/role/me@example.com is not authorized".to_owned(),
            "arn:aws:iam::210987654321:role/r in 123456789012".to_owned(),
            "arn:aws:sts::123456789012:federated-user/me".to_owned(),
            "2026 1234567890123 é 12345678901 :assumed-role/no-session".to_owned(),
            r"100%123456789012 %C3%A9123456789012 %C2%A0123456789012 \u0001123456789012 \u00e9123456789012".to_owned(),
        ];
        mask(texts.iter_mut().collect());
        assert_eq!(
            texts,
            [
                "User: arn:aws:sts::ACCOUNT-1:assumed-role/role/SESSION is not authorized",
                "arn:aws:iam::ACCOUNT-2:role/r in ACCOUNT-1",
                "arn:aws:sts::ACCOUNT-1:federated-user/SESSION",
                "2026 1234567890123 é 12345678901 :assumed-role/no-session",
                r"100%ACCOUNT-1 %C3%A9ACCOUNT-1 %C2%A0ACCOUNT-1 \u0001ACCOUNT-1 \u00e9ACCOUNT-1"
            ]
        );
    }

    #[test]
    fn masks_what_names_people_and_organizations_and_keeps_the_ids_of_requests() {
        let uuid = "986a261e-eb64-41e0-b836-123456789012";
        let mut texts = [
            "s3://bucket/account%20123456789012%3A123456789012/x".to_owned(),
            "arn:aws:iam::123456789012:user/dev/me and AROAEXAMPLEEXAMPLE12:me@example.com or AIDAEXAMPLEEXAMPLE12"
                .to_owned(),
            "o-a1b2c3d4e5 ou-ab12-cd34ef56 o-short our-o-a1b2c3d4e5x policy/o-a1b2c3d4e5/p-a1b2c3d4".to_owned(),
            format!("RequestId: {uuid}, authorization id: {uuid}"),
            "x-41e0-b836-210987654321".to_owned(),
        ];
        mask(texts.iter_mut().collect());
        assert_eq!(
            texts,
            [
                "s3://bucket/account%20ACCOUNT-1%3AACCOUNT-1/x".to_owned(),
                "arn:aws:iam::ACCOUNT-1:user/USER and AROAID:SESSION or AIDAID".to_owned(),
                "ORGANIZATION-1 ORGANIZATION-2 o-short our-o-a1b2c3d4e5x policy/ORGANIZATION-1/p-a1b2c3d4".to_owned(),
                format!("RequestId: {uuid}, authorization id: {uuid}"),
                "x-41e0-b836-ACCOUNT-2".to_owned(),
            ]
        );
    }
}
