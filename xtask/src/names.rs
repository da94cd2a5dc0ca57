//! Function names as a person reads them.
//!
//! A trap in Envoy prints a backtrace of the names that the module carries. The compiler's mangled
//! ones are a quarter of a module, much of it hashes and escapes.

use rustc_demangle::demangle;
use walrus::Module;

/// Replaces every mangled name by its plain form, without the hash.
pub(crate) fn shorten(module: &mut Module) {
    for function in module.funcs.iter_mut() {
        if let Some(name) = &mut function.name {
            *name = plain(name);
        }
    }
}

fn plain(name: &str) -> String {
    format!("{:#}", demangle(name))
}

#[cfg(test)]
mod tests {
    use super::plain;

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
}
