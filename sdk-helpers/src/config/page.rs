//! Tables of fields as a page shows them: rows of a Markdown table.

use super::table::{Field, Notes, Table, Type};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The path of the field: `http[].fault.delay.fixedDelay`.
    pub path: String,
    /// What may be written.
    pub kind: String,
    /// What it is when left out.
    pub default: String,
    /// What it does.
    pub meaning: String,
    /// Istio's or Envoy's counterpart.
    pub istio: String,
}

/// The rows of a table and of those in it, in their order. A table that has a name of its own is
/// described by itself, and a field without a meaning has no row.
pub fn rows(table: &Table) -> Vec<Row> {
    let mut rows = Vec::new();
    add(table, "", &mut rows);
    rows
}

fn add(table: &Table, before: &str, rows: &mut Vec<Row>) {
    for field in &table.fields {
        let path = path(&field.kind, [before, field.name].concat());
        if !field.meaning.is_empty() {
            rows.push(Row {
                kind: kind(field),
                default: field.notes.default.to_owned(),
                meaning: field.meaning.clone(),
                istio: field.notes.istio.to_owned(),
                path: path.clone(),
            });
        }
        if let Some(inner) = field.kind.table().filter(|inner| inner.called.is_none()) {
            let inside = match field.kind {
                Type::Map(_) => ".<name>.",
                _ => ".",
            };
            add(inner, &[&path, inside].concat(), rows);
        }
    }
}

fn path(kind: &Type, name: String) -> String {
    match kind {
        Type::List(inner) => path(inner, name + "[]"),
        _ => name,
    }
}

/// What may be written in a field, in its own words or those of its kind.
fn kind(field: &Field) -> String {
    let Notes {
        kind,
        within,
        words,
        ..
    } = field.notes;
    match within {
        _ if !kind.is_empty() => kind.to_owned(),
        _ if !words.is_empty() => listed(words),
        Some(within) => bounded(&field.kind, within),
        None => called(&field.kind),
    }
}

fn bounded(kind: &Type, (least, most): (f64, f64)) -> String {
    let whole = matches!(kind, Type::Whole { .. });
    let kind = called(kind);
    match most.is_finite() {
        true if whole => format!("{}–{}", grouped(least), grouped(most)),
        true => format!("{} to {}", grouped(least), grouped(most)),
        false => format!("{kind}, ≥ {}", grouped(least)),
    }
}

