//! Where policies stand in a connection manager.
//!
//! istiod has a filter for each kind of policy, and EnvoyFilters name those filters: what they insert comes before or
//! behind them. So while a proxy is patched each place is kept by a filter of that name; then those of ours between which
//! nothing stands become one module, and places that stand for nothing here are gone.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

/// The policies of one side of a proxy, each kind a part of the module's configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parts {
    /// AuthorizationPolicies with the action CUSTOM.
    pub(super) custom: Option<Value>,
    /// RequestAuthentications.
    pub(super) authentication: Option<Value>,
    /// The other AuthorizationPolicies.
    pub(super) authorization: Option<Value>,
    /// Faults of VirtualServices.
    pub(super) faults: Option<Value>,
    /// Whom they ask by themselves.
    pub(super) clusters: Vec<Value>,
}

/// A place: the filter of istiod's, its type, whether a stock Envoy has it, and what of ours stands there.
struct Place {
    name: &'static str,
    type_name: &'static str,
    part: fn(&Parts) -> Option<&Value>,
    /// Whether it is there without a policy too.
    always: bool,
}

/// In istiod's order, all of them before `cors`.
const PLACES: [Place; 7] = [
    Place {
        name: "istio.metadata_exchange",
        type_name: "io.istio.http.peer_metadata.Config",
        part: |_| None,
        always: true,
    },
    Place {
        name: "envoy.filters.http.ext_authz",
        type_name: "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
        part: |parts| parts.custom.as_ref(),
        always: false,
    },
    Place {
        name: "envoy.filters.http.jwt_authn",
        type_name: "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        part: |parts| parts.authentication.as_ref(),
        always: false,
    },
    Place {
        name: "envoy.filters.http.rbac",
        type_name: "envoy.extensions.filters.http.rbac.v3.RBAC",
        part: |parts| parts.authorization.as_ref(),
        always: false,
    },
    Place {
        name: "envoy.filters.http.grpc_stats",
        type_name: "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
        part: |_| None,
        always: true,
    },
    Place {
        name: "istio.alpn",
        type_name: "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
        part: |_| None,
        always: true,
    },
    Place {
        name: "envoy.filters.http.fault",
        type_name: "envoy.extensions.filters.http.fault.v3.HTTPFault",
        part: |parts| parts.faults.as_ref(),
        always: true,
    },
];

/// The one place behind `cors`.
const STATS: Place = Place {
    name: "istio.stats",
    type_name: "stats.PluginConfig",
    part: |_| None,
    always: true,
};

/// Marks the filters that only keep a place.
const MARK: &str = "mesh-filters.place";

impl Place {
    fn filter(&self) -> Value {
        let kind = format!("type.googleapis.com/{}", self.type_name);
        json!({"name": self.name, "typed_config": {"@type": kind, MARK: self.name}})
    }
}

/// The place that a filter keeps; what was merged into it may have renamed it.
fn kept(filter: &Value) -> Option<&'static Place> {
    let mark = filter.get("typed_config")?.get(MARK)?.as_str()?;
    static ALL: &[Place] = &PLACES;
    static LAST: Place = STATS;
    let known = ALL.iter().chain([&LAST]);
    known.into_iter().find(|place| place.name == mark)
}

/// Keeps the places in every connection manager of the listeners of a direction.
pub(super) fn open(listeners: &mut [Value], direction: &str, parts: &Parts) {
    each_chain(listeners, direction, &mut |filters| {
        let there = PLACES
            .iter()
            .filter(|place| place.always || (place.part)(parts).is_some());
        let mut all: Vec<Value> = there.map(Place::filter).collect();
        all.append(filters);
        let last = all.len().saturating_sub(1);
        all.insert(last, STATS.filter());
        *filters = all;
    });
}

/// Puts our module where its places are, and takes all places away. Tells the names of those that patches changed: what
/// they say there is lost.
pub(super) fn close(
    listeners: &mut [Value],
    direction: &str,
    parts: &Parts,
    module: &Path,
) -> BTreeSet<&'static str> {
    let mut changed = BTreeSet::new();
    each_chain(listeners, direction, &mut |filters| {
        let mut all = Vec::new();
        let mut pending = Map::new();
        let mut count = 0;
        for filter in std::mem::take(filters) {
            match kept(&filter) {
                Some(place) => {
                    if filter != place.filter() {
                        changed.insert(place.name);
                    }
                    if let Some(Value::Object(part)) = (place.part)(parts) {
                        join(&mut pending, part);
                    }
                }
                None => {
                    flush(&mut all, &mut pending, &mut count, module);
                    all.push(filter);
                }
            }
        }
        flush(&mut all, &mut pending, &mut count, module);
        *filters = all;
    });
    changed
}

fn flush(all: &mut Vec<Value>, pending: &mut Map<String, Value>, count: &mut u32, module: &Path) {
    if pending.is_empty() {
        return;
    }
    *count += 1;
    let configuration = std::mem::take(pending);
    if *count == 1 && configuration.contains_key("authorizationPolicy") {
        all.push(peer());
    }
    let name = match *count {
        1 => "mesh-filters".to_owned(),
        several => format!("mesh-filters.{several}"),
    };
    all.push(module_filter(&name, module, configuration));
}

/// One configuration of two: lists of objects follow each other, and what both say is the same.
fn join(all: &mut Map<String, Value>, part: &Map<String, Value>) {
    for (field, value) in part {
        match (all.get_mut(field), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more.iter().cloned()),
            (Some(_), _) => {}
            (None, _) => {
                all.insert(field.clone(), value.clone());
            }
        }
    }
}

