//! The Node addon: converts values, calls the core and settles promises. It decides nothing.
#![expect(clippy::trivially_copy_pass_by_ref, reason = "napi ties the scope of values to a borrowed Env")]

mod bridge;
mod completions;
mod plain;
mod request;
mod runtime;
mod snapshot;
mod types;

use napi::{
    Env, JsValue,
    bindgen_prelude::{Function, JsObjectValue, JsValuesTupleIntoVec, Object, ObjectRef, Unknown},
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
/// Costs microseconds (the first function of the package that a process calls: 2 ms more) and keeps no state of its own;
/// connections are shared by all connectors of the process.
/// Rejects with a sentence when `gateways` cannot be used.
#[napi(ts_args_type = "options: ConnectorOptions", ts_return_type = "Promise<SmsConnector>")]
pub fn create_connector<'env>(env: &'env Env, options: Unknown<'env>) -> napi::Result<Unknown<'env>> {
    Standalone::call(env, "createConnector", [options])
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
    Standalone::call(env, "sendMessage", [data, config, options])
}

/// Sends one text without Logto and without templates.
///
/// Resolves and rejects as `sendMessage` does. `senderName` is by default the name that all customers of SMS Aero share;
/// with `testMode` nothing is sent or charged. A whole configuration will do as the account.
///
/// ```js
/// import { sendText } from 'connector-smsaero-native';
///
/// const account = { email: 'owner@example.com', apiKey: process.env.SMSAERO_API_KEY, senderName: 'Shop' };
/// const { id } = await sendText({ to: '79001234567', text: 'Your parcel is here.' }, account);
/// ```
#[napi(
    ts_args_type = "message: TextMessage, account: SmsAeroAccount, options?: SendOptions",
    ts_return_type = "Promise<Receipt>"
)]
pub fn send_text<'env>(
    env: &'env Env,
    message: Unknown<'env>,
    account: Unknown<'env>,
    options: Unknown<'env>,
) -> napi::Result<Unknown<'env>> {
    Standalone::call(env, "sendText", [message, account, options])
}

/// Asks SMS Aero what became of a message, by the `id` of its receipt. One of a test message needs `testMode`. An id beyond
/// `Number.MAX_SAFE_INTEGER` is a string of digits or a bigint.
///
/// Rejects within 8 seconds, as the other functions that only ask do; they try every gateway, since asking has no side effect.
#[napi(
    ts_args_type = "id: number | string | bigint, account: SmsAeroAccount, options?: SendOptions",
    ts_return_type = "Promise<MessageStatus>"
)]
pub fn get_status<'env>(
    env: &'env Env,
    id: Unknown<'env>,
    account: Unknown<'env>,
    options: Unknown<'env>,
) -> napi::Result<Unknown<'env>> {
    Standalone::call(env, "getStatus", [id, account, options])
}

/// Asks SMS Aero for the balance, in the account's currency.
#[napi(ts_args_type = "account: SmsAeroAccount, options?: SendOptions", ts_return_type = "Promise<number>")]
pub fn get_balance<'env>(
    env: &'env Env,
    account: Unknown<'env>,
    options: Unknown<'env>,
) -> napi::Result<Unknown<'env>> {
    Standalone::call(env, "getBalance", [account, options])
}

/// Asks SMS Aero for the account's sender names, all pages of them.
#[napi(ts_args_type = "account: SmsAeroAccount, options?: SendOptions", ts_return_type = "Promise<SenderName[]>")]
pub fn list_sender_names<'env>(
    env: &'env Env,
    account: Unknown<'env>,
    options: Unknown<'env>,
) -> napi::Result<Unknown<'env>> {
    Standalone::call(env, "listSenderNames", [account, options])
}

/// Answers a question of the command line's, JSON for JSON, with the settings that messages are sent with.
#[napi(skip_typescript)]
pub fn diagnose<'env>(env: &'env Env, question: Unknown<'env>) -> napi::Result<Unknown<'env>> {
    Standalone::call(env, "diagnose", [question])
}

/// The connector without a host, for whoever loads the addon itself. One per environment, made when first used.
struct Standalone(ObjectRef<false>);

impl Standalone {
    fn call<'env, const N: usize>(
        env: &'env Env,
        name: &str,
        arguments: [Unknown<'env>; N],
    ) -> napi::Result<Unknown<'env>> {
        let function: Function<'_, Arguments<'_, N>, Unknown<'_>> =
            Self::of(env)?.0.get_value(env)?.get_named_property_unchecked(name)?;
        function.call(Arguments(arguments))
    }

    fn of(env: &Env) -> napi::Result<&Self> {
        if let Some(standalone) = env.get_instance_data::<Self>()? {
            return Ok(standalone);
        }
        let connector = bridge::open(env, Object::new(env)?)?;
        env.set_instance_data(Self(connector.create_ref()?), (), |_| ())?;
        env.get_instance_data()?
            .map(|standalone| &*standalone)
            .ok_or_else(|| napi::Error::from_reason("This environment keeps no data."))
    }
}

/// Values as they came, for a function that reads them itself.
struct Arguments<'env, const N: usize>([Unknown<'env>; N]);

impl<const N: usize> JsValuesTupleIntoVec for Arguments<'_, N> {
    fn into_vec(self, _: napi::sys::napi_env) -> napi::Result<Vec<napi::sys::napi_value>> {
        Ok(self.0.iter().map(JsValue::raw).collect())
    }
}
