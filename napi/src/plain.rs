//! SMS Aero without Logto: one text, and questions that have no side effect.
#![forbid(unsafe_code)]

use std::sync::Arc;

use connector_smsaero_native::{
    arguments,
    ask::Question,
    error::{ArgumentProblem, Audience, Error, ErrorKind},
    logto::utf16::Utf16,
    net::gateway::Gateway,
    net::transport::{Attempts, Deadlines},
    send::Message,
    smsaero::account::Account,
    smsaero::phone::is_number,
    smsaero::segment::MOST_CHARACTERS,
    trace::AskTrace,
};
use napi::{
    Either, JsString,
    bindgen_prelude::{External, FunctionCallContext, Utf16String},
};
use tokio::time::Instant;

use crate::{
    bridge::{EnvState, SendOptions, call_of, deliver, text, to_json},
    completions::PendingSend,
    runtime, snapshot,
};

/// Whoever calls these functions has the account in hand.
const READER: Audience = Audience::Administrator;

/// `(call, snapshot)`: the handle of an account, or the error for the part of it that is wrong, as JSON.
pub fn account(call: &FunctionCallContext<'_>) -> napi::Result<Either<External<Arc<Account>>, String>> {
    let snapshot = call.get::<Utf16String>(1)?;
    Ok(match arguments::account(&snapshot::Value::decode(&snapshot)) {
        Ok(account) => Either::A(External::new(Arc::new(account))),
        Err((field, problem)) => Either::B(wrong(call_of(&call.get::<String>(0)?), field, problem)),
    })
}

/// `(account, options, id, isTraced, to, text)`: starts a send, or gives the error for which it was not started, as JSON.
pub fn send_text(state: &EnvState, call: &FunctionCallContext<'_>) -> napi::Result<Option<String>> {
    let Some(to) = bounded(call, 4)?.filter(|to| is_number(&to.well_formed())) else {
        return Ok(Some(wrong("sendText", "to".to_owned(), ArgumentProblem::NotANumber)));
    };
    let Some(words) = bounded(call, 5)? else {
        return Ok(Some(wrong("sendText", "text".to_owned(), ArgumentProblem::TooLong)));
    };
    if words.units().is_empty() {
        return Ok(Some(wrong("sendText", "text".to_owned(), ArgumentProblem::Empty)));
    }
    let lost = Error::of_text(ErrorKind::UnknownOutcome);
    spawn(state, call, lost, |Start { account, gateways, deadlines, is_traced, pending }| async move {
        deliver(Message::plain(account, &to, &words), gateways, deadlines, is_traced, pending).await;
    })
}

/// `(account, options, id, isTraced, call, messageId?)`: asks, or gives the error for which it did not, as JSON.
pub fn ask(state: &EnvState, call: &FunctionCallContext<'_>) -> napi::Result<Option<String>> {
    let name = call_of(&call.get::<String>(4)?);
    let question = match name {
        "getStatus" => match bounded(call, 5)?.and_then(|digits| message_id(&digits)) {
            Some(id) => Question::Status(id),
            None => return Ok(Some(wrong(name, "id".to_owned(), ArgumentProblem::NotAnId))),
        },
        "getBalance" => Question::Balance,
        _ => Question::SenderNames,
    };
    let lost = Error::of_question(ErrorKind::NoConnection(Vec::new()));
    spawn(state, call, lost, move |Start { account, gateways, deadlines, is_traced, pending }| async move {
        let mut attempts = Attempts::default();
        let transport = runtime::transport(&gateways);
        let result = question.ask(&account, transport, &gateways, deadlines, &mut attempts).await;
        let took = deadlines.started.elapsed();
        let trace = is_traced.then(|| AskTrace::new(name, &attempts, took, result.as_ref().err()));
        pending.settle(&result, trace.as_ref(), took);
    })
}

/// The string of a call, which is not copied and `None` where it is too long for any use.
fn bounded(call: &FunctionCallContext<'_>, argument: usize) -> napi::Result<Option<Utf16>> {
    let is_too_long = call.get::<JsString<'_>>(argument)?.utf16_len()? > MOST_CHARACTERS;
    if is_too_long { Ok(None) } else { call.get(argument).map(|string| Some(text(&string))) }
}

/// The id of a message in digits, which `parse` would also take with a plus before them.
fn message_id(digits: &Utf16) -> Option<u64> {
    let digits = digits.well_formed();
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// What the calls have in common.
struct Start {
    account: Arc<Account>,
    gateways: Arc<[Gateway]>,
    deadlines: Deadlines,
    is_traced: bool,
    pending: PendingSend,
}

/// Runs a task on the worker thread, by the first four arguments: `(account, options, id, isTraced, …)`. `lost` is the error if
/// the task ends without an outcome.
fn spawn<F: Future<Output = ()> + Send + 'static>(
    state: &EnvState,
    call: &FunctionCallContext<'_>,
    lost: Error,
    task: impl FnOnce(Start) -> F,
) -> napi::Result<Option<String>> {
    let account = Arc::clone(call.get::<&External<Arc<Account>>>(0)?);
    let SendOptions { gateways, limits } = &**call.get::<&External<SendOptions>>(1)?;
    let (id, is_traced) = (call.get(2)?, call.get(3)?);
    state.read_settings(call.env, gateways)?;
    let worker = match runtime::worker() {
        Ok(worker) => worker,
        Err(error) => return Ok(Some(to_json(&lost.with_kind(ErrorKind::NoThread(error.to_string()))))),
    };
    let pending = PendingSend::new(id, Arc::clone(&state.completions), lost);
    let deadlines = Deadlines { started: Instant::now(), limits: *limits };
    let gateways = Arc::clone(gateways);
    runtime::spawn(worker, task(Start { account, gateways, deadlines, is_traced, pending }));
    Ok(None)
}

fn wrong(call: &'static str, field: String, problem: ArgumentProblem) -> String {
    to_json(&Error::new(ErrorKind::Argument { call, field, problem }, READER))
}
