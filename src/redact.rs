//! Takes out of a report what should not be pasted in public.

use std::collections::BTreeMap;

use crate::report::Report;

/// Masks account ids and session names, everywhere in the report and the same
/// way everywhere, so that what belongs together still shows.
pub fn redact(report: &mut Report) {
    let mut accounts = BTreeMap::new();
    for text in report.texts_mut() {
        *text = sessions(&numbers(text, &mut accounts));
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

/// The last part of a session's ARN is its name.
fn sessions(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(":assumed-role/") {
        let role = at + ":assumed-role/".len();
        let Some(session) = rest[role..].find('/').map(|slash| role + slash + 1) else { break };
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
        let mut accounts = BTreeMap::new();
        let mut mask = |text: &str| sessions(&numbers(text, &mut accounts));
        assert_eq!(
            mask("User: arn:aws:sts::123456789012:assumed-role/role/me@example.com is not authorized"),
            "User: arn:aws:sts::ACCOUNT-1:assumed-role/role/SESSION is not authorized"
        );
        assert_eq!(
            mask("arn:aws:iam::210987654321:role/r in 123456789012"),
            "arn:aws:iam::ACCOUNT-2:role/r in ACCOUNT-1"
        );
        assert_eq!(mask("2026 1234567890123 é 12345678901"), "2026 1234567890123 é 12345678901");
        assert_eq!(mask(":assumed-role/no-session"), ":assumed-role/no-session");
    }
}
