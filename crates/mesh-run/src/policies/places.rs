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
    /// What Telemetry objects change of metrics.
    pub(super) metrics: Option<Value>,
    /// Whom they ask by themselves.
    pub(super) clusters: Vec<Value>,
}

impl Parts {
    /// The filters that they are for.
    pub(super) fn filters(&self) -> impl Iterator<Item = &'static str> {
        let authorizes = self.custom.is_some() || self.authorization.is_some();
        let all = [
            (authorizes, AUTHORIZATION),
            (self.authentication.is_some(), AUTHENTICATION),
            (self.faults.is_some(), FAULTS),
            (self.metrics.is_some(), METRICS),
        ];
        let there = all.into_iter().filter(|(is_there, _)| *is_there);
        there.map(|(_, name)| name)
    }
}

const AUTHORIZATION: &str = "authorization-policy";
const AUTHENTICATION: &str = "request-authentication";
const FAULTS: &str = "fault-injection";
const METRICS: &str = "telemetry-tags";

/// The one module that has all filters.
const WHOLE: &str = "mesh-filters";

/// The module that a proxy loads.
///
/// It is the one with all filters, as each VM has its memory; but where a proxy needs one filter alone, that filter's own
/// is half of it: of the private memory of an Envoy in a mesh, 76 MB with all filters, 48 MB with the policies alone,
/// and 15 MB with neither.
#[derive(Debug, Clone, Copy)]
pub(super) struct Module<'a> {
    folder: &'a Path,
    name: &'static str,
}

impl<'a> Module<'a> {
    /// That of a proxy with these parts.
    pub(super) fn of<'p>(folder: &'a Path, parts: impl IntoIterator<Item = &'p Parts>) -> Self {
        let filters: BTreeSet<&'static str> = parts.into_iter().flat_map(Parts::filters).collect();
        let mut filters = filters.into_iter();
        let name = match (filters.next(), filters.next()) {
            (Some(only), None) => only,
            _ => WHOLE,
        };
        Module { folder, name }
    }

    /// A filter that loads it.
    fn filter(self, name: &str, configuration: Map<String, Value>) -> Value {
        let file = self.folder.join(format!("{}.wasm", self.name));
        // A policy that cannot be asked lets nothing through, until the module has started anew; a fault or a metric is no
        // reason to refuse anybody.
        let is_policy = |field: &str| ["resources", "authorizationPolicy"].contains(&field);
        let failure_policy = match configuration.keys().any(|field| is_policy(field)) {
            true => "FAIL_RELOAD",
            false => "FAIL_OPEN",
        };
        json!({
            "name": name,
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    "name": name,
                    "root_id": self.name,
                    "failure_policy": failure_policy,
                    "vm_config": {
                        "vm_id": self.name,
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": {"local": {"filename": file}},
                    },
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.Struct",
                        "value": self.configuration(configuration),
                    },
                },
            },
        })
    }

    /// What it takes: a filter alone has for its own what is a part of the configuration of all.
    fn configuration(self, mut all: Map<String, Value>) -> Value {
        let field = match self.name {
            AUTHORIZATION => "authorizationPolicy",
            AUTHENTICATION => "requestAuthentication",
            FAULTS => "faultInjection",
            METRICS => "telemetryTags",
            _ => return Value::Object(all),
        };
        let objects = all.remove("resources");
        let mut own = all.remove(field).unwrap_or_else(|| json!({}));
        if let (Some(objects), Value::Object(fields)) = (objects, &mut own) {
            fields.insert("items".to_owned(), objects);
        }
        own
    }
}

/// A place: the filter of istiod's, its type, and what of ours stands there.
struct Place {
    name: &'static str,
    type_name: &'static str,
    part: fn(&Parts) -> Option<&Value>,
    /// Whether it is there without a policy too.
    always: bool,
}

/// In istiod's order, all of them before `cors`.
const PLACES: [Place; 8] = [
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
    // istiod has it behind `cors`; here it is in the same module, and counts what `cors` answers as well.
    Place {
        name: "mesh-filters.metrics",
        type_name: "stats.PluginConfig",
        part: |parts| parts.metrics.as_ref(),
        always: false,
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
    module: Module<'_>,
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

fn flush(
    all: &mut Vec<Value>,
    pending: &mut Map<String, Value>,
    count: &mut u32,
    module: Module<'_>,
) {
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
    all.push(module.filter(&name, configuration));
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

    fn whole() -> Module<'static> {
        Module::of(Path::new("/m"), [&parts()])
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
        let changed = close(&mut listeners, "INBOUND", &parts(), whole());
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
    fn one_filter_alone_is_a_smaller_module() {
        let faults = Parts {
            faults: Some(json!({"faultInjection": {"http": []}})),
            ..Parts::default()
        };
        let policies = Parts {
            authentication: None,
            ..parts()
        };
        let tokens = Parts {
            authentication: parts().authentication,
            ..Parts::default()
        };
        let common = json!({"trustDomain": "t", "items": ["custom", "allow"]});
        for (inbound, outbound, name, expected) in [
            (&Parts::default(), &faults, FAULTS, json!({"http": []})),
            (&policies, &Parts::default(), AUTHORIZATION, common),
            (
                &tokens,
                &Parts::default(),
                AUTHENTICATION,
                json!({"items": ["tokens"]}),
            ),
            (&tokens, &faults, WHOLE, json!({"resources": ["tokens"]})),
        ] {
            let module = Module::of(Path::new("/m"), [inbound, outbound]);
            assert_eq!(module.name, name);
            let mut listeners = [listener(&["envoy.filters.http.router"])];
            let parts = if *inbound == Parts::default() {
                outbound
            } else {
                inbound
            };
            open(&mut listeners, "INBOUND", parts);
            close(&mut listeners, "INBOUND", parts, module);
            let all = filters(&mut listeners);
            let ours = all
                .iter()
                .find(|filter| filter["name"] == "mesh-filters")
                .unwrap();
            let config = &ours["typed_config"]["config"];
            assert_eq!(
                config["vm_config"]["code"]["local"]["filename"],
                format!("/m/{name}.wasm")
            );
            assert_eq!(config["configuration"]["value"], expected);
            let fails = if name == FAULTS {
                "FAIL_OPEN"
            } else {
                "FAIL_RELOAD"
            };
            assert_eq!(config["failure_policy"], fails);
        }
    }

    #[test]
    fn what_stands_between_parts_the_module() {
        let mut listeners = [listener(&["envoy.filters.http.router"])];
        open(&mut listeners, "INBOUND", &parts());
        filters(&mut listeners).insert(3, json!({"name": "between"}));
        close(&mut listeners, "INBOUND", &parts(), whole());
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
            close(&mut listeners, direction, &Parts::default(), whole());
        }
        assert_eq!(listeners, before);
    }

    #[test]
    fn what_is_merged_into_a_place_is_told() {
        let mut listeners = [listener(&["envoy.filters.http.router"])];
        open(&mut listeners, "INBOUND", &Parts::default());
        filters(&mut listeners)[0]["typed_config"]["more"] = json!(1);
        let changed = close(&mut listeners, "INBOUND", &Parts::default(), whole());
        assert_eq!(changed, ["istio.metadata_exchange"].into());
        assert_eq!(names(&mut listeners), ["envoy.filters.http.router"]);
    }
}
