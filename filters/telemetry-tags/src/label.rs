//! Istio's standard labels, in the order Istio writes them.

/// One of them, by its place in [`NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(usize);

macro_rules! labels {
    ($($constant:ident $name:literal,)+) => {
        /// All names.
        pub const NAMES: [&str; 25] = [$($name),+];

        #[allow(missing_docs, reason = "each is its name in capitals")]
        impl Label {
            $(pub const $constant: Label = Label(Place::$constant as usize);)+
        }

        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the names of the constants")]
        enum Place { $($constant),+ }
    };
}

labels! {
    REPORTER "reporter",
    SOURCE_WORKLOAD "source_workload",
    SOURCE_CANONICAL_SERVICE "source_canonical_service",
    SOURCE_CANONICAL_REVISION "source_canonical_revision",
    SOURCE_WORKLOAD_NAMESPACE "source_workload_namespace",
    SOURCE_PRINCIPAL "source_principal",
    SOURCE_APP "source_app",
    SOURCE_VERSION "source_version",
    SOURCE_CLUSTER "source_cluster",
    DESTINATION_WORKLOAD "destination_workload",
    DESTINATION_WORKLOAD_NAMESPACE "destination_workload_namespace",
    DESTINATION_PRINCIPAL "destination_principal",
    DESTINATION_APP "destination_app",
    DESTINATION_VERSION "destination_version",
    DESTINATION_SERVICE "destination_service",
    DESTINATION_CANONICAL_SERVICE "destination_canonical_service",
    DESTINATION_CANONICAL_REVISION "destination_canonical_revision",
    DESTINATION_SERVICE_NAME "destination_service_name",
    DESTINATION_SERVICE_NAMESPACE "destination_service_namespace",
    DESTINATION_CLUSTER "destination_cluster",
    REQUEST_PROTOCOL "request_protocol",
    RESPONSE_CODE "response_code",
    GRPC_RESPONSE_STATUS "grpc_response_status",
    RESPONSE_FLAGS "response_flags",
    CONNECTION_SECURITY_POLICY "connection_security_policy",
}

impl Label {
    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Label> {
        (0..NAMES.len()).map(Label)
    }

    /// The label of this name.
    pub fn find(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).map(Label)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or_default()
    }

    /// The attribute that is the label's value already, where there is one.
    pub fn attribute(self) -> Option<&'static str> {
        (self == Label::RESPONSE_CODE).then_some("response.code")
    }
}
