//! Configurations of ours inside something else: an EnvoyFilter, a bootstrap, a WasmPlugin.

use catalog::Filter;
use documents::Spot;
use serde_json::Value;

/// A configuration of a filter of ours.
#[derive(Debug)]
pub struct Embedded {
    /// Whose it is.
    pub filter: &'static Filter,
    /// Where it begins; what stands in a text has no place of its own in it.
    pub path: String,
    /// The configuration, or why the text is none.
    pub tree: Result<Value, String>,
}

const WASM: &str = "extensions.filters.http.wasm.v3.Wasm";

/// Those of an object: of Istio's EnvoyFilter, WasmPlugin and TrafficExtension, of Envoy Gateway's
/// EnvoyExtensionPolicy, of a bootstrap of Envoy's, or of any part of one.
#[must_use]
pub fn embedded(object: &Spot<'_>) -> Vec<Embedded> {
    let spec = object.field("spec");
    let mut found = Vec::new();
    match object.text("kind") {
        "WasmPlugin" => found.extend(spec.and_then(|spec| plugin(&spec))),
        "TrafficExtension" => {
            let wasm = spec.and_then(|spec| spec.field("wasm"));
            found.extend(wasm.and_then(|wasm| plugin(&wasm)));
        }
        "EnvoyExtensionPolicy" => {
            let modules = spec.map(|spec| spec.list("wasm"));
            found.extend(modules.unwrap_or_default().iter().filter_map(gateway));
        }
        _ => object.walk(&mut |spot| found.extend(wasm(spot))),
    }
    found
}

/// What a WasmPlugin says of a module.
fn plugin(spec: &Spot<'_>) -> Option<Embedded> {
    let filter = named(spec.text("pluginName")).or_else(|| named_by(spec.text("url")))?;
    Some(plain(filter, spec, "pluginConfig"))
}

/// What Envoy Gateway's EnvoyExtensionPolicy says of a module.
fn gateway(module: &Spot<'_>) -> Option<Embedded> {
    let code = module.field("code");
    let url = |kind: &str| Some(code.as_ref()?.field(kind)?.text("url"));
    let filter = named(module.text("rootID"))
        .or_else(|| named_by(url("image")?))
        .or_else(|| named_by(url("http")?))?;
    Some(plain(filter, module, "config"))
}

/// A configuration that is a field, as it stands. Without one a module is told nothing, which is an empty one.
fn plain(filter: &'static Filter, spot: &Spot<'_>, name: &str) -> Embedded {
    let config = spot.field(name);
    let tree = config.map(|config| config.value().clone());
    Embedded {
        filter,
        path: spot.path_of(name),
        tree: Ok(tree.unwrap_or_else(|| Value::Object(serde_json::Map::new()))),
    }
}

/// A filter of Envoy's that loads a module, where this is one.
fn wasm(spot: &Spot<'_>) -> Option<Embedded> {
    let kind = spot.text("@type");
    let config = if kind.ends_with(WASM) {
        spot.field("config")?
    } else if spot.envoy("type_url")?.value().as_str()?.ends_with(WASM) {
        spot.at(&["value", "config"])?
    } else {
        return None;
    };
    let code = config.envoy("vm_config").and_then(|vm| vm.field("code"));
    let file = code
        .as_ref()
        .and_then(|code| code.at(&["local", "filename"]));
    let remote = code
        .as_ref()
        .and_then(|code| code.field("remote")?.envoy("http_uri"));
    let root = config.envoy("root_id");
    let text = |spot: &Spot<'_>| spot.value().as_str().map(str::to_owned);
    let filter = root
        .as_ref()
        .and_then(text)
        .and_then(|root| named(&root))
        .or_else(|| named_by(&text(&file?)?))
        .or_else(|| named_by(remote?.text("uri")))?;
    let Some(configuration) = config.field("configuration") else {
        return Some(plain(filter, &config, "configuration"));
    };
    let path = configuration.path_of("value");
    let value = configuration.value().get("value").cloned();
    let value = value.unwrap_or_default();
    let tree = match (configuration.text("@type"), value) {
        (kind, Value::String(text)) if kind.ends_with("StringValue") => {
            let read = serde_json::from_str(&text);
            read.map_err(|error| format!("is no JSON: {error}"))
        }
        // Bytes in base64: whoever writes that has made them by a program.
        (kind, _) if kind.ends_with("BytesValue") => return None,
        (_, value) => Ok(value),
    };
    Some(Embedded { filter, path, tree })
}

fn named(name: &str) -> Option<&'static Filter> {
    catalog::find(name).ok()
}

/// The filter of ours that a module is: the last part of its address names it, `oci://registry.example/team/rate-limit:0.1.0`,
/// `dist/rate-limit.wasm`.
#[must_use]
pub fn named_by(address: &str) -> Option<&'static Filter> {
    let last = address.rsplit('/').next()?;
    let end = last.find([':', '@', '?']).unwrap_or(last.len());
    let name = last.get(..end)?;
    named(name.strip_suffix(".wasm").unwrap_or(name))
}
