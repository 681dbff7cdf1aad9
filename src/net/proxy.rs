//! The proxy between this machine and a gateway, from the usual variables.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use super::gateway::is_loopback;

/// The proxy variables. Empty strings count as unset.
#[derive(Clone, Default)]
pub struct ProxyVariables {
    /// `https_proxy` or `HTTPS_PROXY`, else `all_proxy` or `ALL_PROXY`.
    pub proxy: String,
    /// `no_proxy` or `NO_PROXY`.
    pub no_proxy: String,
}

impl fmt::Debug for ProxyVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The proxy may hold a password.
        f.debug_struct("ProxyVariables").field("no_proxy", &self.no_proxy).finish_non_exhaustive()
    }
}

/// The route to every host. It has no `Debug`, since a proxy's URL may hold a password.
#[derive(Default)]
pub struct Route {
    proxy: Option<Result<Url, UnusableProxy>>,
    exceptions: Vec<Exception>,
}

/// The variables name a proxy of another kind, such as socks5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusableProxy;

/// One entry of `NO_PROXY`: a host, a domain, an address or a network; at one port if one is given.
struct Exception {
    matcher: Matcher,
    port: Option<u16>,
}

impl Exception {
    fn new(entry: &str) -> Self {
        // Another colon belongs to an IPv6 address, unless brackets enclose it.
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
            _ => (entry, None),
        };
        let host = match entry {
            // The matcher's asterisk means all names, but no address.
            "*" => "*,0.0.0.0/0,::/0".to_owned(),
            _ => host.strip_prefix('*').unwrap_or(host).replace(['[', ']'], ""),
        };
        // The proxy does not matter: the matcher is only asked if it intercepts.
        Self { matcher: Matcher::builder().all("http://proxy").no(host).build(), port }
    }

    fn matches(&self, address: &Url) -> bool {
        self.port.is_none_or(|port| address.port_or_known_default() == Some(port))
            && address.as_str().parse().is_ok_and(|address| self.matcher.intercept(&address).is_none())
    }
}

impl Route {
    /// Reads the variables. A proxy without a scheme is an http one.
    pub fn new(variables: &ProxyVariables) -> Self {
        let written = variables.proxy.trim();
        if written.is_empty() {
            return Self::default();
        }
        let url = if written.contains("://") { Url::parse(written) } else { Url::parse(&format!("http://{written}")) };
        let is_usable = |url: &Url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        let entries = variables.no_proxy.split(|char: char| char == ',' || char.is_whitespace());
        Self {
            proxy: Some(url.ok().filter(is_usable).ok_or(UnusableProxy)),
            exceptions: entries.filter(|entry| !entry.is_empty()).map(Exception::new).collect(),
        }
    }

    /// The host and port of the proxy, if there is one. An error if the variables name one that cannot be used.
    pub fn proxy_name(&self) -> Result<Option<String>, UnusableProxy> {
        self.proxy.as_ref().map(|proxy| proxy.as_ref().map(host_and_port).map_err(|error| *error)).transpose()
    }

    /// The proxy for an address: none for this machine. An error if the variables name one that cannot be used.
    pub fn proxy_for(&self, address: &Url) -> Result<Option<Url>, UnusableProxy> {
        if is_loopback(address) || self.exceptions.iter().any(|exception| exception.matches(address)) {
            return Ok(None);
        }
        self.proxy.clone().transpose()
    }
}

/// A proxy's host and port, without its credentials.
pub fn host_and_port(proxy: &Url) -> String {
    let port = proxy.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", proxy.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{ProxyVariables, Route};

    fn route(proxy: &str, no_proxy: &str) -> Route {
        Route::new(&ProxyVariables { proxy: proxy.to_owned(), no_proxy: no_proxy.to_owned() })
    }

    fn is_proxied(no_proxy: &str, address: &str) -> bool {
        route("proxy.example:3128", no_proxy).proxy_for(&Url::parse(address).unwrap()).unwrap().is_some()
    }

    #[test]
    fn credentials_of_a_proxy_are_not_shown() {
        for written in ["http://user:secret@proxy.example:3128", "user:secret@proxy.example:3128"] {
            let route = route(written, "");
            assert_eq!(route.proxy_name(), Ok(Some("proxy.example:3128".to_owned())), "{written}");
            let variables = ProxyVariables { proxy: written.to_owned(), ..ProxyVariables::default() };
            assert!(!format!("{variables:?}").contains("secret"), "{variables:?}");
        }
    }

    #[test]
    fn exceptions_and_this_machine_go_straight() {
        assert!(is_proxied("", "https://gate.smsaero.ru/v2/"));
        assert!(is_proxied("example.com", "https://gate.smsaero.ru/v2/"));
        for no_proxy in ["*", "gate.smsaero.ru", ".smsaero.ru", "example.com, smsaero.ru"] {
            assert!(!is_proxied(no_proxy, "https://gate.smsaero.ru/v2/"), "{no_proxy}");
        }
        for no_proxy in ["*.smsaero.ru", "gate.smsaero.ru:443", "example.com smsaero.ru", "a.example\tSMSAERO.ru"] {
            assert!(!is_proxied(no_proxy, "https://gate.smsaero.ru/v2/"), "{no_proxy}");
        }
        for no_proxy in ["gate.smsaero.ru:8443", "aero.ru", "*.gate.smsaero.ru.example", "10.0.0.0/8", ":"] {
            assert!(is_proxied(no_proxy, "https://gate.smsaero.ru/v2/"), "{no_proxy}");
        }
        for no_proxy in ["*", "10.1.2.3", "10.0.0.0/8", "10.1.2.3:8443"] {
            assert!(!is_proxied(no_proxy, "https://10.1.2.3:8443/v2/"), "{no_proxy}");
        }
        for no_proxy in ["*", "2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:443", "2001:db8::/32", "[2001:db8::]/32"] {
            assert!(!is_proxied(no_proxy, "https://[2001:db8::7]/v2/"), "{no_proxy}");
        }
        assert!(is_proxied("[2001:db8::7]:8443", "https://[2001:db8::7]/v2/"));
        for address in ["http://127.0.0.1:8080", "https://localhost", "https://[::1]:4"] {
            assert!(!is_proxied("", address), "{address}");
        }
    }

    #[test]
    fn a_proxy_of_another_kind_is_unusable_rather_than_ignored() {
        for written in ["socks5://proxy.example:1080", "http://", "ftp://proxy.example"] {
            let route = route(written, "smsaero.ru");
            let is_unusable = |address| route.proxy_for(&Url::parse(address).unwrap()).is_err();
            assert!(is_unusable("https://egress.example"), "{written}");
            assert!(!is_unusable("https://gate.smsaero.ru") && !is_unusable("http://127.0.0.1:1"), "{written}");
        }
        assert_eq!(route(" ", "").proxy_name(), Ok(None));
    }
}
