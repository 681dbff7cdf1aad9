//! What the transport promises of connections, looked at from the servers.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that goes wrong is to fail loudly"
)]

mod support;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connector_smsaero_native::{
    error::Error,
    net::client::CONNECT,
    net::gateway::Gateway,
    net::proxy::Route,
    net::resolve::Resolver,
    net::tls::Roots,
    net::transport::{Limits, Transport},
    send::Receipt,
    smsaero::reason::Reason,
};
use support::{ACCEPTED, CLOSED, CLOSED_UNANNOUNCED, Connections, Server, send, send_within};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::Instant,
};

/// Limits that no busy machine reaches.
const PATIENT: Limits = Limits { total: Duration::from_secs(120), connect: Duration::from_secs(60) };

/// Sends so many messages at once; returns the result of each.
async fn burst(
    count: usize,
    transport: &Arc<Transport>,
    gateways: &[Gateway],
    limits: Limits,
) -> Vec<Result<Receipt, Error>> {
    let mut sends = JoinSet::new();
    for _ in 0..count {
        let (transport, gateways) = (Arc::clone(transport), gateways.to_vec());
        sends.spawn(async move { send_within(&transport, &gateways, limits).await });
    }
    sends.join_all().await
}

/// A transport for which names stand for what `lookup` says.
fn transport_with(lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Arc<Transport> {
    Transport::with(Roots::new("", None), Route::default(), Resolver::new(lookup))
}

fn named(name: &str, port: u16) -> Gateway {
    Gateway::parse(&format!("https://{name}:{port}")).unwrap()
}

/// A port whose queue of connections is full, so that a connection gets no answer. It lasts as long as what is returned.
async fn black_hole(address: &str) -> (SocketAddr, Vec<TcpStream>, TcpListener) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address.parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fillers = Vec::new();
    // The queue holds one or two, whatever it was asked to hold.
    while let Ok(filler) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        fillers.push(filler.unwrap());
        assert!(fillers.len() < 32, "the queue does not fill up");
    }
    (address, fillers, listener)
}

/// A server that takes connections and never says anything.
struct Mute {
    port: u16,
    connections: Arc<Connections>,
}

