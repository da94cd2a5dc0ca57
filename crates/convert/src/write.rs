//! Configurations as text: by themselves, or in the object or file that has Envoy load them.

mod bootstrap;
mod cluster;
mod envoy_filter;
mod location;
mod module;
mod plugin;
mod yaml;

use policies::Selection;

use crate::loss::Loss;
use crate::read::Converted;

pub use location::Location;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The configuration of one module.
    Config,
    /// Istio's EnvoyFilter.
    EnvoyFilter,
    /// Istio's WasmPlugin.
    WasmPlugin,
    /// Istio's TrafficExtension, of 1.30 and later.
    TrafficExtension,
    /// A file that `envoy -c` takes.
    Envoy,
}

/// Which requests of a proxy are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Requests to the workload.
    Inbound,
    /// Requests that the workload sends.
    Outbound,
    /// Those that a gateway takes.
    Gateway,
}

/// Where and how it is loaded, beside what the policies say themselves.
#[derive(Debug, Clone, Default)]
pub struct Placement {
    /// Inbound, unless all of it are faults of VirtualServices.
    pub context: Option<Context>,
    /// The name of the object; else the module's.
    pub name: Option<String>,
    /// Where the module lies; else where our own files have it.
    pub module: Option<Location>,
    /// The SHA-256 of the module, or of the manifest of its image.
    pub sha256: Option<String>,
    /// Host and port of what Envoy is in front of, for [`Form::Envoy`]; else 127.0.0.1:8080.
    pub upstream: Option<(String, u16)>,
}

/// Writes it.
///
/// # Errors
/// What of the placement does not fit, and what to say in its place.
pub fn write(converted: &Converted, form: Form, placement: &Placement) -> Result<String, String> {
    match form {
        Form::Config => config(converted),
        Form::EnvoyFilter => envoy_filter::write(converted, placement),
        Form::WasmPlugin | Form::TrafficExtension => plugin::write(converted, form, placement),
        Form::Envoy => bootstrap::write(converted, placement),
    }
}

impl Placement {
    /// Which requests are meant.
    #[must_use]
    pub fn context(&self, converted: &Converted) -> Context {
        let mut clients = converted.sides.clients.iter();
        let is_gateways = clients.all(|(_, gateways)| !is_for_mesh(gateways));
        self.context.unwrap_or(match converted.is_clients {
            true if is_gateways => Context::Gateway,
            true => Context::Outbound,
            false => Context::Inbound,
        })
    }

    /// What is decided elsewhere in Istio than where this places it.
    #[must_use]
    pub fn losses(&self, converted: &Converted, form: Form) -> Vec<Loss> {
        let sides = &converted.sides;
        let mut losses = Vec::new();
        // An EnvoyFilter and a file of Envoy's have the filter that shows it.
        if !matches!(form, Form::EnvoyFilter | Form::Envoy) {
            losses.extend(converted.unseen.iter().cloned());
        }
        // A configuration by itself is nowhere yet, and who starts an Envoy knows where it stands.
        if matches!(form, Form::Config | Form::Envoy) {
            return losses;
        }
        let context = self.context(converted);
        for (loss, gateways) in &sides.clients {
            let others: Vec<&str> = gateways
                .iter()
                .map(String::as_str)
                .filter(|name| *name != "mesh")
                .collect();
            let elsewhere = |what: String, consequence: &str| Loss {
                what,
                consequence: consequence.to_owned(),
                ..loss.clone()
            };
            match context {
                Context::Inbound => losses.push(loss.clone()),
                Context::Outbound if !is_for_mesh(gateways) => losses.push(elsewhere(
                    format!("is for the gateways {} alone", others.join(", ").escape_debug()),
                    "requests between workloads meet its faults, as in Istio they do not; convert it for `--context gateway`",
                )),
                Context::Outbound if !others.is_empty() => losses.push(elsewhere(
                    format!("is for the gateways {} too", others.join(", ").escape_debug()),
                    "requests through these meet no fault; convert it for `--context gateway` as well",
                )),
                Context::Gateway if is_for_mesh(gateways) => losses.push(elsewhere(
                    "is for the sidecars of the mesh".to_owned(),
                    "requests between workloads meet no fault; convert it for `--context outbound` as well",
                )),
                _ => {}
            }
        }
        if context == Context::Outbound {
            losses.extend(sides.servers.iter().cloned());
        }
        losses
    }
}

/// Whether a VirtualService for these gateways is for sidecars.
fn is_for_mesh(gateways: &[String]) -> bool {
    gateways.is_empty() || gateways.iter().any(|name| name == "mesh")
}

fn config(converted: &Converted) -> Result<String, String> {
    let [only] = &converted.configurations[..] else {
        let names = converted.configurations.iter().map(|it| it.filter.name());
        let names: Vec<&str> = names.collect();
        return Err(format!(
            "there is one configuration in a file, and these modules take one each: name one of {} with `--filter`, \
             or leave `--modules each` out",
            names.join(", ")
        ));
    };
    let mut text = head(
        converted,
        &format!("A configuration of the module {}", only.filter.name()),
    );
    if let Some(workload) = &converted.workload {
        text.push_str(&format!("# For {}.\n", crate::workload::of(workload)));
    }
    text.push_str(&yaml::block(&only.tree)?);
    Ok(text)
}

/// What stands above everything: what it is, and of what.
fn head(converted: &Converted, what: &str) -> String {
    let mut text = format!("# {what}, made by `mesh-filters convert` of\n");
    for source in &converted.sources {
        text.push_str(&format!("#   {source}\n"));
    }
    text
}

/// Name and namespace of an object, as lines of its metadata.
fn metadata(converted: &Converted, name: &str) -> Result<String, String> {
    let namespace = converted.workload.as_ref().map(|it| it.namespace.as_str());
    Ok(format!(
        "metadata:\n  name: {}\n  namespace: {}\n",
        yaml::scalar(name)?,
        yaml::scalar(namespace.unwrap_or("default"))?
    ))
}

/// The labels of a workload as lines, indented so many spaces; nothing where it has none.
fn labels(workload: Option<&Selection>, indent: usize) -> Result<Option<String>, String> {
    let Some(workload) = workload.filter(|it| !it.labels.is_empty()) else {
        return Ok(None);
    };
    let mut lines = String::new();
    for (name, value) in &workload.labels {
        let (name, value) = (yaml::scalar(name)?, yaml::scalar(value)?);
        lines.push_str(&format!("{:indent$}{name}: {value}\n", ""));
    }
    Ok(Some(lines))
}
