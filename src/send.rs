//! One message, from configuration to outcome: config, template, request, transport, reply.
#![forbid(unsafe_code)]

use std::sync::Arc;

use reqwest::header::HeaderValue;
use serde::Serialize;

use crate::{
    config::{Config, Template},
    encoding::Encoding,
    error::{Audience, Error, ErrorKind},
    gateway::{Accepted, FieldFault, Gateway, Judgement, Method, Order, Refusal, Request, authorization, judge},
    phone::masked,
    reason::Reason,
    redact::{Redactor, Secrets},
    segment,
    template::is_code,
    transport::{Attempts, Deadlines, Failure, Reply, Transport},
    utf16::Utf16,
};

/// Who sends, by which method. It has no `Debug`, so that its key cannot be printed.
pub struct Account {
    email: String,
    api_key: String,
    authorization: HeaderValue,
    sign: String,
    method: Method,
}

impl Account {
    /// The account of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            authorization: authorization(&config.email, &config.api_key),
            sign: config.sender_name.clone(),
            method: if config.test_mode { Method::TestSend } else { Method::Send },
            email: config.email.clone(),
            api_key: config.api_key.clone(),
        }
    }
}

/// A message that is ready to go.
pub struct Message {
    account: Arc<Account>,
    number: String,
    text: String,
    codes: Vec<String>,
    usage_type: String,
    audience: Audience,
}

/// Whom a message is for.
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    /// The phone number, digits only.
    pub to: &'a Utf16,
    /// The usage type.
    pub usage_type: &'a Utf16,
    /// Who will read an error.
    pub audience: Audience,
}

/// What a trace may say of a message before it goes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageInfo {
    /// The phone number with its middle hidden.
    pub number: String,
    /// The usage type asked for.
    pub usage_type: String,
    /// Whether it goes to the method that sends and charges nothing.
    pub test_mode: bool,
    /// The alphabet that the text is transmitted in.
    pub alphabet: &'static str,
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

impl Message {
    /// A message of this template, with the values of its variables. Nothing is sent yet.
    #[must_use]
    pub fn new(
        account: Arc<Account>,
        template: &Template,
        recipient: &Recipient<'_>,
        values: &[Option<Utf16>],
    ) -> Self {
        let Recipient { to, usage_type, audience } = *recipient;
        let variables = template.variables().into_iter().zip(values);
        let codes = variables.filter(|(path, _)| is_code(path)).filter_map(|(_, value)| value.as_ref());
        Self {
            account,
            number: to.well_formed(),
            text: template.render(values).well_formed(),
            codes: codes.map(Utf16::well_formed).collect(),
            usage_type: usage_type.well_formed(),
            audience,
        }
    }

    /// Whether the configuration lets anybody write to this number; the error if it does not.
    pub fn permit(config: &Config, to: &Utf16, audience: Audience) -> Result<(), Error> {
        let prefixes = &config.allowed_prefixes;
        if prefixes.allow_all() || prefixes.allow(&to.well_formed()) {
            return Ok(());
        }
        let malformed = prefixes.malformed().map(str::to_owned).collect();
        Err(Error::new(ErrorKind::NumberNotAllowed { malformed }, audience))
    }

    /// Sends the message through the first gateway that can be connected to, at most once.
    pub async fn deliver(
        &self,
        transport: &Arc<Transport>,
        gateways: &[Gateway],
        deadlines: Deadlines,
        attempts: &mut Attempts,
    ) -> Result<Receipt, Error> {
        match transport.send(&self.request(), gateways, deadlines, attempts).await {
            Ok(reply) => self.judge(&reply, attempts.gateway.as_ref()),
            Err(Failure::Lost) => Err(self.error(ErrorKind::UnknownOutcome)),
            Err(Failure::NotSent(errors)) => Err(self.error(ErrorKind::NotSent {
                reason: if errors.iter().all(|(_, error)| error.is_timeout()) {
                    Reason::Timeout
                } else {
                    Reason::Unreachable
                },
                attempts: errors.iter().map(|(gateway, error)| format!("{gateway}: {error}")).collect(),
            })),
        }
    }

