//! Values looked at eight bytes at a time: nearly all are clean, and that is found out for every stream.

use crate::clean::is_safe;

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// Whether these are ASCII and nothing that a clean value may not hold.
pub(crate) fn are_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    let is_plain = |byte: &u8| byte.is_ascii() && is_safe(char::from(*byte));
    words.iter().all(|word| is_plain_word(*word)) && rest.iter().all(is_plain)
}

fn is_plain_word(word: [u8; 8]) -> bool {
    let word = u64::from_ne_bytes(word);
    // The high bit of a byte tells: one that is below the limit borrows it.
    let below = |limit: u64, word: u64| word.wrapping_sub(ONES * limit) & !word;
    let equal = |byte: u8| below(1, word ^ (ONES * u64::from(byte)));
    // A backslash and the bracket behind it differ in the last bit.
    let behind_bracket = below(1, (word & !ONES) ^ (ONES * u64::from(b'\\')));
    let found = word | below(0x20, word) | equal(0x7f) | equal(b'[') | behind_bracket;
    (found | equal(b'"') | equal(b'\'')) & HIGH == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_plain_if_it_is_safe_ascii_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for place in 0..17 {
                let mut bytes = [b'x'; 17];
                bytes[place] = byte;
                let plain = byte.is_ascii() && is_safe(char::from(byte));
                assert_eq!(are_plain(&bytes), plain, "{byte:#x} at {place}");
            }
        }
        assert!(are_plain(b""));
    }
}
