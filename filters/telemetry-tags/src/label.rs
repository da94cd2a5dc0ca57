//! Istio's standard labels, in the order Istio writes them.

use crate::metric::Metric;

macro_rules! labels {
    ($($label:ident $name:literal,)+) => {
        /// One of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each is its name")]
        pub enum Label {
            $($label),+
        }

        impl Label {
            /// All of them, in order.
            pub const ALL: [Label; 25] = [$(Label::$label),+];
            /// Their names, in the same order.
            pub const NAMES: [&str; 25] = [$($name),+];
        }
    };
}

labels! {
    Reporter "reporter",
    SourceWorkload "source_workload",
    SourceCanonicalService "source_canonical_service",
    SourceCanonicalRevision "source_canonical_revision",
    SourceWorkloadNamespace "source_workload_namespace",
    SourcePrincipal "source_principal",
    SourceApp "source_app",
    SourceVersion "source_version",
    SourceCluster "source_cluster",
    DestinationWorkload "destination_workload",
    DestinationWorkloadNamespace "destination_workload_namespace",
    DestinationPrincipal "destination_principal",
    DestinationApp "destination_app",
    DestinationVersion "destination_version",
    DestinationService "destination_service",
    DestinationCanonicalService "destination_canonical_service",
    DestinationCanonicalRevision "destination_canonical_revision",
    DestinationServiceName "destination_service_name",
    DestinationServiceNamespace "destination_service_namespace",
    DestinationCluster "destination_cluster",
    RequestProtocol "request_protocol",
    ResponseCode "response_code",
    GrpcResponseStatus "grpc_response_status",
    ResponseFlags "response_flags",
    ConnectionSecurityPolicy "connection_security_policy",
}

impl Label {
    /// The label of this name.
    pub fn find(name: &str) -> Option<Self> {
        let place = Label::NAMES.iter().position(|known| *known == name)?;
        Label::ALL.get(place).copied()
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let name = Label::NAMES.get(self as usize);
        name.copied().unwrap_or_default()
    }

    /// The attribute that is the label's value already, where there is one.
    pub fn attribute(self) -> Option<&'static str> {
        (self == Label::ResponseCode).then_some("response.code")
    }

    /// Whether the proxy itself says what it is, out of few values: how a stream went, and whose side this is.
    pub fn is_closed(self) -> bool {
        self == Label::Reporter || self >= Label::RequestProtocol
    }

    /// Whether a metric has it. Istio counts gRPC messages while a stream goes on, when nothing of
    /// the answer is known.
    pub fn is_of(self, metric: Metric) -> bool {
        !metric.is_messages() || self <= Label::DestinationCluster
    }
}
