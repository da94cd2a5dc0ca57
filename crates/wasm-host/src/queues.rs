//! Shared queues: one consumer each, told on its own thread, some time after the enqueue.

use super::number::number;
use super::status::Status;
use std::collections::{BTreeMap, VecDeque};

/// Who is told: a VM of this world, and the root context that registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consumer {
    pub(crate) vm: usize,
    pub(crate) root: u32,
}

#[derive(Default)]
pub(crate) struct Queues {
    tokens: BTreeMap<(String, Vec<u8>), u32>,
    queues: BTreeMap<u32, (Consumer, VecDeque<Vec<u8>>)>,
    /// Posted and not yet run: `proxy_on_queue_ready` of a consumer for a token.
    ready: VecDeque<(Consumer, u32)>,
}

impl Queues {
    /// Whoever registers last is the consumer; what is in the queue stays there.
    pub(crate) fn register(&mut self, vm_id: &str, name: &[u8], consumer: Consumer) -> u32 {
        let next = number(self.tokens.len()).saturating_add(1);
        let place = (vm_id.to_owned(), name.to_vec());
        let token = *self.tokens.entry(place).or_insert(next);
        let fresh = (consumer, VecDeque::new());
        self.queues.entry(token).or_insert(fresh).0 = consumer;
        token
    }

    pub(crate) fn resolve(&self, vm_id: &str, name: &[u8]) -> Result<u32, Status> {
        let place = (vm_id.to_owned(), name.to_vec());
        self.tokens.get(&place).copied().ok_or(Status::NotFound)
    }

    /// The consumer is the one registered now, whoever registers before it runs.
    pub(crate) fn enqueue(&mut self, token: u32, value: Vec<u8>) -> Result<(), Status> {
        let (consumer, queue) = self.queues.get_mut(&token).ok_or(Status::NotFound)?;
        queue.push_back(value);
        self.ready.push_back((*consumer, token));
        Ok(())
    }

    pub(crate) fn dequeue(&mut self, token: u32) -> Result<Vec<u8>, Status> {
        let (_, queue) = self.queues.get_mut(&token).ok_or(Status::NotFound)?;
        queue.pop_front().ok_or(Status::Empty)
    }

    pub(crate) fn next_ready(&mut self) -> Option<(Consumer, u32)> {
        self.ready.pop_front()
    }
}
