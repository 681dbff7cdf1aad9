//! One error: why a message was not sent, in a code for programs and a sentence for each of two readers.

use std::fmt;

use serde::{
    Serialize,
    ser::{SerializeMap, Serializer},
};

use crate::{
    logto::issue::Issue,
    logto::language::Language,
    smsaero::gateway::{Field, FieldFault},
    smsaero::reason::Reason,
    smsaero::segment::MOST_CHARACTERS,
};

/// Who reads `errorDescription`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Somebody signing in, who must learn nothing of the installation, and the language to say so in.
    EndUser(Language),
    /// Whoever pressed "Send" in Logto's Console.
    Administrator,
}

/// Why a message was not sent. Holds no secret: whatever came from outside was redacted before it got here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    audience: Audience,
}

/// What went wrong; each says which `ConnectorError` of Logto it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `invalid_config`; the data is the `ZodError` of these issues, as with the official connector.
    Config(Vec<Issue>),
    /// `invalid_config`; reading this part of the configuration threw.
    UnreadableConfig(String),
    /// `invalid_request_parameters`; a part of the call is missing, of the wrong type, or threw when it was read.
    Argument {
        /// The function that was called.
        call: &'static str,
        /// Which part, such as `data.to`.
        field: String,
        /// What is wrong with it.
        problem: ArgumentProblem,
    },
    /// `template_not_found`; the data has the one key that the official connector gives it.
    TemplateNotFound {
        /// The usage type, whose name is no secret.
        usage_type: String,
    },
    /// `general`; the text is longer than [`MOST_CHARACTERS`], and nothing was sent.
    TextTooLong,
    /// `general`; nothing was asked of SMS Aero.
    NumberNotAllowed {
        /// Entries of `allowedPrefixes` that are not digits.
        malformed: Vec<String>,
    },
    /// `general`, or `rate_limit_exceeded` for HTTP 429; SMS Aero refused the message.
    Refused {
        /// The kind of reason.
        reason: Reason,
        /// The status of HTTP.
        status: u16,
        /// The provider's words, redacted; ours where it has none.
        message: Option<String>,
        /// The part of them that is safe to display, redacted.
        sentence: Option<String>,
        /// The fields found wrong.
        fields: Vec<FieldFault>,
    },
    /// `general`; a redirect, which is not followed.
    Redirected {
        /// The status of HTTP.
        status: u16,
    },
    /// `invalid_response`; a success that is no send reply.
    NotAReply {
        /// The status of HTTP.
        status: u16,
    },
    /// `general`; Logto took too long to hand over the configuration.
    ConfigOverdue,
    /// `general`; nothing left this machine.
    NotSent {
        /// [`Reason::Timeout`] or [`Reason::Unreachable`].
        reason: Reason,
        /// What happened with each gateway, for the administrator.
        attempts: Vec<String>,
    },
    /// `general`; the request left, and then nothing is known.
    UnknownOutcome,
    /// `general`; no reply came, but SMS Aero's list of messages says that it will not arrive.
    RejectedByList,
    /// `general`, `rate_limit_exceeded` for HTTP 429 or `invalid_response`; a question that has no side effect was not
    /// answered.
    Unanswered {
        /// The kind of reason.
        reason: Reason,
        /// The status of HTTP, where there was a reply.
        status: Option<u16>,
        /// The provider's words, redacted.
        words: Option<String>,
        /// The part of them that is safe to display, redacted.
        sentence: Option<String>,
        /// What happened with each gateway, where there was no reply.
        attempts: Vec<String>,
    },
}

/// What is wrong with a part of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentProblem {
    /// It is no object.
    NotAnObject,
    /// It is no string.
    NotAString,
    /// It is no function.
    NotAFunction,
    /// It is neither `true` nor `false`.
    NotABoolean,
    /// It is no e-mail address.
    NotAnEmail,
    /// It is no phone number in digits.
    NotANumber,
    /// It is not the number of a message.
    NotAnId,
    /// Nothing is in it.
    Empty,
    /// It has more than [`MOST_CHARACTERS`].
    TooLong,
    /// A getter or a proxy threw.
    Threw,
}

