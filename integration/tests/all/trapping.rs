//! Modules that die: no input is known that makes one of ours trap, so a copy of it is made to.

use std::path::PathBuf;

use integration::envoy::{Scratch, repository};
use walrus::{ExportItem, FunctionBuilder, FunctionKind, Module};

/// A copy of a module of ours in which one callback traps.
pub(crate) fn trapping(module: &str, callback: &str, scratch: &Scratch) -> PathBuf {
    let built = repository().join(format!("dist/{module}.wasm"));
    let mut module = Module::from_file(&built).expect("run `cargo xtask build` first");
    let export = module.exports.iter().find(|export| export.name == callback);
    let export = export.unwrap_or_else(|| panic!("no export `{callback}`"));
    let ExportItem::Function(function) = export.item else {
        panic!("`{callback}` is no function")
    };
    let id = export.id();
    assert!(matches!(
        module.funcs.get(function).kind,
        FunctionKind::Local(_)
    ));
    let kind = module.types.get(module.funcs.get(function).ty()).clone();
    let arguments: Vec<_> = kind
        .params()
        .iter()
        .map(|kind| module.locals.add(*kind))
        .collect();
    let mut trap = FunctionBuilder::new(&mut module.types, kind.params(), kind.results());
    trap.func_body().unreachable();
    let trap = trap.finish(arguments, &mut module.funcs);
    module.exports.delete(id);
    module.exports.add(callback, trap);
    let path = scratch.path().join("trapping.wasm");
    module.emit_wasm_file(&path).expect("a module written");
    path
}
