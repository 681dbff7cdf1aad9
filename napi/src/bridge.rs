//! The native functions of one environment for the JavaScript half: each of them converts, calls, converts.

use std::{fmt::Display, io, sync::Arc, time::Duration};

use connector_smsaero_native::{
    arguments,
    ask::Probe,
    error::{ArgumentProblem, Audience, Error, ErrorKind},
    logto::config::Config,
    logto::language::Language,
    logto::metadata::metadata,
    logto::template,
    logto::utf16::Utf16,
    net::gateway::Gateway,
    net::proxy::{ProxyVariables, Route},
    net::transport::{Deadlines, Limits, TOTAL},
    send::{Delivery, Message, Recipient},
    smsaero::account::Account,
    smsaero::request::OFFICIAL_GATEWAYS,
    smsaero::segment::MOST_CHARACTERS,
    trace::Trace,
};
use napi::{
    Either, Env,
    bindgen_prelude::{
        External, FnArgs, Function, FunctionCallContext, FunctionRef, JsObjectValue, Object, ToNapiValue, Utf16String,
    },
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    completions::{Completions, PendingSend},
    plain,
    request::SendRequest,
    runtime::{self, HostSettings, ReadAgain, Task},
    snapshot,
};

/// The JavaScript half: its parts, of which `index` puts the others together. From `build.rs`.
const PARTS: &str = include_str!(concat!(env!("OUT_DIR"), "/parts.js"));

/// Whoever reads an error whose data has no sentence, as the official connector's has none.
const NOBODY: Audience = Audience::EndUser(Language::English);

/// What lives as long as an environment.
pub struct EnvState {
    host_settings: FunctionRef<(), Vec<String>>,
    /// The same, for the worker thread.
    host_settings_again: Arc<ReadAgain>,
    pub completions: Arc<Completions>,
}

impl EnvState {
    /// Reads the host's settings, unless that has been done or these gateways need none.
    pub fn read_settings(&self, env: &Env, gateways: &[Gateway]) -> napi::Result<()> {
        runtime::read_settings(gateways, &self.host_settings_again, || self.host_settings(env))
    }

    fn host_settings(&self, env: &Env) -> napi::Result<HostSettings> {
        let settings: [String; 3] = self.host_settings.borrow_back(env)?.call(())?.try_into().unwrap_or_default();
        let [roots, proxy, no_proxy] = settings;
        Ok(HostSettings { roots, variables: ProxyVariables { proxy, no_proxy } })
    }
}

/// A configuration that is valid, with its account. Shared with the sends by it.
struct ConfigHandle {
    config: Config,
    account: Arc<Account>,
}

/// Where and how patiently to send.
pub struct SendOptions {
    pub gateways: Arc<[Gateway]>,
    pub limits: Limits,
}

/// Makes `createConnector` and `sendMessage` for an environment, with the host's classes where it has some.
pub fn open<'env>(env: &'env Env, host: Object<'_>) -> napi::Result<Object<'env>> {
    let parts: Object<'_> = env.run_script(PARTS)?;
    let index: Function<'_, FnArgs<(Object<'_>, Object<'_>)>, Object<'_>> =
        parts.get_named_property_unchecked("index")?;
    let half = index.call((parts, host).into())?;
    let host_settings: Function<'_, (), Vec<String>> = half.get_named_property_unchecked("hostSettings")?;
    let state = Arc::new(EnvState {
        host_settings: host_settings.create_ref()?,
        host_settings_again: Arc::new(host_settings.build_threadsafe_function::<()>().weak::<true>().build()?),
        completions: Arc::new(Completions::new(&half.get_named_property_unchecked("settle")?)?),
    });
    let mut native = Object::new(env)?;
    define(env, &mut native, "prepare", prepare)?;
    define(env, &mut native, "check", check)?;
    define(env, &mut native, "choose", choose)?;
    define(env, &mut native, "options", options)?;
    let (sending, warming) = (Arc::clone(&state), Arc::clone(&state));
    define(env, &mut native, "send", move |call| send(&sending, call))?;
    define(env, &mut native, "warmUp", move |call| warm_up(&warming, call))?;
    let (texting, asking) = (Arc::clone(&state), Arc::clone(&state));
    define(env, &mut native, "account", plain::account)?;
    define(env, &mut native, "sendText", move |call| plain::send_text(&texting, call))?;
    define(env, &mut native, "ask", move |call| plain::ask(&asking, call))?;
    define(env, &mut native, "diagnose", move |call| diagnose(&state, call))?;
    define(env, &mut native, "argumentError", argument_error)?;
    define(env, &mut native, "configError", config_error)?;
    define(env, &mut native, "configOverdue", |call| {
        Ok(to_json(&Error::new(ErrorKind::ConfigOverdue, reader(call, 0)?)))
    })?;
    define(env, &mut native, "textTooLong", |call| Ok(to_json(&Error::new(ErrorKind::TextTooLong, reader(call, 0)?))))?;
    native.set_named_property("mostCharacters", u32::try_from(MOST_CHARACTERS).unwrap_or(u32::MAX))?;
    let join: Function<'_, FnArgs<(Object<'_>, String, u32)>, Object<'env>> =
        half.get_named_property_unchecked("join")?;
    let total_ms = u32::try_from(TOTAL.as_millis()).unwrap_or(u32::MAX);
    join.call((native, metadata().to_string(), total_ms).into())
}

