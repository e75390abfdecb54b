//! Roles beside each other: a row an action on a resource, a column a role.

use std::fmt::Write;

use permissions_core::report::json::Row;
use permissions_core::report::text::mark;

use super::markdown::{code, escape};
use super::{Checked, generalize};

/// What each role has on one action and one resource.
struct Line<'a> {
    name: String,
    cells: Vec<Option<&'a Row>>,
}

fn lines(checked: &[Checked]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (column, one) in checked.iter().enumerate() {
        let json = &one.rendered.json;
        for row in &json.rows {
            let resource =
                row.resource.as_deref().map(|resource| generalize(json.shorten(resource))).unwrap_or_default();
            let name = format!("{} {resource}", row.action).trim_end().to_owned();
            // Two checks of the same action on the same resource differ in what is sent: each is a line.
            let index =
                lines.iter().position(|line| line.name == name && line.cells[column].is_none()).unwrap_or_else(|| {
                    lines.push(Line { name, cells: vec![None; checked.len()] });
                    lines.len() - 1
                });
            lines[index].cells[column] = Some(row);
        }
    }
    lines
}

fn cell(row: Option<&Row>) -> String {
    row.map_or("–".to_owned(), |row| format!("{} {}", mark(row), row.verdict.name()))
}

/// The matrix as text: the columns are numbered, and the roles stand below it.
pub fn write(checked: &[Checked]) -> String {
    let lines = lines(checked);
    let widest = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or_default();
    let columns: Vec<usize> = (0..checked.len())
        .map(|column| {
            lines.iter().map(|line| cell(line.cells[column]).chars().count()).max().unwrap_or_default().max(3)
        })
        .collect();
    let mut text = format!("{:widest$}", "");
    for (column, width) in columns.iter().enumerate() {
        let _ = write!(text, "  {:<width$}", format!("[{}]", column + 1));
    }
    text = text.trim_end().to_owned() + "\n";
    for line in &lines {
        let mut row = format!("{:widest$}", line.name);
        for (found, width) in line.cells.iter().zip(&columns) {
            let _ = write!(row, "  {:<width$}", cell(*found));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text.push('\n');
    for (index, one) in checked.iter().enumerate() {
        let verdict = one.rendered.report.verdict.name();
        let _ = writeln!(text, "[{}] {}: {verdict}", index + 1, one.role.clone().unwrap_or_else(|| one.label.clone()));
    }
    text
}

/// The same as a table of Markdown.
pub fn write_markdown(checked: &[Checked]) -> String {
    let heads: Vec<_> = checked.iter().map(|one| escape(&one.label)).collect();
    let mut text = format!("| | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(checked.len()));
    for line in lines(checked) {
        let cells: Vec<_> = line.cells.iter().map(|row| cell(*row)).collect();
        let _ = writeln!(text, "| {} | {} |", code(&line.name), cells.join(" | "));
    }
    text
}