fn module_filter(name: &str, module: &Path, configuration: Map<String, Value>) -> Value {
    json!({
        "name": name,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": name,
                "root_id": "mesh-filters",
                // A policy that cannot be asked lets nothing through, until the module has started anew.
                "failure_policy": "FAIL_RELOAD",
                "vm_config": {
                    "vm_id": "mesh-filters",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": module}},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.Struct",
                    "value": configuration,
                },
            },
        },
    })
}

/// Who sent the request, as policies ask for it by `ipBlocks`: no module sees that by itself.
fn peer() -> Value {
    let format = "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%";
    json!({
        "name": "mesh-filters.peer",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "on_request_headers": [{
                "object_key": "mesh_filters.peer.address",
                "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": format}},
            }],
        },
    })
}

/// The HTTP filters of each connection manager of the listeners of a direction.
fn each_chain(listeners: &mut [Value], direction: &str, see: &mut dyn FnMut(&mut Vec<Value>)) {
    for listener in listeners {
        if listener.get("traffic_direction").and_then(Value::as_str) != Some(direction) {
            continue;
        }
        let chains = listener
            .get_mut("filter_chains")
            .and_then(Value::as_array_mut);
        for chain in chains.into_iter().flatten() {
            let filters = chain.get_mut("filters").and_then(Value::as_array_mut);
            for filter in filters.into_iter().flatten() {
                let http = filter.pointer_mut("/typed_config/http_filters");
                if let Some(filters) = http.and_then(Value::as_array_mut) {
                    see(filters);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(filters: &[&str]) -> Value {
        let filters: Vec<Value> = filters.iter().map(|name| json!({"name": name})).collect();
        json!({
            "traffic_direction": "INBOUND",
            "filter_chains": [{"filters": [{"typed_config": {"http_filters": filters}}]}],
        })
    }

    fn parts() -> Parts {
        let policy =
            |name: &str| json!({"authorizationPolicy": {"trustDomain": "t"}, "resources": [name]});
        Parts {
            custom: Some(policy("custom")),
            authentication: Some(json!({"resources": ["tokens"]})),
            authorization: Some(policy("allow")),
            ..Parts::default()
        }
    }

    fn filters(listeners: &mut [Value]) -> &mut Vec<Value> {
        let filters =
            listeners[0].pointer_mut("/filter_chains/0/filters/0/typed_config/http_filters");
        filters.unwrap().as_array_mut().unwrap()
    }

    fn names(listeners: &mut [Value]) -> Vec<String> {
        let name = |filter: &Value| filter["name"].as_str().unwrap().to_owned();
        filters(listeners).iter().map(name).collect()
    }

    #[test]
    fn one_module_stands_where_nothing_is_between() {
        let mut listeners = [listener(&[
            "envoy.filters.http.cors",
            "envoy.filters.http.router",
        ])];
        open(&mut listeners, "INBOUND", &parts());
        assert_eq!(
            names(&mut listeners),
            [
                "istio.metadata_exchange",
                "envoy.filters.http.ext_authz",
                "envoy.filters.http.jwt_authn",
                "envoy.filters.http.rbac",
                "envoy.filters.http.grpc_stats",
                "istio.alpn",
                "envoy.filters.http.fault",
                "envoy.filters.http.cors",
                "istio.stats",
                "envoy.filters.http.router",
            ]
        );
        let changed = close(&mut listeners, "INBOUND", &parts(), Path::new("/m.wasm"));
        assert_eq!(changed, [].into());
        assert_eq!(
            names(&mut listeners),
            [
                "mesh-filters.peer",
                "mesh-filters",
                "envoy.filters.http.cors",
                "envoy.filters.http.router"
            ]
        );
        let configuration =
            filters(&mut listeners)[1].pointer("/typed_config/config/configuration/value");
        assert_eq!(
            configuration,
            Some(
                &json!({"authorizationPolicy": {"trustDomain": "t"}, "resources": ["custom", "tokens", "allow"]})
            )
        );
    }

    #[test]
    fn what_stands_between_parts_the_module() {
        let mut listeners = [listener(&["envoy.filters.http.router"])];
        open(&mut listeners, "INBOUND", &parts());
        filters(&mut listeners).insert(3, json!({"name": "between"}));
        close(&mut listeners, "INBOUND", &parts(), Path::new("/m.wasm"));
        assert_eq!(
            names(&mut listeners),
            [
                "mesh-filters.peer",
                "mesh-filters",
                "between",
                "mesh-filters.2",
                "envoy.filters.http.router"
            ]
        );
    }

    #[test]
    fn without_policies_nothing_of_ours_is_there() {
        let before = [listener(&[
            "envoy.filters.http.cors",
            "envoy.filters.http.router",
        ])];
        let mut listeners = before.clone();
        for direction in ["INBOUND", "OUTBOUND"] {
            open(&mut listeners, direction, &Parts::default());
            close(
                &mut listeners,
                direction,
                &Parts::default(),
                Path::new("/m.wasm"),
            );
        }
        assert_eq!(listeners, before);
    }

    #[test]
    fn what_is_merged_into_a_place_is_told() {
        let mut listeners = [listener(&["envoy.filters.http.router"])];
        open(&mut listeners, "INBOUND", &Parts::default());
        filters(&mut listeners)[0]["typed_config"]["more"] = json!(1);
        let changed = close(
            &mut listeners,
            "INBOUND",
            &Parts::default(),
            Path::new("/m.wasm"),
        );
        assert_eq!(changed, ["istio.metadata_exchange"].into());
        assert_eq!(names(&mut listeners), ["envoy.filters.http.router"]);
    }
}