/// A number with a comma at each thousand.
fn grouped(number: f64) -> String {
    let digits = number.to_string();
    if number.fract() != 0.0 {
        return digits;
    }
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let rest = digits.len().saturating_sub(index);
        if index > 0 && rest.is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn called(kind: &Type) -> String {
    match kind {
        Type::Text { called, .. } => (*called).to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::Words(words) => listed(words),
        Type::Flag => "true or false".to_owned(),
        Type::Whole { .. } => "whole number".to_owned(),
        Type::Number => "number".to_owned(),
        Type::List(inner) => match &**inner {
            Type::Table(Table { called: None, .. }) => "list".to_owned(),
            Type::Text { called: "text", .. } => "list of texts".to_owned(),
            inner => format!("list of {}", called(inner)),
        },
        Type::Map(inner) => match &**inner {
            Type::Table(Table { called: None, .. }) => "names to mappings".to_owned(),
            Type::Text { called: "text", .. } => "names to texts".to_owned(),
            inner => format!("names to {}", called(inner)),
        },
        Type::Table(table) => match table.called {
            Some(name) => name.to_owned(),
            None if table.fields.is_empty() => "`{}`".to_owned(),
            None => "mapping".to_owned(),
        },
        Type::Either(kinds) => {
            let kinds: Vec<String> = kinds.iter().map(called).collect();
            kinds.join(", or ")
        }
        Type::Anything => "anything".to_owned(),
    }
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// Rows as a Markdown table. A column that has nothing to say is left out.
pub fn markdown(rows: &[Row]) -> String {
    type Column = (&'static str, fn(&Row) -> &str);
    let columns: [Column; 4] = [
        ("type", |row| &row.kind),
        ("default", |row| &row.default),
        ("meaning", |row| &row.meaning),
        ("Istio / Envoy", |row| &row.istio),
    ];
    let said = |(_, cell): &&Column| rows.iter().any(|row| !cell(row).is_empty());
    let columns: Vec<&Column> = columns.iter().filter(said).collect();
    let mut text = "| field |".to_owned();
    for (title, _) in &columns {
        text += &format!(" {title} |");
    }
    text += &format!("\n|---|{}\n", "---|".repeat(columns.len()));
    for row in rows {
        text += &format!("| `{}` |", row.path);
        for (_, cell) in &columns {
            let cell = match cell(row) {
                "" => "–",
                cell => cell,
            };
            text += &format!(" {} |", cell.replace('|', "\\|"));
        }
        text.push('\n');
    }
    text
}

const BEGIN: &str = "<!-- fields";
const END: &str = "<!-- fields end -->";

/// A page with its tables of fields written anew. Each stands between two lines:
///
/// ```text
/// <!-- fields: from src/config/wire.rs, by a test -->
/// <!-- fields end -->
/// ```
///
/// `<!-- fields of StringMatch: … -->` shows the fields of the mapping of that name, and
/// `<!-- fields of global: … -->` those below that path, which the others then leave out.
///
/// # Errors
/// When the page has no such lines, or nothing is called so.
pub fn rewrite(page: &str, table: &Table) -> Result<String, String> {
    let rows = rows(table);
    let paths: Vec<&str> = page.lines().filter_map(asked).flatten().collect();
    let mut written = String::with_capacity(page.len());
    let mut lines = page.lines();
    let mut tables: u32 = 0;
    while let Some(line) = lines.next() {
        written.push_str(line);
        written.push('\n');
        let Some(name) = asked(line) else { continue };
        tables = tables.saturating_add(1);
        let mut shown = rows.clone();
        match name.map(|name| (name, named(table, name))) {
            None => shown.retain(|row| !paths.iter().any(|path| is_below(&row.path, path))),
            Some((_, Some(named))) => shown = self::rows(named),
            Some((name, None)) => {
                shown.retain(|row| is_below(&row.path, name));
                if shown.is_empty() {
                    return Err(format!(
                        "`{line}`: no field and no mapping is called `{name}`"
                    ));
                }
            }
        }
        written.push_str(&markdown(&shown));
        if !lines.any(|line| line == END) {
            return Err(format!("`{line}` is not followed by `{END}`"));
        }
        written.push_str(END);
        written.push('\n');
    }
    match tables {
        0 => Err(format!(
            "has no table of fields between `{BEGIN}: … -->` and `{END}`"
        )),
        _ => Ok(written),
    }
}

/// Whether a line asks for fields, and of what.
fn asked(line: &str) -> Option<Option<&str>> {
    let rest = line.strip_prefix(BEGIN).filter(|_| line != END)?;
    let (name, _) = rest.split_once(':')?;
    Some(name.strip_prefix(" of "))
}

/// The mapping of this name in a table.
fn named<'a>(table: &'a Table, name: &str) -> Option<&'a Table> {
    if table.called == Some(name) {
        return Some(table);
    }
    let mut inner = table.fields.iter().filter_map(|field| field.kind.table());
    inner.find_map(|inner| named(inner, name))
}

fn is_below(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// Compares the tables of a page with the fields there are; where `MESH_FILTERS_REWRITE` is set, writes
/// them anew.
///
/// # Errors
/// When they differ, or the page cannot be read.
#[cfg(any(test, feature = "test-util"))]
pub fn keep(page: &std::path::Path, table: &Table) -> Result<(), String> {
    const REWRITE: &str = "MESH_FILTERS_REWRITE";
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", page.display());
    let text = std::fs::read_to_string(page).map_err(|error| told(&error))?;
    let anew = rewrite(&text, table).map_err(|error| told(&error))?;
    if anew == text {
        return Ok(());
    }
    if std::env::var_os(REWRITE).is_some() {
        return std::fs::write(page, anew).map_err(|error| told(&error));
    }
    let differs = text.lines().zip(anew.lines()).find(|(said, is)| said != is);
    let (said, is) = differs.unwrap_or(("", ""));
    Err(told(&format!(
        "says\n{said}\nand the fields are\n{is}\nset {REWRITE}=1 to have this test write it"
    )))
}

#[cfg(test)]
mod tests;
