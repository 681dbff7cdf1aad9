//! The Node addon: converts values, calls the core and settles promises. It decides nothing.
#![expect(clippy::trivially_copy_pass_by_ref, reason = "napi ties the scope of values to a borrowed Env")]

mod bridge;
mod completions;
mod request;
mod runtime;
mod snapshot;
mod types;

use napi::{
    Env, JsValue,
    bindgen_prelude::{FnArgs, FunctionRef, JsObjectValue, Object, Unknown},
};
use napi_derive::napi;

/// Binds the connector to the host's `ConnectorError` and `ZodError`; what is missing has a stand-in of the same shape.
/// For `lib/index.js`.
#[napi(skip_typescript)]
pub fn open<'env>(env: &'env Env, host: Object<'_>) -> napi::Result<Object<'env>> {
    bridge::open(env, host)
}

/// Makes the connector that Logto loads: the default export, in the place of the official connector's.
///
/// Costs microseconds and keeps no state of its own; connections are shared by all connectors of the process.
/// Rejects with a sentence when `gateways` cannot be used.
#[napi(ts_args_type = "options: ConnectorOptions", ts_return_type = "Promise<SmsConnector>")]
pub fn create_connector<'env>(env: &'env Env, options: Unknown<'env>) -> napi::Result<Unknown<'env>> {
    let create = Standalone::of(env)?.create_connector.borrow_back(env)?;
    create.call(unbound(options))
}

/// Sends one message without Logto: a configuration in hand, no stored one to look up.
///
/// Resolves when SMS Aero accepted the message, and only then. Rejects within 8 seconds with an error that has `code`
/// (Logto's `ConnectorError` code) and `data` ({@link SendErrorData}, or a `ZodError` for `invalid_config`). Nothing is
/// ever sent twice. The error is the host's `ConnectorError` where `@logto/connector-kit` is installed, else one of
/// the same shape.
///
/// ```js
/// import { sendMessage } from 'connector-smsaero-native';
///
/// const receipt = await sendMessage({ to: '79001234567', type: 'SignIn', payload: { code: '123456' } }, config);
/// console.log(receipt.id, receipt.cost);
/// ```
#[napi(
    ts_args_type = "data: SendMessageData, config: SmsAeroConfig, options?: SendOptions",
    ts_return_type = "Promise<Receipt>"
)]
pub fn send_message<'env>(
    env: &'env Env,
    data: Unknown<'env>,
    config: Unknown<'env>,
    options: Unknown<'env>,
) -> napi::Result<Unknown<'env>> {
    let send = Standalone::of(env)?.send_message.borrow_back(env)?;
    send.call((unbound(data), unbound(config), unbound(options)).into())
}

/// Answers a question of the command line's, JSON for JSON, with the settings that messages are sent with.
#[napi(skip_typescript)]
pub fn diagnose<'env>(env: &'env Env, question: Unknown<'env>) -> napi::Result<Unknown<'env>> {
    Standalone::of(env)?.diagnose.borrow_back(env)?.call(unbound(question))
}

/// The connector without a host, for whoever loads the addon itself. One per environment, made when first used.
struct Standalone {
    create_connector: FunctionRef<Object<'static>, Unknown<'static>>,
    send_message: FunctionRef<FnArgs<(Object<'static>, Object<'static>, Object<'static>)>, Unknown<'static>>,
    diagnose: FunctionRef<Object<'static>, Unknown<'static>>,
}

impl Standalone {
    fn of(env: &Env) -> napi::Result<&Self> {
        if let Some(standalone) = env.get_instance_data::<Self>()? {
            return Ok(standalone);
        }
        let connector = bridge::open(env, Object::new(env)?)?;
        let standalone = Self {
            create_connector: connector.get_named_property_unchecked("createConnector")?,
            send_message: connector.get_named_property_unchecked("sendMessage")?,
            diagnose: connector.get_named_property_unchecked("diagnose")?,
        };
        env.set_instance_data(standalone, (), |_| ())?;
        env.get_instance_data()?
            .map(|standalone| &*standalone)
            .ok_or_else(|| napi::Error::from_reason("This environment keeps no data."))
    }
}

/// Hands a value to a function reference, whose type parameter cannot name the scope of a single call.
fn unbound<'a>(value: impl JsValue<'a> + Copy) -> Object<'static> {
    Object::from_raw(value.value().env, value.raw())
}
