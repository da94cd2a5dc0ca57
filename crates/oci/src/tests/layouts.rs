//! Layouts written, read and verified, as folders and as archives.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::{image, module, named};
use crate::layer::archive;
use crate::layout::{Archive, Folder, WriteError, open, write};
use crate::{
    AGENT_LIMIT, Blob, Digest, Expected, Image, Kind, Refusal, Source, SourceError, media, read,
    verify,
};

fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            names.extend(
                files(&entry.path())
                    .iter()
                    .map(|file| format!("{name}/{file}")),
            );
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}

#[test]
fn a_layout_has_what_the_image_has_and_no_more() {
    for kind in Kind::ALL {
        let scratch = tempdir().unwrap();
        let folder = scratch.path().join("layout");
        let image = image(kind);
        write(&image, "1.2.3", &folder).unwrap();
        let mut expected = vec!["index.json".to_owned(), "oci-layout".to_owned()];
        let blobs = image.blobs().chain([image.manifest()]);
        expected.extend(blobs.map(|blob| format!("blobs/sha256/{}", blob.digest().hex())));
        expected.sort();
        assert_eq!(files(&folder), expected);
        let index: Value =
            serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
        let entry = &index["manifests"][0];
        assert_eq!(entry["digest"], image.digest().to_string());
        assert_eq!(
            entry["annotations"]["org.opencontainers.image.ref.name"],
            "1.2.3"
        );
        let source = open(&folder).unwrap();
        assert_eq!(read(source.as_ref(), AGENT_LIMIT).unwrap(), image);
        let verified = verify(source.as_ref(), &Expected::default()).unwrap();
        assert_eq!(
            (verified.kind, verified.digest),
            (kind, Some(image.digest()))
        );
    }
}

#[test]
fn a_layout_is_replaced_whole_and_nothing_else_is() {
    let scratch = tempdir().unwrap();
    let folder = scratch.path().join("layout");
    write(&image(Kind::Artifact), "1", &folder).unwrap();
    let before = files(&folder).len();
    write(&image(Kind::Compat), "2", &folder).unwrap();
    assert_eq!(
        files(&folder).len(),
        before - 1,
        "no blob of the one before"
    );
    assert_eq!(
        files(scratch.path()).len(),
        files(&folder).len(),
        "no part stays"
    );
    let home = scratch.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("thesis"), "years of work").unwrap();
    let refused = write(&image(Kind::Compat), "2", &home).unwrap_err();
    assert!(matches!(&refused, WriteError::Occupied(path) if *path == home));
    assert!(refused.to_string().contains("left alone"), "{refused}");
    assert_eq!(files(&home), ["thesis"]);
}

#[test]
fn what_is_no_layout_is_said_to_be_none() {
    let scratch = tempdir().unwrap();
    let said = |path: &Path| open(path).err().unwrap().to_string();
    assert!(said(scratch.path()).contains("it has no file `oci-layout`"));
    assert!(said(&scratch.path().join("none")).contains("there is none"));
    let file = scratch.path().join("file");
    for (bytes, part) in [
        (&module().into_bytes()[..], "a module and no image"),
        (b"hello", "no tar archive"),
        (&[0x1f, 0x8b, 8, 0], "compressed by gzip; unpack it first"),
        (&archive(b"").unwrap(), "there is no `index.json` in it"),
    ] {
        fs::write(&file, bytes).unwrap();
        assert!(said(&file).contains(part), "{}", said(&file));
    }
}

/// A layout in a folder of the test's own.
fn written() -> (TempDir, PathBuf, Image) {
    let scratch = tempdir().unwrap();
    let folder = scratch.path().join("layout");
    let image = image(Kind::Compat);
    write(&image, "1", &folder).unwrap();
    (scratch, folder, image)
}

/// The file of an image's layer.
fn layer_of(image: &Image, folder: &Path) -> PathBuf {
    let digits = image.layers()[0].digest().hex();
    folder.join("blobs/sha256").join(digits)
}

#[test]
fn a_damaged_layout_is_found_out() {
    let (_scratch, folder, image) = written();
    let layer = layer_of(&image, &folder);
    let verify = || verify(&Folder::open(&folder).unwrap(), &Expected::default());
    fs::write(&layer, vec![0; image.layers()[0].bytes().len()]).unwrap();
    assert_eq!(verify().unwrap_err().code(), "digest");
    fs::remove_file(&layer).unwrap();
    assert_eq!(verify().unwrap_err().code(), "missing");
    fs::create_dir(&layer).unwrap();
    assert_eq!(verify().unwrap_err().code(), "malformed");
}

/// A link out of the layout, with the very bytes that are wanted behind it.
#[test]
fn nothing_outside_the_folder_is_read() {
    let (scratch, folder, image) = written();
    let layer = layer_of(&image, &folder);
    let outside = scratch.path().join("outside");
    fs::rename(&layer, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &layer).unwrap();
    let refused = verify(&Folder::open(&folder).unwrap(), &Expected::default()).unwrap_err();
    assert!(
        refused.to_string().contains("leads out of the layout"),
        "{refused}"
    );
    // A digest that would lead there is none.
    let mut index: Value =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    index["manifests"][0]["digest"] = json!("sha256:../../../outside");
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
    let refused = verify(&Folder::open(&folder).unwrap(), &Expected::default()).unwrap_err();
    assert_eq!(refused.code(), "malformed");
}

