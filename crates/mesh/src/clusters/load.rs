//! `loadBalancer`: which endpoint gets the next request.

use serde_json::{Map, Value, json};

use crate::routes::duration;

/// Istio's own choice is the one with the fewest requests in flight.
pub(crate) fn apply(out: &mut Map<String, Value>, said: Option<&Value>) {
    let text = |name: &str| said.and_then(|said| said.get(name)).and_then(Value::as_str);
    let mut set = |name: &str, value: Value| out.insert(name.to_owned(), value);
    let hash = said.and_then(|said| said.get("consistentHash"));
    if let Some(hash) = hash {
        let size = |pointer: &str| {
            hash.pointer(pointer)
                .and_then(Value::as_u64)
                .filter(|size| *size > 0)
        };
        if hash.get("maglev").is_some() {
            set("lb_policy", json!("MAGLEV"));
            if let Some(size) = size("/maglev/tableSize") {
                set("maglev_lb_config", json!({"table_size": size}));
            }
            return;
        }
        let size = size("/ringHash/minimumRingSize").or(size("/minimumRingSize"));
        set("lb_policy", json!("RING_HASH"));
        set(
            "ring_hash_lb_config",
            json!({"minimum_ring_size": size.unwrap_or(1024)}),
        );
        return;
    }
    let warmup = said.and_then(|said| said.get("warmup"));
    let window = warmup
        .and_then(|warmup| warmup.get("duration"))
        .and_then(Value::as_str)
        .or(text("warmupDurationSecs"))
        .and_then(duration);
    let (policy, settings) = match text("simple") {
        Some("RANDOM") => ("RANDOM", None),
        Some("ROUND_ROBIN") => ("ROUND_ROBIN", Some("round_robin_lb_config")),
        _ => ("LEAST_REQUEST", Some("least_request_lb_config")),
    };
    set("lb_policy", json!(policy));
    if let (Some(window), Some(settings)) = (window, settings) {
        set(
            settings,
            json!({"slow_start_config": {"slow_start_window": window}}),
        );
    }
}
