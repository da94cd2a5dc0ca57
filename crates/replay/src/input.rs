//! Logs as blocks of whole lines: files, folders and standard input, packed by gzip or not.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

/// A log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As it was given; `<stdin>` for standard input.
    pub name: String,
    /// None for standard input.
    path: Option<PathBuf>,
}

/// What a log's file is called in a folder, before `.gz` and the number of a rotated one.
const ENDINGS: [&str; 4] = ["log", "json", "jsonl", "ndjson"];

impl Source {
    /// Logs by name, all of a folder in the order of their names, and, for `-`, standard input. In folders those are
    /// `*.log`, `*.json`, `*.jsonl` and `*.ndjson`, also rotated (`access.log.1`) and packed (`access.log.1.gz`).
    ///
    /// # Errors
    /// The first that is not there, or a folder without a log: what, and why.
    pub fn find(paths: &[PathBuf]) -> Result<Vec<Self>, String> {
        let mut found = Vec::new();
        for path in paths {
            let about = |error: io::Error| format!("{}: {error}", path.display());
            if path == Path::new("-") {
                let name = "<stdin>".to_owned();
                found.push(Source { name, path: None });
            } else if fs::metadata(path).map_err(about)?.is_dir() {
                let before = found.len();
                folder(path, &mut found)?;
                if found.len() == before {
                    return Err(format!(
                        "{}: has no file named *.log, *.json, *.jsonl or *.ndjson, with or without .gz",
                        path.display()
                    ));
                }
            } else {
                found.push(Source::file(path));
            }
        }
        Ok(found)
    }

    fn file(path: &Path) -> Self {
        Source {
            name: path.display().to_string(),
            path: Some(path.to_owned()),
        }
    }

    /// How many bytes it has as it lies there; none for standard input.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        Some(fs::metadata(self.path.as_ref()?).ok()?.len())
    }
}

fn folder(path: &Path, found: &mut Vec<Source>) -> Result<(), String> {
    let about = |error: io::Error| format!("{}: {error}", path.display());
    let entries: Result<Vec<_>, _> = fs::read_dir(path).map_err(about)?.collect();
    let mut entries = entries.map_err(about)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        // A link to a folder may lead back to one that was read.
        if entry.file_type().map_err(about)?.is_dir() {
            folder(&entry.path(), found)?;
        } else if is_log(&name) && entry.path().is_file() {
            found.push(Source::file(&entry.path()));
        }
    }
    Ok(())
}

fn is_log(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let name = match name.rsplit_once('.') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    };
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Whole lines of a log.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Which log, by its place among all.
    pub(crate) source: usize,
    /// The number of the first line.
    pub(crate) first: u64,
    /// The lines, each with its end but the last of a log. Of one that is longer than [`LONGEST`], only as much that
    /// this is seen.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes of the file were read since the block before.
    pub(crate) read: u64,
}

/// The longest line that is taken for one.
pub(crate) const LONGEST: usize = 1 << 20;

/// How much is read at a time.
const SIZE: usize = 1 << 18;

/// Reads a log block by block.
pub(crate) struct Blocks {
    source: usize,
    input: Box<dyn BufRead>,
    /// How many bytes were read, and of how many this was told.
    count: Rc<Cell<u64>>,
    told: u64,
    next: u64,
    /// What stands behind the last end of a line.
    rest: Vec<u8>,
    /// The line is too long, and what comes of it is passed over.
    skips: bool,
    is_done: bool,
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let count = self.count.get().saturating_add(read as u64);
        self.count.set(count);
        Ok(read)
    }
}

impl Blocks {
    pub(crate) fn open(source: usize, of: &Source) -> io::Result<Self> {
        let input: Box<dyn Read> = match &of.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        Self::new(source, input)
    }

    fn new(source: usize, input: Box<dyn Read>) -> io::Result<Self> {
        let count = Rc::new(Cell::new(0));
        let counted = Counted {
            input,
            count: Rc::clone(&count),
        };
        let mut input = BufReader::with_capacity(SIZE, counted);
        let is_gzip = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        Ok(Blocks {
            source,
            input: match is_gzip {
                true => Box::new(BufReader::with_capacity(SIZE, MultiGzDecoder::new(input))),
                false => Box::new(input),
            },
            count,
            told: 0,
            next: 1,
            rest: Vec::new(),
            skips: false,
            is_done: false,
        })
    }

