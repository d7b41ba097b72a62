//! `plimsoll alert test`: each channel tried once; over TLS, too.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::receiver::{Receiver, YES, read};
use crate::support::Scratch;
use crate::{go, route};
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_test_is_marked_and_says_what_came_of_it() {
    let scratch = Scratch::empty();
    let receiver = Receiver::new(|_| YES);
    let gone = Receiver::new(|_| ("410 Gone", Duration::ZERO));
    let other = format!(
        "[[channel]]\nname = \"other\"\nseverity = \"info\"\nwebhook = {{ url = \"http://{}/x\" }}",
        gone.address
    );
    route(&scratch, receiver.address, &other);
    let ran = go(&scratch, "alert test alerts.toml");
    assert_eq!((ran.code, ran.err.as_str()), (6, ""));
    assert!(
        ran.out.contains("desk: webhook to http://127.0.0.1:") && ran.out.contains("test       arrived"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("test       failed: the answer is 410 Gone"), "{}", ran.out);
    let got = receiver.got()[0].json();
    assert_eq!((&got["test"], &got["kind"], &got["id"]), (&true.into(), &"test".into(), &"test".into()));
    // One alone, and one that is not there.
    assert_eq!(go(&scratch, "alert test alerts.toml --channel desk").code, 0);
    assert_eq!(gone.got().len(), 1);
    go(&scratch, "alert test alerts.toml --channel dusk")
        .refuses(2, &["--channel dusk: the file has desk, other"]);
}

#[test]
fn a_dry_run_sends_nothing_and_warns_of_unknown_rules() {
    let scratch = Scratch::empty();
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "rules = [\"high\", \"low\"]");
    scratch.write("policy.toml", crate::POLICY);
    let ran = go(&scratch, "alert test alerts.toml --dry-run --policy policy.toml");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("warning: channel desk waits for the rule 'low', which policy.toml does not have"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("'high'"), "{}", ran.out);
    assert_eq!(receiver.got().len(), 0);
    // A run says it at its start.
    let desk = crate::desk(1);
    route(&desk, receiver.address, "rules = [\"low\"]");
    let ran = go(&desk, "run run.toml");
    assert!(ran.err.contains("channel desk waits for the rule 'low'"), "{}", ran.err);
}

#[test]
fn mistakes_are_told_at_once_and_nothing_is_sent() {
    let scratch = Scratch::empty();
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "retries = 3\n[[channel]]\nname = \"X\"");
    go(&scratch, "alert test alerts.toml").refuses(
        3,
        &[
            "the file of routes has 4 mistakes",
            "row 1, retries: is no key here",
            "row 2, name = 'X'",
            "row 2, severity",
            "row 2, webhook",
        ],
    );
    go(&scratch, "alert test nowhere.toml").refuses(3, &["nowhere.toml: cannot read"]);
    assert_eq!(receiver.got().len(), 0);
}

#[test]
fn schemas_are_on_record_and_documented() {
    let scratch = crate::desk(12);
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "most_per_minute = 1");
    assert_eq!(go(&scratch, "run run.toml").code, 0);
    let alerts: Vec<serde_json::Value> = receiver.got().iter().map(crate::receiver::Got::json).collect();
    assert_on_record("tests/alerts/alert_json_schema.txt", &paths(&alerts, &["folded.kinds"]));
    let gone = Receiver::new(|_| ("410 Gone", Duration::ZERO));
    route(&scratch, gone.address, "kinds = [\"alert\"]\nrules = [\"high\", \"low\"]");
    let tested = go(&scratch, "alert test alerts.toml --policy policy.toml --format json").json();
    assert_on_record("tests/alerts/alert_test_json_schema.txt", &paths(&[tested], &[]));
    for record in ["tests/alerts/alert_json_schema.txt", "tests/alerts/alert_test_json_schema.txt"] {
        assert_documented(record, "## 21. Routes of alerts");
    }
}

/// A receiver with a certificate of its own making.
fn over_tls(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>) -> std::net::SocketAddr {
    let key = rustls::pki_types::PrivateKeyDer::try_from(certificate.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            if read(&mut stream).is_some() {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    address
}

#[test]
fn https_is_verified_by_the_certificates_of_this_machine() {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let address = over_tls(&certificate);
    let scratch = Scratch::empty();
    scratch.write("trusted.pem", certificate.cert.pem());
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    scratch.write("stranger.pem", stranger.cert.pem());
    scratch.write("empty.pem", "");
    scratch.write(
        "alerts.toml",
        format!("[[channel]]\nname = \"desk\"\nseverity = \"act\"\nwebhook = {{ url = \"https://localhost:{}/hook\" }}\n", address.port()),
    );
    let tested = |roots: &str| {
        let mut command = scratch.command(&["alert", "test", "alerts.toml"]);
        let output = command.env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR").output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = tested("trusted.pem");
    assert_eq!(code, 0, "{text}");
    let (code, text) = tested("stranger.pem");
    assert!(code == 6 && text.contains("failed: TLS: invalid peer certificate"), "{text}");
    let (code, text) = tested("empty.pem");
    assert!(code == 6 && text.contains("no root certificates"), "{text}");
}
