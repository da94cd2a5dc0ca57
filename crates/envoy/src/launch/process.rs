//! A server as a child of this process.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use super::birth;
use super::limits::raise_open_files;
use super::log::Log;
use super::running::Order;
use crate::Error;

/// A child, with the threads that read what it writes.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    pub(super) fn start(program: &Path, order: &Order<'_>, log: &Log) -> Result<Self, Error> {
        raise_open_files();
        let mut command = Command::new(program);
        command
            .args(&order.args)
            .envs(order.env.iter().cloned())
            .current_dir(&order.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child =
            birth::spawn(command).map_err(|error| Error::program(program.display(), error))?;
        order.scratch.record_process(child.id());
        let readers = [
            child.stdout.take().map(|stream| read(stream, log.clone())),
            child.stderr.take().map(|stream| read(stream, log.clone())),
        ];
        Ok(Self {
            child,
            readers: readers.into_iter().flatten().collect(),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, in the shell's terms: 128 and the signal for one that was killed.
    pub(super) fn exit(&mut self) -> Option<i32> {
        let status = self.child.try_wait().ok().flatten()?;
        status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal))
    }

    /// Waits for the rest of the output of a child that has ended.
    pub(super) fn drain(&mut self) {
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }

    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(stream: impl Read + Send + 'static, log: Log) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        // Line by line, so that two streams do not cut each other's lines in half.
        while stream
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            log.push(&line);
            line.clear();
        }
    })
}
