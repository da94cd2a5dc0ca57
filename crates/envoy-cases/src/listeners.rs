//! The listeners of a suite.

use std::collections::BTreeMap;
use std::path::Path;

use cases::{File, OURS, Suite, TAG};
use envoy::listener::{Listener, Plugin};
use sdk_helpers::claims;
use serde_json::{Value, json};

/// The header by which an access log line is found again.
pub(crate) const ID: &str = "x-case";

/// The header whose value becomes the verified claims.
pub(crate) const CLAIMS: &str = "x-case-claims";

/// A suite and its listeners.
#[derive(Debug, Clone)]
pub(crate) struct Hosted {
    pub(crate) description: String,
    pub(crate) filter: String,
    /// The name of the listener, and of the plugin in it, that each case has, by the name of the case.
    pub(crate) cases: BTreeMap<String, String>,
    /// The first of them, which there is without cases too.
    first: String,
    config: Value,
}

impl Hosted {
    /// The suite with this index in its file, and its listeners as Envoy reads them.
    pub(crate) fn of(
        file: &File,
        index: usize,
        suite: &Suite,
        module: &Path,
    ) -> (Self, Vec<Value>) {
        let run = suite.cases.iter().filter(|case| case.fakes().is_empty());
        let name = |number: usize| format!("suite-{index}-{number}");
        let cases = run
            .enumerate()
            .map(|(number, case)| (case.name.clone(), name(number)));
        let cases: Vec<(String, String)> = cases.collect();
        let hosted = Hosted {
            description: suite.description.clone(),
            filter: suite.filter_in(file).to_owned(),
            first: name(0),
            config: suite.config.clone(),
            cases: cases.iter().cloned().collect(),
        };
        // In order: of equal configurations the first one speaks.
        let mut plugins: Vec<&str> = cases.iter().map(|(_, name)| name.as_str()).collect();
        if plugins.is_empty() {
            plugins.push(&hosted.first);
        }
        let listeners = plugins.into_iter();
        let listeners = listeners.map(|name| hosted.listener(name, suite, module).build());
        let listeners = listeners.collect();
        (hosted, listeners)
    }

    /// The plugin whose words are those of the configuration.
    pub(crate) fn plugin(&self) -> &str {
        &self.first
    }

    /// Whether a VM that was given one of the two configurations says nothing of the other.
    pub(crate) fn is_configured_as(&self, other: &Hosted) -> bool {
        self.filter == other.filter && self.config == other.config
    }

    /// A listener that takes claims from a header, as a filter that verified a token would leave them.
    fn listener(&self, name: &str, suite: &Suite, module: &Path) -> Listener {
        let claims = json!({"on_request_headers": [{
            "object_key": claims::PATH[1],
            "factory_key": "envoy.string",
            "format_string": {"text_format_source": {"inline_string": format!("%REQ({CLAIMS})%")}},
            "skip_if_empty": true,
        }]});
        let plugin = Plugin {
            name,
            root_id: name,
            // The module then writes nothing before what it says of a configuration.
            vm_id: &self.filter,
            path: &module.to_string_lossy(),
            failure_policy: "FAIL_CLOSED",
        };
        let listener = Listener::new(name)
            .filter("claims", "set_filter_state.v3.Config", claims)
            .plugin(&self.filter, &plugin, &self.config)
            .log("case", &format!("%REQ({ID})%"));
        let tags = suite.tags().into_iter().map(|tag| [TAG, tag].concat());
        let filters = catalog::filters().iter();
        let reasons = filters.map(|filter| [OURS, filter.name()].concat());
        tags.chain(reasons).fold(listener, |listener, state| {
            let format = format!("%FILTER_STATE({state}:PLAIN)%");
            listener.log(&state, &format)
        })
    }
}
