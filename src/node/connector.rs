//! The connector of one environment: native functions for the JavaScript face, each of them convert, call, convert.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use napi::{
    Either, Env, Status, ValueType,
    bindgen_prelude::{FnArgs, Function, FunctionCallContext, FunctionRef, JsObjectValue, Object, ToNapiValue},
};
use tokio::time::Instant;

use super::{
    outbox::{Outbox, Ticket},
    runtime::{self, Surroundings},
    value::{Live, LivePayload, Realm, Thrown, unbound},
};
use crate::{
    config::{Config, Flaw, Prefixes, Template, Untyped},
    error::{Audience, Error, Kind},
    gateway::Gateway,
    metadata::metadata,
    send::{CONNECT, Call, Deadlines, Limits, Message, TOTAL},
    trace::{Journey, Trace},
};

const FACE: &str = include_str!("face.js");

/// What lives as long as an environment.
struct Room {
    realm: Realm,
    surroundings: FunctionRef<(), String>,
    outbox: Arc<Outbox>,
    tickets: Cell<u32>,
    /// The ways to send that are in use; the official one without options is the first.
    manners: RefCell<Vec<Manner>>,
    /// The error that belongs to the exception just thrown.
    fault: RefCell<Option<Error>>,
}

/// Where and how patiently to send.
#[derive(Clone)]
struct Manner {
    /// The gateways as they were written; empty for the official ones.
    written: String,
    gateways: Arc<[Gateway]>,
    limits: Limits,
}

/// Makes `createConnector` and `sendMessage` for an environment, with the host's classes where it has some.
pub fn open<'env>(env: &'env Env, host: Object<'_>) -> napi::Result<Object<'env>> {
    let face = env.run_script::<_, Function<'_, Object<'_>, Object<'_>>>(FACE)?.call(host)?;
    let room = Rc::new(Room {
        realm: Realm {
            kind_of: face.get_named_property_unchecked("kindOf")?,
            spread: face.get_named_property_unchecked("spread")?,
            string: face.get_named_property_unchecked("string")?,
        },
        surroundings: face.get_named_property_unchecked("surroundings")?,
        outbox: Arc::new(Outbox::new(&face.get_named_property_unchecked("settle")?)?),
        tickets: Cell::new(0),
        manners: RefCell::new(vec![Manner {
            written: String::new(),
            gateways: Gateway::official().into(),
            limits: Limits { total: TOTAL, connect: CONNECT },
        }]),
        fault: RefCell::new(None),
    });
    let mut native = Object::new(env)?;
    define(env, &mut native, &room, "guard", Room::guard)?;
    define(env, &mut native, &room, "send", Room::send)?;
    define(env, &mut native, &room, "manner", Room::manner)?;
    define(env, &mut native, &room, "fault", Room::fault)?;
    define(env, &mut native, &room, "complaint", Room::complaint)?;
    let join: Function<'_, FnArgs<(Object<'_>, String, u32)>, Object<'env>> =
        face.get_named_property_unchecked("join")?;
    let total_ms = u32::try_from(TOTAL.as_millis()).unwrap_or(u32::MAX);
    join.call((native, metadata().to_string(), total_ms).into())
}

fn define<R: ToNapiValue + 'static>(
    env: &Env,
    object: &mut Object<'_>,
    room: &Rc<Room>,
    name: &str,
    method: fn(&Room, &FunctionCallContext<'_>) -> napi::Result<R>,
) -> napi::Result<()> {
    let room = Rc::clone(room);
    let function: Function<'_, (), R> = env.create_function_from_closure(name, move |call| method(&room, &call))?;
    object.set_named_property(name, function)
}

