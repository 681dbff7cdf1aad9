//! The shapes that JavaScript people see. Nothing is converted through them: they exist for `index.d.ts`.
#![expect(dead_code, reason = "read by the generator of typings, never built")]

use napi_derive::napi;

/// The stored configuration of the connector. Keys that are not listed are ignored, as by the official connector.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct SmsAeroConfig {
    /// The e-mail address of the SMS Aero account.
    pub email: String,
    /// An API key of the account, from the API settings of SMS Aero's dashboard.
    pub api_key: String,
    /// The sender name, spelled as it was approved in the dashboard.
    pub sender_name: String,
    /// What messages say. At least one template each for `Register`, `SignIn`, `ForgotPassword` and `Generic`.
    pub templates: Vec<SmsAeroTemplate>,
    /// Use the Generic template for a usage type that has none. Default: `false`, and then such a message is an error.
    pub fallback_to_generic: Option<bool>,
    /// Send to `sms/testsend`: answered like a real message, nothing sent and nothing charged. Default: `false`.
    pub test_mode: Option<bool>,
    /// Calling codes that may be written to: digits with an optional plus, in a list or in one string separated by
    /// commas or spaces, such as `7, 375`. Default, and when blank, `all` or `*`: every number.
    #[napi(ts_type = "string | string[]")]
    pub allowed_prefixes: Option<String>,
}

/// What a message of one usage type says.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct SmsAeroTemplate {
    /// Logto's usage type, such as `SignIn`; any other string is allowed.
    pub usage_type: String,
    /// The text. `{{code}}` and other handlebars are filled from the payload; one without a value there stays as it is.
    pub content: String,
    /// The BCP 47 tag of the text's language. The entry that fits the user's languages best is taken, then the entry
    /// without a tag. Default: no tag.
    pub locale: Option<String>,
}

/// One message, as Logto hands it to an SMS connector.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct SendMessageData {
    /// The phone number: digits with the country code, no plus.
    pub to: String,
    /// The usage type that chooses the template.
    pub r#type: String,
    /// The values of handlebars; `uiLocales` (tags separated by spaces) and `locale` say which languages are wanted.
    #[napi(ts_type = "{ code?: string; locale?: string; uiLocales?: string } & Record<string, unknown>")]
    pub payload: String,
    /// The user's address, which Logto passes along and SMS Aero has no use for.
    pub ip: Option<String>,
}

/// One text, as `sendText` takes it.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct TextMessage {
    /// The phone number: 7 to 15 digits with the country code, no plus.
    pub to: String,
    /// The text. SMS Aero takes 2 to 640 characters.
    pub text: String,
}

/// An account of SMS Aero. Keys that are not listed are ignored, so that a whole configuration will do.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct SmsAeroAccount {
    /// The e-mail address of the account.
    pub email: String,
    /// An API key of the account, from the API settings of SMS Aero's dashboard.
    pub api_key: String,
    /// The sender name, spelled as it was approved in the dashboard. Default: `SMS Aero`, the name that all customers share;
    /// operators may refuse one-time codes under it and bill them all the same.
    pub sender_name: Option<String>,
    /// Use the methods that are answered like real ones while nothing is sent or charged. Default: `false`.
    pub test_mode: Option<bool>,
}

/// What became of a message; `null` where SMS Aero reported nothing.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct MessageStatus {
    /// The provider's number for the message; a string of digits beyond `Number.MAX_SAFE_INTEGER`.
    #[napi(ts_type = "number | string")]
    pub id: f64,
    /// The sender name in use.
    #[napi(ts_type = "string | null")]
    pub from: String,
    /// 0 queued, 1 delivered, 2 undelivered, 3 handed to the operator, 4 waiting, 6 rejected, 8 in moderation.
    #[napi(ts_type = "number | null")]
    pub status: f64,
    /// The same in a word.
    #[napi(
        ts_type = "'queued' | 'delivered' | 'undelivered' | 'at_operator' | 'waiting' | 'rejected' | 'moderation' | 'unknown'"
    )]
    pub state: String,
    /// Whether it stays so: delivered, undelivered and rejected do.
    pub is_final: bool,
    /// The provider's own word.
    #[napi(ts_type = "string | null")]
    pub extend_status: String,
    /// The provider's channel, such as `FREE SIGN`.
    #[napi(ts_type = "string | null")]
    pub channel: String,
    /// The price in the account's currency.
    #[napi(ts_type = "number | null")]
    pub cost: f64,
    /// When the provider took the message, in unix seconds.
    #[napi(ts_type = "number | null")]
    pub date_create: f64,
    /// When it was sent, in unix seconds.
    #[napi(ts_type = "number | null")]
    pub date_send: f64,
    /// When the operator answered for the phone, in unix seconds.
    #[napi(ts_type = "number | null")]
    pub date_answer: f64,
}

