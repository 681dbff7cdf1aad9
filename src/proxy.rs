//! The proxy between this machine and a gateway, as the usual variables name it.
#![forbid(unsafe_code)]

use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use crate::gateway::is_loopback;

/// What the variables say. Empty strings count as unset.
#[derive(Clone, Debug, Default)]
pub struct ProxyVariables {
    /// `https_proxy` or `HTTPS_PROXY`, else `all_proxy` or `ALL_PROXY`.
    pub proxy: String,
    /// `no_proxy` or `NO_PROXY`.
    pub no_proxy: String,
}

/// The way to the gateways.
#[derive(Clone, Debug)]
pub enum Route {
    /// Straight.
    Direct,
    /// By CONNECT through this proxy, where the matcher says so.
    Through(Url, Arc<Matcher>),
    /// The variable does not name a proxy that can be used.
    Unusable,
}

impl Route {
    /// Reads the variables. A proxy without a scheme is an http one.
    #[must_use]
    pub fn new(variables: &ProxyVariables) -> Self {
        let written = variables.proxy.trim();
        if written.is_empty() {
            return Self::Direct;
        }
        let url = if written.contains("://") { Url::parse(written) } else { Url::parse(&format!("http://{written}")) };
        match url {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => {
                let matcher = Matcher::builder().all(url.as_str()).no(variables.no_proxy.as_str()).build();
                Self::Through(url, Arc::new(matcher))
            }
            _ => Self::Unusable,
        }
    }

    /// The proxy that an address is reached through: never one for this machine.
    #[must_use]
    pub fn proxy_for(&self, address: &Url) -> Option<&Url> {
        let Self::Through(proxy, matcher) = self else { return None };
        let goes_through = !is_loopback(address) && matcher.intercept(&address.as_str().parse().ok()?).is_some();
        goes_through.then_some(proxy)
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
        }
    }

    #[test]
    fn exceptions_and_this_machine_go_straight() {
        assert!(is_proxied("", "https://gate.smsaero.ru/v2/"));
        assert!(is_proxied("example.com", "https://gate.smsaero.ru/v2/"));
        for no_proxy in ["*", "gate.smsaero.ru", ".smsaero.ru", "example.com, smsaero.ru"] {
            assert!(!is_proxied(no_proxy, "https://gate.smsaero.ru/v2/"), "{no_proxy}");
        }
        for address in ["http://127.0.0.1:8080", "https://localhost", "https://[::1]:4"] {
            assert!(!is_proxied("", address), "{address}");
        }
    }

    #[test]
    fn what_is_no_http_proxy_is_unusable_rather_than_ignored() {
        for written in ["socks5://proxy.example:1080", "http://", "ftp://proxy.example"] {
            assert!(matches!(route(written, ""), Route::Unusable), "{written}");
        }
        assert!(matches!(route(" ", ""), Route::Direct));
    }
}
