//! The work of the core without sockets, for counting its instructions: `work NAME ROUNDS`.

use std::hint::black_box;

use connector_smsaero_native::{
    logto::config::Config,
    logto::template::Template,
    logto::utf16::Utf16,
    smsaero::reply::parse_send_reply,
    smsaero::request::{SendParams, body},
};
use serde_json::{Value, json};

const TYPES: [&str; 9] = [
    "SignIn",
    "Register",
    "ForgotPassword",
    "OrganizationInvitation",
    "Generic",
    "UserPermissionValidation",
    "BindNewIdentifier",
    "MfaVerification",
    "BindMfa",
];
const NUMBER: &str = "79001234567";
const CONTENT: &str = "Your Logto verification code is {{code}}. The code will remain active for 10 minutes.";
const ACCEPTED: &[u8] = concat!(
    r#"{"success":true,"data":{"id":100000001,"from":"SMS Aero","number":"79001234567","text":"Your code","#,
    r#""status":8,"extendStatus":"moderation","channel":"FREE SIGN","cost":5.49,"dateCreate":1760000000,"#,
    r#""dateSend":1760000000},"message":null}"#,
)
.as_bytes();
const REFUSED: &[u8] =
    br#"{"success":false,"data":{"number":["required"],"sign":["unknown"]},"message":"Validation error."}"#;

/// The work that can be asked for.
const NAMES: [&str; 6] = ["guard-valid", "guard-invalid", "render", "request", "judge-accepted", "judge-refused"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    if name.is_empty() {
        println!("{}", NAMES.join("\n"));
        return Ok(());
    }
    let rounds = arguments.next().ok_or("how many rounds?")?.parse()?;
    match name.as_str() {
        "guard-valid" => guard(&config(), rounds),
        "guard-invalid" => {
            let mut config = config();
            config["email"] = json!("owner at example");
            config["apiKey"] = Value::Null;
            config["templates"][3]["content"] = json!(7);
            guard(&config, rounds);
        }
        "render" => {
            let template = Template::new(Utf16::from("SignIn"), Utf16::from(CONTENT), None);
            let values = [Some(Utf16::from("482913"))];
            repeat(rounds, || black_box(&template).render(black_box(&values)));
        }
        "request" => {
            let params = SendParams { number: NUMBER, sign: "SMSAero", text: CONTENT };
            repeat(rounds, || body(black_box(&params)));
        }
        "judge-accepted" => repeat(rounds, || parse_send_reply(200, black_box(Some(ACCEPTED)), NUMBER)),
        "judge-refused" => repeat(rounds, || parse_send_reply(400, black_box(Some(REFUSED)), NUMBER)),
        _ => return Err("no such work".into()),
    }
    Ok(())
}

fn repeat<T>(rounds: usize, work: impl Fn() -> T) {
    for _ in 0..rounds {
        black_box(work());
    }
}

fn guard(config: &Value, rounds: usize) {
    repeat(rounds, || Config::parse(black_box(&Some(config))));
}

fn config() -> Value {
    let templates = TYPES.map(|usage_type| json!({ "usageType": usage_type, "content": CONTENT }));
    json!({
        "email": "owner@example.com",
        "apiKey": "key-of-the-account",
        "senderName": "SMSAero",
        "templates": templates,
    })
}