fn define<R: ToNapiValue + 'static>(
    env: &Env,
    object: &mut Object<'_>,
    name: &str,
    function: impl Fn(&FunctionCallContext<'_>) -> napi::Result<R> + 'static,
) -> napi::Result<()> {
    let function: Function<'_, (), R> = env.create_function_from_closure(name, move |call| function(&call))?;
    object.set_named_property(name, function)
}

/// `(snapshot)`: the handle of a configuration that is valid, or the error of one that is not, as JSON.
fn prepare(call: &FunctionCallContext<'_>) -> napi::Result<Either<External<Arc<ConfigHandle>>, String>> {
    Ok(match parse(&call.get(0)?) {
        Ok(config) => {
            Either::A(External::new(Arc::new(ConfigHandle { account: Arc::new(Account::from(&config)), config })))
        }
        Err(error) => Either::B(error),
    })
}

/// `(snapshot)`: the error of a configuration that is not valid, as JSON. A handle costs more than all else here, and a
/// guard needs none.
fn check(call: &FunctionCallContext<'_>) -> napi::Result<Option<String>> {
    Ok(parse(&call.get(0)?).err())
}

fn parse(snapshot: &Utf16String) -> Result<Config, String> {
    let parsed = Config::parse(&snapshot::Value::decode(snapshot));
    parsed.map_err(|issues| to_json(&Error::new(ErrorKind::Config(issues), NOBODY)))
}

/// `(prepared, usageType, languages?)`: `{ template, variables }` as JSON, `{ error }` when there is no template, or
/// `{ dependsOnLanguages }` when the languages are wanted, most wanted first and separated by white space.
fn choose(call: &FunctionCallContext<'_>) -> napi::Result<String> {
    let prepared = call.get::<&External<Arc<ConfigHandle>>>(0)?;
    let usage_type = text(&call.get(1)?);
    let languages = call.get::<Option<String>>(2)?;
    let Config { templates, fallback_to_generic, .. } = &prepared.config;
    if languages.is_none() && template::depends_on_languages(templates, *fallback_to_generic, &usage_type) {
        return Ok(json!({ "dependsOnLanguages": true }).to_string());
    }
    let languages = languages.iter().flat_map(|tags| tags.split_whitespace()).map(str::to_owned).collect::<Vec<_>>();
    let chosen = template::choose(templates, *fallback_to_generic, &usage_type, &languages);
    let chosen = chosen.and_then(|place| Some((place, templates.get(place)?)));
    let answer = chosen.map_or_else(
        || {
            let kind = ErrorKind::TemplateNotFound { usage_type: usage_type.well_formed() };
            json!({ "error": Error::new(kind, NOBODY) })
        },
        |(place, template)| json!({ "template": place, "variables": template.variables().collect::<Vec<_>>() }),
    );
    Ok(answer.to_string())
}

