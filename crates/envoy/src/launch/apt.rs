//! Installing a Debian package on the spot, where that is nobody's decision but root's.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, Once};

use rustix::process::geteuid;

use super::program::{self, Install};
use crate::Error;

/// Debian asks this program before it starts a daemon.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Its answer while we install: no. The second line is for whoever finds it after a crash.
const NO: &[u8] = b"#!/bin/sh
# From mesh-filters, while it installs a package. Remove it if nothing of it runs.
exit 101
";

/// Installs a package where that is allowed, or says who has to.
pub(super) fn install(package: &str, install: Install) -> Result<(), Error> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    if install == Install::Never || !(is_debian() && geteuid().is_root()) {
        let remedy = format_args!("install it (on Debian: `apt-get install {package}`)");
        return Err(Error::missing(
            format_args!("no package `{package}`"),
            remedy,
        ));
    }
    update_once();
    eprintln!("installing the Debian package `{package}` with apt-get");
    let _quiet = Quiet::new();
    let packages = ["install", "--yes", "--no-install-recommends", package];
    program::run(apt_get().args(packages)).map(drop)
}

fn update_once() {
    static UPDATE: Once = Once::new();
    UPDATE.call_once(|| {
        if let Err(problem) = program::run(apt_get().arg("update")) {
            // The lists that are there may do; if not, the installation says what is missing.
            eprintln!("{problem}");
        }
    });
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet")
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && program::find("apt-get").is_some()
}

/// Keeps packages from starting their daemons while it lives: who asks for a program starts it on a
/// port of its own. A machine that has a policy keeps it.
struct Quiet {
    ours: bool,
}

impl Quiet {
    fn new() -> Self {
        let policy = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(POLICY);
        let ours = policy.is_ok_and(|mut file| file.write_all(NO).is_ok());
        Self { ours }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
