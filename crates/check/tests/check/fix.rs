//! What is certain is mended, once, and nothing else in the file is touched.

use check::{Fixed, Options, Source, check, fix, fixed_where, rules};
use proptest::prelude::*;

/// A code, a file with such a finding, and the file mended.
const MENDS: [(&str, &str, &str); 28] = [
    (
        "MF0003",
        "apiVersion: security.istio.io/v1\nkind: AuthorisationPolicy\nmetadata: {name: a}\nspec: {rules: [{}]}\n",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: {rules: [{}]}\n",
    ),
    (
        "MF0004",
        "# mesh-filters: allow MF0101 as before\nrateLimit: {limits: [{name: all, requests: 1, per: 1m}]}\n",
        "rateLimit: {limits: [{name: all, requests: 1, per: 1m}]}\n",
    ),
    (
        "MF0004",
        "a: 1\n---\nrateLimit: # why   # mesh-filters: allow MF0101, MF0102\r\n  limits: [{name: all, requests: 1, per: 1m}]",
        "a: 1\n---\nrateLimit: # why\r\n  limits: [{name: all, requests: 1, per: 1m}]",
    ),
    // A field, quoted as it was.
    (
        "MF0101",
        "{\"rateLimit\": {\"limits\": [{\"nmae\": \"all\", \"requests\": 1, \"per\": \"1m\"}]}}",
        "{\"rateLimit\": {\"limits\": [{\"name\": \"all\", \"requests\": 1, \"per\": \"1m\"}]}}",
    ),
    // Several at once, one within another, in two documents.
    (
        "MF0101",
        "rateLimit:\n  limit: # tiers\t\n  - {name: all, request: 1, per: 1m} # é\n---\nrateLimit: {limits: [{name: b, request: 1, per: 1m}]}\n",
        "rateLimit:\n  limits: # tiers\t\n  - {name: all, requests: 1, per: 1m} # é\n---\nrateLimit: {limits: [{name: b, requests: 1, per: 1m}]}\n",
    ),
    (
        "MF0101",
        "rateLimit:\r\n  limits:\r\n  - name: all\r\n    requests: 1\r\n    per: 1m\r\n    onMissingKy: shared\r\n    key: [{header: a}]",
        "rateLimit:\r\n  limits:\r\n  - name: all\r\n    requests: 1\r\n    per: 1m\r\n    onMissingKey: shared\r\n    key: [{header: a}]",
    ),
    // A word.
    (
        "MF0103",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec:\n  action: 'Deny'\n  rules: [{}]\n",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec:\n  action: 'DENY'\n  rules: [{}]\n",
    ),
    // A list, of the one text that stands there.
    (
        "MF0103",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec:\n  action: DENY\n  rules:\n  - to:\n    - operation:\n        methods: GET # alone\n        paths: '/a b/*'\n",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec:\n  action: DENY\n  rules:\n  - to:\n    - operation:\n        methods: [GET] # alone\n        paths: ['/a b/*']\n",
    ),
    (
        "MF0103",
        "apiVersion: networking.istio.io/v1 # ?\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: {rules: [{}]}\n",
        "apiVersion: security.istio.io/v1 # ?\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: {rules: [{}]}\n",
    ),
    (
        "MF0105",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: a.example\n  http: [{route: [{destination: {host: a, port: 80}}]}]\n",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a.example]\n  http: [{route: [{destination: {host: a, port: {number: 80}}}]}]\n",
    ),
    // Quotes, around what stands there.
    (
        "MF0103",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec:\n  action: DENY\n  rules:\n  - to: [{operation: {ports: [80]}}]\n    when: [{key: 'request.headers[x-version]', values: [1.10]}]\n",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec:\n  action: DENY\n  rules:\n  - to: [{operation: {ports: [\"80\"]}}]\n    when: [{key: 'request.headers[x-version]', values: [\"1.10\"]}]\n",
    ),
    (
        "MF0104",
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: a}\nspec:\n  jwtRules:\n  - {issuer: 'https://issuer.example', jwksURI: 'https://issuer.example/keys', forwardOriginalToken: 'yes'}\n",
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: a}\nspec:\n  jwtRules:\n  - {issuer: 'https://issuer.example', jwksUri: 'https://issuer.example/keys', forwardOriginalToken: true}\n",
    ),
    (
        "MF0105",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - fault: {abort: {httpStatus: 503, percentage: 10}} # %\n    route: [{destination: {host: a}}]\n",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - fault: {abort: {httpStatus: 503, percentage: {value: 10}}} # %\n    route: [{destination: {host: a}}]\n",
    ),
    (
        "MF0105",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - fault:\n      abort:\n        httpStatus: 503\n        percentage:\n          value: 50%\n    route: [{destination: {host: a}}]\n",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - fault:\n      abort:\n        httpStatus: 503\n        percentage:\n          value: 50\n    route: [{destination: {host: a}}]\n",
    ),
    (
        "MF0105",
        "{\"apiVersion\": \"networking.istio.io/v1\", \"kind\": \"VirtualService\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"hosts\": [\"a\"], \"http\": [{\"fault\": {\"abort\": {\"httpStatus\": 503, \"percentage\": 10}}, \"route\": [{\"destination\": {\"host\": \"a\"}}]}]}}\n",
        "{\"apiVersion\": \"networking.istio.io/v1\", \"kind\": \"VirtualService\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"hosts\": [\"a\"], \"http\": [{\"fault\": {\"abort\": {\"httpStatus\": 503, \"percentage\": {\"value\":10}}}, \"route\": [{\"destination\": {\"host\": \"a\"}}]}]}}\n",
    ),
    (
        "MF0106",
        "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: a}\nspec:\n  metrics:\n  - overrides:\n    - match: {metric: REQUEST_CUONT}\n      disabled: \"true\"\n",
        "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: a}\nspec:\n  metrics:\n  - overrides:\n    - match: {metric: REQUEST_COUNT}\n      disabled: true\n",
    ),
    (
        "MF0111",
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {host: a, trafficPolicy: {loadBalancer: {simple: ROUNDROBIN}}, subset: [{name: v1, labels: {version: v1}}]}\n",
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {host: a, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}, subsets: [{name: v1, labels: {version: v1}}]}\n",
    ),
    (
        "MF0112",
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {servers: [{port: {number: '80', name: http, protocol: HTTP}, hosts: ['*']}]}\n",
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}\n",
    ),
    (
        "MF0113",
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec: {hosts: [a.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: Dns, location: MESH_EXTERNAL}\n",
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec: {hosts: [a.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS, location: MESH_EXTERNAL}\n",
    ),
    (
        "MF0114",
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\nspec: {mtls: {mode: Strict}}\n",
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\nspec: {mtls: {mode: STRICT}}\n",
    ),
    (
        "MF0115",
        "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a}\nspec: {egres: [{hosts: ['./*']}]}\n",
        "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a}\nspec: {egress: [{hosts: ['./*']}]}\n",
    ),
    (
        "MF0116",
        "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: a}\nspec: {address: 10.0.0.1, labels: {version: 1.10}}\n",
        "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: a}\nspec: {address: 10.0.0.1, labels: {version: \"1.10\"}}\n",
    ),
    // Within a list of objects.
    (
        "MF0106",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: telemetry.istio.io/v1\n  kind: Telemetry\n  metadata: {name: a}\n  spec: {metrics: [{overides: []}]}\n",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: telemetry.istio.io/v1\n  kind: Telemetry\n  metadata: {name: a}\n  spec: {metrics: [{overrides: []}]}\n",
    ),
    (
        "MF0108",
        "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec: {url: 'oci://registry.example/a:1', phase: AUTH-Z}\n",
        "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec: {url: 'oci://registry.example/a:1', phase: AUTHZ}\n",
    ),
    (
        "MF0109",
        "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec: {url: 'oci://registry.example/a:1', pluginConfg: {a: 1}}\n",
        "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec: {url: 'oci://registry.example/a:1', pluginConfig: {a: 1}}\n",
    ),
    (
        "MF0208",
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: a}\nspec:\n  configPatches:\n  - applyTo: HTTP_FILTER\n    match: {listener: {filterChain: {filter: {name: \"envoy.http_connection_manager\", subFilter: {name: envoy.rate_limit}}}}}\n    patch: {operation: REMOVE}\n",
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: a}\nspec:\n  configPatches:\n  - applyTo: HTTP_FILTER\n    match: {listener: {filterChain: {filter: {name: \"envoy.filters.network.http_connection_manager\", subFilter: {name: envoy.filters.http.ratelimit}}}}}\n    patch: {operation: REMOVE}\n",
    ),
    // A code that is wanted stays.
    (
        "MF0004",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\n# mesh-filters: allow MF0103, MF0202, MF0109 denied by default\nspec: {}\n",
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\n# mesh-filters: allow MF0202 denied by default\nspec: {}\n",
    ),
    // Both spellings of what is around it.
    (
        "MF0104",
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: a}\nspec:\n  jwt_rules:\n  - {issuer: 'https://issuer.example', audience: [a]}\n",
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: a}\nspec:\n  jwt_rules:\n  - {issuer: 'https://issuer.example', audiences: [a]}\n",
    ),
];

fn source(text: &str) -> Source {
    Source {
        name: "example.yaml".to_owned(),
        text: text.to_owned(),
    }
}

fn fixed(text: &str) -> Fixed {
    fix(&[source(text)], &Options::default())
}

#[test]
fn what_is_certain_is_mended_and_the_rest_stays() {
    for (code, before, after) in MENDS {
        let fixed = fixed(before);
        assert_eq!(fixed.sources[0].text, after, "{before}\n{fixed:#?}");
        let is_of_code = |it: &check::Finding| it.code == code;
        assert!(fixed.mended.iter().any(is_of_code), "{before}\n{fixed:#?}");
        let left = fixed.report.findings.iter().find(|it| is_of_code(it));
        assert_eq!(left, None, "{after}");
        // Once is enough.
        let again = self::fixed(after);
        assert_eq!(
            (again.sources[0].text.as_str(), again.mended.len()),
            (after, 0)
        );
    }
}

#[test]
fn each_code_of_which_it_is_said_has_a_mend() {
    for rule in rules() {
        let is_shown = MENDS.iter().any(|(code, ..)| *code == rule.code);
        assert_eq!(fixed_where(rule.code).is_some(), is_shown, "{rule:?}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_left() {
    for text in [
        // In a list it would be two.
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: \n  rules:\n  - to:\n    - operation:\n        methods: GET, POST\n",
        // As near to one as to the other.
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: {rules: [{to: [{operation: {posts: ['80']}}]}]}\n",
        // The right one is there too.
        "rateLimit: {limits: [{name: all, nmae: b, requests: 1, per: 1m}]}\n",
        // No path at all was meant, or a prefix.
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - match: [{uri: /a}]\n    fault: {abort: {httpStatus: 503, percentage: {value: 1}}}\n    route: [{destination: {host: a}}]\n",
        // Where it is used it has no letters of its own, and where it is defined it may be right.
        "a: &limits [{nmae: all, requests: 1, per: 1m}]\n---\nrateLimit: {limits: &a [{name: all, requests: 1, per: 1m}, {name: &b al, requests: *b, per: 1m}]}\n",
        // Nothing but a run of more files can say whether it is needed.
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: {rules: [{}]} # mesh-filters: allow MF0205\n",
        "# mesh-filters: allow MF9999\nrateLimit: {limits: [{name: all, requests: 1, per: 1m}]}\n",
        // A text, and no comment.
        "rateLimit:\n  limits:\n  - name: |\n      # mesh-filters: allow MF0103\n    requests: 1\n    per: 1m\n",
        // What a fault without a percentage was meant to do nobody knows.
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - fault: {delay: {fixedDelay: 5s}}\n    route: [{destination: {host: a}}]\n",
    ] {
        let fixed = fixed(text);
        assert_eq!(fixed.sources[0].text, text);
        assert!(fixed.mended.is_empty(), "{fixed:#?}");
        assert!(!fixed.report.findings.is_empty(), "{text}");
    }
}

#[test]
fn what_is_within_an_anchor_is_mended_where_it_is_written() {
    let text = "rateLimit:\n  limits:\n  - &one {name: all, request: 1, per: 1m}\n";
    let fixed = fixed(text);
    assert_eq!(fixed.sources[0].text, text.replace("request:", "requests:"));
    // Mended there it would change where it is used too.
    let twice = text.replace(
        "1m}\n",
        "1m}\n  - {name: b, requests: 1, per: 1m, key: [{header: a}]}\n  - *one\n",
    );
    assert_eq!(self::fixed(&twice).sources[0].text, twice);
}

#[test]
fn a_finding_says_where_it_is_mended() {
    let (_, text, _) = MENDS[4];
    let report = check(&[source(text)], &Options::default());
    let edits = report.findings.iter().filter_map(|it| it.edit.as_ref());
    let written: Vec<(&str, &str)> = edits
        .map(|edit| (text.get(edit.start..edit.end).unwrap(), edit.text.as_str()))
        .collect();
    assert_eq!(written, [("limit", "limits"), ("request", "requests")]);
    let log = check::sarif(&report, &[source(text)], "0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let replaced = &results[1]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    let region = ["startLine", "startColumn", "endLine", "endColumn"]
        .map(|name| replaced["deletedRegion"][name].as_u64().unwrap());
    assert_eq!(region, [5, 32, 5, 39]);
    assert_eq!(replaced["insertedContent"]["text"], "requests");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever a file is, one run is enough, and what is no YAML is not touched.
    #[test]
    fn mending_ends(
        example in prop::sample::select(rules().iter().map(|rule| rule.bad).collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        letter in "[a-z:{\\[ \n\"'#]",
    ) {
        let mut text: Vec<char> = example.chars().collect();
        let at = at.index(text.len());
        text[at] = letter.chars().next().unwrap();
        let text: String = text.into_iter().collect();
        let once = fixed(&text);
        let twice = fixed(&once.sources[0].text);
        prop_assert_eq!(&twice.sources, &once.sources);
        if once.report.findings.iter().any(|it| it.code == "MF0001") {
            prop_assert_eq!(&once.sources[0].text, &text);
        }
    }
}
