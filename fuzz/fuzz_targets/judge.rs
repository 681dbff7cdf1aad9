//! Whatever answers: nothing but a success is an acceptance, and no secret comes through.
#![no_main]

use arbitrary::Arbitrary;
use connector_smsaero_native::{
    redact::{Redactor, Secrets, WITHHELD},
    smsaero::gateway::{Judgement, judge},
    smsaero::reading::{self, Reading},
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
    match judge(status, body.as_bytes()) {
        Judgement::Accepted(_) => assert!((200..300).contains(&status)),
        Judgement::Refused(refusal) => assert!((200..300).contains(&status) || refusal.message.is_some()),
        Judgement::NotAReply => assert!((200..300).contains(&status)),
    }
    if let Reading::Data(data) = reading::judge(status, body.as_bytes()) {
        assert!((200..300).contains(&status));
        // Whatever it is, it is read without a panic.
        drop((reading::rows(&data), reading::message_status(&data), reading::sender_names(&data)));
    }
    let secrets = Secrets { api_key: secret.clone(), ..Secrets::default() };
    let redacted = Redactor::new(&secrets).redact(body, cut);
    // The sentence in its place may itself hold the secret.
    if secret.trim().chars().count() >= 4 && redacted != WITHHELD {
        assert!(!redacted.contains(&secret), "{redacted:?}");
    }
});
