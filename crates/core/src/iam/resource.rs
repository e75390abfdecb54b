//! The `Resource` element of a policy: what it matches, and names that fit it.

use crate::iam::wildcard;

/// What stands for a name that a run makes up, until the run has made it.
pub const MADE_UP: &str = "{absent}";

/// Whether an ARN matches a pattern. Unlike the names of actions, ARNs are compared with case (IAM User Guide,
/// "IAM JSON policy elements: Resource").
pub fn matches(pattern: &str, arn: &str) -> bool {
    wildcard::matches_by(pattern, arn, |a, b| a == b)
}

/// Whether a pattern names one thing and no other.
pub fn is_exact(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '$'])
}

/// Whether a pattern takes in everything.
pub fn is_everything(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.bytes().all(|b| b == b'*')
}

/// The parts of an ARN, or of a pattern of ARNs: `arn:partition:service:region:account:resource`. A pattern that
/// ends before its sixth part, such as `arn:aws:s3*`, is as open in the parts that it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

impl<'a> Parts<'a> {
    /// The parts of a text that starts as an ARN does; those of `*` are all open.
    pub fn of(text: &'a str) -> Option<Self> {
        if is_everything(text) {
            return Some(Self { partition: "*", service: "*", region: "*", account: "*", resource: "*" });
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let open = parts.last().is_some_and(|last| last.ends_with('*'));
        let at = |index: usize| match parts.get(index) {
            Some(part) => Some(*part),
            None => open.then_some("*"),
        };
        if *parts.first()? != "arn" || parts.len() < 2 {
            return None;
        }
        Some(Self { partition: at(1)?, service: at(2)?, region: at(3)?, account: at(4)?, resource: at(5)? })
    }
}

/// Which names of a form can have a `/` in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slashes {
    None,
    /// The last one, such as the key of an object.
    Last,
    All,
}

/// Whether one text can fit both a pattern and a form, in which `{…}` stands for a name.
pub fn overlaps(pattern: &str, form: &str, slashes: Slashes) -> bool {
    let form = tokens(form);
    let holes = form.iter().filter(|token| matches!(token, Token::Hole(_))).count();
    let mut units = Vec::new();
    let mut hole = 0;
    for token in form {
        match token {
            Token::Text(text) => units.extend(text.bytes().map(Unit::Byte)),
            Token::Hole(_) => {
                hole += 1;
                let has_path = match slashes {
                    Slashes::None => false,
                    Slashes::Last => hole == holes,
                    Slashes::All => true,
                };
                units.push(Unit::Name { has_path });
            }
        }
    }
    let pattern = pattern.as_bytes();
    // reached[u]: whether the first units and the pattern so far can be one text.
    let mut reached = vec![false; units.len() + 1];
    reached[0] = true;
    let close = |reached: &mut Vec<bool>| {
        for (at, unit) in units.iter().enumerate() {
            if reached[at] && matches!(unit, Unit::Name { .. }) {
                reached[at + 1] = true;
            }
        }
    };
    close(&mut reached);
    for byte in pattern {
        let mut next = vec![false; units.len() + 1];
        for at in 0..=units.len() {
            if !reached[at] {
                continue;
            }
            match (byte, units.get(at)) {
                (b'*', _) => next[at..].fill(true),
                (b'?', Some(Unit::Byte(_))) => next[at + 1] = true,
                (c, Some(Unit::Byte(b))) if c == b => next[at + 1] = true,
                (c, Some(Unit::Name { has_path })) if *c != b'/' || *has_path => next[at] = true,
                _ => {}
            }
        }
        reached = next;
        close(&mut reached);
    }
    reached[units.len()]
}

enum Unit {
    Byte(u8),
    Name { has_path: bool },
}

/// A part of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Text(&'a str),
    Hole(&'a str),
}

fn tokens(form: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = form;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((hole, after)) = behind.split_once('}') else { break };
        if !before.is_empty() {
            tokens.push(Token::Text(before));
        }
        tokens.push(Token::Hole(hole));
        rest = after;
    }
    if !rest.is_empty() {
        tokens.push(Token::Text(rest));
    }
    tokens
}

