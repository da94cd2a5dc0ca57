//! Which warnings have been told lately. An issuer that is away for a week is asked 20,000 times, and
//! a log wants to hear of it, but not each time.

use std::time::Duration;

use sdk_helpers::Timestamp;

/// The same words once in so long, whichever of the VMs would say them.
const ONCE_IN: Duration = Duration::from_secs(600);
/// So many different ones at a time; the one told longest ago is forgotten first.
const MOST: usize = 8;

/// The cell after a warning with these words, by their hash; `None` where they were told lately, and
/// shall not be now. What is no cell is as good as none.
pub(super) fn tell(cell: Option<&[u8]>, words: u64, now: Timestamp) -> Option<Vec<u8>> {
    let mut told: Vec<(u64, u64)> = cell
        .unwrap_or_default()
        .chunks_exact(16)
        .map(|pair| {
            let (words, at) = pair.split_at(8);
            let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
            (number(words), number(at))
        })
        // A clock that was set back silences nobody.
        .filter(|(_, at)| {
            let at = Timestamp::from_nanos(*at);
            at <= now && now < at.saturating_add(ONCE_IN)
        })
        .collect();
    if told.iter().any(|(known, _)| *known == words) {
        return None;
    }
    let surplus = told.len().saturating_sub(MOST - 1);
    told.drain(..surplus);
    told.push((words, now.as_nanos()));
    let bytes = |(words, at): &(u64, u64)| [words.to_le_bytes(), at.to_le_bytes()].concat();
    Some(told.iter().flat_map(bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_words_are_told_once_in_ten_minutes() {
        let at = Timestamp::from_secs;
        let cell = tell(None, 1, at(1_000)).expect("the first time");
        assert_eq!(tell(Some(&cell), 1, at(1_599)), None);
        let cell = tell(Some(&cell), 2, at(1_599)).expect("other words");
        assert_eq!(tell(Some(&cell), 2, at(1_600)), None);
        let cell = tell(Some(&cell), 1, at(1_600)).expect("ten minutes later");
        assert_eq!(cell.len(), 32);
        // Back in time.
        assert!(tell(Some(&cell), 1, at(1)).is_some());
    }

    #[test]
    fn a_flood_of_words_takes_no_more_room() {
        let mut cell = Vec::new();
        for words in 0..100 {
            cell = tell(Some(&cell), words, Timestamp::from_secs(1_000)).expect("new words");
            assert!(cell.len() <= MOST * 16);
        }
        assert_eq!(tell(Some(&cell), 93, Timestamp::from_secs(1_000)), None);
        assert!(tell(Some(&cell), 91, Timestamp::from_secs(1_000)).is_some());
    }

    proptest! {
        #[test]
        fn no_cell_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), now in any::<u64>()) {
            let now = Timestamp::from_nanos(now);
            if let Some(cell) = tell(Some(&bytes), 7, now) {
                prop_assert!(cell.len() <= MOST * 16);
                prop_assert_eq!(tell(Some(&cell), 7, now), None);
            }
        }
    }
}
