//! The thin room where the connector meets Node.

mod connector;
mod outbox;
mod runtime;
mod value;

use napi::{
    Env,
    bindgen_prelude::{FnArgs, FunctionRef, JsObjectValue, Object, Unknown},
};
use napi_derive::napi;

use self::value::unbound;

/// Binds the connector to the host's `ConnectorError` and `ZodError`; what is missing has a stand-in of the same shape.
/// For `lib/index.js`.
#[napi(skip_typescript)]
pub fn open<'env>(env: &'env Env, host: Object<'_>) -> napi::Result<Object<'env>> {
    connector::open(env, host)
}

/// Makes the connector that Logto loads.
#[napi(ts_args_type = "options: ConnectorOptions", ts_return_type = "Promise<SmsConnector>")]
pub fn create_connector<'env>(env: &'env Env, options: Unknown<'env>) -> napi::Result<Unknown<'env>> {
    let create = Alone::of(env)?.create_connector.borrow_back(env)?;
    create.call(unbound(options))
}

/// Sends one message.
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
    let send = Alone::of(env)?.send_message.borrow_back(env)?;
    send.call((unbound(data), unbound(config), unbound(options)).into())
}

/// The connector without a host, for whoever loads the addon itself. One an environment, made when first used.
struct Alone {
    create_connector: FunctionRef<Object<'static>, Unknown<'static>>,
    send_message: FunctionRef<FnArgs<(Object<'static>, Object<'static>, Object<'static>)>, Unknown<'static>>,
}

impl Alone {
    fn of(env: &Env) -> napi::Result<&Self> {
        if let Some(alone) = env.get_instance_data::<Self>()? {
            return Ok(alone);
        }
        let face = connector::open(env, Object::new(env)?)?;
        let alone = Self {
            create_connector: face.get_named_property_unchecked("createConnector")?,
            send_message: face.get_named_property_unchecked("sendMessage")?,
        };
        env.set_instance_data(alone, (), |_| ())?;
        env.get_instance_data()?.map(|alone| &*alone).ok_or_else(|| napi::Error::from_reason("No memory of this environment."))
    }
}
