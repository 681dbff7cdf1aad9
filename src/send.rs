//! One message, from configuration to outcome: config, template, request, transport, reply.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use serde::Serialize;
use serde_json::json;

use tokio::time::{Instant, sleep_until};

use crate::{
    error::{Audience, Error, ErrorKind},
    logto::{config::Config, template::Template, utf16::Utf16},
    lost_reply::{LostReply, Persistence, Registered, Sends},
    net::{
        connect_error::ConnectError,
        gateway::Gateway,
        transport::{Attempts, Deadlines, Post, Reply, Transport, WriteState},
    },
    redact::{Redactor, Secrets},
    smsaero::{
        account::Account,
        phone::masked,
        reply::{Accepted, ReplyError, parse_send_reply},
        request::{Method, SendParams, body},
        segment::{self, Alphabet, MOST_CHARACTERS},
    },
};

/// A message that is ready to go.
pub struct Message {
    account: Arc<Account>,
    number: String,
    text: String,
    /// The parts of the text that are secret by themselves.
    values: Vec<String>,
    /// `None` if the text was not made from a template.
    usage_type: Option<String>,
    audience: Audience,
}

/// The recipient of a message.
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    /// The phone number, digits only.
    pub to: &'a Utf16,
    /// The usage type.
    pub usage_type: &'a Utf16,
    /// The reader of an error.
    pub audience: Audience,
}

/// The part of a trace that is known before the message goes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageInfo {
    /// The phone number with its middle hidden.
    pub number: String,
    /// The usage type asked for, where there is a template.
    pub usage_type: Option<String>,
    /// True if it goes to the method that sends and charges nothing.
    pub test_mode: bool,
    /// The alphabet that the text is transmitted in.
    pub alphabet: Alphabet,
    /// The number of parts it takes.
    pub parts: usize,
}

/// A message that SMS Aero accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Receipt {
    /// The provider's answer.
    #[serde(flatten)]
    pub accepted: Accepted,
    /// The base URL of the gateway that took it.
    pub gateway: String,
}

/// The way to send a message.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// Sends requests.
    pub transport: &'a Arc<Transport>,
    /// The sends of the process.
    pub sends: &'a Sends,
    /// The gateways to try.
    pub gateways: &'a [Gateway],
    /// The limits on time.
    pub deadlines: Deadlines,
}

/// The result of a send, and what a trace tells of the way to it.
pub struct SendOutcome {
    /// The receipt, or the error.
    pub result: Result<Receipt, Error>,
    /// The gateways that were tried.
    pub attempts: Attempts,
    /// The proof of the result; `None` if there is none, or nothing was sent.
    pub confirmed_by: Option<ConfirmedBy>,
}

/// The proof of the result of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedBy {
    /// The gateway's reply.
    Reply,
    /// SMS Aero's list of messages, since no reply did.
    List,
}

impl From<&Config> for Account {
    fn from(config: &Config) -> Self {
        Self::new(config.email.clone(), config.api_key.clone(), config.sender_name.clone(), config.test_mode)
    }
}

impl Message {
    /// A message of this template, with the values of its variables. Nothing is sent yet.
    ///
    /// # Errors
    /// The text is too long.
    pub fn new(
        account: Arc<Account>,
        template: &Template,
        recipient: &Recipient<'_>,
        values: &[Option<Utf16>],
    ) -> Result<Self, Error> {
        let Recipient { to, usage_type, audience } = *recipient;
        let text = template.render(values);
        if text.units().len() > MOST_CHARACTERS {
            return Err(Error::new(ErrorKind::TextTooLong, audience));
        }
        Ok(Self {
            account,
            number: to.well_formed(),
            text: text.well_formed(),
            values: values.iter().flatten().map(Utf16::well_formed).collect(),
            usage_type: Some(usage_type.well_formed()),
            audience,
        })
    }

