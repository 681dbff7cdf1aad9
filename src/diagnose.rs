//! Finds out what stands between this machine and a gateway.
//!
//! With the very settings that messages are sent with, one step after the other, each with its time and, where it fails,
//! with what to do.

use std::{io, net::SocketAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Url;
use rustls::{CertificateError, pki_types::ServerName};
use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    net::proxy::host_and_port,
    net::resolve::LookupError,
    net::transport::{CONNECT, Transport},
    smsaero::gateway::Gateway,
};

/// The most of a proxy's reply to CONNECT that is read, in bytes.
const HEAD_LIMIT_BYTES: usize = 8 * 1024;

/// What became of the steps to a gateway. Times are in milliseconds; a step that was not reached has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// The gateway.
    pub url: String,
    /// Whether a request could be sent now.
    pub reachable: bool,
    /// Whether the way leads through a proxy.
    pub proxied: bool,
    /// For looking up the name, unless an address was given.
    pub dns_ms: Option<f64>,
    /// For connecting, the proxy's tunnel included.
    pub tcp_ms: Option<f64>,
    /// For the TLS handshake.
    pub tls_ms: Option<f64>,
    /// For all of it.
    pub total_ms: Option<f64>,
    /// The version of TLS.
    pub tls: Option<&'static str>,
    /// The step that failed: `dns`, `tcp`, `proxy` or `tls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
    /// What happened there and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A step that failed.
struct Failed {
    step: &'static str,
    problem: String,
}

impl Failed {
    fn new(step: &'static str, problem: impl Into<String>) -> Self {
        Self { step, problem: problem.into() }
    }
}

/// A connection, through TLS or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Goes all the steps to a gateway that a message would go, within the time that a message has for connecting.
pub async fn probe(transport: &Transport, gateway: &Gateway) -> Probe {
    let url = gateway.base();
    let mut probe = Probe { url: gateway.to_string(), ..Probe::default() };
    if transport.route.is_unusable_for(url) {
        let failed = Failed::new("proxy", "not tried");
        return Probe { proxied: true, step: Some(failed.step), problem: Some(failed.problem), ..probe };
    }
    let proxy = transport.route.proxy_for(url);
    probe.proxied = proxy.is_some();
    let started = Instant::now();
    let steps = Steps { transport, url, done_by: started + CONNECT };
    match steps.go(proxy, &mut probe).await {
        Ok(()) => {
            probe.reachable = true;
            probe.total_ms = Some(millis(started.elapsed()));
        }
        Err(Failed { step, problem }) => {
            probe.step = Some(step);
            probe.problem = Some(problem);
        }
    }
    probe
}

/// The steps to one gateway.
struct Steps<'a> {
    transport: &'a Transport,
    url: &'a Url,
    done_by: Instant,
}

