//! The providers as a user writes them: MeshConfig's names, every field optional.

use sdk_helpers::config::Node;
use sdk_helpers::config::kind::{Anything, DurationText, FieldKind, Map, NameText};
use sdk_helpers::config::table::Type;
use sdk_helpers::fields;

fields! {
    /// One of Istio's extension providers that authorize.
    pub struct ProviderWire as "ExtensionProvider" {
        /// what `provider.name` of a policy refers to; must be there, and be one provider's alone
        pub(super) name: NameText { istio: "same" },
        /// the service, asked over HTTP
        pub(super) envoy_ext_authz_http as "envoyExtAuthzHttp": ServiceWire { kind: "mapping", istio: "same" },
        /// the service, asked over gRPC; one of the two must be there, and not both
        pub(super) envoy_ext_authz_grpc as "envoyExtAuthzGrpc": GrpcService { kind: "mapping", istio: "same" },
        // What else a MeshConfig may hold.
        pub(super) zipkin: Anything { refused: true },
        pub(super) lightstep: Anything { refused: true },
        pub(super) datadog: Anything { refused: true },
        pub(super) stackdriver: Anything { refused: true },
        pub(super) opencensus: Anything { refused: true },
        pub(super) skywalking: Anything { refused: true },
        pub(super) opentelemetry: Anything { refused: true },
        pub(super) prometheus: Anything { refused: true },
        pub(super) envoy_file_access_log as "envoyFileAccessLog": Anything { refused: true },
        pub(super) envoy_http_als as "envoyHttpAls": Anything { refused: true },
        pub(super) envoy_tcp_als as "envoyTcpAls": Anything { refused: true },
        pub(super) envoy_otel_als as "envoyOtelAls": Anything { refused: true },
        pub(super) sds: Anything { refused: true },
    }
}

fields! {
    /// A service that authorizes, and how it is asked.
    pub(super) struct ServiceWire as "EnvoyExternalAuthorizationHttpProvider" {
        /// `host` or `namespace/host`; Envoy's cluster is then `outbound|<port>||<host>`, as Istio names it
        pub(super) service: String { istio: "same" },
        /// the port of the service
        pub(super) port: PortNumber { kind: "1–65535", istio: "same" },
        /// the name of Envoy's cluster, where it is not Istio's; `service` and `port` are not needed then
        pub(super) cluster: String { istio: "ours" },
        /// how long a request waits. The default is Istio's, and nobody wants it: set one
        pub(super) timeout: DurationText { kind: "duration, ≥ 1 ms", default: "`600s`", istio: "same" },
        /// without an answer, the request goes on
        pub(super) fail_open as "failOpen": bool { default: "false", istio: "same" },
        /// without an answer, what the client gets, where `failOpen` does not let the request go on
        pub(super) status_on_error as "statusOnError": StatusText { default: "`\"403\"`", istio: "same" },
        /// changes nothing: Envoy looks for the route again whenever a wasm filter changes a request header
        pub(super) clear_route_cache as "clearRouteCache": bool { istio: "same" },
        pub(super) include_request_body_in_check as "includeRequestBodyInCheck": Anything { refused: true },
        /// stands before the path of the check request
        pub(super) path_prefix as "pathPrefix": String { istio: "same, HTTP alone" },
        /// headers that the service gets besides. Of Envoy's operators `%REQ(header)%`,
        /// `%REQ(header?other)%` and `%%` are filled in; others are refused
        pub(super) include_additional_headers_in_check as "includeAdditionalHeadersInCheck": Map<String> {
            kind: "names to values", istio: "same, HTTP alone"
        },
        /// the deprecated name of `includeRequestHeadersInCheck`
        pub(super) include_headers_in_check as "includeHeadersInCheck": Vec<String> {
            kind: "list of header names", istio: "same, HTTP alone"
        },
        /// headers that the service sees besides `host`, method, path and `authorization`
        pub(super) include_request_headers_in_check as "includeRequestHeadersInCheck": Vec<String> {
            kind: "list of header names", istio: "same, HTTP alone"
        },
        /// headers of its answer that replace those of the request
        pub(super) headers_to_upstream_on_allow as "headersToUpstreamOnAllow": Vec<String> {
            kind: "list of header names", istio: "same, HTTP alone"
        },
        /// headers of its answer that are added to the upstream's
        pub(super) headers_to_downstream_on_allow as "headersToDownstreamOnAllow": Vec<String> {
            kind: "list of header names", istio: "same, HTTP alone"
        },
        /// headers of its answer that go to the client with a refusal, beside `location` and
        /// `www-authenticate`
        pub(super) headers_to_downstream_on_deny as "headersToDownstreamOnDeny": Vec<String> {
            kind: "list of header names", default: "all of them", istio: "same, HTTP alone"
        },
    }
}

