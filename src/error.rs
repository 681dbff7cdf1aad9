//! One error: its kind, its subject and its reader; a code for programs and a sentence for each reader.

use std::fmt;

use serde::{
    Serialize,
    ser::{SerializeMap, Serializer},
};

use crate::{
    logto::{issue::Issue, language::Language},
    net::connect_error::FailedAttempt,
    redact::{Redactor, WITHHELD},
    smsaero::{
        reason::Reason,
        reply::{Field, FieldFault, Refusal},
        segment::MOST_CHARACTERS,
    },
};

/// The reader of `errorDescription`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A person who signs in, and the language to write in. The sentence tells nothing of the installation.
    EndUser(Language),
    /// The administrator who pressed "Send" in Logto's Console, or the caller of a function of the package.
    Administrator,
}

/// The thing that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A message of a template was not sent.
    Message,
    /// A message with a text of its own was not sent.
    Text,
    /// A read-only call was not answered.
    Question,
}

/// Why a message was not sent, or a question not answered. Holds no secret: texts from outside that repeat one are withheld before.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    subject: Subject,
    audience: Audience,
}

/// The kinds of errors, each with the code of Logto's `ConnectorError` that it becomes.
#[derive(Clone, Debug)]
pub enum ErrorKind {
    /// `invalid_config`; the data is the `ZodError` of these issues, as with the official connector.
    Config(Vec<Issue>),
    /// `invalid_config`; reading this part of the configuration threw.
    UnreadableConfig(String),
    /// `invalid_request_parameters`; a part of the call is missing, of the wrong type, or threw when it was read.
    Argument {
        /// The function that was called.
        call: &'static str,
        /// The part, such as `data.to`.
        field: String,
        /// The fault.
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
    /// `general`, or `rate_limit_exceeded` for HTTP 429; SMS Aero refused the message or the question.
    Refused {
        /// The kind of reason.
        reason: Reason,
        /// The HTTP status.
        status: u16,
        /// The provider's words, or [`WITHHELD`].
        message: Option<String>,
        /// The part of them that reads as a sentence; `None` if it holds a secret.
        sentence: Option<String>,
        /// The fields that the provider found wrong.
        fields: Vec<FieldFault>,
    },
    /// `general`; a redirect, which is not followed.
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// `invalid_response`; a success that is not a reply of SMS Aero's to this request.
    NotAReply {
        /// The HTTP status.
        status: u16,
    },
    /// `general`; Logto took too long to hand over the configuration.
    ConfigOverdue,
    /// `general`; no byte left this machine, or no gateway answered a question.
    NoConnection(Vec<FailedAttempt>),
    /// `general`; the system refused a thread.
    NoThread(String),
    /// `general`; the request left, and then nothing is known.
    UnknownOutcome,
    /// `general`; no reply came, but SMS Aero's list of messages has this one as rejected.
    RejectedByList,
}

/// A fault of a part of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentProblem {
    /// Not an object.
    NotAnObject,
    /// Not a string.
    NotAString,
    /// Not a function.
    NotAFunction,
    /// Neither `true` nor `false`.
    NotABoolean,
    /// Not an e-mail address.
    NotAnEmail,
    /// Not a phone number in digits.
    NotANumber,
    /// Not the id of a message.
    NotAnId,
    /// An empty string.
    Empty,
    /// A string of more than [`MOST_CHARACTERS`].
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
            Self::NotAnId => "is not the id of a message, such as the one in a receipt",
            Self::Empty => "is empty",
            Self::TooLong => return write!(f, "is longer than {MOST_CHARACTERS} characters"),
            Self::Threw => "threw an error when it was read",
        })
    }
}

impl ErrorKind {
    /// The refusal of a reply with this status, without words that hold a secret. `cut` tells that the end of the body is
    /// missing.
    pub fn refused(refusal: Refusal, status: u16, cut: bool, redactor: &Redactor) -> Self {
        let Refusal { reason, message, sentence, fields, .. } = refusal;
        let is_shown = |words: &String| !redactor.holds_secret(words, cut);
        let fields = fields.into_iter().map(|FieldFault { field, codes }| {
            let codes = codes.into_iter().filter(is_shown).collect::<Vec<_>>();
            // Together they may hold what none of them does.
            let codes = if is_shown(&codes.join(" ")) { codes } else { Vec::new() };
            FieldFault { field, codes }
        });
        Self::Refused {
            reason,
            status,
            message: message.map(|body| redactor.redact(body, cut)),
            sentence: sentence.filter(is_shown),
            fields: fields.collect(),
        }
    }
}

