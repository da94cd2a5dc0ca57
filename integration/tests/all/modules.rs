//! What each built module is from the outside, held by numbers that no machine changes: what it exports and
//! imports, what it weighs, and what a request costs in it.

mod exports;
mod host_calls;
mod instructions;
mod memory;
mod sizes;
mod statistics;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use integration::envoy::repository;
use wasm_host::{Host, Level, Module};

/// The folders of what is shipped and of what only tests load.
const FOLDERS: [&str; 2] = ["dist", "target/test-modules"];

/// The noop as the compiler leaves it, which only the benchmark loads.
const UNSTRIPPED: &str = "noop-unstripped";

/// Every module there is, by name.
fn built() -> BTreeMap<String, PathBuf> {
    let files = FOLDERS.iter().flat_map(|folder| {
        let folder = repository().join(folder);
        fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}; {BUILD}", folder.display()))
            .map(|entry| entry.expect("an entry of a folder").path())
    });
    files
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), file))
        .filter(|(name, _)| name != UNSTRIPPED)
        .collect()
}

const BUILD: &str = "run `cargo xtask build` first";

fn module(name: &str) -> Module {
    let built = built();
    let file = built.get(name);
    Module::load(file.unwrap_or_else(|| panic!("no module `{name}`: {BUILD}"))).unwrap()
}

fn loaded(name: &str, configuration: &str) -> Host {
    let host = Host::new(&module(name)).unwrap();
    // Envoy's own default.
    host.log_level(Level::Info);
    assert!(host.configure(configuration.as_bytes()), "{:?}", host.log());
    host
}

fn fault(rule: &str) -> Host {
    loaded(
        "fault-injection",
        &format!(r#"{{ "http": [{{ {rule} }}] }}"#),
    )
}

fn authorization(policies: &str) -> Host {
    loaded(
        "authorization-policy",
        &format!(r#"{{ "policies": [{policies}] }}"#),
    )
}

const GET: &[(&str, &str)] = &[
    (":method", "GET"),
    (":path", "/path?q=1"),
    (":scheme", "http"),
    (":authority", "app.example"),
    ("user-agent", "test"),
    ("x-request-id", "1"),
];
/// One path is allowed, and asked for with all that a policy can look at.
const POLICIES: &str = r#"{"name": "p", "namespace": "ns", "rules": [{
    "from": [{"source": {"notPrincipals": ["x"], "notRemoteIpBlocks": ["10.0.0.0/8"]}}],
    "to": [{"operation": {"paths": ["/a"], "hosts": ["*"], "methods": ["GET"]}}],
    "when": [{"key": "request.auth.claims[sub]", "notValues": ["x"]}]
}]}"#;
const DELAY: &str =
    r#""fault": { "delay": { "fixedDelay": "1s", "percentage": { "value": 100 } } }"#;
const ABORT: &str =
    r#""fault": { "abort": { "httpStatus": 503, "percentage": { "value": 100 } } }"#;

fn limits(limits: &str) -> Host {
    loaded("rate-limit", &format!(r#"{{ "limits": [{limits}] }}"#))
}

/// A limit with all that a request may need memory for.
const KEYED: &str = r#"{ "key": [{ "header": "user-agent" }, { "path": {} }], "requests": 99, "per": "1s", "candidate": { "requests": 9, "per": "1s" } }"#;

/// The key of RFC 8037, appendix A.
const RULE: &str = r#"{"jwtRules": [{"issuer": "joe", "jwks": "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"}]}"#;

fn telemetry(config: &str) -> Host {
    loaded("telemetry-tags", config)
}
