//! How often a request is tried again, and for what.

use serde_json::{Value, json};

use super::{duration, put};
use crate::model::virtual_service::Retries;

/// Envoy's `RetryPolicy`: two more tries where nobody says otherwise, none where zero is said. Hosts that failed are
/// not asked again, unless what a client is remembered by decides who is asked.
pub(super) fn retry_policy(said: Option<&Retries>, keeps_host: bool) -> Option<Value> {
    let standard = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
    let previous = json!([{
        "name": "envoy.retry_host_predicates.previous_hosts",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        },
    }]);
    let mut policy = json!({
        "num_retries": 2,
        "retry_on": standard,
        "host_selection_retry_max_attempts": "5",
    });
    let ignored = said
        .and_then(|said| said.ignore_previous_hosts)
        .unwrap_or(!keeps_host);
    if ignored {
        put(&mut policy, "retry_host_predicate", previous);
    }
    let Some(said) = said else {
        return Some(policy);
    };
    if said.attempts == 0 {
        return None;
    }
    put(&mut policy, "num_retries", json!(said.attempts));
    if let Some(on) = &said.retry_on {
        let (codes, mut words): (Vec<&str>, Vec<&str>) = on
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .partition(|word| {
                word.parse::<u16>()
                    .is_ok_and(|code| (100..600).contains(&code))
            });
        let codes: Vec<u16> = codes.iter().filter_map(|code| code.parse().ok()).collect();
        if !codes.is_empty() {
            if !words.contains(&"retriable-status-codes") {
                words.push("retriable-status-codes");
            }
            put(&mut policy, "retriable_status_codes", json!(codes));
        }
        put(&mut policy, "retry_on", json!(words.join(",")));
    }
    let times = [
        ("per_try_timeout", &said.per_try_timeout),
        ("backoff", &said.backoff),
    ];
    for (name, said) in times {
        let Some(time) = said.as_deref().and_then(duration) else {
            continue;
        };
        match name {
            "backoff" => put(
                &mut policy,
                "retry_back_off",
                json!({"base_interval": time}),
            ),
            _ => put(&mut policy, name, json!(time)),
        }
    }
    Some(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_policy_says_what_istiod_would() {
        let said = |text: &str| Retries {
            attempts: 3,
            retry_on: Some(text.to_owned()),
            per_try_timeout: Some("2s".to_owned()),
            ..Retries::default()
        };
        let of = |said: Retries| retry_policy(Some(&said), false).unwrap_or_default();
        let policy = of(said("5xx,503, 504"));
        assert_eq!(policy["retry_on"], "5xx,retriable-status-codes");
        assert_eq!(policy["retriable_status_codes"], json!([503, 504]));
        assert_eq!(
            (&policy["num_retries"], &policy["per_try_timeout"]),
            (&json!(3), &json!("2s"))
        );
        assert_eq!(of(said("reset"))["retry_on"], "reset");
        assert_eq!(retry_policy(Some(&Retries::default()), false), None);
        // Who is remembered goes back to the one that failed.
        assert_eq!(
            retry_policy(None, true).unwrap_or_default()["retry_host_predicate"],
            Value::Null
        );
    }
}
