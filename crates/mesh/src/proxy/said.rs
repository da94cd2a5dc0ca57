//! What is said of objects together, once a mesh has all of them.

use std::collections::BTreeSet;
use std::path::Path;

use super::Mesh;
use crate::certificates::Certificates;
use crate::said::Said;
use crate::secrets::Secrets;

impl Mesh<'_> {
    /// What is said of objects together: a gateway's certificate that is not there, a provider that nobody names, a
    /// host of a Sidecar that is no service's. What is wrong with one object alone, reading says.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let mut said = BTreeSet::new();
        let own = Certificates::default();
        for proxy in self.gateways() {
            let secrets = Secrets::new(self.model, &proxy.namespace, Path::new(""));
            let servers = proxy.gateways.iter().flat_map(|gateway| &gateway.servers);
            for tls in servers.filter_map(|server| server.tls.as_ref()) {
                said.extend(secrets.server(tls, &own).err().map(|what| Said {
                    place: tls.place.clone(),
                    what,
                    consequence: "the server is not there, as in Istio; others are".to_owned(),
                }));
            }
            said.extend(
                self.observed_gateway(&proxy, Path::new(""))
                    .telemetry()
                    .said,
            );
        }
        for workload in &self.model.workloads {
            if self.model.has_sidecar(workload) {
                let observed = self.observed_sidecar(workload, Path::new(""));
                said.extend(observed.telemetry().said);
            }
        }
        said.extend(self.sidecars_said());
        said.extend(self.telemetries_said());
        said.into_iter().collect()
    }

    /// Hosts of Sidecars that are no service's.
    fn sidecars_said(&self) -> impl Iterator<Item = Said> {
        let sidecars = self.model.sidecars.iter();
        let hosts = sidecars.flat_map(|one| {
            let hosts = one.egress.iter().flatten();
            hosts.map(move |host| (host, one.namespace.as_str()))
        });
        hosts.filter_map(|(host, namespace)| {
            let mut services = self.model.services.iter();
            let is_there = services.any(|service| {
                host.is_of(namespace, &service.namespace) && host.has(&service.host)
            });
            let means_none = host.namespace == "~" || host.host == "*";
            (!is_there && !means_none).then(|| Said {
                place: host.place.clone(),
                what: format!("{}/{} is no service's name", host.namespace, host.host),
                consequence: "it tells of nothing: a name is written in full, NAME.NAMESPACE.svc.cluster.local"
                    .to_owned(),
            })
        })
    }

    /// Telemetry objects that never count, and what metrics are here.
    fn telemetries_said(&self) -> Vec<Said> {
        let mut said = Vec::new();
        let mut whole = BTreeSet::new();
        for one in &self.model.telemetries {
            if one.selector.is_empty() && !whole.insert(&one.namespace) {
                said.push(Said {
                    place: one.place.clone(),
                    what: format!(
                        "another Telemetry for all of namespace {} stands before it",
                        one.namespace
                    ),
                    consequence:
                        "it does nothing: Istio takes the oldest one alone, so put both into one"
                            .to_owned(),
                });
            } else if let Some(metrics) = one.metrics.first() {
                said.push(Said {
                    place: metrics.place.clone(),
                    what: "metrics are counted by the filter telemetry-tags, not by Istio's own".to_owned(),
                    consequence: "they have its names and labels; of the workload that called, a sidecar knows what its \
                                  certificate says, and no more"
                        .to_owned(),
                });
            }
        }
        said
    }
}
