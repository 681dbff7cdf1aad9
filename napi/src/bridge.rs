//! The connector of one environment: native functions for the JavaScript face, each of them convert, call, convert.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use napi::{
    Either, Env,
    bindgen_prelude::{
        FnArgs, Function, FunctionCallContext, FunctionRef, JsObjectValue, Object, ToNapiValue, Utf16String,
    },
};
use tokio::time::Instant;

use crate::{
    completions::{Outbox, Ticket},
    payload::{LivePayload, Thrown},
    runtime::{self, Surroundings},
    snapshot::Described,
};
use connector_smsaero_native::{
    config::Config,
    error::{Audience, Error, Kind, Problem},
    gateway::Gateway,
    issue::Issue,
    metadata::metadata,
    proxy::ProxyVariables,
    send::{CONNECT, Call, Deadlines, Limits, Message, Prepared, TOTAL},
    trace::{Journey, Trace},
    utf16::Utf16,
};

const FACE: &str = include_str!("js/face.js");

/// What lives as long as an environment.
struct Room {
    string: FunctionRef<Object<'static>, Object<'static>>,
    surroundings: FunctionRef<(), Vec<String>>,
    outbox: Arc<Outbox>,
    tickets: Cell<u32>,
    /// The ways to send that are in use; the official one without options is the first.
    manners: RefCell<Vec<Manner>>,
    /// The error that belongs to the exception just thrown.
    fault: RefCell<Option<Error>>,
    /// The configuration read last, which is as a rule the next one too.
    last: RefCell<Rc<Reading>>,
}

/// What a described configuration reads as.
type Reading = Result<Prepared<Described>, Vec<Issue>>;

/// Where and how patiently to send.
#[derive(Clone)]
struct Manner {
    /// The gateways as they were written; the official ones are not.
    written: Option<String>,
    gateways: Arc<[Gateway]>,
    limits: Limits,
}

