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

/// Masks account ids and session names, the same way in all texts, so that what
/// belongs together still shows.
pub fn mask(texts: Vec<&mut String>) {
    let mut accounts = BTreeMap::new();
    for text in texts {
        let masked = numbers(text, &mut accounts);
        *text = sessions(&sessions(&masked, ":assumed-role/", 1), ":federated-user/", 0);
    }
}

/// Twelve digits that stand alone are an account id.
fn numbers(text: &str, accounts: &mut BTreeMap<String, usize>) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let length = rest[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - start);
        let number = &rest[start..start + length];
        masked.push_str(&rest[..start]);
        if length == 12 {
            let next = accounts.len() + 1;
            let index = *accounts.entry(number.to_owned()).or_insert(next);
            masked.push_str("ACCOUNT-");
            masked.push_str(&index.to_string());
        } else {
            masked.push_str(number);
        }
        rest = &rest[start + length..];
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
        ];
        mask(texts.iter_mut().collect());
        assert_eq!(
            texts,
            [
                "User: arn:aws:sts::ACCOUNT-1:assumed-role/role/SESSION is not authorized",
                "arn:aws:iam::ACCOUNT-2:role/r in ACCOUNT-1",
                "arn:aws:sts::ACCOUNT-1:federated-user/SESSION",
                "2026 1234567890123 é 12345678901 :assumed-role/no-session"
            ]
        );
    }
}
