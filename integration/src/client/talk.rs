//! A few connections to one address, over which requests take turns: they meet every worker, one after
//! the other.

use super::{Broken, Client, Connection, Request, Response};

/// As many as it takes to meet both of two workers, most of the time.
const CONNECTIONS: usize = 3;

/// Connections that are opened when their turn comes, and kept while Envoy keeps them.
#[derive(Debug)]
pub struct Talk {
    client: Client,
    connections: Vec<Option<Connection>>,
    turn: usize,
}

impl Talk {
    /// With nobody yet.
    pub fn of(client: Client) -> Self {
        Self {
            client,
            connections: (0..CONNECTIONS).map(|_| None).collect(),
            turn: 0,
        }
    }

    /// Sends a request over the next connection.
    ///
    /// # Errors
    /// There is no answer, over a connection that was opened for it.
    pub fn ask(&mut self, request: &Request) -> Result<Response, Broken> {
        self.turn += 1;
        let place = self.turn % self.connections.len();
        // A connection that was closed meanwhile is no answer; a fresh one that closes is.
        if let Some(connection) = self.connections[place].take()
            && let Ok(response) = connection.try_send(request.clone())
        {
            self.keep(place, connection, &response);
            return Ok(response);
        }
        let connection = self.client.try_connect()?;
        let response = connection.try_send(request.clone())?;
        self.keep(place, connection, &response);
        Ok(response)
    }

    fn keep(&mut self, place: usize, connection: Connection, response: &Response) {
        if response.header("connection") != Some("close") {
            self.connections[place] = Some(connection);
        }
    }
}
