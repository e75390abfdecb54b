//! The report as HTML: a fragment for a CloudWatch dashboard, and a page of its own.
//!
//! It has no script, asks for nothing from elsewhere, and is read with a keyboard: what a CloudWatch custom widget may
//! hold (CloudWatch User Guide, "Custom widgets"). Every text of a report is escaped where it is written.

use std::fmt::{self, Display, Formatter};

use crate::finding::Conformity;
use crate::judge::Verdict;
use crate::report::json::{Advice, Report, Row};
use crate::report::links::is_console;
use crate::report::sentence::{describe_details, details_link};
use crate::report::text::{mark, mark_of};

/// The colors of the page around the fragment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

/// What a fragment shows beside the report.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub theme: Theme,
    /// When the run was made, for people to read.
    pub checked_at: String,
    /// How old the result is, in seconds, where it is not of this invocation.
    pub age_seconds: Option<u64>,
    /// Since when each row has been as it is, in the order of the rows, where that is known.
    pub since: Vec<Option<String>>,
    pub check_now: Option<CheckNow>,
}

/// The button for a new run, in a CloudWatch widget.
#[derive(Clone, Debug)]
pub struct CheckNow {
    /// The ARN of the function.
    pub endpoint: String,
    /// The event that the button sends, as JSON.
    pub parameters: String,
}

/// A report as a fragment of HTML, with one element around it.
pub fn fragment(report: &Report, shown: &Shown) -> String {
    Fragment { report, shown }.to_string()
}

/// A report as a page of its own.
pub fn page(report: &Report, shown: &Shown) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{} {}: permissions-probe</title>\n</head>\n\
         <body>\n<main>\n<h1>permissions-probe</h1>\n{}</main>\n</body>\n</html>\n",
        mark_of(report.verdict),
        report.verdict.name(),
        fragment(report, shown)
    )
}

/// The rules of the fragment. The two themes are those of CloudWatch's dashboards, and each color has a contrast of at
/// least 4.5 to 1 on its background (WCAG 2.2, success criterion 1.4.3).
const STYLE: &str = "\
.permissions-probe{font:14px/1.5 sans-serif;padding:8px;overflow-wrap:anywhere;background:#fff;color:#16191f}\
.permissions-probe.dark{background:#0f1b2a;color:#e9ebed}\
.permissions-probe h2{font-size:18px;margin:0 0 4px}\
.permissions-probe h3{font-size:15px;margin:16px 0 4px}\
.permissions-probe h4{font-size:14px;margin:0}\
.permissions-probe p{margin:0 0 4px}\
.permissions-probe p.action{margin:8px 0}\
.permissions-probe ul,.permissions-probe ol{margin:0;padding-left:20px}\
.permissions-probe ul.rows{list-style:none;padding:0}\
.permissions-probe .row{border-left:3px solid #687078;padding-left:8px;margin-bottom:8px}\
.permissions-probe .denied{color:#b0021a}\
.permissions-probe .allowed{color:#1a6b26}\
.permissions-probe .inconclusive{color:#7a4d00}\
.permissions-probe.dark .denied{color:#ff9d94}\
.permissions-probe.dark .allowed{color:#7fd893}\
.permissions-probe.dark .inconclusive{color:#ffcf70}\
.permissions-probe a{color:#0b54a0;text-decoration:underline}\
.permissions-probe.dark a{color:#8fc4ff}\
.permissions-probe pre{margin:4px 0 8px;padding:8px;overflow-x:auto;white-space:pre;border:1px solid #687078;\
background:#f4f4f4;color:#16191f;font:12px/1.4 monospace}\
.permissions-probe.dark pre{background:#1d2b3c;color:#e9ebed}\
.permissions-probe summary{cursor:pointer}\
.permissions-probe button{background:#0b54a0;color:#fff;border:1px solid #0b54a0;border-radius:4px;padding:4px 12px;\
font:inherit;cursor:pointer}\
.permissions-probe a:focus-visible,.permissions-probe summary:focus-visible,.permissions-probe pre:focus-visible,\
.permissions-probe button:focus-visible{outline:2px solid currentColor;outline-offset:2px}\
.permissions-probe button:focus-visible{outline-color:#b35900}";

