//! Takes out of a module what its filter does not use.
//!
//! The shell exports every callback that some filter needs, and Envoy calls each one a module exports: a
//! filter that only reads request headers would pay for responses and logs too. So the filter
//! declares what it needs (`Filter::NEEDS`, of which the shell's `register!` writes a custom section),
//! and the rest goes.

use std::collections::BTreeSet;

use walrus::{ExportItem, Module, ModuleConfig};

use crate::names;

/// The custom section that names the callbacks, separated by blanks, without their `proxy_`.
const SECTION: &str = "mesh_filters.callbacks";

/// Callbacks that make and end contexts, whatever the filter does.
const ALWAYS: [&str; 5] = [
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
];

/// What the shell has in place of the C library's, which the linker had to see and Envoy need not.
const OF_C: &str = "memcmp";

#[derive(Debug)]
pub(crate) struct Stripped {
    pub(crate) wasm: Vec<u8>,
    /// In alphabetical order.
    pub(crate) exports: Vec<String>,
}

/// `crates` are those whose functions keep their names.
pub(crate) fn strip(wasm: &[u8], crates: &[String]) -> Result<Stripped, String> {
    let mut module = cut(wasm)?;
    names::shorten(&mut module, crates);
    let mut exports: Vec<String> = module.exports.iter().map(|e| e.name.clone()).collect();
    exports.sort();
    Ok(Stripped {
        wasm: module.emit_wasm(),
        exports,
    })
}

/// The same code with every name that the compiler gave it, for a profile.
pub(crate) fn named(wasm: &[u8]) -> Result<Vec<u8>, String> {
    Ok(cut(wasm)?.emit_wasm())
}

/// The module with the exports that its filter needs, and what they reach.
fn cut(wasm: &[u8]) -> Result<Module, String> {
    let mut config = ModuleConfig::new();
    // Whatever walrus adds by itself would change with its version.
    config.generate_producers_section(false);
    config.generate_synthetic_names_for_anonymous_items(false);
    let mut module = config
        .parse(wasm)
        .map_err(|error| format!("not a wasm module: {error:#}"))?;

    let wanted = wanted(&mut module)?;
    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| {
            export.name == OF_C || is_callback(export) && !wanted.contains(&export.name)
        })
        .map(walrus::Export::id)
        .collect();
    for export in unused {
        module.exports.delete(export);
    }
    // Only a linker or an optimiser reads it, and neither comes after us.
    module.customs.remove_raw("target_features");
    walrus::passes::gc::run(&mut module);
    Ok(module)
}

/// The exports that stay; takes the section out on the way.
fn wanted(module: &mut Module) -> Result<BTreeSet<String>, String> {
    let mut declared = String::new();
    let mut found = false;
    while let Some(section) = module.customs.remove_raw(SECTION) {
        found = true;
        declared.push_str(
            std::str::from_utf8(&section.data)
                .map_err(|_| format!("section `{SECTION}`: not text"))?,
        );
        declared.push('\n');
    }
    if !found {
        return Err(format!(
            "no section `{SECTION}`, so its callbacks are unknown; add \
             `shell::register!(<filter>);` to its src/lib.rs"
        ));
    }
    let offered: BTreeSet<&str> = module
        .exports
        .iter()
        .filter(|export| is_callback(export))
        .map(|export| export.name.as_str())
        .collect();
    let mut wanted: BTreeSet<String> = ALWAYS.map(str::to_owned).into();
    for callback in declared.split_ascii_whitespace() {
        let export = format!("proxy_{callback}");
        if !offered.contains(export.as_str()) {
            let names: Vec<&str> = offered
                .iter()
                .filter_map(|name| name.strip_prefix("proxy_"))
                .collect();
            return Err(format!(
                "section `{SECTION}`: `{callback}` is no callback of the shell; correct it in \
                 its `callbacks.rs`; there are: {}",
                names.join(" ")
            ));
        }
        wanted.insert(export);
    }
    Ok(wanted)
}

fn is_callback(export: &walrus::Export) -> bool {
    matches!(export.item, ExportItem::Function(_)) && export.name.starts_with("proxy_on_")
}

#[cfg(test)]
mod tests {
    use super::{SECTION, Stripped};
    use walrus::{FunctionBuilder, Module, ModuleConfig, RawCustomSection};

    const PLUMBING: [&str; 6] = [
        "_initialize",
        "proxy_abi_version_0_2_1",
        "proxy_on_configure",
        "proxy_on_context_create",
        "proxy_on_memory_allocate",
        "proxy_on_vm_start",
    ];

