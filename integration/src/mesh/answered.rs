//! Who answered a request into a mesh, and what he saw of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::Response;

/// What a workload says of itself and of the request.
///
/// # Panics
/// No workload answered.
#[track_caller]
pub fn seen(response: &Response) -> Value {
    let said = response.json();
    said.unwrap_or_else(|problem| panic!("status {}: {problem}", response.status))
}

/// The version of the workload that answered; the status where none did, or not well.
pub fn version_of(response: &Response) -> String {
    said(response, "version")
}

/// Its name.
pub fn name_of(response: &Response) -> String {
    said(response, "name")
}

/// The address of the replica that answered.
pub fn address_of(response: &Response) -> String {
    said(response, "address")
}

/// Whom it was called by, as its sidecar knows him.
#[track_caller]
pub fn caller_of(response: &Response) -> Option<String> {
    let caller = seen(response);
    caller["caller"].as_str().map(str::to_owned)
}

/// How often each answer came.
pub fn counts<'a>(
    responses: impl IntoIterator<Item = &'a Response>,
    of: impl Fn(&Response) -> String,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for response in responses {
        *counts.entry(of(response)).or_default() += 1;
    }
    counts
}

fn said(response: &Response, field: &str) -> String {
    let said = response.json().ok().filter(|_| response.status == 200);
    let value = said.and_then(|said| said.get(field)?.as_str().map(str::to_owned));
    value.unwrap_or_else(|| response.status.to_string())
}
