//! The proxy between this machine and a gateway, as the usual variables name it.

use std::{fmt, sync::Arc};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use crate::smsaero::gateway::is_loopback;

/// What the variables say. Empty strings count as unset.
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

/// The way to the gateways.
#[derive(Clone)]
pub enum Route {
    /// Straight.
    Direct,
    /// By CONNECT through this proxy, but straight to the exceptions.
    Through(Url, Exceptions),
    /// The variable does not name a proxy that can be used; the exceptions are reached straight.
    Unusable(Exceptions),
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("Direct"),
            Self::Through(proxy, exceptions) => {
                f.debug_tuple("Through").field(&host_and_port(proxy)).field(exceptions).finish()
            }
            Self::Unusable(exceptions) => f.debug_tuple("Unusable").field(exceptions).finish(),
        }
    }
}

/// The addresses that `NO_PROXY` names.
#[derive(Clone, Debug, Default)]
pub struct Exceptions(Arc<[Exception]>);

/// One entry of `NO_PROXY`.
#[derive(Debug)]
enum Exception {
    /// `*`
    Everything,
    /// A host, a domain, an address or a network; at one port if one is given.
    Host(Box<Matcher>, Option<u16>),
}

impl Exceptions {
    /// From a list as people write it, separated by commas or white space.
    fn new(no_proxy: &str) -> Self {
        let entries = no_proxy.split(|char: char| char == ',' || char.is_whitespace());
        Self(entries.filter(|entry| !entry.is_empty()).map(Exception::new).collect())
    }

    fn contain(&self, address: &Url) -> bool {
        self.0.iter().any(|exception| exception.matches(address))
    }
}

impl Exception {
    fn new(entry: &str) -> Self {
        if entry == "*" {
            return Self::Everything;
        }
        // A colon more belongs to an IPv6 address, unless brackets close it off.
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
            _ => (entry, None),
        };
        let host = host.strip_prefix('*').unwrap_or(host).replace(['[', ']'], "");
        // Any proxy will do: what is asked of the matcher is whether it names it.
        Self::Host(Box::new(Matcher::builder().all("http://proxy").no(host).build()), port)
    }

    fn matches(&self, address: &Url) -> bool {
        match self {
            Self::Everything => true,
            Self::Host(matcher, port) => {
                port.is_none_or(|port| address.port_or_known_default() == Some(port))
                    && address.as_str().parse().is_ok_and(|address| matcher.intercept(&address).is_none())
            }
        }
    }
}

impl Route {
    /// Reads the variables. A proxy without a scheme is an http one.
    #[must_use]
    pub fn new(variables: &ProxyVariables) -> Self {
        let written = variables.proxy.trim();
        if written.is_empty() {
            return Self::Direct;
        }
        let exceptions = Exceptions::new(&variables.no_proxy);
        let url = if written.contains("://") { Url::parse(written) } else { Url::parse(&format!("http://{written}")) };
        match url {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => {
                Self::Through(url, exceptions)
            }
            _ => Self::Unusable(exceptions),
        }
    }

    /// The proxy for a report: its host and port, and whether it can be used; nothing when there is none.
    #[must_use]
    pub fn describe(&self) -> Option<(Option<String>, bool)> {
        match self {
            Self::Direct => None,
            Self::Through(proxy, _) => Some((Some(host_and_port(proxy)), true)),
            Self::Unusable(_) => Some((None, false)),
        }
    }

    /// Whether an address would have to go through a proxy that cannot be used.
    #[must_use]
    pub fn is_unusable_for(&self, address: &Url) -> bool {
        matches!(self, Self::Unusable(exceptions) if !is_loopback(address) && !exceptions.contain(address))
    }

    /// The proxy that an address is reached through: never one for this machine.
    #[must_use]
    pub fn proxy_for(&self, address: &Url) -> Option<&Url> {
        let Self::Through(proxy, exceptions) = self else { return None };
        (!is_loopback(address) && !exceptions.contain(address)).then_some(proxy)
    }

    /// The same for the HTTP client.
    #[must_use]
    pub fn into_proxy(self) -> Proxy {
        Proxy::custom(move |address| self.proxy_for(address).cloned())
    }
}

/// A proxy's host and port, without its credentials.
#[must_use]
pub fn host_and_port(proxy: &Url) -> String {
    let port = proxy.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", proxy.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{ProxyVariables, Route, host_and_port};

    fn route(proxy: &str, no_proxy: &str) -> Route {
        Route::new(&ProxyVariables { proxy: proxy.to_owned(), no_proxy: no_proxy.to_owned() })
    }

    fn is_proxied(no_proxy: &str, address: &str) -> bool {
        route("proxy.example:3128", no_proxy).proxy_for(&Url::parse(address).unwrap()).is_some()
    }

    #[test]
    fn credentials_of_a_proxy_are_not_shown() {
        for written in ["http://user:secret@proxy.example:3128", "user:secret@proxy.example:3128"] {
            let route = route(written, "");
            let proxy = route.proxy_for(&Url::parse("https://gate.smsaero.ru").unwrap());
            assert_eq!(proxy.map(host_and_port).as_deref(), Some("proxy.example:3128"), "{written}");
            let variables = ProxyVariables { proxy: written.to_owned(), ..ProxyVariables::default() };
            assert!(!format!("{route:?} {variables:?}").contains("secret"), "{route:?} {variables:?}");
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
    fn what_is_no_http_proxy_is_unusable_rather_than_ignored() {
        for written in ["socks5://proxy.example:1080", "http://", "ftp://proxy.example"] {
            let route = route(written, "smsaero.ru");
            assert!(route.is_unusable_for(&Url::parse("https://egress.example").unwrap()), "{written}");
            assert!(!route.is_unusable_for(&Url::parse("https://gate.smsaero.ru").unwrap()), "{written}");
            assert!(!route.is_unusable_for(&Url::parse("http://127.0.0.1:1").unwrap()), "{written}");
        }
        assert!(matches!(route(" ", ""), Route::Direct));
    }
}