    /// The next lines, in a buffer that was used before; none at the end.
    pub(crate) fn next(&mut self, mut bytes: Vec<u8>) -> io::Result<Option<Block>> {
        bytes.clear();
        bytes.append(&mut self.rest);
        loop {
            if self.is_done {
                break;
            }
            let more = self.input.fill_buf()?;
            let length = more.len();
            if more.is_empty() {
                self.is_done = true;
                break;
            }
            let mut more = more;
            if self.skips {
                let end = more.iter().position(|byte| *byte == b'\n');
                more = more.get(end.unwrap_or(length)..).unwrap_or_default();
                self.skips = end.is_none();
            }
            let ends = more.contains(&b'\n');
            bytes.extend_from_slice(more);
            self.input.consume(length);
            if ends {
                break;
            }
            if bytes.len() > LONGEST {
                // So much that it is seen to be too long.
                bytes.truncate(LONGEST.saturating_add(1));
                self.skips = true;
            }
        }
        let end = match self.is_done {
            true => bytes.len(),
            false => bytes
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |last| last.saturating_add(1)),
        };
        self.rest = bytes.split_off(end);
        if bytes.is_empty() {
            return Ok(None);
        }
        let first = self.next;
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.next = first.saturating_add(lines as u64);
        let count = self.count.get();
        let read = count.saturating_sub(std::mem::replace(&mut self.told, count));
        Ok(Some(Block {
            source: self.source,
            first,
            bytes,
            read,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    /// The lines with their numbers, those that are too long by their length alone.
    fn lines(input: Vec<u8>, step: usize) -> Vec<(u64, Vec<u8>)> {
        /// Gives so many bytes at a time.
        struct Slow(io::Cursor<Vec<u8>>, usize);
        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let length = buffer.len().min(self.1);
                self.0.read(&mut buffer[..length])
            }
        }
        let input = Slow(io::Cursor::new(input), step);
        let mut blocks = Blocks::new(0, Box::new(input)).unwrap();
        let mut all = Vec::new();
        while let Some(block) = blocks.next(Vec::new()).unwrap() {
            assert!(block.bytes.len() <= LONGEST + SIZE * 2);
            let text = block.bytes.strip_suffix(b"\n").unwrap_or(&block.bytes);
            let numbered = (block.first..).zip(text.split(|byte| *byte == b'\n'));
            all.extend(numbered.map(|(number, line)| (number, line.to_vec())));
        }
        all
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let mut input = b"a\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', LONGEST * 3));
        input.extend(b"\nb");
        let lines = lines(input, SIZE);
        let lengths = lines.iter().map(|(number, line)| (*number, line.len()));
        let lengths: Vec<_> = lengths.collect();
        assert_eq!(lengths.len(), 3);
        assert_eq!((lengths[0], lengths[2]), ((1, 1), (3, 1)));
        assert!(lengths[1].1 > LONGEST, "{lengths:?}");
    }

    #[test]
    fn packed_logs_are_told_by_what_is_in_them() {
        let plain = b"a\nb\nc\n";
        assert_eq!(lines(gzip(plain), 7), lines(plain.to_vec(), 7));
        // Logs that were packed one by one and put together.
        let two = [gzip(b"a\nb\n"), gzip(b"c\n")].concat();
        assert_eq!(lines(two, 100), lines(plain.to_vec(), 100));
        let cut = gzip(plain);
        let mut blocks = Blocks::new(0, Box::new(io::Cursor::new(cut[..12].to_vec()))).unwrap();
        assert!(blocks.next(Vec::new()).is_err());
    }

    #[test]
    fn logs_of_a_folder_are_found_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "b.log.2.gz",
            "a.log",
            "c.jsonl",
            "d.json.gz",
            "e.txt",
            ".f.log",
            "g.log.old",
            "h.gz",
        ];
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = Source::find(&[folder.path().to_owned(), "-".into()]).unwrap();
        let found: Vec<&str> = found
            .iter()
            .map(|source| source.name.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(
            found,
            ["a.log", "b.log.2.gz", "c.jsonl", "d.json.gz", "<stdin>"]
        );
        let empty = tempfile::tempdir().unwrap();
        for path in [empty.path(), Path::new("/no/such.log")] {
            Source::find(&[path.to_owned()]).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn lines_are_whole_however_they_come(input in prop::collection::vec(prop::sample::select(b"ab\n\r\0".to_vec()), 0..200), step in 1usize..40) {
            let whole = input.strip_suffix(b"\n").unwrap_or(&input);
            let expected: Vec<_> = match input.is_empty() {
                true => Vec::new(),
                false => (1..).zip(whole.split(|byte| *byte == b'\n').map(<[u8]>::to_vec)).collect(),
            };
            prop_assert_eq!(lines(input, step), expected);
        }
    }
}
