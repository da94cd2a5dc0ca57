//! MeshConfig: what holds for the whole mesh where no object says otherwise.
//! <https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/>

use std::collections::BTreeMap;

use serde_json::Value;

use crate::field::Field;
use crate::routes::Outside;

/// What a MeshConfig says that a local mesh has a use for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeshConfig {
    /// `trustDomain`.
    pub trust_domain: Option<String>,
    /// `rootNamespace`.
    pub root_namespace: Option<String>,
    /// `outboundTrafficPolicy.mode`.
    pub outside: Option<Outside>,
    /// `accessLogFile`: every request is logged there where no Telemetry says otherwise.
    pub access_log_file: Option<String>,
    /// `accessLogFormat` and `accessLogEncoding`; Istio's own text where there is none.
    pub access_log_format: Option<LogFormat>,
    /// `enableTracing`: spans are sent where no Telemetry says otherwise.
    pub enable_tracing: Option<bool>,
    /// `defaultConfig.tracing`.
    pub tracing: ProxyTracing,
    /// `extensionProviders`, by name.
    pub providers: BTreeMap<String, Provider>,
    /// `defaultProviders`.
    pub default_providers: DefaultProviders,
}

/// How an access log is written.
#[derive(Debug, Clone, PartialEq)]
pub enum LogFormat {
    /// A line; Istio's own where it is empty.
    Text(String),
    /// An object of JSON; Istio's own where it is empty.
    Json(Value),
}

/// What a proxy traces where no provider is named.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProxyTracing {
    /// `zipkin.address`: `zipkin.istio-system:9411`.
    pub zipkin: Option<String>,
    /// Of a hundred requests.
    pub sampling: Option<f64>,
    /// As they are written.
    pub custom_tags: BTreeMap<String, Value>,
    /// The most bytes of a path that a span has.
    pub max_path_tag_length: Option<u32>,
}

/// Something outside of the proxies that telemetry goes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Provider {
    /// `zipkin`.
    Zipkin(Zipkin),
    /// `opentelemetry`.
    OpenTelemetry(OpenTelemetry),
    /// `envoyFileAccessLog`.
    File(FileLog),
    /// `prometheus`, which asks the proxies by itself.
    Prometheus,
    /// Any other, by the name of its field.
    Other(String),
}

/// A collector that speaks Zipkin's JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Zipkin {
    /// Where it is.
    pub collector: Collector,
    /// `/api/v2/spans` where it is empty.
    pub path: String,
    /// Whether trace ids have 64 bits in place of 128.
    pub short_ids: bool,
    /// The most bytes of a path that a span has.
    pub max_tag_length: Option<u32>,
}

/// A collector that speaks OTLP.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenTelemetry {
    /// Where it is.
    pub collector: Collector,
    /// By HTTP at this path; by gRPC where there is none.
    pub http_path: Option<String>,
    /// The most bytes of a path that a span has.
    pub max_tag_length: Option<u32>,
}

/// A service of the mesh, or a host or address outside of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collector {
    /// `zipkin.istio-system.svc.cluster.local`, or with a namespace before it: `istio-system/zipkin.example`.
    pub service: String,
    /// `9411`.
    pub port: u16,
}

/// A file of access logs.
#[derive(Debug, Clone, PartialEq)]
pub struct FileLog {
    /// `/dev/stdout` where it is empty.
    pub path: String,
    /// None is Istio's own.
    pub format: Option<LogFormat>,
    /// Whether fields without a value are left out.
    pub omits_empty: bool,
}

/// The providers of what no Telemetry names any for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefaultProviders {
    /// `tracing`.
    pub tracing: Vec<String>,
    /// `accessLogging`.
    pub access_logging: Vec<String>,
    /// `metrics`.
    pub metrics: Vec<String>,
}

impl MeshConfig {
    /// The provider with this name, whatever its case: Istio's own two are there without a word.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<Provider> {
        let mut all = self.providers.iter();
        let own = all.find(|(one, _)| one.eq_ignore_ascii_case(name));
        let built_in = || match name.to_ascii_lowercase().as_str() {
            "envoy" => Some(Provider::File(FileLog {
                path: String::new(),
                format: self.access_log_format.clone(),
                omits_empty: false,
            })),
            "prometheus" => Some(Provider::Prometheus),
            _ => None,
        };
        own.map(|(_, provider)| provider.clone()).or_else(built_in)
    }

    /// Takes over what a MeshConfig says; the last one counts.
    pub(crate) fn take(&mut self, config: &Field<'_>) {
        // What the document is, what only a cluster has, and what policies read by themselves.
        for other in [
            "apiVersion",
            "kind",
            "metadata",
            "trustDomainAliases",
            "pathNormalization",
            "configSources",
            "connectTimeout",
        ] {
            if let Some(field) = config.get(other) {
                field.take();
            }
        }
        let text = |name: &str| config.word(name).map(str::to_owned);
        replace(&mut self.trust_domain, text("trustDomain"));
        replace(&mut self.root_namespace, text("rootNamespace"));
        let outside = config.get("outboundTrafficPolicy").map(|it| outside(&it));
        replace(&mut self.outside, outside);
        let file = text("accessLogFile").filter(|file| !file.is_empty());
        replace(&mut self.access_log_file, file);
        replace(&mut self.access_log_format, log_format(config));
        replace(&mut self.enable_tracing, config.is("enableTracing"));
        if let Some(defaults) = config.get("defaultConfig") {
            let _ = defaults.get("discoveryAddress");
            if let Some(tracing) = defaults.get("tracing") {
                self.tracing = proxy_tracing(&tracing);
            }
        }
        for field in config.list("extensionProviders") {
            if let Some(name) = field.word("name") {
                self.providers.insert(name.to_owned(), provider(&field));
            }
        }
        if let Some(defaults) = config.get("defaultProviders") {
            let names = |name: &str| texts(&defaults.list(name));
            self.default_providers = DefaultProviders {
                tracing: names("tracing"),
                access_logging: names("accessLogging"),
                metrics: names("metrics"),
            };
        }
    }
}