impl fmt::Display for ArgumentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnObject => "is not an object",
            Self::NotAString => "is not a string",
            Self::NotAFunction => "is not a function",
            Self::NotABoolean => "is not true or false",
            Self::NotAnEmail => "is not an e-mail address",
            Self::NotANumber => "is not a phone number: 7 to 15 digits with the country code, such as 79001234567",
            Self::NotAnId => "is not the number of a message, such as the id in a receipt",
            Self::Empty => "is empty",
            Self::TooLong => return write!(f, "is longer than {MOST_CHARACTERS} characters"),
            Self::Threw => "threw an error when it was read",
        })
    }
}

impl Error {
    /// An error for this reader.
    #[must_use]
    pub const fn new(kind: ErrorKind, audience: Audience) -> Self {
        Self { kind, audience }
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The code of Logto's `ConnectorError`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.kind {
            ErrorKind::Config(_) | ErrorKind::UnreadableConfig(_) => "invalid_config",
            ErrorKind::Argument { .. } => "invalid_request_parameters",
            ErrorKind::TemplateNotFound { .. } => "template_not_found",
            ErrorKind::Refused { status: 429, .. } | ErrorKind::Unanswered { status: Some(429), .. } => {
                "rate_limit_exceeded"
            }
            ErrorKind::NotAReply { .. } | ErrorKind::Unanswered { reason: Reason::BadResponse, .. } => {
                "invalid_response"
            }
            ErrorKind::TextTooLong
            | ErrorKind::NumberNotAllowed { .. }
            | ErrorKind::Refused { .. }
            | ErrorKind::Redirected { .. }
            | ErrorKind::ConfigOverdue
            | ErrorKind::NotSent { .. }
            | ErrorKind::RejectedByList
            | ErrorKind::Unanswered { .. }
            | ErrorKind::UnknownOutcome => "general",
        }
    }

    /// The stable reason; `None` where the official connector's data is kept as it is.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        Some(match &self.kind {
            ErrorKind::Config(_) | ErrorKind::TemplateNotFound { .. } => return None,
            ErrorKind::UnreadableConfig(_) | ErrorKind::Argument { .. } | ErrorKind::TextTooLong => Reason::Validation,
            ErrorKind::NumberNotAllowed { .. } => Reason::NumberNotAllowed,
            ErrorKind::Refused { reason, .. }
            | ErrorKind::NotSent { reason, .. }
            | ErrorKind::Unanswered { reason, .. } => *reason,
            ErrorKind::RejectedByList => Reason::Rejected,
            ErrorKind::Redirected { .. } | ErrorKind::NotAReply { .. } => Reason::BadResponse,
            ErrorKind::ConfigOverdue => Reason::Timeout,
            ErrorKind::UnknownOutcome => Reason::UnknownOutcome,
        })
    }

    /// The status of HTTP, where there was a reply.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match &self.kind {
            ErrorKind::Refused { status, .. } | ErrorKind::Redirected { status } | ErrorKind::NotAReply { status } => {
                Some(*status)
            }
            ErrorKind::Unanswered { status, .. } => *status,
            _ => None,
        }
    }

    /// Whether SMS Aero may have taken the message all the same.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::UnknownOutcome | ErrorKind::NotAReply { .. } | ErrorKind::Refused { status: 408 | 500.., .. }
        )
    }

    /// What happened: the provider's words where it had some.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.kind {
            ErrorKind::Config(issues) => issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            ErrorKind::UnreadableConfig(path) => format!("The configuration cannot be read: {path} threw an error."),
            ErrorKind::Argument { call, field, problem } => format!("The call to {call} is not complete: `{field}` {problem}."),
            ErrorKind::TemplateNotFound { usage_type } => format!("Cannot find template for type: {usage_type}"),
            ErrorKind::TextTooLong => format!("The text is longer than {MOST_CHARACTERS} characters. Nothing was sent."),
            ErrorKind::NumberNotAllowed { .. } => "This phone number cannot be written to.".to_owned(),
            ErrorKind::Refused { message: Some(message), .. } => message.clone(),
            ErrorKind::Refused { status, .. } => format!("SMS Aero refused the message (HTTP {status}) and gave no reason."),
            ErrorKind::Redirected { status } => format!("The gateway answered with a redirect (HTTP {status}), which is not followed. The message was not sent."),
            ErrorKind::NotAReply { status } => format!("The gateway answered HTTP {status}, but not with SMS Aero's reply to a message. It does not count as sent."),
            ErrorKind::ConfigOverdue => "The stored configuration was not handed over in time. Nothing was sent.".to_owned(),
            ErrorKind::NotSent { reason: Reason::Timeout, .. } => "Time ran out before an SMS Aero gateway could be connected to. Nothing was sent.".to_owned(),
            ErrorKind::NotSent { .. } => "No SMS Aero gateway could be connected to. Nothing was sent.".to_owned(),
            ErrorKind::RejectedByList => "SMS Aero's reply did not arrive, and its list of messages says that it rejected the message.".to_owned(),
            ErrorKind::Unanswered { words: Some(words), .. } => words.clone(),
            ErrorKind::Unanswered { status: Some(status), .. } => format!("SMS Aero did not answer the question (HTTP {status})."),
            ErrorKind::Unanswered { reason: Reason::Timeout, .. } => "Time ran out before SMS Aero answered the question.".to_owned(),
            ErrorKind::Unanswered { .. } => "No SMS Aero gateway could be connected to.".to_owned(),
            ErrorKind::UnknownOutcome => "The request left, but SMS Aero's reply did not arrive. The message may or may not come; it was not sent again.".to_owned(),
        }
    }

    /// The sentence that Logto shows: a diagnosis for the administrator, the same neutral words for everybody else.
    #[must_use]
    pub fn description(&self) -> String {
        match self.audience {
            Audience::EndUser(language) => language.apology().to_owned(),
            Audience::Administrator => self.diagnosis(),
        }
    }

    fn diagnosis(&self) -> String {
        match &self.kind {
            ErrorKind::Refused { reason, status, fields, sentence, .. } => refusal(*reason, *status, fields, sentence.as_deref()),
            ErrorKind::Redirected { status } => format!(
                "The gateway answered with a redirect (HTTP {status}). Redirects are not followed, because the API key would travel along. Check SMSAERO_GATEWAYS, or the proxy in between."
            ),
            ErrorKind::NotAReply { status } => format!(
                "Something answered HTTP {status} in SMS Aero's place, but not as SMS Aero does: a proxy's or a firewall's page, or a wrong address. Check SMSAERO_GATEWAYS and what stands between this server and SMS Aero. The message does not count as sent."
            ),
            ErrorKind::TextTooLong => format!(
                "{} SMS Aero takes 2 to 640 characters. Check the template and the values that it is filled with.",
                self.message()
            ),
            ErrorKind::NumberNotAllowed { malformed } if !malformed.is_empty() => format!(
                "The number does not begin with any prefix in allowedPrefixes. These entries are not digits and so allow nothing: {}. Write calling codes such as 7, 375.",
                malformed.join(", ")
            ),
            ErrorKind::NumberNotAllowed { .. } => {
                "The number does not begin with any prefix in allowedPrefixes. Add its calling code there, or write all there to allow every number.".to_owned()
            }
            ErrorKind::NotSent { attempts, .. } if attempts.is_empty() => self.message(),
            ErrorKind::NotSent { reason, attempts } => format!(
                "{} Nothing was sent. Check this server's DNS, firewall and proxy settings for outgoing HTTPS. What happened: {}.",
                if *reason == Reason::Timeout { "No gateway could be connected to in time." } else { "No gateway could be connected to." },
                attempts.join("; ")
            ),
            ErrorKind::RejectedByList => {
                "SMS Aero took the message, its reply was lost, and its list of messages says that it rejected the message. Check that senderName is approved in the cabinet, and that the text and the number's operator are allowed for it.".to_owned()
            }
            ErrorKind::Unanswered { reason, status: Some(status), sentence, .. } => unanswered(*reason, *status, sentence.as_deref()),
            ErrorKind::Unanswered { attempts, .. } => format!(
                "{} Check this server's DNS, firewall and proxy settings for outgoing HTTPS. What happened: {}.",
                self.message(),
                attempts.join("; ")
            ),
            ErrorKind::UnknownOutcome => {
                "The request went out, but no complete reply came back in time. The message may or may not arrive, and it was not sent again, so that nobody gets it twice. Look at the message list in SMS Aero's cabinet, then try again.".to_owned()
            }
            ErrorKind::Config(_)
            | ErrorKind::UnreadableConfig(_)
            | ErrorKind::Argument { .. }
            | ErrorKind::TemplateNotFound { .. }
            | ErrorKind::ConfigOverdue => self.message(),
        }
    }
}

