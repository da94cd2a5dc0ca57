//! Comparing memory by words.
//!
//! The C library of the target compares byte after byte, at eighteen instructions each, and names of headers, paths
//! and identities are compared with every request.

/// What all comparing of bytes and texts comes to. The linker asks the C library only for what it has not found
/// before.
///
/// # Safety
/// Both pointers must be valid for so many bytes.
#[cfg(target_arch = "wasm32")]
#[inline(never)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, size: usize) -> i32 {
    // SAFETY: as above.
    unsafe { compare(one, other, size) }
}

/// Less than, equal to or more than 0, as C has it.
///
/// # Safety
/// Both pointers must be valid for so many bytes.
unsafe fn compare(one: *const u8, other: *const u8, size: usize) -> i32 {
    let mut at = 0;
    if size >= 8 {
        // The last word may lie over the one before it, which was the same in both.
        let last = size.wrapping_sub(8);
        loop {
            // SAFETY: eight bytes from here are within both, for `at` is at most `last`.
            let words = unsafe {
                let one = one.add(at).cast::<u64>().read_unaligned();
                (one, other.add(at).cast::<u64>().read_unaligned())
            };
            if words.0 != words.1 {
                return order(u64::from_be(words.0) < u64::from_be(words.1));
            }
            if at == last {
                return 0;
            }
            at = at.wrapping_add(8).min(last);
        }
    }
    while at < size {
        // SAFETY: one byte more is within both.
        let (one, other) = unsafe { (*one.add(at), *other.add(at)) };
        if one != other {
            return order(one < other);
        }
        at = at.wrapping_add(1);
    }
    0
}

fn order(is_less: bool) -> i32 {
    if is_less { -1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    fn compared(one: &[u8], other: &[u8]) -> Ordering {
        assert_eq!(one.len(), other.len());
        // SAFETY: both are so long.
        unsafe { compare(one.as_ptr(), other.as_ptr(), one.len()) }.cmp(&0)
    }

    #[test]
    fn the_first_byte_that_differs_decides_wherever_it_is() {
        for length in 0..40 {
            let text: Vec<u8> = (0..length).collect();
            assert_eq!(compared(&text, &text), Ordering::Equal);
            for at in 0..text.len() {
                // What comes behind says the opposite.
                let mut greater = vec![0; text.len()];
                greater[..at].copy_from_slice(&text[..at]);
                greater[at] = 0xff;
                assert_eq!(compared(&text, &greater), Ordering::Less, "{length} {at}");
                assert_eq!(
                    compared(&greater, &text),
                    Ordering::Greater,
                    "{length} {at}"
                );
            }
        }
    }
}