struct Fragment<'a> {
    report: &'a Report,
    shown: &'a Shown,
}

impl Display for Fragment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let theme = match self.shown.theme {
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        writeln!(f, "<div class=\"permissions-probe {theme}\">\n<style>{STYLE}</style>")?;
        let verdict = report.verdict.name();
        writeln!(f, "<h2 class=\"{verdict}\">{} {verdict}</h2>", mark_of(report.verdict))?;
        writeln!(f, "<p>{}</p>", Escaped(&report.outcome))?;
        self.write_about(f)?;
        self.write_button(f)?;
        self.write_wrong(f)?;
        write_advice(f, "What to do", &report.advice)?;
        write_advice(f, "Advisories", &report.advisories)?;
        self.write_not_covered(f)?;
        self.write_as_specified(f)?;
        f.write_str("</div>\n")
    }
}

impl Fragment<'_> {
    /// When and under which role, and where to look in the console.
    fn write_about(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Where nothing was tried, nothing was checked at any time.
        if !self.shown.checked_at.is_empty() && self.report.is_tried {
            write!(f, "<p>Checked at {}", Escaped(&self.shown.checked_at))?;
            if let Some(age) = self.shown.age_seconds {
                write!(f, ", {age} s ago")?;
            }
            f.write_str(".")?;
            // The latest of the times is that since which nothing has changed; a text of one form sorts by time.
            if let Some(since) = self.shown.since.iter().flatten().max() {
                write!(f, " Unchanged since {}, as far as this execution environment knows.", Escaped(since))?;
            }
            f.write_str("</p>\n")?;
        }
        if self.report.links.is_empty() {
            return Ok(());
        }
        f.write_str("<ul>\n")?;
        for link in &self.report.links {
            let name = Escaped(&link.name);
            match &link.url {
                Some(url) => writeln!(
                    f,
                    "<li>{}: <a href=\"{}\" target=\"_blank\" rel=\"noopener\">{name}</a></li>",
                    link.what,
                    Escaped(url)
                )?,
                None => writeln!(f, "<li>{}: {name}</li>", link.what)?,
            }
        }
        f.write_str("</ul>\n")
    }

    /// CloudWatch acts on the element before a `cwdb-action` (CloudWatch User Guide, "Interactivity in a custom widget").
    fn write_button(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(button) = &self.shown.check_now else { return Ok(()) };
        writeln!(
            f,
            "<p class=\"action\"><button type=\"button\" class=\"btn btn-primary\">Check now</button>\
             <cwdb-action action=\"call\" display=\"widget\" endpoint=\"{}\">{}</cwdb-action></p>",
            Escaped(&button.endpoint),
            Escaped(&button.parameters)
        )
    }

    fn write_wrong(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Where nothing was tried, no row says more than that.
        let wrong = self.report.wrong();
        if !self.report.is_tried || wrong.is_empty() {
            return Ok(());
        }
        f.write_str("<h3>Not as specified</h3>\n<ul class=\"rows\">\n")?;
        for row in wrong {
            let index = self.report.rows.iter().position(|other| std::ptr::eq(other, row));
            let since = index.and_then(|index| self.shown.since.get(index)?.as_deref());
            write_row(f, row, since)?;
        }
        f.write_str("</ul>\n")
    }

    fn write_not_covered(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.report.not_covered.is_empty() {
            return Ok(());
        }
        f.write_str("<h3>Not covered</h3>\n<ul>\n")?;
        for left_out in &self.report.not_covered {
            let (action, resource, reason) = (&left_out.action, &left_out.resource, &left_out.reason);
            writeln!(f, "<li>{} on {}: {}.</li>", Escaped(action), Escaped(resource), Escaped(reason))?;
        }
        f.write_str("</ul>\n")
    }

    fn write_as_specified(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows: Vec<&Row> = self.report.rows.iter().filter(|row| row.is_as_specified()).collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(f, "<details>\n<summary>As specified: {}</summary>\n<ul class=\"rows\">", rows.len())?;
        for row in rows {
            let verdict = row.verdict.name();
            let resource = row.resource.as_deref().filter(|resource| *resource != "*");
            write!(f, "<li><span class=\"allowed\">{} {verdict}</span> {}", mark(row), Escaped(&row.action))?;
            if let Some(resource) = resource {
                write!(f, " on {}", Escaped(self.report.shorten(resource)))?;
            }
            let grade = row.proof.as_ref().map(|proof| format!(" ({})", proof.grade.name()));
            write!(f, "{}", grade.unwrap_or_default())?;
            if let Some(note) = row.note.as_ref().filter(|_| row.is_noteworthy) {
                write!(f, "<br>{}", Escaped(note))?;
            }
            f.write_str("</li>\n")?;
        }
        f.write_str("</ul>\n</details>\n")
    }
}