/// A sender name of an account; `null` where SMS Aero reported nothing.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct SenderName {
    /// The provider's number for the name.
    #[napi(ts_type = "number | null")]
    pub id: f64,
    /// The name, exactly as `senderName` has to spell it.
    pub name: String,
    /// The provider's status of the name; 1 is approved.
    #[napi(ts_type = "number | null")]
    pub status: f64,
    /// Whether messages can be sent under it.
    pub is_approved: bool,
    /// The provider's own word for the status.
    #[napi(ts_type = "string | null")]
    pub extend_status: String,
}

/// What SMS Aero reported about a message that it accepted; `null` where it reported nothing.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Receipt {
    /// The provider's number for the message; a string of digits beyond `Number.MAX_SAFE_INTEGER`.
    #[napi(ts_type = "number | string")]
    pub id: f64,
    /// The sender name in use.
    #[napi(ts_type = "string | null")]
    pub from: String,
    /// 0 queued, 1 delivered, 3 handed to the operator, 4 waiting, 8 in moderation (it may leave minutes later).
    #[napi(ts_type = "number | null")]
    pub status: f64,
    /// The status in a word.
    #[napi(ts_type = "string | null")]
    pub extend_status: String,
    /// The provider's channel, such as `FREE SIGN`.
    #[napi(ts_type = "string | null")]
    pub channel: String,
    /// The price in the account's currency.
    #[napi(ts_type = "number | null")]
    pub cost: f64,
    /// When the provider took the message, in unix seconds.
    #[napi(ts_type = "number | null")]
    pub date_create: f64,
    /// When it is to be sent, in unix seconds.
    #[napi(ts_type = "number | null")]
    pub date_send: f64,
    /// The base URL of the gateway that took it.
    pub gateway: String,
}

/// Where and how patiently to send. An embedder's matter; Logto passes none of it.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct SendOptions {
    /// Base URLs to use in the place of SMS Aero's own gateways, tried in this order: a list, or one string separated
    /// by commas. https only; plain http to this machine alone. Default: the variable `SMSAERO_GATEWAYS`, then
    /// `https://gate.smsaero.ru`, `.org`, `.net`.
    #[napi(ts_type = "string | string[]")]
    pub gateways: Option<String>,
    /// The longest that a send may take, in milliseconds from the call to its settlement, the time that `getConfig` takes
    /// included. From 1 to 9500, since Logto's sign-in page gives up after 10 seconds. Default: 8000.
    pub timeout_ms: Option<f64>,
    /// The longest that connecting to one gateway may take, TLS handshake included, in milliseconds. When it has passed,
    /// the next gateway is tried. From 1 to 9500. Default: 2500.
    pub connect_timeout_ms: Option<f64>,
}

/// What `createConnector` is given.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct ConnectorOptions {
    /// Gives the stored configuration for the connector's id. What it throws comes out of `sendMessage` as it is.
    #[napi(ts_type = "(id: string) => Promise<unknown>")]
    pub get_config: String,
    /// As in `SendOptions`.
    #[napi(ts_type = "string | string[]")]
    pub gateways: Option<String>,
    /// As in `SendOptions`.
    pub timeout_ms: Option<f64>,
    /// As in `SendOptions`.
    pub connect_timeout_ms: Option<f64>,
}