impl Room {
    /// The configuration as the guard hands it back, or the issues as JSON.
    fn guard(&self, call: &FunctionCallContext<'_>) -> napi::Result<Either<Object<'static>, String>> {
        let input = Live::new(call.get(0)?, call.env, &self.realm);
        match Config::parse(&input) {
            Ok(config) => Ok(Either::A(data_of(call.env, &config)?)),
            Err(Flaw::Issues(issues)) => Ok(Either::B(serde_json::to_string(&issues).unwrap_or_default())),
            Err(Flaw::Unreadable { thrown, .. }) => Err(thrown.error),
        }
    }

    /// Starts a send and gives its ticket, or the error for which it was not started as JSON. Takes the data, the
    /// configuration, whether an administrator sends, the manner, the milliseconds gone by, and whether to trace.
    fn send(&self, call: &FunctionCallContext<'_>) -> napi::Result<Either<u32, String>> {
        let audience = audience(call.get(2)?);
        match self.compose(call, audience)? {
            Ok(message) => self.start(call, message, audience).map(Either::A),
            Err(error) => Ok(Either::B(json(&error))),
        }
    }

    /// The place of a manner among those in use, from the options `gateways`, `timeoutMs` and `connectTimeoutMs`.
    fn manner(&self, call: &FunctionCallContext<'_>) -> napi::Result<u32> {
        let option = |place| Ok::<_, napi::Error>(Live::new(call.get(place)?, call.env, &self.realm));
        let milliseconds = |live: Live<'_>| {
            Ok::<_, napi::Error>(match live.type_of()? {
                ValueType::Undefined => None,
                ValueType::Number => Some(live.number()?),
                _ => Some(f64::NAN),
            })
        };
        let limits = Limits::from_millis(milliseconds(option(1)?)?, milliseconds(option(2)?)?);
        let limits = limits.map_err(|sentence| refused(&sentence))?;
        let gateways = option(0)?;
        let written = match gateways.type_of()? {
            ValueType::Undefined => String::new(),
            ValueType::String => gateways.text().map_err(|thrown| thrown.error)?.well_formed(),
            _ => {
                let sentence = "The option `gateways` is neither a string nor an array of strings. Name base URLs such as https://gate.smsaero.ru.";
                return Err(refused(sentence));
            }
        };
        let is_official = gateways.type_of()? == ValueType::Undefined;
        let mut manners = self.manners.borrow_mut();
        let known = manners.iter().position(|known| known.limits == limits && known.written == written);
        let place = match known {
            Some(place) if is_official || !written.is_empty() => place,
            _ => {
                let gateways =
                    if is_official { Ok(Gateway::official()) } else { Gateway::parse_all([written.as_str()]) };
                let gateways = gateways.map_err(|bad| refused(&bad.to_string()))?.into();
                manners.push(Manner { written, gateways, limits });
                manners.len() - 1
            }
        };
        u32::try_from(place).map_err(|_| refused("Too many different options."))
    }

    /// The error that belongs to the exception just thrown, as JSON; empty if there is none.
    #[expect(clippy::unnecessary_wraps, reason = "the shape that all native functions have")]
    fn fault(&self, _: &FunctionCallContext<'_>) -> napi::Result<String> {
        Ok(self.fault.take().as_ref().map(json).unwrap_or_default())
    }

    /// The error for a `getConfig` that is not a function, or one that took too long, as JSON.
    #[expect(clippy::unused_self, reason = "the shape that all native functions have")]
    fn complaint(&self, call: &FunctionCallContext<'_>) -> napi::Result<String> {
        let kind = if call.get(0)? {
            Kind::ConfigOverdue
        } else {
            Kind::BadCall { field: "getConfig".to_owned(), problem: "is not a function" }
        };
        Ok(json(&Error::new(kind, Audience::EndUser)))
    }

    fn compose(&self, call: &FunctionCallContext<'_>, audience: Audience) -> napi::Result<Result<Message, Error>> {
        self.fault.take();
        let bad =
            |field: &str, problem| Ok(Err(Error::new(Kind::BadCall { field: field.to_owned(), problem }, audience)));
        let data = Live::new(call.get(0)?, call.env, &self.realm);
        if data.type_of()? != ValueType::Object {
            return bad("data", "is not an object");
        }
        let read = |key: &str| data.get(key).map_err(|error| self.threw(error, &format!("data.{key}"), audience));
        let (to, usage_type, payload) = (read("to")?, read("type")?, read("payload")?);
        if to.type_of()? != ValueType::String {
            return bad("data.to", "is not a string");
        }
        if usage_type.type_of()? != ValueType::String {
            return bad("data.type", "is not a string");
        }
        let config = match Config::parse(&Live::new(call.get(1)?, call.env, &self.realm)) {
            Ok(config) => config,
            Err(Flaw::Issues(issues)) => return Ok(Err(Error::new(Kind::Config(issues), audience))),
            Err(Flaw::Unreadable { path, thrown }) => {
                self.fault.replace(Some(Error::new(Kind::UnreadableConfig(path), audience)));
                return Err(thrown.error);
            }
        };
        let text = |live: Live<'_>| live.text().map_err(|thrown| thrown.error);
        let (to, usage_type) = (text(to)?, text(usage_type)?);
        let call = Call { to: &to, usage_type: &usage_type, payload: &LivePayload::new(payload), audience };
        Message::compose(&call, &config).or_else(|Thrown { field, problem, error }| {
            let kind = Kind::BadCall { field: field.unwrap_or_else(|| "data.payload".to_owned()), problem };
            let told = Error::new(kind, audience);
            if error.status == Status::ObjectExpected {
                return Ok(Err(told));
            }
            self.fault.replace(Some(told));
            Err(error)
        })
    }

