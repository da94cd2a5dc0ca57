//! Who calls whom: what a workload asks for before it answers.

use std::net::SocketAddr;

use documents::Document;
use mesh::model::Model;
use mesh::model::service::{Service, ServicePort};
use mesh::model::workload::Workload;
use mesh::{Addresses, OUTBOUND_PORT, real_port};

use crate::Error;

/// The annotation of a pod that says whom it calls; a cluster passes over it.
pub const ANNOTATION: &str = "mesh-filters/calls";

/// That a workload calls others: `productpage=reviews,details`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    /// A workload by its name or by its label `app`, with its namespace behind a dot or without.
    pub from: String,
    /// Whom, in this order.
    pub to: Vec<Target>,
}

/// Whom a workload calls: `reviews:9080/reviews/0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As a client says it: `reviews`, or `reviews.shop`.
    pub host: String,
    /// The service's first one, where none is said.
    pub port: Option<u16>,
    /// From its slash on.
    pub path: String,
}

/// A call of a workload with what answers it.
#[derive(Debug, Clone)]
pub(crate) struct Call<'m> {
    pub(crate) target: &'m Target,
    /// None where no object names the host.
    pub(crate) service: Option<(&'m Service, &'m ServicePort)>,
}

impl Calls {
    /// Reads `productpage=reviews,details`.
    ///
    /// # Errors
    /// It is not that.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            let problem =
                format!("`{text}`: say who calls whom, as in `productpage=reviews,details`");
            Error::Calls(problem)
        };
        let (from, to) = text.split_once('=').ok_or_else(wrong)?;
        let from = from.trim();
        let to = targets(to)?;
        match from.is_empty() || to.is_empty() {
            true => Err(wrong()),
            false => Ok(Calls {
                from: from.to_owned(),
                to,
            }),
        }
    }

    fn is_of(&self, workload: &Workload) -> bool {
        is_called(&self.from, workload)
    }
}

/// Whether a workload has this name, or this label `app`.
pub(crate) fn is_called(said: &str, workload: &Workload) -> bool {
    let app = workload.labels.get("app").map(String::as_str);
    let own = [Some(workload.name.as_str()), app];
    own.into_iter().flatten().any(|own| {
        let rest = said.strip_prefix(own);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('.') == Some(&workload.namespace)
        })
    })
}

/// Reads `reviews,details:9080/details/0`.
fn targets(text: &str) -> Result<Vec<Target>, Error> {
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(Target::parse)
        .collect()
}

impl Target {
    fn parse(text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix("http://").unwrap_or(text);
        let at = text.find('/').unwrap_or(text.len());
        let (authority, path) = text.split_at_checked(at).unwrap_or((text, ""));
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>())),
            None => (authority, None),
        };
        let is_host = |each: char| each.is_ascii_alphanumeric() || matches!(each, '.' | '-' | '_');
        let is_path = |each: char| each.is_ascii_graphic();
        let port = port.transpose().ok().filter(|port| *port != Some(0));
        match port {
            Some(port)
                if !host.is_empty() && host.chars().all(is_host) && path.chars().all(is_path) =>
            {
                Ok(Target {
                    host: host.to_ascii_lowercase(),
                    port,
                    path: if path.is_empty() { "/" } else { path }.to_owned(),
                })
            }
            _ => Err(Error::Calls(format!(
                "`{text}` cannot be called: say host, port and path, as in `reviews:9080/reviews/0`, or the host alone"
            ))),
        }
    }

    /// The service of that name, seen from a namespace, and its port.
    fn find<'m>(
        &self,
        model: &'m Model,
        namespace: &str,
    ) -> Option<(&'m Service, &'m ServicePort)> {
        let (host, domain) = (&self.host, &model.domain);
        let names = [
            host.clone(),
            format!("{host}.{namespace}.svc.{domain}"),
            format!("{host}.svc.{domain}"),
            format!("{host}.{domain}"),
        ];
        let service = names.iter().find_map(|name| {
            let mut all = model.services.iter();
            all.find(|service| {
                service.host == *name && service.export.reaches(&service.namespace, namespace)
            })
        })?;
        let port = match self.port {
            Some(port) => service.port(port)?,
            None => service.ports.first()?,
        };
        Some((service, port))
    }
}

