//! A pasted text without what terminals, pages, quotations and encodings have put into it.

use std::borrow::Cow;

use crate::explain::pattern::Searched;

/// The entities of HTML that stand for what error messages have in them.
const ENTITIES: &[(&str, &str)] = &[
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&#x22;", "\""),
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&#x27;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&#x2F;", "/"),
    ("&nbsp;", " "),
    ("&#xA;", "\n"),
    ("&#10;", "\n"),
    ("&amp;", "&"),
];

/// Takes away colors, boxes, marks of quotations, and encodings.
pub fn clean(text: &str) -> String {
    let text = decode_percent(text);
    let mut text = without_boxes(&without_colors(&text));
    // Characters of web pages that have no width.
    text.retain(|c| !"\u{200b}\u{200c}\u{200d}\u{feff}\u{ad}".contains(c));
    text = text.replace("isn't authorized", "is not authorized").replace("isn’t authorized", "is not authorized");
    if text.contains('&') {
        for (entity, stands_for) in ENTITIES {
            text = text.replace(entity, stands_for);
        }
    }
    text = without_markup(&text);
    text = without_breaks_in_strings(&without_log_prefixes(&text));
    text = without_breaks_at_hyphens(&text);
    // What is encoded twice, such as JSON in JSON, is decoded twice.
    for _ in 0..2 {
        text = decode_escapes(&text);
    }
    text
}

/// A message as a URL has it: it has no spaces.
fn decode_percent(text: &str) -> Cow<'_, str> {
    let is_encoded = ["not%20authorized", "not+authorized", "access%20denied"].iter().any(|words| {
        let length = words.len();
        text.as_bytes().windows(length).any(|window| window.eq_ignore_ascii_case(words.as_bytes()))
    });
    if !is_encoded {
        return Cow::Borrowed(text);
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, after) {
            (b'%', [high, low, behind @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                bytes.push(hex(high).unwrap_or_default() * 16 + hex(low).unwrap_or_default());
                rest = behind;
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Takes out the sequences by which a terminal is told colors (ECMA-48, "CSI").
fn without_colors(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..at]);
        let sequence = &rest[at + 2..];
        let end = sequence.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)).map_or(sequence.len(), |end| end + 1);
        rest = &sequence[end..];
    }
    plain + rest
}

/// Takes what boxes and quotations put at the start and the end of lines.
fn without_boxes(text: &str) -> String {
    let is_box = |c: char| ('\u{2500}'..='\u{257f}').contains(&c);
    let mut lines = Vec::new();
    for line in text.lines() {
        let start = line.trim_start();
        let inner = start.trim_start_matches(|c: char| is_box(c) || c == '>' || c == '|');
        // Only where it stands alone, or a resource such as `>x` would lose its start.
        let is_mark = inner.len() < start.len() && (inner.is_empty() || inner.starts_with(' '));
        let line = if is_mark { inner.trim_start() } else { line };
        lines.push(line.trim_end_matches(is_box));
    }
    lines.join("\n")
}

/// The shortest start of lines that is taken for what a log puts there.
const MIN_PREFIX: usize = 10;

/// Takes away what a log puts at the start of each line: the same in all, but for digits.
fn without_log_prefixes(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.len() < 2 {
        return text.to_owned();
    }
    let same = |a: &str, b: &str| {
        let alike = |(a, b): &(char, char)| a == b || a.is_ascii_digit() && b.is_ascii_digit();
        a.chars().zip(b.chars()).take_while(alike).count()
    };
    let common = lines.windows(2).map(|pair| same(pair[0], pair[1])).min().unwrap_or_default();
    // The prefix ends where a word does.
    let prefix: String = lines[0].chars().take(common).collect();
    let Some(end) = prefix.rfind(' ').map(|at| prefix[..=at].chars().count()) else { return text.to_owned() };
    let has_time =
        prefix.as_bytes().windows(5).any(|it| it[2] == b':' && [0, 1, 3, 4].iter().all(|at| it[*at].is_ascii_digit()));
    if end < MIN_PREFIX || !has_time && !prefix.contains(" | ") {
        return text.to_owned();
    }
    let cut = |line: &str| line.chars().skip(end).collect::<String>();
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

/// Takes away what makes words bold or code, of Markdown and HTML.
fn without_markup(text: &str) -> String {
    let mut plain = text.to_owned();
    for tag in ["b", "strong", "code", "em", "i", "span", "p"] {
        for (open, close) in [("<", ">"), ("</", ">")] {
            plain = plain.replace(&format!("{open}{tag}{close}"), "");
        }
    }
    for tag in ["<br>", "<br/>", "<br />", "<li>", "</li>", "<div>", "</div>", "<td>", "</td>", "</h1>", "</ul>"] {
        plain = plain.replace(tag, "\n");
    }
    // In an ARN, two stars are wildcards or what was cut out.
    let (mut kept, mut rest) = (String::with_capacity(plain.len()), plain.as_str());
    while let Some(at) = rest.find("**") {
        let before = rest[..at].chars().last().or_else(|| kept.chars().last());
        kept.push_str(&rest[..at]);
        let is_over = rest[at + 2..].starts_with(char::is_whitespace);
        let is_of_name = before.is_some_and(|c| ":/*".contains(c)) && !is_over || rest[at + 2..].starts_with('*');
        if is_of_name {
            kept.push_str("**");
        }
        rest = &rest[at + 2..];
    }
    kept + rest
}

/// Joins what was broken at a hyphen, and writes each kind of hyphen as the plain one.
fn without_breaks_at_hyphens(text: &str) -> String {
    let text = text.replace(['\u{2010}', '\u{2011}', '\u{2013}'], "-");
    let (mut joined, mut rest) = (String::with_capacity(text.len()), text.as_str());
    while let Some(at) = rest.find("-\n") {
        let next = rest[at + 2..].trim_start_matches([' ', '\t']);
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase());
        joined.push_str(&rest[..=at]);
        if is_word(rest[..at].chars().last()) && is_word(next.chars().next()) {
            rest = next;
        } else {
            joined.push('\n');
            rest = &rest[at + 2..];
        }
    }
    joined + rest
}

