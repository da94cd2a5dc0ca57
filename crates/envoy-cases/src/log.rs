//! What filters say of their configurations in Envoy's log: lines `[warning][wasm] … wasm log ROOT VM: text`,
//! where the root is named as the plugin is.

/// The lines of plugins, in order.
#[derive(Debug, Default)]
pub(crate) struct Said(Vec<Line>);

#[derive(Debug)]
struct Line {
    level: Level,
    plugin: String,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Info,
    Warning,
    Error,
}

/// What a filter's line begins with that took its configuration, after all warnings of it.
const TAKEN: &str = "configured: ";

impl Said {
    pub(crate) fn of(log: &str) -> Self {
        Said(log.lines().filter_map(line).collect())
    }

    /// The warnings of a plugin's configuration; nothing where it has not said that it took one.
    pub(crate) fn warnings(&self, plugin: &str) -> Option<Vec<String>> {
        let mut warnings = Vec::new();
        for line in self.of_plugin(plugin) {
            match line.level {
                // What comes later is about something else, such as keys that cannot be fetched.
                Level::Info if line.text.starts_with(TAKEN) => return Some(warnings),
                Level::Warning => warnings.push(line.text.clone()),
                _ => {}
            }
        }
        None
    }

    /// The errors of a plugin's configuration.
    pub(crate) fn errors(&self, plugin: &str) -> Vec<String> {
        let lines = self.of_plugin(plugin);
        let errors = lines.filter(|line| line.level == Level::Error);
        errors.map(|line| line.text.clone()).collect()
    }

    fn of_plugin(&self, plugin: &str) -> impl Iterator<Item = &Line> {
        self.0.iter().filter(move |line| line.plugin == plugin)
    }
}

fn line(line: &str) -> Option<Line> {
    let (before, said) = line.split_once(" wasm log ")?;
    let (_, level) = before.split_once("][")?.1.split_once('[')?;
    let level = match level.split_once(']')?.0 {
        "info" => Level::Info,
        "warning" => Level::Warning,
        "error" | "critical" => Level::Error,
        _ => return None,
    };
    // Neither has a colon in it.
    let (ids, text) = said.split_once(": ")?;
    Some(Line {
        level,
        plugin: ids.split(' ').next()?.to_owned(),
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Envoy 1.40 writes it.
    const LOG: &str = "\
[2026-11-30 07:37:39.1][10391][warning][wasm] [source/extensions/common/wasm/context.cc:1154] wasm log suite-0-0 rate-limit: limits: no limits: nothing is ever refused
[2026-11-30 07:37:39.1][10391][info][wasm] [source/extensions/common/wasm/context.cc:1151] wasm log suite-0-0 rate-limit: configured: 0 limits, config_hash 1
[2026-11-30 07:37:39.1][10391][warning][wasm] [source/extensions/common/wasm/context.cc:1154] wasm log suite-0-0 rate-limit: jwks_failed: later
[2026-11-30 07:37:39.2][10391][error][wasm] [source/extensions/common/wasm/context.cc:1157] wasm log suite-1-0 rate-limit: limits[0].per: `a: b` is not a duration
[2026-11-30 07:37:39.2][10391][error][wasm] [source/extensions/common/wasm/wasm.cc:104] Wasm VM failed Failed to configure base Wasm plugin
a line of none wasm log
";

    #[test]
    fn what_a_plugin_said_of_its_configuration_is_found() {
        let said = Said::of(LOG);
        let warnings = vec!["limits: no limits: nothing is ever refused".to_owned()];
        assert_eq!(said.warnings("suite-0-0"), Some(warnings));
        assert_eq!(said.errors("suite-0-0"), [""; 0]);
        assert_eq!(said.warnings("suite-1-0"), None);
        assert_eq!(
            said.errors("suite-1-0"),
            ["limits[0].per: `a: b` is not a duration"]
        );
        assert_eq!(said.warnings("suite-1"), None);
    }
}
