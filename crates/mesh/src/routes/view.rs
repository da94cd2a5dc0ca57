//! What a proxy sees of the services.

use std::collections::BTreeMap;

use serde_json::Value;

use super::action::Services;
use crate::clusters::{Rule, cluster_name};
use crate::model::Model;
use crate::model::service::Service;
use crate::model::virtual_service::TargetService;

/// The services that a proxy sees, and who it is.
pub(crate) struct View<'a> {
    pub(crate) model: &'a Model,
    pub(crate) services: Vec<&'a Service>,
    namespace: &'a str,
    labels: &'a BTreeMap<String, String>,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        model: &'a Model,
        namespace: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> Self {
        View {
            model,
            services: model.seen_by(namespace).collect(),
            namespace,
            labels,
        }
    }
}

impl Services for View<'_> {
    fn cluster(&self, target: &TargetService, called: u16) -> String {
        let mut services = self.services.iter();
        let service = services.find(|service| service.host == target.host);
        let only = service.and_then(|service| match service.ports.as_slice() {
            [only] => Some(only.number),
            _ => None,
        });
        let port = target.port.or(only).unwrap_or(called);
        cluster_name(port, &target.subset, &target.host)
    }

    fn hash_policy(&self, target: &TargetService) -> Option<Value> {
        let mut services = self.services.iter();
        let service = services.find(|service| service.host == target.host)?;
        let rule = Rule::find(self.model, service, self.namespace, self.labels)?;
        rule.hash_policy(&target.subset, target.port)
    }
}
