//! Room for a thousand connections.

use std::sync::Once;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets this process, and the servers it starts, open as many files as the machine allows. Many
/// shells stop at 1,024, which is fewer than a thousand connections and their other ends.
pub fn raise_open_files() {
    static RAISE: Once = Once::new();
    RAISE.call_once(|| {
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Where it is refused, whoever needs more hears so by failing to connect.
        let _ = setrlimit(Resource::Nofile, limit);
    });
}
