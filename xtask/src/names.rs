//! Function names as a person reads them.
//!
//! A trap in Envoy prints a backtrace of the names that the module carries. All of them, as the
//! compiler mangles them, are a quarter of a module. So our own functions keep theirs in plain form,
//! and the libraries' between them go: where a trap comes from is told by ours, and a panic also
//! prints its file and line.

use rustc_demangle::demangle;
use walrus::Module;

/// Replaces the names of our own functions by their plain form without a hash and without the crate,
/// and takes out those of libraries. `crates` are ours, by their names in code.
pub(crate) fn shorten(module: &mut Module, crates: &[String]) {
    for function in module.funcs.iter_mut() {
        function.name = function
            .name
            .as_deref()
            .map(plain)
            .filter(|name| is_ours(name, crates))
            .map(|name| bare(&name, crates));
    }
}

/// Without the names of our crates, which would be a third of what is left: `policy::decide` tells
/// where to look.
fn bare(name: &str, crates: &[String]) -> String {
    crates.iter().fold(name.to_owned(), |name, ours| {
        name.replace(&format!("{ours}::"), "")
    })
}

fn plain(name: &str) -> String {
    format!("{:#}", demangle(name))
}

/// What is no path is an export, or C.
fn is_ours(name: &str, crates: &[String]) -> bool {
    !name.contains("::")
        || crates.iter().any(|ours| {
            let start = format!("{ours}::");
            name.match_indices(&start).any(|(at, _)| {
                let before = name.get(..at).and_then(|before| before.chars().next_back());
                before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
            })
        })
}

#[cfg(test)]
mod tests {
    use super::{bare, is_ours, plain};

    #[test]
    fn our_crates_go_without_saying() {
        let crates = ["shell".to_owned(), "noop".to_owned()];
        for (name, left) in [
            ("shell::contexts::types", "contexts::types"),
            (
                "<shell::contexts::stream::Inner<F> as shell::contexts::shared::PausedStream>::resume",
                "<contexts::stream::Inner<F> as contexts::shared::PausedStream>::resume",
            ),
            (
                "core::ptr::drop_in_place<noop::Noop>",
                "core::ptr::drop_in_place<Noop>",
            ),
            ("dlmalloc", "dlmalloc"),
        ] {
            assert_eq!(bare(name, &crates), left);
        }
    }

    #[test]
    fn both_manglings_become_paths() {
        assert_eq!(
            plain("_ZN11sdk_helpers5shell6stream14Inner$LT$F$GT$5apply17hdfc933f29bc72e7eE"),
            "sdk_helpers::shell::stream::Inner<F>::apply"
        );
        assert_eq!(
            plain("_RNvMsa_NtCsdHhIpgkcIfN_4core3fmtNtB5_9Formatter3pad"),
            "<core::fmt::Formatter>::pad"
        );
    }

    #[test]
    fn what_is_not_mangled_stays() {
        for name in ["dlmalloc", "proxy_on_delete", "_ZNbroken", ""] {
            assert_eq!(plain(name), name);
        }
    }

    #[test]
    fn ours_are_told_from_the_libraries() {
        let crates = ["shell".to_owned(), "noop".to_owned()];
        for name in [
            "noop::decide",
            "<shell::contexts::stream::Inner<F> as shell::contexts::shared::PausedStream>::resume",
            "core::ptr::drop_in_place<noop::Noop>",
            "dlmalloc",
        ] {
            assert!(is_ours(name, &crates), "{name}");
        }
        for name in [
            "<core::fmt::Formatter>::pad",
            "a_noop::decide",
            "other::noop::decide",
        ] {
            assert!(!is_ours(name, &crates), "{name}");
        }
    }
}
