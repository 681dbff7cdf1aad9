//! Whatever answers: nothing but a success is an acceptance, and no secret comes through.
#![no_main]

use arbitrary::Arbitrary;
use connector_smsaero_native::{
    redact::{Redactor, Secrets, WITHHELD},
    smsaero::reply::{ReplyError, message_status, parse_read_reply, parse_send_reply, rows, sender_names},
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Reply {
    status: u16,
    before: String,
    secret: String,
    after: String,
    cut: bool,
}

fuzz_target!(|reply: Reply| {
    let Reply { status, before, secret, after, cut } = reply;
    let body = format!("{before}{secret}{after}");
    match parse_send_reply(status, Some(body.as_bytes()), &secret) {
        Ok(_) | Err(ReplyError::Unreadable) => assert!((200..300).contains(&status)),
        Err(ReplyError::Refused(refusal)) => assert!((200..300).contains(&status) || refusal.message.is_some()),
    }
    if let Ok(data) = parse_read_reply(status, Some(body.as_bytes())) {
        assert!((200..300).contains(&status));
        // Whatever it is, it is read without a panic.
        drop((rows(&data), message_status(&data), sender_names(&data)));
    }
    let secrets = Secrets { api_key: secret.clone(), ..Secrets::default() };
    let redacted = Redactor::new(&secrets).redact(body, cut);
    // The sentence in its place may itself hold the secret.
    if secret.trim().chars().count() >= 4 && redacted != WITHHELD {
        assert!(!redacted.contains(&secret), "{redacted:?}");
    }
});
