//! A message from configuration to outcome, against a real socket, without Node.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong is to fail loudly"
)]

mod support;

use connector_smsaero_native::{
    error::ErrorKind,
    net::transport::Transport,
    redact::WITHHELD,
    smsaero::{reason::Reason, segment::MOST_CHARACTERS},
};
use serde_json::json;
use support::{ACCEPTED, Answer, Server, deaf, list, message, refused, row, send};
use tokio::task::JoinSet;

#[tokio::test]
async fn an_accepted_message_has_a_receipt_and_the_wire_is_the_official_one() {
    let server = Server::start(&[ACCEPTED]).await;
    let delivered = send(&Transport::local(), &[server.gateway()]).await.unwrap();
    assert_eq!((delivered.accepted.id, delivered.accepted.status), (7, Some(8)));

    let requests = server.requests().await;
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v2/sms/send HTTP/1.1\r\n"), "{head}");
    for header in ["authorization: Basic YUBiLmNvOmtleTEyMzQ1", "content-type: application/json", "content-length: 64"]
    {
        assert!(head.lines().any(|line| line == header), "{header} in {head}");
    }
    assert_eq!(body, r#"{"number":"79001234567","sign":"SMS Aero","text":"482913 it is"}"#);
}

#[test]
fn a_text_may_have_a_hundred_thousand_characters_and_no_more() {
    let code = "1".repeat(MOST_CHARACTERS - " it is".len());
    assert!(message(&code).is_ok());
    let error = message(&format!("{code}1")).err().unwrap();
    assert_eq!((error.code(), error.reason()), ("general", Some(Reason::Validation)));
    assert!(error.message().contains("longer than 100000 characters. Nothing was sent."), "{error}");
    assert!(error.description().contains("Check the template"), "{}", error.description());
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_message() {
    let server = Server::start(&[ACCEPTED, ACCEPTED]).await;
    let transport = Transport::local();
    for _ in 0..2 {
        send(&transport, &[server.gateway()]).await.unwrap();
    }
    assert_eq!(server.requests().await.len(), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_does_no_harm() {
    let Answer::Bytes(accepted) = ACCEPTED else { unreachable!() };
    let answers = Box::leak(Box::new([Answer::Last(accepted), Answer::Last(accepted)]));
    let server = Server::start(answers).await;
    let transport = Transport::local();
    for _ in 0..2 {
        send(&transport, &[server.gateway()]).await.unwrap();
    }
    assert_eq!(server.requests().await.len(), 2);
}

#[tokio::test]
async fn the_next_gateway_takes_over_before_a_byte_has_left() {
    let server = Server::start(&[ACCEPTED]).await;
    let delivered = send(&Transport::local(), &[deaf().await, server.gateway()]).await.unwrap();
    assert_eq!(delivered.gateway, server.gateway().to_string());
}

#[tokio::test]
async fn a_dead_gateway_is_asked_last_the_next_time() {
    let server = Server::start(&[ACCEPTED, ACCEPTED]).await;
    let transport = Transport::local();
    let gateways = [deaf().await, server.gateway()];
    send(&transport, &gateways).await.unwrap();
    assert_eq!(transport.health.order(&gateways), [&gateways[1], &gateways[0]]);
    send(&transport, &gateways).await.unwrap();
}

#[tokio::test]
async fn no_other_gateway_is_tried_after_the_request_has_left() {
    for lost in
        [&[Answer::Silence], &[Answer::Last("")], &[Answer::Last("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{")]]
    {
        let first = Server::start(lost).await;
        let second = Server::start(&[]).await;
        let error = send(&Transport::local(), &[first.gateway(), second.gateway()]).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::UnknownOutcome));
        assert_eq!((first.requests().await.len(), second.requests().await.len()), (1, 0));
    }
}

const LOST: [Answer; 3] =
    [Answer::Silence, Answer::Last(""), Answer::Last("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")];

#[tokio::test]
async fn the_list_tells_what_became_of_a_message_without_a_reply() {
    for lost in LOST {
        let server = Server::start(vec![lost].leak()).await;
        server.answer_list(list(&json!({ "0": row(7, 0), "totalCount": "1" }))).await;
        let receipt = send(&Transport::local(), &[server.gateway()]).await.unwrap();
        assert_eq!((receipt.accepted.id, receipt.gateway), (7, server.gateway().to_string()), "{lost:?}");
        assert_eq!(server.requests().await.len(), 1);

        let server = Server::start(vec![lost].leak()).await;
        server.answer_list(list(&json!([row(7, 6)]))).await;
        let error = send(&Transport::local(), &[server.gateway()]).await.unwrap_err();
        assert_eq!((error.reason(), error.status()), (Some(Reason::Rejected), None), "{lost:?}");
    }
}

#[tokio::test]
async fn a_list_without_proof_changes_nothing() {
    let old = {
        let mut row = row(7, 0);
        row["dateCreate"] = json!(1_700_000_000);
        row
    };
    let [other_text, other_number] =
        [("text", json!("482913 it is.")), ("number", json!(79_001_234_568_u64))].map(|(key, value)| {
            let mut row = row(7, 0);
            row[key] = value;
            row
        });
    let mut lists = [json!([]), json!([old]), json!([other_text]), json!([other_number]), json!("none")]
        .map(|rows| list(&rows))
        .to_vec();
    // Without the provider's clock nobody knows how old a row is.
    lists.push(list(&json!([row(7, 0)])).replace("date:", "x-date:"));
    lists.push("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>".to_owned());
    // Each takes until its deadline.
    let mut sends = JoinSet::new();
    for reply in lists {
        sends.spawn(async move {
            let server = Server::start(&[Answer::Last("")]).await;
            server.answer_list(reply.clone()).await;
            let error = send(&Transport::local(), &[server.gateway()]).await.unwrap_err();
            assert_eq!(error.reason(), Some(Reason::UnknownOutcome), "{reply}");
            assert_eq!(server.requests().await.len(), 1);
        });
    }
    while let Some(send) = sends.join_next().await {
        send.unwrap();
    }
}

#[tokio::test]
async fn a_refusal_stands_though_its_body_breaks_off() {
    let server = Server::start(&[Answer::Last("HTTP/1.1 503 Busy\r\ncontent-length: 90\r\n\r\nhalf of 4829")]).await;
    let error = send(&Transport::local(), &[server.gateway()]).await.unwrap_err();
    assert_eq!((error.reason(), error.status()), (Some(Reason::Unavailable), Some(503)));
    assert_eq!(error.message(), WITHHELD);
}

#[tokio::test]
async fn no_part_of_a_refusal_that_repeats_a_value_is_shown() {
    const TOKEN: &str = "Zt9-oneTimeToken";
    let link = format!("https://shop.example/?token={TOKEN}");
    for (status, body) in [
        (400, json!({ "success": false, "data": { "text": [format!("no links: {link}")] }, "message": "Error." })),
        (403, json!({ "success": false, "data": null, "message": format!("Forbidden link {link}") })),
        (200, json!({ "success": false, "data": null, "message": "stop word: OneTimeToken" })),
        (409, json!({ "success": false, "data": link, "message": TOKEN })),
        (502, json!(format!("<p>blocked: {link}</p>"))),
    ] {
        let error = refused(&link, status, &body.to_string()).await;
        assert!(error.message().starts_with(WITHHELD), "{error}");
        for shown in [error.message(), error.description(), format!("{error:?}")] {
            assert!(!shown.to_lowercase().contains("onetimetoken"), "{shown}");
            assert!(!shown.contains("()") && !shown.contains(", )"), "{shown}");
        }
    }
}

#[tokio::test]
async fn only_words_are_withheld_where_a_harmless_value_is_in_a_reply_by_chance() {
    let refusal = |words: &str| json!({ "success": false, "data": { "sign": ["required"] }, "message": words });
    for (value, status, words, reason, description) in [
        (
            "Message",
            402,
            "No funds",
            Reason::NoMoney,
            "Top up the balance in the dashboard. (HTTP 402, its words: No funds)",
        ),
        ("Message", 402, "No message", Reason::NoMoney, "Top up the balance in the dashboard. (HTTP 402)"),
        (
            "Message",
            400,
            "Validation error.",
            Reason::Validation,
            "(HTTP 400): the field senderName (required): use a name",
        ),
        ("Required", 400, "Validation error.", Reason::Validation, "(HTTP 400): the field senderName: use a name"),
    ] {
        let error = refused(value, status, &refusal(words).to_string()).await;
        assert_eq!((error.reason(), error.status()), (Some(reason), Some(status)));
        assert!(error.description().contains(description), "{}", error.description());
        let own = if words.contains("message") { String::new() } else { format!(" Its words: {words}") };
        assert_eq!(error.message(), format!("{WITHHELD}{own}"));
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let gateways = [deaf().await, deaf().await];
    let error = send(&Transport::local(), &gateways).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::Unreachable));
    let ErrorKind::NoConnection(failures) = error.kind() else { panic!("{error:?}") };
    assert_eq!(failures.len(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server =
        Server::start(&[Answer::Bytes("HTTP/1.1 307 There\r\nlocation: /\r\ncontent-length: 0\r\n\r\n")]).await;
    let error = send(&Transport::local(), &[server.gateway()]).await.unwrap_err();
    assert_eq!((error.reason(), error.status()), (Some(Reason::BadResponse), Some(307)));
    assert_eq!(server.requests().await.len(), 1);
}