impl Error {
    /// The error of a message.
    pub const fn new(kind: ErrorKind, audience: Audience) -> Self {
        Self { kind, subject: Subject::Message, audience }
    }

    /// The error of a message with a text of its own.
    pub const fn of_text(kind: ErrorKind) -> Self {
        Self { kind, subject: Subject::Text, audience: Audience::Administrator }
    }

    /// The error of a question.
    pub const fn of_question(kind: ErrorKind) -> Self {
        Self { kind, subject: Subject::Question, audience: Audience::Administrator }
    }

    /// The same subject and reader with another kind.
    pub const fn with_kind(&self, kind: ErrorKind) -> Self {
        Self { kind, ..*self }
    }

    /// The kind of the error.
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The code of Logto's `ConnectorError`.
    pub const fn code(&self) -> &'static str {
        match (&self.kind, self.subject) {
            (ErrorKind::Config(_) | ErrorKind::UnreadableConfig(_), _) => "invalid_config",
            (ErrorKind::Argument { .. }, _) => "invalid_request_parameters",
            (ErrorKind::TemplateNotFound { .. }, _) => "template_not_found",
            (ErrorKind::Refused { status: 429, .. }, _) => "rate_limit_exceeded",
            (ErrorKind::NotAReply { .. }, _)
            | (ErrorKind::Refused { reason: Reason::BadResponse, .. }, Subject::Question) => "invalid_response",
            (
                ErrorKind::TextTooLong
                | ErrorKind::NumberNotAllowed { .. }
                | ErrorKind::Refused { .. }
                | ErrorKind::Redirected { .. }
                | ErrorKind::ConfigOverdue
                | ErrorKind::NoConnection(_)
                | ErrorKind::NoThread(_)
                | ErrorKind::UnknownOutcome
                | ErrorKind::RejectedByList,
                _,
            ) => "general",
        }
    }

    /// The stable reason; `None` where the official connector's data is kept as it is.
    pub fn reason(&self) -> Option<Reason> {
        Some(match &self.kind {
            ErrorKind::Config(_) | ErrorKind::TemplateNotFound { .. } => return None,
            ErrorKind::UnreadableConfig(_) | ErrorKind::Argument { .. } | ErrorKind::TextTooLong => Reason::Validation,
            ErrorKind::NumberNotAllowed { .. } => Reason::NumberNotAllowed,
            ErrorKind::Refused { reason, .. } => *reason,
            ErrorKind::RejectedByList => Reason::Rejected,
            ErrorKind::Redirected { .. } | ErrorKind::NotAReply { .. } => Reason::BadResponse,
            ErrorKind::ConfigOverdue => Reason::Timeout,
            ErrorKind::NoConnection(failures) if failures.iter().all(|failure| failure.error.is_timeout()) => {
                Reason::Timeout
            }
            ErrorKind::NoConnection(_) | ErrorKind::NoThread(_) => Reason::Unreachable,
            ErrorKind::UnknownOutcome => Reason::UnknownOutcome,
        })
    }

    /// The HTTP status, where there was a reply.
    pub const fn status(&self) -> Option<u16> {
        match self.kind {
            ErrorKind::Refused { status, .. } | ErrorKind::Redirected { status } | ErrorKind::NotAReply { status } => {
                Some(status)
            }
            _ => None,
        }
    }

    /// The event: the provider's words where it had some.
    pub fn message(&self) -> String {
        match (&self.kind, self.subject) {
            (ErrorKind::Config(issues), _) => issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            (ErrorKind::UnreadableConfig(path), _) => format!("The configuration cannot be read: {path} threw an error."),
            (ErrorKind::Argument { call, field, problem }, _) => format!("The call to {call} is wrong: `{field}` {problem}."),
            (ErrorKind::TemplateNotFound { usage_type }, _) => format!("Cannot find template for type: {usage_type}"),
            (ErrorKind::TextTooLong, _) => format!("The text is longer than {MOST_CHARACTERS} characters. Nothing was sent."),
            (ErrorKind::NumberNotAllowed { .. }, _) => "No message may be sent to this number.".to_owned(),
            (ErrorKind::Refused { message: Some(body), sentence: Some(sentence), .. }, _) if body == WITHHELD => format!("{body} Its words: {sentence}"),
            (ErrorKind::Refused { message: Some(body), .. }, _) => body.clone(),
            (ErrorKind::Refused { status, .. }, Subject::Message | Subject::Text) => format!("SMS Aero refused the message (HTTP {status}) and gave no reason."),
            (ErrorKind::Refused { status, .. } | ErrorKind::NotAReply { status }, Subject::Question) => format!("SMS Aero did not answer the request (HTTP {status})."),
            (ErrorKind::Redirected { status }, _) => format!("The gateway answered with a redirect (HTTP {status}), which is not followed. The message was not sent."),
            (ErrorKind::NotAReply { status }, Subject::Message | Subject::Text) => format!("The gateway answered HTTP {status}, but not with SMS Aero's reply to this message. It does not count as sent."),
            (ErrorKind::ConfigOverdue, _) => "The stored configuration was not handed over in time. Nothing was sent.".to_owned(),
            (ErrorKind::NoConnection(_), Subject::Message | Subject::Text) if self.reason() == Some(Reason::Timeout) => "Time ran out before an SMS Aero gateway could be connected to. Nothing was sent.".to_owned(),
            (ErrorKind::NoConnection(_), Subject::Message | Subject::Text) => "No SMS Aero gateway could be connected to. Nothing was sent.".to_owned(),
            (ErrorKind::NoConnection(_), Subject::Question) if self.reason() == Some(Reason::Timeout) => "Time ran out before SMS Aero answered the request.".to_owned(),
            (ErrorKind::NoConnection(_), Subject::Question) => "No SMS Aero gateway could be connected to.".to_owned(),
            (ErrorKind::NoThread(cause), Subject::Question) => format!("This server could not start a thread: {cause}."),
            (ErrorKind::NoThread(cause), _) => format!("This server could not start a thread: {cause}. Nothing was sent."),
            (ErrorKind::RejectedByList, _) => "SMS Aero's reply was lost, and its list of messages shows that it rejected the message.".to_owned(),
            (ErrorKind::UnknownOutcome, _) => "The request left, but SMS Aero's reply did not arrive. The message may or may not come; it was not sent again.".to_owned(),
        }
    }

    /// The sentence that Logto shows: a diagnosis for the administrator, the same neutral words for everybody else.
    pub fn description(&self) -> String {
        match self.audience {
            Audience::EndUser(language) => language.apology().to_owned(),
            Audience::Administrator => self.diagnosis(),
        }
    }

    fn diagnosis(&self) -> String {
        match &self.kind {
            ErrorKind::Refused { reason, status, fields, sentence, .. } => {
                refusal(self.subject, *reason, *status, fields, sentence.as_deref())
            }
            ErrorKind::NotAReply { status } if self.subject == Subject::Question => {
                refusal(self.subject, Reason::BadResponse, *status, &[], None)
            }
            ErrorKind::Redirected { status } => format!(
                "The gateway answered with a redirect (HTTP {status}). Redirects are not followed, because the API key would travel along. Check SMSAERO_GATEWAYS, or the proxy in between."
            ),
            ErrorKind::NotAReply { status } => format!(
                "The gateway answered HTTP {status}, but not with SMS Aero's reply to this message: a proxy's or a firewall's page, a wrong address, or the acceptance of another number. Check SMSAERO_GATEWAYS and what stands between this server and SMS Aero. The message does not count as sent."
            ),
            ErrorKind::TextTooLong => {
                format!("{} SMS Aero takes 2 to 640 characters. Check the template and its values.", self.message())
            }
            ErrorKind::NumberNotAllowed { malformed } if !malformed.is_empty() => format!(
                "The number does not begin with any prefix in allowedPrefixes. These entries are not digits and so allow nothing: {}. Write calling codes such as 7, 375.",
                malformed.join(", ")
            ),
            ErrorKind::NumberNotAllowed { .. } => {
                "The number does not begin with any prefix in allowedPrefixes. Add its calling code there, or write all there to allow every number.".to_owned()
            }
            ErrorKind::NoConnection(failures) if !failures.is_empty() => no_connection(&self.message(), failures),
            ErrorKind::NoThread(_) => format!("{} Check its limits on threads and memory.", self.message()),
            ErrorKind::RejectedByList => {
                "SMS Aero took the message, its reply was lost, and its list of messages shows that it rejected the message. Check that senderName is approved in the dashboard, and that the text and the number's operator are allowed for it.".to_owned()
            }
            ErrorKind::UnknownOutcome => {
                "The request went out, but no complete reply came back in time. The message may or may not arrive, and it was not sent again, so that nobody gets it twice. Look at the message list in SMS Aero's dashboard, then try again.".to_owned()
            }
            ErrorKind::Config(_)
            | ErrorKind::UnreadableConfig(_)
            | ErrorKind::Argument { .. }
            | ErrorKind::TemplateNotFound { .. }
            | ErrorKind::NoConnection(_)
            | ErrorKind::ConfigOverdue => self.message(),
        }
    }
}

