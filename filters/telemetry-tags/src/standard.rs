//! The values of Istio's standard labels, derived as Istio's own filter derives them.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use sdk_helpers::attributes::{Certificate, CertificateName};
use sdk_helpers::{Attributes, Request};

use crate::attribute::View;
use crate::config::Reporter;
use crate::flags;
use crate::identity::{LocalProxy, Peers, Service, Services, Workload, text};
use crate::label::Label;

/// One stream at its end, asked for labels. What several of them need is read once.
pub struct Standard<'a> {
    view: View<'a>,
    request: &'a Request,
    proxy: &'a LocalProxy,
    peers: &'a Peers,
    services: &'a Services,
    downstream: OnceCell<Rc<Workload>>,
    upstream: OnceCell<Rc<Workload>>,
    principals: OnceCell<(String, String)>,
    service: OnceCell<Service>,
    grpc: OnceCell<bool>,
}

type Value<'a> = Cow<'a, str>;

impl<'a> Standard<'a> {
    /// Of a stream; nothing is read yet.
    pub fn new(
        view: View<'a>,
        request: &'a Request,
        proxy: &'a LocalProxy,
        peers: &'a Peers,
        services: &'a Services,
    ) -> Self {
        Standard {
            view,
            request,
            proxy,
            peers,
            services,
            downstream: OnceCell::new(),
            upstream: OnceCell::new(),
            principals: OnceCell::new(),
            service: OnceCell::new(),
            grpc: OnceCell::new(),
        }
    }

    /// Whether the request is gRPC.
    pub fn is_grpc(&self) -> bool {
        *self.grpc.get_or_init(|| self.request.is_grpc())
    }

