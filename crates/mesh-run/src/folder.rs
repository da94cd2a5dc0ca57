//! The folder of a mesh: what is in it, and how it is written.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use envoy::Scratch;

use crate::Error;

/// What is said of the mesh for programs.
pub(crate) const MESH: &str = "mesh.json";
/// Where it is spoken to.
pub(crate) const SOCKET: &str = "mesh.sock";
/// What happens in it, where nobody looks on.
pub(crate) const EVENTS: &str = "events.log";
/// Whom its certificates are believed by.
pub(crate) const ROOTS: &str = "roots.pem";
/// Below it is a folder for each proxy.
const PROXIES: &str = "proxies";
/// In a folder of ours: that it may be written to again.
const MARK: &str = ".mesh-filters";
/// In the folder that every run has: where the mesh's own is.
pub(crate) const POINTER: &str = "mesh";

/// The files of a proxy beside those that Envoy watches.
pub(crate) mod of_proxy {
    pub(crate) const CHAIN: &str = "chain.pem";
    pub(crate) const KEY: &str = "key.pem";
    pub(crate) const LOG: &str = "envoy.log";
}

/// The folder of a mesh. It goes when dropped, but for what a person reads where the user named it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// One of the user's, in which the configurations and logs stay.
    is_named: bool,
    // Says whose mesh it is, and clears away what a killed run left.
    _scratch: Scratch,
}

impl Folder {
    /// A fresh one, or the one that is named.
    pub(crate) fn new(named: Option<&Path>) -> Result<Self, Error> {
        let scratch = Scratch::new()?;
        private(scratch.path())?;
        let path = match named {
            Some(named) => take(named)?,
            None => scratch.path().to_owned(),
        };
        // As many bytes as the address of a socket has.
        if path.join(SOCKET).as_os_str().len() > 100 {
            let problem = "its path is too long for the socket in it: take a shorter --folder";
            return Err(Error::file(&path, problem));
        }
        make(&path.join(PROXIES))?;
        let folder = Self {
            is_named: named.is_some(),
            path,
            _scratch: scratch,
        };
        let pointer = folder._scratch.path().join(POINTER);
        write(&pointer, &folder.path.display().to_string())?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_named {
            return;
        }
        // Nobody is to be taken for somebody of a mesh that is gone.
        let proxies = fs::read_dir(self.path.join(PROXIES));
        for proxy in proxies.into_iter().flatten().flatten() {
            let files = fs::read_dir(proxy.path());
            for file in files.into_iter().flatten().flatten() {
                if is_passing(&file.file_name().to_string_lossy()) {
                    let _ = fs::remove_file(file.path());
                }
            }
        }
        for file in [MESH, SOCKET] {
            let _ = fs::remove_file(self.path.join(file));
        }
    }
}

/// What of a proxy is worth nothing, or too much, when the mesh is gone.
fn is_passing(file: &str) -> bool {
    [of_proxy::KEY, ".process", "admin.address"].contains(&file) || file.starts_with("secret-")
}

/// The folder of a proxy, which `reviews-v1.default` names.
pub(crate) fn of_proxy(folder: &Path, name: &str) -> PathBuf {
    folder.join(PROXIES).join(name)
}

/// Takes a folder that the user named: a new one, an empty one, or that of an earlier mesh.
fn take(named: &Path) -> Result<PathBuf, Error> {
    make(named)?;
    let path = named
        .canonicalize()
        .map_err(|error| Error::file(named, error))?;
    let mark = path.join(MARK);
    let mut entries = fs::read_dir(&path).map_err(|error| Error::file(&path, error))?;
    if entries.next().is_some() && !mark.exists() {
        return Err(Error::file(
            &path,
            "has files that are of no mesh, and they would be in the way: take another --folder",
        ));
    }
    if std::os::unix::net::UnixStream::connect(path.join(SOCKET)).is_ok() {
        return Err(Error::file(
            &path,
            "a mesh runs in it: `mesh-filters mesh down` ends it, or take another --folder",
        ));
    }
    private(&path)?;
    write(&mark, "")?;
    let _ = fs::remove_file(path.join(SOCKET));
    let _ = fs::remove_dir_all(path.join(PROXIES));
    Ok(path)
}

/// Makes a folder that nobody else may look into, and those above it, unless it is there.
pub(crate) fn make(path: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(path);
    made.map_err(|error| Error::file(path, error))
}

fn private(path: &Path) -> Result<(), Error> {
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(path, mode).map_err(|error| Error::file(path, error))
}

/// Puts a file in place whole, by renaming, which Envoy watches for. Nobody else may read it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    write_bytes(path, text.as_bytes())
}

/// The same for what need not be text.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut part = path.to_owned().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let write = || {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&part)?.write_all(bytes)?;
        fs::rename(&part, path)
    };
    write().map_err(|error| Error::file(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_the_users_keeps_what_is_read_and_no_keys() {
        let outside = tempfile::tempdir().unwrap();
        let named = outside.path().join("mesh");
        let folder = Folder::new(Some(&named)).unwrap();
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let proxy = of_proxy(folder.path(), "a.default");
        make(&proxy).unwrap();
        for file in [of_proxy::KEY, of_proxy::LOG] {
            write(&proxy.join(file), "a").unwrap();
        }
        let mode = fs::metadata(proxy.join(of_proxy::KEY))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(folder);
        assert!(proxy.join(of_proxy::LOG).exists());
        assert!(!proxy.join(of_proxy::KEY).exists());

        // The next one takes it again, and clears it.
        drop(Folder::new(Some(&named)).unwrap());
        assert!(!proxy.exists());
        fs::write(outside.path().join("a.txt"), "").unwrap();
        let problem = Folder::new(Some(outside.path())).unwrap_err().to_string();
        assert!(problem.contains("files that are of no mesh"), "{problem}");
    }

    #[test]
    fn a_folder_of_ours_goes() {
        let folder = Folder::new(None).unwrap();
        let path = folder.path().to_owned();
        assert!(path.join(POINTER).exists());
        drop(folder);
        assert!(!path.exists());
    }
}