    /// A message with a text of its own.
    pub fn plain(account: Arc<Account>, to: &Utf16, text: &Utf16) -> Self {
        let text = text.well_formed();
        // Without variables, anything with a digit may be a one-time code, such as `Zq48`, 482913 or 482-913.
        let parts = text.split(|char: char| !char.is_alphanumeric()).chain(text.split(char::is_alphabetic));
        let values =
            parts.filter(|part| part.contains(|char: char| char.is_ascii_digit())).map(str::to_owned).collect();
        Self { account, number: to.well_formed(), text, values, usage_type: None, audience: Audience::Administrator }
    }

    /// Checks that the configuration allows messages to this number.
    pub fn permit(config: &Config, to: &Utf16, audience: Audience) -> Result<(), Error> {
        let prefixes = &config.allowed_prefixes;
        if prefixes.allow_all() || prefixes.allow(&to.well_formed()) {
            return Ok(());
        }
        let malformed = prefixes.malformed().map(str::to_owned).collect();
        Err(Error::new(ErrorKind::NumberNotAllowed { malformed }, audience))
    }

    /// Sends the message through the first gateway that can be connected to, at most once. If the reply is lost or says
    /// little, SMS Aero's list of messages is asked.
    pub async fn deliver(&self, delivery: &Delivery<'_>) -> SendOutcome {
        let Delivery { transport, sends, gateways, deadlines } = *delivery;
        let mut registered = sends.enter(&self.number, &self.text);
        let mut attempts = Attempts::default();
        let write_state = Arc::<WriteState>::default();
        let post = self.post();
        let ended = {
            let mut sending = pin!(transport.send(&post, gateways, deadlines, &write_state, &mut attempts));
            // Boxed: few messages need it, and each would otherwise be larger by it.
            let mut overdue = Box::pin(async {
                let (written, gateway) = write_state.written().await;
                sleep_until(written + deadlines.done_by().saturating_duration_since(written) / 2).await;
                // A firewall may have forgotten the connection, and would swallow the question as well.
                transport.renew(&gateway, written);
                let lost = self.lost_reply(delivery, &registered, written, Some(&gateway));
                match lost.find_row(Persistence::UntilDeadline).await {
                    Some(row) => row,
                    None => std::future::pending().await,
                }
            });
            // The reply goes first if both have come.
            poll_fn(|context| match sending.as_mut().poll(context) {
                Poll::Ready(result) => Poll::Ready(Ok(result)),
                Poll::Pending => overdue.as_mut().poll(context).map(Err),
            })
            .await
        };
        let result = match ended {
            Ok(result) => result,
            Err(row) => return self.confirmed(row, attempts),
        };
        let judged = match result {
            Ok(reply) => self.judge(&reply, attempts.gateway.as_ref(), &mut registered),
            Err(failures) if failures.iter().any(|failure| matches!(failure.error, ConnectError::NoReply)) => {
                Err(self.error(ErrorKind::UnknownOutcome))
            }
            Err(failures) => {
                registered.set_unlisted();
                return SendOutcome {
                    result: Err(self.error(ErrorKind::NoConnection(failures))),
                    attempts,
                    confirmed_by: None,
                };
            }
        };
        let persistence = match judged.as_ref().map_err(Error::kind) {
            Err(ErrorKind::UnknownOutcome | ErrorKind::NotAReply { .. }) => Some(Persistence::UntilDeadline),
            Err(ErrorKind::Refused { status: 408 | 500.., .. }) => Some(Persistence::Twice),
            Ok(_) | Err(_) => None,
        };
        if let Some(persistence) = persistence {
            let written = write_state.written_at().unwrap_or(deadlines.started);
            let lost = self.lost_reply(delivery, &registered, written, attempts.gateway.as_ref());
            if let Some(row) = Box::pin(lost.find_row(persistence)).await {
                return self.confirmed(row, attempts);
            }
        }
        let is_unknown = judged.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::UnknownOutcome));
        SendOutcome { result: judged, attempts, confirmed_by: (!is_unknown).then_some(ConfirmedBy::Reply) }
    }

    /// The message, to be looked up in the list; `last` is the gateway that failed to reply, which is asked last.
    fn lost_reply<'a>(
        &'a self,
        delivery: &Delivery<'a>,
        registered: &'a Registered<'a>,
        written: Instant,
        last: Option<&Gateway>,
    ) -> LostReply<'a> {
        let Delivery { transport, gateways, deadlines, .. } = *delivery;
        let order = transport.health.order(gateways);
        let (last, mut order): (Vec<_>, Vec<_>) = order.into_iter().partition(|gateway| Some(*gateway) == last);
        order.extend(last);
        LostReply {
            transport,
            gateways: order,
            post: post(&self.account, Method::List, &json!({ "number": self.number, "text": self.text })),
            number: &self.number,
            text: &self.text,
            registered,
            written,
            connect: deadlines.limits.connect,
            done_by: deadlines.done_by(),
        }
    }

    /// The outcome that a row of the list shows.
    fn confirmed(&self, accepted: Accepted, attempts: Attempts) -> SendOutcome {
        let gateway = attempts.gateway.as_ref().map(Gateway::name).unwrap_or_default();
        let result = if accepted.is_rejected() {
            Err(self.error(ErrorKind::RejectedByList))
        } else {
            Ok(Receipt { accepted, gateway: gateway.to_owned() })
        };
        SendOutcome { result, attempts, confirmed_by: Some(ConfirmedBy::List) }
    }

    /// The part of a trace that is known before the message goes.
    pub fn info(&self) -> MessageInfo {
        let segments = segment::count(&self.text);
        MessageInfo {
            number: masked(&self.number),
            usage_type: self.usage_type.clone(),
            test_mode: self.account.test_mode,
            alphabet: segments.alphabet,
            parts: segments.parts,
        }
    }

    /// The reader of an error.
    pub const fn audience(&self) -> Audience {
        self.audience
    }

    /// True if this usage type was asked for.
    pub fn is_of(&self, usage_type: &str) -> bool {
        self.usage_type.as_deref() == Some(usage_type)
    }

    /// The error when nothing more is ever heard of a message.
    pub const fn lost(audience: Audience) -> Error {
        Error::new(ErrorKind::UnknownOutcome, audience)
    }

    fn post(&self) -> Post {
        let params = SendParams { number: &self.number, sign: &self.account.sign, text: &self.text };
        post(&self.account, Method::Send, &params)
    }

    fn secrets(&self) -> Secrets {
        Secrets {
            email: self.account.email.clone(),
            api_key: self.account.api_key.clone(),
            number: self.number.clone(),
            text: self.text.clone(),
            values: self.values.clone(),
        }
    }

    fn judge(
        &self,
        reply: &Reply,
        gateway: Option<&Gateway>,
        registered: &mut Registered<'_>,
    ) -> Result<Receipt, Error> {
        if matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
            return Err(self.error(ErrorKind::Redirected { status: reply.status }));
        }
        match parse_send_reply(reply.status, reply.plain_body(), &self.number) {
            Ok(accepted) => {
                Ok(Receipt { accepted, gateway: gateway.map(Gateway::name).unwrap_or_default().to_owned() })
            }
            Err(ReplyError::Unreadable) => Err(self.error(ErrorKind::NotAReply { status: reply.status })),
            Err(ReplyError::Refused(refusal)) => {
                if refusal.is_plain {
                    registered.set_unlisted();
                }
                let redactor = Redactor::new(&self.secrets());
                Err(self.error(ErrorKind::refused(refusal, reply.status, reply.cut, &redactor)))
            }
        }
    }

    const fn error(&self, kind: ErrorKind) -> Error {
        if self.usage_type.is_some() { Error::new(kind, self.audience) } else { Error::of_text(kind) }
    }
}

/// A request of a method, with the credentials of an account.
pub(crate) fn post(account: &Account, method: Method, fields: &impl Serialize) -> Post {
    Post {
        path: method.path(account.test_mode),
        body: body(fields),
        authorization: account.authorization.clone(),
        body_limit_bytes: method.body_limit_bytes(),
    }
}
