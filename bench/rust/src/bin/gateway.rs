//! A gateway that costs as little as it can: TLS 1.3 and HTTP/1.1 on one thread, one answer for everything.
//!
//! Takes the paths of a certificate chain and its key, prints its port, then obeys lines on standard input:
//! `delay MS` makes answers wait, `stats` prints the numbers of connections and requests so far.

use std::{
    cell::Cell,
    io::{BufRead as _, Error},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::TLS13,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::LocalSet,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

const BODY: &str = concat!(
    r#"{"success":true,"data":{"id":100000001,"from":"SMS Aero","number":"79001234567","text":"Your code","#,
    r#""status":8,"extendStatus":"moderation","channel":"FREE SIGN","cost":5.49,"dateCreate":1760000000,"#,
    r#""dateSend":1760000000},"message":null}"#,
);

#[derive(Default)]
struct State {
    delay_ms: Cell<u64>,
    connections: Cell<u64>,
    requests: Cell<u64>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (cert, key) = (arguments.next().ok_or("no certificate")?, arguments.next().ok_or("no key")?);
    let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<Vec<_>, _>>()?;
    let config = ServerConfig::builder_with_provider(bench::provider())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(LocalSet::new().block_on(&runtime, serve(acceptor))?)
}

async fn serve(acceptor: TlsAcceptor) -> Result<(), Error> {
    let listener = listen()?;
    println!("{}", listener.local_addr()?.port());
    let state = Rc::new(State::default());
    let mut commands = commands();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (socket, _) = accepted?;
                socket.set_nodelay(true)?;
                state.connections.set(state.connections.get() + 1);
                // A client that goes away is no news.
                tokio::task::spawn_local({
                    let (acceptor, state) = (acceptor.clone(), Rc::clone(&state));
                    async move { drop(answer(acceptor, socket, &state).await) }
                });
            }
            line = commands.recv() => match line.as_deref().map(|line| line.split_once(' ').unwrap_or((line, ""))) {
                Some(("delay", ms)) => state.delay_ms.set(ms.parse().unwrap_or(0)),
                Some(("stats", _)) => {
                    let (connections, requests) = (state.connections.get(), state.requests.get());
                    println!(r#"{{"connections":{connections},"requests":{requests}}}"#);
                }
                Some(_) => {}
                // The bench is gone.
                None => return Ok(()),
            },
        }
    }
}

/// A burst of connections must not meet a full backlog: the kernel would make it wait a second.
fn listen() -> Result<TcpListener, Error> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    socket.listen(4096)
}

fn commands() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        for line in lines {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn answer(acceptor: TlsAcceptor, socket: TcpStream, state: &State) -> Result<(), Error> {
    let mut stream = acceptor.accept(socket).await?;
    let reply =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
    let mut request = Vec::with_capacity(4096);
    loop {
        while !is_whole(&request) {
            if stream.read_buf(&mut request).await? == 0 {
                return stream.shutdown().await;
            }
        }
        // No contender sends a second request before it has the answer to the first.
        request.clear();
        state.requests.set(state.requests.get() + 1);
        let delay = state.delay_ms.get();
        if delay > 0 {
            sleep(Duration::from_millis(delay)).await;
        }
        stream.write_all(reply.as_bytes()).await?;
        stream.flush().await?;
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(request.get(..end).unwrap_or_default()).unwrap_or_default();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse::<usize>().ok() } else { None }
    });
    request.len() >= end + 4 + length.unwrap_or(0)
}
