//! A world whose clock and dice are given, and in which what filters share is kept from one request to
//! the next.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use sdk_helpers::claims::{self, Claims};
use sdk_helpers::world::Step;
use sdk_helpers::{Attributes, Contended, Roll, Timestamp, World};

/// The workload whose proxy the filters run in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// What Envoy knows of one request beside its headers.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) peer: Option<String>,
    pub(crate) claims: Option<Rc<Claims>>,
    /// The address of the direct peer.
    pub(crate) direct: Option<IpAddr>,
    /// The address of the client.
    pub(crate) client: Option<IpAddr>,
    pub(crate) port: u16,
    /// The address that the request came to, with its port, where that is known.
    pub(crate) local: Option<String>,
    /// The server name of TLS, where there is one.
    pub(crate) server_name: Option<String>,
    pub(crate) scheme: &'static str,
    pub(crate) method: Vec<u8>,
    pub(crate) authority: Vec<u8>,
    pub(crate) path: Vec<u8>,
    /// The status of the answer, once there is one.
    pub(crate) code: Option<u16>,
}

/// The world.
pub(crate) struct SimulatedWorld {
    now: Cell<Timestamp>,
    monotonic: Cell<u64>,
    roll: Cell<Roll>,
    workload: Option<Workload>,
    stream: RefCell<Stream>,
    cells: RefCell<HashMap<String, Vec<u8>>>,
}

/// The seed of rate-limit's table of keys. A proxy draws one; here it is the same every time, so that answers
/// are.
const SEED: (&str, [u8; 16]) = ("mesh_filters.rate-limit.seed", *b"the same always.");

impl SimulatedWorld {
    pub(crate) fn new(now: Timestamp, workload: Option<Workload>) -> Self {
        let (cell, seed) = SEED;
        SimulatedWorld {
            now: Cell::new(now),
            monotonic: Cell::new(now.as_nanos()),
            roll: Cell::new(Roll::new(0)),
            workload,
            stream: RefCell::default(),
            cells: RefCell::new(HashMap::from([(cell.to_owned(), seed.to_vec())])),
        }
    }

    /// Sets the clocks; the monotonic one never goes back.
    pub(crate) fn set_now(&self, now: Timestamp) {
        self.now.set(now);
        self.monotonic.set(self.monotonic.get().max(now.as_nanos()));
    }

    pub(crate) fn set_roll(&self, roll: Roll) {
        self.roll.set(roll);
    }

    pub(crate) fn begin(&self, stream: Stream) {
        self.stream.replace(stream);
    }

    pub(crate) fn answered(&self, code: u16) {
        self.stream.borrow_mut().code = Some(code);
    }

    /// What is known of the request.
    pub(crate) fn stream(&self) -> std::cell::Ref<'_, Stream> {
        self.stream.borrow()
    }

    fn request(&self, stream: &Stream, name: &str) -> Option<Vec<u8>> {
        let path = &stream.path;
        let mark = path.iter().position(|byte| *byte == b'?');
        let (before, after) = match mark {
            Some(mark) => (path.get(..mark), path.get(mark.saturating_add(1)..)),
            None => (Some(path.as_slice()), None),
        };
        Some(match name {
            "path" => path.clone(),
            "url_path" => before.unwrap_or_default().to_vec(),
            "query" => after.unwrap_or_default().to_vec(),
            "host" => stream.authority.clone(),
            "method" => stream.method.clone(),
            "scheme" => stream.scheme.into(),
            "protocol" => b"HTTP/1.1".to_vec(),
            "time" => self.now.get().as_nanos().to_le_bytes().to_vec(),
            _ => return None,
        })
    }

    fn node(&self, name: &str, label: Option<&str>) -> Option<Vec<u8>> {
        let workload = self.workload.as_ref()?;
        let text = match (name, label) {
            ("NAMESPACE", None) => Some(&workload.namespace),
            ("LABELS", Some(label)) => workload.labels.get(label),
            _ => None,
        };
        text.map(|text| text.clone().into_bytes())
    }
}

