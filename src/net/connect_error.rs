//! The reason why a gateway gave no reply.

use std::{error::Error, fmt, io, sync::Arc};

use serde::Serialize;

use super::{resolve::LookupError, tls};

/// Why one gateway gave no reply. Keeps the system's or the TLS library's error until a sentence is made of it.
#[derive(Clone, Debug)]
pub enum ConnectError {
    /// No connection was made in time.
    Deadline,
    /// Other requests used all connections to the host.
    Full,
    /// The variables name a proxy that cannot be used.
    UnusableProxy,
    /// The connection could not be made.
    Failed(Arc<reqwest::Error>),
    /// The request was or may have been written, and no complete reply came.
    NoReply,
}

impl ConnectError {
    /// The HTTP client's error, without the address that it names.
    pub fn new(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::Deadline } else { Self::Failed(Arc::new(error.without_url())) }
    }

    /// True if time ran out.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Deadline | Self::Full | Self::NoReply)
    }

    /// True if this machine lacked something: threads, descriptors, memory, ports. No gateway is to blame then.
    pub fn is_local(&self) -> bool {
        /// No descriptors are left for the process, or for the machine; `ErrorKind` has no name for them.
        const NO_DESCRIPTORS: [i32; 3] = [24, 23, 10024];
        let Self::Failed(error) = self else { return false };
        error.is_builder()
            || causes(error).any(|cause| {
                matches!(cause.downcast_ref(), Some(LookupError::Local(_)))
                    || cause.downcast_ref::<io::Error>().is_some_and(|error| {
                        matches!(
                            error.kind(),
                            io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock | io::ErrorKind::AddrNotAvailable
                        ) || error.raw_os_error().is_some_and(|code| NO_DESCRIPTORS.contains(&code))
                    })
            })
    }

    /// True if the certificate's authority is not among the trusted ones.
    pub fn is_unknown_issuer(&self) -> bool {
        matches!(self, Self::Failed(error) if tls::is_unknown_issuer(&**error))
    }

    fn is_of_tls(&self) -> bool {
        matches!(self, Self::Failed(error) if tls::tls_error(&**error).is_some())
    }

    /// The first error of this type among the causes.
    pub fn find<E: Error + 'static>(&self) -> Option<&E> {
        let Self::Failed(error) = self else { return None };
        causes(error).find_map(<dyn Error>::downcast_ref)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("no connection in time"),
            Self::Full => f.write_str("all connections were in use"),
            Self::UnusableProxy => f.write_str(
                "HTTPS_PROXY or ALL_PROXY does not name a proxy with http:// or https://, the kinds that can be used",
            ),
            Self::NoReply => f.write_str("no complete reply"),
            // Its details are algorithm numbers; the advice has them in words.
            Self::Failed(_) if self.is_of_tls() => f.write_str("the TLS handshake failed"),
            Self::Failed(error) => {
                if self.is_local() {
                    f.write_str("this server could not connect: ")?;
                }
                // The innermost cause is the most specific, and names neither the request nor its headers.
                match causes(error).last() {
                    Some(cause) => write!(f, "{cause}"),
                    None => f.write_str("the connection could not be made"),
                }
            }
        }
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// A step on the way to a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The look-up of its name.
    Dns,
    /// The connection to it or to the proxy.
    Tcp,
    /// The proxy's tunnel.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// Any of these: time ran out before one was seen to fail.
    Connect,
    /// The reply.
    Reply,
}

/// One gateway that was tried in vain.
#[derive(Clone, Debug)]
pub struct FailedAttempt {
    /// The gateway's base URL.
    pub gateway: String,
    /// The host and port of the proxy in between, where there is one.
    pub proxy: Option<String>,
    /// The reason.
    pub error: ConnectError,
}

impl FailedAttempt {
    /// The step that failed.
    pub fn step(&self) -> Step {
        let error = &self.error;
        match error {
            ConnectError::Deadline | ConnectError::Full => Step::Connect,
            ConnectError::UnusableProxy => Step::Proxy,
            ConnectError::Failed(_) if error.find::<LookupError>().is_some() => Step::Dns,
            ConnectError::Failed(_) if error.is_of_tls() => Step::Tls,
            ConnectError::Failed(_) if error.find::<io::Error>().is_some() => Step::Tcp,
            ConnectError::Failed(_) if self.proxy.is_some() => Step::Proxy,
            ConnectError::Failed(_) | ConnectError::NoReply => Step::Reply,
        }
    }

    /// The advice for the administrator of this server.
    pub fn advice(&self) -> String {
        if let ConnectError::Failed(error) = &self.error
            && let Some(advice) = self.handshake_advice(error)
        {
            return advice;
        }
        let advice = match (&self.error, self.step()) {
            (error, _) if error.is_local() => "Check this server's limits on threads, descriptors and memory.",
            (ConnectError::Full, _) => "Send fewer messages at a time, or find out why the gateway does not answer.",
            (ConnectError::UnusableProxy, _) => "Name a proxy with http:// or https:// there, or unset the variable.",
            (_, Step::Connect) => {
                "Allow outgoing HTTPS: a firewall may drop the packets, or let the connection through and not the TLS handshake."
            }
            (_, Step::Dns) => "Check this server's DNS servers and its network.",
            (_, Step::Tcp | Step::Tls) => {
                "Check the address and the port, and whether a firewall or a proxy rejects outgoing HTTPS."
            }
            (_, Step::Proxy) => {
                "The proxy did not connect to the gateway. If it wants credentials (HTTP 407), put them into HTTPS_PROXY: http://user:password@host:port. Otherwise allow the gateway in the proxy, or list it in NO_PROXY."
            }
            (_, Step::Reply) => "Check SMSAERO_GATEWAYS and what answers there instead of SMS Aero.",
        };
        advice.to_owned()
    }

    /// The advice for a failure of TLS. A connection through a proxy may also have been closed before TLS began.
    fn handshake_advice(&self, error: &reqwest::Error) -> Option<String> {
        let may_be_tls = self.error.is_of_tls() || (self.gateway.starts_with("https") && self.proxy.is_none());
        may_be_tls.then(|| tls::handshake_advice(error))?
    }
}

impl fmt::Display for FailedAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.gateway)?;
        if let Some(proxy) = &self.proxy {
            write!(f, "through the proxy {proxy}: ")?;
        }
        write!(f, "{}", self.error)
    }
}
