//! Where tokens are looked for, in words.

use super::Locations;

impl Locations {
    /// `header authorization after "Bearer ", query access_token`.
    pub(crate) fn told(&self) -> String {
        let headers = self
            .headers
            .iter()
            .map(|header| match header.prefix.as_str() {
                "" => format!("header {}", header.name),
                prefix => format!("header {} after {prefix:?}", header.name),
            });
        let params = self.params.iter().map(|name| format!("query {name}"));
        let cookies = self.cookies.iter().map(|name| format!("cookie {name}"));
        let all: Vec<String> = headers.chain(params).chain(cookies).collect();
        all.join(", ")
    }
}
