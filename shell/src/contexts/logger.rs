//! What writes to Envoy's log: the crate `log` in front, and panics, which end the VM.

use super::host;
use super::types::LogLevel;

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record) {
        if self.enabled(record.metadata()) {
            let level = match record.level() {
                log::Level::Trace => LogLevel::Trace,
                log::Level::Debug => LogLevel::Debug,
                log::Level::Info => LogLevel::Info,
                log::Level::Warn => LogLevel::Warn,
                log::Level::Error => LogLevel::Error,
            };
            host::log(level, &record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Writes what Envoy's level lets through. Not while the module is initialized: Envoy allows hardly any
/// host call then.
pub(super) fn install() {
    // Every root context starts the VM once more, and all after the first find it installed.
    if log::set_logger(&Logger).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            host::log(LogLevel::Critical, &panic.to_string());
        }));
    }
    log::set_max_level(host::log_level());
}
