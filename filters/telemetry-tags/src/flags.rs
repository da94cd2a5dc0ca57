//! Envoy's response flags: the bits of `response.flags` as the short names that access logs have.

/// By bit, from the lowest.
const NAMES: [&str; 30] = [
    "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC",
    "URX", "SI", "IH", "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR",
    "UDO",
];

/// The names joined by commas; `-` if there is none.
pub(crate) fn short(bits: u64) -> String {
    let mut text = String::new();
    let mut left = bits;
    while let Some(name) = NAMES.get(left.trailing_zeros() as usize) {
        left &= left - 1;
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
    }
    if text.is_empty() {
        text.push('-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn bits_are_named_from_the_lowest() {
        assert_eq!(short(0), "-");
        assert_eq!(short(0x4000), "DC");
        assert_eq!(short(0x2 | 0x8000), "UH,URX");
        assert_eq!(short(u64::MAX << 30), "-");
    }
}