/// `outboundTrafficPolicy`, of a MeshConfig or of a Sidecar: without a mode it is the first one that Istio has.
pub(crate) fn outside(field: &Field<'_>) -> Outside {
    match field.word("mode") {
        Some("ALLOW_ANY") => Outside::AllowAny,
        _ => Outside::RegistryOnly,
    }
}

/// The texts of a list.
fn texts(list: &[Field<'_>]) -> Vec<String> {
    let all = list.iter().filter_map(Field::text);
    all.map(str::to_owned).collect()
}

fn replace<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

fn log_format(config: &Field<'_>) -> Option<LogFormat> {
    let format = config
        .word("accessLogFormat")
        .filter(|text| !text.is_empty());
    match config.word("accessLogEncoding") {
        Some("JSON") => {
            let object = format.map(serde_json::from_str);
            if let (Some(Err(error)), Some(field)) = (&object, config.get("accessLogFormat")) {
                field.say(
                    format!("accessLogFormat is no JSON: {error}"),
                    "lines have the fields that Istio's own have",
                );
            }
            let object = object.and_then(Result::ok).filter(Value::is_object);
            Some(LogFormat::Json(object.unwrap_or(Value::Null)))
        }
        _ => format.map(|text| LogFormat::Text(text.to_owned())),
    }
}

fn proxy_tracing(field: &Field<'_>) -> ProxyTracing {
    let address = field.at(&["zipkin", "address"]);
    let tags = field.get("customTags").map(|tags| tags.fields());
    let tags = tags.unwrap_or_default().into_iter();
    ProxyTracing {
        zipkin: address.and_then(|it| it.text()).map(str::to_owned),
        sampling: field.number("sampling"),
        custom_tags: tags.map(|(name, tag)| (name, tag.take().clone())).collect(),
        max_path_tag_length: field.whole("maxPathTagLength"),
    }
}

fn provider(field: &Field<'_>) -> Provider {
    if let Some(zipkin) = field.get("zipkin") {
        return Provider::Zipkin(Zipkin {
            collector: collector(&zipkin),
            path: zipkin.word("path").unwrap_or_default().to_owned(),
            short_ids: zipkin.is("enable64bitTraceId") == Some(true),
            max_tag_length: zipkin.whole("maxTagLength"),
        });
    }
    if let Some(otel) = field.get("opentelemetry") {
        let http = otel.get("http");
        let path = http.as_ref().map(|http| http.word("path"));
        return Provider::OpenTelemetry(OpenTelemetry {
            collector: collector(&otel),
            http_path: path.map(|path| path.unwrap_or_default().to_owned()),
            max_tag_length: otel.whole("maxTagLength"),
        });
    }
    if let Some(file) = field.get("envoyFileAccessLog") {
        let format = file.get("logFormat");
        let text = format.as_ref().and_then(|format| format.word("text"));
        let labels = format.as_ref().and_then(|format| format.get("labels"));
        let labels = labels.map(|labels| LogFormat::Json(labels.take().clone()));
        return Provider::File(FileLog {
            path: file.word("path").unwrap_or_default().to_owned(),
            format: labels.or(text.map(|text| LogFormat::Text(text.to_owned()))),
            omits_empty: file.is("omitEmptyValues") == Some(true),
        });
    }
    let mut others = field.fields().into_iter();
    match others.find(|(name, _)| name != "name") {
        Some((name, _)) if name == "prometheus" => Provider::Prometheus,
        Some((name, other)) => {
            // Whether anything is made of it is said where it is named.
            other.take();
            Provider::Other(name)
        }
        None => Provider::Other("nothing".to_owned()),
    }
}

fn collector(field: &Field<'_>) -> Collector {
    Collector {
        service: field.word("service").unwrap_or_default().to_owned(),
        port: field.whole("port").unwrap_or_default(),
    }
}