/// Names for the holes of a form, so that the whole matches a pattern: the pattern's own text where it has some, and
/// [`MADE_UP`] where it leaves the name open. `None` where no such names were found.
pub fn fit<'a>(pattern: &str, form: &'a str) -> Option<Vec<(&'a str, String)>> {
    let with_one = |at: usize| {
        let (before, behind) = (pattern[..at].replace('*', ""), pattern[at + 1..].replace('*', ""));
        format!("{before}*{behind}")
    };
    // One wildcard is what the made-up name stands for, and the others stand for nothing.
    let stars = pattern.match_indices('*').map(|(at, _)| with_one(at));
    let tails: [fn(&str) -> &str; 2] = [|tail| tail.rsplit(['/', ':']).next().unwrap_or_default(), |tail| tail];
    std::iter::once(pattern.to_owned()).chain(stars).find_map(|variant| {
        tails.iter().find_map(|tail| {
            let names = fit_first(&variant, form, *tail)?;
            let whole = fill(form, |hole| names.iter().find(|(name, _)| *name == hole).map(|(_, name)| name.clone()));
            matches(pattern, &whole).then_some(names)
        })
    })
}

/// The same, with all that is open where the first wildcard of the pattern stands.
fn fit_first<'a>(pattern: &str, form: &'a str, end_of: fn(&str) -> &str) -> Option<Vec<(&'a str, String)>> {
    let (head, tail) = match pattern.find('*') {
        Some(at) => (&pattern[..at], Some(&pattern[at + 1..])),
        None => (pattern, None),
    };
    let tokens = tokens(form);
    let mut names: Vec<(&str, String)> = Vec::new();
    let (mut rest, mut is_open) = (head, false);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Text(_) if is_open => {}
            Token::Text(text) if rest.len() >= text.len() => rest = strip(rest, text)?,
            // The pattern goes on with a wildcard within the text.
            Token::Text(text) => {
                strip(text, rest)?;
                tail?;
                (rest, is_open) = ("", true);
            }
            Token::Hole(hole) if is_open => names.push((hole, MADE_UP.to_owned())),
            Token::Hole(hole) => {
                let ends = match tokens.get(at + 1) {
                    Some(Token::Text(text)) => rest.find(*text),
                    _ => None,
                };
                let taken = ends.unwrap_or(rest.len());
                let (name, behind) = rest.split_at(taken);
                // What the wildcard stands for begins within this name.
                is_open = ends.is_none() && tail.is_some();
                let name = name.replace('?', "0");
                names.push((hole, if is_open { format!("{name}{MADE_UP}") } else { name }));
                rest = behind;
            }
        }
    }
    // What stands behind the last wildcard is how the last name ends.
    if let (Some(tail), Some((_, last))) = (tail, names.last_mut()) {
        let end = end_of(tail.rsplit('*').next().unwrap_or_default());
        if last.ends_with(MADE_UP) && !end.is_empty() {
            last.push_str(&end.replace('?', "0"));
        }
    }
    names.iter().all(|(_, name)| !name.is_empty()).then_some(names)
}

/// What is behind a text at the start of another one, in which `?` stands for any character.
fn strip<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let same = |(a, b): (u8, u8)| a == b || a == b'?' || b == b'?';
    (text.len() >= start.len() && text.is_char_boundary(start.len()) && text.bytes().zip(start.bytes()).all(same))
        .then(|| &text[start.len()..])
}

