//! The reasons of one stream, as filter state has them.

use smallvec::SmallVec;

use super::shared::Shared;
use super::stage::StageContext;
use sdk_helpers::chain::Chain;
use sdk_helpers::decision::Note;

/// The outcomes of a stream so far, each with the stage it is of: two parts of one filter share the filter
/// state of their reasons, and number their outcomes apart.
#[derive(Default)]
pub(super) struct Reasons(SmallVec<[(usize, Note); 2]>);

impl Reasons {
    pub(super) fn add(&mut self, context: &StageContext, notes: &[Note]) {
        let of = |note: &Note| (context.stage, note.clone());
        self.0.extend(notes.iter().map(of));
    }

    /// All of a filter, joined by commas. Where it is a single one its text is there already.
    pub(super) fn with_text<C: Chain>(
        &self,
        shared: &Shared<C>,
        name: &'static str,
        act: impl FnOnce(&[u8]),
    ) {
        let known = self.0.iter().filter_map(|(stage, note)| {
            let context = shared.stage(*stage)?;
            (context.name == name).then(|| (context.reason(note.outcome), note))
        });
        let mut known = known.peekable();
        let Some((text, first)) = known.next() else {
            return;
        };
        let detail = first.detail.as_deref().unwrap_or_default();
        if detail.is_empty() && known.peek().is_none() {
            return act(text.as_bytes());
        }
        let mut all = String::with_capacity(text.len().saturating_add(detail.len()));
        all.push_str(text);
        all.push_str(detail);
        for (text, note) in known {
            all.push(',');
            all.push_str(text);
            all.push_str(note.detail.as_deref().unwrap_or_default());
        }
        act(all.as_bytes());
    }
}
