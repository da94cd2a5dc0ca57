//! The providers as a user writes them: MeshConfig's names, every field optional.

use sdk_helpers::config::Node;

/// One entry of `extensionProviders`.
#[derive(Debug, Default)]
pub struct ProviderWire {
    pub(super) name: String,
    pub(super) http: Option<ServiceWire>,
    pub(super) grpc: Option<ServiceWire>,
    /// Another kind of provider.
    pub(super) other: bool,
}

/// `envoyExtAuthzHttp`, or `envoyExtAuthzGrpc`, which has some of its fields. `cluster` is ours.
#[derive(Debug, Default)]
pub(super) struct ServiceWire {
    /// By their place in [`FIELDS`].
    pub(super) there: Vec<usize>,
    pub(super) service: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) cluster: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) fail_open: bool,
    pub(super) status_on_error: String,
    pub(super) clear_route_cache: bool,
    pub(super) path_prefix: String,
    pub(super) additional: Vec<(String, String)>,
    /// The lists of names, by their place in [`LISTS`].
    pub(super) lists: [Vec<String>; LISTS.len()],
}

/// The kinds that are read, and then those that a MeshConfig holds besides.
const KINDS: [&str; 16] = [
    "name",
    "envoyExtAuthzHttp",
    "envoyExtAuthzGrpc",
    "zipkin",
    "lightstep",
    "datadog",
    "stackdriver",
    "opencensus",
    "skywalking",
    "opentelemetry",
    "prometheus",
    "envoyFileAccessLog",
    "envoyHttpAls",
    "envoyTcpAls",
    "envoyOtelAls",
    "sds",
];

pub(super) const FIELDS: [&str; 15] = [
    "service",
    "port",
    "cluster",
    "timeout",
    "failOpen",
    "statusOnError",
    "clearRouteCache",
    "includeRequestBodyInCheck",
    "pathPrefix",
    "includeAdditionalHeadersInCheck",
    "includeHeadersInCheck",
    "includeRequestHeadersInCheck",
    "headersToUpstreamOnAllow",
    "headersToDownstreamOnAllow",
    "headersToDownstreamOnDeny",
];
pub(super) const CLEAR_ROUTE_CACHE: usize = 6;
pub(super) const BODY: usize = 7;
/// From here on they are those of HTTP alone.
pub(super) const HTTP_ALONE: usize = 8;
/// The last of [`FIELDS`].
pub(super) const LISTS: [&str; 5] = [
    "includeHeadersInCheck",
    "includeRequestHeadersInCheck",
    "headersToUpstreamOnAllow",
    "headersToDownstreamOnAllow",
    "headersToDownstreamOnDeny",
];

impl ProviderWire {
    /// What it is called.
    pub(in crate::config) fn name(&self) -> &str {
        &self.name
    }

    /// Reads an entry.
    pub(in crate::config) fn read(node: Node<'_>) -> Self {
        let mut wire = ProviderWire::default();
        node.fields(&KINDS, &mut |place, node| match place {
            0 => wire.name = node.text(),
            1 => wire.http = Some(ServiceWire::read(node)),
            2 => wire.grpc = Some(ServiceWire::read(node)),
            _ => wire.other = true,
        });
        wire
    }
}

impl ServiceWire {
    fn read(node: Node<'_>) -> Self {
        let mut wire = ServiceWire::default();
        node.fields(&FIELDS, &mut |place, node| {
            wire.there.push(place);
            match place {
                0 => wire.service = Some(node.text()),
                1 => wire.port = u16::try_from(node.whole(1, 65_535)).ok(),
                2 => wire.cluster = Some(node.text()),
                3 => wire.timeout = Some(node.spelling()),
                4 => wire.fail_open = node.flag(),
                5 => wire.status_on_error = node.spelling(),
                CLEAR_ROUTE_CACHE => wire.clear_route_cache = node.flag(),
                BODY => {}
                8 => wire.path_prefix = node.text(),
                9 => node.entries(&mut |name, node| {
                    wire.additional.push((name.to_owned(), node.text()));
                }),
                place => {
                    let list = place.checked_sub(FIELDS.len() - LISTS.len());
                    if let Some(list) = list.and_then(|list| wire.lists.get_mut(list)) {
                        *list = node.texts();
                    }
                }
            }
        });
        wire
    }

    pub(super) fn has(&self, field: usize) -> bool {
        self.there.contains(&field)
    }
}
