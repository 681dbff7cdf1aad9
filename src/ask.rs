//! Read-only API calls: the state of a message, the balance, the sender names.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::{Error, ErrorKind},
    lost_reply::is_answer,
    net::{
        client::Queue,
        connect_error::FailedAttempt,
        gateway::Gateway,
        transport::{self, Attempts, Deadlines, Transport},
    },
    redact::{Redactor, Secrets},
    send::post,
    smsaero::account::Account,
    smsaero::reply::{MessageStatus, ReplyError, SenderName, balance, message_status, parse_read_reply, sender_names},
    smsaero::request::Method,
};

/// The most pages of sender names that are read.
const PAGES: usize = 20;

/// A read-only call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The state of the message with this id.
    Status(u64),
    /// The account's money.
    Balance,
    /// The account's sender names.
    SenderNames,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To [`Question::Status`].
    Status(MessageStatus),
    /// To [`Question::Balance`].
    Balance(f64),
    /// To [`Question::SenderNames`].
    SenderNames(Vec<SenderName>),
}

impl Question {
    /// Asks, one gateway after the other until one answers: nothing can happen twice.
    pub async fn ask(
        self,
        account: &Account,
        transport: &Transport,
        gateways: &[Gateway],
        deadlines: Deadlines,
        attempts: &mut Attempts,
    ) -> Result<Answer, Error> {
        let mut asking = Asking { account, transport, gateways, deadlines, attempts };
        match self {
            Self::Status(id) => {
                let method = if account.test_mode { Method::TestStatus } else { Method::Status };
                let reply = asking.ask(method, &json!({ "id": id })).await?;
                reply.read(message_status).map(Answer::Status)
            }
            Self::Balance => asking.ask(Method::Balance, &json!({})).await?.read(balance).map(Answer::Balance),
            Self::SenderNames => asking.sender_names().await.map(Answer::SenderNames),
        }
    }
}

struct Asking<'a> {
    account: &'a Account,
    transport: &'a Transport,
    gateways: &'a [Gateway],
    deadlines: Deadlines,
    attempts: &'a mut Attempts,
}

impl Asking<'_> {
    /// All of them, page by page, for as long as a page brings a new one.
    async fn sender_names(&mut self) -> Result<Vec<SenderName>, Error> {
        let mut names = Vec::new();
        for page in 1..=PAGES {
            let fields = if page == 1 { json!({}) } else { json!({ "page": page }) };
            let (found, total) = self.ask(Method::SenderNames, &fields).await?.read(sender_names)?;
            let before = names.len();
            for name in found {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            if names.len() >= total || names.len() == before {
                break;
            }
        }
        Ok(names)
    }

    async fn ask(&mut self, method: Method, fields: &Value) -> Result<Data, Error> {
        let question = transport::Question {
            post: &post(self.account, method, fields),
            gateways: self.transport.health.order(self.gateways),
            connect: self.deadlines.limits.connect,
            done_by: self.deadlines.done_by(),
            queue: Queue::Wait,
        };
        let reply = self.transport.ask(&question, is_answer, self.attempts).await;
        let reply = reply.map_err(|failures| Error::of_question(ErrorKind::NoConnection(failures)))?;
        match parse_read_reply(reply.status, reply.plain_body()) {
            Ok(value) => Ok(Data { status: reply.status, value }),
            Err(ReplyError::Unreadable) => Err(not_a_reply(reply.status)),
            Err(ReplyError::Refused(refusal)) => {
                let redactor = Redactor::new(&Secrets {
                    email: self.account.email.clone(),
                    api_key: self.account.api_key.clone(),
                    ..Secrets::default()
                });
                Err(Error::of_question(ErrorKind::Refused {
                    reason: refusal.reason,
                    status: reply.status,
                    message: refusal.message.map(|body| redactor.redact(body, reply.cut)),
                    sentence: refusal.sentence.filter(|words| !redactor.holds_secret(words, reply.cut)),
                    fields: Vec::new(),
                }))
            }
        }
    }
}

/// The data of a reply.
struct Data {
    status: u16,
    value: Value,
}

impl Data {
    fn read<T>(&self, read: impl Fn(&Value) -> Option<T>) -> Result<T, Error> {
        read(&self.value).ok_or_else(|| not_a_reply(self.status))
    }
}

/// The reachability of a gateway.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// The gateway's base URL.
    url: String,
    /// True if the gateway answers.
    reachable: bool,
    /// True if the way leads through a proxy.
    proxied: bool,
    /// The time until the answer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_ms: Option<f64>,
    /// The step that failed: `dns`, `tcp`, `proxy`, `tls` or `reply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'static str>,
    /// The failure and the advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Probe {
    /// Asks a gateway for its front page, the way that messages go.
    pub async fn of(transport: &Transport, gateway: &Gateway) -> Self {
        let result = transport.probe(gateway).await;
        let failure = result.as_ref().err();
        Self {
            url: gateway.to_string(),
            reachable: failure.is_none(),
            proxied: transport.is_proxied(gateway),
            total_ms: result.as_ref().ok().map(|took| (took.as_secs_f64() * 10_000.0).round() / 10.0),
            step: failure.map(FailedAttempt::step),
            problem: failure.map(|failure| format!("{failure}. {}", failure.advice())),
        }
    }
}

const fn not_a_reply(status: u16) -> Error {
    Error::of_question(ErrorKind::NotAReply { status })
}
