//! Takes out of a report what should not be pasted in public.

use std::collections::BTreeMap;

use crate::report::Report;

/// Masks account ids and session names, everywhere in the report and the same
/// way everywhere, so that what belongs together still shows.
pub fn redact(report: &mut Report) {
    mask(report.texts_mut());
}

/// Masks texts that belong together.
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
