//! What istiod's validation says about a patch. Its sentences are kept; its `Envoy filter: ` prefix is
//! replaced by the path of the patch.

use super::clause::ListenerMatch;
use super::fields;
use super::resource::{
    ApplyTo, ObjectMatch, Operation, Patch, PatchContext, ProxyMatch, VersionMatch,
};
use super::wire::{ConfigPatch, Match, Proxy};
use crate::Error;
use regex_lite::Regex;
use sdk_helpers::config::nearest;
use serde::de::DeserializeOwned;
use serde_json::Value;

const HTTP_CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";
/// Passes validation as a name for the above, and never matches it afterwards.
const DEPRECATED_ALIAS: &str = "envoy.http_connection_manager";
const APPLY_TO: [&str; 11] = [
    "LISTENER",
    "FILTER_CHAIN",
    "LISTENER_FILTER",
    "NETWORK_FILTER",
    "HTTP_FILTER",
    "ROUTE_CONFIGURATION",
    "VIRTUAL_HOST",
    "HTTP_ROUTE",
    "CLUSTER",
    "EXTENSION_CONFIG",
    "BOOTSTRAP",
];
const OPERATIONS: [&str; 8] = [
    "MERGE",
    "MERGE_AND_REPLACE_LIST",
    "ADD",
    "REMOVE",
    "INSERT_BEFORE",
    "INSERT_AFTER",
    "INSERT_FIRST",
    "REPLACE",
];
const LONGEST_PROXY_VERSION: usize = 1024;

/// The patch being checked: its path, for errors, and what was only warned about.
pub(super) struct Checked<'a> {
    /// Namespace and name of its resource.
    of: &'a str,
    at: String,
    pub(super) warnings: Vec<String>,
}

impl<'a> Checked<'a> {
    pub(super) fn at(of: &'a str, path: String) -> Self {
        Checked {
            of,
            at: path,
            warnings: Vec::new(),
        }
    }

    pub(super) fn patch(&mut self, patch: Option<ConfigPatch>) -> Result<Patch, Error> {
        let ConfigPatch {
            apply_to,
            r#match,
            patch,
        } = patch.ok_or_else(|| self.error("null config patch"))?;
        let apply_to = match apply_to.as_deref() {
            None | Some("INVALID") => return Err(self.error("missing applyTo")),
            Some(text) => word(text).ok_or_else(|| {
                let problem = format!("unknown object type for applyTo `{text}`");
                self.error(&(problem + &meant(text, &APPLY_TO)))
            })?,
        };
        let change = patch.ok_or_else(|| self.error("missing patch"))?;
        let operation: Operation = match change.operation.as_deref() {
            None | Some("INVALID") => return Err(self.error("missing patch operation")),
            Some(text) => word(text).ok_or_else(|| {
                let problem = format!("unknown patch operation `{text}`");
                self.error(&(problem + &meant(text, &OPERATIONS)))
            })?,
        };
        if operation != Operation::Remove && change.value.is_none() {
            return Err(self.error("missing patch value for non-remove operation"));
        }
        if change.filter_class.is_some() {
            self.warn("patch.filterClass has no effect");
        }
        let Match {
            context,
            proxy,
            listener,
            route_configuration,
            cluster,
            waypoint,
        } = r#match.unwrap_or_default();
        let given = [
            listener.is_some(),
            route_configuration.is_some(),
            cluster.is_some(),
            waypoint.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(self.error("match has more than one object clause"));
        }
        let proxy = proxy.map(|proxy| self.proxy(proxy)).transpose()?;
        let object = listener
            .map(ObjectMatch::Listener)
            .or(route_configuration.map(ObjectMatch::RouteConfiguration))
            .or(cluster.map(ObjectMatch::Cluster));
        if context != PatchContext::Waypoint {
            self.clause(apply_to, object.as_ref(), waypoint.is_some())?;
        }
        let value = self.value(change.value.unwrap_or_default())?;
        Ok(Patch {
            apply_to,
            context,
            proxy,
            object,
            operation,
            value,
        })
    }

