//! Sentences with gaps, and what stands in the gaps of one.
//!
//! A pattern is a sentence as AWS writes it, in lower case, with single spaces, and with names of parts in braces:
//! `could not assume role {role}. please ensure that the role exists`. `{}` is a gap whose text is of no interest.

use crate::iam::catalogue;

/// How much of a text one gap may take: no name, and no sentence between two parts, is longer.
const MAX_GAP_BYTES: usize = 1_500;

/// How many words of a text are looked up in AWS's list of actions, which is long.
const MAX_LOOKED_UP: usize = 60;

/// A text, and the same in lower case and with single spaces, in which patterns are looked for.
#[derive(Debug)]
pub struct Searched<'a> {
    text: &'a str,
    /// In lower case, each run of white space as one space.
    plain: String,
    /// Where in the text each byte of `plain` stands.
    places: Vec<usize>,
}

/// A part of a text that a gap has taken.
pub type Parts<'a> = Vec<(&'static str, &'a str)>;

impl<'a> Searched<'a> {
    pub fn new(text: &'a str) -> Self {
        let (mut plain, mut places) = (String::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
        for (at, c) in text.char_indices() {
            let c = if c.is_whitespace() { ' ' } else { c.to_ascii_lowercase() };
            if c == ' ' && plain.ends_with(' ') {
                continue;
            }
            // Typographic quotes are those of who pasted it.
            let c = match c {
                '‘' | '’' => '\'',
                '“' | '”' => '"',
                c => c,
            };
            plain.push(c);
            places.resize(plain.len(), at);
        }
        places.push(text.len());
        Self { text, plain, places }
    }

    /// In lower case, with single spaces.
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// As it is.
    pub fn text(&self) -> &'a str {
        self.text
    }

    pub fn has(&self, words: &str) -> bool {
        self.plain.contains(words)
    }

    /// The ARN of a role that the text has, where it has no other.
    pub fn only_role(&self) -> Option<&'a str> {
        let mut roles: Vec<&str> = Vec::new();
        for (at, _) in self.text.match_indices("arn:aws") {
            let arn = &self.text[at..];
            let end = arn.find(|c: char| c.is_whitespace() || "\"'`),;]}".contains(c)).unwrap_or(arn.len());
            let arn = trim(&arn[..end]);
            if arn.contains(":iam::") && arn.contains(":role/") && !roles.contains(&arn) {
                roles.push(arn);
            }
            if roles.len() > 1 {
                return None;
            }
        }
        match roles[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The word before a phrase, where it can be a name.
    pub fn word_before(&self, phrase: &str) -> Option<&'a str> {
        let at = self.plain.find(phrase)?;
        let before = self.text[..self.places[at]].trim_end();
        let word = trim(before.rsplit(|c: char| c.is_whitespace() || c == '(').next()?);
        let is_name = word.starts_with(|c: char| c.is_alphanumeric() || c == '<') && word.len() > 2;
        let is_noun =
            ["user", "principal", "role", "caller", "client", "account", "resource", "service", "error", "it", "that"];
        (is_name && !is_noun.iter().any(|noun| noun.eq_ignore_ascii_case(word))).then_some(word)
    }

