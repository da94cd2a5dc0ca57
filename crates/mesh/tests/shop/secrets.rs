//! Certificates of a gateway's servers and of those that a DestinationRule calls.

use mesh::proxy::files::has_routes;
use serde_json::{Value, json};

use crate::support::{Shop, find, resources};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

fn secret(namespace: &str, name: &str, fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(name, text)| (*name, json!(text)));
    let fields = Value::Object(fields.map(|(name, text)| (name.to_owned(), text)).collect());
    format!(
        "kind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\nstringData: {fields}\n---\n"
    )
}

fn gateway(tls: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: secure}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - {{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: [shop.example], tls: {tls}}}
---
kind: VirtualService
metadata: {{name: secure}}
spec: {{hosts: [shop.example], gateways: [secure], http: [{{route: [{{destination: {{host: page}}}}]}}]}}
"
    )
}

fn socket(shop: &Shop) -> Value {
    let listeners = resources(&shop.gateway(), "listeners.json");
    let chain = find(&listeners, "0.0.0.0_443")["filter_chains"][0].clone();
    assert_eq!(
        chain["filter_chain_match"]["server_names"],
        json!(["shop.example"])
    );
    chain["transport_socket"]["typed_config"].clone()
}

#[test]
fn a_servers_certificate_is_a_file_of_its_proxy() {
    let pair = [("tls.crt", CERTIFICATE), ("tls.key", KEY)];
    let text = secret("istio-system", "shop-tls", &pair) + &gateway("{credentialName: shop-tls}");
    let (shop, _) = Shop::with(&text);
    assert_eq!(shop.mesh().said(), []);
    let proxy = shop.gateway();
    let names: Vec<&str> = proxy.secrets.iter().map(|one| one.name.as_str()).collect();
    let [chain, key] = names.as_slice() else {
        panic!("{names:?}");
    };
    assert!(chain.starts_with("secret-shop-tls-") && chain.ends_with(".chain.pem"));
    assert_eq!(proxy.secrets[1].bytes, KEY.as_bytes());
    let context = socket(&shop);
    assert_eq!(context["require_client_certificate"], false);
    let pair = &context["common_tls_context"]["tls_certificates"][0];
    assert_eq!(
        pair["private_key"]["filename"],
        json!(format!("/run/g/{key}"))
    );
    let listeners = resources(&proxy, "listeners.json");
    assert!(listeners.iter().any(|(name, _)| name == "0.0.0.0_80"));
    // The key is in no file but its own.
    assert!(!format!("{proxy:?}").contains("MAA="));
    assert!(!format!("{:?}", shop.model).contains("MAA="));
}

#[test]
fn every_file_of_routes_has_one_configuration_which_is_all_that_envoy_reads() {
    let pair = [("tls.crt", CERTIFICATE), ("tls.key", KEY)];
    let text = secret("istio-system", "a", &pair) + &gateway("{credentialName: a}");
    let text = text.replace("name: https,", "name: 'odd/name',");
    let (shop, _) = Shop::with(&text);
    let proxy = shop.gateway();
    let files = proxy.files("/run/g".as_ref(), ([127, 0, 0, 1], 0).into());
    let listeners = files.iter().find(|(name, _)| name == "listeners.json");
    let listeners = listeners.unwrap().1.to_string();
    let routes = files.iter().filter(|(name, _)| has_routes(name));
    let routes: Vec<(&String, usize)> = routes
        .map(|(name, value)| (name, value["resources"].as_array().unwrap().len()))
        .collect();
    assert_eq!(routes.len(), 2);
    for (file, count) in routes {
        assert_eq!(count, 1);
        assert!(
            listeners.contains(&format!("\"/run/g/{file}\"")),
            "{file}: {listeners}"
        );
    }
}

#[test]
fn another_certificate_has_another_name() {
    let name = |certificate: &str| {
        let pair = [("tls.crt", certificate), ("tls.key", KEY)];
        let text = secret("istio-system", "a", &pair) + &gateway("{credentialName: a}");
        Shop::with(&text).0.gateway().secrets[0].name.clone()
    };
    assert_eq!(name(CERTIFICATE), name(CERTIFICATE));
    assert_ne!(name(CERTIFICATE), name(&CERTIFICATE.repeat(2)));
}