/// A form with a text in place of each hole; a hole for which there is none stays.
pub fn fill(form: &str, text_of: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(form.len());
    for token in tokens(form) {
        match token {
            Token::Text(text) => filled.push_str(text),
            Token::Hole(hole) => match text_of(hole) {
                Some(text) => filled.push_str(&text),
                None => filled.extend(["{", hole, "}"]),
            },
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_compared_with_case() {
        assert!(
            matches("arn:aws:s3:::b/*", "arn:aws:s3:::b/in/x") && matches("*", "anything") && matches("a?c", "abc")
        );
        assert!(!matches("arn:aws:s3:::B", "arn:aws:s3:::b") && !matches("arn:aws:s3:::b/*", "arn:aws:s3:::b"));
    }

    #[test]
    fn a_short_pattern_is_open_in_the_rest() {
        let parts = Parts::of("arn:aws:dynamodb:us-east-1:*:table/T").unwrap();
        assert_eq!(
            (parts.service, parts.region, parts.account, parts.resource),
            ("dynamodb", "us-east-1", "*", "table/T")
        );
        assert_eq!(Parts::of("arn:aws:s3*").unwrap().resource, "*");
        assert_eq!(Parts::of("*").unwrap().service, "*");
        for text in ["", "arn", "arn:aws:s3", "b/x", "arx:aws:s3:::b"] {
            assert_eq!(Parts::of(text), None, "{text}");
        }
    }

    #[test]
    fn a_pattern_is_of_a_kind_where_one_name_fits_both() {
        for (pattern, form, path, expected) in [
            ("b", "{}", Slashes::None, true),
            ("b/*", "{}", Slashes::None, false),
            ("b*", "{}/{}", Slashes::Last, true),
            ("b/in/*", "{}/{}", Slashes::Last, true),
            ("b", "{}/{}", Slashes::Last, false),
            ("table/T/index/*", "table/{}", Slashes::None, false),
            ("table/T*", "table/{}/index/{}", Slashes::None, true),
            ("table/T", "table/{}/index/{}", Slashes::None, false),
            ("*", "endpoint/{}", Slashes::None, true),
            ("endpoint-config/*", "endpoint/{}", Slashes::None, false),
            ("role/service-role/r", "role/{}", Slashes::Last, true),
            ("t?ble/x", "table/{}", Slashes::None, true),
            ("", "{}", Slashes::None, true),
        ] {
            assert_eq!(overlaps(pattern, form, path), expected, "{pattern} {form}");
        }
    }

    #[test]
    fn a_name_is_made_from_the_pattern() {
        let names = |pattern: &str, form: &'static str| {
            fit(pattern, form).map(|names| names.into_iter().map(|(_, name)| name).collect::<Vec<_>>())
        };
        for (pattern, form, expected) in [
            ("endpoint/prod", "endpoint/{name}", Some(vec!["prod"])),
            ("endpoint/*", "endpoint/{name}", Some(vec!["{absent}"])),
            ("*", "endpoint/{name}", Some(vec!["{absent}"])),
            ("endp*", "endpoint/{name}", Some(vec!["{absent}"])),
            ("training-job/p-*", "training-job/{name}", Some(vec!["p-{absent}"])),
            ("training-job/*-train", "training-job/{name}", Some(vec!["{absent}-train"])),
            ("training-job/p-*-v?", "training-job/{name}", Some(vec!["p-{absent}-v0"])),
            ("pipeline/p/execution/*", "pipeline/{p}/execution/{e}", Some(vec!["p", "{absent}"])),
            ("pipeline/*", "pipeline/{p}/execution/{e}", Some(vec!["{absent}", "{absent}"])),
            ("b/in/*/x.csv", "{bucket}/{key}", Some(vec!["b", "in/{absent}/x.csv"])),
            ("table/*-prod-*", "table/{name}", Some(vec!["{absent}-prod-"])),
            ("training-job/a*-churn-*-v?", "training-job/{name}", Some(vec!["a{absent}-churn--v0"])),
            ("b*", "{bucket}/{key}", Some(vec!["b{absent}", "{absent}"])),
            ("b/a.csv", "{bucket}/{key}", Some(vec!["b", "a.csv"])),
            ("endpoint/", "endpoint/{name}", None),
            ("model/*", "endpoint/{name}", None),
            ("endpoint", "endpoint/{name}", None),
        ] {
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            let found = names(pattern, form);
            assert_eq!(found, expected, "{pattern} {form}");
        }
    }
}
