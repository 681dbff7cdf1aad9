//! Asks SMS Aero what has no side effect: the state of a message, the balance, the sender names.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::{Audience, Error, ErrorKind},
    net::transport::{Attempts, Deadlines, Failure, Transport},
    redact::{Redactor, Secrets},
    smsaero::account::Account,
    smsaero::gateway::{Gateway, Method, Request},
    smsaero::reading::{MessageStatus, Reading, SenderName, balance, judge, message_status, sender_names},
    smsaero::reason::Reason,
};

/// The most pages of sender names that are read.
const PAGES: usize = 20;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// What became of the message with this number?
    Status(u64),
    /// How much money is there?
    Balance,
    /// Which sender names are there?
    SenderNames,
}

/// What was asked for.
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
        let request = Request::new(method, fields, self.account.authorization.clone());
        let order = self.transport.health.order(self.gateways);
        let Deadlines { started, limits } = self.deadlines;
        let read_by = started + limits.total;
        let reply = self.transport.read(&request, &order, limits.connect, read_by, self.attempts).await;
        let reply = reply.map_err(unanswered)?;
        match judge(reply.status, &reply.body) {
            Reading::Data(value) => Ok(Data { status: reply.status, value }),
            Reading::NotAReply => Err(not_a_reply(reply.status)),
            Reading::Refused(refusal) => {
                let redactor = Redactor::new(&Secrets {
                    email: self.account.email.clone(),
                    api_key: self.account.api_key.clone(),
                    ..Secrets::default()
                });
                Err(error(ErrorKind::Unanswered {
                    reason: refusal.reason,
                    status: Some(reply.status),
                    words: refusal.message.map(|body| redactor.redact(body, reply.cut)),
                    sentence: refusal.sentence.filter(|words| !redactor.holds_secret(words, reply.cut)),
                    attempts: Vec::new(),
                }))
            }
        }
    }
}

/// What a reply holds.
struct Data {
    status: u16,
    value: Value,
}

impl Data {
    fn read<T>(&self, read: impl Fn(&Value) -> Option<T>) -> Result<T, Error> {
        read(&self.value).ok_or_else(|| not_a_reply(self.status))
    }
}

const fn error(kind: ErrorKind) -> Error {
    Error::new(kind, Audience::Administrator)
}

const fn not_a_reply(status: u16) -> Error {
    error(ErrorKind::Unanswered {
        reason: Reason::BadResponse,
        status: Some(status),
        words: None,
        sentence: None,
        attempts: Vec::new(),
    })
}

fn unanswered(failure: Failure) -> Error {
    let errors = match failure {
        Failure::NotSent(errors) => errors,
        Failure::Lost => Vec::new(),
    };
    let is_late = errors.iter().all(|(_, error)| error.is_timeout());
    error(ErrorKind::Unanswered {
        reason: if is_late { Reason::Timeout } else { Reason::Unreachable },
        status: None,
        words: None,
        sentence: None,
        attempts: errors.iter().map(|(gateway, error)| format!("{gateway}: {error}")).collect(),
    })
}