#[test]
fn of_several_images_the_one_for_linux_on_amd64_counts() {
    let (_scratch, folder, image) = written();
    let entry = |architecture: &str| {
        let mut entry = named(image.manifest());
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
        entry
    };
    let list = |architectures: &[&str]| {
        let manifests: Vec<Value> = architectures.iter().map(|it| entry(it)).collect();
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        fs::write(folder.join("index.json"), index.to_string()).unwrap();
        verify(&Folder::open(&folder).unwrap(), &Expected::default())
    };
    assert_eq!(
        list(&["arm64", "amd64"]).unwrap().digest,
        Some(image.digest())
    );
    assert_eq!(
        list(&["arm64", "riscv64"]).unwrap_err().code(),
        "no_platform"
    );
    assert_eq!(list(&[]).unwrap_err().code(), "no_platform");
}

/// A tar archive of these files.
pub(super) fn tarred(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, bytes.as_slice())
            .unwrap();
    }
    builder.into_inner().unwrap()
}

/// The layout of an image as files.
pub(super) fn as_files(image: &Image) -> Vec<(String, Vec<u8>)> {
    let index = json!({ "schemaVersion": 2, "manifests": [named(image.manifest())] });
    let mut files = vec![
        (
            "oci-layout".to_owned(),
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
        ("index.json".to_owned(), serde_json::to_vec(&index).unwrap()),
    ];
    for blob in image.blobs().chain([image.manifest()]) {
        files.push((
            format!("blobs/sha256/{}", blob.digest().hex()),
            blob.bytes().to_vec(),
        ));
    }
    files
}

fn in_memory(files: &[(String, Vec<u8>)]) -> Result<Archive<Cursor<Vec<u8>>>, SourceError> {
    Archive::read(Cursor::new(tarred(files)), "test.tar")
}

#[test]
fn an_archive_of_a_layout_is_read_without_unpacking() {
    for kind in Kind::ALL {
        let image = image(kind);
        let archive = in_memory(&as_files(&image)).unwrap();
        assert_eq!(read(&archive, AGENT_LIMIT).unwrap(), image);
        let verified = verify(&archive, &Expected::default()).unwrap();
        assert_eq!(
            (verified.kind, verified.digest),
            (kind, Some(image.digest()))
        );
    }
}

/// `docker save` writes layers as they are, and `docker push` compresses them.
#[test]
fn what_an_engine_saved_is_judged_as_it_will_be_pushed() {
    let layer = Blob::new(
        "application/vnd.oci.image.layer.v1.tar",
        archive(module().bytes()).unwrap(),
    );
    let image = super::crafted(media::OCI_MANIFEST, vec![layer]);
    let mut files = as_files(&image);
    let refused = verify(&in_memory(&files).unwrap(), &Expected::default()).unwrap_err();
    assert!(
        matches!(refused, Refusal::Compression { .. }),
        "nobody compresses a layout"
    );
    files.push(("manifest.json".to_owned(), b"[]".to_vec()));
    let verified = verify(&in_memory(&files).unwrap(), &Expected::default()).unwrap();
    assert_eq!(verified.module, module());
    assert_eq!(verified.digest, None, "the push makes another manifest");
}

#[test]
fn what_an_older_engine_saved_is_judged_as_well() {
    let save = |list: &str| {
        in_memory(&[
            (
                "0a.json".to_owned(),
                br#"{"config":{"Labels":{"mesh-filters.filter":"f"}}}"#.to_vec(),
            ),
            (
                "1b/layer.tar".to_owned(),
                archive(module().bytes()).unwrap(),
            ),
            ("manifest.json".to_owned(), list.as_bytes().to_vec()),
        ])
    };
    let one = r#"{"Config":"0a.json","RepoTags":["f:1"],"Layers":["none.tar","1b/layer.tar"]}"#;
    let verified = verify(&save(&format!("[{one}]")).unwrap(), &Expected::default()).unwrap();
    assert_eq!((verified.kind, verified.digest), (Kind::Docker, None));
    assert_eq!(verified.module, module());
    assert_eq!(verified.filter.as_deref(), Some("f"));
    let problem = |list: &str| save(list).err().unwrap().to_string();
    assert!(problem("[]").contains("0 images; save one"));
    assert!(problem(&format!("[{one},{one}]")).contains("2 images; save one"));
    let outside = r#"[{"Config":"/etc/passwd","Layers":[]}]"#;
    assert!(problem(outside).contains("`/etc/passwd` in the archive: there is none"));
}

#[test]
fn an_archive_gives_no_more_than_it_is_asked_for() {
    let image = image(Kind::Artifact);
    let archive = in_memory(&as_files(&image)).unwrap();
    let content = &image.layers()[1];
    let size = content.bytes().len() as u64;
    assert_eq!(
        archive.blob(&content.digest(), size).unwrap(),
        content.bytes()
    );
    let less = archive.blob(&content.digest(), size - 1);
    assert!(matches!(less, Err(SourceError::TooLarge { .. })));
    let other = archive.blob(&Digest::of(b"other"), 9);
    assert!(matches!(other, Err(SourceError::Missing { .. })));
}
