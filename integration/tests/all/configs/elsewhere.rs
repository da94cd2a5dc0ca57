//! A filter in a repository of its own, made of the files that the page about it has, by the commands it
//! has: built, stripped, loaded, and asked.

use std::path::Path;
use std::process::Command;

use cases::{File, run};
use integration::client::Client;
use integration::engines::InWasm;
use integration::envoy::{Config, Envoy, Scratch, repository};
use wasm_host::{Host, Module, State};

use super::pages::Page;

const PAGE: &str = "docs/write-a-filter.md";
const FILTER: &str = "header-gate";
/// What it may need at most: what every module needs, and request headers.
const EXPORTS: [&str; 8] = [
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_request_headers",
    "proxy_on_vm_start",
];

/// What the page shows behind a line that begins with this file, and these words.
fn file(page: &Page, name: &str) -> String {
    let (_, rest) = page
        .text()
        .split_once(&format!("\n`{name}"))
        .unwrap_or_else(|| panic!("{PAGE}: no file `{name}`"));
    let (_, rest) = rest.split_once("\n```").expect("a fence");
    let (_, text) = rest.split_once('\n').expect("the word of a fence");
    text.split("\n```").next().unwrap().to_owned() + "\n"
}

/// Writes the files into a folder, as a repository beside this one.
fn write(folder: &Path) {
    let page = Page::read(PAGE);
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let here = repository().display().to_string();
    for name in [
        "Cargo.toml",
        "src/lib.rs",
        "src/case_files.rs",
        "envoy.yaml",
    ] {
        let mut text = file(&page, name).replace("../mesh-filters", &here);
        if name == "src/lib.rs" {
            // What the page has as the lines that make a module of it.
            text += &file(&page, "src/lib.rs` is the one above");
        }
        std::fs::write(folder.join(name), text).unwrap();
    }
    // The versions that are at hand: a test does not depend on what was released today.
    std::fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// Runs the page's command from this repository.
fn build(folder: &Path) {
    let manifest = folder.join("Cargo.toml").display().to_string();
    let page = Page::read(PAGE);
    let mut commands = page.commands().into_iter();
    let command = commands
        .find(|command| command.contains("--manifest-path"))
        .expect("a command that builds it")
        .replace("../header-gate/Cargo.toml", &manifest);
    let mut words = command.split_whitespace();
    let mut cargo = Command::new(words.next().unwrap());
    cargo.args(words).current_dir(repository());
    // What modules stand on has been compiled there already.
    cargo.env("CARGO_TARGET_DIR", repository().join("target"));
    let output = cargo.output().expect("cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_filter_of_another_repository_is_built_and_decides() {
    let scratch = Scratch::new().expect("a folder");
    let folder = scratch.path().join(FILTER);
    write(&folder);
    build(&folder);

    let file = folder.join(format!("dist/{FILTER}.wasm"));
    let bytes = std::fs::read(&file).expect("a module in its own dist");
    let place = scratch.path().display().to_string();
    let place = place.as_bytes();
    assert!(
        !bytes.windows(place.len()).any(|window| window == place),
        "the module tells where it was built"
    );

    let module = Module::compile(&bytes).expect("wasm");
    let mut exports = module.exports();
    exports.sort();
    assert_eq!(exports, EXPORTS);
    let host = Host::new(&module).expect("a module that Envoy takes");
    assert!(host.configure(br#"{"header": "X-Tenant", "values": ["blue"]}"#));
    let request = |tenant: &str| {
        let head = [
            (":method", "GET"),
            (":path", "/"),
            (":authority", "gate.example"),
            ("x-tenant", tenant),
        ];
        host.request(&head, true)
    };
    assert_eq!(request("blue").state(), State::Continued);
    let reply = request("red").reply().expect("an answer");
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (403, &b"not through this gate"[..])
    );
    assert!(!host.configure(br#"{"header": "no header", "value": ["blue"]}"#));

    // By the cases that are shown.
    let name = "cases/gate.yaml";
    let cases = File::parse(FILTER, name, &self::file(&Page::read(PAGE), name)).expect("cases");
    let report = run(&cases, &|filter, suite| {
        InWasm::module_of(&file, filter, suite)
    });
    assert!(report.is_well() && report.passed > 0, "{report}");

    // And in Envoy, by the file that is shown.
    let yaml = std::fs::read_to_string(folder.join("envoy.yaml")).unwrap();
    let yaml = yaml
        .replace("port_value: 10000", "port_value: 0")
        .replace("dist/", &format!("{}/dist/", folder.display()));
    let config = Config::from_yaml(&yaml).expect("a configuration");
    let envoy = Envoy::builder(config).scratch(scratch).start();
    let client = Client::http1(envoy.addr("ingress"));
    let ask = |tenant: &str| client.get("/").header("x-tenant", tenant).send();
    assert_eq!((ask("green").status, ask("red").status), (200, 403));
    assert_eq!(ask("red").text(), "not through this gate");
}
