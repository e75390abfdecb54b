//! Markdown, for a comment, a page, or the summary of a job.

use std::fmt::Write;

use permissions_core::report::text::mark_of;

use super::{Checked, Kind, told};

pub fn write(checked: &[Checked]) -> String {
    let mut text = String::new();
    if checked.len() > 1 {
        text.push_str(&super::matrix::write_markdown(checked));
        text.push('\n');
    }
    for one in checked {
        let json = &one.rendered.json;
        let name = escape(&one.label);
        let _ = write!(
            text,
            "## {} {}: {name}\n\n{}\n\n",
            mark_of(json.verdict),
            json.verdict.name(),
            escape(&json.outcome)
        );
        let rows = told(one);
        let (wrong, clean): (Vec<_>, Vec<_>) = rows.iter().partition(|told| told.kind != Kind::AsSpecified);
        if !wrong.is_empty() {
            text.push_str("| | action | resource | why |\n|---|---|---|---|\n");
            for told in wrong {
                let resource = told.row.resource.as_deref().unwrap_or_default();
                let why = if told.details.is_empty() { &told.sentence } else { &told.details };
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} |",
                    told.row.verdict.name(),
                    code(&told.row.action),
                    code(resource),
                    escape(why)
                );
            }
            text.push('\n');
        }
        for (title, list) in [("What to do", &json.advice), ("Advisories", &json.advisories)] {
            if list.is_empty() {
                continue;
            }
            let _ = write!(text, "### {title}\n\n");
            for advice in list {
                let _ = writeln!(text, "- {}", escape(&advice.text));
                for policy in advice.policy.iter().chain(&advice.trust_policy) {
                    text.push_str(&block("json", &policy.to_pretty_json()));
                }
                if let Some(command) = &advice.command {
                    text.push_str(&block("sh", command));
                }
            }
            text.push('\n');
        }
        if !json.not_covered.is_empty() {
            text.push_str("### Not covered\n\n");
            for left_out in &json.not_covered {
                let _ = writeln!(
                    text,
                    "- {} on {}: {}",
                    code(&left_out.action),
                    code(&left_out.resource),
                    escape(&left_out.reason)
                );
            }
            text.push('\n');
        }
        if !clean.is_empty() {
            let _ = write!(text, "<details><summary>{} as specified</summary>\n\n", clean.len());
            for told in clean {
                let resource = told.row.resource.as_deref().unwrap_or_default();
                let _ = writeln!(text, "- {} {} {}", told.row.verdict.name(), code(&told.row.action), code(resource));
            }
            text.push_str("\n</details>\n\n");
        }
    }
    text.trim_end().to_owned() + "\n"
}

/// A text that Markdown takes for nothing else, on one line.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("<br>"),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '@' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A name as code, in a table as well.
pub fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

fn block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    let lines = lines.join("\n");
    format!("\n  {fence}{language}\n{lines}\n  {fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(escape("<b> *x* [a](b) | @me\nnext"), "&lt;b> \\*x\\* \\[a\\](b) \\| \\@me<br>next");
        assert_eq!(code("a`b|c"), "``a`b\\|c``");
        assert_eq!(code("`"), "`` ` ``");
        assert!(block("json", "```").starts_with("\n  ````json\n"));
    }
}
