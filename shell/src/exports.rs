//! What a module exports: what Envoy looks for by ABI 0.2.1, each callback handed to the contexts.

/// The exports of a module with this chain. Part of [`register!`](crate::register).
#[doc(hidden)]
#[macro_export]
macro_rules! exports {
    ($chain:ty) => {
        ::std::thread_local! {
            // A module has one thread: this is a static, and costs nothing to reach.
            static CONTEXTS: $crate::Contexts<$chain> = const { $crate::Contexts::new() };
        }

        $crate::exports! { of CONTEXTS:
            on_context_create(context: u32, root: u32);
            on_vm_start(root: u32, size: usize) -> bool;
            on_configure(root: u32, size: usize) -> bool;
            on_request_headers(context: u32, count: usize, end: u32) -> $crate::Action;
            on_response_headers(context: u32, count: usize, end: u32) -> $crate::Action;
            on_log(context: u32);
            on_delete(context: u32);
            on_tick(root: u32);
            on_queue_ready(root: u32, queue: u32);
            on_http_call_response(root: u32, token: u32, headers: usize, body: usize, trailers: usize);
            on_grpc_receive(root: u32, token: u32, size: usize);
            on_grpc_close(root: u32, token: u32, status: u32);
        }
    };
    (of $contexts:ident: $($name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {$(
        #[unsafe(export_name = concat!("proxy_", stringify!($name)))]
        extern "C" fn $name($($argument: $kind),*) $(-> $result)? {
            $contexts.with(|contexts| contexts.$name($($argument),*))
        }
    )*};
}
