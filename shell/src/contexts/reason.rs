//! The reasons of one stream, as filter state has them.

use smallvec::SmallVec;

use super::stage::StageContext;
use sdk_helpers::decision::Note;

/// The outcomes of a stream so far, each with the filter it is of.
#[derive(Default)]
pub(super) struct Reasons(SmallVec<[(&'static str, Note); 2]>);

impl Reasons {
    pub(super) fn add(&mut self, context: &StageContext, notes: &[Note]) {
        let of = |note: &Note| (context.name, note.clone());
        self.0.extend(notes.iter().map(of));
    }

    /// All of a filter, joined by commas. Where it is a single one its text is there already.
    pub(super) fn with_text(&self, context: &StageContext, act: impl FnOnce(&[u8])) {
        let of_it = self.0.iter().filter(|(name, _)| *name == context.name);
        let mut notes = of_it.map(|(_, note)| note);
        let Some(first) = notes.next() else {
            return;
        };
        let text = context.reason(first.outcome);
        let mut rest = notes.peekable();
        if first.detail.is_none() && rest.peek().is_none() {
            return act(text.as_bytes());
        }
        let mut all = text.to_owned();
        all.push_str(first.detail.as_deref().unwrap_or_default());
        for note in rest {
            all.push(',');
            all.push_str(context.reason(note.outcome));
            all.push_str(note.detail.as_deref().unwrap_or_default());
        }
        act(all.as_bytes());
    }
}
