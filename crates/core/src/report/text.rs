//! The report as text for people: in a terminal, as `text/plain`, in a message.
//!
//! The headline comes first, then what is wrong, then what is as specified, and what to do comes last, where the
//! cursor of a terminal is.

use crate::finding::Conformity;
use crate::judge::Verdict;
use crate::report::json::{Advice, Report, Row};
use crate::report::sentence::{describe_details, details_link};

/// How a text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many columns a line may have. What is there to be copied, such as a command, is never broken.
    pub width: usize,
    /// Whether marks and headings have colors, by the codes of ECMA-48.
    pub color: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { width: 100, color: false }
    }
}

/// A color of the terminal's own.
#[derive(Clone, Copy)]
enum Color {
    Red,
    Green,
    Yellow,
    Bold,
}

impl Color {
    const fn code(self) -> &'static str {
        match self {
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Bold => "1",
        }
    }
}

/// The sign of a row: it never stands without the word beside it.
pub const fn mark(row: &Row) -> &'static str {
    match row.conformity {
        Conformity::AsSpecified => "✓",
        Conformity::Missing | Conformity::Excess => "✗",
        Conformity::Flawed(_) | Conformity::Unknown(_) => "?",
    }
}

/// The sign of a whole report.
pub const fn mark_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "✓",
        Verdict::Denied | Verdict::Excess => "✗",
        Verdict::Inconclusive => "?",
    }
}

const fn color_of(mark: &str) -> Color {
    match mark.as_bytes() {
        [b'?'] => Color::Yellow,
        // The two others have three bytes each, of which the last differs.
        [.., last] if *last == "✓".as_bytes()[2] => Color::Green,
        _ => Color::Red,
    }
}

/// Lays a report out as text. Each line ends with a line feed.
pub fn render(report: &Report, layout: Layout) -> String {
    let mut text = Writer::new(layout);
    let mark = mark_of(report.verdict);
    let verdict = text.paint(&format!("{mark} {}", report.verdict.name()), color_of(mark));
    text.line(&verdict);
    text.paragraph(0, &report.outcome);
    let wrong = report.wrong();
    // Where nothing was tried, no row says more than that.
    if !wrong.is_empty() && report.is_tried {
        text.heading("Not as specified");
        for row in wrong {
            text.wrong(row);
        }
    }
    let clean: Vec<&Row> = report.rows.iter().filter(|row| row.is_as_specified()).collect();
    if !clean.is_empty() {
        text.heading("As specified");
        text.as_specified(report, &clean);
    }
    text.not_covered(report);
    text.about(report);
    text.list("Advisories", &report.advisories);
    text.list("What to do", &report.advice);
    text.text
}

/// A text that is being laid out.
pub(crate) struct Writer {
    pub(crate) text: String,
    layout: Layout,
}

impl Writer {
    pub(crate) const fn new(layout: Layout) -> Self {
        Self { text: String::new(), layout }
    }

    fn not_covered(&mut self, report: &Report) {
        if report.not_covered.is_empty() {
            return;
        }
        self.heading("Not covered");
        for left_out in &report.not_covered {
            let count = if left_out.count > 1 { format!(" ({} actions)", left_out.count) } else { String::new() };
            self.paragraph(2, &format!("{} on {}{count}: {}.", left_out.action, left_out.resource, left_out.reason));
        }
    }

