//! A proxy-wasm host on wasmtime: the very `.wasm` that ships, run in the caller's own process, with
//! every status, phase and order that Envoy 1.40 shows to a module.
//!
//! It is a world, not a script. A test sets the world (clock, properties, clusters, shared data),
//! acts (a request arrives, time passes), and looks at what became of it; it never lists the calls
//! it expects, so a module may be rewritten without touching its tests. Two [`Host`]s in one [`World`] are two
//! workers of one Envoy.
//!
//! What Envoy punishes is kept to be looked at: [`Host::dead`] for a module that trapped,
//! [`Host::crashed`] for what would end the whole process, [`Host::violations`] for what Envoy lets pass and no
//! filter should do. What no machine changes is counted: [`Host::host_calls`] and, for a module that was compiled
//! to count them, [`Host::instructions`].
//!
//! ```
//! use wasm_host::{Host, Module, State};
//!
//! // A module that answers nothing and adds nothing.
//! let wasm = wat::parse_str(
//!     r#"(module
//!          (memory (export "memory") 1)
//!          (func (export "proxy_abi_version_0_2_1"))
//!          (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
//!          (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0)))"#,
//! )?;
//! let host = Host::new(&Module::compile_counting(&wasm)?)?;
//! assert!(host.configure(b"{}"), "{:?}", host.log());
//!
//! let request = [(":method", "GET"), (":path", "/"), (":authority", "app.example")];
//! let stream = host.request(&request, true);
//! assert_eq!(stream.state(), State::Continued);
//! stream.response_headers(&[(":status", "200")], true)?;
//! stream.done();
//!
//! assert!(host.host_calls().is_empty());
//! assert!(stream.instructions()["proxy_on_request_headers"] < 10);
//! assert_eq!((host.dead(), host.crashed()), (None, None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod abi;
mod answers;
mod call;
mod clock;
mod error;
mod exchange;
mod flow;
mod headers;
mod host;
mod instructions;
mod log;
mod metrics;
mod module;
mod number;
mod properties;
mod queues;
mod reply;
mod roots;
mod shared;
mod shared_data;
mod single_line;
mod state;
mod status;
mod stream;
mod upstreams;
mod vm;
mod wasi;
mod world;

pub use clock::Ticks;
pub use error::Error;
pub use headers::Headers;
pub use host::Host;
pub use log::Level;
pub use module::Module;
pub use reply::LocalReply;
pub use status::Status;
pub use stream::{State, Stream};
pub use upstreams::{PendingCall, Protocol};
pub use world::World;
