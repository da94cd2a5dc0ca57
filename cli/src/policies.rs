//! The policies that requests are decided by, and what the command line says of them.

use std::fs;
use std::path::{Path, PathBuf};

use catalog::Filter;
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

/// Where keys come from that are not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetching {
    /// From nowhere: nothing runs that could fetch them.
    Never,
    /// The Envoy fetches them that the policies run in.
    ByEnvoy,
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
        fetching: Fetching,
    ) -> Result<(Gathered<'d>, Option<Workload>), Failure> {
        let settings = self.settings(fetching)?;
        let gathered = policies::gather(documents, &settings).map_err(Failure::new)?;
        Ok((gathered, settings.selection.map(workload)))
    }

    /// The filter that a configuration is of which stands by itself.
    pub(crate) fn filter(&self) -> Result<Option<&'static Filter>, Failure> {
        let filter = self.filter.as_deref().map(catalog::find).transpose();
        filter.map_err(Failure::new)
    }

    /// The workload whose policies apply; all do where none is named.
    pub(crate) fn workload(&self) -> Result<Option<Workload>, Failure> {
        Ok(self.selection()?.map(workload))
    }

    /// The files that keys are read from.
    pub(crate) fn key_files(&self) -> impl Iterator<Item = &Path> {
        self.jwks.iter().map(|given| key_file(given).1)
    }

    /// All that is said.
    pub(crate) fn settings(&self, fetching: Fetching) -> Result<Settings, Failure> {
        let keys: Result<Vec<Keys>, Failure> = self.jwks.iter().map(|given| keys(given)).collect();
        Ok(Settings {
            selection: self.selection()?,
            trust_domain: self.trust_domain.clone(),
            filter: self.filter()?,
            keys: keys?,
            keys_are_fetched: fetching == Fetching::ByEnvoy,
        })
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

fn workload(selection: Selection) -> Workload {
    Workload {
        namespace: selection.namespace,
        labels: selection.labels,
    }
}

/// `[ISSUER=]FILE`, as `--jwks` has it.
pub(crate) fn keys(given: &str) -> Result<Keys, Failure> {
    let (issuer, path) = key_file(given);
    let jwks = fs::read_to_string(path).map_err(|error| Failure::at(path, error))?;
    Ok(Keys {
        issuer: issuer.map(str::to_owned),
        jwks,
    })
}

/// A file of keys, whose issuer may be named before it.
fn key_file(given: &str) -> (Option<&str>, &Path) {
    match given.rsplit_once('=') {
        Some((issuer, file)) if !Path::new(given).exists() => (Some(issuer), Path::new(file)),
        _ => (None, Path::new(given)),
    }
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

/// What a failure of [`load`] begins with; a line for each problem follows, with its place.
pub(crate) const REFUSED: &str = "the policies are refused";

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
        Failure::new(format!("{REFUSED}\n{}", problems.join("\n")))
    })
}
