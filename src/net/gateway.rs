//! The base URLs that requests go to.

use std::{fmt, net::IpAddr, sync::Arc};

use reqwest::Url;

/// A base URL that requests go to. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gateway(Arc<Url>);

impl Gateway {
    /// Parses a base URL. Plain http is for this machine only: the key travels in a header.
    pub fn parse(base: &str) -> Result<Self, BadGateway> {
        let base = Url::parse(base.trim()).map_err(|_| BadGateway::NotAUrl)?;
        // Credentials first, so that no later sentence can show them.
        if !base.username().is_empty() || base.password().is_some() {
            return Err(BadGateway::Credentials);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(BadGateway::Query);
        }
        match base.scheme() {
            "https" => Ok(Self(Arc::new(base))),
            "http" if is_loopback(&base) => Ok(Self(Arc::new(base))),
            "http" => Err(BadGateway::PlainHttp(base.host_str().unwrap_or_default().to_owned())),
            _ => Err(BadGateway::NotAUrl),
        }
    }

    /// Parses entries, each of which may hold several base URLs, separated by commas.
    pub fn parse_all<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, BadGateway> {
        let bases = entries.into_iter().flat_map(|entry| entry.split(',')).map(str::trim);
        let gateways = bases.filter(|base| !base.is_empty()).map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        if gateways.is_empty() { Err(BadGateway::None) } else { Ok(gateways) }
    }

    /// The URL of a path below the base URL.
    pub fn url(&self, path: &str) -> Url {
        let mut url = Url::clone(&self.0);
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// The base URL.
    pub fn base(&self) -> &Url {
        &self.0
    }

    /// The base URL without a trailing slash.
    pub fn name(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// True if the URL's host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The reason why an entry cannot be a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadGateway {
    /// The list is empty.
    None,
    /// Not an http or https URL.
    NotAUrl,
    /// It has a user name or a password in it.
    Credentials,
    /// It has a query or a fragment.
    Query,
    /// Plain http to another machine.
    PlainHttp(String),
}

impl fmt::Display for BadGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The SMS Aero gateways (option `gateways`, or the variable SMSAERO_GATEWAYS) cannot be used: ")?;
        match self {
            Self::None => f.write_str("the list is empty. Leave it out to use SMS Aero's own gateways, or name at least one base URL such as https://gate.smsaero.ru."),
            Self::NotAUrl => f.write_str("an entry is not an http(s) URL. Write base URLs such as https://gate.smsaero.ru, separated by commas, and host names in ASCII, with xn-- where they need it."),
            Self::Credentials => f.write_str("an entry has a user name or password in it. Credentials come from the connector's configuration; remove them from the URL."),
            Self::Query => f.write_str("an entry has a query or a fragment. Write the base URL alone, such as https://gate.smsaero.ru."),
            Self::PlainHttp(host) => write!(f, "http://{host} would send the API key unencrypted. Use https; plain http is for this machine (127.0.0.1, [::1], localhost) only."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BadGateway, Gateway};
    #[test]
    fn plain_http_is_for_this_machine_only() {
        for base in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost",
            "https://egress.example/sms/",
        ] {
            assert!(Gateway::parse(base).is_ok(), "{base}");
        }
        for base in ["http://gate.smsaero.ru", "http://0.0.0.0", "http://127.0.0.1.example.com", "http://10.0.0.1"] {
            assert!(matches!(Gateway::parse(base), Err(BadGateway::PlainHttp(_))), "{base}");
        }
        assert_eq!(Gateway::parse("https://user:secret@host"), Err(BadGateway::Credentials));
        assert_eq!(Gateway::parse("gate.smsaero.ru"), Err(BadGateway::NotAUrl));
        assert_eq!(Gateway::parse("ftp://host"), Err(BadGateway::NotAUrl));
        assert_eq!(Gateway::parse("https://host/?a"), Err(BadGateway::Query));
        assert_eq!(Gateway::parse_all([" , "]), Err(BadGateway::None));
    }

    #[test]
    fn a_base_may_have_a_path() {
        let url = Gateway::parse("https://egress.example/sms/").map(|gateway| gateway.url("/v2/sms/send").to_string());
        assert_eq!(url.as_deref(), Ok("https://egress.example/sms/v2/sms/send"));
    }
}
