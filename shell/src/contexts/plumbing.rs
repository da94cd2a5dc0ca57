//! The exports that are the same whatever the filter.

use super::host;

unsafe extern "C" {
    /// The linker's: the constructors of all that is linked in.
    safe fn __wasm_call_ctors();
}

/// Were the constructors not called from here, the linker would have every export call them.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    __wasm_call_ctors();
}

/// Says by its name which version of the ABI this is.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Where Envoy is to put what it hands over; null if there is no memory left.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    host::allocate(size)
}
