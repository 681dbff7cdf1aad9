//! A gateway on port 0 that reads one request after the other and answers from a list.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use connector_smsaero_native::{
    error::{Audience, Error},
    logto::config::Config,
    logto::utf16::Utf16,
    lost_reply::Sends,
    net::gateway::Gateway,
    net::transport::{Deadlines, Limits, Transport},
    send::{Delivery, Message, Receipt, Recipient},
    smsaero::account::Account,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::JoinHandle,
    time::Instant,
};

/// What the server does with a request that it has read.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// Writes these bytes and keeps the connection.
    Bytes(&'static str),
    /// Writes these bytes and closes.
    Last(&'static str),
    /// Never answers.
    Silence,
}

/// An acceptance, as SMS Aero writes it.
pub const ACCEPTED: Answer = Answer::Bytes(ACCEPTANCE);
const ACCEPTANCE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 57\r\n\r\n{\"success\":true,\"data\":{\"id\":7,\"status\":8},\"message\":\"\"} ";

/// The same, on a connection that is closed with it.
pub const CLOSED: Answer = Answer::Last(
    "HTTP/1.1 200 OK\r\ncontent-length: 57\r\nconnection: close\r\n\r\n{\"success\":true,\"data\":{\"id\":7,\"status\":8},\"message\":\"\"} ",
);

/// The same, though the reply does not announce it.
pub const CLOSED_UNANNOUNCED: Answer = Answer::Last(ACCEPTANCE);

/// What a list of messages says: nothing of it is given.
const NO_LIST: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}";

/// A list with these rows, of now.
#[must_use]
pub fn list(rows: &serde_json::Value) -> String {
    let body = json!({ "success": true, "data": rows, "message": null }).to_string();
    let date = httpdate::fmt_http_date(SystemTime::now());
    format!("HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A row of the message that [`send`] sends, created now.
#[must_use]
pub fn row(id: u64, status: i64) -> serde_json::Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    json!({ "id": id, "number": 79_001_234_567_u64, "text": "482913 it is", "status": status, "dateCreate": now })
}

/// Counts the connections of a server.
#[derive(Default)]
pub struct Connections {
    /// Those that are open.
    pub open: AtomicUsize,
    /// The most that were open at once.
    pub most: AtomicUsize,
}

impl Connections {
    /// Counts one more, until what it gives is dropped.
    pub fn opened(self: &Arc<Self>) -> Connection {
        self.most.fetch_max(self.open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Connection(Arc::clone(self))
    }
}

/// An open connection.
pub struct Connection(Arc<Connections>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A running server; it ends with the test.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    list: Arc<Mutex<String>>,
    connections: Arc<Connections>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers the requests in order, and nothing after the last one.
    pub async fn start(answers: &'static [Answer]) -> Self {
        Self::with(answers.iter().copied()).await
    }

    /// Gives every request the same answer.
    pub async fn start_answering(answer: Answer) -> Self {
        Self::with(std::iter::repeat(answer)).await
    }

    async fn with(answers: impl Iterator<Item = Answer> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers));
        let list = Arc::new(Mutex::new(NO_LIST.to_owned()));
        let connections = Arc::<Connections>::default();
        let (seen, listed, counted) = (Arc::clone(&requests), Arc::clone(&list), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = counted.opened();
                let serving = serve(stream, Arc::clone(&seen), Arc::clone(&answers), Arc::clone(&listed));
                tokio::spawn(async move {
                    serving.await;
                    drop(connection);
                });
            }
        });
        Self { address, requests, list, connections, task }
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.connections.open.load(Ordering::SeqCst)
    }

    /// The most connections that were open at once.
    pub fn most_open(&self) -> usize {
        self.connections.most.load(Ordering::SeqCst)
    }

    /// Answers every question for the list of messages with this from now on.
    pub async fn answer_list(&self, reply: String) {
        *self.list.lock().await = reply;
    }

    /// The gateway that it is.
    pub fn gateway(&self) -> Gateway {
        Gateway::parse(&format!("http://{}", self.address)).unwrap()
    }

    /// The requests seen so far, heads and bodies; not those for the list.
    pub async fn requests(&self) -> Vec<String> {
        self.requests.lock().await.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<impl Iterator<Item = Answer>>>,
    list: Arc<Mutex<String>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        if request.starts_with("POST /v2/sms/list ") {
            let reply = list.lock().await.clone();
            drop(stream.write_all(reply.as_bytes()).await);
            continue;
        }
        seen.lock().await.push(request);
        let answer = answers.lock().await.next();
        match answer {
            // A client that is gone may not read it any more.
            Some(Answer::Bytes(bytes)) => drop(stream.write_all(bytes.as_bytes()).await),
            Some(Answer::Last(bytes)) => return stream.write_all(bytes.as_bytes()).await.unwrap(),
            Some(Answer::Silence) => tokio::time::sleep(Duration::from_secs(60)).await,
            None => panic!("a request that no answer was meant for"),
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => request.extend_from_slice(&chunk[..read]),
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
    }
}

/// A port on which nobody listens.
pub async fn deaf() -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Gateway::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

/// Sends one message through these gateways within a second.
pub async fn send(transport: &Arc<Transport>, gateways: &[Gateway]) -> Result<Receipt, Error> {
    let limits = Limits { total: Duration::from_secs(1), connect: Duration::from_millis(500) };
    send_within(transport, gateways, limits).await
}

/// Sends one message through these gateways within these limits.
pub async fn send_within(transport: &Arc<Transport>, gateways: &[Gateway], limits: Limits) -> Result<Receipt, Error> {
    // Each test is a process of its own to the others.
    let sends = Sends::default();
    let deadlines = Deadlines { started: Instant::now(), limits };
    message("482913").unwrap().deliver(&Delivery { transport, sends: &sends, gateways, deadlines }).await.result
}

/// Sends a message with this value of its variable to a server that refuses it.
pub async fn refused(value: &str, status: u16, body: &str) -> Error {
    let reply = format!("HTTP/1.1 {status} No\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let server = Server::start_answering(Answer::Bytes(reply.leak())).await;
    let deadlines = Deadlines { started: Instant::now(), limits: Limits::default() };
    let (transport, sends, gateways) = (Transport::local(), Sends::default(), [server.gateway()]);
    let delivery = Delivery { transport: &transport, sends: &sends, gateways: &gateways, deadlines };
    message(value).unwrap().deliver(&delivery).await.result.unwrap_err()
}

/// A message with this value of its variable.
pub fn message(value: &str) -> Result<Message, Error> {
    let templates = ["Register", "SignIn", "ForgotPassword", "Generic"]
        .map(|name| json!({ "usageType": name, "content": "{{code}} it is" }));
    let config = json!({ "email": "a@b.co", "apiKey": "key12345", "senderName": "SMS Aero", "templates": templates });
    let config = Config::parse(&Some(&config)).unwrap();
    let account = Arc::new(Account::from(&config));
    let (to, usage_type) = (Utf16::from("79001234567"), Utf16::from("SignIn"));
    let recipient = Recipient { to: &to, usage_type: &usage_type, audience: Audience::Administrator };
    Message::new(account, &config.templates[1], &recipient, &[Some(Utf16::from(value))])
}
