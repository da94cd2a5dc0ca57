//! The policies that requests are decided by, and what the command line says of them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use documents::Document;
use explain::{Chain, Normalization, Workload};
use policies::{Gathered, Keys, Mesh, Selection, Settings};
use sdk_helpers::Timestamp;

use crate::ending::Failure;

/// What is said beside them.
#[derive(Args)]
pub(crate) struct PolicyOptions {
    /// The filter that a configuration is of which stands by itself
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// The namespace of the workload whose policies apply; without it, and without labels, all do
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The labels of that workload
    #[arg(long, value_name = "NAME=VALUE,…", value_delimiter = ',')]
    labels: Vec<String>,
    /// The mesh's trust domain, in place of a MeshConfig's
    #[arg(long, value_name = "DOMAIN")]
    trust_domain: Option<String>,
    /// Keys that tokens are verified with, for one issuer or for all: a JWKS as a file
    #[arg(long, value_name = "[ISSUER=]FILE")]
    jwks: Vec<String>,
}

/// Reads every document of files, folders and standard input.
pub(crate) fn documents(files: &[PathBuf]) -> Result<Vec<Document>, Failure> {
    Document::read_all(files, &mut std::io::stdin()).map_err(Failure::new)
}

impl PolicyOptions {
    /// Puts them together, and says for which workload.
    pub(crate) fn gather<'d>(
        &self,
        documents: &'d [Document],
    ) -> Result<(Gathered<'d>, Option<Workload>), Failure> {
        let filter = self.filter.as_deref().map(catalog::find).transpose();
        let keys: Result<Vec<Keys>, Failure> = self.jwks.iter().map(|given| keys(given)).collect();
        let selection = self.selection()?;
        let settings = Settings {
            selection: selection.clone(),
            trust_domain: self.trust_domain.clone(),
            filter: filter.map_err(Failure::new)?,
            keys: keys?,
        };
        let gathered = policies::gather(documents, &settings).map_err(Failure::new)?;
        let workload = selection.map(|selection| Workload {
            namespace: selection.namespace,
            labels: selection.labels,
        });
        Ok((gathered, workload))
    }

    fn selection(&self) -> Result<Option<Selection>, Failure> {
        if self.namespace.is_none() && self.labels.is_empty() {
            return Ok(None);
        }
        let mut selection = Selection {
            namespace: self
                .namespace
                .clone()
                .unwrap_or_else(|| "default".to_owned()),
            ..Selection::default()
        };
        for label in &self.labels {
            let (name, value) = label.split_once('=').ok_or_else(|| {
                Failure::new(format!(
                    "`--labels` takes `name=value`, and `{label}` has no `=`"
                ))
            })?;
            selection.labels.insert(name.to_owned(), value.to_owned());
        }
        Ok(Some(selection))
    }
}

/// A file of keys, whose issuer may be named before it.
fn keys(given: &str) -> Result<Keys, Failure> {
    let (issuer, file) = match given.rsplit_once('=') {
        Some((issuer, file)) if !Path::new(given).exists() => (Some(issuer.to_owned()), file),
        _ => (None, given),
    };
    let path = Path::new(file);
    let jwks = fs::read_to_string(path).map_err(|error| Failure::at(path, error))?;
    Ok(Keys { issuer, jwks })
}

/// What Envoy makes of paths, by what is said of the mesh.
pub(crate) fn normalization(mesh: &Mesh) -> Result<Normalization, Failure> {
    let Some(name) = mesh.path_normalization.as_deref() else {
        return Ok(Normalization::default());
    };
    Normalization::named(name).ok_or_else(|| {
        Failure::new(format!(
            "`{}` is no `pathNormalization`; there are NONE, BASE, MERGE_SLASHES and DECODE_AND_MERGE_SLASHES",
            name.escape_debug()
        ))
    })
}

/// Loads what was put together into the filters.
pub(crate) fn load(
    gathered: &Gathered<'_>,
    now: Timestamp,
    workload: Option<Workload>,
) -> Result<Chain, Failure> {
    if gathered
        .tree
        .as_object()
        .is_some_and(serde_json::Map::is_empty)
    {
        return Ok(Chain::empty());
    }
    Chain::load(gathered.filter, &gathered.tree, now, workload).map_err(|errors| {
        let problems = errors
            .iter()
            .map(|error| gathered.locate(error).to_string());
        let problems: Vec<String> = problems.collect();
        Failure::new(format!("the policies are refused\n{}", problems.join("\n")))
    })
}
