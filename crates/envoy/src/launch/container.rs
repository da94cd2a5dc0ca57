//! A server as a container on the host's network.
//!
//! The host's network, because servers in a test call each other and the test's own process on
//! 127.0.0.1, and because a load test wants no proxy in its path.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use testcontainers::core::logs::LogFrame;
use testcontainers::core::{AccessMode, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::runtime::Runtime;

use super::log::Log;
use super::owner::Owner;
use super::running::Order;
use super::runtime::{block_on, runtime};
use super::{engine, image_name};
use crate::Error;

/// The exit code of a container that is not there any more.
const UNKNOWN: i32 = -1;

/// A container; it is removed when dropped.
#[derive(Debug)]
pub(super) struct Container {
    inner: Option<Box<ContainerAsync<GenericImage>>>,
    pid: u32,
}

impl Container {
    pub(super) fn start(
        image: &str,
        program: &str,
        order: &Order<'_>,
        log: &Log,
    ) -> Result<Self, Error> {
        let request = request(image, program, order, log)?;
        let inner = block_on(request.start())?.map_err(|error| {
            let problem = format_args!("the container engine does not start it: {error}");
            Error::program(image, problem)
        })?;
        let pid = engine::pid(inner.id()).unwrap_or_default();
        Ok(Self {
            inner: Some(Box::new(inner)),
            pid,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn exit(&self) -> Option<i32> {
        let Some(inner) = &self.inner else {
            return Some(UNKNOWN);
        };
        let asked = block_on(inner.exit_code());
        let code = asked.map_or(Some(UNKNOWN.into()), |code| {
            code.unwrap_or(Some(UNKNOWN.into()))
        })?;
        Some(i32::try_from(code).unwrap_or(UNKNOWN))
    }

    /// Reads again what a container that has ended wrote: following it may have missed the end.
    pub(super) fn drain(&self, log: &Log) {
        let Some(inner) = &self.inner else { return };
        let streams =
            block_on(async { (inner.stdout_to_vec().await, inner.stderr_to_vec().await) });
        if let Ok((Ok(stdout), Ok(stderr))) = streams {
            log.replace(String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned());
        }
    }

    pub(super) fn kill(&mut self) {
        if let Some(inner) = self.inner.take() {
            let _ = block_on(inner.rm());
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // testcontainers removes the container in a task of its own.
        let _guard = runtime().map(Runtime::enter);
        drop(self.inner.take());
    }
}

fn request(
    image: &str,
    program: &str,
    order: &Order<'_>,
    log: &Log,
) -> Result<ContainerRequest<GenericImage>, Error> {
    let (name, tag) = image_name::split(image);
    let log = log.clone();
    let scratch = order.scratch.path();
    let user = scratch
        .metadata()
        .map(|folder| format!("{}:{}", folder.uid(), folder.gid()))
        .map_err(|error| Error::file(scratch, error))?;
    let mut request = GenericImage::new(name, tag)
        .with_entrypoint(program)
        .with_cmd(&order.args)
        .with_network("host")
        .with_user(user)
        .with_working_dir(order.folder.display().to_string())
        .with_label(engine::OWNER, Owner::current().to_string())
        .with_log_consumer(move |frame: &LogFrame| log.push(frame.bytes()))
        .with_mount(bind(scratch));
    for folder in &order.reads {
        request = request.with_mount(bind(folder).with_access_mode(AccessMode::ReadOnly));
    }
    for (name, value) in &order.env {
        request = request.with_env_var(name, value);
    }
    Ok(request)
}

/// Under the same path inside, so that one configuration serves both launchers.
fn bind(folder: &Path) -> Mount {
    let path = folder.display().to_string();
    Mount::bind_mount(path.clone(), path)
}