    /// A module as the shell would make it; each export calls a function of its own.
    fn module(sections: &[&[u8]]) -> Vec<u8> {
        let mut module = Module::with_config(ModuleConfig::new());
        let callbacks = [
            "proxy_on_tick",
            "proxy_on_log",
            "proxy_on_delete",
            "proxy_on_request_headers",
        ];
        for name in PLUMBING.iter().chain(&callbacks).chain([&super::OF_C]) {
            let mut inner = FunctionBuilder::new(&mut module.types, &[], &[]);
            inner.name(format!("inner_{name}"));
            inner.func_body().i32_const(name.len() as i32).drop();
            let inner = inner.finish(vec![], &mut module.funcs);
            let mut outer = FunctionBuilder::new(&mut module.types, &[], &[]);
            outer.name((*name).to_owned());
            outer.func_body().call(inner);
            let outer = outer.finish(vec![], &mut module.funcs);
            module.exports.add(name, outer);
        }
        let memory = module.memories.add_local(false, false, 1, None, None);
        module.exports.add("memory", memory);
        for (name, data) in sections
            .iter()
            .map(|data| (SECTION, *data))
            .chain([("target_features", b"x".as_slice())])
        {
            module.customs.add(RawCustomSection {
                name: name.to_owned(),
                data: data.to_vec(),
            });
        }
        module.emit_wasm()
    }

    fn strip(wasm: &[u8]) -> Result<Stripped, String> {
        super::strip(wasm, &[])
    }

    fn functions(wasm: &[u8]) -> Vec<String> {
        let module = Module::from_buffer(wasm).unwrap();
        let mut names: Vec<String> = module.funcs.iter().filter_map(|f| f.name.clone()).collect();
        names.sort();
        names
    }

    #[test]
    fn keeps_what_is_declared_and_what_every_filter_needs() {
        let stripped = strip(&module(&[b"on_request_headers on_tick\n"])).unwrap();
        let mut expected: Vec<&str> = PLUMBING.to_vec();
        expected.extend([
            "memory",
            "proxy_on_delete",
            "proxy_on_request_headers",
            "proxy_on_tick",
        ]);
        expected.sort_unstable();
        assert_eq!(stripped.exports, expected);
    }

    #[test]
    fn code_behind_a_removed_export_goes_too_and_names_stay() {
        let before = module(&[b"on_tick"]);
        let stripped = strip(&before).unwrap();
        let names = functions(&stripped.wasm);
        assert!(functions(&before).contains(&"inner_proxy_on_log".to_owned()));
        assert!(!names.contains(&"inner_proxy_on_log".to_owned()));
        assert!(names.contains(&"inner_proxy_on_tick".to_owned()));
        assert!(stripped.wasm.len() < before.len());
    }

    #[test]
    fn a_profile_sees_the_same_code_and_the_names_that_are_left_out() {
        let module = module(&[b"on_tick"]);
        let stripped = functions(&strip(&module).unwrap().wasm);
        let named = functions(&super::named(&module).unwrap());
        assert_eq!(named, stripped);
        let library = "library::proxy_on_tick";
        let mut renamed = Module::from_buffer(&module).unwrap();
        for function in renamed.funcs.iter_mut() {
            function.name = Some(library.to_owned());
        }
        let renamed = renamed.emit_wasm();
        assert!(functions(&strip(&renamed).unwrap().wasm).is_empty());
        let kept = functions(&super::named(&renamed).unwrap());
        assert_eq!(kept, vec![library; stripped.len()]);
    }

    #[test]
    fn sections_meant_for_tools_are_gone() {
        let stripped = strip(&module(&[b"on_tick"])).unwrap();
        let module = Module::from_buffer(&stripped.wasm).unwrap();
        assert_eq!(module.customs.iter().count(), 0);
        assert!(module.producers.fields().is_empty() || !stripped.wasm.ends_with(b"producers"));
    }

    #[test]
    fn an_empty_declaration_leaves_the_plumbing() {
        let stripped = strip(&module(&[b""])).unwrap();
        assert!(!stripped.exports.contains(&"proxy_on_tick".to_owned()));
        assert!(stripped.exports.contains(&"proxy_on_delete".to_owned()));
    }

    #[test]
    fn several_declarations_add_up() {
        let stripped = strip(&module(&[b"on_tick", b"on_log"])).unwrap();
        assert!(stripped.exports.contains(&"proxy_on_tick".to_owned()));
        assert!(stripped.exports.contains(&"proxy_on_log".to_owned()));
    }

    #[test]
    fn the_same_module_gives_the_same_bytes() {
        let module = module(&[b"on_request_headers on_log"]);
        assert_eq!(strip(&module).unwrap().wasm, strip(&module).unwrap().wasm);
    }

    #[test]
    fn stripping_needs_a_declaration() {
        let problem = strip(&module(&[])).unwrap_err();
        assert_eq!(
            problem,
            "no section `mesh_filters.callbacks`, so its callbacks are unknown; add \
             `shell::register!(<filter>);` to its src/lib.rs"
        );
    }

    #[test]
    fn a_callback_the_shell_lacks_is_refused() {
        let problem = strip(&module(&[b"on_request_header"])).unwrap_err();
        assert!(
            problem.starts_with(
                "section `mesh_filters.callbacks`: `on_request_header` is no callback of the shell"
            ),
            "{problem}"
        );
        assert!(problem.contains(" on_request_headers "), "{problem}");
    }

    #[test]
    fn hostile_bytes_are_refused() {
        assert!(strip(b"").is_err());
        assert!(
            strip(b"not wasm")
                .unwrap_err()
                .starts_with("not a wasm module")
        );
        assert_eq!(
            strip(&module(&[b"\xff"])).unwrap_err(),
            "section `mesh_filters.callbacks`: not text"
        );
    }
}