    /// The actions of AWS that the text names, each once.
    pub fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = Vec::new();
        let words = self.text.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '-'));
        let is_one = |word: &&str| {
            word.split_once(':').is_some_and(|(service, name)| {
                !service.is_empty() && name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains(':')
            })
        };
        for word in words.filter(is_one).take(MAX_LOOKED_UP) {
            if let Some(action) = catalogue::find(word)
                && !actions.contains(&action.name)
            {
                actions.push(action.name);
            }
        }
        actions
    }

    /// The S3 URI that the text has, where it has no other.
    pub fn only_s3_uri(&self) -> Option<String> {
        let mut uris: Vec<&str> = Vec::new();
        for scheme in ["s3://", "s3a://", "s3n://"] {
            for (at, _) in self.text.match_indices(scheme) {
                let uri = &self.text[at..];
                let end = uri.find(|c: char| c.is_whitespace() || "\"'<>`),".contains(c)).unwrap_or(uri.len());
                let uri = trim(&uri[..end]);
                if uri.len() > scheme.len() && !uris.contains(&uri) {
                    uris.push(uri);
                }
                if uris.len() > 1 {
                    return None;
                }
            }
        }
        match uris[..] {
            [one] => Some(one.to_owned()),
            _ => None,
        }
    }

    /// The first place where a pattern fits, and what stands in its gaps.
    pub fn find(&self, pattern: &'static str) -> Option<Parts<'a>> {
        let pieces = pieces(pattern);
        let (first, gap) = pieces.first()?;
        if let (true, Some(name)) = (first.is_empty(), gap) {
            // What stands before the sentence is its name up to the space before it.
            let (next, _) = pieces.get(1)?;
            let at = self.plain.find(next)?;
            let start = self.plain[..at].rfind(' ').map_or(0, |space| space + 1);
            let mut parts = vec![(*name, trim(&self.text[self.places[start]..self.places[at]]))];
            parts.extend(self.fit(&pieces[1..], at)?);
            return Some(parts);
        }
        let mut from = 0;
        // Each start is tried, for the rest can be missing behind the first.
        while let Some(at) = self.plain[from..].find(first) {
            if let Some(parts) = self.fit(&pieces, from + at) {
                return Some(parts);
            }
            from += at + first.len().max(1);
            from = (from..=self.plain.len()).find(|at| self.plain.is_char_boundary(*at))?;
        }
        None
    }

    fn fit(&self, pieces: &[(&'static str, Option<&'static str>)], start: usize) -> Option<Parts<'a>> {
        let (mut parts, mut at) = (Vec::new(), start);
        for (index, (literal, gap)) in pieces.iter().enumerate() {
            at += literal.len();
            let Some(name) = gap else { break };
            let next = pieces.get(index + 1).map_or("", |(literal, _)| *literal);
            let mut end = at.saturating_add(MAX_GAP_BYTES).min(self.plain.len());
            while !self.plain.is_char_boundary(end) {
                end -= 1;
            }
            let within = &self.plain[at..end];
            let length = if next.is_empty() {
                // The last gap takes a word.
                within.find(' ').unwrap_or(within.len())
            } else {
                // What follows may itself reach beyond the longest gap.
                let mut beyond = end.saturating_add(next.len()).min(self.plain.len());
                while !self.plain.is_char_boundary(beyond) {
                    beyond -= 1;
                }
                self.plain[at..beyond].find(next)?
            };
            if !name.is_empty() {
                parts.push((*name, trim(&self.text[self.places[at]..self.places[at + length]])));
            }
            at += length;
        }
        Some(parts)
    }
}

/// A name without the quotes and the punctuation around it.
pub fn trim(text: &str) -> &str {
    let marks = |c: char| c.is_whitespace() || "\"'`“”‘’.,;:\\".contains(c);
    let mut name = text;
    loop {
        let mut next = name.trim_start_matches(marks).trim_end_matches(marks);
        // A bracket belongs to the name where the name has the other one.
        for (open, close) in [('(', ')'), ('[', ']'), ('<', '>'), ('{', '}')] {
            let inner = next.strip_prefix(open).filter(|inner| !inner.contains(close));
            next = inner.unwrap_or(next);
            let inner = next.strip_suffix(close).filter(|inner| !inner.contains(open));
            next = inner.unwrap_or(next);
            let inside = next.strip_prefix(open).and_then(|inner| inner.strip_suffix(close));
            next = inside.filter(|inner| open != '<' && !inner.contains([open, close])).unwrap_or(next);
        }
        // Bold, of Markdown.
        next = next.strip_suffix("`**").unwrap_or(next);
        next = next.strip_prefix("**").map_or(next, |inner| inner.strip_suffix("**").unwrap_or(inner));
        if next.len() == name.len() {
            return name;
        }
        name = next;
    }
}

/// The literals of a pattern, each with the name of the gap behind it.
fn pieces(pattern: &'static str) -> Vec<(&'static str, Option<&'static str>)> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((literal, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        pieces.push((literal, Some(name)));
        rest = after;
    }
    pieces.push((rest, None));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_takes_what_stands_up_to_the_next_words() {
        let searched =
            Searched::new("Error: Could not  assume role\n \"arn:aws:iam::1:role/R\". Please ensure that it exists");
        assert_eq!(
            searched.find("could not assume role {role} please ensure"),
            Some(vec![("role", "arn:aws:iam::1:role/R")])
        );
        assert_eq!(searched.find("could not assume role {} please{more}"), Some(vec![("more", "")]));
        assert_eq!(searched.find("could not assume role {role} please run"), None);
    }

    #[test]
    fn another_start_is_tried_where_the_rest_is_missing_behind_the_first() {
        let searched = Searched::new("role a has none. Role b cannot pull c");
        assert_eq!(searched.find("role {role} cannot pull {image}").unwrap()[1], ("image", "c"));
        assert_eq!(Searched::new("é é").find("é{}é"), Some(Vec::new()));
        assert_eq!(Searched::new("").find("x"), None);
    }

    #[test]
    fn a_gap_is_bounded() {
        let far = format!("role {} cannot pull x", "y".repeat(MAX_GAP_BYTES + 50));
        assert_eq!(Searched::new(&far).find("role {role} cannot pull {image}"), None);
    }

    #[test]
    fn quotes_and_stops_are_no_part_of_a_name() {
        for (text, name) in [("\"a.b\".", "a.b"), ("'a'", "a"), ("arn:x:y/*\"", "arn:x:y/*"), ("`a`,", "a")] {
            assert_eq!(trim(text), name);
        }
    }
}
