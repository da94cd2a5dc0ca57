//! The table of what Envoy grants, held against a real one.

use envoy_abi::{Abi, Import, Type};
use integration::envoy::{Config, Envoy, Scratch};
use oci::{AGENT_LIMIT, Module};

/// A module with these imports, which does nothing.
fn wasm(abi: Abi, imports: &str) -> Vec<u8> {
    let marker = abi.marker();
    let text = format!(
        r#"(module
             {imports}
             (memory (export "memory") 1)
             (func (export "{marker}"))
             (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024)))"#
    );
    wat::parse_str(text).unwrap()
}

fn import(import: &Import, module: &str) -> String {
    let types = |types: &mut dyn Iterator<Item = Type>| {
        let words = types.map(|kind| match kind {
            Type::I32 => " i32",
            Type::I64 => " i64",
        });
        words.collect::<String>()
    };
    format!(
        r#"(import "{module}" "{}" (func (param{}) (result{})))"#,
        import.name,
        types(&mut import.params()),
        types(&mut import.results())
    )
}

/// Whether Envoy takes a module; what it says where it does not.
fn offered(wasm: &[u8]) -> Result<(), String> {
    let scratch = Scratch::new().unwrap();
    let file = scratch.path().join("module.wasm");
    std::fs::write(&file, wasm).unwrap();
    let mut config = Config::from_yaml(include_str!("envoy.yaml")).unwrap();
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = config.value_mut().pointer_mut(filters).unwrap();
    filters[0]["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] =
        file.to_str().unwrap().into();
    Envoy::builder(config).scratch(scratch).validate()
}

#[test]
fn envoy_grants_all_that_the_table_has_in_each_version_of_the_abi() {
    for abi in Abi::ALL {
        let imports = abi.imports().flat_map(|granted| {
            let older = (granted.module != "env").then(|| import(granted, "wasi_unstable"));
            [Some(import(granted, granted.module)), older]
        });
        let all = wasm(abi, &imports.flatten().collect::<String>());
        let offered = offered(&all);
        assert_eq!(offered, Ok(()), "{}", abi.number());
        Module::read(all, AGENT_LIMIT).unwrap();
    }
}

#[test]
fn what_the_verifier_refuses_envoy_refuses_too() {
    for imports in [
        r#"(import "env" "proxy_fly" (func))"#,
        r#"(import "env" "proxy_log" (func (param i64)))"#,
        r#"(import "env" "memory_base" (global i32))"#,
        r#"(import "env" "proxy_continue_request" (func (result i32)))"#,
        r#"(import "wasi_snapshot_preview1" "path_link"
             (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)))"#,
    ] {
        let wasm = wasm(Abi::V0_2_1, imports);
        let log = offered(&wasm).unwrap_err();
        assert!(log.contains("Failed to load Wasm module due to"), "{log}");
        let refused = Module::read(wasm, AGENT_LIMIT).unwrap_err();
        assert!(
            refused.to_string().starts_with("Envoy has no "),
            "{refused}"
        );
    }
}
