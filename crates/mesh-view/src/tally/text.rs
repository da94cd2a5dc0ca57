//! Answers as rows.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Answer, Who};

/// Services in the order in which they were called, and of each the answers that came most first.
pub(super) fn sorted(answers: &[Answer]) -> Vec<&Answer> {
    let mut sorted: Vec<(usize, &Answer)> = Vec::new();
    for answer in answers {
        let first = answers
            .iter()
            .position(|other| other.service == answer.service);
        sorted.push((first.unwrap_or_default(), answer));
    }
    sorted.sort_by(|(first, one), (other_first, other)| {
        let most = other.count.cmp(&one.count);
        first
            .cmp(other_first)
            .then(most)
            .then_with(|| one.label(false).cmp(&other.label(false)))
    });
    sorted.into_iter().map(|(_, answer)| answer).collect()
}

pub(super) fn rows(answers: &[Answer], total: u64) -> String {
    let width = total.to_string().len().max(5);
    let mut text = String::new();
    if total > 1 {
        // Into memory, which does not fail.
        let _ = writeln!(text, "{:>width$}   SHARE  STATUS  ANSWERED BY", "COUNT");
    }
    below(answers, total, width, 0, &mut text);
    text
}

fn below(answers: &[Answer], total: u64, width: usize, depth: usize, text: &mut String) {
    let several = several(answers);
    for answer in sorted(answers) {
        let status = answer
            .status
            .map_or("-".to_owned(), |status| status.to_string());
        if total > 1 {
            let share = share(answer.count, total);
            let _ = write!(text, "{:>width$}  {share:>6}  ", answer.count);
        }
        let indent = "   ".repeat(depth.saturating_sub(1));
        let branch = if depth > 0 { "└─ " } else { "" };
        let who = answer.label(answer.is_among(&several));
        let _ = writeln!(text, "{status:>6}  {indent}{branch}{who}");
        below(&answer.called, total, width, depth.saturating_add(1), text);
    }
}

/// Workloads of which several replicas answered.
fn several(answers: &[Answer]) -> BTreeSet<&str> {
    let replicas: BTreeSet<(&str, &str)> = answers.iter().filter_map(Answer::replica).collect();
    let names: Vec<&str> = replicas.into_iter().map(|(name, _)| name).collect();
    let twice = names.windows(2).filter_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    });
    twice.collect()
}

fn share(count: u64, total: u64) -> String {
    let thousandths = u128::from(count)
        .saturating_mul(1000)
        .checked_div(u128::from(total))
        .unwrap_or_default();
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

impl Answer {
    fn replica(&self) -> Option<(&str, &str)> {
        match &self.who {
            Who::Replica { name, address, .. } => Some((name, address)),
            _ => None,
        }
    }

    fn is_among(&self, names: &BTreeSet<&str>) -> bool {
        self.replica().is_some_and(|(name, _)| names.contains(name))
    }

    fn label(&self, with_address: bool) -> String {
        let who = match &self.who {
            Who::Replica {
                name,
                version,
                address,
            } => {
                let version = match name.ends_with(version.as_str()) {
                    true => String::new(),
                    false => format!(" ({version})"),
                };
                let address = match with_address {
                    true => format!(" at {address}"),
                    false => String::new(),
                };
                [name.as_str(), &version, &address].concat()
            }
            Who::Other(text) if text.is_empty() => "(an empty body)".to_owned(),
            Who::Other(text) => format!("\"{text}\""),
            Who::Nobody(problem) => problem.clone(),
            Who::Others => "others".to_owned(),
        };
        match &self.service {
            Some(service) => format!("{service} → {who}"),
            None => who,
        }
    }
}