/// The failures of all gateways, and each advice once.
fn no_connection(message: &str, failures: &[FailedAttempt]) -> String {
    let happened = failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let mut advice = Vec::new();
    for one in failures.iter().map(FailedAttempt::advice) {
        if !advice.contains(&one) {
            advice.push(one);
        }
    }
    format!("{message} What happened: {happened}. {}", advice.join(" "))
}

fn refusal(subject: Subject, reason: Reason, status: u16, fields: &[FieldFault], sentence: Option<&str>) -> String {
    let diagnosis = match reason {
        Reason::Validation | Reason::Rejected | Reason::NoMoney if subject == Subject::Question => {
            "SMS Aero rejected the request. If it was about a message: only the account that sent a message can ask for it, and for a test message only with testMode."
        }
        Reason::Validation if !fields.is_empty() => {
            let faults = fields.iter().map(|field| field_error(subject, field)).collect::<Vec<_>>().join("; ");
            return format!("SMS Aero found the request wrong (HTTP {status}): {faults}.");
        }
        Reason::Validation if subject == Subject::Text => {
            "SMS Aero found the request wrong. Check senderName (is it approved in the dashboard?), the phone number and the text."
        }
        Reason::Validation => {
            "SMS Aero found the request wrong. Check senderName (is it approved in the dashboard?), the phone number and the template."
        }
        Reason::Unauthorized => {
            "SMS Aero does not accept the credentials. Check the fields email and apiKey: the address of the SMS Aero account, and an API key from the dashboard's API settings."
        }
        Reason::NoMoney => {
            "The SMS Aero account has not enough money for this message. Top up the balance in the dashboard."
        }
        Reason::IpNotAllowed => {
            "SMS Aero does not accept requests from this server's IP address. Add the address to the allow-list in the dashboard's API settings, or switch the list off there. If you replaced the gateways, check that the base URL is right."
        }
        Reason::RateLimited => {
            "SMS Aero received too many requests. Wait a little and try again; if it stays, ask SMS Aero for a higher limit."
        }
        Reason::Unavailable => "SMS Aero has an outage of its own. Try again in a few minutes.",
        Reason::Rejected => {
            "SMS Aero refused the message. Check that senderName is approved in the dashboard, and that the text and the number's operator are allowed for it."
        }
        Reason::BadResponse
        | Reason::Timeout
        | Reason::Unreachable
        | Reason::UnknownOutcome
        | Reason::NumberNotAllowed => {
            "The reply is not one of SMS Aero's API. Check SMSAERO_GATEWAYS and what stands between this server and SMS Aero."
        }
    };
    let words = sentence.map(|sentence| format!(", its words: {sentence}")).unwrap_or_default();
    format!("{diagnosis} (HTTP {status}{words})")
}

fn field_error(subject: Subject, field: &FieldFault) -> String {
    let (ours, advice) = match field.field {
        Field::Number => ("the phone number", "give it with its country code, digits only"),
        Field::Sign => {
            ("the field senderName", "use a name that is approved in SMS Aero's dashboard, spelled exactly as there")
        }
        Field::Text if subject == Subject::Message => ("the template's text", "SMS Aero takes 2 to 640 characters"),
        Field::Text => ("the text", "SMS Aero takes 2 to 640 characters"),
    };
    if field.codes.is_empty() {
        return format!("{ours}: {advice}");
    }
    format!("{ours} ({}): {advice}", field.codes.join(", "))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Error {}

/// The arguments of the constructor of `ConnectorError`: `{ code, data }`, or `{ code, issues }` where the data is a `ZodError`.
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
