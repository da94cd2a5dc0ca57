//! The two resources as written, brought to one. The words of refusal are istiod's where it has some;
//! the rest is what the API server finds by the schema of the resource.

use super::fields::Fields;
use super::{Code, ExtensionKind, Mode, Phase, TrafficExtension, TrafficSelector, target, wasm};
use crate::{Error, Finding, Object};
use sdk_helpers::config::{At, Problem, Problems};
use serde_json::Value;

const API_VERSION: &str = "extensions.istio.io/v1alpha1";
const OBJECT: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
/// The fields that say where and when, the same in both.
const PLACEMENT: [&str; 5] = ["selector", "targetRefs", "phase", "priority", "match"];
/// A script longer than this is refused.
const LONGEST_SCRIPT: usize = 64 * 1024;

const WASM_PLUGIN_PHASES: [(&str, Phase); 4] = [
    ("UNSPECIFIED_PHASE", Phase::Unspecified),
    ("AUTHN", Phase::Authn),
    ("AUTHZ", Phase::Authz),
    ("STATS", Phase::Stats),
];
const TRAFFIC_EXTENSION_PHASES: [(&str, Phase); 4] = [
    ("UNSPECIFIED", Phase::Unspecified),
    ("AUTHN", Phase::Authn),
    ("AUTHZ", Phase::Authz),
    ("STATS", Phase::Stats),
];
const MODES: [(&str, Mode); 4] = [
    ("UNDEFINED", Mode::ClientAndServer),
    ("CLIENT", Mode::Client),
    ("SERVER", Mode::Server),
    ("CLIENT_AND_SERVER", Mode::ClientAndServer),
];

pub(super) fn read(object: &Object) -> Result<TrafficExtension, Error> {
    let problems = Problems::default();
    let extension = extension(object, &problems);
    let findings = |found: Vec<Problem>| -> Vec<Finding> {
        let found = found.into_iter();
        found
            .map(|found| Finding {
                position: object.position(&found.error.at),
                at: found.error.at,
                problem: found.error.problem,
                remedy: found.remedy,
            })
            .collect()
    };
    match extension {
        Some(mut extension) if !problems.has_errors() => {
            extension.warnings = findings(problems.warnings_in_full());
            Ok(extension)
        }
        _ => Err(Error::Invalid {
            name: format!("{}/{}", object.namespace(), object.name()),
            findings: findings(problems.errors_in_full()),
        }),
    }
}

/// None only where an error was reported.
fn extension(object: &Object, problems: &Problems) -> Option<TrafficExtension> {
    let kind = match object.kind() {
        "WasmPlugin" => ExtensionKind::WasmPlugin,
        "TrafficExtension" => ExtensionKind::TrafficExtension,
        other => {
            let problem = format!("expected WasmPlugin or TrafficExtension, found `{other}`");
            problems.error(&At::written("kind"), problem);
            return None;
        }
    };
    let top = Fields::of(object.value(), "", &OBJECT, problems);
    if object.api_version() != API_VERSION {
        let problem = format!("expected {API_VERSION}, found `{}`", object.api_version());
        top.error("apiVersion", problem);
    }
    if object.name().is_empty() {
        problems.error(&At::written("metadata.name"), "must be set");
    }
    let nothing = Value::Object(serde_json::Map::new());
    let spec = object.value().get("spec").filter(|spec| !spec.is_null());
    let spec = spec.unwrap_or(&nothing);
    let (spec, phases, code) = match kind {
        ExtensionKind::WasmPlugin => {
            let known = [&PLACEMENT[..], &["targetRef"], &wasm::FIELDS].concat();
            let spec = Fields::of(spec, "spec", &known, problems);
            let code = Code::Wasm(Box::new(wasm::read(&spec, kind, problems)));
            (spec, WASM_PLUGIN_PHASES, code)
        }
        ExtensionKind::TrafficExtension => {
            let known = [&PLACEMENT[..], &["wasm", "lua"]].concat();
            let spec = Fields::of(spec, "spec", &known, problems);
            let code = wasm_or_lua(&spec, problems);
            (spec, TRAFFIC_EXTENSION_PHASES, code)
        }
    };
    let metadata = |field: &str| {
        let metadata = object.value().get("metadata");
        let text = metadata.and_then(|metadata| metadata.get(field)?.as_str());
        text.unwrap_or_default().to_owned()
    };
    let (selector, target_refs) = target::read(&spec, problems);
    let priority = spec.whole("priority");
    Some(TrafficExtension {
        kind,
        name: object.name().to_owned(),
        namespace: object.namespace().to_owned(),
        created: metadata("creationTimestamp"),
        resource_version: metadata("resourceVersion"),
        selector,
        target_refs,
        phase: spec.word("phase", &phases),
        priority: priority.and_then(|priority| i32::try_from(priority).ok()),
        matches: matches(&spec, problems),
        code,
        warnings: Vec::new(),
    })
}

fn wasm_or_lua(spec: &Fields<'_>, problems: &Problems) -> Code {
    let (wasm, lua) = (spec.get("wasm"), spec.get("lua"));
    if wasm.is_some() == lua.is_some() {
        let at = At::written("spec");
        problems.error(&at, "exactly one of wasm or lua must be set");
    }
    let lua = spec.fields("lua", &["inlineCode"]).map(|lua| {
        let code = lua.text("inlineCode");
        if code.is_empty() {
            lua.error("inlineCode", "lua.inlineCode cannot be empty");
        } else if code.len() > LONGEST_SCRIPT {
            lua.error("inlineCode", "lua.inlineCode exceeds maximum size of 64KB");
        }
        code.to_owned()
    });
    let wasm = spec.fields("wasm", &wasm::FIELDS);
    let wasm = wasm.map(|wasm| wasm::read(&wasm, ExtensionKind::TrafficExtension, problems));
    match (wasm, lua) {
        (None, Some(script)) => Code::Lua(script),
        (wasm, _) => Code::Wasm(Box::new(wasm.unwrap_or_default())),
    }
}

fn matches(spec: &Fields<'_>, problems: &Problems) -> Vec<TrafficSelector> {
    let mut matches = Vec::new();
    for (index, (path, entry)) in spec.list("match").into_iter().enumerate() {
        if entry.is_null() {
            problems.error(&At::written(&path), format!("spec.Match[{index}] is nil"));
            continue;
        }
        let entry = Fields::of(entry, &path, &["mode", "ports"], problems);
        let mut ports = Vec::new();
        for (place, (path, port)) in entry.list("ports").into_iter().enumerate() {
            let named = format!("spec.Match[{index}].Ports[{place}]");
            if port.is_null() {
                problems.error(&At::written(&path), format!("{named} is nil"));
                continue;
            }
            let port = Fields::of(port, &path, &["number"], problems);
            let number = port.whole("number").unwrap_or(0);
            match u16::try_from(number) {
                Ok(number) if number > 0 && ports.contains(&u32::from(number)) => {
                    port.error("number", format!("duplicate port {number}"));
                }
                Ok(number) if number > 0 => ports.push(u32::from(number)),
                _ => port.error("number", format!("{named} is out of range: {number}")),
            }
        }
        let mode = entry.word("mode", &MODES);
        matches.push(TrafficSelector { mode, ports });
    }
    matches
}