impl Steps<'_> {
    async fn go(&self, proxy: Option<&Url>, probe: &mut Probe) -> Result<(), Failed> {
        let host = authority(self.url);
        let first = proxy.unwrap_or(self.url);
        let addresses = self.look_up(first, probe).await?;
        let started = Instant::now();
        let tcp = self.connect(first, proxy.is_some(), addresses).await?;
        let mut stream: Box<dyn Stream> = Box::new(tcp);
        if let Some(proxy) = proxy {
            if proxy.scheme() == "https" {
                stream = Box::new(self.secure(proxy, &format!("the proxy {}", host_and_port(proxy)), stream).await?);
            }
            self.open_tunnel(proxy, &mut stream).await?;
        }
        probe.tcp_ms = Some(millis(started.elapsed()));
        if self.url.scheme() == "https" {
            let started = Instant::now();
            let stream = self.secure(self.url, &host, stream).await?;
            probe.tls_ms = Some(millis(started.elapsed()));
            probe.tls = stream.get_ref().1.protocol_version().and_then(version_name);
        }
        Ok(())
    }

    async fn look_up(&self, url: &Url, probe: &mut Probe) -> Result<Vec<SocketAddr>, Failed> {
        let host = bare_host(url);
        let port = url.port_or_known_default().unwrap_or_default();
        if let Ok(address) = host.parse() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let started = Instant::now();
        let problem = match timeout_at(self.done_by, self.transport.resolver.addresses(host)).await {
            Ok(Ok(addresses)) if !addresses.is_empty() => {
                probe.dns_ms = Some(millis(started.elapsed()));
                return Ok(addresses.into_iter().map(|address| SocketAddr::new(address.ip(), port)).collect());
            }
            Ok(Ok(_)) => format!("DNS knows no address for {host}. Check this machine's DNS servers and its network."),
            Ok(Err(LookupError::Unanswered(cause))) => {
                format!("DNS knows no address for {host} ({cause}). Check this machine's DNS servers and its network.")
            }
            Ok(Err(LookupError::Local(cause))) => {
                format!("The name {host} could not be looked up ({cause}). Check this machine's limits on threads.")
            }
            Err(_) => format!(
                "DNS gave no address for {host} within {} ms. Check this machine's DNS servers.",
                CONNECT.as_millis()
            ),
        };
        Err(Failed::new("dns", problem))
    }

    /// Tries one address after the other, each with its share of the time, as the HTTP client does.
    async fn connect(&self, url: &Url, is_proxy: bool, addresses: Vec<SocketAddr>) -> Result<TcpStream, Failed> {
        let name = if is_proxy { format!("the proxy {}", host_and_port(url)) } else { authority(url) };
        let mut problem = no_connection_in_time(&name);
        for (tried, address) in addresses.iter().enumerate() {
            let left = self.done_by.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - tried).unwrap_or(1);
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    problem = format!("{name} refuses the connection (ECONNREFUSED). Check the address and the port.");
                }
                Ok(Err(error)) => {
                    problem = format!("No connection to {name} ({error}). Check this machine's network and firewall.");
                }
                Err(_) => problem = no_connection_in_time(&name),
            }
        }
        Err(Failed::new(if is_proxy { "proxy" } else { "tcp" }, problem))
    }

    async fn open_tunnel(&self, proxy: &Url, stream: &mut Box<dyn Stream>) -> Result<(), Failed> {
        let name = host_and_port(proxy);
        let target = format!("{}:{}", self.url.host_str().unwrap_or_default(), port_of(self.url));
        let credentials = proxy_credentials(proxy)
            .map(|credentials| format!("Proxy-Authorization: Basic {credentials}\r\n"))
            .unwrap_or_default();
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n");
        let answered = async {
            stream.write_all(request.as_bytes()).await?;
            stream.flush().await?;
            read_status(stream).await
        };
        let host = authority(self.url);
        let problem = match timeout_at(self.done_by, answered).await {
            Ok(Ok(Some(200..=299))) => return Ok(()),
            Ok(Ok(Some(407))) => format!(
                "The proxy {name} asks for credentials (HTTP 407). Put them into HTTPS_PROXY: http://user:password@{name}"
            ),
            Ok(Ok(Some(status))) => format!(
                "The proxy {name} did not connect to {host} (HTTP {status}). Allow that host in the proxy, or list it in NO_PROXY."
            ),
            Ok(Ok(None)) => {
                format!("What answers at {name} is not an HTTP proxy. Check the variable that names the proxy.")
            }
            Ok(Err(error)) => {
                format!("The proxy {name} closed the connection ({error}). Look for the reason in the proxy's log.")
            }
            Err(_) => no_connection_in_time(&format!("{host} through the proxy {name}")),
        };
        Err(Failed::new("proxy", problem))
    }

    async fn secure(
        &self,
        url: &Url,
        name: &str,
        stream: Box<dyn Stream>,
    ) -> Result<TlsStream<Box<dyn Stream>>, Failed> {
        let Ok(server) = ServerName::try_from(bare_host(url).to_owned()) else {
            return Err(Failed::new("tls", format!("{name} is not a name that a certificate can be for.")));
        };
        let connector = TlsConnector::from(self.transport.roots.config());
        let problem = match timeout_at(self.done_by, connector.connect(server, stream)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => tls_problem(name, &error),
            Err(_) => format!(
                "{name} accepts the connection, but its TLS handshake does not complete within {} ms, as some networks abroad see it. The connector goes on to the next gateway.",
                CONNECT.as_millis()
            ),
        };
        Err(Failed::new("tls", problem))
    }
}

fn tls_problem(name: &str, error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => format!(
            "The certificate of {name} is not signed by an authority that Node trusts. Where a proxy inspects TLS, name its certificate in NODE_EXTRA_CA_CERTS, or start Node with --use-system-ca."
        ),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        )) => format!("The certificate of {name} is not valid today. Check this machine's clock first."),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => format!(
            "The certificate of {name} is for another name. Something else answers in its place: check DNS, the proxy and SMSAERO_GATEWAYS."
        ),
        Some(rustls::Error::InvalidCertificate(other)) => format!(
            "The certificate of {name} cannot be used ({}). The connector's TLS library is stricter than Node's own: docs/networks.md names what it refuses. Have a certificate made that says for which names it is and is not an authority's own.",
            certificate_problem(other)
        ),
        _ => format!(
            "The TLS handshake with {name} failed ({error}). Check what stands in between: a proxy, a firewall, or a server that speaks no TLS."
        ),
    }
}

