//! gRPC statuses by the names Istio's configuration uses.

use sdk_helpers::config::nearest;

/// The names, in the order of their codes.
pub const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The code of a name, which Istio takes in upper case only.
pub(crate) fn code(name: &str) -> Option<u32> {
    NAMES
        .iter()
        .position(|known| *known == name)
        .and_then(|code| u32::try_from(code).ok())
}

/// The name that was meant, by its number or in another spelling.
pub(crate) fn meant(text: &str) -> Option<String> {
    let by_number = text.parse().ok().and_then(|code: usize| NAMES.get(code));
    let name = by_number.copied().or_else(|| nearest(text, &NAMES))?;
    Some(["`", name, "`"].concat())
}

#[cfg(test)]
mod tests {
    use super::{code, meant};

    #[test]
    fn the_name_of_a_number_is_told() {
        assert_eq!(meant("14").as_deref(), Some("`UNAVAILABLE`"));
        assert_eq!(meant("unavailable").as_deref(), Some("`UNAVAILABLE`"));
        assert_eq!(meant("not-found").as_deref(), Some("`NOT_FOUND`"));
        assert_eq!(meant("17"), None);
    }

    #[test]
    fn names_have_their_codes() {
        assert_eq!(code("OK"), Some(0));
        assert_eq!(code("UNAVAILABLE"), Some(14));
        assert_eq!(code("UNAUTHENTICATED"), Some(16));
        assert_eq!(code("unavailable"), None);
        assert_eq!(code("14"), None);
    }
}