    /// The error when there is nothing to send the message with; `why` says what is missing.
    #[must_use]
    pub fn unsendable(why: &impl std::fmt::Display, audience: Audience) -> Error {
        Error::new(ErrorKind::NotSent { reason: Reason::Unreachable, attempts: vec![why.to_string()] }, audience)
    }

    /// What a trace may say of the message.
    #[must_use]
    pub fn info(&self) -> MessageInfo {
        let segments = segment::count(&self.text);
        MessageInfo {
            number: masked(&self.number),
            usage_type: self.usage_type.clone(),
            test_mode: self.account.method == Method::TestSend,
            alphabet: segments.alphabet.name(),
            parts: segments.parts,
        }
    }

    /// Who reads an error.
    #[must_use]
    pub const fn audience(&self) -> Audience {
        self.audience
    }

    /// Whether this usage type was asked for.
    #[must_use]
    pub fn is_of(&self, usage_type: &str) -> bool {
        self.usage_type == usage_type
    }

    /// The error when nothing more is ever heard of a message.
    #[must_use]
    pub const fn lost(audience: Audience) -> Error {
        Error::new(ErrorKind::UnknownOutcome, audience)
    }

    fn request(&self) -> Request {
        let Account { sign, method, authorization, .. } = &*self.account;
        let order = Order { number: &self.number, sign, text: &self.text };
        Request::new(*method, &order, authorization.clone())
    }

    fn secrets(&self) -> Secrets {
        Secrets {
            email: self.account.email.clone(),
            api_key: self.account.api_key.clone(),
            number: self.number.clone(),
            text: self.text.clone(),
            codes: self.codes.clone(),
        }
    }

    fn judge(&self, reply: &Reply, gateway: Option<&Gateway>) -> Result<Receipt, Error> {
        if matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
            return Err(self.error(ErrorKind::Redirected { status: reply.status }));
        }
        let decoded = decode_refusal(reply);
        let reply = decoded.as_ref().unwrap_or(reply);
        match judge(reply.status, whole_characters(reply)) {
            Judgement::Accepted(accepted) => {
                Ok(Receipt { accepted, gateway: gateway.map(ToString::to_string).unwrap_or_default() })
            }
            Judgement::NotAReply => Err(self.error(ErrorKind::NotAReply { status: reply.status })),
            Judgement::Refused(refusal) => Err(self.refused(refusal, reply)),
        }
    }

    fn refused(&self, refusal: Refusal, reply: &Reply) -> Error {
        let redactor = Redactor::new(&self.secrets());
        let redact = |words: String| redactor.redact(&words, reply.cut);
        let Refusal { reason, message, sentence, fields } = refusal;
        let fields = fields
            .into_iter()
            .map(|FieldFault { field, codes }| FieldFault { field, codes: codes.into_iter().map(redact).collect() });
        self.error(ErrorKind::Refused {
            reason,
            status: reply.status,
            message: message.filter(|_| reply.encoding == Encoding::Identity).map(redact),
            sentence: sentence.map(redact),
            fields: fields.collect(),
        })
    }

    const fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.audience)
    }
}

/// A refusal that came compressed, decompressed; without its body, and still marked as compressed, where that fails.
fn decode_refusal(reply: &Reply) -> Option<Reply> {
    let Reply { status, encoding, .. } = *reply;
    if encoding == Encoding::Identity || (200..300).contains(&status) {
        return None;
    }
    Some(match encoding.decode(&reply.body) {
        Some((body, cut)) => Reply { status, body, cut: cut || reply.cut, encoding: Encoding::Identity },
        None => Reply { status, body: Vec::new(), cut: reply.cut, encoding },
    })
}

/// The body without the half of a character that the limit may have left at its end.
fn whole_characters(reply: &Reply) -> &[u8] {
    let body = reply.body.as_slice();
    match std::str::from_utf8(body) {
        // `error_len` is `None` when the text just stops too early.
        Err(error) if reply.cut && error.error_len().is_none() => body.get(..error.valid_up_to()).unwrap_or(body),
        _ => body,
    }
}