impl ProviderWire {
    /// What it is called.
    pub(in crate::config) fn name(&self) -> String {
        self.name.clone().unwrap_or_default()
    }

    /// Whether it is a provider of another kind.
    pub(super) fn is_other(&self) -> bool {
        let others = [
            self.zipkin,
            self.lightstep,
            self.datadog,
            self.stackdriver,
            self.opencensus,
            self.skywalking,
            self.opentelemetry,
            self.prometheus,
            self.envoy_file_access_log,
            self.envoy_http_als,
            self.envoy_tcp_als,
            self.envoy_otel_als,
            self.sds,
        ];
        others.iter().any(Option::is_some)
    }
}

impl ServiceWire {
    /// The fields of HTTP alone, and whether they are there, in the order in which they are told.
    pub(super) fn http_alone(&self) -> [(&'static str, bool); 7] {
        [
            (
                "headersToDownstreamOnAllow",
                self.headers_to_downstream_on_allow.is_some(),
            ),
            (
                "headersToDownstreamOnDeny",
                self.headers_to_downstream_on_deny.is_some(),
            ),
            (
                "headersToUpstreamOnAllow",
                self.headers_to_upstream_on_allow.is_some(),
            ),
            (
                "includeAdditionalHeadersInCheck",
                self.include_additional_headers_in_check.is_some(),
            ),
            (
                "includeHeadersInCheck",
                self.include_headers_in_check.is_some(),
            ),
            (
                "includeRequestHeadersInCheck",
                self.include_request_headers_in_check.is_some(),
            ),
            ("pathPrefix", self.path_prefix.is_some()),
        ]
    }
}

/// A service asked over gRPC. It is read as one of HTTP is, so that its check can say of what it does
/// not have that it is HTTP's alone.
#[derive(Debug)]
pub(super) struct GrpcService;

impl FieldKind for GrpcService {
    type Value = ServiceWire;

    fn read(node: Node<'_>) -> ServiceWire {
        ServiceWire::read(node)
    }

    fn describe() -> Type {
        let mut kind = ServiceWire::describe();
        if let Type::Table(table) = &mut kind {
            table.called = Some("EnvoyExternalAuthorizationGrpcProvider");
            let http_alone = ServiceWire::default().http_alone();
            for field in &mut table.fields {
                field.notes.refused |= http_alone.iter().any(|(name, _)| *name == field.name);
            }
        }
        kind
    }
}

/// The number of a port that something listens on.
#[derive(Debug)]
pub(super) struct PortNumber;

impl FieldKind for PortNumber {
    type Value = u16;

    fn read(node: Node<'_>) -> u16 {
        u16::try_from(node.whole(1, 65_535)).unwrap_or_default()
    }

    fn describe() -> Type {
        Type::Whole {
            least: 1,
            most: 65_535,
        }
    }
}

/// The text of a status, as Istio has it, or its number.
#[derive(Debug)]
pub(super) struct StatusText;

impl FieldKind for StatusText {
    type Value = String;

    fn read(node: Node<'_>) -> String {
        node.spelling()
    }

    fn describe() -> Type {
        Type::Either(vec![String::describe(), u16::describe()])
    }
}
