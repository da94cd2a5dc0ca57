//! What the launchers ask of the container engine.

use std::collections::HashMap;
use std::sync::OnceLock;

use testcontainers::GenericImage;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::bollard::{Docker, models::ContainerSummary};
use testcontainers::core::client::docker_client_instance;
use testcontainers::runners::AsyncRunner;

use super::image_name;
use super::owner::Owner;
use super::runtime::block_on;

/// The label that says who started a container.
pub(super) const OWNER: &str = "org.mesh-filters.owner";

/// Whether an engine answers that shares this machine's files and network.
pub(crate) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let remote = std::env::var("DOCKER_HOST").is_ok_and(|host| !host.starts_with("unix://"));
        let answers = || {
            block_on(async { docker().await?.ping().await.ok() }).is_ok_and(|pong| pong.is_some())
        };
        cfg!(target_os = "linux") && !remote && answers()
    })
}

/// Whether the image is there already.
pub(crate) fn has(image: &str) -> bool {
    let asked = block_on(async { docker().await?.inspect_image(image).await.ok() });
    asked.is_ok_and(|found| found.is_some())
}

/// Fetches an image; false where it cannot be had.
pub(crate) fn pull(image: &str) -> bool {
    let (name, tag) = image_name::split(image);
    eprintln!("pulling the image {image}");
    block_on(GenericImage::new(name, tag).pull_image()).is_ok_and(|pulled| pulled.is_ok())
}

/// The process of a container as this machine counts them.
pub(super) fn pid(container: &str) -> Option<u32> {
    let state = block_on(async {
        docker()
            .await?
            .inspect_container(container, None)
            .await
            .ok()?
            .state
    })
    .ok()??;
    u32::try_from(state.pid?).ok()
}

/// Removes the containers whose owner is gone.
pub(super) fn remove_orphans() {
    // Without a runtime there is no container of ours either.
    let _ = block_on(async {
        let Some(docker) = docker().await else { return };
        let labelled = HashMap::from([("label", vec![OWNER])]);
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&labelled)
            .build();
        let containers = docker
            .list_containers(Some(options))
            .await
            .unwrap_or_default();
        for id in containers.iter().filter(|container| is_orphan(container)) {
            let Some(id) = &id.id else { continue };
            let force = RemoveContainerOptionsBuilder::new()
                .force(true)
                .v(true)
                .build();
            match docker.remove_container(id, Some(force)).await {
                // Another run may be clearing away the same.
                Ok(()) | Err(Error::DockerResponseServerError { .. }) => {}
                Err(error) => eprintln!("the leftover container {id} stays: {error}"),
            }
        }
    });
}

fn is_orphan(container: &ContainerSummary) -> bool {
    let label = container
        .labels
        .as_ref()
        .and_then(|labels| labels.get(OWNER));
    label
        .and_then(|owner| owner.parse().ok())
        .is_some_and(|owner: Owner| owner.is_gone())
}

async fn docker() -> Option<Docker> {
    docker_client_instance().await.ok()
}
