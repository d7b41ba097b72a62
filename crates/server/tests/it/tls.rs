//! Off loopback: TLS that browsers speak, and nothing to see without a token.

use crate::client::Answer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use server::{About, Listen, Mode, Publisher, Role, Secret, Server, TlsFiles, Tokens};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// A client that offers what browsers offer.
fn get(port: u16, certificate: &str, headers: &str) -> Answer {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", port)).unwrap());
    let text =
        format!("GET /v1/session HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    let mut all = Vec::new();
    // A server that closes without a last word of TLS has said what it had to say.
    drop(stream.read_to_end(&mut all));
    assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
    let text = String::from_utf8(all).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A port that nobody has: the names that a server is reached by have it in them, so it must be known before.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn a_browser_is_served_over_tls_and_sees_nothing_without_a_token() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = crate::desk::Folder::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let files = TlsFiles { certificate: folder.0.join("chain.pem"), key: folder.0.join("key.pem") };
    std::fs::write(&files.certificate, &certificate).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let secret = Secret::random().unwrap();
    let port = free_port();
    let listen = Listen {
        address: SocketAddr::from(([0, 0, 0, 0], port)),
        hosts: vec![format!("localhost:{port}")],
        tls: Some(files),
        tokens: Tokens::default().with("vera", Role::Viewer, &secret),
    };
    let about = About { name: "test".into(), mode: Mode::Finished, speed: None };
    let publisher = Publisher::new();
    let server = Server::start(listen, about, &publisher, (None, crate::desk::genesis())).unwrap();
    assert_eq!(server.scheme, "https");
    let bare = get(port, &certificate, "");
    assert_eq!((bare.status, bare.code().as_str()), (401, "no_token"));
    let shown = get(port, &certificate, &format!("Authorization: Bearer {}\r\n", secret.reveal()));
    assert_eq!(shown.status, 200, "{shown:?}");
    assert_eq!(shown.json()["who"], "vera");
}
