//! The modules that WasmPlugins, TrafficExtensions and EnvoyFilters name: ours are at hand.

use std::path::Path;

use istio::{Code, TrafficExtension};
use policies::named_by;
use serde_json::{Value, json};

/// Has a resource load the file of the module that it names; or says why it cannot.
pub(super) fn local(extension: &mut TrafficExtension, modules: &Path) -> Result<(), String> {
    let Code::Wasm(wasm) = &mut extension.code else {
        return Ok(());
    };
    let by_name = || catalog::find(&wasm.plugin_name).ok();
    let Some(filter) = named_by(&wasm.url).or_else(by_name) else {
        return Err(format!(
            "the module `{}` is none of mesh-filters",
            wasm.url.escape_debug()
        ));
    };
    wasm.url = format!("file://{}", file(modules, filter.name()).display());
    wasm.sha256 = String::new();
    Ok(())
}

/// Has every filter that loads a module of ours, from wherever, load the file of it.
pub(super) fn at_hand(listeners: &mut [Value], modules: &Path) {
    for listener in listeners {
        code(listener, modules);
    }
}

fn code(value: &mut Value, modules: &Path) {
    if let Some(filter) = named(value)
        && let Some(code) = value.pointer_mut("/vm_config/code")
    {
        *code = json!({"local": {"filename": file(modules, filter)}});
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| code(item, modules)),
        Value::Object(fields) => fields.values_mut().for_each(|field| code(field, modules)),
        _ => {}
    }
}

/// The filter of ours that a `PluginConfig` loads: `root_id` says it, as whatever reads configurations has it, or the
/// module's address.
fn named(config: &Value) -> Option<&'static str> {
    let code = config.pointer("/vm_config/code")?;
    let by_name = config.get("root_id").and_then(Value::as_str);
    let by_name = by_name.and_then(|name| catalog::find(name).ok());
    let by_address = || {
        let file = code.pointer("/local/filename");
        named_by(
            file.or_else(|| code.pointer("/remote/http_uri/uri"))?
                .as_str()?,
        )
    };
    Some(by_name.or_else(by_address)?.name())
}

fn file(modules: &Path, filter: &str) -> std::path::PathBuf {
    modules.join(format!("{filter}.wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_ours_are_those_at_hand() {
        let code = |code: Value| json!({"vm_config": {"code": code}});
        let mut all = [
            code(json!({"local": {"filename": "/etc/istio/rate-limit.wasm"}})),
            code(
                json!({"remote": {"http_uri": {"uri": "https://a.example/rate-limit-0.1.0.wasm"}}}),
            ),
            code(json!({"remote": {"http_uri": {"uri": "https://a.example/telemetry-tags.wasm"}}})),
            json!({"code": "DENIED"}),
            json!({"root_id": "rate-limit", "vm_config": {"code": {"local": {"filename": "/a/plugin.wasm"}}}}),
        ];
        let kept = [all[1].clone(), all[3].clone()];
        at_hand(&mut all, Path::new("/modules"));
        let local =
            |name: &str| code(json!({"local": {"filename": format!("/modules/{name}.wasm")}}));
        let [other, no_code] = kept;
        let named = all[4].pointer("/vm_config/code/local/filename");
        assert_eq!(named, Some(&json!("/modules/rate-limit.wasm")));
        assert_eq!(
            all[..4],
            [local("rate-limit"), other, local("telemetry-tags"), no_code]
        );
    }
}
