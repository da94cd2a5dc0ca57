//! The names of images.

/// An image's name and tag; a digest counts as a tag.
pub(crate) fn split(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn images_split_into_name_and_tag() {
        assert_eq!(split("redis:7"), ("redis", "7"));
        assert_eq!(split("redis"), ("redis", "latest"));
        assert_eq!(
            split("localhost:5000/redis"),
            ("localhost:5000/redis", "latest")
        );
        assert_eq!(split("redis@sha256:abc"), ("redis@sha256", "abc"));
    }
}
