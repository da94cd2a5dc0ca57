//! The fields of a module: at the top of a WasmPlugin's `spec`, below `wasm` in a TrafficExtension's.

use super::fields::Fields;
use super::{ExtensionKind, FailStrategy, PluginType, WasmConfig, env, url};
use sdk_helpers::config::Problems;
use serde_json::Value;

pub(super) const FIELDS: [&str; 10] = [
    "url",
    "sha256",
    "imagePullPolicy",
    "imagePullSecret",
    "verificationKey",
    "pluginConfig",
    "pluginName",
    "failStrategy",
    "vmConfig",
    "type",
];

const SHA256: usize = 64;
const LONGEST_SECRET: usize = 253;
const LONGEST_NAME: usize = 256;

const FAIL_STRATEGIES: [(&str, FailStrategy); 3] = [
    ("FAIL_CLOSE", FailStrategy::FailClose),
    ("FAIL_OPEN", FailStrategy::FailOpen),
    ("FAIL_RELOAD", FailStrategy::FailReload),
];
const PULL_POLICIES: [(&str, &str); 3] = [
    ("UNSPECIFIED_POLICY", ""),
    ("IfNotPresent", "IfNotPresent"),
    ("Always", "Always"),
];
const TYPES: [(&str, PluginType); 3] = [
    ("UNSPECIFIED_PLUGIN_TYPE", PluginType::Http),
    ("HTTP", PluginType::Http),
    ("NETWORK", PluginType::Network),
];

pub(super) fn read(fields: &Fields<'_>, kind: ExtensionKind, problems: &Problems) -> WasmConfig {
    check_url(fields);
    check_sha256(fields);
    let secret = fields.text_if_any("imagePullSecret");
    if secret.len() > LONGEST_SECRET {
        let problem = "imagePullSecret field must be less than 253 characters long";
        fields.error("imagePullSecret", problem);
    }
    let name = fields.text_if_any("pluginName");
    if name.len() > LONGEST_NAME {
        let problem = match kind {
            ExtensionKind::WasmPlugin => "pluginName field must be less than 255 characters long",
            ExtensionKind::TrafficExtension => {
                "pluginName field must be less than 256 characters long"
            }
        };
        fields.error("pluginName", problem);
    }
    if !fields.text("verificationKey").is_empty() {
        fields.warn("verificationKey", "Istio does not verify anything with it");
    }
    let config = fields.get("pluginConfig");
    if config.is_some_and(|config| !config.is_object()) {
        fields.error("pluginConfig", "a mapping is expected here");
    }
    WasmConfig {
        url: fields.text("url").to_owned(),
        sha256: fields.text("sha256").to_owned(),
        image_pull_policy: fields.word("imagePullPolicy", &PULL_POLICIES).to_owned(),
        image_pull_secret: secret.to_owned(),
        plugin_config: config
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        plugin_name: name.to_owned(),
        fail_strategy: fields.word("failStrategy", &FAIL_STRATEGIES),
        env: env::read(fields, problems),
        plugin_type: fields.word("type", &TYPES),
    }
}

fn check_url(fields: &Fields<'_>) {
    let text = fields.text("url");
    if let Err(problem) = url::check(text) {
        fields.error("url", problem);
    } else if let Err(problem) = url::sent(text) {
        let problem = format!(
            "istiod cannot read it, though its validation can, and drops the resource: {problem}; \
             write the scheme: `oci://…`"
        );
        fields.warn("url", problem);
    }
}

fn check_sha256(fields: &Fields<'_>) {
    let sum = fields.text("sha256");
    if sum.is_empty() {
        return;
    }
    if sum.len() != SHA256 {
        fields.error("sha256", "sha256 field must be 64 characters long");
    } else if !sum.bytes().all(|c| matches!(c, b'a'..=b'f' | b'0'..=b'9')) {
        let problem = "sha256 field must match [a-f0-9]{64} pattern";
        fields.error("sha256", problem);
    }
}
