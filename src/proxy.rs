//! The proxy between this machine and a gateway, as the usual variables name it.
#![forbid(unsafe_code)]

use reqwest::{NoProxy, Proxy, Url};

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
    /// By CONNECT through a proxy, except to this machine and to what `NO_PROXY` lists.
    Through(Url, Option<NoProxy>),
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
                Self::Through(url, NoProxy::from_string(&variables.no_proxy))
            }
            _ => Self::Unusable,
        }
    }

    /// The same for the HTTP client.
    #[must_use]
    pub fn into_proxy(self) -> Option<Proxy> {
        let Self::Through(proxy, exceptions) = self else { return None };
        let custom = Proxy::custom(move |url| (!crate::gateway::is_loopback(url)).then(|| proxy.clone()));
        Some(custom.no_proxy(exceptions))
    }

    /// The proxy's host and port, without its credentials.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        let Self::Through(url, _) = self else { return None };
        let port = url.port_or_known_default().unwrap_or_default();
        Some(format!("{}:{port}", url.host_str().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::{ProxyVariables, Route};

    fn route(proxy: &str) -> Route {
        Route::new(&ProxyVariables { proxy: proxy.to_owned(), no_proxy: String::new() })
    }

    #[test]
    fn credentials_of_a_proxy_are_not_shown() {
        for written in ["http://user:secret@proxy.example:3128", "user:secret@proxy.example:3128"] {
            assert_eq!(route(written).shown().as_deref(), Some("proxy.example:3128"), "{written}");
        }
    }

    #[test]
    fn what_is_no_http_proxy_is_unusable_rather_than_ignored() {
        for written in ["socks5://proxy.example:1080", "http://", "ftp://proxy.example"] {
            assert!(matches!(route(written), Route::Unusable), "{written}");
        }
        assert!(matches!(route(" "), Route::Direct));
    }
}