    fn proxy(&mut self, proxy: Proxy) -> Result<ProxyMatch, Error> {
        let version = if proxy.proxy_version.is_empty() {
            VersionMatch::Any
        } else if proxy.proxy_version.len() > LONGEST_PROXY_VERSION {
            self.warn("proxyVersion match exceeds 1024 characters and will be ignored");
            VersionMatch::Nothing
        } else {
            VersionMatch::Search(Regex::new(&proxy.proxy_version).map_err(|error| {
                self.error(&format!("invalid regex for proxy version, [{error}]"))
            })?)
        };
        Ok(ProxyMatch {
            version,
            metadata: proxy.metadata,
        })
    }

    fn clause(
        &mut self,
        apply_to: ApplyTo,
        object: Option<&ObjectMatch>,
        waypoint: bool,
    ) -> Result<(), Error> {
        use ApplyTo::*;
        match (apply_to, object) {
            (_, None) if !waypoint => Ok(()),
            (Listener | FilterChain | NetworkFilter | HttpFilter, object) => match object {
                Some(ObjectMatch::Listener(clause)) => self.listener(apply_to, clause),
                _ => {
                    Err(self
                        .error("applyTo for listener class objects cannot have non listener match"))
                }
            },
            (RouteConfiguration | VirtualHost | HttpRoute, object) => match object {
                Some(ObjectMatch::RouteConfiguration(_)) => Ok(()),
                _ => Err(self.error(
                    "applyTo for http route class objects cannot have non route configuration \
                     match",
                )),
            },
            (Cluster, Some(ObjectMatch::Cluster(_))) => Ok(()),
            (Cluster, _) => {
                Err(self.error("applyTo for cluster class objects cannot have non cluster match"))
            }
            (ListenerFilter | ExtensionConfig | Bootstrap, _) => Ok(()),
        }
    }

    fn listener(&mut self, apply_to: ApplyTo, clause: &ListenerMatch) -> Result<(), Error> {
        let Some(filter) = clause
            .filter_chain
            .as_ref()
            .and_then(|chain| chain.filter.as_ref())
        else {
            return Ok(());
        };
        if matches!(apply_to, ApplyTo::Listener | ApplyTo::FilterChain) {
            self.warn(&format!(
                "filter match has no effect when used with {apply_to}s"
            ));
        }
        if filter.name.is_empty() {
            return Err(self.error("filter match has no name to match on"));
        }
        if let Some(sub_filter) = &filter.sub_filter {
            if apply_to != ApplyTo::HttpFilter {
                return Err(self.error("subfilter match can be used with applyTo HTTP_FILTER only"));
            }
            if ![HTTP_CONNECTION_MANAGER, DEPRECATED_ALIAS].contains(&filter.name.as_str()) {
                return Err(self.error(&format!(
                    "subfilter match requires filter match with {HTTP_CONNECTION_MANAGER}"
                )));
            }
            if sub_filter.name.is_empty() {
                return Err(self.error("subfilter match has no name to match on"));
            }
        }
        if filter.name == DEPRECATED_ALIAS {
            self.warn(&format!(
                "using deprecated filter name `{DEPRECATED_ALIAS}`; use \
                 `{HTTP_CONNECTION_MANAGER}` instead"
            ));
        }
        Ok(())
    }

    fn value(&self, mut value: Value) -> Result<Value, Error> {
        if !matches!(value, Value::Object(_) | Value::Null) {
            return Err(self.error("patch.value is not an object"));
        }
        if let Some(old) = old_type(&value) {
            return Err(self.error(&format!(
                "referenced type unknown (hint: try using the v3 XDS API): `{old}`"
            )));
        }
        fields::snake_case(&mut value);
        Ok(value)
    }

    fn error(&self, problem: &str) -> Error {
        Error::resource(self.of, &self.at, problem)
    }

    fn warn(&mut self, problem: &str) {
        self.warnings.push(format!("{}: {problem}", self.at));
    }
}

/// The one kind of unknown type that can be told without Envoy's descriptors.
fn old_type(value: &Value) -> Option<&str> {
    match value {
        Value::Object(object) => object
            .get("@type")
            .and_then(Value::as_str)
            .filter(|name| name.contains(".v2."))
            .or_else(|| object.values().find_map(old_type)),
        Value::Array(items) => items.iter().find_map(old_type),
        _ => None,
    }
}

