//! What Envoy and a proxy-wasm module want of each other: the functions that a module may import, those
//! that Envoy calls in it, and how it says which version of the ABI it speaks.

mod exports;
mod imports;

pub use exports::{ALLOCATORS, CALLBACKS, calls};
pub use imports::{IMPORTS, Import, Type};

/// A version of the ABI that Envoy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Abi {
    /// Of 2019, without HTTP trailers that can be paused.
    V0_1_0,
    /// Of the SDKs up to 2022.
    V0_2_0,
    /// Today's, which knows the log level.
    V0_2_1,
}

impl Abi {
    /// All of them, oldest first.
    pub const ALL: [Abi; 3] = [Abi::V0_1_0, Abi::V0_2_0, Abi::V0_2_1];

    /// Its number.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Abi::V0_1_0 => "0.1.0",
            Abi::V0_2_0 => "0.2.0",
            Abi::V0_2_1 => "0.2.1",
        }
    }

    /// The export by which a module says that it speaks it. Envoy looks at the name alone.
    #[must_use]
    pub fn marker(self) -> &'static str {
        match self {
            Abi::V0_1_0 => "proxy_abi_version_0_1_0",
            Abi::V0_2_0 => "proxy_abi_version_0_2_0",
            Abi::V0_2_1 => "proxy_abi_version_0_2_1",
        }
    }

    /// The version of which this export is the marker.
    #[must_use]
    pub fn of_marker(export: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|abi| abi.marker() == export)
    }

    /// What a module of this version may import.
    pub fn imports(self) -> impl Iterator<Item = &'static Import> {
        let only_0_1_0 = imports::ONLY_0_1_0.iter();
        IMPORTS
            .iter()
            .filter(move |import| !self.lacks(import.name))
            .chain(imports::EMSCRIPTEN)
            .chain(only_0_1_0.filter(move |_| self == Abi::V0_1_0))
    }

    /// What Envoy has under this name for a module of this version.
    #[must_use]
    pub fn grants(self, module: &str, name: &str) -> Option<&'static Import> {
        // Envoy has the same functions under WASI's older name.
        let module = if module == "wasi_unstable" {
            imports::WASI
        } else {
            module
        };
        self.imports()
            .find(|import| import.module == module && import.name == name)
    }

    fn lacks(self, name: &str) -> bool {
        match name {
            "proxy_continue_stream" | "proxy_close_stream" => self < Abi::V0_2_0,
            "proxy_get_log_level" => self < Abi::V0_2_1,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Abi, IMPORTS, Type};

    #[test]
    fn a_version_grants_what_it_knows() {
        let grants = |abi: Abi, name| abi.grants("env", name).is_some();
        assert!(Abi::ALL.iter().all(|abi| grants(*abi, "proxy_log")));
        assert!(Abi::ALL.iter().all(|abi| grants(*abi, "pthread_equal")));
        let level = Abi::ALL.map(|abi| grants(abi, "proxy_get_log_level"));
        assert_eq!(level, [false, false, true]);
        let stream = Abi::ALL.map(|abi| grants(abi, "proxy_continue_stream"));
        assert_eq!(stream, [false, true, true]);
        let request = Abi::ALL.map(|abi| grants(abi, "proxy_continue_request"));
        assert_eq!(request, [true, false, false]);
        assert!(!grants(Abi::V0_2_1, "proxy_fly"));
    }

    #[test]
    fn wasi_has_two_names_and_no_links() {
        let abi = Abi::V0_2_1;
        let write = abi.grants("wasi_unstable", "fd_write");
        assert_eq!(write, abi.grants("wasi_snapshot_preview1", "fd_write"));
        assert!(write.is_some());
        assert_eq!(abi.grants("wasi_snapshot_preview1", "path_link"), None);
        let wasi = IMPORTS.iter().filter(|import| import.module != "env");
        assert_eq!(wasi.count(), 43);
    }

    #[test]
    fn a_signature_is_types() {
        let abi = Abi::V0_2_1;
        let metric = abi.grants("env", "proxy_increment_metric").unwrap();
        assert!(metric.params().eq([Type::I32, Type::I64]));
        assert!(metric.results().eq([Type::I32]));
        let exit = abi.grants("wasi_snapshot_preview1", "proc_exit").unwrap();
        assert_eq!(exit.results().count(), 0);
    }

    #[test]
    fn a_marker_is_a_version() {
        for abi in Abi::ALL {
            assert_eq!(Abi::of_marker(abi.marker()), Some(abi));
        }
        assert_eq!(Abi::of_marker("proxy_abi_version_0_3_0"), None);
    }
}
