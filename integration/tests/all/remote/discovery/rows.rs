//! The rows of the tables on configurations that are discovered: what comes first, and what then.

use integration::envoy::Scratch;
use integration::listener::typed;
use integration::module::{built, relabelled, sha256};
use serde_json::{Value, json};

use crate::remote::rig::{Filter, LAST, MODULE, NEW, REFUSED, local, observed, remote};

pub(super) const SERVER: &str = "modules";
pub(super) const NOWHERE: &str = "nowhere";

/// The module's place on the server, and that of another one.
pub(super) const PATH: &str = "/module.wasm";
pub(super) const OTHER: &str = "/other.wasm";

/// What the file has.
#[derive(Clone, Copy)]
pub(super) enum Has {
    Nothing,
    /// A module at hand that takes or refuses this.
    Local(u16),
    /// A file that is not there.
    Missing,
    /// The filter by which Istio's agent denies everything.
    Deny,
    /// The module of the server, configured so.
    Remote(u16),
    /// Another module of the server; refused, where it is not there yet.
    Another {
        nack: bool,
        timeout: &'static str,
    },
    /// One whose server is nowhere.
    Nowhere,
}

/// A row: its name on the page, what the file has first and then, and a default.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) has: Vec<Has>,
    pub(super) default: bool,
}

impl Row {
    fn first(name: &'static str, has: Has) -> Self {
        Self {
            name,
            has: vec![has],
            default: false,
        }
    }

    fn update(name: &'static str, first: Has, then: Has) -> Self {
        Self {
            name,
            has: vec![first, then],
            default: false,
        }
    }
}

pub(super) fn rows() -> Vec<Row> {
    let refusing = Has::Another {
        nack: true,
        timeout: "60s",
    };
    let changed = Has::Another {
        nack: true,
        timeout: "61s",
    };
    vec![
        Row::first("a configuration", Has::Local(NEW)),
        Row::first("one that the module refuses", Has::Local(REFUSED)),
        Row {
            default: true,
            ..Row::first("the same, and `default_config` denies", Has::Local(REFUSED))
        },
        Row::first("one whose module is not there", Has::Missing),
        Row::first("nothing", Has::Nothing),
        Row::first("`remote`, and the server has it", Has::Remote(NEW)),
        Row::first("`remote`, and nobody listens", Has::Nowhere),
        Row::update("another configuration", Has::Local(LAST), Has::Local(NEW)),
        Row::update(
            "another that the module refuses",
            Has::Local(LAST),
            Has::Local(REFUSED),
        ),
        Row::update(
            "another whose module is not there",
            Has::Local(LAST),
            Has::Missing,
        ),
        Row::update("nothing any more", Has::Local(LAST), Has::Nothing),
        Row::update(
            "a filter that denies, which is what Istio's agent writes",
            Has::Local(LAST),
            Has::Deny,
        ),
        Row::update(
            "`remote` with the same `sha256`",
            Has::Remote(LAST),
            Has::Remote(NEW),
        ),
        Row::update(
            "`remote` with the same `sha256`, which the module refuses",
            Has::Remote(LAST),
            Has::Remote(REFUSED),
        ),
        Row::update(
            "`remote` with another `sha256`, and the server has it",
            Has::Remote(LAST),
            Has::Another {
                nack: false,
                timeout: "60s",
            },
        ),
        Row::update(
            "the same with `nack_on_code_cache_miss`",
            Has::Remote(LAST),
            refusing,
        ),
        Row {
            name: "the same, pushed again as it was",
            has: vec![Has::Remote(LAST), refusing, refusing],
            default: false,
        },
        Row {
            name: "the same, pushed again with any change",
            has: vec![Has::Remote(LAST), refusing, changed],
            default: false,
        },
    ]
}

/// `envoy.extensions.filters.http.rbac.v3.RBAC` without a policy that allows anything.
pub(super) fn deny() -> Value {
    typed(
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        json!({"rules": {"action": "ALLOW"}}),
    )
}

/// A row under a policy.
pub(super) struct Place {
    pub(super) row: usize,
    pub(super) policy: &'static str,
}

impl Place {
    pub(super) fn name(&self) -> String {
        format!("row-{}-{}", self.row, self.policy)
    }

    pub(super) fn file(&self) -> String {
        format!("{}.json", self.name())
    }

    /// What the file says.
    pub(super) fn resources(&self, has: Has) -> String {
        let module = built(MODULE);
        // Each has another one of its own, since Envoy keeps what it has fetched.
        let other = sha256(&relabelled(&module, &self.name()));
        let path = format!("{OTHER}?{}", self.name());
        let dist = format!("dist/{MODULE}.wasm");
        let vm_id = match has {
            Has::Another { .. } | Has::Nowhere => self.name(),
            _ => MODULE.to_owned(),
        };
        let (code, abort, nack) = match has {
            Has::Nothing => return json!({"resources": []}).to_string(),
            Has::Deny => return self.resource(deny()),
            Has::Local(abort) => (local(&dist), abort, false),
            Has::Missing => (local("dist/missing.wasm"), NEW, false),
            Has::Remote(abort) => (
                remote(SERVER, PATH, &sha256(&module), json!({})),
                abort,
                false,
            ),
            Has::Nowhere => (remote(NOWHERE, PATH, &other, json!({})), NEW, false),
            Has::Another { nack, timeout } => {
                let mut code = remote(SERVER, &path, &other, json!({}));
                code["remote"]["http_uri"]["timeout"] = json!(timeout);
                (code, NEW, nack)
            }
        };
        let filter = Filter {
            name: self.name(),
            vm_id,
            code,
            policy: self.policy,
            abort,
            nack,
        };
        self.resource(filter.typed())
    }

    fn resource(&self, config: Value) -> String {
        let resource = typed(
            "envoy.config.core.v3.TypedExtensionConfig",
            json!({"name": self.name(), "typed_config": config}),
        );
        json!({"resources": [resource]}).to_string()
    }

    pub(super) fn listener(&self, scratch: &Scratch, row: &Row) -> Value {
        let mut discovery = json!({
            "config_source": {
                "path_config_source": {"path": scratch.path().join(self.file())},
                "resource_api_version": "V3",
                "initial_fetch_timeout": "0s",
            },
            "type_urls": [
                "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            ],
        });
        if row.default {
            discovery["default_config"] = deny();
        }
        let mut listener = observed(&self.name()).build();
        let filters = "/filter_chains/0/filters/0/typed_config/http_filters";
        let filters = listener.pointer_mut(filters).and_then(Value::as_array_mut);
        let filter = json!({"name": self.name(), "config_discovery": discovery});
        filters.unwrap().insert(0, filter);
        listener
    }

    pub(super) fn statistic(&self, name: &str) -> String {
        format!(
            "extension_config_discovery.http_filter.{}.{name}",
            self.name()
        )
    }
}