/// What the tracing channel `connector-smsaero:send` of `node:diagnostics_channel` adds to its context.
///
/// It is there from `asyncStart` on; of a message that could not even be composed there are `outcome` and `reason` alone.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct SendTrace {
    /// The phone number with its middle hidden.
    pub number: String,
    /// The usage type asked for; `null` for a text of `sendText`.
    #[napi(ts_type = "string | null")]
    pub usage_type: String,
    /// Whether it went to the method that sends and charges nothing.
    pub test_mode: bool,
    /// The alphabet that the text is transmitted in.
    #[napi(ts_type = "'GSM' | 'UCS-2'")]
    pub alphabet: String,
    /// The number of parts, each billed as a message.
    pub parts: f64,
    /// The base URL of the gateway that was asked last.
    #[napi(ts_type = "string | null")]
    pub gateway: String,
    /// How many gateways were tried.
    pub attempts: f64,
    /// How long the last one took to connect to, in milliseconds; next to nothing on a kept connection.
    #[napi(ts_type = "number | null")]
    pub connect_ms: f64,
    /// From the call to the outcome, in milliseconds.
    pub total_ms: f64,
    /// How long Logto's `getConfig` took, in milliseconds; absent where the configuration was passed in by hand.
    pub config_ms: Option<f64>,
    /// `unknown`: the request left and no reply came back.
    #[napi(ts_type = "'accepted' | 'refused' | 'not_sent' | 'unknown'")]
    pub outcome: String,
    /// What confirmed the outcome: the gateway's reply, or SMS Aero's list of messages when no reply did; `null` when nothing did.
    #[napi(ts_type = "'reply' | 'list' | null")]
    pub confirmed_by: String,
    /// Why it was not accepted.
    #[napi(ts_type = "Reason | null")]
    pub reason: String,
    /// The status of HTTP of a reply that was not an acceptance.
    #[napi(ts_type = "number | null")]
    pub http_status: f64,
    /// The provider's number for the message; a string of digits beyond `Number.MAX_SAFE_INTEGER`.
    #[napi(ts_type = "number | string | null")]
    pub id: f64,
    /// The provider's status of the message, as in `Receipt`.
    #[napi(ts_type = "number | null")]
    pub status: f64,
    /// The price in the account's currency.
    #[napi(ts_type = "number | null")]
    pub cost: f64,
}

/// What the tracing channel `connector-smsaero:ask` of `node:diagnostics_channel` adds to its context, for the functions that
/// only ask.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct AskTrace {
    /// The function that was called.
    #[napi(ts_type = "'getStatus' | 'getBalance' | 'listSenderNames'")]
    pub call: String,
    /// The base URL of the gateway that was asked last.
    #[napi(ts_type = "string | null")]
    pub gateway: String,
    /// How many times a gateway was asked.
    pub attempts: f64,
    /// From the call to the outcome, in milliseconds.
    pub total_ms: f64,
    /// `refused`: there was a reply, but not an answer.
    #[napi(ts_type = "'answered' | 'refused' | 'unanswered'")]
    pub outcome: String,
    /// Why there is no answer.
    #[napi(ts_type = "Reason | null")]
    pub reason: String,
    /// The status of HTTP of a reply that was not an answer.
    #[napi(ts_type = "number | null")]
    pub http_status: f64,
}

/// The `data` of an error that `sendMessage` rejects with.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct SendErrorData {
    /// What happened: the provider's words, or a fixed sentence if they repeat something secret.
    pub message: String,
    /// The sentence that Logto shows: a diagnosis when the configuration was passed in by hand (the Console's test),
    /// else the same neutral sentence whatever happened, in the first of the payload's `uiLocales`, then `locale`, that is
    /// English, Russian, German, French or Kazakh; English for all others.
    pub error_description: String,
    /// Why, as a stable code.
    #[napi(ts_type = "Reason")]
    pub reason: String,
    /// The status of HTTP, where there was a reply.
    pub status: Option<u16>,
}

/// Why a message was not sent.
#[napi(string_enum = "snake_case")]
pub enum Reason {
    /// SMS Aero found a field of the request wrong, or the call was not complete.
    Validation,
    /// Wrong e-mail or API key.
    Unauthorized,
    /// The balance does not cover the message.
    NoMoney,
    /// This server's IP address is not in the account's allow-list.
    IpNotAllowed,
    /// SMS Aero refused the message.
    Rejected,
    /// Too many messages in a short time.
    RateLimited,
    /// The gateway has an outage.
    Unavailable,
    /// What answered does not speak SMS Aero's API.
    BadResponse,
    /// Time ran out before anything was sent.
    Timeout,
    /// No gateway could be connected to; nothing was sent.
    Unreachable,
    /// The request left and no reply came: the message may or may not arrive, and was not sent again.
    UnknownOutcome,
    /// The number's prefix is not among `allowedPrefixes`.
    NumberNotAllowed,
}