#[test]
fn clients_prove_who_they_are_where_the_server_says_so() {
    let pair = [("tls.crt", CERTIFICATE), ("tls.key", KEY)];
    let apart = secret("istio-system", "a", &pair)
        + &secret("istio-system", "a-cacert", &[("cacert", CERTIFICATE)]);
    for (mode, required) in [("MUTUAL", true), ("OPTIONAL_MUTUAL", false)] {
        let tls = format!(
            "{{mode: {mode}, credentialName: a, subjectAltNames: [client.example], minProtocolVersion: TLSV1_3, \
             cipherSuites: [AES128-SHA, NONE]}}"
        );
        let (shop, said) = Shop::with(&(apart.clone() + &gateway(&tls)));
        assert!(
            said.iter()
                .any(|said| said.contains("\"NONE\" is no cipher suite"))
        );
        let context = socket(&shop);
        assert_eq!(context["require_client_certificate"], required);
        let context = &context["common_tls_context"];
        assert_eq!(
            context["tls_params"],
            json!({"tls_minimum_protocol_version": "TLSv1_3", "cipher_suites": ["AES128-SHA"]})
        );
        let validation = &context["validation_context"];
        let roots = validation["trusted_ca"]["filename"].as_str().unwrap();
        assert!(roots.ends_with(".roots.pem"), "{roots}");
        let names = validation["match_typed_subject_alt_names"].as_array();
        assert_eq!(names.unwrap().len(), 2);
    }
}

#[test]
fn a_server_without_its_certificate_is_left_out_and_said() {
    let pair = [("tls.crt", CERTIFICATE), ("tls.key", KEY)];
    for (secrets, tls, what) in [
        (
            String::new(),
            "{credentialName: a}",
            "there is no Secret istio-system/a",
        ),
        (
            secret("default", "a", &pair),
            "{credentialName: a}",
            "Secret a is in namespace default, and the gateway looks where it runs, in istio-system",
        ),
        (
            secret("istio-system", "a", &pair[..1]),
            "{credentialName: a}",
            "Secret istio-system/a has no tls.crt and tls.key",
        ),
        (
            secret("istio-system", "a", &pair),
            "{credentialName: a, mode: MUTUAL}",
            "Secret istio-system/a has no ca.crt, by which clients are known, and no second Secret has, NAME-cacert",
        ),
    ] {
        let (shop, _) = Shop::with(&(secrets + &gateway(tls)));
        let said = shop.mesh().said();
        let said: Vec<&str> = said.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(said, [what]);
        let proxy = shop.gateway();
        assert_eq!(proxy.secrets, []);
        let listeners = resources(&proxy, "listeners.json");
        let names: Vec<&String> = listeners.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["0.0.0.0_80"]);
    }
    // What cannot be at all is said where it is read.
    let (_, said) = Shop::with(&gateway("{mode: PASSTHROUGH}"));
    assert!(
        said.iter()
            .any(|said| said.contains("mode PASSTHROUGH: the server is not there"))
    );
}

#[test]
fn the_files_of_older_tutorials_are_their_secret() {
    let pair = [("tls.crt", CERTIFICATE), ("tls.key", KEY)];
    let tls = "{mode: SIMPLE, serverCertificate: /etc/istio/ingressgateway-certs/tls.crt, \
               privateKey: /etc/istio/ingressgateway-certs/tls.key}";
    let text = secret("istio-system", "istio-ingressgateway-certs", &pair) + &gateway(tls);
    let (shop, _) = Shop::with(&text);
    assert_eq!(shop.gateway().secrets.len(), 2);
    socket(&shop);
}

#[test]
fn a_destination_rule_may_name_a_secret() {
    let text = secret("istio-system", "client", &[("tls.crt", CERTIFICATE), ("tls.key", KEY), ("ca.crt", CERTIFICATE)])
        + "kind: ServiceEntry
metadata: {name: bank}
spec: {hosts: [bank.example], resolution: DNS, ports: [{number: 443, name: http, protocol: HTTP}]}
---
kind: DestinationRule
metadata: {name: bank}
spec: {host: bank.example, trafficPolicy: {tls: {mode: MUTUAL, credentialName: client, sni: bank.example}}}
";
    let (shop, _) = Shop::with(&text);
    let proxy = shop.gateway();
    assert_eq!(proxy.secrets.len(), 3);
    let clusters = resources(&proxy, "clusters.json");
    let context =
        &find(&clusters, "outbound|443||bank.example")["transport_socket"]["typed_config"];
    let pairs = context["common_tls_context"]["tls_certificates"].as_array();
    assert_eq!(pairs.unwrap().len(), 1);
    // A sidecar looks in its own namespace.
    assert_eq!(shop.sidecar("page-v1").secrets, []);
}
