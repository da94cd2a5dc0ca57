//! Header maps as Envoy keeps them, and the byte form in which they cross into a module.

use super::single_line::Owner;

/// More pairs than this in one block from a module, and Envoy reads the block as empty.
const MOST_PAIRS: usize = 1024;
/// More bytes than this in one block from a module, and Envoy reads the block as empty.
const MOST_BYTES: usize = 1 << 20;

/// An ordered header map: lower-case names, pseudo headers first, values of any bytes.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    owner: Owner,
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.pairs == other.pairs
    }
}

impl Eq for Headers {}

impl Headers {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value of `name`, the only one that a module's single look-up sees.
    #[must_use]
    pub fn first(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.all(name).into_iter().next()
    }

    /// Every value of `name`, in order.
    #[must_use]
    pub fn all(&self, name: impl AsRef<[u8]>) -> Vec<&[u8]> {
        let name = name.as_ref().to_ascii_lowercase();
        let mut values = Vec::new();
        for (key, value) in &self.pairs {
            if *key == name {
                values.push(value.as_slice());
            }
        }
        values
    }

    /// The first value of `name` as text, for assertions.
    #[must_use]
    pub fn text(&self, name: impl AsRef<[u8]>) -> Option<String> {
        self.first(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Every pair, in order.
    #[must_use]
    pub fn pairs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.pairs
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The length of all names and values, which is what Envoy calls the size of a map.
    pub(crate) fn size(&self) -> usize {
        self.pairs.iter().map(|(k, v)| k.len() + v.len()).sum()
    }

    /// All values of `name` joined by commas, as the `request.headers` property shows them.
    pub(crate) fn joined(&self, name: &[u8]) -> Option<Vec<u8>> {
        let values = self.all(name);
        (!values.is_empty()).then(|| values.join(&b','))
    }

    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) {
        let pair = (name.to_ascii_lowercase(), value.to_vec());
        if self.owner.joins(&pair.0)
            && let Some((_, line)) = self.pairs.iter_mut().find(|(key, _)| *key == pair.0)
        {
            if !line.is_empty() && !value.is_empty() {
                line.push(b',');
            }
            line.extend(value);
        } else if pair.0.starts_with(b":") {
            let pseudo = self.pairs.iter().take_while(|(k, _)| k.starts_with(b":"));
            let end = pseudo.count();
            self.pairs.insert(end, pair);
        } else {
            self.pairs.push(pair);
        }
    }

    pub(crate) fn remove(&mut self, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.pairs.retain(|(key, _)| *key != name);
    }

    /// Puts one value in the place of every present one.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.add(name, value);
    }

    /// The map as a request's: `host` is `:authority`, and some names have one line only.
    pub(crate) fn of_request(mut self) -> Self {
        if let Some(host) = self.first("host").map(<[u8]>::to_vec) {
            self.remove(b"host");
            if self.first(":authority").is_none() {
                self.add(b":authority", &host);
            }
        }
        self.owned(Owner::Request)
    }

    /// The map as a response's.
    pub(crate) fn of_response(self) -> Self {
        self.owned(Owner::Response)
    }

    fn owned(self, owner: Owner) -> Self {
        let pairs = Vec::with_capacity(self.len());
        let mut owned = Self { pairs, owner };
        for (name, value) in &self.pairs {
            owned.add(name, value);
        }
        owned
    }

    /// The ABI's block: a count, all lengths, then names and values each with a zero byte behind.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = word(self.pairs.len()).to_vec();
        for (name, value) in &self.pairs {
            block.extend(word(name.len()));
            block.extend(word(value.len()));
        }
        for (name, value) in &self.pairs {
            block.extend(name);
            block.push(0);
            block.extend(value);
            block.push(0);
        }
        block
    }

    /// Reads a block; one that is too big or cut short counts as empty, as it does in Envoy.
    pub(crate) fn decode(block: &[u8]) -> Self {
        let count = number(block, 0).unwrap_or(0);
        if count > MOST_PAIRS || block.len() > MOST_BYTES {
            return Self::default();
        }
        Self::decode_pairs(block, count).unwrap_or_default()
    }

    fn decode_pairs(block: &[u8], count: usize) -> Option<Self> {
        let mut headers = Self::default();
        let mut at = 4 + count * 8;
        for index in 0..count {
            let lengths = 4 + index * 8;
            let name = block.get(at..at + number(block, lengths)?)?;
            at += name.len() + 1;
            let value = block.get(at..at + number(block, lengths + 4)?)?;
            at += value.len() + 1;
            headers.add(name, value);
        }
        Some(headers)
    }
}

fn word(number: usize) -> [u8; 4] {
    super::number::number(number).to_le_bytes()
}

fn number(block: &[u8], at: usize) -> Option<usize> {
    let bytes = block.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            headers.add(name.as_ref(), value.as_ref());
        }
        headers
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> From<&[(N, V)]> for Headers {
    fn from(pairs: &[(N, V)]) -> Self {
        pairs.iter().map(|(n, v)| (n, v)).collect()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>, const COUNT: usize> From<&[(N, V); COUNT]> for Headers {
    fn from(pairs: &[(N, V); COUNT]) -> Self {
        pairs.as_slice().into()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> From<&Vec<(N, V)>> for Headers {
    fn from(pairs: &Vec<(N, V)>) -> Self {
        pairs.as_slice().into()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> From<Vec<(N, V)>> for Headers {
    fn from(pairs: Vec<(N, V)>) -> Self {
        pairs.as_slice().into()
    }
}

impl From<&Headers> for Headers {
    fn from(headers: &Headers) -> Self {
        headers.clone()
    }
}
