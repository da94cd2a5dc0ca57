//! Mends of findings as edits of their files, each held against what the file has to say afterwards.

use istio::{Object, Position};
use sdk_helpers::config::Remedy;
use serde_json::Value;

use super::Mend;
use super::edit::{self, Edit};
use super::nodes::Nodes;
use super::path::{Step, steps};
use super::remedy;
use crate::finding::Finding;
use crate::source::{Read, Source};

/// Beyond so many that cannot be made together, the rest is left to whoever reads the findings.
const MOST_ALONE: usize = 100;

/// An edit on the way to a finding.
struct Change<'a> {
    finding: usize,
    edit: Edit,
    /// Of a field: which one, and what becomes of it.
    field: Option<(Position, Vec<Step>, &'a Remedy)>,
}

/// Gives each finding with a mend its edit, where the file then says what it said before but for that.
pub(crate) fn resolve(sources: &[Source], read: &[Read], findings: &mut [Finding]) {
    for (number, (source, read)) in sources.iter().zip(read).enumerate() {
        let Read::Documents(documents) = read else {
            continue;
        };
        let mends = findings.iter().enumerate();
        let mends = mends.filter(|(_, it)| it.source == number);
        let mends: Vec<_> = mends
            .filter_map(|(place, it)| Some((place, it.mend.clone()?)))
            .collect();
        if mends.is_empty() {
            continue;
        }
        let Some(nodes) = Nodes::read(&source.text) else {
            continue;
        };
        let file = File {
            text: &source.text,
            documents,
            nodes,
        };
        for (finding, edit) in file.certain(&mends) {
            if let Some(finding) = findings.get_mut(finding) {
                finding.edit = Some(edit);
            }
        }
    }
}

struct File<'a> {
    text: &'a str,
    documents: &'a [Object],
    nodes: Nodes,
}

impl File<'_> {
    /// The edits that do what they are to do, by the number of their finding.
    fn certain(&self, mends: &[(usize, Mend)]) -> Vec<(usize, Edit)> {
        let changes = mends.iter();
        let changes = changes.filter_map(|(finding, mend)| self.change(*finding, mend));
        let changes: Vec<Change<'_>> = changes.collect();
        let good: Vec<&Change<'_>> = match self.is_good(&changes.iter().collect::<Vec<_>>()) {
            true => changes.iter().collect(),
            false => {
                let alone = changes.iter().take(MOST_ALONE);
                alone.filter(|change| self.is_good(&[*change])).collect()
            }
        };
        let edits = good.into_iter();
        edits
            .map(|change| (change.finding, change.edit.clone()))
            .collect()
    }

    fn change<'m>(&self, finding: usize, mend: &'m Mend) -> Option<Change<'m>> {
        let (edit, field) = match mend {
            Mend::Aside(edit) => (edit.clone(), None),
            Mend::Field {
                document,
                path,
                remedy,
            } => {
                let steps = steps(path)?;
                let place = self.nodes.find(*document, &steps)?;
                let edit = remedy::edit(self.text, &place, remedy)?;
                (edit, Some((*document, steps, remedy)))
            }
        };
        Some(Change {
            finding,
            edit,
            field,
        })
    }

    /// Whether all of these together make of the file what each of them says, and nothing else.
    fn is_good(&self, changes: &[&Change<'_>]) -> bool {
        self.expected(changes).is_some_and(|expected| {
            let edits = changes.iter().map(|change| change.edit.clone());
            let text = edit::apply(self.text, edits.collect());
            let read = Object::read_all(&text).unwrap_or_default();
            let values = read.iter().map(Object::value);
            values.eq(&expected)
        })
    }

    /// The documents that should be there then; none where changes are in each other's way.
    fn expected(&self, changes: &[&Change<'_>]) -> Option<Vec<Value>> {
        let mut changes = changes.to_vec();
        // What is deeper first, so that it is still found under its name.
        changes.sort_by_key(|change| {
            let depth = change.field.as_ref().map_or(0, |(_, steps, _)| steps.len());
            (std::cmp::Reverse(depth), change.edit.start)
        });
        changes.dedup_by(|one, other| one.edit == other.edit);
        let mut by_place: Vec<&Edit> = changes.iter().map(|change| &change.edit).collect();
        by_place.sort_by_key(|edit| edit.start);
        let mut pairs = by_place.windows(2);
        if pairs.any(|pair| matches!(pair, [one, other] if one.touches(other))) {
            return None;
        }
        let documents = self.documents.iter();
        let mut values: Vec<Value> = documents.map(|it| it.value().clone()).collect();
        for change in changes {
            let Some((document, steps, remedy)) = &change.field else {
                continue;
            };
            let mut documents = self.documents.iter();
            let place = documents.position(|it| it.position("") == *document)?;
            let node = self.nodes.find(*document, steps)?;
            let value = values.get_mut(place)?;
            remedy::applied(value, steps, remedy, self.text, &node)?;
        }
        Some(values)
    }
}
