//! The layer of an image: a tar archive with one file, compressed by gzip.
//!
//! Written so that the same module gives the same bytes on every machine: no time, no owner, and one
//! implementation of deflate, whatever else is linked into the program.

use std::fmt;
use std::io::{self, ErrorKind, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType, Header};

/// The name by which the agent finds the module in a layer, in whatever folder.
pub const PLUGIN: &str = "plugin.wasm";

/// Room for what surrounds the module in a layer: other files, headers.
const SLACK: u64 = 16 << 20;

/// Compression 9 of 10: the last step takes ten times as long for a hundredth.
const LEVEL: u8 = 9;

/// The archive with the module in it, not compressed.
///
/// # Errors
/// Never for a module that fits into memory; what the archive's writer says, otherwise.
pub(crate) fn archive(module: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = Header::new_ustar();
    header.set_path(PLUGIN)?;
    header.set_size(module.len() as u64);
    header.set_mode(0o644);
    header.set_entry_type(EntryType::Regular);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, module)?;
    builder.into_inner()
}

/// The bytes as one gzip member (RFC 1952) that says nothing of when and where it was made.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Magic, deflate, no flags, no time, best compression, system unknown.
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    member.extend(miniz_oxide::deflate::compress_to_vec(bytes, LEVEL));
    member.extend(crc32fast::hash(bytes).to_le_bytes());
    // Modulo 2^32, as the format has it.
    let [a, b, c, d, ..] = (bytes.len() as u64).to_le_bytes();
    member.extend([a, b, c, d]);
    member
}

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// By gzip, the only one that the agent reads.
    Gzip,
    /// By Zstandard.
    Zstd,
    /// Not at all: a tar archive as it is.
    None,
    /// Nothing that is known here.
    Unknown,
}

impl Compression {
    /// What the bytes begin with.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else if bytes.get(257..262) == Some(b"ustar") {
            Self::None
        } else {
            Self::Unknown
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "compressed by gzip",
            Self::Zstd => "compressed by zstd",
            Self::None => "not compressed",
            Self::Unknown => "neither gzip nor zstd nor tar",
        })
    }
}

/// Why there is no module in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerError {
    /// The layer is not compressed by gzip.
    NotGzip(Compression),
    /// It cannot be unpacked.
    Corrupt(String),
    /// No file has the name.
    NoPlugin {
        /// The files there are, at most ten.
        files: Vec<String>,
    },
    /// Something has the name, and is no file.
    NotAFile,
    /// What it unpacks to is more than the agent should hold.
    TooLarge {
        /// The limit for the module, in bytes.
        limit: u64,
    },
}

/// The first file named `plugin.wasm` in a layer that is compressed by gzip, as the agent looks for it.
///
/// No more than `limit` bytes of it, and little more than that of the whole archive, are ever unpacked.
///
/// # Errors
/// If it cannot be unpacked, or there is no such file.
pub(crate) fn plugin(layer: &[u8], limit: u64) -> Result<Vec<u8>, LayerError> {
    match Compression::of(layer) {
        Compression::Gzip => plugin_in_tar(MultiGzDecoder::new(layer), limit),
        other => Err(LayerError::NotGzip(other)),
    }
}

/// The same in an archive that is not compressed.
///
/// # Errors
/// As [`plugin`].
pub(crate) fn plugin_in_tar(archive: impl Read, limit: u64) -> Result<Vec<u8>, LayerError> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::FileTooLarge => LayerError::TooLarge { limit },
        _ => LayerError::Corrupt(error.to_string()),
    };
    let bounded = Bounded {
        inner: archive,
        left: limit.saturating_add(SLACK),
    };
    let mut archive = Archive::new(bounded);
    let mut files = Vec::new();
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if base(&path) != PLUGIN {
            if files.len() < 10 {
                files.push(path);
            }
            continue;
        }
        if !entry.header().entry_type().is_file() {
            return Err(LayerError::NotAFile);
        }
        if entry.size() > limit {
            return Err(LayerError::TooLarge { limit });
        }
        let mut module = Vec::new();
        entry.read_to_end(&mut module).map_err(failed)?;
        if (module.len() as u64) < entry.size() {
            let problem = format!("the archive ends within {PLUGIN}");
            return Err(LayerError::Corrupt(problem));
        }
        return Ok(module);
    }
    Err(LayerError::NoPlugin { files })
}

/// The last part of a path.
fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// A reader that fails where a hostile archive would go on.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::from(ErrorKind::FileTooLarge))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::{Compression, LayerError, archive, gzip, plugin};

    #[test]
    fn a_layer_gives_back_what_was_packed_and_says_nothing_of_the_maker() {
        let module = b"\0asm and more".repeat(1000);
        let packed = archive(&module).unwrap();
        let layer = gzip(&packed);
        assert_eq!(plugin(&layer, 1 << 20), Ok(module.clone()));
        assert_eq!(layer, gzip(&archive(&module).unwrap()));
        // RFC 1952: bytes 4 to 7 are the time, byte 9 the system (255 for unknown).
        assert_eq!(layer[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        let entry = &packed[..512];
        assert_eq!(&entry[..12], b"plugin.wasm\0");
        let number = |at: std::ops::Range<usize>| {
            let text = std::str::from_utf8(&entry[at]).unwrap();
            u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).unwrap()
        };
        let (mode, owner, group, time) = (
            number(100..108),
            number(108..116),
            number(116..124),
            number(136..148),
        );
        assert_eq!((mode, owner, group, time), (0o644, 0, 0, 0));
        assert!(
            entry[265..329].iter().all(|byte| *byte == 0),
            "names of owners"
        );
    }

    #[test]
    fn a_bomb_is_cut_short() {
        let bomb = gzip(&archive(&vec![0; 3 << 20]).unwrap());
        assert!(bomb.len() < 10_000, "{}", bomb.len());
        let limit = 1 << 20;
        assert_eq!(plugin(&bomb, limit), Err(LayerError::TooLarge { limit }));
        // One beside the module.
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(40 << 20);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, "other", &vec![0; 40 << 20][..])
            .unwrap();
        let bomb = gzip(&builder.into_inner().unwrap());
        assert_eq!(plugin(&bomb, limit), Err(LayerError::TooLarge { limit }));
    }

    #[test]
    fn what_is_no_layer_is_told_apart() {
        let packed = archive(b"\0asm").unwrap();
        let not = |bytes: &[u8]| match plugin(bytes, 99) {
            Err(LayerError::NotGzip(compression)) => compression,
            other => panic!("{other:?}"),
        };
        assert_eq!(not(&packed), Compression::None);
        assert_eq!(not(&[0x28, 0xb5, 0x2f, 0xfd, 0]), Compression::Zstd);
        assert_eq!(not(b""), Compression::Unknown);
        let cut = &gzip(&packed)[..20];
        assert!(matches!(plugin(cut, 99), Err(LayerError::Corrupt(_))));
    }
}
