//! A copy of a module in which each function counts the instructions that it runs.
//!
//! A straight line of instructions runs as a whole, so that its number is added once, where it begins. What counts
//! as an instruction is what wasmtime's fuel takes for one.

use walrus::ir::{BinaryOp, Const, Instr, InstrSeqId, UnaryOp, Value};
use walrus::ir::{GlobalGet, GlobalSet, LocalGet, LocalSet};
use walrus::{ConstExpr, FunctionId, GlobalId, InstrLocId, LocalFunction, LocalId};
use walrus::{ModuleConfig, ValType};

/// A module that counts.
#[derive(Debug)]
pub struct Counted {
    /// Its bytes.
    pub wasm: Vec<u8>,
    /// The name of each exported counter, and that of its function as the compiler wrote it.
    pub names: Vec<(String, String)>,
}

/// Gives each function of a module a counter.
///
/// # Errors
/// If the bytes are no module.
pub fn put_into(wasm: &[u8]) -> Result<Counted, String> {
    let mut config = ModuleConfig::new();
    config.generate_synthetic_names_for_anonymous_items(false);
    let parsed = config.parse(wasm);
    let mut module = parsed.map_err(|error| format!("not a wasm module: {error:#}"))?;
    let local = module.funcs.iter_local();
    let functions: Vec<FunctionId> = local.map(|(id, _)| id).collect();
    let mut names = Vec::new();
    for (number, id) in functions.into_iter().enumerate() {
        let zero = ConstExpr::Value(Value::I64(0));
        let counter = module.globals.add_local(ValType::I64, true, false, zero);
        let length = module.locals.add(ValType::I32);
        let name = format!("instructions_{number}");
        module.exports.add(&name, counter);
        let function = module.funcs.get_mut(id);
        let nameless = format!("function {number}");
        names.push((name, function.name.clone().unwrap_or(nameless)));
        count(function.kind.unwrap_local_mut(), counter, length);
    }
    let wasm = module.emit_wasm();
    Ok(Counted { wasm, names })
}

fn count(function: &mut LocalFunction, counter: GlobalId, length: LocalId) {
    let entry = function.entry_block();
    for sequence in sequences(function, entry) {
        // To begin a function counts one.
        let first = i64::from(sequence == entry);
        let counted = with_counts(&function.block(sequence).instrs, first, counter, length);
        function.block_mut(sequence).instrs = counted;
    }
}

/// All sequences of instructions there are in a function.
fn sequences(function: &LocalFunction, entry: InstrSeqId) -> Vec<InstrSeqId> {
    let mut found = vec![entry];
    let mut at = 0;
    while let Some(sequence) = found.get(at).copied() {
        at += 1;
        for (instruction, _) in &function.block(sequence).instrs {
            match instruction {
                Instr::Block(block) => found.push(block.seq),
                Instr::Loop(again) => found.push(again.seq),
                Instr::IfElse(either) => found.extend([either.consequent, either.alternative]),
                _ => {}
            }
        }
    }
    found
}

type Instructions = Vec<(Instr, InstrLocId)>;

fn with_counts(
    instructions: &Instructions,
    first: i64,
    counter: GlobalId,
    length: LocalId,
) -> Instructions {
    let mut counted = Vec::with_capacity(instructions.len() + 8);
    let (mut line, mut number): (Instructions, i64) = (Vec::new(), first);
    for one in instructions {
        number += cost(&one.0);
        if goes_by_bytes(&one.0) {
            line.extend(add_length(counter, length));
        }
        line.push(one.clone());
        if may_leave(&one.0) {
            counted.extend(add(counter, number));
            counted.append(&mut line);
            number = 0;
        }
    }
    counted.extend(add(counter, number));
    counted.append(&mut line);
    counted
}

/// As wasmtime has it.
fn cost(instruction: &Instr) -> i64 {
    match instruction {
        Instr::Block(_)
        | Instr::Loop(_)
        | Instr::Drop(_)
        | Instr::Return(_)
        | Instr::Unreachable(_) => 0,
        _ => 1,
    }
}

/// Whether what follows in the sequence may not run, or not as often.
fn may_leave(instruction: &Instr) -> bool {
    matches!(
        instruction,
        Instr::Block(_)
            | Instr::Loop(_)
            | Instr::IfElse(_)
            | Instr::Br(_)
            | Instr::BrIf(_)
            | Instr::BrTable(_)
            | Instr::Return(_)
            | Instr::Unreachable(_)
    )
}

