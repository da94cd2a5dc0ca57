//! What a MeshConfig says of the whole mesh.

use mesh::Outside;

use crate::support::{Shop, find, hosts, resources};

const REGISTRY_ONLY: &str = "
outboundTrafficPolicy: {mode: REGISTRY_ONLY}
trustDomain: shop.example
rootNamespace: mesh
";

fn everywhere(config: &str) -> [String; 3] {
    let indented = |by: &str| config.replace('\n', &format!("\n{by}"));
    [
        config.to_owned(),
        format!(
            "kind: IstioOperator\nspec:\n  meshConfig:{}",
            indented("    ")
        ),
        format!(
            "kind: ConfigMap\nmetadata: {{name: istio, namespace: istio-system}}\ndata:\n  mesh: |{}",
            indented("    ")
        ),
    ]
}

#[test]
fn it_is_read_wherever_it_stands() {
    for text in everywhere(REGISTRY_ONLY) {
        let (shop, said) = Shop::with(&text);
        assert_eq!(said.len(), Shop::with("").1.len(), "{said:?}");
        assert_eq!(shop.model.outside(), Outside::RegistryOnly, "{text}");
        assert_eq!(shop.model.trust_domain(), "shop.example");
        assert_eq!(shop.model.root_namespace, "mesh");
        let routes = &resources(&shop.sidecar("page-v1"), "routes.json")[0].1;
        let last = find(&hosts(routes), "block_all");
        assert_eq!(last["routes"][0]["direct_response"]["status"], 502);
        let clusters = resources(&shop.sidecar("page-v1"), "clusters.json");
        assert!(
            clusters
                .iter()
                .all(|(name, _)| name != "PassthroughCluster")
        );
    }
}

#[test]
fn what_it_says_and_a_local_mesh_does_not_do_is_said() {
    let (_, said) =
        Shop::with("trustDomain: a\nlocalityLbSetting: {enabled: true}\nproxyListenPort: 15001\n");
    let own = [
        "shop.yaml:91:20: localityLbSetting is not carried over: it does nothing in this mesh",
        "shop.yaml:92:18: proxyListenPort is not carried over: it does nothing in this mesh",
    ];
    for one in own {
        assert!(said.iter().any(|said| said == one), "{said:?}");
    }
}