/// Whom each workload calls, by the command line and by its annotation.
#[derive(Debug, Default)]
pub(crate) struct CallsOf {
    /// Of each workload, in the order of the model.
    all: Vec<Vec<Target>>,
}

impl CallsOf {
    /// Reads the annotations of `documents`, and adds what the command line says.
    ///
    /// # Errors
    /// It cannot be meant, or is of nobody.
    pub(crate) fn read(
        documents: &[Document],
        model: &Model,
        said: &[Calls],
    ) -> Result<Self, Error> {
        let mut all = Vec::new();
        for workload in &model.workloads {
            let document = documents.iter().find(|document| is_of(document, workload));
            let annotated = document.and_then(annotation).unwrap_or_default();
            let mut of = targets(annotated).map_err(|error| {
                let at = &workload.place;
                Error::Calls(format!("{at}: the annotation `{ANNOTATION}`: {error}"))
            })?;
            let more = said.iter().filter(|calls| calls.is_of(workload));
            of.extend(more.flat_map(|calls| calls.to.iter().cloned()));
            all.push(of);
        }
        for calls in said {
            if !model.workloads.iter().any(|workload| calls.is_of(workload)) {
                return Err(Error::Calls(nobody("calls", &calls.from, model)));
            }
        }
        let calls = Self { all };
        match calls.cycle(model) {
            Some(names) => Err(Error::Calls(format!(
                "{} call each other in a circle, so that no request would ever be answered: take one of these calls away",
                names.join(" → ")
            ))),
            None => Ok(calls),
        }
    }

    pub(crate) fn of<'m>(&'m self, model: &'m Model, index: usize) -> Vec<Call<'m>> {
        let namespace = model.workloads.get(index).map(|one| one.namespace.as_str());
        let targets = self.all.get(index).into_iter().flatten();
        let found = targets.map(|target| Call {
            target,
            service: target.find(model, namespace.unwrap_or_default()),
        });
        found.collect()
    }

    /// The workloads of a circle, the first again at its end.
    fn cycle(&self, model: &Model) -> Option<Vec<String>> {
        let mut done = vec![false; model.workloads.len()];
        (0..model.workloads.len())
            .find_map(|from| self.visit(model, from, &mut Vec::new(), &mut done))
    }

    fn visit(
        &self,
        model: &Model,
        from: usize,
        above: &mut Vec<usize>,
        done: &mut [bool],
    ) -> Option<Vec<String>> {
        let name = |index: &usize| model.workloads.get(*index).map(|one| one.name.clone());
        if let Some(begins) = above.iter().position(|index| *index == from) {
            let circle = above.iter().skip(begins).chain([&from]);
            return Some(circle.filter_map(name).collect());
        }
        if done.get(from) != Some(&false) {
            return None;
        }
        above.push(from);
        for call in self.of(model, from) {
            let Some((service, port)) = call.service else {
                continue;
            };
            for (backend, _) in model.backends(service, port) {
                let index = model.workloads.iter().position(|one| one == backend);
                let found = index.and_then(|index| self.visit(model, index, above, done));
                if found.is_some() {
                    return found;
                }
            }
        }
        above.pop();
        if let Some(done) = done.get_mut(from) {
            *done = true;
        }
        None
    }
}

impl Call<'_> {
    /// The authority of the request: `reviews:9080`.
    pub(crate) fn authority(&self) -> String {
        let Target { host, port, .. } = self.target;
        match (port, self.service) {
            (Some(port), _) => format!("{host}:{port}"),
            (None, Some((_, port))) => format!("{host}:{}", port.number),
            (None, None) => host.clone(),
        }
    }

    /// Where the request is sent: to the sidecar, or, without one, to whoever answers for the service.
    pub(crate) fn address(
        &self,
        model: &Model,
        addresses: &Addresses,
        sidecar: Option<std::net::Ipv4Addr>,
    ) -> Option<SocketAddr> {
        if let Some(own) = sidecar {
            return Some((own, OUTBOUND_PORT).into());
        }
        let (service, port) = self.service?;
        let mut backends = model.backends(service, port);
        let (backend, number) = backends.next()?;
        let address = addresses.of(backend).next()?;
        Some((address, real_port(number)).into())
    }
}

