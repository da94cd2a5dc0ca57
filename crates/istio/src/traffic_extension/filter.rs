//! The Envoy filter that istiod makes of a resource, and the configuration that it answers the filter
//! with when it asks.

use super::agent::{PULL_POLICY, PULL_SECRET, RBAC, RESOURCE_VERSION, WASM};
use super::{Code, FailStrategy, TrafficExtension, WasmConfig, url};
use serde_json::{Map, Number, Value, json};

const LUA: &str = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";

impl TrafficExtension {
    /// The filter in a connection manager.
    pub(super) fn http_filter(&self) -> Value {
        let name = self.resource_name();
        match &self.code {
            Code::Lua(script) => {
                let code = json!({ "inline_string": script });
                let typed = json!({ "@type": LUA, "default_source_code": code });
                json!({ "name": name, "typed_config": typed })
            }
            // Without a time limit, so that a listener serves nobody before it has its filters.
            Code::Wasm(_) => json!({
                "name": name,
                "config_discovery": {
                    "config_source": {
                        "ads": {},
                        "resource_api_version": "V3",
                        "initial_fetch_timeout": "0s",
                    },
                    "type_urls": [WASM, RBAC],
                },
            }),
        }
    }

    /// What the filter is answered; none where it asks for nothing.
    pub(super) fn configuration(&self) -> Option<Value> {
        let Code::Wasm(wasm) = &self.code else {
            return None;
        };
        let mut config = json!({
            "name": self.full_name(),
            "failure_policy": match wasm.fail_strategy {
                FailStrategy::FailClose => "FAIL_CLOSED",
                FailStrategy::FailOpen => "FAIL_OPEN",
                FailStrategy::FailReload => "FAIL_RELOAD",
            },
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": code(wasm)?,
                "environment_variables": self.environment(wasm),
            },
        });
        if !wasm.plugin_name.is_empty() {
            crate::json::set(&mut config, "root_id", wasm.plugin_name.as_str());
        }
        if !wasm.plugin_config.is_empty() {
            let text = Value::Object(as_struct(&wasm.plugin_config)).to_string();
            let text = json!({
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": text,
            });
            crate::json::set(&mut config, "configuration", text);
        }
        let typed = json!({ "@type": WASM, "config": config });
        Some(json!({ "name": self.resource_name(), "typed_config": typed }))
    }

    fn environment(&self, wasm: &WasmConfig) -> Value {
        let mut values = Map::new();
        let mut hosts = Vec::new();
        if let Some(secret) = secret(&wasm.image_pull_secret, &self.namespace) {
            values.insert(PULL_SECRET.to_owned(), secret.into());
        }
        if !wasm.image_pull_policy.is_empty() {
            let policy = wasm.image_pull_policy.as_str();
            values.insert(PULL_POLICY.to_owned(), policy.into());
        }
        let version = self.resource_version.as_str();
        values.insert(RESOURCE_VERSION.to_owned(), version.into());
        for variable in &wasm.env {
            match &variable.value {
                Some(value) => {
                    values.insert(variable.name.clone(), value.as_str().into());
                }
                None => hosts.push(Value::from(variable.name.as_str())),
            }
        }
        let mut environment = json!({ "key_values": values });
        if !hosts.is_empty() {
            crate::json::set(&mut environment, "host_env_keys", hosts);
        }
        environment
    }
}

/// None where istiod cannot read the URL.
fn code(wasm: &WasmConfig) -> Option<Value> {
    let url = url::sent(&wasm.url).ok()?;
    Some(match url.starts_with("file:") {
        true => {
            let file = wasm.url.strip_prefix("file://").unwrap_or(&wasm.url);
            json!({ "local": { "filename": file } })
        }
        // The agent fetches it, so the cluster need not be one.
        false => {
            let mut remote =
                json!({ "http_uri": { "uri": url, "timeout": "30s", "cluster": "_" } });
            if !wasm.sha256.is_empty() {
                crate::json::set(&mut remote, "sha256", wasm.sha256.as_str());
            }
            json!({ "remote": remote })
        }
    })
}

/// The Secret with its namespace, which is that of the resource whatever is written.
fn secret(name: &str, namespace: &str) -> Option<String> {
    const SECRET: &str = "kubernetes://";
    let path = name.strip_prefix(SECRET).unwrap_or(name);
    let mut parts = path.split('/');
    let first = parts.next().filter(|first| !first.is_empty())?;
    Some(format!(
        "{SECRET}{namespace}/{}",
        parts.next().unwrap_or(first)
    ))
}

/// The same as a protobuf Struct has it, whose numbers are doubles: what is whole is written as such.
fn as_struct(map: &Map<String, Value>) -> Map<String, Value> {
    let fields = map.iter();
    fields
        .map(|(name, value)| (name.clone(), struct_value(value)))
        .collect()
}

fn struct_value(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(as_struct(map)),
        Value::Array(items) => items.iter().map(struct_value).collect(),
        Value::Number(number) => Value::Number(double(number)),
        other => other.clone(),
    }
}

fn double(number: &Number) -> Number {
    let Some(double) = number.as_f64() else {
        return number.clone();
    };
    // From here on Go writes an exponent, as Rust does.
    let is_short = double.abs() < 1e16;
    let is_whole = double.fract() == 0.0 && !(double == 0.0 && double.is_sign_negative());
    if is_whole && is_short {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "it is whole, and below 2^63"
        )]
        return Number::from(double as i64);
    }
    Number::from_f64(double).unwrap_or_else(|| number.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_doubles() {
        let tree: Value = serde_json::from_str(
            "{\"z\": 1, \"a\": [1.0, 1.5, -0.0, -3], \"b\": {\"c\": 9007199254740993, \"d\": null}, \"e\": \"1\"}",
        )
        .unwrap();
        let text = Value::Object(as_struct(tree.as_object().unwrap())).to_string();
        assert_eq!(
            text,
            "{\"a\":[1,1.5,-0.0,-3],\"b\":{\"c\":9007199254740992,\"d\":null},\"e\":\"1\",\"z\":1}"
        );
    }

    #[test]
    fn a_secret_is_of_the_resources_namespace() {
        for (name, sent) in [
            ("", None),
            ("cred", Some("kubernetes://shop/cred")),
            ("kubernetes://cred", Some("kubernetes://shop/cred")),
            ("kubernetes://other/cred", Some("kubernetes://shop/cred")),
        ] {
            assert_eq!(secret(name, "shop").as_deref(), sent, "{name}");
        }
    }
}
