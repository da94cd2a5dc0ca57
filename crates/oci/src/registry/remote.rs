//! One repository of a registry, and what it takes to be let in.

use std::cell::{OnceCell, RefCell};
use std::fmt;

use ureq::http::{HeaderValue, Method, Uri, header};

use super::answer::{Answer, Asker};
use super::auth::{self, Challenge, TokenRequest};
use super::credentials::Credentials;
use super::error::{Error, Operation};
use super::http::{Http, Order};
use super::options::Options;
use super::reference::Reference;

/// The most that is read of a token service's answer, in bytes.
const TOKEN_LIMIT: u64 = 1 << 20;

/// An image in a registry, or the place of one to be.
///
/// Nothing is asked before something is wanted, and nothing is shown to the registry before it asks for
/// it.
pub struct Remote<'a> {
    pub(super) reference: Reference,
    pub(super) options: Options<'a>,
    base: String,
    http: Http<'a>,
    credentials: OnceCell<Credentials>,
    /// What was let in last. Access to write includes access to read, not the other way round.
    granted: RefCell<Option<(Operation, HeaderValue)>>,
}

impl<'a> Remote<'a> {
    /// What this reference names.
    ///
    /// # Errors
    /// [`Error::Certificates`] if there is nothing that could vouch for the registry.
    pub fn new(reference: Reference, options: Options<'a>) -> Result<Self, Error> {
        let loopback = reference.is_loopback();
        let plain = options.plain_http || (loopback && options.ca.is_none());
        let scheme = if plain { "http" } else { "https" };
        Ok(Self {
            base: format!("{scheme}://{}", reference.host()),
            http: Http::new(&options, !plain, loopback)?,
            reference,
            options,
            credentials: OnceCell::new(),
            granted: RefCell::new(None),
        })
    }

    /// Which image it is.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The address of something in the repository.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/v2/{}/{path}", self.base, self.reference.repository())
    }

    /// The address that a registry sends on to.
    pub(super) fn location(&self, answer: &Answer<'_>) -> Result<String, Error> {
        let Some(location) = answer.header(header::LOCATION) else {
            return Err(answer.protocol("it does not say where to send the bytes (no `Location`)"));
        };
        let plain = location.starts_with("http://");
        if plain && self.base.starts_with("https://") {
            return Err(answer.protocol(
                "it sends on from TLS to plain HTTP; a proxy before it has to say `X-Forwarded-Proto: https`",
            ));
        }
        match plain || location.starts_with("https://") {
            true => Ok(location.to_owned()),
            false if location.starts_with('/') => Ok(format!("{}{location}", self.base)),
            false => Err(answer.protocol("its `Location` is no address")),
        }
    }

    /// Sends a request, and sends it once more with what the registry asks for if that is at hand.
    pub(super) fn ask(&self, operation: Operation, order: &Order<'_>) -> Result<Answer<'a>, Error> {
        // What a registry grants is for itself alone, wherever it sends on to.
        if !self.is_own(&order.url) {
            return self.http.send(order, None);
        }
        let granted = self.granted(operation);
        let answer = self.http.send(order, granted.as_ref())?;
        if answer.status != 401 {
            return Ok(answer);
        }
        match self.authorize(operation, &answer)? {
            Some(value) => self.http.send(order, Some(&value)),
            None => Ok(answer),
        }
    }

    /// Who asks, for the sentence of a refusal.
    pub(super) fn asker(&self, operation: Operation) -> Asker<'_> {
        Asker {
            registry: self.reference.registry(),
            operation,
            with_credentials: self.credentials.get().is_some_and(Credentials::are_there),
        }
    }

    fn is_own(&self, url: &str) -> bool {
        let parts = |url: &str| {
            let uri: Uri = url.parse().ok()?;
            Some((uri.scheme().cloned()?, uri.authority().cloned()?))
        };
        parts(url).is_some_and(|own| parts(&self.base) == Some(own))
    }

    fn granted(&self, operation: Operation) -> Option<HeaderValue> {
        let granted = self.granted.borrow();
        let (for_what, value) = granted.as_ref()?;
        let enough = *for_what == operation || *for_what == Operation::Push;
        enough.then(|| value.clone())
    }

    /// The header that meets the challenge of a 401; none where there is nothing to meet it with.
    fn authorize(
        &self,
        operation: Operation,
        refused: &Answer<'_>,
    ) -> Result<Option<HeaderValue>, Error> {
        let credentials = self.credentials()?;
        let Some(challenge) = Challenge::of(&refused.headers) else {
            return Ok(None);
        };
        let value = match challenge {
            Challenge::Basic => auth::basic(credentials),
            Challenge::Bearer { realm, service } => {
                Some(self.token(operation, refused, &realm, service.as_deref())?)
            }
        };
        *self.granted.borrow_mut() = value.clone().map(|value| (operation, value));
        Ok(value)
    }

    fn token(
        &self,
        operation: Operation,
        refused: &Answer<'_>,
        realm: &str,
        service: Option<&str>,
    ) -> Result<HeaderValue, Error> {
        let plain = self.base.starts_with("http://") && realm.starts_with("http://");
        if !plain && !realm.starts_with("https://") {
            return Err(refused.protocol("it has its tokens given where no TLS protects them"));
        }
        let credentials = self.credentials()?;
        let repository = self.reference.repository();
        let request = TokenRequest::new(realm, service, credentials, repository, operation);
        let method = match request.form {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let mut order = Order::new(method, request.url);
        if let Some(form) = &request.form {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            order = order
                .header(header::CONTENT_TYPE, kind)
                .body(form.as_bytes(), None);
        }
        let answer = self.http.send(&order, request.authorization.as_ref())?;
        let answer = answer.expect(200, self.asker(operation))?;
        let problem = answer.protocol("it gives no token that a header can hold");
        auth::bearer(&answer.bytes(TOKEN_LIMIT, None)?).ok_or(problem)
    }

    fn credentials(&self) -> Result<&Credentials, Error> {
        if self.credentials.get().is_none() {
            let found = match &self.options.docker {
                Some(folder) => Credentials::find(folder, self.reference.credentials_key())?,
                None => Credentials::Anonymous,
            };
            let _ = self.credentials.set(found);
        }
        Ok(self.credentials.get().unwrap_or(&Credentials::Anonymous))
    }
}

impl fmt::Debug for Remote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("reference", &self.reference)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