/// That no workload has a name, with those there are.
pub(crate) fn nobody(option: &str, said: &str, model: &Model) -> String {
    let all = model.workloads.iter().map(|one| one.name.as_str());
    let all: Vec<&str> = all.collect();
    format!(
        "`--{option}` names `{said}`, and no workload has that name or label `app`; there are {}",
        all.join(", ")
    )
}

fn is_of(document: &Document, workload: &Workload) -> bool {
    let object = document.object();
    let is_named = object.name() == workload.name && object.namespace() == workload.namespace;
    is_named
        && matches!(
            object.kind(),
            "Deployment" | "StatefulSet" | "ReplicaSet" | "Pod"
        )
}

fn annotation(document: &Document) -> Option<&str> {
    let value = document.object().value();
    let pod = match document.object().kind() {
        "Pod" => value,
        _ => value.get("spec")?.get("template")?,
    };
    pod.get("metadata")?
        .get("annotations")?
        .get(ANNOTATION)?
        .as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(pods: &[(&str, &str)]) -> (Vec<Document>, Model) {
        let pod = |(name, calls): &(&str, &str)| {
            format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 9080}}]}}\n---\n\
                 apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}-v1, labels: {{app: {name}}}, annotations: {{mesh-filters/calls: '{calls}'}}}}\nspec: {{containers: [{{ports: [{{containerPort: 9080}}]}}]}}\n---\n"
            )
        };
        let text: String = pods.iter().map(pod).collect();
        let documents = Document::read_text("a.yaml", &text).unwrap();
        let model = Model::read(&documents).0;
        (documents, model)
    }

    #[test]
    fn whom_a_pod_calls_is_in_its_annotation_and_on_the_command_line() {
        let (documents, model) = model(&[
            ("page", "reviews/reviews/0"),
            ("reviews", ""),
            ("ratings", ""),
        ]);
        let said = [Calls::parse("reviews-v1=ratings:9080,outside.example").unwrap()];
        let calls = CallsOf::read(&documents, &model, &said).unwrap();
        let told = |index: usize| {
            let all = calls.of(&model, index);
            let all = all
                .iter()
                .map(|call| format!("{}{}", call.authority(), call.target.path));
            all.collect::<Vec<_>>()
        };
        assert_eq!(told(0), ["reviews:9080/reviews/0"]);
        assert_eq!(told(1), ["ratings:9080/", "outside.example/"]);
        let addresses = Addresses::assign(&model, 10);
        let own = addresses.of(&model.workloads[0]).next();
        let first = &calls.of(&model, 0)[0];
        let to = |sidecar| {
            first
                .address(&model, &addresses, sidecar)
                .unwrap()
                .to_string()
        };
        assert_eq!([to(own), to(None)], ["127.10.1.0:15080", "127.10.1.1:9080"]);
    }

    #[test]
    fn a_circle_is_told_by_its_names() {
        let (documents, model) = model(&[("page", "a"), ("a", "b"), ("b", "c"), ("c", "a")]);
        let problem = CallsOf::read(&documents, &model, &[])
            .unwrap_err()
            .to_string();
        assert!(
            problem.starts_with("a-v1 → b-v1 → c-v1 → a-v1 call each other"),
            "{problem}"
        );
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for wrong in ["", "a", "=b", "a=", "a=b:c", "a=b:0", "a=b c", "a=b/ä"] {
            assert!(Calls::parse(wrong).is_err(), "{wrong}");
        }
        let (documents, model) = model(&[("page", "")]);
        let said = [Calls::parse("nobody=page").unwrap()];
        let problem = CallsOf::read(&documents, &model, &said)
            .unwrap_err()
            .to_string();
        assert_eq!(
            problem,
            "`--calls` names `nobody`, and no workload has that name or label `app`; there are page-v1"
        );
    }
}
