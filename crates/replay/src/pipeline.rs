//! Blocks of lines on their way through several threads, and what came of them in the order of the log, so that it is
//! the same whoever was quicker.
//!
//! ```text
//! reader ─block→ workers ─(number, result)→ merge, in order
//!    └───────────────── buffers ───────────────┘
//! ```
//!
//! There are so many buffers and no more, and each is read into again when what was in it is merged: memory does
//! not depend on how long a log is, nor on how slow a worker.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::input::{Block, Blocks, Source};

/// What came of a block, and its buffer.
struct Done<T> {
    number: u64,
    result: Result<T, String>,
    buffer: Vec<u8>,
    read: u64,
}

/// What takes a block.
pub(crate) type Worker<'a, T> = Box<dyn FnMut(&Block) -> T + 'a>;

/// Reads logs and has workers, one a thread, take their blocks; what comes of them is merged in order.
///
/// Returns the logs that could not be read to their end, each with why.
///
/// # Errors
/// A worker cannot be made.
pub(crate) fn run<'a, T: Send>(
    sources: &[Source],
    threads: usize,
    worker: &(dyn Fn() -> Result<Worker<'a, T>, String> + Sync),
    merge: &mut dyn FnMut(T, u64),
) -> Result<Vec<String>, String> {
    let threads = threads.max(1);
    let (free, buffers) = channel::<Vec<u8>>();
    let (blocks, waiting) = channel::<(u64, Block)>();
    let (done, finished) = channel::<Done<T>>();
    for _ in 0..threads.saturating_mul(4) {
        // The other end is below.
        let _ = free.send(Vec::new());
    }
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(sources, &buffers, &blocks));
        for _ in 0..threads {
            let (waiting, done) = (&waiting, done.clone());
            scope.spawn(move || work(worker, waiting, &done));
        }
        drop(done);
        let merged = in_order(&finished, &free, merge);
        // The reader waits for buffers no more.
        drop(free);
        let problems = reader.join().unwrap_or_default();
        merged.map(|()| problems)
    })
}

fn read(
    sources: &[Source],
    buffers: &Receiver<Vec<u8>>,
    blocks: &Sender<(u64, Block)>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut number = 0;
    // One that the end of a log made no use of.
    let mut spare = None;
    for (place, source) in sources.iter().enumerate() {
        let mut each = || -> std::io::Result<bool> {
            let mut log = Blocks::open(place, source)?;
            while let Some(buffer) = spare.take().or_else(|| buffers.recv().ok()) {
                spare = Some(Vec::new());
                let Some(block) = log.next(buffer)? else {
                    return Ok(true);
                };
                spare = None;
                if blocks.send((number, block)).is_err() {
                    return Ok(false);
                }
                number = number.saturating_add(1);
            }
            Ok(false)
        };
        match each() {
            Ok(true) => {}
            // Nobody takes blocks any more.
            Ok(false) => break,
            Err(error) => problems.push(format!("{}: {error}", source.name)),
        }
    }
    problems
}

fn work<'a, T>(
    worker: &(dyn Fn() -> Result<Worker<'a, T>, String> + Sync),
    waiting: &Mutex<Receiver<(u64, Block)>>,
    done: &Sender<Done<T>>,
) {
    let say = |number: u64, block: Block, result| {
        let done = done.send(Done {
            number,
            result,
            read: block.read,
            buffer: block.bytes,
        });
        done.is_ok()
    };
    let mut take = match worker() {
        Ok(take) => take,
        Err(problem) => {
            say(0, Block::default(), Err(problem));
            return;
        }
    };
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok((number, block)) = next else {
            return;
        };
        let result = take(&block);
        if !say(number, block, Ok(result)) {
            return;
        }
    }
}

fn in_order<T>(
    finished: &Receiver<Done<T>>,
    free: &Sender<Vec<u8>>,
    merge: &mut dyn FnMut(T, u64),
) -> Result<(), String> {
    let mut early = BTreeMap::new();
    let mut next = 0u64;
    for done in finished {
        early.insert(done.number, (done.result?, done.buffer, done.read));
        while let Some((result, buffer, read)) = early.remove(&next) {
            merge(result, read);
            // The reader may be at its end.
            let _ = free.send(buffer);
            next = next.saturating_add(1);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_blocks_is_merged_in_order_whoever_is_quicker() {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        let mut expected = Vec::new();
        // More logs than there are buffers, and blocks of unlike work.
        for log in 0..40 {
            let path = folder.path().join(format!("{log:02}.log"));
            let lines: Vec<String> = (0..=(log * 7_919) % 9_000)
                .map(|line| format!("{log}:{line}:{}", "x".repeat(60)))
                .collect();
            std::fs::write(&path, lines.join("\n")).unwrap();
            expected.extend(lines);
            paths.push(path);
        }
        let sources = Source::find(&paths).unwrap();
        for threads in [1, 3] {
            let mut lines = Vec::new();
            let mut read = 0;
            let worker = || -> Result<Worker<'_, Vec<String>>, String> {
                Ok(Box::new(|block: &Block| {
                    let text = String::from_utf8(block.bytes.clone()).unwrap();
                    text.lines().map(str::to_owned).collect()
                }))
            };
            let problems = run(&sources, threads, &worker, &mut |block, bytes| {
                lines.extend(block);
                read += bytes;
            });
            assert_eq!(problems, Ok(Vec::new()));
            assert_eq!(lines, expected);
            let size: u64 = sources.iter().filter_map(Source::size).sum();
            assert_eq!(read, size);
        }
    }

    #[test]
    fn what_goes_wrong_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, "a\n".repeat(1 << 20)).unwrap();
        let sources = Source::find(std::slice::from_ref(&path)).unwrap();
        let refuses = || -> Result<Worker<'_, ()>, String> { Err("no".to_owned()) };
        assert_eq!(
            run(&sources, 2, &refuses, &mut |(), _| {}),
            Err("no".to_owned())
        );
        std::fs::remove_file(path).unwrap();
        let takes = || -> Result<Worker<'_, ()>, String> { Ok(Box::new(|_: &Block| ())) };
        let problems = run(&sources, 2, &takes, &mut |(), _| {}).unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}
