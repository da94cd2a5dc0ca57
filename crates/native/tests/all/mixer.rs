//! Mixer's quotas as limits of ours.

use crate::common::converted;
use serde_json::json;

const HANDLER: &str = "
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: quotahandler, namespace: istio-system}
spec:
  compiledAdapter: memquota
  params:
    quotas:
    - name: requestcountquota.instance.istio-system
      maxAmount: 500
      validDuration: 1s
      overrides:
      - {dimensions: {destination: reviews}, maxAmount: 1, validDuration: 5s}
      - {dimensions: {destination: productpage, source: 10.28.11.20}, maxAmount: 50, validDuration: 1s}
";
const WIRING: &str = r#"
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: requestcountquota, namespace: istio-system}
spec:
  compiledTemplate: quota
  params:
    dimensions:
      source: source.ip | "0.0.0.0"
      destination: destination.labels["app"] | destination.service.name | "unknown"
      version: destination.labels["version"] | "unknown"
      label: source.labels["app"] | "unknown"
---
apiVersion: config.istio.io/v1alpha2
kind: QuotaSpec
metadata: {name: request-count}
spec: {rules: [{quotas: [{charge: 1, quota: requestcountquota}]}]}
---
apiVersion: config.istio.io/v1alpha2
kind: QuotaSpecBinding
metadata: {name: request-count}
spec: {quotaSpecs: [{name: request-count, namespace: istio-system}], services: [{name: productpage, namespace: default}]}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: quota}
spec:
  match: match(request.headers["cookie"], "session=*") == false
  actions: [{handler: quotahandler, instances: [requestcountquota]}]
"#;

#[test]
fn quotas_are_limits_with_their_overrides_first() {
    let native = converted(&format!("{HANDLER}---{WIRING}"));
    assert_eq!(native.taken, [0, 1, 2, 3, 4]);
    let limits = native.tree["rateLimit"]["limits"].as_array().unwrap();
    let sizes: Vec<_> = limits
        .iter()
        .map(|it| {
            (
                it["name"].clone(),
                it["requests"].clone(),
                it["per"].clone(),
            )
        })
        .collect();
    assert_eq!(
        sizes,
        [
            (json!("requestcountquota.0"), json!(1), json!("5s")),
            (json!("requestcountquota.1"), json!(50), json!("1s")),
            (json!("requestcountquota"), json!(500), json!("1s")),
        ]
    );
    let key = json!([{"destination": {}}, {"remoteAddress": {"v4PrefixMaskLen": 32, "v6PrefixMaskLen": 128}}]);
    assert_eq!(limits[0]["key"], key);
    let cookie = json!({"prefix": "session="});
    for alternative in limits[0]["match"].as_array().unwrap() {
        assert_eq!(alternative["withoutHeaders"]["cookie"], cookie);
        assert!(alternative["headers"][":authority"].is_object());
    }
    assert_eq!(limits[1]["match"][0]["sourceCIDR"], json!(["10.28.11.20"]));
    let told: Vec<&str> = native
        .losses
        .iter()
        .map(|loss| loss.what.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "`quotaSpecs` is not carried over",
            "`services` is not carried over",
            "Mixer is no part of Istio since 1.8, and nothing enforces this quota",
            "dimension `label` is not known to a limit",
            "dimension `version` is not known to a limit",
        ]
    );
}

#[test]
fn what_is_not_wired_is_told_and_converted() {
    let native = converted(HANDLER);
    let told: Vec<&str> = native
        .losses
        .iter()
        .map(|loss| loss.what.as_str())
        .collect();
    for what in [
        "no instance `requestcountquota`",
        "no rule",
        "no QuotaSpec ",
        "no QuotaSpecBinding",
        "what this override is for",
    ] {
        assert!(
            told.iter().any(|loss| loss.contains(what)),
            "{what}: {told:#?}"
        );
    }
    assert_eq!(
        native.tree["rateLimit"]["limits"],
        json!([{"name": "requestcountquota", "requests": 500, "per": "1s"}])
    );
}

#[test]
fn without_a_handler_of_quotas_nothing_is_taken() {
    let native = converted(WIRING.trim_start_matches("---"));
    assert_eq!((native.tree, native.taken.len()), (json!({}), 0));
}