impl Attributes for SimulatedWorld {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        let stream = self.stream.borrow();
        let peer = || stream.peer.clone().map(String::into_bytes);
        match path {
            // The port of a client is nobody's business here.
            ["source", "address"] => {
                let address = SocketAddr::new(stream.client?, 0);
                Some(address.to_string().into_bytes())
            }
            ["destination", "port"] => Some(u64::from(stream.port).to_le_bytes().to_vec()),
            ["destination", "address"] => Some(stream.local.clone()?.into_bytes()),
            ["connection", "requested_server_name"] => {
                Some(stream.server_name.clone()?.into_bytes())
            }
            ["connection", "uri_san_peer_certificate"] => peer(),
            ["connection", "mtls"] => Some(vec![stream.peer.is_some().into()]),
            ["request", name] => self.request(&stream, name),
            ["response", "code"] => Some(u64::from(stream.code?).to_le_bytes().to_vec()),
            // A line says all there is to say of the peer, so a filter that cannot see it is told.
            ["filter_state", "mesh_filters.peer.uri_sans"] => peer(),
            ["filter_state", "mesh_filters.peer.address"] => {
                Some(stream.direct?.to_string().into_bytes())
            }
            path if *path == claims::PATH => Some(stream.claims.as_ref()?.json().to_vec()),
            ["xds", "node", "metadata", name] => self.node(name, None),
            ["xds", "node", "metadata", name, label] => self.node(name, Some(label)),
            _ => None,
        }
    }

    fn claims(&self) -> Option<Rc<Claims>> {
        self.stream.borrow().claims.clone()
    }
}

impl World for SimulatedWorld {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn monotonic(&self) -> u64 {
        self.monotonic.get()
    }

    fn roll(&self) -> Roll {
        self.roll.get()
    }

    fn active(&self) -> u64 {
        0
    }

    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended> {
        let mut cells = self.cells.borrow_mut();
        match cells.get_mut(cell) {
            Some(there) => {
                if let Some(next) = step(Some(there)) {
                    *there = next;
                }
            }
            None => {
                if let Some(first) = step(None) {
                    cells.insert(cell.to_owned(), first);
                }
            }
        }
        Ok(())
    }

    /// Envoy lends none here: signatures are verified in Rust, and expressions evaluated.
    fn host_function(&self, _: &str, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// A world in which dice fall as they are told to, and nothing that is shared changes.
pub(crate) struct Trial<'a> {
    pub(crate) world: &'a SimulatedWorld,
    pub(crate) roll: Roll,
    /// Whether anybody threw the dice.
    pub(crate) thrown: Cell<bool>,
    changed: RefCell<HashMap<String, Vec<u8>>>,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(world: &'a SimulatedWorld, roll: Roll) -> Self {
        Trial {
            world,
            roll,
            thrown: Cell::new(false),
            changed: RefCell::default(),
        }
    }
}

impl Attributes for Trial<'_> {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        self.world.property(path)
    }

    fn claims(&self) -> Option<Rc<Claims>> {
        self.world.claims()
    }
}

impl World for Trial<'_> {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn monotonic(&self) -> u64 {
        self.world.monotonic()
    }

    fn roll(&self) -> Roll {
        self.thrown.set(true);
        self.roll
    }

    fn active(&self) -> u64 {
        self.world.active()
    }

    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended> {
        let mut changed = self.changed.borrow_mut();
        let cells = self.world.cells.borrow();
        let there = changed.get(cell).or_else(|| cells.get(cell));
        if let Some(next) = step(there.map(Vec::as_slice)) {
            changed.insert(cell.to_owned(), next);
        }
        Ok(())
    }

    fn host_function(&self, name: &str, argument: &[u8]) -> Option<Vec<u8>> {
        self.world.host_function(name, argument)
    }
}
