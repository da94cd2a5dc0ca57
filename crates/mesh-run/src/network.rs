//! The loopback network of a mesh: a free one, which it keeps to the end.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::Error;

/// The networks that meshes take: `127.N.0.0/16`, each with the one above it for the processes behind the sidecars.
pub(crate) const NETWORKS: std::ops::RangeInclusive<u8> = 10..=250;
/// Who listens here has the network. No proxy has this address.
const CLAIM: u16 = 15000;

/// A network that is this mesh's as long as it lives.
#[derive(Debug)]
pub(crate) struct Network {
    number: u8,
    _claim: TcpListener,
}

impl Network {
    /// The one that is asked for, or the first that is free, where all of `needed` can be listened on.
    ///
    /// # Errors
    /// It is taken, or all are: which address.
    pub(crate) fn take(
        asked: Option<u8>,
        needed: impl Fn(u8) -> BTreeSet<SocketAddr>,
    ) -> Result<Self, Error> {
        if let Some(number) = asked {
            if number % 2 != 0 || !NETWORKS.contains(&number) {
                return Err(Error::Taken(format!(
                    "`--network {number}`: it is an even number from {} to {}",
                    NETWORKS.start(),
                    NETWORKS.end()
                )));
            }
            return Self::claim(number, &needed(number)).map_err(|(address, why)| {
                let whose = match address.port() == CLAIM {
                    true => format!("another mesh has the network {number}"),
                    false => format!("{address} cannot be listened on: {why}"),
                };
                Error::Taken(format!(
                    "{whose}; take another --network, or none for one that is free"
                ))
            });
        }
        let mut last = None;
        for number in NETWORKS.step_by(2) {
            match Self::claim(number, &needed(number)) {
                Ok(network) => return Ok(network),
                Err((address, _)) if address.port() == CLAIM => {}
                Err(taken) => last = Some(taken),
            }
        }
        Err(Error::Taken(match last {
            Some((address, why)) => format!(
                "port {} is taken at every address of 127.0.0.0/8, as by a server that listens on all of them ({address}: {why}); \
                 `ss -ltnp 'sport = :{}'` says who that is",
                address.port(),
                address.port(),
            ),
            None => "meshes have all networks of this machine; `mesh-filters mesh down` ends one"
                .to_owned(),
        }))
    }

    pub(crate) fn number(&self) -> u8 {
        self.number
    }

    fn claim(
        number: u8,
        needed: &BTreeSet<SocketAddr>,
    ) -> Result<Self, (SocketAddr, std::io::Error)> {
        let own = SocketAddr::from((Ipv4Addr::new(127, number, 0, 0), CLAIM));
        let claim = TcpListener::bind(own).map_err(|error| (own, error))?;
        are_free(needed)?;
        Ok(Self {
            number,
            _claim: claim,
        })
    }
}

/// That all of these can be listened on. Envoys would share a port with each other, and nobody would know whose turn
/// it is.
///
/// # Errors
/// The first that cannot.
pub(crate) fn are_free<'a>(
    needed: impl IntoIterator<Item = &'a SocketAddr>,
) -> Result<(), (SocketAddr, std::io::Error)> {
    for address in needed {
        TcpListener::bind(address).map_err(|error| (*address, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_meshes_have_two_networks() {
        let none = |_| BTreeSet::new();
        let one = Network::take(None, none).unwrap();
        let other = Network::take(None, none).unwrap();
        assert_ne!(one.number(), other.number());
        let problem = Network::take(Some(one.number()), none)
            .unwrap_err()
            .to_string();
        let expected = format!(
            "another mesh has the network {}; take another",
            one.number()
        );
        assert!(problem.starts_with(&expected), "{problem}");
        for wrong in [0, 8, 11, 251] {
            assert!(Network::take(Some(wrong), none).is_err(), "{wrong}");
        }

        let own = Ipv4Addr::new(127, one.number(), 9, 9);
        let taken = TcpListener::bind((own, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let needed =
            |number| BTreeSet::from([SocketAddr::from((Ipv4Addr::new(127, number, 9, 9), port))]);
        let number = one.number();
        drop(one);
        let problem = Network::take(Some(number), needed).unwrap_err().to_string();
        assert!(
            problem.starts_with(&format!("127.{number}.9.9:{port} cannot be listened on")),
            "{problem}"
        );
        assert_ne!(Network::take(None, needed).unwrap().number(), number);

        let server = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let needed =
            |number| BTreeSet::from([SocketAddr::from((Ipv4Addr::new(127, number, 9, 9), port))]);
        let problem = Network::take(None, needed).unwrap_err().to_string();
        assert!(problem.contains("taken at every address"), "{problem}");
    }
}
