//! The servers that stand for workloads, all in this process.

use std::collections::BTreeMap;

use envoy::runtime;
use workload::{Served, serve};

use crate::Error;
use crate::plan::PlannedServer;

/// Those that are served, by the names of their replicas.
#[derive(Default)]
pub(crate) struct Servers(BTreeMap<String, (PlannedServer, Served)>);

impl Servers {
    pub(crate) fn start(planned: &[PlannedServer]) -> Result<Self, Error> {
        let mut servers = Servers::default();
        servers.add(planned)?;
        Ok(servers)
    }

    /// Starts those that are not served yet, and anew those that are other ones now.
    pub(crate) fn add(&mut self, planned: &[PlannedServer]) -> Result<(), Error> {
        let runtime = runtime::runtime()?;
        for server in planned {
            if let Some((is, served)) = self.0.get_mut(&server.name) {
                if is.addresses == server.addresses {
                    if is != server {
                        served.change(server.workload.clone());
                        *is = server.clone();
                    }
                    continue;
                }
                // Its addresses are the next one's.
                self.0.remove(&server.name);
            }
            let served = serve(runtime.handle(), &server.addresses, server.workload.clone());
            let served = served
                .map_err(|error| Error::Taken(format!("the server of {}: {error}", server.name)))?;
            self.0.insert(server.name.clone(), (server.clone(), served));
        }
        Ok(())
    }

    /// Ends those that are not among these.
    pub(crate) fn keep(&mut self, planned: &[PlannedServer]) {
        self.0
            .retain(|name, _| planned.iter().any(|one| one.name == *name));
    }
}
