//! `mesh-filters image build`: modules as OCI image layouts, with what a release needs beside them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use oci::{AGENT_LIMIT, About, Digest, Image, Kind, Module, ModuleError, Sums, layout, sbom};
use serde_json::{Value, json};

use crate::ending::{Ending, Failure};
use crate::output::{BAD, Output, rows};

/// Make OCI image layouts of modules, each in three forms
///
/// DIR/NAME/{compat,docker,artifact} are the layouts that Istio's agent takes: an OCI image with plugin.wasm in one
/// layer, which Kubernetes also mounts as an image volume; the same in Docker's media types; the wasm artifact.
/// DIR/NAME/NAME.wasm is the module itself, DIR/SHA256SUMS has the checksums of modules and manifests, for
/// `sha256sum -c`. The same module gives the same digests on every machine.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters image build dist/rate-limit.wasm
  $ mesh-filters image build dist/*.wasm --out release --source https://git.example/mesh-filters")]
pub(crate) struct Build {
    /// Modules that Envoy loads; the file's name without .wasm is the filter's
    #[arg(required = true, value_name = "MODULE")]
    modules: Vec<PathBuf>,
    /// Where the layouts go
    #[arg(long, value_name = "DIR", default_value = "dist/oci")]
    out: PathBuf,
    /// The version, which is the tag in the layout too [default: that of this program, for its own filters]
    #[arg(long)]
    version: Option<String>,
    /// The licence, an SPDX expression
    #[arg(long, value_name = "SPDX", default_value = env!("CARGO_PKG_LICENSE"))]
    licenses: String,
    /// What the filter does, in a sentence
    #[arg(long)]
    description: Option<String>,
    /// The address of its source
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// A folder with DIR/NAME.txt, what `cargo tree` says of each module; makes a CycloneDX SBOM of each
    #[arg(long, value_name = "DIR", requires = "lock")]
    dependencies: Option<PathBuf>,
    /// The Cargo.lock that goes with the dependencies
    #[arg(long, value_name = "FILE", requires = "dependencies")]
    lock: Option<PathBuf>,
}

/// The file of the bill of materials, in a module's folder.
const SBOM: &str = "sbom.cdx.json";

impl Build {
    pub(super) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let mut sums = Sums::default();
        let mut made = Vec::new();
        let mut ending = Ending::Fine;
        for path in &self.modules {
            match self.make(path, &mut sums)? {
                Ok(one) => made.push(one),
                Err(refused) => {
                    ending = Ending::Found;
                    anstream::eprintln!("{BAD}refused{BAD:#} {}: {refused}", path.display());
                }
            }
        }
        if ending == Ending::Fine {
            write(&self.out.join("SHA256SUMS"), sums.list().as_bytes())?;
        }
        output.say(
            || made.iter().map(Made::text).collect(),
            || json!({ "images": made.iter().map(Made::json).collect::<Vec<_>>() }),
        );
        Ok(ending)
    }

    /// All of one module; inside, that Envoy would not take it.
    fn make(&self, path: &Path, sums: &mut Sums) -> Result<Result<Made, ModuleError>, Failure> {
        let bytes = fs::read(path).map_err(|error| Failure::at(path, error))?;
        let module = match Module::read(bytes, AGENT_LIMIT) {
            Ok(module) => module,
            Err(refused) => return Ok(Err(refused)),
        };
        let about = self.about(path)?;
        let name = about.filter.as_str();
        let folder = self.out.join(name);
        let images = Image::build(&module, &about, &Kind::ALL);
        let images = images.map_err(|error| Failure::at(path, error))?;
        for (kind, image) in &images {
            let place = folder.join(kind.name());
            layout::write(image, &about.version, &place).map_err(Failure::new)?;
            let manifest = image.digest().hex();
            let listed = format!("{name}/{kind}/blobs/sha256/{manifest}");
            sums.add(listed, image.manifest().bytes());
        }
        let file = format!("{name}.wasm");
        write(&folder.join(&file), module.bytes())?;
        sums.add(format!("{name}/{file}"), module.bytes());
        if let Some(bill) = self.bill(&about, &module)? {
            write(&folder.join(SBOM), &bill)?;
            sums.add(format!("{name}/{SBOM}"), &bill);
        }
        Ok(Ok(Made {
            digests: images
                .iter()
                .map(|(kind, image)| (*kind, image.digest()))
                .collect(),
            folder,
        }))
    }

    fn about(&self, path: &Path) -> Result<About, Failure> {
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Failure::at(path, "the file's name is no text"))?;
        // One of somebody else's is packed as well.
        let own = catalog::find(name).ok();
        let version = match (&self.version, own) {
            (Some(version), _) => version.clone(),
            (None, Some(_)) => env!("CARGO_PKG_VERSION").to_owned(),
            (None, None) => {
                let problem =
                    format!("`{name}` is no filter of this program's; say its `--version`");
                return Err(Failure::at(path, problem));
            }
        };
        let description = || format!("{name}, a proxy-wasm filter for Envoy and Istio");
        Ok(About {
            filter: name.to_owned(),
            description: self.description.clone().unwrap_or_else(description),
            version,
            licenses: self.licenses.clone(),
            source: self.source.clone(),
            schema: own.map(|filter| Digest::of(filter.schema().to_string().as_bytes())),
        })
    }

    fn bill(&self, about: &About, module: &Module) -> Result<Option<Vec<u8>>, Failure> {
        let (Some(folder), Some(lock)) = (&self.dependencies, &self.lock) else {
            return Ok(None);
        };
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| Failure::at(path, error));
        let tree = folder.join(format!("{}.txt", about.filter));
        let bill = sbom(about, &module.digest(), &read(&tree)?, &read(lock)?);
        bill.map(Some).map_err(|error| Failure::at(&tree, error))
    }
}

/// The images of one module.
struct Made {
    folder: PathBuf,
    digests: Vec<(Kind, Digest)>,
}

impl Made {
    fn text(&self) -> String {
        let digests = self.digests.iter();
        let digests: Vec<_> = digests
            .map(|(kind, digest)| (kind.name(), digest.to_string()))
            .collect();
        format!("{}\n{}", self.folder.display(), rows(&digests))
    }

    fn json(&self) -> Value {
        let digests = self.digests.iter();
        json!({
            "folder": self.folder,
            "layouts": Value::from_iter(digests.map(|(kind, digest)| (kind.name(), digest.to_string()))),
        })
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| Failure::at(path, error))
}