    fn paint(&self, text: &str, color: Color) -> String {
        if self.layout.color { format!("\u{1b}[{}m{text}\u{1b}[0m", color.code()) } else { text.to_owned() }
    }

    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        let heading = self.paint(heading, Color::Bold);
        self.line("");
        self.line(&heading);
    }

    /// Words on as many lines as they need. The first begins with `start`, which takes so many `columns`, and the others
    /// are indented.
    pub(crate) fn wrap(&mut self, start: &str, columns: usize, words: &str, indent: usize) {
        let (mut line, mut used, mut is_empty) = (start.to_owned(), columns, true);
        for word in words.split_whitespace() {
            let length = word.chars().count();
            let space = usize::from(!is_empty);
            if used > indent && used + space + length > self.layout.width {
                self.line(&line);
                (line, used) = (" ".repeat(indent), indent);
            } else if !is_empty {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
            is_empty = false;
        }
        self.line(&line);
    }

    pub(crate) fn paragraph(&mut self, indent: usize, words: &str) {
        self.wrap(&" ".repeat(indent), indent, words, indent);
    }

    /// A row in full: a line of what and on what, and the reason below.
    fn wrong(&mut self, row: &Row) {
        let mark = mark(row);
        let word = format!("{mark} {}", row.verdict.name());
        let columns = word.chars().count() + 4;
        let word = self.paint(&word, color_of(mark));
        let resource = row.resource.as_deref().unwrap_or_default();
        self.wrap(&format!("  {word}  "), columns, &format!("{} {resource}", row.action), 6);
        for sentence in describe_details(row) {
            self.paragraph(6, &sentence);
        }
        if let Some(message) = &row.message {
            let code = row.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
            self.paragraph(6, &format!("AWS: {code}{message}"));
        }
        if let Some(link) = details_link(row) {
            self.paragraph(6, &format!("AWS explains it: {link}"));
        }
    }

    /// A table of rows: mark, verdict, action, grade, resource.
    fn as_specified(&mut self, report: &Report, rows: &[&Row]) {
        let longest = |of: fn(&Row) -> usize| rows.iter().map(|row| of(row)).max().unwrap_or_default();
        let verdict = longest(|row| row.verdict.name().len());
        let action = longest(|row| row.action.chars().count());
        let grade = longest(|row| grade_of(row).len());
        let resource =
            |row: &'_ Row| row.resource.as_deref().map_or("", |resource| report.shorten(resource)).to_owned();
        let widest = rows.iter().map(|row| resource(row).chars().count()).max().unwrap_or_default();
        let columns = 4 + verdict + 2 + action + 2 + grade;
        for row in rows {
            let mark = self.paint(mark(row), Color::Green);
            let (name, resource) = (row.verdict.name(), resource(row));
            let known = format!("{name:verdict$}  {:action$}  {:grade$}", row.action, grade_of(row));
            if columns + 2 + widest <= self.layout.width {
                self.line(&format!("  {mark} {known}  {resource}"));
            } else if columns <= self.layout.width {
                self.line(&format!("  {mark} {known}"));
                self.paragraph(6, &resource);
            } else {
                self.wrap(&format!("  {mark} {name}  "), name.len() + 6, &format!("{} {resource}", row.action), 6);
                self.paragraph(6, grade_of(row));
            }
            if let Some(note) = row.note.as_ref().filter(|_| row.is_noteworthy) {
                self.paragraph(6, note);
            }
        }
    }

    /// Who was checked, where and when.
    fn about(&mut self, report: &Report) {
        let principal = report.principal.as_ref();
        let who = principal.map(|principal| match &principal.role {
            Some(role) => format!("Role {role} in account {}", principal.account),
            None => format!("Principal {}", principal.arn),
        });
        let region = report.region.as_ref().map(|region| format!("Region {region}"));
        let took = report.is_tried.then(|| format!("{} ms", report.duration_ms));
        let id = (!report.request_id.is_empty()).then(|| format!("request id {}", report.request_id));
        let parts: Vec<_> = [who, region, took, id].into_iter().flatten().collect();
        if !parts.is_empty() {
            self.line("");
            self.paragraph(0, &format!("{}.", parts.join(", ")));
        }
    }

    /// Advice or advisories, numbered where there are several.
    pub(crate) fn list(&mut self, heading: &str, list: &[Advice]) {
        if list.is_empty() {
            return;
        }
        self.heading(heading);
        for (index, advice) in list.iter().enumerate() {
            let number = if list.len() == 1 { String::new() } else { format!("{}. ", index + 1) };
            let start = format!("  {number}");
            let columns = start.len();
            if index > 0 {
                self.line("");
            }
            self.wrap(&start, columns, &advice.text, columns);
            for policy in advice.policy.iter().chain(&advice.trust_policy) {
                self.block(&policy.to_pretty_json());
            }
            if let Some(command) = &advice.command {
                if advice.policy.is_some() || advice.trust_policy.is_some() {
                    self.line("");
                    self.paragraph(columns, "With the AWS CLI:");
                }
                self.block(command);
            }
        }
    }

    /// Something to copy: from the first column, and never broken.
    fn block(&mut self, block: &str) {
        self.line("");
        for line in block.lines() {
            self.line(line);
        }
    }
}

fn grade_of(row: &Row) -> &'static str {
    row.proof.as_ref().map_or("", |proof| proof.grade.name())
}