/// What is wrong with a certificate, without the wrapping that is written for programmers.
fn certificate_problem(error: &CertificateError) -> String {
    match error {
        CertificateError::Other(other) => other.0.to_string(),
        other => format!("{other:?}"),
    }
}

fn no_connection_in_time(name: &str) -> String {
    format!(
        "No connection to {name} within {} ms. A firewall may drop the packets: allow outgoing HTTPS.",
        CONNECT.as_millis()
    )
}

/// The status of a reply whose head ends here; none when it is not HTTP.
async fn read_status(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<u16>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_LIMIT_BYTES {
        // Byte by byte: what follows belongs to the tunnel.
        head.push(stream.read_u8().await?);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    let status = line.strip_prefix("HTTP/1.").and_then(|line| line.split(' ').nth(1));
    Ok(status.and_then(|status| status.parse().ok()))
}

/// The user and the password in a proxy's URL, in Base64 as the header has them.
///
/// A percent sign that escapes nothing stands for itself.
fn proxy_credentials(proxy: &Url) -> Option<String> {
    let password = proxy.password().unwrap_or_default();
    if proxy.username().is_empty() && password.is_empty() {
        return None;
    }
    let decoded = [proxy.username(), ":", password].map(percent_decoded).concat();
    Some(STANDARD.encode(decoded))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes
}

/// A URL's host without the brackets of an IPv6 address.
fn bare_host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// A URL's host, and its port where it is an unusual one.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

const fn version_name(version: rustls::ProtocolVersion) -> Option<&'static str> {
    match version {
        rustls::ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
        rustls::ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
        _ => None,
    }
}

/// Milliseconds with one figure behind the point.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use reqwest::Url;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use serde_json::json;

    use super::{Instant, percent_decoded, probe, proxy_credentials, read_status};
    use crate::{
        ask::Question,
        net::transport::{Attempts, Deadlines, Limits, Transport},
        smsaero::account::Account,
        smsaero::gateway::Gateway,
    };

    #[test]
    fn credentials_of_a_proxy_are_decoded_as_far_as_they_can_be() {
        let credentials = |url| proxy_credentials(&Url::parse(url).unwrap());
        assert_eq!(credentials("http://proxy.example:1"), None);
        assert_eq!(credentials("http://a:b@proxy.example").as_deref(), Some("YTpi"));
        assert_eq!(percent_decoded("us%zzer%41%"), b"us%zzerA%");
    }

    #[tokio::test]
    async fn the_head_of_a_reply_is_read_and_nothing_after_it() {
        let mut reply = &b"HTTP/1.1 407 No\r\nx: y\r\n\r\nmore"[..];
        assert_eq!(read_status(&mut reply).await.unwrap(), Some(407));
        assert_eq!(reply, b"more");
        assert_eq!(read_status(&mut &b"SSH-2.0\r\n\r\n"[..]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_gateway_is_probed_and_asked_over_the_transport() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let server = tokio::spawn(async move {
            let mut heads = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 1024];
                let read = stream.read(&mut head).await.unwrap();
                heads.push(String::from_utf8_lossy(&head[..read]).into_owned());
                stream.write_all(b"HTTP/1.1 402 No\r\ncontent-length: 2\r\n\r\nno").await.ok();
            }
            heads
        });
        let transport = Transport::local();
        let probed = probe(&transport, &gateway).await;
        assert!(probed.reachable && probed.tcp_ms.is_some() && probed.dns_ms.is_none(), "{probed:?}");
        let account = Account::parse(&Some(&json!({ "email": "a@b.co", "apiKey": "key" }))).ok().unwrap();
        let deadlines = Deadlines { started: Instant::now(), limits: Limits::default() };
        let (gateways, mut attempts) = ([gateway], Attempts::default());
        let answer = Question::Balance.ask(&account, &transport, &gateways, deadlines, &mut attempts).await;
        assert_eq!(answer.map_err(|error| error.status()), Err(Some(402)));
        let heads = server.await.unwrap();
        assert!(heads[1].starts_with("POST /v2/balance HTTP/1.1\r\n"), "{heads:?}");
    }
}
