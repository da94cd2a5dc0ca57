//! Names of ports that hide HTTP.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0218",
    severity: Severity::Warning,
    title: "the name of a port hides HTTP from the mesh",
    text: "Istio tells the protocol of a port by its `appProtocol`, or by its name up to the first dash. What \
           is called `tcp-web` is TCP: no route, no fault, no HTTP metric is there, an ALLOW policy with \
           methods or paths allows nothing on it, and a DENY policy with them denies more than it says. Ports \
           that are called otherwise are looked into.",
    help: "call it `http-web`, or write `appProtocol: http`",
    bad: "
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec:
  ports: [{name: tcp-web, port: 8080}]
",
    good: "
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec:
  ports: [{name: http-web, port: 8080}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let services = mesh
        .items
        .iter()
        .filter(|it| it.kind() == "Service" && it.group().is_empty());
    for item in services {
        let ports = item.spec().map(|spec| spec.list("ports"));
        for port in ports.unwrap_or_default() {
            let Some(name) = port
                .field("name")
                .filter(|_| port.field("appProtocol").is_none())
            else {
                continue;
            };
            let text = name.value().as_str().unwrap_or_default();
            let (protocol, rest) = text.split_once('-').unwrap_or((text, ""));
            let says_http = ["http", "web", "api", "grpc", "rest"]
                .iter()
                .any(|word| rest.contains(word));
            let number = port.field("port").and_then(|port| port.value().as_u64());
            let is_usual = number.is_some_and(|number| [80, 8000, 8080, 8888].contains(&number));
            if protocol == "tcp" && (says_http || is_usual) {
                let message = "says TCP of what looks like HTTP: no policy for HTTP does what it says on this port";
                found.at(item, &name, message);
            }
        }
    }
}