    /// The value of a label; empty where Istio leaves it empty.
    pub fn value(&self, label: Label) -> Value<'_> {
        match label {
            Label::Reporter => Cow::Borrowed(match self.proxy.reporter {
                Reporter::Source => "source",
                Reporter::Destination => "destination",
                Reporter::Waypoint => "waypoint",
            }),
            Label::SourceWorkload => self.source(|w| &w.name, "unknown"),
            Label::SourceCanonicalService => self.source(|w| &w.service, "unknown"),
            Label::SourceCanonicalRevision => self.source(|w| &w.revision, "latest"),
            Label::SourceWorkloadNamespace => self.source_namespace(),
            Label::SourcePrincipal => or(&self.principals().0, "unknown"),
            Label::SourceApp => self.source(|w| &w.app, "unknown"),
            Label::SourceVersion => self.source(|w| &w.version, "unknown"),
            Label::SourceCluster => self.source(|w| &w.cluster, "unknown"),
            Label::DestinationWorkload => self.destination(|w| &w.name, "unknown"),
            Label::DestinationWorkloadNamespace => self.destination_namespace(),
            Label::DestinationPrincipal => match self.proxy.reporter {
                // The waypoint's own certificate is not that of the endpoint.
                Reporter::Waypoint => or(&self.upstream().identity, "unknown"),
                _ => or(&self.principals().1, "unknown"),
            },
            Label::DestinationApp => self.destination(|w| &w.app, "unknown"),
            Label::DestinationVersion => self.destination(|w| &w.version, "unknown"),
            Label::DestinationService => self.service_or_own(&self.service().host),
            Label::DestinationCanonicalService => self.destination(|w| &w.service, "unknown"),
            Label::DestinationCanonicalRevision => {
                let unknown = match self.proxy.reporter {
                    Reporter::Waypoint => "unknown",
                    _ => "latest",
                };
                self.destination(|w| &w.revision, unknown)
            }
            Label::DestinationServiceName => self.service_or_own(&self.service().name),
            Label::DestinationServiceNamespace => self.service_namespace(),
            Label::DestinationCluster => self.destination(|w| &w.cluster, "unknown"),
            Label::RequestProtocol => Cow::Borrowed(if self.is_grpc() { "grpc" } else { "http" }),
            Label::ResponseCode => self.decimal("code").unwrap_or(Cow::Borrowed("0")),
            Label::GrpcResponseStatus => {
                let status = self.is_grpc().then(|| self.decimal("grpc_status"));
                status.flatten().unwrap_or_default()
            }
            Label::ResponseFlags => {
                let bits = self.attributes().uint(&["response", "flags"]);
                Cow::Owned(flags::short(bits.unwrap_or(0)))
            }
            Label::ConnectionSecurityPolicy => Cow::Borrowed(self.security()),
        }
    }

    /// The workload that a label is a field of, and of nothing else: while that is the same, so is the value.
    pub fn workload(&self, label: Label) -> Option<&Rc<Workload>> {
        use Label::{
            DestinationApp, DestinationCanonicalRevision, DestinationCanonicalService,
            DestinationCluster, DestinationVersion, DestinationWorkload, SourceApp,
            SourceCanonicalRevision, SourceCanonicalService, SourceCluster, SourceVersion,
            SourceWorkload,
        };
        let own = &self.proxy.own;
        match (label, self.proxy.reporter) {
            (
                SourceWorkload
                | SourceCanonicalService
                | SourceCanonicalRevision
                | SourceApp
                | SourceVersion
                | SourceCluster,
                reporter,
            ) => Some(match reporter {
                Reporter::Source => own,
                Reporter::Destination | Reporter::Waypoint => self.downstream(),
            }),
            (
                DestinationWorkload
                | DestinationCanonicalService
                | DestinationCanonicalRevision
                | DestinationApp
                | DestinationVersion
                | DestinationCluster,
                reporter,
            ) => Some(match reporter {
                Reporter::Destination => own,
                Reporter::Source | Reporter::Waypoint => self.upstream(),
            }),
            _ => None,
        }
    }

    fn attributes(&self) -> &'a dyn Attributes {
        self.view.world
    }

    fn decimal(&self, name: &str) -> Option<Value<'_>> {
        let number = self.attributes().uint(&["response", name])?;
        Some(Cow::Owned(number.cast_signed().to_string()))
    }

    /// A peer's value has a fallback; the proxy's own stays empty.
    fn source(&self, of: fn(&Workload) -> &String, unknown: &'static str) -> Value<'_> {
        match self.proxy.reporter {
            Reporter::Source => Cow::Borrowed(of(&self.proxy.own)),
            _ => or(of(self.downstream()), unknown),
        }
    }

    fn destination(&self, of: fn(&Workload) -> &String, unknown: &'static str) -> Value<'_> {
        match self.proxy.reporter {
            Reporter::Destination => Cow::Borrowed(of(&self.proxy.own)),
            _ => or(of(self.upstream()), unknown),
        }
    }

    /// What a peer's certificate says goes before what it says itself.
    fn source_namespace(&self) -> Value<'_> {
        match self.proxy.reporter {
            Reporter::Source => Cow::Borrowed(&self.proxy.own.namespace),
            _ => match namespace(&self.principals().0) {
                Some(verified) => Cow::Borrowed(verified),
                None => or(&self.downstream().namespace, "unknown"),
            },
        }
    }

    fn destination_namespace(&self) -> Value<'_> {
        match self.proxy.reporter {
            Reporter::Destination => Cow::Borrowed(&self.proxy.own.namespace),
            Reporter::Waypoint => or(&self.upstream().namespace, "unknown"),
            Reporter::Source => match namespace(&self.principals().1) {
                Some(verified) => Cow::Borrowed(verified),
                None => or(&self.upstream().namespace, "unknown"),
            },
        }
    }

    fn service_or_own<'b>(&'b self, value: &'b str) -> Value<'b> {
        match self.proxy.reporter {
            Reporter::Destination if value.is_empty() => Cow::Borrowed(&self.proxy.own.service),
            _ => or(value, "unknown"),
        }
    }

    fn service_namespace(&self) -> Value<'_> {
        let said = &self.service().namespace;
        match self.proxy.reporter {
            Reporter::Destination => Cow::Borrowed(&self.proxy.own.namespace),
            Reporter::Source if said.is_empty() => self.destination_namespace(),
            _ => or(said, "unknown"),
        }
    }

    fn security(&self) -> &'static str {
        if self.proxy.reporter == Reporter::Source {
            return "unknown";
        }
        let (peer, local) = self.principals();
        if peer.is_empty() || local.is_empty() {
            "none"
        } else {
            "mutual_tls"
        }
    }

    fn downstream(&self) -> &Rc<Workload> {
        self.downstream
            .get_or_init(|| self.peers.downstream(self.view.world))
    }

    fn upstream(&self) -> &Rc<Workload> {
        // Istio's waypoints know endpoints by nothing but what they say.
        let by_endpoint = self.proxy.reporter == Reporter::Source;
        self.upstream
            .get_or_init(|| self.peers.upstream(self.view.world, by_endpoint))
    }

    /// Whose certificates were shown: the source's and the destination's.
    fn principals(&self) -> &(String, String) {
        self.principals.get_or_init(|| {
            let attributes = self.attributes();
            let uri =
                |of: Certificate| text(attributes.certificate_name(of, CertificateName::UriSan));
            if self.proxy.reporter == Reporter::Source {
                let mut peer = uri(Certificate::UpstreamPeer);
                if peer.is_empty() {
                    peer.clone_from(&self.upstream().identity);
                }
                return (uri(Certificate::UpstreamLocal), peer);
            }
            let told = (
                text(attributes.filter_state("io.istio.peer_principal")),
                text(attributes.filter_state("io.istio.local_principal")),
            );
            if !told.0.is_empty() || !told.1.is_empty() {
                return told;
            }
            let peer = uri(Certificate::DownstreamPeer);
            (peer, uri(Certificate::DownstreamLocal))
        })
    }

    fn service(&self) -> &Service {
        self.service.get_or_init(|| {
            let attributes = self.attributes();
            let mut service = Service::default();
            if self.proxy.host_header {
                let host = String::from_utf8_lossy(self.request.authority()).into_owned();
                service.host.clone_from(&host);
                service.name = host;
            }
            let cluster = text(attributes.cluster_name());
            let catch_all = match cluster.as_str() {
                "BlackHoleCluster"
                | "PassthroughCluster"
                | "InboundPassthroughCluster"
                | "InboundPassthroughClusterIpv4"
                | "InboundPassthroughClusterIpv6" => Some(cluster.as_str()),
                _ => match text(attributes.route_name()).as_str() {
                    "block_all" => Some("BlackHoleCluster"),
                    "allow_any" => Some("PassthroughCluster"),
                    _ => None,
                },
            };
            match catch_all {
                Some(name) => name.clone_into(&mut service.name),
                None if !cluster.is_empty() => {
                    let known = self.services.of(attributes, &cluster);
                    for (said, value) in [
                        (&known.host, &mut service.host),
                        (&known.name, &mut service.name),
                        (&known.namespace, &mut service.namespace),
                    ] {
                        if !said.is_empty() {
                            value.clone_from(said);
                        }
                    }
                }
                None => {}
            }
            service
        })
    }
}

/// The namespace in a SPIFFE identity: the segment behind `/ns/`.
fn namespace(identity: &str) -> Option<&str> {
    let mut segments = identity.split('/').skip(1);
    segments.by_ref().find(|segment| *segment == "ns")?;
    segments.next().filter(|namespace| !namespace.is_empty())
}

fn or<'a>(value: &'a str, unknown: &'static str) -> Value<'a> {
    Cow::Borrowed(if value.is_empty() { unknown } else { value })
}
