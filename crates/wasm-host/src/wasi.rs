//! The few WASI functions that a module really runs into. The rest exist, and trap by name.

use super::call::Call;
use super::log::Level;
use super::state::State;
use wasmtime::{Caller, Linker, Result, bail};

const OK: u32 = 0;
const BAD_DESCRIPTOR: u32 = 8;
const INVALID: u32 = 28;
const NOT_SUPPORTED: u32 = 58;

/// Envoy draws at most this much at once.
const MOST_RANDOM: u32 = 64 * 1024;

type Wasm<'a> = Caller<'a, State>;

pub(crate) fn provide(linker: &mut Linker<State>) -> Result<()> {
    const WASI: &str = "wasi_snapshot_preview1";
    linker.func_wrap(WASI, "fd_write", fd_write)?;
    linker.func_wrap(WASI, "clock_time_get", clock_time_get)?;
    linker.func_wrap(WASI, "clock_res_get", clock_res_get)?;
    linker.func_wrap(WASI, "random_get", random_get)?;
    linker.func_wrap(WASI, "environ_get", environ_get)?;
    linker.func_wrap(WASI, "environ_sizes_get", environ_sizes_get)?;
    linker.func_wrap(WASI, "args_get", args_get)?;
    linker.func_wrap(WASI, "args_sizes_get", args_sizes_get)?;
    linker.func_wrap(WASI, "sched_yield", sched_yield)?;
    linker.func_wrap(WASI, "proc_exit", proc_exit)?;
    Ok(())
}

/// A bad pointer ends the module here; no test wants to go on after one.
fn sound<T>(answer: super::status::Answer<T>) -> Result<T> {
    match answer {
        Ok(value) => Ok(value),
        Err(super::status::Fail::Trap(error)) => Err(error),
        Err(super::status::Fail::Status(status)) => bail!("a bad pointer: {status:?}"),
    }
}

fn fd_write(caller: Wasm<'_>, fd: u32, vectors: u32, count: u32, written_at: u32) -> Result<u32> {
    let mut call = Call::enter(caller, "fd_write")?;
    let level = match fd {
        1 => Level::Info,
        2 => Level::Error,
        _ => return Ok(BAD_DESCRIPTOR),
    };
    let mut text = Vec::new();
    let all = sound(call.bytes(vectors, count.saturating_mul(8)))?;
    let (words, _) = all.as_chunks::<4>();
    for vector in words.chunks_exact(2) {
        if let [at, len] = *vector {
            let (at, len) = (u32::from_le_bytes(at), u32::from_le_bytes(len));
            text.extend(sound(call.bytes(at, len))?);
        }
    }
    sound(call.put_u32(written_at, super::number::number(text.len())))?;
    if !text.is_empty() {
        let line = String::from_utf8_lossy(&text);
        let line = line.strip_suffix('\n').unwrap_or(&line).to_owned();
        call.state().note(level, line);
    }
    Ok(OK)
}

fn clock_time_get(caller: Wasm<'_>, id: u32, _precision: u64, time_at: u32) -> Result<u32> {
    let mut call = Call::enter(caller, "clock_time_get")?;
    let clock = call.state().shared.clock.get();
    let time = match id {
        0 => clock.realtime / 1000 * 1000,
        1 => clock.monotonic,
        _ => return Ok(NOT_SUPPORTED),
    };
    sound(call.put_u64(time_at, time))?;
    Ok(OK)
}

fn clock_res_get(caller: Wasm<'_>, id: u32, resolution_at: u32) -> Result<u32> {
    let mut call = Call::enter(caller, "clock_res_get")?;
    let resolution = match id {
        0 => 1000,
        1 => 1,
        _ => return Ok(NOT_SUPPORTED),
    };
    sound(call.put_u64(resolution_at, resolution))?;
    Ok(OK)
}

fn random_get(caller: Wasm<'_>, at: u32, len: u32) -> Result<u32> {
    let mut call = Call::enter(caller, "random_get")?;
    if len > MOST_RANDOM {
        return Ok(INVALID);
    }
    let mut bytes = Vec::new();
    while bytes.len() < len as usize {
        bytes.extend(call.state().next_random().to_le_bytes());
    }
    bytes.truncate(len as usize);
    sound(call.put(at, &bytes))?;
    Ok(OK)
}

/// The variables as the module gets them: `name=value` and a zero byte.
fn variables(call: &mut Call<'_>) -> Vec<Vec<u8>> {
    let variables = call.state().environment.iter();
    let lines = variables.map(|(name, value)| format!("{name}={value}\0"));
    lines.map(String::into_bytes).collect()
}

fn environ_get(caller: Wasm<'_>, pointers_at: u32, bytes_at: u32) -> Result<u32> {
    let mut call = Call::enter(caller, "environ_get")?;
    let (mut pointer, mut at) = (pointers_at, bytes_at);
    for variable in variables(&mut call) {
        sound(call.put_u32(pointer, at))?;
        sound(call.put(at, &variable))?;
        pointer = pointer.wrapping_add(4);
        at = at.wrapping_add(super::number::number(variable.len()));
    }
    Ok(OK)
}

fn environ_sizes_get(caller: Wasm<'_>, count_at: u32, size_at: u32) -> Result<u32> {
    let mut call = Call::enter(caller, "environ_sizes_get")?;
    let variables = variables(&mut call);
    let size = variables.iter().map(Vec::len).sum();
    sound(call.put_u32(count_at, super::number::number(variables.len())))?;
    sound(call.put_u32(size_at, super::number::number(size)))?;
    Ok(OK)
}

fn args_get(caller: Wasm<'_>, _pointers_at: u32, _bytes_at: u32) -> Result<u32> {
    Call::enter(caller, "args_get")?;
    Ok(OK)
}

fn args_sizes_get(caller: Wasm<'_>, count_at: u32, size_at: u32) -> Result<u32> {
    let mut call = Call::enter(caller, "args_sizes_get")?;
    sound(call.put_u32(count_at, 0))?;
    sound(call.put_u32(size_at, 0))?;
    Ok(OK)
}

fn sched_yield(caller: Wasm<'_>) -> Result<u32> {
    Call::enter(caller, "sched_yield")?;
    Ok(OK)
}

fn proc_exit(caller: Wasm<'_>, code: u32) -> Result<()> {
    Call::enter(caller, "proc_exit")?;
    bail!("proc_exit({code})")
}