fn write_row(f: &mut Formatter<'_>, row: &Row, since: Option<&str>) -> fmt::Result {
    let class = match row.conformity {
        Conformity::Missing | Conformity::Excess => Verdict::Denied.name(),
        _ => Verdict::Inconclusive.name(),
    };
    f.write_str("<li class=\"row\">\n")?;
    let verdict = row.verdict.name();
    writeln!(f, "<h4 class=\"{class}\">{} {verdict}: {}</h4>", mark(row), Escaped(&row.action))?;
    if let Some(resource) = &row.resource {
        writeln!(f, "<p>{}</p>", Escaped(resource))?;
    }
    for sentence in describe_details(row) {
        writeln!(f, "<p>{}</p>", Escaped(&sentence))?;
    }
    if let Some(since) = since {
        writeln!(f, "<p>Found so since {}.</p>", Escaped(since))?;
    }
    if row.message.is_some() || row.aws_request_id.is_some() {
        f.write_str("<details>\n<summary>What AWS answered</summary>\n")?;
        let code = row.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        if let Some(message) = &row.message {
            writeln!(f, "<p>{}{}</p>", Escaped(&code), Escaped(message))?;
        }
        if let Some(id) = &row.aws_request_id {
            writeln!(f, "<p>Request id of AWS: {}</p>", Escaped(id))?;
        }
        if let Some(link) = details_link(row) {
            write_link(f, "AWS explains it: ", link)?;
        }
        f.write_str("</details>\n")?;
    }
    f.write_str("</li>\n")
}

/// A link that came with AWS's answer: one to anywhere but a console is shown as the text that it is.
fn write_link(f: &mut Formatter<'_>, what: &str, link: &str) -> fmt::Result {
    let host = link.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    let link_text = Escaped(link);
    if host.is_some_and(is_console) {
        writeln!(f, "<p>{what}<a href=\"{link_text}\" target=\"_blank\" rel=\"noopener\">{link_text}</a></p>")
    } else {
        writeln!(f, "<p>{what}{link_text}</p>")
    }
}

fn write_advice(f: &mut Formatter<'_>, heading: &str, list: &[Advice]) -> fmt::Result {
    if list.is_empty() {
        return Ok(());
    }
    writeln!(f, "<h3>{heading}</h3>\n<ol>")?;
    for advice in list {
        writeln!(f, "<li>\n<p>{}</p>", Escaped(&advice.text))?;
        let policies =
            advice.policy.iter().chain(&advice.trust_policy).map(|policy| ("Policy", policy.to_pretty_json()));
        let command = advice.command.iter().map(|command| ("Command", command.clone()));
        for (what, block) in policies.chain(command) {
            if what == "Command" {
                f.write_str("<p>With the AWS CLI:</p>\n")?;
            }
            // What scrolls has to take the focus, so that a keyboard scrolls it.
            let label = format!("{what} for {}", advice.actions.join(", "));
            let (label, block) = (Escaped(&label), Escaped(&block));
            writeln!(f, "<pre tabindex=\"0\" role=\"group\" aria-label=\"{label}\">{block}</pre>")?;
        }
        f.write_str("</li>\n")?;
    }
    f.write_str("</ol>\n")
}

/// A text in HTML, in an element or in an attribute in double quotes (HTML Standard, "Escaping a string").
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(['&', '<', '>', '"', '\'']) {
            let mut chars = part.chars();
            let escape = match chars.next_back() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                Some('\'') => "&#39;",
                _ => {
                    f.write_str(part)?;
                    continue;
                }
            };
            f.write_str(chars.as_str())?;
            f.write_str(escape)?;
        }
        Ok(())
    }
}
