//! A rate limit service: the crate `limitador` behind Envoy's protocol, its counters in Redis.
//!
//! The counters' storage is written here. Limitador's own for Redis counts in two steps, so that
//! two proxies at once get more than the limit, and wants OpenSSL to build.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use integration::upstream::{Answer, Recorded, Upstream};
use limitador::counter::Counter;
use limitador::limit::{Context, Limit};
use limitador::reservation::ReservationId;
use limitador::storage::{Authorization, CounterStorage, Storage, StorageErr};
use limitador::{RateLimiter, RateLimiterBuilder};
use sdk_helpers::protobuf::{Fields, Message};

/// Starts the service on a free port.
pub(crate) fn start(redis: SocketAddr, limits: Vec<Limit>) -> Upstream {
    let storage = Storage::with_counter_storage(Box::new(Redis(redis)));
    let limiter: RateLimiter = RateLimiterBuilder::with_storage(storage).build();
    for limit in limits {
        limiter.add_limit(limit);
    }
    Upstream::with(move |request| answer(&limiter, &request))
}

fn answer(limiter: &RateLimiter, request: &Recorded) -> Answer {
    assert_eq!(
        request.path,
        "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
    );
    let (domain, descriptors, hits) = read(&request.messages()[0]);
    let mut context = Context::default();
    context.list_binding("descriptors".to_owned(), descriptors);
    match limiter.check_rate_limited_and_update(&domain.into(), &context, hits) {
        Ok(result) => {
            let code = if result.limited { 2 } else { 1 };
            Answer::grpc(&Message::new().number(1, code).into_bytes())
        }
        Err(error) => Answer::grpc_error(14, &error.to_string()),
    }
}

/// Domain, descriptors and hits of a `RateLimitRequest`.
pub(crate) fn read(message: &[u8]) -> (String, Vec<HashMap<String, String>>, u64) {
    let (mut domain, mut descriptors, mut hits) = (String::new(), Vec::new(), 1);
    for field in Fields::of(message) {
        match field.unwrap() {
            (1, text) => domain = text.text().unwrap().to_owned(),
            (2, descriptor) => descriptors.push(entries(descriptor.bytes().unwrap())),
            (3, number) => hits = number.number().unwrap(),
            _ => {}
        }
    }
    (domain, descriptors, hits)
}

fn entries(descriptor: &[u8]) -> HashMap<String, String> {
    let mut entries = HashMap::new();
    for field in Fields::of(descriptor) {
        let (1, entry) = field.unwrap() else { continue };
        let entry: BTreeMap<u32, String> = Fields::of(entry.bytes().unwrap())
            .map(|field| field.unwrap())
            .map(|(number, text)| (number, text.text().unwrap().to_owned()))
            .collect();
        entries.insert(entry[&1].clone(), entry[&2].clone());
    }
    entries
}

/// Counts all counters or none, in one step: the answer is the place of the first one that is over,
/// or 0.
const SCRIPT: &str = "
    for i, key in ipairs(KEYS) do
        local count = tonumber(redis.call('get', key) or '0')
        if count + tonumber(ARGV[1]) > tonumber(ARGV[2 * i]) then return i end
    end
    for i, key in ipairs(KEYS) do
        if redis.call('incrby', key, ARGV[1]) == tonumber(ARGV[1]) then
            redis.call('expire', key, ARGV[2 * i + 1])
        end
    end
    return 0";

struct Redis(SocketAddr);

impl Redis {
    fn count(&self, counters: &[Counter], hits: u64) -> io::Result<usize> {
        let mut command = vec![
            "EVAL".to_owned(),
            SCRIPT.to_owned(),
            counters.len().to_string(),
        ];
        command.extend(counters.iter().map(|counter| {
            format!(
                "{}/{:?}",
                counter.namespace().as_ref(),
                counter.set_variables()
            )
        }));
        command.push(hits.to_string());
        for counter in counters {
            command.push(counter.max_value().to_string());
            command.push(counter.window().as_secs().to_string());
        }
        let answer = self.ask(&command)?;
        let number = answer
            .strip_prefix(':')
            .and_then(|number| number.parse().ok());
        number.ok_or_else(|| io::Error::other(answer))
    }

    /// Sends a command and reads an answer of one line.
    fn ask(&self, command: &[String]) -> io::Result<String> {
        let time = Duration::from_secs(1);
        let mut stream = TcpStream::connect_timeout(&self.0, time)?;
        stream.set_read_timeout(Some(time))?;
        let mut bytes = format!("*{}\r\n", command.len());
        for word in command {
            bytes.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(bytes.as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// The only error that limitador lets a storage of somebody else's make.
    fn failed<T>(&self) -> Result<T, StorageErr> {
        match self.release_reservation(&[], &ReservationId::new()) {
            Err(error) => Err(error),
            Ok(_) => panic!("a storage without reservations released one"),
        }
    }
}

impl CounterStorage for Redis {
    fn check_and_update(
        &self,
        counters: &mut Vec<Counter>,
        hits: u64,
    ) -> Result<Authorization, StorageErr> {
        match self.count(counters, hits) {
            Ok(0) => Ok(Authorization::Ok),
            Ok(over) => {
                let name = counters[over - 1].limit().name();
                Ok(Authorization::Limited(name.map(str::to_owned)))
            }
            Err(_) => self.failed(),
        }
    }

    fn add_counter(&self, _: &Limit) -> Result<(), StorageErr> {
        Ok(())
    }

    fn is_within_limits(&self, _: &Counter, _: u64) -> Result<bool, StorageErr> {
        self.failed()
    }

    fn update_counter(&self, _: &Counter, _: u64) -> Result<(), StorageErr> {
        self.failed()
    }

    fn check(&self, _: &mut Vec<Counter>, _: u64) -> Result<Authorization, StorageErr> {
        self.failed()
    }

    fn get_counters(&self, _: &HashSet<Arc<Limit>>) -> Result<HashSet<Counter>, StorageErr> {
        self.failed()
    }

    fn delete_counters(&self, _: &HashSet<Arc<Limit>>) -> Result<(), StorageErr> {
        self.failed()
    }

    fn clear(&self) -> Result<(), StorageErr> {
        self.failed()
    }
}