fn refusal(reason: Reason, status: u16, fields: &[FieldFault], sentence: Option<&str>) -> String {
    let diagnosis = match reason {
        Reason::Validation if !fields.is_empty() => {
            let faults = fields.iter().map(field_error).collect::<Vec<_>>().join("; ");
            return format!("SMS Aero found the request wrong (HTTP {status}): {faults}.");
        }
        Reason::Validation => {
            "SMS Aero found the request wrong. Check senderName (is it approved in the cabinet?), the phone number and the template."
        }
        Reason::Unauthorized => {
            "SMS Aero does not accept the credentials. Check the fields email and apiKey: the address of the SMS Aero account, and an API key from the cabinet's API settings."
        }
        Reason::NoMoney => {
            "The SMS Aero account has not enough money for this message. Top up the balance in the cabinet."
        }
        Reason::IpNotAllowed => {
            "SMS Aero does not accept requests from this server's IP address. Add the address to the allow-list in the cabinet's API settings, or switch the list off there. If you replaced the gateways, check that the base URL is right."
        }
        Reason::RateLimited => {
            "SMS Aero says that there were too many requests. Wait a little and try again; if it stays, ask SMS Aero for a higher limit."
        }
        Reason::Unavailable => "SMS Aero has an outage of its own. Try again in a few minutes.",
        Reason::Rejected => {
            "SMS Aero refused the message. Check that senderName is approved in the cabinet, and that the text and the number's operator are allowed for it."
        }
        _ => {
            "What answered does not speak SMS Aero's API. Check SMSAERO_GATEWAYS and what stands between this server and SMS Aero."
        }
    };
    let words = sentence.map(|sentence| format!(", its words: {sentence}")).unwrap_or_default();
    format!("{diagnosis} (HTTP {status}{words})")
}