impl Mute {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::<Connections>::default();
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let connection = counted.opened();
                tokio::spawn(async move {
                    let mut chunk = [0; 1024];
                    while stream.read(&mut chunk).await.is_ok_and(|read| read > 0) {}
                    drop(connection);
                });
            }
        });
        Self { port, connections }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_second_address_is_reached_when_the_first_is_a_black_hole() {
    let server = Server::start(&[ACCEPTED]).await;
    let port = server.address.port();
    let (dead, _fillers, _listener) = black_hole(&format!("127.0.0.2:{port}")).await;
    let transport = transport_with(move |_| Ok(vec![dead, ([127, 0, 0, 1], 0).into()]));
    let gateway = Gateway::parse(&format!("http://localhost:{port}")).unwrap();
    let receipt = send_within(&transport, std::slice::from_ref(&gateway), Limits::default()).await.unwrap();
    assert_eq!(receipt.gateway, gateway.to_string());
    assert_eq!(transport.health.order(&[gateway.clone(), named("other", 1)])[0], &gateway, "it is not blamed");
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up_though_no_message_waits_for_it() {
    let mute = Mute::start().await;
    let transport = Transport::with(Roots::new("", None), Route::default(), Resolver::default());
    let gateways = [Gateway::parse(&format!("https://127.0.0.1:{}", mute.port)).unwrap()];
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::default() };
    for sent in burst(20, &transport, &gateways, limits).await {
        assert_eq!(sent.unwrap_err().reason(), Some(Reason::Timeout));
    }
    while mute.connections.open.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn silent_name_servers_of_one_gateway_delay_no_message_through_the_next() {
    let server = Server::start_answering(ACCEPTED).await;
    let (leave, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let transport = transport_with(move |host| {
        if host == "silent.example" {
            let _ = wait.lock().unwrap().recv();
        }
        Ok(vec![([127, 0, 0, 1], 0).into()])
    });
    let gateways =
        [named("silent.example", 1), Gateway::parse(&format!("http://localhost:{}", server.address.port())).unwrap()];
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::default() };
    for sent in burst(12, &transport, &gateways, limits).await {
        assert_eq!(sent.unwrap().gateway, gateways[1].to_string());
    }
    drop(leave);
}

#[tokio::test]
async fn a_burst_opens_no_more_connections_than_there_may_be_though_all_cores_are_busy() {
    let server = Server::start_answering(ACCEPTED).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let busy = (0..4).map(|_| {
        let is_over = Arc::clone(&is_over);
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
    });
    let busy = busy.collect::<Vec<_>>();
    let transport = Transport::local();
    for sent in burst(2_000, &transport, &[server.gateway()], PATIENT).await {
        sent.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    for thread in busy {
        thread.join().unwrap();
    }
    assert!(server.most_open() <= 192, "{} connections were open at once", server.most_open());
}

#[tokio::test]
async fn a_gateway_that_closes_after_each_reply_holds_up_nobody() {
    let closing = Server::start_answering(CLOSED).await;
    let transport = Transport::local();
    for sent in burst(600, &transport, &[closing.gateway()], PATIENT).await {
        sent.unwrap();
    }
    assert!(closing.most_open() <= 192, "{} connections were open at once", closing.most_open());
}

#[tokio::test]
async fn connections_that_a_gateway_closed_unseen_hold_up_no_message_beside_steady_traffic() {
    let (steady, closing) =
        (Server::start_answering(ACCEPTED).await, Server::start_answering(CLOSED_UNANNOUNCED).await);
    let transport = Transport::local();
    let is_over = Arc::new(AtomicBool::new(false));
    let traffic = tokio::spawn({
        let (transport, gateway, is_over) = (Arc::clone(&transport), steady.gateway(), Arc::clone(&is_over));
        async move {
            while !is_over.load(Ordering::Relaxed) {
                for sent in burst(100, &transport, std::slice::from_ref(&gateway), PATIENT).await {
                    sent.unwrap();
                }
            }
        }
    });
    for _ in 0..10 {
        for sent in burst(100, &transport, &[closing.gateway()], PATIENT).await {
            if let Err(error) = sent {
                assert_eq!(error.reason(), Some(Reason::UnknownOutcome), "{error:?}");
            }
        }
    }
    is_over.store(true, Ordering::Relaxed);
    traffic.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_had_little_time_blames_no_gateway() {
    let mute = Mute::start().await;
    let transport = Transport::with(Roots::new("", None), Route::default(), Resolver::default());
    let gateways = [Gateway::parse(&format!("https://127.0.0.1:{}", mute.port)).unwrap(), named("127.0.0.1", 1)];
    let hurried = Limits { total: Duration::from_millis(20), connect: CONNECT };
    send_within(&transport, &gateways[..1], hurried).await.unwrap_err();
    assert_eq!(transport.health.order(&gateways), [&gateways[0], &gateways[1]]);
    let patient = Limits { total: Duration::from_secs(2), connect: Duration::from_millis(300) };
    send_within(&transport, &gateways[..1], patient).await.unwrap_err();
    assert_eq!(transport.health.order(&gateways), [&gateways[1], &gateways[0]]);
}

#[tokio::test]
async fn a_gateway_that_has_rested_is_probed_after_a_message() {
    let server = Server::start(&[ACCEPTED]).await;
    let resting = Server::start_answering(ACCEPTED).await;
    let transport = Transport::local();
    let gateways = [resting.gateway(), server.gateway()];
    let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
    transport.health.mark_down(&gateways[0], long_ago);
    let receipt = send(&transport, &gateways).await.unwrap();
    assert_eq!(receipt.gateway, gateways[1].to_string());
    while transport.health.order(&gateways)[0] != &gateways[0] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let requests = resting.requests().await;
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("HEAD / HTTP/1.1\r\n") && !requests[0].contains("authorization"), "{requests:?}");
}

#[tokio::test]
async fn limits_of_endless_variety_leave_nothing_behind() {
    let server = Server::start_answering(ACCEPTED).await;
    let transport = Transport::local();
    for millis in 0..100 {
        let limits =
            Limits { total: Duration::from_millis(5_000 + millis), connect: Duration::from_millis(1_000 + millis) };
        send_within(&transport, &[server.gateway()], limits).await.unwrap();
    }
    // Clients that are gone have closed their connections.
    while server.open() > 16 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