/// Makes `createConnector` and `sendMessage` for an environment, with the host's classes where it has some.
pub fn open<'env>(env: &'env Env, host: Object<'_>) -> napi::Result<Object<'env>> {
    let face = env.run_script::<_, Function<'_, Object<'_>, Object<'_>>>(FACE)?.call(host)?;
    let room = Rc::new(Room {
        string: face.get_named_property_unchecked("string")?,
        surroundings: face.get_named_property_unchecked("surroundings")?,
        outbox: Arc::new(Outbox::new(&face.get_named_property_unchecked("settle")?)?),
        tickets: Cell::new(0),
        manners: RefCell::new(vec![Manner {
            written: None,
            gateways: Gateway::official().into(),
            limits: Limits { total: TOTAL, connect: CONNECT },
        }]),
        fault: RefCell::new(None),
        last: RefCell::new(Rc::new(read(&[]))),
    });
    let mut native = Object::new(env)?;
    define(env, &mut native, &room, "read", Room::read)?;
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
    /// Reads a described configuration, to be used by what is sent from now on, and gives its issues as JSON: empty if
    /// there are none.
    fn read(&self, call: &FunctionCallContext<'_>) -> napi::Result<String> {
        let reading = read(&call.get::<Utf16String>(0)?);
        let issues = reading.as_ref().err().map(|issues| serde_json::to_string(issues).unwrap_or_default());
        self.last.replace(Rc::new(reading));
        Ok(issues.unwrap_or_default())
    }

    /// Starts a send by the configuration read last and gives its ticket, or the error for which it was not started as
    /// JSON. Takes the number, the usage type, the payload, the manner, whether an administrator sends, whether to trace,
    /// and the milliseconds gone by.
    fn send(&self, call: &FunctionCallContext<'_>) -> napi::Result<Either<u32, String>> {
        let audience = audience(call.get(4)?);
        match self.compose(call, audience)? {
            Ok(message) => self.start(call, message, audience).map(Either::A),
            Err(error) => Ok(Either::B(json(&error))),
        }
    }

    /// The place of a manner among those in use, from the options `gateways`, `timeoutMs` and `connectTimeoutMs`:
    /// strings and numbers, or `undefined`.
    fn manner(&self, call: &FunctionCallContext<'_>) -> napi::Result<u32> {
        let limits = Limits::from_millis(call.get(1)?, call.get(2)?).map_err(|sentence| refused(&sentence))?;
        let written: Option<String> = call.get(0)?;
        let mut manners = self.manners.borrow_mut();
        let known = manners.iter().position(|known| known.limits == limits && known.written == written);
        let place = if let Some(place) = known {
            place
        } else {
            let gateways =
                written.as_deref().map_or_else(|| Ok(Gateway::official()), |list| Gateway::parse_all([list]));
            let gateways = gateways.map_err(|bad| refused(&bad.to_string()))?.into();
            manners.push(Manner { written, gateways, limits });
            manners.len() - 1
        };
        u32::try_from(place).map_err(|_| refused("Too many different options."))
    }

    /// The error that belongs to the exception just thrown, as JSON; empty if there is none.
    #[expect(clippy::unnecessary_wraps, reason = "the shape that all native functions have")]
    fn fault(&self, _: &FunctionCallContext<'_>) -> napi::Result<String> {
        Ok(self.fault.take().as_ref().map(json).unwrap_or_default())
    }

    /// The error for a part of a call that is of no use, as JSON. Takes its name, the place of its problem among those
    /// that the face can find, and whether an administrator sends.
    #[expect(clippy::unused_self, reason = "the shape that all native functions have")]
    fn complaint(&self, call: &FunctionCallContext<'_>) -> napi::Result<String> {
        let field: String = call.get(0)?;
        let kind = match call.get::<u32>(1)? {
            0 => Kind::BadCall { field, problem: Problem::NotAnObject },
            1 => Kind::BadCall { field, problem: Problem::NotAString },
            2 => Kind::BadCall { field, problem: Problem::NotAFunction },
            3 => Kind::BadCall { field, problem: Problem::Threw },
            4 => Kind::UnreadableConfig(field),
            _ => Kind::ConfigOverdue,
        };
        Ok(json(&Error::new(kind, audience(call.get(2)?))))
    }

    fn compose(&self, call: &FunctionCallContext<'_>, audience: Audience) -> napi::Result<Result<Message, Error>> {
        self.fault.take();
        // Getters of the payload may send messages of their own, by other configurations.
        let last = Rc::clone(&self.last.borrow());
        let prepared = match &*last {
            Ok(prepared) => prepared,
            Err(issues) => return Ok(Err(Error::new(Kind::Config(issues.clone()), audience))),
        };
        let (to, usage_type) = (text(&call.get(0)?), text(&call.get(1)?));
        let payload = LivePayload::new(call.get(2)?, call.env, &self.string);
        let composed =
            Message::compose(&Call { to: &to, usage_type: &usage_type, payload: &payload, audience }, prepared);
        composed.or_else(|Thrown { field, error }| {
            let problem = if error.is_some() { Problem::Threw } else { Problem::NotAnObject };
            let told = Error::new(Kind::BadCall { field, problem }, audience);
            match error {
                Some(error) => {
                    self.fault.replace(Some(told));
                    Err(error)
                }
                None => Ok(Err(told)),
            }
        })
    }

    fn start(&self, call: &FunctionCallContext<'_>, message: Message, audience: Audience) -> napi::Result<u32> {
        let Manner { gateways, limits, .. } = self.manner_at(call.get(3)?);
        let traces: bool = call.get(5)?;
        let waited = Duration::try_from_secs_f64(call.get::<f64>(6)? / 1000.0).unwrap_or_default();
        let started = Instant::now().checked_sub(waited).unwrap_or_else(Instant::now);
        runtime::look_around(&gateways, || self.surroundings(call.env))?;
        let number = self.tickets.get();
        self.tickets.set(number.wrapping_add(1));
        let ticket = Ticket::new(number, Arc::clone(&self.outbox), Message::lost(audience));
        let deadlines = Deadlines { started, limits };
        // Boxed where it runs: this thread then neither makes room for it nor moves it.
        let task = async move { Box::pin(deliver(message, gateways, deadlines, traces, ticket)).await };
        runtime::spawn(task).map_err(|error| refused(&format!("The worker thread could not be started: {error}")))?;
        Ok(number)
    }

    fn surroundings(&self, env: &Env) -> napi::Result<Surroundings> {
        let told: [String; 3] = self.surroundings.borrow_back(env)?.call(())?.try_into().unwrap_or_default();
        let [roots, proxy, no_proxy] = told;
        Ok(Surroundings { roots, variables: ProxyVariables { proxy, no_proxy } })
    }

    fn manner_at(&self, place: u32) -> Manner {
        let manners = self.manners.borrow();
        let known = usize::try_from(place).ok().and_then(|place| manners.get(place));
        known.or_else(|| manners.first()).cloned().unwrap_or_else(|| unreachable!("the first manner is always there"))
    }
}

async fn deliver(
    message: Message,
    gateways: Arc<[Gateway]>,
    deadlines: Deadlines,
    traces: bool,
    ticket: Ticket<Error>,
) {
    #[cfg(feature = "test-panic")]
    assert!(!message.is_of("TestPanic"), "asked to panic");
    let mut journey = Journey::default();
    let transport = runtime::transport(&gateways);
    let result = match &transport {
        Ok(transport) => message.deliver(transport, &gateways, deadlines, &mut journey).await,
        Err(error) => Err(message.unsendable(error)),
    };
    let took = deadlines.started.elapsed();
    let trace = traces.then(|| Trace::new(message.facts(), &journey, took, &result));
    ticket.settle(&result, trace.as_ref(), took);
    if let Ok(transport) = transport
        && let Some(gateway) = transport.health.due(&gateways, Instant::now())
    {
        transport.probe(&gateway).await;
    }
}

fn read(description: &[u16]) -> Reading {
    Config::parse(&Described::read(description)).map(Prepared::new)
}

const fn audience(by_administrator: bool) -> Audience {
    if by_administrator { Audience::Administrator } else { Audience::EndUser }
}

fn json(error: &Error) -> String {
    serde_json::to_string(error).unwrap_or_default()
}

fn text(string: &Utf16String) -> Utf16 {
    Utf16::new(string.to_vec())
}

fn refused(sentence: &str) -> napi::Error {
    napi::Error::from_reason(sentence)
}