/// What was meant by a word that is none of these.
fn meant(text: &str, known: &[&str]) -> String {
    match nearest(text, known) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!("; it is one of {}", known.join(", ")),
    }
}

fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::from(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EnvoyFilter;

    fn one(patch: &str) -> Result<EnvoyFilter, Error> {
        EnvoyFilter::parse(&format!(
            "{{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, \
             metadata: {{name: test}}, spec: {{configPatches: [{patch}]}}}}"
        ))
    }

    #[test]
    fn refusals_say_what_istiod_says() {
        let hcm = HTTP_CONNECTION_MANAGER;
        let filter = |apply_to: &str, filter: &str| {
            format!(
                "{{applyTo: {apply_to}, match: {{listener: {{filterChain: {{filter: {filter}}}}}}}, \
                 patch: {{operation: REMOVE}}}}"
            )
        };
        for (patch, problem) in [
            ("null".to_string(), "null config patch".to_string()),
            ("{patch: {operation: REMOVE}}".into(), "missing applyTo".into()),
            (
                "{applyTo: FILTER, patch: {operation: REMOVE}}".into(),
                "unknown object type for applyTo `FILTER`".into(),
            ),
            ("{applyTo: CLUSTER}".into(), "missing patch".into()),
            ("{applyTo: CLUSTER, patch: {}}".into(), "missing patch operation".into()),
            (
                "{applyTo: CLUSTER, patch: {operation: ADD}}".into(),
                "missing patch value for non-remove operation".into(),
            ),
            (
                "{applyTo: CLUSTER, match: {proxy: {proxyVersion: '('}}, patch: {operation: REMOVE}}"
                    .into(),
                "invalid regex for proxy version, [".into(),
            ),
            (
                "{applyTo: LISTENER, match: {cluster: {}}, patch: {operation: REMOVE}}".into(),
                "applyTo for listener class objects cannot have non listener match".into(),
            ),
            (
                "{applyTo: HTTP_ROUTE, match: {listener: {}}, patch: {operation: REMOVE}}".into(),
                "applyTo for http route class objects cannot have non route configuration match"
                    .into(),
            ),
            (
                "{applyTo: CLUSTER, match: {listener: {}}, patch: {operation: REMOVE}}".into(),
                "applyTo for cluster class objects cannot have non cluster match".into(),
            ),
            (filter("NETWORK_FILTER", "{}"), "filter match has no name to match on".into()),
            (
                filter("NETWORK_FILTER", &format!("{{name: {hcm}, subFilter: {{name: a}}}}")),
                "subfilter match can be used with applyTo HTTP_FILTER only".into(),
            ),
            (
                filter("HTTP_FILTER", "{name: other, subFilter: {name: a}}"),
                format!("subfilter match requires filter match with {hcm}"),
            ),
            (
                filter("HTTP_FILTER", &format!("{{name: {hcm}, subFilter: {{}}}}")),
                "subfilter match has no name to match on".into(),
            ),
            (
                "{applyTo: CLUSTER, patch: {operation: ADD, value: {'@type': t/envoy.api.v2.X}}}"
                    .into(),
                "referenced type unknown (hint: try using the v3 XDS API): `t/envoy.api.v2.X`"
                    .into(),
            ),
        ] {
            let error = one(&patch).unwrap_err().to_string();
            let expected = format!("default/test spec.configPatches[0]: {problem}");
            assert!(error.starts_with(&expected), "{patch}: {error}");
        }
    }

    #[test]
    fn waypoint_patches_are_not_checked() {
        let patch = "{applyTo: CLUSTER, match: {context: WAYPOINT, waypoint: {}}, \
                     patch: {operation: REMOVE}}";
        assert!(one(patch).is_ok());
        assert!(one(&patch.replace("context: WAYPOINT, ", "")).is_err());
    }

    #[test]
    fn what_does_nothing_is_warned_about() {
        let warned = one(
            "{applyTo: LISTENER, match: {listener: {filterChain: {filter: {name: \
             envoy.http_connection_manager}}}}, patch: {operation: REMOVE, filterClass: AUTHN}}",
        );
        let warnings = warned.unwrap().warnings;
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(warnings[0].ends_with("patch.filterClass has no effect"));
    }
}
