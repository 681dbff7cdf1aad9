//! The story of a message: config, template, request, transport, reply, outcome.
#![forbid(unsafe_code)]

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::{
    config::{Config, Prefixes, Untyped},
    error::{Audience, Error, Kind, Reason},
    gateway::{Accepted, FieldFault, Gateway, Order, Refusal, Request, Verdict, judge},
    phone::AllowedPrefixes,
    scrub::Secrets,
    template::{self, Lookup},
    text::Text,
    transport::{Failure, Obstacle, Reply, Transport},
};

/// The longest that a send may take by default, from the call to its settlement.
pub const TOTAL: Duration = Duration::from_secs(8);

/// The longest that connecting to one gateway may take by default, TLS handshake included.
pub const CONNECT: Duration = Duration::from_millis(2500);

/// What Logto hands over.
pub struct Call<'a, L> {
    /// The phone number, digits only.
    pub to: &'a Text,
    /// The usage type.
    pub usage_type: &'a Text,
    /// Where handlebars find their values.
    pub payload: &'a L,
    /// Who will read an error.
    pub audience: Audience,
}

/// What a payload knows besides the values of handlebars.
pub trait Payload: Lookup {
    /// The languages that the user wants, most wanted first.
    fn languages(&self) -> Result<Vec<String>, Self::Thrown>;
    /// The one-time code, so that it can be kept out of sight; empty if there is none.
    fn code(&self) -> Result<Text, Self::Thrown>;
}

/// A message that is ready to go.
pub struct Message {
    request: Request,
    secrets: Secrets,
    audience: Audience,
}

/// What became of a message that SMS Aero accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivered {
    /// The provider's answer.
    #[serde(flatten)]
    pub accepted: Accepted,
    /// The base URL of the gateway that took it.
    pub gateway: String,
}

impl Message {
    /// Chooses the template, renders it and builds the request. Nothing is sent yet.
    pub fn compose<V, L>(call: &Call<'_, L>, config: &Config<V>) -> Result<Result<Self, Error>, L::Thrown>
    where
        V: Untyped<Thrown = L::Thrown>,
        L: Payload,
    {
        let refuse = |kind| Ok(Err(Error::new(kind, call.audience)));
        let Some(template) = template::choose(config, call.usage_type, || call.payload.languages())? else {
            return refuse(Kind::TemplateNotFound { usage_type: call.usage_type.well_formed() });
        };
        let text = template::render(&template.content.text()?, call.payload)?.well_formed();
        let number = call.to.well_formed();
        let prefixes = allowed_prefixes(config)?;
        if !prefixes.allow(&number) {
            let malformed = prefixes.malformed().map(str::to_owned).collect();
            return refuse(Kind::NumberNotAllowed { malformed });
        }
        let secrets = Secrets {
            email: config.email.text()?.well_formed(),
            api_key: config.api_key.text()?.well_formed(),
            code: call.payload.code()?.well_formed(),
            number,
            text,
        };
        let sign = config.sender_name.text()?.well_formed();
        let test_mode = match &config.test_mode {
            Some(switch) => switch.truth()?,
            None => false,
        };
        let order = Order { number: &secrets.number, sign: &sign, text: &secrets.text };
        let request = Request::send(&order, &secrets.email, &secrets.api_key, test_mode);
        Ok(Ok(Self { request, secrets, audience: call.audience }))
    }

    /// Sends the message through the first gateway that can be connected to, at most once.
    pub async fn deliver(self, transport: &Transport, gateways: &[Gateway], deadlines: Deadlines) -> Result<Delivered, Error> {
        let done_by = deadlines.started + deadlines.total;
        let mut attempts = Vec::new();
        for gateway in gateways {
            if Instant::now() >= done_by {
                break;
            }
            let connected_by = Instant::now() + deadlines.connect;
            let url = gateway.method(self.request.method);
            match transport.exchange(url, &self.request, connected_by, done_by).await {
                Ok(reply) => return self.outcome(&reply, gateway),
                Err(Failure::Lost) => return Err(self.error(Kind::UnknownOutcome)),
                Err(Failure::NotDelivered(obstacle)) => attempts.push((gateway, obstacle)),
            }
        }
        let timed_out = attempts.iter().all(|(_, obstacle)| *obstacle == Obstacle::Deadline);
        Err(self.error(Kind::NotSent {
            reason: if timed_out { Reason::Timeout } else { Reason::Unreachable },
            attempts: attempts.iter().map(|(gateway, obstacle)| format!("{gateway}: {obstacle}")).collect(),
        }))
    }

    /// What becomes of the message if nothing more is ever heard of it.
    #[must_use]
    pub const fn lost(audience: Audience) -> Error {
        Error::new(Kind::UnknownOutcome, audience)
    }

    fn outcome(&self, reply: &Reply, gateway: &Gateway) -> Result<Delivered, Error> {
        if matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
            return Err(self.error(Kind::Redirected { status: reply.status }));
        }
        match judge(reply.status, whole_characters(reply)) {
            Verdict::Accepted(accepted) => Ok(Delivered { accepted, gateway: gateway.to_string() }),
            Verdict::NotAReply => Err(self.error(Kind::NotAReply { status: reply.status })),
            Verdict::Refused(refusal) => Err(self.refused(refusal, reply)),
        }
    }

    fn refused(&self, Refusal { reason, message, fields }: Refusal, reply: &Reply) -> Error {
        let scrub = |words: String| self.secrets.scrub(&words, reply.cut);
        let fields = fields.into_iter().map(|FieldFault { field, codes }| FieldFault {
            field,
            codes: codes.into_iter().map(scrub).collect(),
        });
        self.error(Kind::Refused { reason, status: reply.status, message: message.map(scrub), fields: fields.collect() })
    }

    const fn error(&self, kind: Kind) -> Error {
        Error::new(kind, self.audience)
    }
}

/// How long a send may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// When the send was called for.
    pub started: Instant,
    /// From the call to its settlement.
    pub total: Duration,
    /// For connecting to one gateway.
    pub connect: Duration,
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

fn allowed_prefixes<V: Untyped>(config: &Config<V>) -> Result<AllowedPrefixes, V::Thrown> {
    let written = match &config.allowed_prefixes {
        None => return Ok(AllowedPrefixes::default()),
        Some(Prefixes::Written(line)) => vec![line.text()?.well_formed()],
        Some(Prefixes::Listed { items, .. }) => {
            items.iter().map(|item| Ok(item.text()?.well_formed())).collect::<Result<_, _>>()?
        }
    };
    Ok(AllowedPrefixes::new(written.iter().map(String::as_str)))
}
