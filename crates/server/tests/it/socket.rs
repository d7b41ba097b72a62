//! The WebSocket: one whole, then changes, in order; gaps, restarts, slow and hostile clients.

use crate::client::{get, post};
use crate::desk::Desk;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

fn connect(desk: &Desk) -> Socket {
    let (socket, _) = tungstenite::connect(format!("ws://{}/v1/live", desk.server.address)).unwrap();
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    socket
}

fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::Text(message.to_string().into())).unwrap();
}

#[test]
fn a_snapshot_and_its_changes_make_what_rest_says() {
    let desk = Desk::open();
    let mut socket = connect(&desk);
    assert_eq!(next(&mut socket)["hello"]["schema"], "plimsoll.live/1");
    say(&mut socket, &json!({"subscribe": {"id": 7, "view": "proposals"}}));
    let first = next(&mut socket);
    let mut envelope = first["snapshot"]["envelope"].clone();
    let mut number = first["snapshot"]["n"].as_u64().unwrap();
    assert_eq!(envelope["data"]["open"].as_array().unwrap().len(), 1, "{first}");
    assert_eq!(post(desk.server.address, "/v1/arming", &desk.secrets.risk, r#"{"armed":false}"#).status, 200);
    while envelope["data"]["is_armed"] != false {
        let delta = next(&mut socket);
        number += 1;
        assert_eq!((&delta["delta"]["id"], &delta["delta"]["n"]), (&json!(7), &json!(number)), "{delta}");
        let patch: json_patch::Patch = serde_json::from_value(delta["delta"]["patch"].clone()).unwrap();
        json_patch::patch(&mut envelope, &patch).unwrap();
    }
    let rest = get(desk.server.address, "/v1/proposals").json();
    for key in ["data", "record", "head", "stale", "partial"] {
        assert_eq!(envelope[key], rest[key], "{key}");
    }
    say(&mut socket, &json!({"resync": {"id": 7}}));
    assert_eq!(next(&mut socket)["snapshot"]["envelope"]["data"], rest["data"]);
    say(&mut socket, &json!({"ping": 41}));
    assert_eq!(next(&mut socket), json!({"pong": 41}));
}

#[test]
fn every_view_can_be_watched() {
    let desk = Desk::open();
    let session = get(desk.server.address, "/v1/session").json();
    let mut socket = connect(&desk);
    next(&mut socket);
    for (id, view) in session["views"].as_array().unwrap().iter().enumerate() {
        say(&mut socket, &json!({"subscribe": {"id": id, "view": view}}));
        let answer = next(&mut socket);
        assert_eq!(answer["snapshot"]["envelope"]["view"], *view, "{answer}");
        say(&mut socket, &json!({"unsubscribe": {"id": id}}));
    }
}

#[test]
fn what_is_not_understood_is_answered_and_the_socket_goes_on() {
    let desk = Desk::open();
    let mut socket = connect(&desk);
    next(&mut socket);
    for text in [
        "",
        "{",
        "null",
        "[]",
        "{\"subscribe\":{}}",
        "{\"shout\":1}",
        "{\"ping\":-1}",
        "{\"subscribe\":{\"id\":1,\"view\":\"none\"}}",
        "{\"subscribe\":{\"id\":1,\"view\":\"exposure\",\"params\":{\"colour\":\"red\"}}}",
        "{\"resync\":{\"id\":99}}",
    ] {
        socket.send(Message::Text(text.into())).unwrap();
        assert!(next(&mut socket)["error"]["message"].is_string(), "{text}");
    }
    for id in 0..70 {
        say(&mut socket, &json!({"subscribe": {"id": 1000 + id, "view": "policy"}}));
    }
    let answers: Vec<Value> = (0..70).map(|_| next(&mut socket)).collect();
    let refused = answers.iter().filter(|answer| answer["error"]["code"] == "too_many").count();
    assert_eq!(refused, 6, "64 subscriptions are the most");
}

/// A connection that has become a WebSocket, for bytes that no library would send.
fn handshaken(desk: &Desk) -> TcpStream {
    let mut stream = TcpStream::connect(desk.server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let text = format!(
        "GET /v1/live HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        desk.server.address
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

#[test]
fn malformed_frames_end_their_socket_and_nothing_else() {
    let desk = Desk::open();
    let frames: [&[u8]; 7] = [
        b"\x81\x05hello",                                              // not masked
        b"\xf1\x85\x01\x02\x03\x04hello",                              // reserved bits
        b"\x83\x80\x01\x02\x03\x04",                                   // an opcode that there is none of
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",           // 2^64 bytes
        b"\x81\xfe\xff\xff\0\0\0\0",                                   // more than a message may have
        b"\x81\x82\0\0\0\0\xff\xfe",                                   // no UTF-8
        &[b"\x89\xfe\x01\x00\0\0\0\0".as_slice(), &[0; 256]].concat(), // a ping of 256 bytes
    ];
    for frame in frames {
        let mut stream = handshaken(&desk);
        drop(stream.write_all(frame));
        let mut rest = Vec::new();
        // Closed with or without a word: what matters is that it ends.
        let ended = stream.read_to_end(&mut rest);
        let is_over = ended.is_ok() || ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(is_over, "{frame:?} keeps its socket");
    }
    assert_eq!(get(desk.server.address, "/health").status, 200);
}

#[test]
fn a_client_that_does_not_read_misses_updates_and_holds_up_nobody() {
    let desk = Desk::open();
    let mut idle = connect(&desk);
    for id in 0..40 {
        say(&mut idle, &json!({"subscribe": {"id": id, "view": "positions"}}));
    }
    let mut socket = connect(&desk);
    next(&mut socket);
    say(&mut socket, &json!({"subscribe": {"id": 1, "view": "proposals"}}));
    let mut seen = next(&mut socket)["snapshot"]["n"].as_u64().unwrap();
    for round in 0..6 {
        let body = format!("{{\"armed\":{}}}", round % 2 == 1);
        assert_eq!(post(desk.server.address, "/v1/arming", &desk.secrets.risk, &body).status, 200);
        let update = next(&mut socket);
        let number = update["delta"]["n"].as_u64().or(update["snapshot"]["n"].as_u64()).unwrap();
        assert!(number > seen, "{update}");
        seen = number;
    }
}
