//! A filter whose module is not at hand, in a listener of its own, and what becomes of requests to it.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::listener::{Listener, typed};
use integration::service::wait::until;
use serde_json::{Value, json};

use super::SOON;

/// The module: the smallest of ours.
pub(crate) const MODULE: &str = "fault-injection";
/// What `/abort` is answered with by the configuration before.
pub(crate) const LAST: u16 = 418;
/// The same by the configuration of which is asked.
pub(crate) const NEW: u16 = 419;
/// The same by a configuration that the module refuses.
pub(crate) const REFUSED: u16 = 99;

/// A filter: where its code is, and how it is configured.
#[derive(Clone)]
pub(crate) struct Filter {
    pub(crate) name: String,
    /// With `remote`, all that tells Envoy one VM from another.
    pub(crate) vm_id: String,
    pub(crate) code: Value,
    pub(crate) policy: &'static str,
    /// The status of `/abort`.
    pub(crate) abort: u16,
    /// `nack_on_code_cache_miss`.
    pub(crate) nack: bool,
}

impl Filter {
    /// `envoy.extensions.filters.http.wasm.v3.Wasm`, without its type.
    fn fields(&self) -> Value {
        json!({"config": {
            "name": self.name,
            "root_id": MODULE,
            "failure_policy": self.policy,
            "vm_config": {
                "vm_id": self.vm_id,
                "runtime": "envoy.wasm.runtime.v8",
                "code": self.code,
                "nack_on_code_cache_miss": self.nack,
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.Struct",
                "value": {"http": [{
                    "name": "abort",
                    "match": [{"uri": {"exact": "/abort"}}],
                    "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": self.abort}},
                }]},
            },
        }})
    }

    /// The same with its type, as what discovers configurations has it.
    pub(crate) fn typed(&self) -> Value {
        typed("envoy.extensions.filters.http.wasm.v3.Wasm", self.fields())
    }

    /// A listener of its name with this filter, which answers 200 to all that passes.
    pub(crate) fn listener(&self) -> Listener {
        observed(&self.name).filter("fetched", "wasm.v3.Wasm", self.fields())
    }
}

/// A listener without a filter, whose log has the flags too.
pub(crate) fn observed(name: &str) -> Listener {
    Listener::new(name).log("flags", "%RESPONSE_FLAGS%")
}

/// Code that Envoy fetches, with a timeout that outlasts the compilation of other modules, during which Envoy
/// reads no answers. `more` are fields of `envoy.config.core.v3.RemoteDataSource`.
pub(crate) fn remote(cluster: &str, path: &str, sha256: &str, more: Value) -> Value {
    let uri = format!("http://modules.example{path}");
    let mut source = json!({
        "http_uri": {"uri": uri, "cluster": cluster, "timeout": "60s"},
        "sha256": sha256,
    });
    if let (Value::Object(source), Value::Object(more)) = (&mut source, more) {
        source.extend(more);
    }
    json!({"remote": source})
}

/// Code in a file.
pub(crate) fn local(file: &str) -> Value {
    json!({"local": {"filename": file}})
}

/// What becomes of a request for `/abort`, in the page's words.
pub(crate) fn outcome(envoy: &Envoy, listener: &str) -> String {
    let answer = Client::http1(envoy.addr(listener)).get("/abort").try_send();
    match answer.map(|answer| answer.status) {
        Ok(LAST) => "last good".to_owned(),
        Ok(NEW) => "works".to_owned(),
        Ok(200) => "open".to_owned(),
        Ok(status) => status.to_string(),
        Err(broken) => broken.to_string(),
    }
}

/// Waits until a statistic is such. Envoy answers nobody while it compiles a module, and here it compiles
/// many.
#[track_caller]
pub(crate) fn wait_stat(envoy: &Envoy, name: &str, expected: impl Fn(u64) -> bool) {
    let mut last = None;
    let come = until(SOON, || {
        last = envoy::Admin::stat(&envoy.admin(), name).ok();
        last.filter(|value| expected(*value))
    });
    assert!(come.is_some(), "`{name}` is {last:?}");
}