/// IAM's sentence for what its console shows in fields: `User:`, `Action:`, `On resource(s):`, `Context:`.
pub fn sentence_of_console(searched: &Searched<'_>) -> Option<String> {
    if !["context: no ", "context: a ", "context: an "].iter().any(|words| searched.has(words)) {
        return None;
    }
    let of = |pattern: &'static str| searched.find(pattern).and_then(|parts| Some(parts.first()?.1.to_owned()));
    let principal = of("user: {principal}")?;
    let named = of("action: {action}")?;
    let action = if named.contains(':') { named } else { format!("{}:{named}", of("service: {service}")?) };
    let resource = of("resource(s): {resource}").or_else(|| of("resource: {resource}"));
    let on = resource.map(|resource| format!(" on resource: {resource}")).unwrap_or_default();
    let denies = of("context: an {policy} explicitly denies").or_else(|| of("context: a {policy} explicitly denies"));
    let allows = of("context: no {policy} allows");
    let why = match (denies, allows) {
        (Some(policy), _) => format!(" with an explicit deny in a {policy}"),
        (None, Some(policy)) => format!(" because no {policy} allows the {action} action"),
        (None, None) => String::new(),
    };
    Some(format!("User: {principal} is not authorized to perform: {action}{on}{why}"))
}

/// Joins a string that was printed in pieces, each in quotes of its own and on a line of its own, as Python does.
fn without_breaks_in_strings(text: &str) -> String {
    let (mut joined, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("'\n") {
        joined.push_str(&rest[..at]);
        let next = rest[at + 2..].trim_start();
        if let Some(piece) = next.strip_prefix('\'') {
            rest = piece;
        } else {
            joined.push_str("'\n");
            rest = &rest[at + 2..];
        }
    }
    joined + rest
}

/// Writes the escapes of JSON, and of the like, as what they stand for.
fn decode_escapes(text: &str) -> String {
    let (mut decoded, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\\') {
        decoded.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (c, length) = match escape.chars().next() {
            Some('n' | 'r') => (Some('\n'), 1),
            Some('t') => (Some(' '), 1),
            Some(c @ ('"' | '\'' | '/')) => (Some(c), 1),
            Some('u') => {
                let code = escape.get(1..5).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                (code.and_then(char::from_u32), 5)
            }
            // A backslash that stands for itself may be the escape of another level.
            Some('\\') => (Some('\\'), 1),
            _ => (None, 0),
        };
        if let Some(c) = c {
            decoded.push(c);
            rest = &escape[length..];
        } else {
            decoded.push('\\');
            rest = escape;
        }
    }
    decoded + rest
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn what_a_paste_puts_around_a_text_is_taken_away() {
        for (pasted, text) in [
            ("│ Error: a\n│   b\n╵", "Error: a\nb\n"),
            ("> > a\n> b", "> a\nb"),
            ("\u{1b}[31mError\u{1b}[0m: a", "Error: a"),
            (r#"{\"Message\":\"a\\nb\"}"#, "{\"Message\":\"a\nb\"}"),
            ("on &quot;x&quot; &amp;#39;", "on \"x\" &#39;"),
            ("is+not%20authorized%3A", "is not authorized:"),
            (r"a\u0022b\u00e9 \x C:\", "a\"bé \\x C:\\"),
            ("100%25 of it", "100%25 of it"),
        ] {
            assert_eq!(clean(pasted), text, "{pasted}");
        }
    }
}