/// What to do when a question was refused, in the words for a message where they hold for both.
fn unanswered(reason: Reason, status: u16, sentence: Option<&str>) -> String {
    if !matches!(reason, Reason::Validation | Reason::Rejected | Reason::NoMoney) {
        return refusal(reason, status, &[], sentence);
    }
    let words = sentence.map(|sentence| format!(", its words: {sentence}")).unwrap_or_default();
    format!(
        "SMS Aero refused the question (HTTP {status}{words}). If it was about a message: its state is known only to the account that sent it, and that of a test message only with testMode."
    )
}

fn field_error(field: &FieldFault) -> String {
    let (ours, advice) = match field.field {
        Field::Number => ("the phone number", "give it with its country code, digits only"),
        Field::Sign => {
            ("the field senderName", "use a name that is approved in SMS Aero's cabinet, spelled exactly as there")
        }
        Field::Text => ("the template's text", "SMS Aero takes 2 to 640 characters"),
    };
    format!("{ours} ({}): {advice}", field.codes.join(", "))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Error {}

/// What the constructor of `ConnectorError` is given: `{ code, data }`, or `{ code, issues }` where the data is a `ZodError`.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.code())?;
        match &self.kind {
            ErrorKind::Config(issues) => map.serialize_entry("issues", issues)?,
            // Logto's class makes `{ message }` of a string, and writes its own message from the string.
            ErrorKind::TemplateNotFound { .. } => map.serialize_entry("data", &self.message())?,
            _ => map.serialize_entry("data", &Data(self))?,
        }
        map.end()
    }
}

struct Data<'a>(&'a Error);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.0.message())?;
        if let Some(reason) = self.0.reason() {
            map.serialize_entry("errorDescription", &self.0.description())?;
            map.serialize_entry("reason", &reason)?;
        }
        if let Some(status) = self.0.status() {
            map.serialize_entry("status", &status)?;
        }
        map.end()
    }
}
