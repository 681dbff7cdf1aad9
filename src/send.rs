//! The story of a message: config, template, request, transport, reply, outcome.
#![forbid(unsafe_code)]

use std::{cell::OnceCell, sync::Arc, time::Duration};

use reqwest::header::HeaderValue;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    config::{Config, Prefixes, Untyped},
    error::{Audience, Error, Kind, Reason},
    gateway::{Accepted, FieldFault, Gateway, Method, Order, Refusal, Request, Verdict, authorization, judge},
    phone::{AllowedPrefixes, masked},
    redact::Secrets,
    segment,
    template::{self, Lookup},
    trace::{Facts, Journey},
    transport::{Failure, Obstacle, Reply, Transport},
    utf16::Utf16,
};

/// The longest that a send may take by default, from the call to its settlement: Logto's sign-in page waits for 10 s.
pub const TOTAL: Duration = Duration::from_secs(8);

/// The longest that an embedder may make it.
pub const LONGEST_TOTAL: Duration = Duration::from_millis(9500);

/// The longest that connecting to one gateway may take by default, TLS handshake included: three gateways that are
/// all dead leave time for an answer.
pub const CONNECT: Duration = Duration::from_millis(2500);

/// What Logto hands over.
pub struct Call<'a, L> {
    /// The phone number, digits only.
    pub to: &'a Utf16,
    /// The usage type.
    pub usage_type: &'a Utf16,
    /// Where handlebars find their values.
    pub payload: &'a L,
    /// Who will read an error.
    pub audience: Audience,
}

/// What a payload knows besides the values of handlebars.
pub trait Payload: Lookup {
    /// The languages that the user wants, most wanted first.
    fn languages(&self) -> Result<Vec<String>, Self::Thrown>;
    /// The one-time code in each form in which it was rendered, so that it can be kept out of sight.
    fn codes(&self) -> Vec<String>;
}

/// A configuration with what is the same for all messages worked out with the first one.
pub struct Prepared<V> {
    config: Config<V>,
    account: OnceCell<Arc<Account>>,
    prefixes: OnceCell<AllowedPrefixes>,
}

impl<V: Untyped> Prepared<V> {
    /// Nothing is worked out yet: a guard asks whether a configuration is right, and sends nothing.
    #[must_use]
    pub const fn new(config: Config<V>) -> Self {
        Self { config, account: OnceCell::new(), prefixes: OnceCell::new() }
    }

    fn account(&self) -> &Arc<Account> {
        self.account.get_or_init(|| Arc::new(Account::of(&self.config)))
    }

    fn prefixes(&self) -> &AllowedPrefixes {
        self.prefixes.get_or_init(|| allowed_prefixes(&self.config))
    }
}

/// Who sends, by which method. It has no `Debug`, so that its key cannot be printed.
struct Account {
    email: String,
    api_key: String,
    authorization: HeaderValue,
    sign: String,
    method: Method,
}

impl Account {
    fn of<V: Untyped>(config: &Config<V>) -> Self {
        let (email, api_key) = (config.email.text().well_formed(), config.api_key.text().well_formed());
        Self {
            authorization: authorization(&email, &api_key),
            sign: config.sender_name.text().well_formed(),
            method: if config.test_mode.as_ref().is_some_and(Untyped::truth) { Method::TestSend } else { Method::Send },
            email,
            api_key,
        }
    }
}

/// A message that is ready to go. What can wait for the worker thread is left to it.
pub struct Message {
    account: Arc<Account>,
    number: String,
    text: Utf16,
    codes: Vec<String>,
    usage_type: String,
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
    /// Chooses the template and renders it. Nothing is sent yet.
    pub fn compose<V: Untyped, L: Payload>(
        call: &Call<'_, L>,
        prepared: &Prepared<V>,
    ) -> Result<Result<Self, Error>, L::Thrown> {
        let refuse = |kind| Ok(Err(Error::new(kind, call.audience)));
        let usage_type = call.usage_type.well_formed();
        let Some(template) = template::choose(&prepared.config, call.usage_type, || call.payload.languages())? else {
            return refuse(Kind::TemplateNotFound { usage_type });
        };
        let text = template::render(&template.content.text(), call.payload)?;
        let number = call.to.well_formed();
        if !prepared.prefixes().allow(&number) {
            let malformed = prepared.prefixes().malformed().map(str::to_owned).collect();
            return refuse(Kind::NumberNotAllowed { malformed });
        }
        let codes = call.payload.codes();
        let account = Arc::clone(prepared.account());
        Ok(Ok(Self { account, number, text, codes, usage_type, audience: call.audience }))
    }

