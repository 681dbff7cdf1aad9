//! One message, from configuration to outcome: config, template, request, transport, reply.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use serde::Serialize;
use serde_json::json;

use crate::{
    confirm::Doubt,
    encoding::Encoding,
    error::{Audience, Error, ErrorKind},
    ledger::Place,
    logto::config::{Config, Template},
    logto::template::is_code,
    logto::utf16::Utf16,
    net::transport::{Attempts, ConfirmedBy, Deadlines, Departure, Failure, Reply, Transport},
    redact::{Redactor, Secrets},
    smsaero::account::Account,
    smsaero::gateway::{Accepted, FieldFault, Gateway, Judgement, Method, Order, Refusal, Request, judge},
    smsaero::phone::masked,
    smsaero::reading::Row,
    smsaero::reason::Reason,
    smsaero::segment::{self, MOST_CHARACTERS},
};

/// A message that is ready to go.
pub struct Message {
    account: Arc<Account>,
    number: String,
    text: String,
    codes: Vec<String>,
    /// None where the text was not made from a template.
    usage_type: Option<String>,
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
    /// The usage type asked for, where there is a template.
    pub usage_type: Option<String>,
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
    /// A message of this template, with the values of its variables, unless its text is too long. Nothing is sent yet.
    pub fn new(
        account: Arc<Account>,
        template: &Template,
        recipient: &Recipient<'_>,
        values: &[Option<Utf16>],
    ) -> Result<Self, Error> {
        let Recipient { to, usage_type, audience } = *recipient;
        let text = template.render(values);
        if template.is_too_long || text.units().len() > MOST_CHARACTERS {
            return Err(Error::new(ErrorKind::TextTooLong, audience));
        }
        let variables = template.variables().zip(values);
        let codes = variables.filter(|(path, _)| is_code(path)).filter_map(|(_, value)| value.as_ref());
        Ok(Self {
            account,
            number: to.well_formed(),
            text: text.well_formed(),
            codes: codes.map(Utf16::well_formed).collect(),
            usage_type: Some(usage_type.well_formed()),
            audience,
        })
    }

    /// A message with a text of its own.
    #[must_use]
    pub fn plain(account: Arc<Account>, to: &Utf16, text: &Utf16) -> Self {
        let text = text.well_formed();
        // Whatever might be a one-time code in it is taken out of what comes back, as the text itself is.
        let runs =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|run| run.contains(|c: char| c.is_ascii_digit()));
        let codes = runs.map(str::to_owned).collect();
        Self { account, number: to.well_formed(), text, codes, usage_type: None, audience: Audience::Administrator }
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

