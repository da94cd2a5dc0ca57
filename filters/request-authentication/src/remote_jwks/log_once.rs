//! Which warnings have been logged lately. An issuer that is away for a week is asked 20,000 times, and
//! the log is to say so, but not each time.

use std::time::Duration;

use sdk_helpers::Timestamp;

/// How long the same words are not logged again, by any VM.
const ONCE_IN: Duration = Duration::from_secs(600);
/// How many different ones are remembered; the one logged longest ago is forgotten first.
const MOST: usize = 8;

/// What is shared once a warning with these words, by their hash, has been logged; `None` if they were
/// logged lately, and are not to be now. What cannot be read counts as nothing.
pub(super) fn add(shared: Option<&[u8]>, words: u64, now: Timestamp) -> Option<Vec<u8>> {
    let mut logged: Vec<(u64, u64)> = shared
        .unwrap_or_default()
        .chunks_exact(16)
        .map(|pair| {
            let (words, at) = pair.split_at(8);
            let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
            (number(words), number(at))
        })
        // After a clock was set back everything is logged.
        .filter(|(_, at)| {
            let at = Timestamp::from_nanos(*at);
            at <= now && now < at.saturating_add(ONCE_IN)
        })
        .collect();
    if logged.iter().any(|(known, _)| *known == words) {
        return None;
    }
    let surplus = logged.len().saturating_sub(MOST - 1);
    logged.drain(..surplus);
    logged.push((words, now.as_nanos()));
    let bytes = |(words, at): &(u64, u64)| [words.to_le_bytes(), at.to_le_bytes()].concat();
    Some(logged.iter().flat_map(bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_words_are_told_once_in_ten_minutes() {
        let at = Timestamp::from_secs;
        let shared = add(None, 1, at(1_000)).expect("the first time");
        assert_eq!(add(Some(&shared), 1, at(1_599)), None);
        let shared = add(Some(&shared), 2, at(1_599)).expect("other words");
        assert_eq!(add(Some(&shared), 2, at(1_600)), None);
        let shared = add(Some(&shared), 1, at(1_600)).expect("ten minutes later");
        assert_eq!(shared.len(), 32);
        // Back in time.
        assert!(add(Some(&shared), 1, at(1)).is_some());
    }

    #[test]
    fn a_flood_of_words_takes_no_more_room() {
        let mut shared = Vec::new();
        for words in 0..100 {
            shared = add(Some(&shared), words, Timestamp::from_secs(1_000)).expect("new words");
            assert!(shared.len() <= MOST * 16);
        }
        assert_eq!(add(Some(&shared), 93, Timestamp::from_secs(1_000)), None);
        assert!(add(Some(&shared), 91, Timestamp::from_secs(1_000)).is_some());
    }

    proptest! {
        #[test]
        fn no_cell_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), now in any::<u64>()) {
            let now = Timestamp::from_nanos(now);
            if let Some(shared) = add(Some(&bytes), 7, now) {
                prop_assert!(shared.len() <= MOST * 16);
                prop_assert_eq!(add(Some(&shared), 7, now), None);
            }
        }
    }
}
