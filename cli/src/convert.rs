//! `mesh-filters convert`: policies as configurations of the filters, and as what loads them.

use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use convert::{Context, Converted, Form, Location, Loss, Modules, Placement};
use serde_json::{Value, json};

use crate::ending::{Ending, Failure};
use crate::output::{DOUBTFUL, Output};
use crate::policies::{self, PolicyOptions};

const EXAMPLES: &str = "\
Examples:
  $ mesh-filters convert policies/
  $ mesh-filters convert --to envoyfilter --namespace shop --labels app=orders policies/ > orders.yaml
  $ mesh-filters convert --to wasmplugin --module oci://registry.example/mesh-filters:0.1.0 policy.yaml
  $ mesh-filters convert --filter fault-injection --to envoyfilter --context gateway fault.yaml
  $ kubectl get authorizationpolicies -n shop -o yaml | mesh-filters convert --to envoy --upstream 127.0.0.1:8080 -
  $ mesh-filters convert orders.yaml -o configuration.yaml

Exit codes: 0 all is carried over, 1 something is not, 2 it could not be done.";

/// Make a configuration of the filters out of policies, or the object or file that loads it
///
/// Reads Istio's VirtualService, RequestAuthentication, AuthorizationPolicy and Telemetry, EnvoyFilters and parts of
/// Envoy's configuration with Envoy's own filters, and our configurations, by themselves or inside what loads them.
/// What is not carried over is said on standard error, with its place and what comes of it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Convert {
    /// Files, folders, or `-` for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// What is written
    #[arg(long, value_enum, default_value_t = To::Config, value_name = "FORM")]
    to: To,
    /// The file that is written, in place of standard output
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    policies: PolicyOptions,
    #[command(flatten)]
    placing: Placing,
}

/// Where and how it is loaded.
#[derive(Args)]
#[command(next_help_heading = "How it is loaded")]
struct Placing {
    /// The one module for all of it, or each filter's own; `--filter` loads that filter's
    #[arg(long, value_enum, default_value_t = Which::One, value_name = "MODULES", conflicts_with = "filter")]
    modules: Which,
    /// The requests that are meant; outbound where all of it are faults of VirtualServices, else inbound
    #[arg(long, value_enum, value_name = "CONTEXT")]
    context: Option<Where>,
    /// The object's name; else the module's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where the module lies: `oci://…` for plugins, `https://…` with its sum, or the path of a file
    #[arg(long, value_name = "PLACE")]
    module: Option<Location>,
    /// The module's SHA-256, or that of an image's manifest
    #[arg(long, value_name = "SUM", value_parser = sum)]
    sha256: Option<String>,
    /// What Envoy is in front of, with `--to envoy`; else 127.0.0.1:8080
    #[arg(long, value_name = "HOST:PORT", value_parser = upstream)]
    upstream: Option<(String, u16)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// The configuration of a module, by itself
    Config,
    /// Istio's EnvoyFilter
    Envoyfilter,
    /// Istio's WasmPlugin
    Wasmplugin,
    /// Istio's TrafficExtension, of 1.30 and later
    Trafficextension,
    /// A file for `envoy -c`
    Envoy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The one that has all filters
    One,
    /// Each filter's own
    Each,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Where {
    /// Requests to the workload
    Inbound,
    /// Requests that it sends
    Outbound,
    /// Requests that a gateway takes
    Gateway,
}

fn sum(text: &str) -> Result<String, String> {
    let sum = text.strip_prefix("sha256:").unwrap_or(text);
    let is_sum = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_sum {
        true => Ok(sum.to_ascii_lowercase()),
        false => {
            Err("is no SHA-256: 64 digits of 0-9 and a-f, as `sha256sum` writes them".to_owned())
        }
    }
}

fn upstream(text: &str) -> Result<(String, u16), String> {
    let text = text
        .strip_prefix("http://")
        .unwrap_or(text)
        .trim_end_matches('/');
    let (host, port) = text.rsplit_once(':').ok_or("takes `host:port`")?;
    let port = port
        .parse()
        .map_err(|_| format!("`{}` is no port", port.escape_debug()))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.is_empty() {
        true => Err("takes `host:port`".to_owned()),
        false => Ok((host.to_owned(), port)),
    }
}

impl Convert {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let documents = policies::documents(&self.paths)?;
        let settings = self.policies.settings(crate::policies::Fetching::ByEnvoy)?;
        let modules = match (settings.filter, self.placing.modules) {
            (Some(filter), _) => Modules::Only(filter),
            (None, Which::Each) => Modules::Each,
            (None, Which::One) => Modules::Whole,
        };
        let converted = convert::read(&documents, &settings, modules).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::new(format!("this cannot be converted\n{}", problems.join("\n")))
        })?;
        let placement = self.placing.placement();
        let form = self.to.form();
        let text = convert::write(&converted, form, &placement).map_err(Failure::new)?;
        let mut losses = converted.losses.clone();
        losses.extend(placement.losses(&converted, form));
        if let Some(file) = &self.file {
            fs::write(file, &text).map_err(|error| Failure::at(file, error))?;
        }
        if !output.is_json() {
            tell(&converted, &losses);
        }
        output.say(
            || match self.file {
                Some(_) => String::new(),
                None => text.clone(),
            },
            || json(&text, &converted, &losses),
        );
        Ok(match losses.is_empty() {
            true => Ending::Fine,
            false => Ending::Found,
        })
    }
}

impl Placing {
    fn placement(&self) -> Placement {
        Placement {
            context: self.context.map(|context| match context {
                Where::Inbound => Context::Inbound,
                Where::Outbound => Context::Outbound,
                Where::Gateway => Context::Gateway,
            }),
            name: self.name.clone(),
            module: self.module.clone(),
            sha256: self.sha256.clone(),
            upstream: self.upstream.clone(),
        }
    }
}

impl To {
    fn form(self) -> Form {
        match self {
            To::Config => Form::Config,
            To::Envoyfilter => Form::EnvoyFilter,
            To::Wasmplugin => Form::WasmPlugin,
            To::Trafficextension => Form::TrafficExtension,
            To::Envoy => Form::Envoy,
        }
    }
}

/// Says on standard error what stays behind.
fn tell(converted: &Converted, losses: &[Loss]) {
    for note in &converted.notes {
        anstream::eprintln!("note: {note}");
    }
    for loss in losses {
        anstream::eprintln!("{DOUBTFUL}differs{DOUBTFUL:#}: {loss}");
    }
}

fn json(text: &str, converted: &Converted, losses: &[Loss]) -> Value {
    let losses = losses.iter().map(|loss| {
        json!({
            "place": loss.place,
            "path": loss.path,
            "what": loss.what,
            "consequence": loss.consequence,
        })
    });
    json!({
        "output": text,
        "losses": losses.collect::<Vec<Value>>(),
        "notes": converted.notes,
    })
}

#[cfg(test)]
mod tests {
    use super::{sum, upstream};

    #[test]
    fn sums_and_upstreams_are_read_as_people_paste_them() {
        let zeros = "0".repeat(64);
        assert_eq!(sum(&format!("sha256:{zeros}")), Ok(zeros.clone()));
        assert!(sum("0123").is_err() && sum(&"g".repeat(64)).is_err());
        assert_eq!(upstream("http://[::1]:80/"), Ok(("::1".to_owned(), 80)));
        for wrong in ["localhost", ":80", "a:b"] {
            assert!(upstream(wrong).is_err(), "{wrong}");
        }
    }
}