/// `(gateways?, timeoutMs?, connectTimeoutMs?)`: the handle of options that can be used.
fn options(call: &FunctionCallContext<'_>) -> napi::Result<External<SendOptions>> {
    let gateways = match call.get::<Option<String>>(0)? {
        Some(list) => Gateway::parse_all([list.as_str()]).map_err(refused)?,
        None => Gateway::parse_all(OFFICIAL_GATEWAYS).map_err(refused)?,
    };
    let limits = arguments::limits(call.get(1)?, call.get(2)?).map_err(refused)?;
    Ok(External::new(SendOptions { gateways: gateways.into(), limits }))
}

/// `(options)`: sets up what the first message needs, while its configuration is looked up. What fails is tried again then.
fn warm_up(state: &EnvState, call: &FunctionCallContext<'_>) -> napi::Result<()> {
    let gateways = Arc::clone(&call.get::<&External<SendOptions>>(0)?.gateways);
    state.read_settings(call.env, &gateways)?;
    let task = async move {
        runtime::transport(&gateways);
    };
    if let Ok(worker) = runtime::worker() {
        runtime::spawn(worker, task);
    }
    Ok(())
}

/// `(prepared, options, delayUs, requests)`: starts sends, which have waited for each other for so long. What becomes of them
/// is settled later, also where it is known already.
fn send(state: &EnvState, call: &FunctionCallContext<'_>) -> napi::Result<()> {
    let prepared = Arc::clone(call.get::<&External<Arc<ConfigHandle>>>(0)?);
    let SendOptions { gateways, limits } = &**call.get::<&External<SendOptions>>(1)?;
    let delay = Duration::try_from_secs_f64(call.get::<f64>(2)? / 1e6).unwrap_or_default();
    let requests = call.get::<Utf16String>(3)?;
    state.read_settings(call.env, gateways)?;
    let batch = Batch {
        prepared,
        gateways: Arc::clone(gateways),
        limits: *limits,
        called: Instant::now(),
        delay,
        completions: Arc::clone(&state.completions),
    };
    match runtime::worker() {
        // Read, composed and boxed on the worker thread: Logto has one thread for everything else.
        Ok(worker) => runtime::spawn(worker, async move { batch.start(&requests).await }),
        Err(error) => {
            for SendRequest { id, audience, .. } in SendRequest::decode_all(&requests) {
                batch.pending(id, audience).refuse(&no_worker(&error, audience));
            }
        }
    }
    Ok(())
}

/// Sends on their way to the worker thread, with one waking of it.
struct Batch {
    prepared: Arc<ConfigHandle>,
    gateways: Arc<[Gateway]>,
    limits: Limits,
    called: Instant,
    delay: Duration,
    completions: Arc<Completions>,
}

impl Batch {
    async fn start(self, requests: &[u16]) {
        runtime::note_message();
        let mut messages = SendRequest::decode_all(requests).filter_map(|request| self.message(request));
        let Some(first) = messages.next() else { return };
        for other in messages {
            tokio::spawn(other);
        }
        first.await;
    }

    fn pending(&self, id: u32, audience: Audience) -> PendingSend {
        PendingSend::new(id, Arc::clone(&self.completions), Message::lost(audience))
    }

    /// What delivers a message; nothing for one that nobody may get.
    fn message(&self, request: SendRequest) -> Option<Task> {
        let SendRequest { id, template, waited, is_traced, to, usage_type, audience, values } = request;
        let pending = self.pending(id, audience);
        if let Err(error) = Message::permit(&self.prepared.config, &to, audience) {
            pending.refuse(&error);
            return None;
        }
        let template = self.prepared.config.templates.get(template)?;
        let recipient = Recipient { to: &to, usage_type: &usage_type, audience };
        let message = match Message::new(Arc::clone(&self.prepared.account), template, &recipient, &values) {
            Ok(message) => message,
            Err(error) => {
                pending.refuse(&error);
                return None;
            }
        };
        let started = self.called.checked_sub(waited + self.delay).unwrap_or(self.called);
        let deadlines = Deadlines { started, limits: self.limits };
        Some(Box::pin(deliver(message, Arc::clone(&self.gateways), deadlines, is_traced, pending)))
    }
}

/// The error when there is no worker thread.
pub fn no_worker(error: &io::Error, audience: Audience) -> Error {
    Error::new(ErrorKind::NoThread(error.to_string()), audience)
}

