//! Clients that mean harm, or are broken.

use crate::client::{get, post, raw, request};
use crate::desk::Desk;
use server::{About, Listen, ListenError, Mode, Publisher, Server, Tokens};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn a_forged_host_reaches_nothing() {
    let desk = Desk::open();
    for host in ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", ""] {
        let answer = request(desk.server.address, ("GET", "/v1/overview"), &[("Host", host)], None);
        assert_eq!(answer.status, 421, "{host}: {answer:?}");
    }
    let port = desk.server.address.port();
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("LOCALHOST:{port}")] {
        assert_eq!(
            request(desk.server.address, ("GET", "/health"), &[("Host", &host)], None).status,
            200,
            "{host}"
        );
    }
    let none = raw(desk.server.address, b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(none.status >= 400, "{none:?}");
}

#[test]
fn a_page_of_another_site_can_neither_post_nor_listen() {
    let desk = Desk::open();
    let bearer = format!("Bearer {}", desk.secrets.risk.reveal());
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "file://"] {
        let headers = [("Authorization", bearer.as_str()), ("Origin", origin)];
        let answer =
            request(desk.server.address, ("POST", "/v1/arming"), &headers, Some(r#"{"armed":false}"#));
        assert_eq!((answer.status, answer.code().as_str()), (403, "origin"), "{origin}");
        let socket = [
            ("Origin", origin),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        assert_eq!(request(desk.server.address, ("GET", "/v1/live"), &socket, None).status, 403, "{origin}");
    }
    let own = format!("http://{}", desk.server.address);
    let headers = [("Authorization", bearer.as_str()), ("Origin", own.as_str())];
    assert_eq!(
        request(desk.server.address, ("POST", "/v1/arming"), &headers, Some(r#"{"armed":false}"#)).status,
        200
    );
    assert!(get(desk.server.address, "/v1/overview").header("access-control-allow-origin").is_none());
}

#[test]
fn nothing_is_done_without_a_token() {
    let desk = Desk::open();
    let before = get(desk.server.address, "/v1/session").json()["last_record"].clone();
    for (path, body) in [
        ("/v1/proposals/P1.0/approve", r#"{"inputs":"","quantity":"1"}"#),
        ("/v1/proposals/P1.0/decline", r#"{"inputs":""}"#),
        ("/v1/state", r#"{"state":"paused"}"#),
        ("/v1/arming", r#"{"armed":true}"#),
        ("/v1/kill", r#"{"confirm":"KILL"}"#),
    ] {
        let bare = request(desk.server.address, ("POST", path), &[], Some(body));
        assert_eq!((bare.status, bare.code().as_str()), (401, "no_token"), "{path}");
        for token in ["Bearer ", "Bearer x", "Basic dG9tOg==", "Bearer \u{e9}"] {
            let answer =
                request(desk.server.address, ("POST", path), &[("Authorization", token)], Some(body));
            assert_eq!(answer.status, 401, "{path} with {token}");
        }
        // A token in the address is in logs and histories: it counts for nothing.
        let secret = desk.secrets.risk.reveal();
        assert_eq!(
            request(desk.server.address, ("POST", &format!("{path}?token={secret}")), &[], Some(body)).status,
            401
        );
    }
    assert_eq!(get(desk.server.address, "/v1/session").json()["last_record"], before);
}

#[test]
fn bodies_that_are_too_large_or_no_json_are_refused() {
    let desk = Desk::open();
    let large = format!("{{\"orders\":\"{}\"}}", "x".repeat(300 * 1024));
    assert_eq!(request(desk.server.address, ("POST", "/v1/whatif"), &[], Some(&large)).status, 413);
    let claims = raw(
        desk.server.address,
        format!("POST /v1/whatif HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n{{", desk.server.address).as_bytes(),
    );
    assert_eq!(claims.status, 413, "{claims:?}");
    for body in
        ["", "{", "[]", "null", "{\"orders\":5}", "{\"unknown\":1}", "{\"bump\":{\"spot_percent\":1e400}}"]
    {
        let answer = request(desk.server.address, ("POST", "/v1/whatif"), &[], Some(body));
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
    }
    let plain =
        request(desk.server.address, ("POST", "/v1/whatif"), &[("Content-Type", "text/plain")], Some("{}"));
    assert_eq!(plain.status, 415);
    let deep = format!("{{\"orders\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(request(desk.server.address, ("POST", "/v1/whatif"), &[], Some(&deep)).status, 422);
}

#[test]
fn paths_lead_nowhere_else() {
    let desk = Desk::open();
    for path in [
        "/../Cargo.toml",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/lib/../../Cargo.toml",
        "/index.html%00.js",
        "/\\..\\..\\x",
        "/v1/../../etc/passwd",
        "/v1/records/..%2f..%2f1",
        "/v1/%2e%2e",
    ] {
        let answer = get(desk.server.address, path);
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.body.contains("[workspace]") && !answer.body.contains("root:"), "{path}");
    }
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "POST"] {
        let answer = request(desk.server.address, (method, "/"), &[], None);
        assert_eq!(answer.status, 405, "{method}");
    }
}

#[test]
fn every_answer_tells_browsers_to_load_nothing_from_elsewhere() {
    let desk = Desk::open();
    for path in ["/", "/app.js", "/v1/overview", "/nothing", "/v1/nothing"] {
        let answer = get(desk.server.address, path);
        let csp = answer.header("content-security-policy").unwrap();
        assert!(
            csp.starts_with("default-src 'self'") && csp.contains("frame-ancestors 'none'"),
            "{path}: {csp}"
        );
        assert!(!csp.contains("unsafe-eval") && !csp.contains("script-src"), "{csp}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
    }
}

/// Who sends the head of a request byte by byte is let go; who fills the server with half requests does not keep others out.
#[test]
fn slow_clients_keep_nobody_out() {
    let desk = Desk::open();
    let mut slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(desk.server.address).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
            stream
        })
        .collect();
    // The client gives up after half a minute: that it is answered is the rule.
    assert_eq!(get(desk.server.address, "/health").status, 200);
    let mut first = slow.remove(0);
    first.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
    let mut answer = Vec::new();
    let ended = first.read_to_end(&mut answer);
    assert!(ended.is_ok(), "a client that never ends its head keeps its connection: {ended:?}");
}

#[test]
fn one_address_may_not_ask_without_end() {
    let desk = Desk::open();
    let answers: Vec<u16> = (0..1_200).map(|_| get(desk.server.address, "/health").status).collect();
    assert!(answers.contains(&429), "1,200 requests at once were all answered");
    assert_eq!(answers[0], 200);
}

#[test]
fn off_this_machine_it_starts_with_tls_and_tokens_or_not_at_all() {
    let publisher = Publisher::new();
    let listen =
        |tls| Listen { address: ([0, 0, 0, 0], 0).into(), hosts: vec![], tls, tokens: Tokens::default() };
    let about = || About { name: "test".into(), mode: Mode::Finished, speed: None };
    let past = || (None, crate::desk::genesis());
    let refused = Server::start(listen(None), about(), &publisher, past()).unwrap_err();
    assert!(matches!(refused, ListenError::NeedsTls { .. }), "{refused}");
    let files = server::TlsFiles { certificate: "none.pem".into(), key: "none.pem".into() };
    let refused = Server::start(listen(Some(files)), about(), &publisher, past()).unwrap_err();
    assert!(matches!(refused, ListenError::NeedsTokens { .. }), "{refused}");
}

#[test]
fn a_server_without_an_engine_refuses_to_act() {
    let mut publisher = Publisher::new();
    publisher.refuse_commands();
    let secret = server::Secret::random().unwrap();
    let tokens = Tokens::default().with("rita", server::Role::Risk, &secret);
    let listen = Listen { address: ([127, 0, 0, 1], 0).into(), hosts: vec![], tls: None, tokens };
    let about = About { name: "test".into(), mode: Mode::Finished, speed: None };
    let server = Server::start(listen, about, &publisher, (None, crate::desk::genesis())).unwrap();
    assert_eq!(get(server.address, "/v1/overview").status, 503);
    assert_eq!(get(server.address, "/ready").status, 503);
    let answer = post(server.address, "/v1/arming", &secret, r#"{"armed":true}"#);
    assert_eq!((answer.status, answer.code().as_str()), (503, "not_live"));
}