    /// Sends the message through the first gateway that can be connected to, at most once. Where the reply does not tell
    /// what became of it, SMS Aero's list of messages is asked, as long as there is time.
    pub async fn deliver(
        &self,
        transport: &Arc<Transport>,
        gateways: &[Gateway],
        deadlines: Deadlines,
        attempts: &mut Attempts,
    ) -> Result<Receipt, Error> {
        let Account { email, test_mode, .. } = &*self.account;
        let provider = gateways.first().map(|gateway| gateway.base().as_str());
        let place = transport.ledger.enter((provider, email, test_mode, &self.number, &self.text));
        let departure = Departure::default();
        let request = self.request();
        let ended = {
            let mut sending = pin!(transport.send(&request, gateways, deadlines, attempts, &departure));
            match first(sending.as_mut(), pin!(departure.overdue())).await {
                Ended::One(result) => Ended::One(result),
                Ended::Other(()) => {
                    let doubt = self.doubt(transport, gateways, departure.overdue_at(), deadlines, &place, &departure);
                    // Boxed, as below: few messages need it, and each would otherwise be larger by it.
                    let mut proof = Box::pin(async {
                        match doubt.resolve(true).await {
                            Some(row) => row,
                            None => std::future::pending().await,
                        }
                    });
                    first(sending, proof.as_mut()).await
                }
            }
        };
        let result = match ended {
            Ended::One(result) => result,
            Ended::Other(row) => return self.confirmed(row, attempts),
        };
        let judged = match result {
            Ok(reply) => self.judge(&reply, attempts.gateway.as_ref()),
            Err(Failure::Lost) => Err(self.error(ErrorKind::UnknownOutcome)),
            Err(Failure::NotSent(errors)) => {
                return Err(self.error(ErrorKind::NotSent {
                    reason: if errors.iter().all(|(_, error)| error.is_timeout()) {
                        Reason::Timeout
                    } else {
                        Reason::Unreachable
                    },
                    attempts: errors.iter().map(|(gateway, error)| format!("{gateway}: {error}")).collect(),
                }));
            }
        };
        let row = match &judged {
            Ok(receipt) => place.claim(receipt.accepted.id),
            Err(error) if error.is_doubtful() => {
                let is_unknown = matches!(error.kind(), ErrorKind::UnknownOutcome);
                let last = attempts.gateway.as_ref();
                let doubt = self.doubt(transport, gateways, last, deadlines, &place, &departure);
                let row = Box::pin(doubt.resolve(is_unknown)).await;
                row.or_else(|| place.end_unknown())
            }
            Err(_) => None,
        };
        if let Some(row) = row {
            return self.confirmed(row, attempts);
        }
        if !judged.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::UnknownOutcome)) {
            attempts.confirmed_by = Some(ConfirmedBy::Reply);
        }
        judged
    }

    /// `last` is the gateway that failed to reply, which is asked last.
    fn doubt<'a>(
        &'a self,
        transport: &'a Arc<Transport>,
        gateways: &'a [Gateway],
        last: Option<&Gateway>,
        deadlines: Deadlines,
        place: &'a Place<'a>,
        departure: &Departure,
    ) -> Doubt<'a> {
        let Account { test_mode, authorization, .. } = &*self.account;
        let method = if *test_mode { Method::TestList } else { Method::List };
        let order = transport.health.order(gateways);
        let (last, mut order): (Vec<_>, Vec<_>) = order.into_iter().partition(|gateway| Some(*gateway) == last);
        order.extend(last);
        Doubt {
            transport,
            gateways: order,
            request: Request::new(method, &json!({ "number": self.number, "text": self.text }), authorization.clone()),
            number: &self.number,
            text: &self.text,
            place,
            departed: departure.at().unwrap_or(deadlines.started),
            connect: deadlines.limits.connect,
            done_by: deadlines.started + deadlines.limits.total,
        }
    }

    /// The outcome that a row of the list shows.
    fn confirmed(&self, row: Row, attempts: &mut Attempts) -> Result<Receipt, Error> {
        attempts.confirmed_by = Some(ConfirmedBy::List);
        if row.is_rejected() {
            return Err(self.error(ErrorKind::RejectedByList));
        }
        let gateway = attempts.gateway.as_ref().map(Gateway::name).unwrap_or_default();
        Ok(Receipt { accepted: row.accepted, gateway: gateway.to_owned() })
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
            test_mode: self.account.test_mode,
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
        self.usage_type.as_deref() == Some(usage_type)
    }

    /// The error when nothing more is ever heard of a message.
    #[must_use]
    pub const fn lost(audience: Audience) -> Error {
        Error::new(ErrorKind::UnknownOutcome, audience)
    }

    fn request(&self) -> Request {
        let Account { sign, test_mode, authorization, .. } = &*self.account;
        let method = if *test_mode { Method::TestSend } else { Method::Send };
        let order = Order { number: &self.number, sign, text: &self.text };
        Request::new(method, &order, authorization.clone())
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
                Ok(Receipt { accepted, gateway: gateway.map(Gateway::name).unwrap_or_default().to_owned() })
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

/// What ended first.
enum Ended<A, B> {
    One(A),
    Other(B),
}

/// The first of two futures to end; the first one where both have.
async fn first<A, B>(
    mut one: Pin<&mut impl Future<Output = A>>,
    mut other: Pin<&mut impl Future<Output = B>>,
) -> Ended<A, B> {
    poll_fn(|context| {
        if let Poll::Ready(value) = one.as_mut().poll(context) {
            return Poll::Ready(Ended::One(value));
        }
        other.as_mut().poll(context).map(Ended::Other)
    })
    .await
}

/// A refusal that came compressed, decompressed; without its body, and still marked as compressed, where that fails.
fn decode_refusal(reply: &Reply) -> Option<Reply> {
    let Reply { status, encoding, date, .. } = *reply;
    if encoding == Encoding::Identity || (200..300).contains(&status) {
        return None;
    }
    Some(match encoding.decode(&reply.body) {
        Some((body, cut)) => Reply { status, body, cut: cut || reply.cut, encoding: Encoding::Identity, date },
        None => Reply { status, body: Vec::new(), cut: reply.cut, encoding, date },
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