/// A question of the command line's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Question {
    /// What stands between here and this gateway?
    Probe { gateway: String },
    /// Which proxy do the variables name?
    Proxy,
}

/// `(id, question as JSON)`: finds out something with the settings that messages are sent with.
fn diagnose(state: &EnvState, call: &FunctionCallContext<'_>) -> napi::Result<()> {
    let id = call.get::<u32>(0)?;
    let question = serde_json::from_str::<Question>(&call.get::<String>(1)?).map_err(refused)?;
    let settings = state.host_settings(call.env)?;
    // Last: whoever throws here must not settle as well.
    let pending = || PendingSend::new(id, Arc::clone(&state.completions), Message::lost(Audience::Administrator));
    let gateways = match &question {
        Question::Proxy => {
            let name = Route::new(&settings.variables).proxy_name();
            pending().answer(&name.map_or(Some((None, false)), |name| name.map(|name| (Some(name), true))));
            return Ok(());
        }
        Question::Probe { gateway } => Gateway::parse_all([gateway.as_str()]).map_err(refused)?,
    };
    runtime::read_settings(&gateways, &state.host_settings_again, || Ok::<_, napi::Error>(settings))?;
    let (worker, pending) = (runtime::worker()?, pending());
    runtime::spawn(worker, async move {
        if let Some(gateway) = gateways.first() {
            pending.answer(&Probe::of(runtime::transport(&gateways), gateway).await);
        }
    });
    Ok(())
}

pub async fn deliver(
    message: Message,
    gateways: Arc<[Gateway]>,
    deadlines: Deadlines,
    is_traced: bool,
    pending: PendingSend,
) {
    #[cfg(feature = "test-panic")]
    assert!(!message.is_of("TestPanic"), "asked to panic");
    let transport = runtime::transport(&gateways);
    let delivery = Delivery { transport, sends: runtime::sends(), gateways: &gateways, deadlines };
    let outcome = message.deliver(&delivery).await;
    let took = deadlines.started.elapsed();
    let trace = is_traced.then(|| Trace::new(message.info(), &outcome, took));
    pending.settle(&outcome.result, trace.as_ref(), took);
}

/// `(call, field, problem, languages?)`: the error for a part of a call that is of no use, as JSON.
fn argument_error(call: &FunctionCallContext<'_>) -> napi::Result<String> {
    let problem = match call.get::<String>(2)?.as_str() {
        "not_an_object" => ArgumentProblem::NotAnObject,
        "not_a_string" => ArgumentProblem::NotAString,
        "not_a_function" => ArgumentProblem::NotAFunction,
        "not_an_id" => ArgumentProblem::NotAnId,
        "too_long" => ArgumentProblem::TooLong,
        _ => ArgumentProblem::Threw,
    };
    let (name, field) = (call_of(&call.get::<String>(0)?), call.get(1)?);
    Ok(to_json(&Error::new(ErrorKind::Argument { call: name, field, problem }, reader(call, 3)?)))
}

/// One of the public functions, by its name.
pub fn call_of(name: &str) -> &'static str {
    let plain = ["sendText", "getStatus", "getBalance", "listSenderNames"];
    plain.into_iter().find(|call| *call == name).unwrap_or("sendMessage")
}

/// `(path, languages?)`: the error for a part of the configuration that threw when it was read, as JSON.
fn config_error(call: &FunctionCallContext<'_>) -> napi::Result<String> {
    Ok(to_json(&Error::new(ErrorKind::UnreadableConfig(call.get(0)?), reader(call, 1)?)))
}

/// Who reads an error: somebody signing in, whose languages are given, or the administrator.
fn reader(call: &FunctionCallContext<'_>, argument: usize) -> napi::Result<Audience> {
    // napi refuses to read an argument that was left out.
    let languages = if argument < call.length() { call.get::<Option<String>>(argument)? } else { None };
    Ok(languages.map_or(Audience::Administrator, |tags| Audience::EndUser(Language::wanted(&tags))))
}

pub fn to_json(error: &Error) -> String {
    serde_json::to_string(error).unwrap_or_default()
}

pub fn text(string: &Utf16String) -> Utf16 {
    Utf16::new(string.to_vec())
}

pub fn refused(sentence: impl Display) -> napi::Error {
    napi::Error::from_reason(sentence.to_string())
}