/// Whether each byte counts one more; their number is the last operand.
fn goes_by_bytes(instruction: &Instr) -> bool {
    matches!(
        instruction,
        Instr::MemoryCopy(_) | Instr::MemoryFill(_) | Instr::MemoryInit(_)
    )
}

fn add(counter: GlobalId, number: i64) -> Instructions {
    if number == 0 {
        return Vec::new();
    }
    let more = Const {
        value: Value::I64(number),
    };
    placed([
        GlobalGet { global: counter }.into(),
        more.into(),
        plus(),
        GlobalSet { global: counter }.into(),
    ])
}

/// Adds the operand on top, and leaves it there.
fn add_length(counter: GlobalId, length: LocalId) -> Instructions {
    let wide = walrus::ir::Unop {
        op: UnaryOp::I64ExtendUI32,
    };
    placed([
        LocalSet { local: length }.into(),
        GlobalGet { global: counter }.into(),
        LocalGet { local: length }.into(),
        wide.into(),
        plus(),
        GlobalSet { global: counter }.into(),
        LocalGet { local: length }.into(),
    ])
}

fn plus() -> Instr {
    let op = BinaryOp::I64Add;
    walrus::ir::Binop { op }.into()
}

fn placed<const N: usize>(instructions: [Instr; N]) -> Instructions {
    let place = InstrLocId::default();
    instructions.map(|one| (one, place)).into()
}

#[cfg(test)]
mod tests {
    use super::put_into;
    use wasm_host::{Host, Module};

    /// Ways to leave a line of instructions, and to come back to one.
    const WAYS: &str = r#"
    (module
      (memory (export "memory") 1)
      (func (export "proxy_abi_version_0_2_1"))
      (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
      (func $halve (param $n i32) (result i32)
        (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i32.const 0))))
        (i32.add (i32.const 1) (call $halve (i32.shr_u (local.get $n) (i32.const 1)))))
      (func $choose (param $n i32)
        (block $outer
          (block $inner
            (br_table $inner $outer (local.get $n)))
          (drop (i32.const 3))
          (br $outer)
          (drop (i32.const 4)))
        nop
        (memory.fill (i32.const 0) (i32.const 7) (i32.const 33))
        (memory.copy (i32.const 64) (i32.const 0) (local.get $n)))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (local $n i32)
        (local.set $n (i32.const 5))
        (loop $again
          (call $choose (local.get $n))
          (if (i32.and (local.get $n) (i32.const 1))
            (then (drop (call $halve (local.get $n))))
            (else (drop (select (i32.const 1) (i32.const 2) (local.get $n)))))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $again (i32.ge_s (local.get $n) (i32.const 0))))
        (i32.const 0)))"#;

    fn host(module: &Module) -> Host {
        let host = Host::new(module).unwrap();
        assert!(host.configure(b""));
        host
    }

    #[test]
    fn functions_count_together_what_wasmtime_counts() {
        let wasm = wat::parse_str(WAYS).unwrap();
        let plain = host(&Module::compile_counting(&wasm).unwrap());
        let counted = put_into(&wasm).unwrap();
        let counting = host(&Module::compile(&counted.wasm).unwrap());
        for host in [&plain, &counting] {
            let stream = host.request(&[(":method", "GET")], true);
            assert_eq!(
                stream.state(),
                wasm_host::State::Continued,
                "{:?}",
                host.dead()
            );
        }
        let expected = plain.instructions()["proxy_on_request_headers"];
        let names = counted.names.iter();
        let mut by_name: Vec<(&str, i64)> = names
            .map(|(counter, name)| (name.as_str(), counting.global(counter).unwrap()))
            .filter(|(_, sum)| *sum > 0)
            .collect();
        by_name.sort_unstable();
        let sum: i64 = by_name.iter().map(|(_, sum)| sum).sum();
        assert_eq!(u64::try_from(sum).unwrap(), expected, "{by_name:?}");
        let named = by_name
            .iter()
            .filter(|(name, _)| ["choose", "halve"].contains(name));
        assert_eq!(named.count(), 2, "{by_name:?}");
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(
            put_into(b"no")
                .unwrap_err()
                .starts_with("not a wasm module")
        );
    }
}
