//! The connector of one environment: native functions for the JavaScript face, each of them convert, call, convert.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use napi::{
    Either, Env, Status, ValueType,
    bindgen_prelude::{FnArgs, Function, FunctionCallContext, FunctionRef, JsObjectValue, Object, ToNapiValue},
};
use tokio::time::Instant;

use super::{
    outbox::{Outbox, Ticket},
    runtime,
    value::{Live, LivePayload, Realm, Thrown, unbound},
};
use crate::{
    config::{Config, Flaw, Prefixes, Template, Untyped},
    error::{Audience, Error, Kind},
    gateway::Gateway,
    metadata::metadata,
    send::{CONNECT, Call, Deadlines, Message, TOTAL},
};

const FACE: &str = include_str!("face.js");

/// What lives as long as an environment.
struct Room {
    realm: Realm,
    roots: FunctionRef<(), String>,
    outbox: Arc<Outbox>,
    tickets: Cell<u32>,
    /// Lists of gateways in use, as they were written; the official one is the first.
    routes: RefCell<Vec<(String, Arc<[Gateway]>)>>,
    /// The error that belongs to the exception just thrown.
    fault: RefCell<Option<Error>>,
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
        roots: face.get_named_property_unchecked("roots")?,
        outbox: Arc::new(Outbox::new(&face.get_named_property_unchecked("settle")?)?),
        tickets: Cell::new(0),
        routes: RefCell::new(vec![(String::new(), Gateway::official().into())]),
        fault: RefCell::new(None),
    });
    let mut native = Object::new(env)?;
    define(env, &mut native, &room, "guard", Room::guard)?;
    define(env, &mut native, &room, "send", Room::send)?;
    define(env, &mut native, &room, "route", Room::route)?;
    define(env, &mut native, &room, "fault", Room::fault)?;
    define(env, &mut native, &room, "complaint", Room::complaint)?;
    let join: Function<'_, FnArgs<(Object<'_>, String)>, Object<'env>> = face.get_named_property_unchecked("join")?;
    join.call((native, metadata().to_string()).into())
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

    /// Starts a send and gives its ticket, or the error for which it was not started as JSON.
    fn send(&self, call: &FunctionCallContext<'_>) -> napi::Result<Either<u32, String>> {
        let audience = if call.get::<bool>(2)? { Audience::Administrator } else { Audience::EndUser };
        let gateways = self.gateways(call.get(3)?);
        match self.compose(call, audience)? {
            Ok(message) => self.start(call.env, message, gateways, audience).map(Either::A),
            Err(error) => Ok(Either::B(serde_json::to_string(&error).unwrap_or_default())),
        }
    }

    /// The place of a list of gateways among those in use.
    fn route(&self, call: &FunctionCallContext<'_>) -> napi::Result<u32> {
        let written = Live::new(call.get(0)?, call.env, &self.realm);
        if written.type_of()? != ValueType::String {
            return Err(refused("The option `gateways` is neither a string nor an array of strings. Name base URLs such as https://gate.smsaero.ru."));
        }
        let written = written.text().map_err(|thrown| thrown.error)?.well_formed();
        let mut routes = self.routes.borrow_mut();
        let known = routes.iter().position(|(known, _)| *known == written && !written.is_empty());
        let place = match known {
            Some(place) => place,
            None => {
                let gateways = Gateway::parse_all([written.as_str()]).map_err(|bad| refused(&bad.to_string()))?;
                routes.push((written, gateways.into()));
                routes.len() - 1
            }
        };
        u32::try_from(place).map_err(|_| refused("Too many different lists of gateways."))
    }

    /// The error that belongs to the exception just thrown, as JSON; empty if there is none.
    fn fault(&self, _: &FunctionCallContext<'_>) -> napi::Result<String> {
        Ok(self.fault.take().map(|error| serde_json::to_string(&error).unwrap_or_default()).unwrap_or_default())
    }

    /// The error for a part of a call that JavaScript found useless, as JSON.
    fn complaint(&self, call: &FunctionCallContext<'_>) -> napi::Result<String> {
        let audience = if call.get(1)? { Audience::Administrator } else { Audience::EndUser };
        let error = Error::new(Kind::BadCall { field: call.get(0)?, problem: "is not a function" }, audience);
        Ok(serde_json::to_string(&error).unwrap_or_default())
    }

    fn compose(&self, call: &FunctionCallContext<'_>, audience: Audience) -> napi::Result<Result<Message, Error>> {
        self.fault.take();
        let bad = |field: &str, problem| Ok(Err(Error::new(Kind::BadCall { field: field.to_owned(), problem }, audience)));
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

    fn start(&self, env: &Env, message: Message, gateways: Arc<[Gateway]>, audience: Audience) -> napi::Result<u32> {
        let transport = runtime::transport(&gateways, || self.roots.borrow_back(env)?.call(()).map_err(Trouble::from));
        let transport = transport.map_err(|trouble| trouble.0)?;
        let deadlines = Deadlines { started: Instant::now(), total: TOTAL, connect: CONNECT };
        let number = self.tickets.get();
        self.tickets.set(number.wrapping_add(1));
        let ticket = Ticket::new(number, Arc::clone(&self.outbox), Message::lost(audience));
        runtime::spawn(async move { ticket.settle(&message.deliver(transport, &gateways, deadlines).await) })
            .map_err(|error| refused(&format!("The worker thread could not be started: {error}")))?;
        Ok(number)
    }

    fn gateways(&self, place: u32) -> Arc<[Gateway]> {
        let routes = self.routes.borrow();
        let (_, gateways) = routes.get(place as usize).or_else(|| routes.first()).cloned().unwrap_or_default();
        gateways
    }
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
        Some(Prefixes::Listed { items, .. }) => {
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