    fn threw(&self, error: napi::Error, field: &str, audience: Audience) -> napi::Error {
        let kind = Kind::BadCall { field: field.to_owned(), problem: "threw an error when it was read" };
        self.fault.replace(Some(Error::new(kind, audience)));
        error
    }

    fn start(&self, call: &FunctionCallContext<'_>, message: Message, audience: Audience) -> napi::Result<u32> {
        let Manner { gateways, limits, .. } = self.manner_at(call.get(3)?);
        let waited = Duration::try_from_secs_f64(call.get::<f64>(4)? / 1000.0).unwrap_or_default();
        let traces: bool = call.get(5)?;
        let started = Instant::now().checked_sub(waited).unwrap_or_else(Instant::now);
        let transport = runtime::transport(&gateways, || self.surroundings(call.env)).map_err(|trouble| trouble.0)?;
        let number = self.tickets.get();
        self.tickets.set(number.wrapping_add(1));
        let ticket = Ticket::new(number, Arc::clone(&self.outbox), Message::lost(audience));
        let task = async move {
            let mut journey = Journey::default();
            let result = message.deliver(transport, &gateways, Deadlines { started, limits }, &mut journey).await;
            let trace = traces.then(|| Trace::new(message.facts(), &journey, started.elapsed(), &result));
            ticket.settle(&result, trace.as_ref());
            if let Some(gateway) = transport.health.due(&gateways, Instant::now()) {
                transport.probe(&gateway).await;
            }
        };
        runtime::spawn(task).map_err(|error| refused(&format!("The worker thread could not be started: {error}")))?;
        Ok(number)
    }

    fn surroundings(&self, env: &Env) -> Result<Surroundings, Trouble> {
        let json = self.surroundings.borrow_back(env)?.call(())?;
        serde_json::from_str(&json)
            .map_err(|error| Trouble(refused(&format!("Node's settings cannot be read: {error}"))))
    }

    fn manner_at(&self, place: u32) -> Manner {
        let manners = self.manners.borrow();
        let known = usize::try_from(place).ok().and_then(|place| manners.get(place));
        known.or_else(|| manners.first()).cloned().unwrap_or_else(|| unreachable!("the first manner is always there"))
    }
}

const fn audience(by_administrator: bool) -> Audience {
    if by_administrator { Audience::Administrator } else { Audience::EndUser }
}

fn json(error: &Error) -> String {
    serde_json::to_string(error).unwrap_or_default()
}

/// A failure before a send could start.
struct Trouble(napi::Error);

impl From<napi::Error> for Trouble {
    fn from(error: napi::Error) -> Self {
        Self(error)
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        Self(refused(&format!("The HTTP client could not be set up: {error}")))
    }
}

fn refused(sentence: &str) -> napi::Error {
    napi::Error::from_reason(sentence)
}

/// What the guard answers: known keys only, in the official order, each with the very value that was given.
fn data_of(env: &Env, config: &Config<Live<'_>>) -> napi::Result<Object<'static>> {
    let mut templates = env.create_array(0)?;
    for (place, template) in config.templates.iter().enumerate() {
        templates.set_element(u32::try_from(place).unwrap_or(u32::MAX), template_of(env, template)?)?;
    }
    let mut data = Object::new(env)?;
    data.set_named_property("email", config.email.value())?;
    data.set_named_property("apiKey", config.api_key.value())?;
    data.set_named_property("senderName", config.sender_name.value())?;
    data.set_named_property("templates", templates)?;
    if let Some(switch) = &config.fallback_to_generic {
        data.set_named_property("fallbackToGeneric", switch.value())?;
    }
    if let Some(switch) = &config.test_mode {
        data.set_named_property("testMode", switch.value())?;
    }
    match &config.allowed_prefixes {
        Some(Prefixes::Written(line)) => data.set_named_property("allowedPrefixes", line.value())?,
        Some(Prefixes::Listed(items)) => {
            let mut list = env.create_array(0)?;
            for (place, item) in items.iter().enumerate() {
                list.set_element(u32::try_from(place).unwrap_or(u32::MAX), item.value())?;
            }
            data.set_named_property("allowedPrefixes", list)?;
        }
        None => {}
    }
    Ok(unbound(data))
}

fn template_of<'env>(env: &'env Env, template: &Template<Live<'_>>) -> napi::Result<Object<'env>> {
    let mut data = Object::new(env)?;
    data.set_named_property("usageType", template.usage_type.value())?;
    data.set_named_property("content", template.content.value())?;
    if let Some(locale) = &template.locale {
        data.set_named_property("locale", locale.value())?;
    }
    Ok(data)
}
