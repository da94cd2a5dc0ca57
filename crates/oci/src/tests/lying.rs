//! Places that do not tell the truth of an image, and indexes that lead to one.

use serde_json::json;

use super::{image, named, refused, says};
use crate::{Blob, Digest, Expected, Found, Image, Kind, Source, SourceError, media, verify};

/// A place that lies about an image.
struct Lying {
    image: Image,
    /// In front of it.
    index: Option<Vec<u8>>,
    /// In place of every blob.
    blob: Option<Vec<u8>>,
    /// In place of the manifest.
    manifest: Option<Vec<u8>>,
}

impl Lying {
    fn about(image: Image) -> Self {
        Self {
            image,
            index: None,
            blob: None,
            manifest: None,
        }
    }

    fn behind(platforms: &[Option<&str>]) -> Self {
        let image = image(Kind::Compat);
        let entry = |platform: &Option<&str>| {
            let mut entry = named(image.manifest());
            if let Some((os, architecture)) = platform.and_then(|it| it.split_once('/')) {
                entry["platform"] = json!({ "os": os, "architecture": architecture });
            }
            entry
        };
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_INDEX,
            "manifests": platforms.iter().map(entry).collect::<Vec<_>>(),
        });
        let index = Some(serde_json::to_vec(&index).unwrap());
        Self {
            index,
            ..Self::about(image)
        }
    }
}

impl Source for Lying {
    fn root(&self) -> Result<Found, SourceError> {
        let Some(index) = &self.index else {
            return self.listed(&self.image.digest());
        };
        Ok(Found {
            digest: Some(Digest::of(index)),
            media_type: Some(media::OCI_INDEX.to_owned()),
            bytes: index.clone(),
        })
    }

    fn listed(&self, digest: &Digest) -> Result<Found, SourceError> {
        let mut found = self.image.listed(digest)?;
        if let Some(manifest) = &self.manifest {
            found.bytes.clone_from(manifest);
        }
        Ok(found)
    }

    fn blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, SourceError> {
        match &self.blob {
            Some(blob) => Ok(blob.clone()),
            None => self.image.blob(digest, limit),
        }
    }
}

#[test]
fn an_index_is_followed_to_linux_on_amd64() {
    let any = Expected::default();
    for platforms in [
        &[Some("linux/arm64"), Some("linux/amd64")][..],
        // Without one it is taken for it.
        &[Some("unknown/unknown"), None],
    ] {
        let place = Lying::behind(platforms);
        let verified = verify(&place, &any).unwrap();
        assert_eq!(verified.digest, Some(place.image.digest()));
        assert_eq!(
            verified.index,
            Some(Digest::of(place.index.as_ref().unwrap()))
        );
    }
    let place = Lying::behind(&[Some("wasi/wasm"), Some("linux/arm64")]);
    let refusal = verify(&place, &any).unwrap_err();
    assert_eq!(refusal.code(), "no_platform");
    says(
        &refusal,
        &["wasi/wasm, linux/arm64", "linux/amd64", "without an index"],
    );
    let refusal = verify(&Lying::behind(&[]), &any).unwrap_err();
    says(&refusal, &["there are: none"]);
}

#[test]
fn the_digest_of_an_index_is_not_the_images() {
    let place = Lying::behind(&[Some("linux/amd64")]);
    let index = Digest::of(place.index.as_ref().unwrap());
    let expected = Expected {
        digest: Some(index),
        ..Expected::default()
    };
    let refusal = verify(&place, &expected).unwrap_err();
    assert_eq!(refusal.code(), "index_by_digest");
    says(
        &refusal,
        &[&index.to_string(), &place.image.digest().to_string()],
    );
}

#[test]
fn indexes_within_indexes_end() {
    struct Endless(Vec<u8>);
    impl Source for Endless {
        fn root(&self) -> Result<Found, SourceError> {
            Ok(Found {
                digest: None,
                media_type: None,
                bytes: self.0.clone(),
            })
        }
        fn listed(&self, _: &Digest) -> Result<Found, SourceError> {
            self.root()
        }
        fn blob(&self, digest: &Digest, _: u64) -> Result<Vec<u8>, SourceError> {
            Err(SourceError::missing("blob", digest))
        }
    }
    // No document holds its own digest, so the second one is found out at once.
    let entry = json!({
        "mediaType": media::OCI_INDEX, "size": 1, "digest": Digest::of(b"").to_string(),
    });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] });
    let endless = Endless(serde_json::to_vec(&index).unwrap());
    let refusal = verify(&endless, &Expected::default()).unwrap_err();
    assert_eq!(refusal.code(), "digest");
}

#[test]
fn bytes_that_are_not_what_the_manifest_says() {
    let any = Expected::default();
    for kind in Kind::ALL {
        let mut place = Lying::about(image(kind));
        let last = place.image.layers().last().unwrap().bytes().to_vec();
        let changed: Vec<u8> = last.iter().map(|byte| byte ^ 1).collect();
        place.blob = Some(changed);
        let refusal = verify(&place, &any).unwrap_err();
        assert_eq!(refusal.code(), "digest", "{kind}");
        place.blob = Some(last[..last.len() / 2].to_vec());
        let refusal = verify(&place, &any).unwrap_err();
        says(
            &refusal,
            &[&format!("{} bytes was said", last.len()), "cut short"],
        );
    }
    let mut place = Lying::about(image(Kind::Compat));
    place.manifest = Some(b"{}".to_vec());
    let refusal = verify(&place, &any).unwrap_err();
    assert_eq!(refusal.code(), "digest");
    says(&refusal, &["manifest sha256:"]);
}

#[test]
fn a_layer_that_claims_more_than_the_limit_is_not_fetched() {
    struct Refuses(Image);
    impl Source for Refuses {
        fn root(&self) -> Result<Found, SourceError> {
            self.0.root()
        }
        fn listed(&self, digest: &Digest) -> Result<Found, SourceError> {
            self.0.listed(digest)
        }
        fn blob(&self, _: &Digest, _: u64) -> Result<Vec<u8>, SourceError> {
            panic!("it was fetched");
        }
    }
    let mut manifest: serde_json::Value =
        serde_json::from_slice(image(Kind::Compat).manifest().bytes()).unwrap();
    manifest["layers"][0]["size"] = json!(u64::MAX);
    let manifest = Blob::new(media::OCI_MANIFEST, serde_json::to_vec(&manifest).unwrap());
    let place = Refuses(Image::new(
        manifest,
        Blob::new(media::OCI_EMPTY, b"{}".to_vec()),
        vec![],
    ));
    let refusal = verify(&place, &Expected::default()).unwrap_err();
    assert_eq!(refusal.code(), "too_large");
}

#[test]
fn what_is_no_manifest() {
    for (bytes, part) in [
        (&b"<html>"[..], "expected value"),
        (b"{}", "missing field `schemaVersion`"),
        (br#"{"schemaVersion":2,"config":{"mediaType":"x","size":1,"digest":"sha256:../../x"},"layers":[]}"#, "Invalid encoded value ../../x"),
    ] {
        let manifest = Blob::new(media::OCI_MANIFEST, bytes.to_vec());
        let refusal = refused(&Image::new(manifest, Blob::new(media::OCI_EMPTY, b"{}".to_vec()), vec![]));
        assert_eq!(refusal.code(), "malformed");
        says(&refusal, &[part]);
    }
}