    /// Sends the message through the first gateway that can be connected to, at most once.
    pub async fn deliver(
        &self,
        transport: &Transport,
        gateways: &[Gateway],
        deadlines: Deadlines,
        journey: &mut Journey,
    ) -> Result<Delivered, Error> {
        let Deadlines { started, limits } = deadlines;
        let request = self.request();
        let done_by = started + limits.total;
        let mut obstacles = Vec::new();
        for gateway in transport.health.order(gateways) {
            if Instant::now() >= done_by {
                break;
            }
            journey.attempts += 1;
            journey.gateway = Some(gateway.to_string());
            match transport.exchange(gateway, &request, limits.connect, done_by).await {
                Ok((reply, connect)) => {
                    journey.connect = Some(connect);
                    return self.outcome(&reply, gateway);
                }
                Err(Failure::Lost) => return Err(self.error(Kind::UnknownOutcome)),
                Err(Failure::NotDelivered(obstacle)) => obstacles.push((gateway, obstacle)),
            }
        }
        let timed_out =
            obstacles.iter().all(|(_, obstacle)| matches!(obstacle, Obstacle::Deadline(_) | Obstacle::Busy));
        Err(self.error(Kind::NotSent {
            reason: if timed_out { Reason::Timeout } else { Reason::Unreachable },
            attempts: obstacles.iter().map(|(gateway, obstacle)| format!("{gateway}: {obstacle}")).collect(),
        }))
    }

    /// What becomes of the message if there is nothing to send it with; `why` says what is missing.
    #[must_use]
    pub fn unsendable(&self, why: &impl std::fmt::Display) -> Error {
        let attempts = vec![format!("the HTTP client could not be set up: {why}")];
        self.error(Kind::NotSent { reason: Reason::Unreachable, attempts })
    }

    /// What may be told of the message to whoever listens.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let segments = segment::count(&self.text.well_formed());
        let test_mode = self.account.method == Method::TestSend;
        Facts::new(masked(&self.number), self.usage_type.clone(), test_mode, segments)
    }

    /// Whether this usage type was asked for.
    #[must_use]
    pub fn is_of(&self, usage_type: &str) -> bool {
        self.usage_type == usage_type
    }

    /// What becomes of the message if nothing more is ever heard of it.
    #[must_use]
    pub const fn lost(audience: Audience) -> Error {
        Error::new(Kind::UnknownOutcome, audience)
    }

    fn request(&self) -> Request {
        let Account { sign, method, authorization, .. } = &*self.account;
        let order = Order { number: &self.number, sign, text: &self.text.well_formed() };
        Request::new(*method, &order, authorization.clone())
    }

    fn secrets(&self) -> Secrets {
        Secrets {
            email: self.account.email.clone(),
            api_key: self.account.api_key.clone(),
            number: self.number.clone(),
            text: self.text.well_formed(),
            codes: self.codes.clone(),
        }
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

    fn refused(&self, refusal: Refusal, reply: &Reply) -> Error {
        let secrets = self.secrets();
        let redact = |words: String| secrets.redact(&words, reply.cut);
        let Refusal { reason, message, sentence, fields } = refusal;
        let fields = fields
            .into_iter()
            .map(|FieldFault { field, codes }| FieldFault { field, codes: codes.into_iter().map(redact).collect() });
        self.error(Kind::Refused {
            reason,
            status: reply.status,
            message: message.map(redact),
            sentence: sentence.map(redact),
            fields: fields.collect(),
        })
    }

    const fn error(&self, kind: Kind) -> Error {
        Error::new(kind, self.audience)
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the call to its settlement.
    pub total: Duration,
    /// For connecting to one gateway.
    pub connect: Duration,
}

impl Limits {
    /// From milliseconds, where an embedder gives some; the sentence says which option is wrong.
    pub fn from_millis(total: Option<f64>, connect: Option<f64>) -> Result<Self, String> {
        let limit = |name: &str, millis: Option<f64>, default: Duration| match millis {
            None => Ok(default),
            Some(millis) if millis >= 1.0 && millis <= LONGEST_TOTAL.as_secs_f64() * 1000.0 => {
                Ok(Duration::from_secs_f64(millis / 1000.0))
            }
            Some(_) => Err(format!(
                "The option `{name}` is not a number of milliseconds from 1 to {}. Logto's sign-in page gives up after 10 seconds.",
                LONGEST_TOTAL.as_millis()
            )),
        };
        Ok(Self { total: limit("timeoutMs", total, TOTAL)?, connect: limit("connectTimeoutMs", connect, CONNECT)? })
    }
}

/// The limits of one send.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// When the send was called for.
    pub started: Instant,
    /// How long it may take from then on.
    pub limits: Limits,
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

fn allowed_prefixes<V: Untyped>(config: &Config<V>) -> AllowedPrefixes {
    let written = match &config.allowed_prefixes {
        None => return AllowedPrefixes::default(),
        Some(Prefixes::Written(line)) => vec![line.text().well_formed()],
        Some(Prefixes::Listed(items)) => items.iter().map(|item| item.text().well_formed()).collect(),
    };
    AllowedPrefixes::new(written.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::{CONNECT, Limits, TOTAL};

    #[test]
    fn limits_have_defaults_and_bounds() {
        assert_eq!(Limits::from_millis(None, None), Ok(Limits { total: TOTAL, connect: CONNECT }));
        assert!(Limits::from_millis(Some(9500.0), Some(1.0)).is_ok());
        for bad in [0.0, 9500.1, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                Limits::from_millis(Some(bad), None).is_err_and(|sentence| sentence.contains("timeoutMs")),
                "{bad}"
            );
            assert!(
                Limits::from_millis(None, Some(bad)).is_err_and(|sentence| sentence.contains("connectTimeoutMs")),
                "{bad}"
            );
        }
    }
}
