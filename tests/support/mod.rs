//! A gateway on port 0 that reads one request after the other and answers from a list.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use connector_smsaero_native::{
    config::Config,
    error::{Audience, Error},
    gateway::Gateway,
    send::{Call, Deadlines, Delivered, Limits, Message, Payload, Prepared},
    template::{Lookup, Path},
    trace::Journey,
    transport::Transport,
    utf16::Utf16,
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
pub const ACCEPTED: Answer = Answer::Bytes(
    "HTTP/1.1 200 OK\r\ncontent-length: 57\r\n\r\n{\"success\":true,\"data\":{\"id\":7,\"status\":8},\"message\":\"\"} ",
);

/// A running server; it ends with the test.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers the requests in order, and nothing after the last one.
    pub async fn start(answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.iter().copied()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&answers)));
            }
        });
        Self { address, requests, task }
    }

    /// The gateway that it is.
    pub fn gateway(&self) -> Gateway {
        Gateway::parse(&format!("http://{}", self.address)).unwrap()
    }

    /// The requests seen so far, heads and bodies.
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
) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().await.push(request);
        let answer = answers.lock().await.next();
        match answer {
            Some(Answer::Bytes(bytes)) => stream.write_all(bytes.as_bytes()).await.unwrap(),
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
pub async fn send(transport: &Transport, gateways: &[Gateway]) -> Result<Delivered, Error> {
    let limits = Limits { total: Duration::from_secs(1), connect: Duration::from_millis(500) };
    let message = message();
    message.deliver(transport, gateways, Deadlines { started: Instant::now(), limits }, &mut Journey::default()).await
}

struct Code;

impl Lookup for Code {
    type Thrown = std::convert::Infallible;

    fn lookup(&self, path: &Path<'_>) -> Result<Option<Utf16>, Self::Thrown> {
        Ok((path.root() == "code").then(|| Utf16::from("482913")))
    }
}

impl Payload for Code {
    fn languages(&self) -> Result<Vec<String>, Self::Thrown> {
        Ok(Vec::new())
    }

    fn codes(&self) -> Vec<String> {
        vec!["482913".to_owned()]
    }
}

fn message() -> Message {
    let templates = ["Register", "SignIn", "ForgotPassword", "Generic"]
        .map(|name| json!({ "usageType": name, "content": "{{code}} it is" }));
    let value = json!({ "email": "a@b.co", "apiKey": "key12345", "senderName": "SMS Aero", "templates": templates });
    let config = Config::parse(&Some(&value)).unwrap();
    let (to, usage_type) = (Utf16::from("79001234567"), Utf16::from("SignIn"));
    let call = Call { to: &to, usage_type: &usage_type, payload: &Code, audience: Audience::Administrator };
    let Ok(composed) = Message::compose(&call, &Prepared::new(config));
    composed.unwrap()
}
