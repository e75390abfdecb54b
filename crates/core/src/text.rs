//! Texts that something outside of this program had a part in: how they are
//! shown without what should not be pasted in public, and without what a
//! terminal or a log would take for a control.

use std::collections::BTreeMap;

/// A text from outside, or with a part from outside in it.
///
/// It has no `Display` and is not serialized: [`Rendering`] is the only way to
/// show it, so that none is shown unmasked or unescaped by mistake.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(String);

impl Text {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came: to be compared, or to become a part of another [`Text`].
    pub fn raw(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How much of a key is shown, which can be as long as what it stands in.
pub(crate) const MAX_KEY_CHARS: usize = 64;

/// What is wrong where an object has a key a second time.
pub(crate) fn describe_duplicate(key: &str) -> String {
    let shown: String = key.chars().take(MAX_KEY_CHARS).collect();
    let cut = if shown.len() < key.len() { " (and so on)" } else { "" };
    format!("duplicate key {shown:?}{cut}")
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// How the texts of one report are shown: the same account has the same mask in
/// all of them, and the account that is rendered first has the number 1.
#[derive(Debug)]
pub struct Rendering {
    masks: Option<Masks>,
}

impl Rendering {
    /// `masks` says whether account ids, organizations, sessions and users are masked.
    pub fn new(masks: bool) -> Self {
        Self { masks: masks.then(Masks::default) }
    }

    /// The text, fit to be shown.
    pub fn text(&mut self, text: &Text) -> String {
        match &mut self.masks {
            // First, since a cut or an escape within an account id would hide it.
            Some(masks) => sanitize(masks.apply(&text.0)),
            None => sanitize(text.0.clone()),
        }
    }

    /// The same of a text that need not be there.
    pub fn optional(&mut self, text: Option<&Text>) -> Option<String> {
        text.map(|text| self.text(text))
    }

    /// The id of a request, which identifies no account and no person, and is never masked.
    pub fn request_id(&self, id: &Text) -> String {
        sanitize(id.0.clone())
    }
}

/// The longest text that is shown, in bytes. AWS's own are shorter; and a
/// response of more than six megabytes, or a log line of more than 256 KiB, is
/// one that Lambda or CloudWatch Logs refuses (Lambda quotas, CloudWatch Logs quotas).
pub const MAX_TEXT_BYTES: usize = 8 * 1024;

/// Cuts a text that is too long, and writes control characters out, so that no text
/// from outside can end a log line, move a cursor or turn the direction of writing.
fn sanitize(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        let end = (0..=MAX_TEXT_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        let cut = text.len() - end;
        text.truncate(end);
        text.extend(["… [", &cut.to_string(), " bytes more]"]);
    }
    // Nearly every text is of printable ASCII alone.
    if text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) || !text.chars().any(is_control) {
        return text;
    }
    text.chars().map(|c| if is_control(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Control characters, line and paragraph separators, what changes the direction of writing (Unicode Standard
/// Annex #9, "Directional Formatting Characters"), and what is invisible: joiners, marks of the byte order, tags.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Masks account ids, ids of organizations, and the names of sessions, users
/// and their ids, the same way in all texts, so that what belongs together
/// still shows. Each mask has the number of what it stands for.
#[derive(Debug, Default)]
struct Masks {
    accounts: BTreeMap<String, usize>,
    organizations: BTreeMap<String, usize>,
}

/// The text with everything masked, as if it were the first of a report.
pub fn mask(text: &str) -> String {
    Masks::default().apply(text)
}

impl Masks {
    fn apply(&mut self, text: &str) -> String {
        let masked = mask_organizations(&mask_accounts(text, &mut self.accounts), &mut self.organizations);
        let masked = mask_sessions(&mask_sessions(&masked, ":assumed-role/", 1), ":federated-user/", 0);
        mask_unique_ids(&mask_users(&masked))
    }
}

/// Twelve digits that stand alone are an account id, also behind a character
/// that a URL or JSON writes with digits; the last part of a UUID is not.
fn mask_accounts(text: &str, accounts: &mut BTreeMap<String, usize>) -> String {
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
            masked.push_str(&mask_numbered("ACCOUNT", number, accounts));
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
    let parts: Vec<&str> = text.rsplitn(5, '-').collect();
    let ["", fourth, third, second, first] = parts[..] else { return false };
    let hex = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
    [second, third, fourth].iter().all(|part| part.len() == 4 && hex(part.as_bytes()))
        && first.as_bytes().last_chunk::<8>().is_some_and(|end| hex(end))
}

/// `o-` and ten to thirty-two letters and digits (AWS Organizations API Reference, `Organization`), and the ids
/// of its root and its units, which begin with `r-` and `ou-`.
fn mask_organizations(text: &str, known: &mut BTreeMap<String, usize>) -> String {
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
            masked.push_str(&mask_numbered("ORGANIZATION", id, known));
        } else {
            masked.push_str(id);
        }
        rest = &rest[end..];
    }
    masked + rest
}

fn mask_numbered(kind: &str, text: &str, known: &mut BTreeMap<String, usize>) -> String {
    let next = known.len() + 1;
    format!("{kind}-{}", known.entry(text.to_owned()).or_insert(next))
}

/// The name of a user, behind its path.
fn mask_users(text: &str) -> String {
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
fn mask_unique_ids(text: &str) -> String {
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
fn mask_sessions(text: &str, kind: &str, parts: usize) -> String {
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

    fn render(rendering: &mut Rendering, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| rendering.text(&Text::new(text.as_str()))).collect()
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        let texts = [
            "a\r\n\u{1b}[31mred\u{9b}\u{7f}\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}b".to_owned(),
            "é “ok”".to_owned(),
        ];
        let texts = render(&mut Rendering::new(false), &texts);
        assert_eq!(texts, [r"a\r\n\u{1b}[31mred\u{9b}\u{7f}\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}b", "é “ok”"]);
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let texts = ["é".repeat(MAX_TEXT_BYTES), "x".repeat(MAX_TEXT_BYTES)];
        let texts = render(&mut Rendering::new(false), &texts);
        assert_eq!(texts[0], format!("{}… [{MAX_TEXT_BYTES} bytes more]", "é".repeat(MAX_TEXT_BYTES / 2)));
        assert_eq!(texts[1].len(), MAX_TEXT_BYTES);
        assert_eq!(render(&mut Rendering::new(false), &["x".repeat(8192)])[0].len(), 8192);
    }

    #[test]
    fn masks_accounts_and_sessions_consistently() {
        let texts = [
            "User: arn:aws:sts::123456789012:assumed-role/role/me@example.com is not authorized".to_owned(),
            "arn:aws:iam::210987654321:role/r in 123456789012".to_owned(),
            "arn:aws:sts::123456789012:federated-user/me".to_owned(),
            "2026 1234567890123 é 12345678901 :assumed-role/no-session".to_owned(),
            r"100%123456789012 %C3%A9123456789012 %C2%A0123456789012 \u0001123456789012 \u00e9123456789012".to_owned(),
        ];
        let texts = render(&mut Rendering::new(true), &texts);
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
        let texts = [
            "s3://bucket/account%20123456789012%3A123456789012/x".to_owned(),
            "arn:aws:iam::123456789012:user/dev/me and AROAEXAMPLEEXAMPLE12:me@example.com or AIDAEXAMPLEEXAMPLE12"
                .to_owned(),
            "o-a1b2c3d4e5 ou-ab12-cd34ef56 o-short our-o-a1b2c3d4e5x policy/o-a1b2c3d4e5/p-a1b2c3d4".to_owned(),
            format!("RequestId: {uuid}, authorization id: {uuid}"),
            "x-41e0-b836-210987654321".to_owned(),
        ];
        let texts = render(&mut Rendering::new(true), &texts);
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

    #[test]
    fn an_account_id_is_masked_before_its_text_is_cut() {
        let text = format!("{}123456789012", "x".repeat(MAX_TEXT_BYTES - 6));
        let shown = Rendering::new(true).text(&Text::new(text));
        assert!(!shown.contains("123456") && shown.contains("ACCOU"), "{shown}");
    }

    #[test]
    fn the_id_of_a_request_is_escaped_and_not_masked() {
        assert_eq!(Rendering::new(true).request_id(&Text::new("1-123456789012\n")), r"1-123456789012\n");
    }

    #[test]
    fn only_the_end_of_a_uuid_is_no_account() {
        for uuid in ["986a261e-eb64-41e0-b836-", "x986a261e-eb64-41e0-b836-", "a-b-986a261e-eb64-41e0-b836-"] {
            assert_eq!(mask(&format!("{uuid}123456789012")), format!("{uuid}123456789012"));
        }
        for other in [
            "x-",
            "ab-cd-ef-gh-",
            "986a261e-eb64-41e0-b836-x",
            "986a261e-eb64-41e0-b83-",
            "986a261e-eb64-41e0-b83x-",
            "86a261e-eb64-41e0-b836-",
            "xyzxyzxy-eb64-41e0-b836-",
            "é6a261e-eb64-41e0-b836-",
            "é86a261e-eb64-41e0-b836-",
        ] {
            assert_eq!(mask(&format!("{other}123456789012")), format!("{other}ACCOUNT-1"));
        }
    }

    #[test]
    fn an_id_of_an_organization_or_a_unit_has_the_form_that_aws_gives_it() {
        let (longest, too_long) = ("a".repeat(32), "a".repeat(33));
        for id in ["o-a1b2c3d4e5", &format!("o-{longest}"), "ou-ab12-cd34ef56", "ou-a1b2-c3d4e5f6g7h8"] {
            assert_eq!(mask(id), "ORGANIZATION-1", "{id}");
        }
        for other in [
            "o-a1b2c3d4e",
            "o-A1B2C3D4E5",
            "o-a1b2c3d4e5-x",
            &format!("o-{too_long}"),
            "ou-ab12-cd34",
            "ou-AB12-CD34EF56",
            "ou-ab12cd34ef567",
            "r-a1b2c3d4e5",
            "p-a1b2c3d4e5",
        ] {
            assert_eq!(mask(other), other);
        }
    }

    #[test]
    fn a_text_is_what_it_was_made_of() {
        assert!(Text::default().is_empty() && !Text::from("x").is_empty());
        assert_eq!((Text::new("a").raw(), Text::from("b".to_owned()).raw()), ("a", "b"));
        let mut rendering = Rendering::new(true);
        assert_eq!(rendering.optional(None), None);
        assert_eq!(rendering.optional(Some(&Text::from("123456789012"))).as_deref(), Some("ACCOUNT-1"));
    }
}
