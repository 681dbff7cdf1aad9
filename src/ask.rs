//! Read-only API calls: the state of a message, the balance, the sender names.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::{Error, ErrorKind},
    lost_reply::is_answer,
    net::{
        client::Queue,
        connect_error::{FailedAttempt, Step},
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
    /// The account's balance.
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
    /// Asks one gateway after the other until one answers, since asking twice has no effect.
    pub async fn ask(
        self,
        account: &Account,
        transport: &Transport,
        gateways: &[Gateway],
        deadlines: Deadlines,
        attempts: &mut Attempts,
    ) -> Result<Answer, Error> {
        let mut asking = Asking { account, transport, gateways, deadlines, attempts };
        Ok(match self {
            Self::Status(id) => Answer::Status(asking.ask(Method::Status, &json!({ "id": id }), message_status).await?),
            Self::Balance => Answer::Balance(asking.ask(Method::Balance, &json!({}), balance).await?),
            Self::SenderNames => Answer::SenderNames(asking.sender_names().await?),
        })
    }
}

/// A question under way.
struct Asking<'a> {
    account: &'a Account,
    transport: &'a Transport,
    gateways: &'a [Gateway],
    deadlines: Deadlines,
    attempts: &'a mut Attempts,
}

impl Asking<'_> {
    /// Reads page after page, as long as a page brings a new name.
    async fn sender_names(&mut self) -> Result<Vec<SenderName>, Error> {
        let mut names = Vec::new();
        for page in 1..=PAGES {
            let fields = if page == 1 { json!({}) } else { json!({ "page": page }) };
            let (found, total) = self.ask(Method::SenderNames, &fields, sender_names).await?;
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

    /// Calls a method and reads the data of its reply.
    async fn ask<T>(&mut self, method: Method, fields: &Value, read: fn(&Value) -> Option<T>) -> Result<T, Error> {
        let question = transport::Question {
            post: &post(self.account, method, fields),
            gateways: self.transport.health.order(self.gateways),
            connect: self.deadlines.limits.connect,
            done_by: self.deadlines.done_by(),
            queue: Queue::Wait,
        };
        let reply = self.transport.ask(&question, is_answer, self.attempts).await;
        let reply = reply.map_err(|failures| Error::of_question(ErrorKind::NoConnection(failures)))?;
        let data = parse_read_reply(reply.status, reply.plain_body());
        let kind = match data.and_then(|data| read(&data).ok_or(ReplyError::Unreadable)) {
            Ok(answer) => return Ok(answer),
            Err(ReplyError::Unreadable) => ErrorKind::NotAReply { status: reply.status },
            Err(ReplyError::Refused(refusal)) => {
                let Account { email, api_key, .. } = self.account;
                let secrets = Secrets { email: email.clone(), api_key: api_key.clone(), ..Secrets::default() };
                ErrorKind::refused(refusal, reply.status, reply.cut, &Redactor::new(&secrets))
            }
        };
        Err(Error::of_question(kind))
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
    /// True if a proxy is used.
    proxied: bool,
    /// The time until the answer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_ms: Option<f64>,
    /// The step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    /// The failure and the advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Probe {
    /// Requests a gateway's front page through the transport of messages.
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
