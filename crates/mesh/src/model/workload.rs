//! Workloads: what runs, once for each replica.

use std::collections::BTreeMap;

use super::namespace::REVISION;
use super::service::{ServicePort, Target};
use crate::field::Field;
use crate::model::{name_of, namespace_of};

/// A Deployment or a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// `reviews-v2`.
    pub name: String,
    /// Where it runs.
    pub namespace: String,
    /// Those of its pods.
    pub labels: BTreeMap<String, String>,
    /// Who it is: `default` where nobody said.
    pub service_account: String,
    /// What its containers listen on, and the names of those ports.
    pub ports: Vec<(u16, String)>,
    /// How many of it there are.
    pub replicas: u32,
    /// What it says of its sidecar; its namespace decides where it says nothing.
    pub(crate) injection: Option<bool>,
    /// Whether it has no network of its own: then nothing stands beside it.
    pub(crate) host_network: bool,
    /// Whether its pods are what Istio makes gateways of.
    pub(crate) has_gateway_template: bool,
    /// Where it stands in the files.
    pub place: String,
}

/// More replicas of one workload than this are not started: each is a process with an Envoy beside it.
pub const MOST_REPLICAS: u32 = 5;

impl Workload {
    /// Its identity: `spiffe://cluster.local/ns/default/sa/bookinfo-reviews`.
    #[must_use]
    pub fn identity(&self, trust_domain: &str) -> String {
        let Workload {
            namespace,
            service_account,
            ..
        } = self;
        format!("spiffe://{trust_domain}/ns/{namespace}/sa/{service_account}")
    }

    /// `reviews-v2;default;reviews;v2;Kubernetes`: who it is to whoever counts requests.
    pub(crate) fn in_short(&self) -> String {
        let Workload {
            name,
            namespace,
            labels,
            ..
        } = self;
        let (service, revision) = canonical(labels);
        let service = service.unwrap_or(name);
        format!("{name};{namespace};{service};{revision};{CLUSTER}")
    }

    /// The container's port that a service's port leads to here; none where no port has that name.
    #[must_use]
    pub fn target(&self, port: &ServicePort) -> Option<u16> {
        match &port.target {
            Target::Number(number) => Some(*number),
            Target::Name(name) => {
                let named = self.ports.iter().find(|(_, of)| of == name)?;
                Some(named.0)
            }
        }
    }

    /// Whether it has all of these labels. No labels choose nobody, as in a Service.
    #[must_use]
    pub fn is_selected(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        !labels.is_empty()
            && self.namespace == namespace
            && labels
                .iter()
                .all(|(name, value)| self.labels.get(name) == Some(value))
    }
}

/// The cluster that all of it is in, by the name that Istio gives the only one there is.
pub(crate) const CLUSTER: &str = "Kubernetes";

/// What Istio calls the service that a workload is of, and its revision, both by its labels; the service is called as
/// the workload is where no label says it.
pub(crate) fn canonical(labels: &BTreeMap<String, String>) -> (Option<&str>, &str) {
    let first = |names: [&str; 3]| {
        let mut found = names.iter().filter_map(|name| labels.get(*name));
        found.next().map(String::as_str)
    };
    let service = first([
        "service.istio.io/canonical-name",
        "app.kubernetes.io/name",
        "app",
    ]);
    let revision = first([
        "service.istio.io/canonical-revision",
        "app.kubernetes.io/version",
        "version",
    ]);
    (service, revision.unwrap_or("latest"))
}

/// Reads a `Deployment`, or what is like one: it has a template of pods and may have replicas.
pub(crate) fn deployment(root: &Field<'_>) -> Option<Workload> {
    let spec = root.get("spec")?;
    for only_there in [
        "selector",
        "strategy",
        "revisionHistoryLimit",
        "serviceName",
        "minReadySeconds",
    ] {
        if let Some(field) = spec.get(only_there) {
            field.take();
        }
    }
    let template = spec.get("template")?;
    let mut workload = pod(root, &template)?;
    let asked = spec.whole("replicas").unwrap_or(1);
    workload.replicas = asked.min(MOST_REPLICAS);
    if asked > MOST_REPLICAS {
        spec.say(
            format!("{asked} replicas"),
            format!(
                "{MOST_REPLICAS} are started; shares and ejections are those of {MOST_REPLICAS}"
            ),
        );
    }
    Some(workload)
}

/// Reads a `Pod`.
pub(crate) fn bare_pod(root: &Field<'_>) -> Option<Workload> {
    pod(root, root)
}

fn pod(root: &Field<'_>, template: &Field<'_>) -> Option<Workload> {
    let metadata = template.get("metadata");
    let texts = |name: &str| {
        let field = metadata.as_ref().and_then(|metadata| metadata.get(name));
        field.map(|field| field.texts()).unwrap_or_default()
    };
    let (labels, annotations) = (texts("labels"), texts("annotations"));
    // The label counts before the annotation. The annotation can only turn a sidecar off: where nothing else asks for
    // one, istiod is not asked about the pod at all.
    let injection = match (
        labels.get(INJECT).map(String::as_str),
        annotations.get(INJECT).map(String::as_str),
    ) {
        (Some("true"), _) => Some(true),
        (Some("false"), _) | (None, Some("false")) => Some(false),
        _ => labels.contains_key(REVISION).then_some(true),
    };
    let made_of = annotations.get("inject.istio.io/templates");
    let has_gateway_template = made_of.is_some_and(|said| said.contains("gateway"));
    if let Some(field) = metadata.as_ref().and_then(|it| it.get("annotations")) {
        say_annotations(&field);
    }
    let spec = template.get("spec")?;
    let containers = spec.list("containers");
    let mut ports = Vec::new();
    for container in &containers {
        for port in container.list("ports") {
            let name = port.word("name").unwrap_or_default().to_owned();
            if let Some(number) = port.whole("containerPort") {
                ports.push((number, name));
            }
            port.take();
        }
        // A server of ours stands in for the image, so what is the image's alone says nothing here.
        container.take();
    }
    let account = spec
        .word("serviceAccountName")
        .or_else(|| spec.word("serviceAccount"));
    let host_network = spec.is("hostNetwork") == Some(true);
    spec.take();
    Some(Workload {
        name: name_of(root)?,
        namespace: namespace_of(root),
        labels,
        service_account: account.unwrap_or("default").to_owned(),
        ports,
        replicas: 1,
        injection,
        host_network,
        has_gateway_template,
        place: root.place(),
    })
}

/// Annotations that change what a sidecar does. What only concerns its container says nothing here.
fn say_annotations(annotations: &Field<'_>) {
    let changes = |name: &String| {
        name.starts_with("traffic.sidecar.istio.io/") || name == "proxy.istio.io/config"
    };
    let fields = annotations.fields().into_iter();
    for (name, field) in fields.filter(|(name, _)| changes(name)) {
        field.say(
            format!("{name} is not carried over"),
            "the sidecar takes what is sent to each port of the workload, and its own settings are the mesh's",
        );
    }
}

/// The label, and the annotation, by which a pod says whether it wants a sidecar.
const INJECT: &str = "sidecar.istio.io/inject";
