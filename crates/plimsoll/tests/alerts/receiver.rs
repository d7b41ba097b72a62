//! A receiver of webhooks on this machine: it keeps what it gets, and answers as it is told.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    /// Method and path.
    pub(crate) asks: String,
    /// Names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().expect("an id").to_owned()
    }
}

/// What it says to the request of this number, from 0: status line and further headers, after a time.
pub(crate) type Answer = (&'static str, Duration);

pub(crate) const YES: Answer = ("200 OK", Duration::ZERO);

/// Listens until the test is over.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    pub(crate) fn new(answer: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), answer)
    }

    pub(crate) fn at(address: SocketAddr, answer: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let got = Arc::new(Mutex::new(Vec::new()));
        let keeps = got.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&mut stream) else { continue };
                let number = {
                    let mut kept = keeps.lock().unwrap();
                    kept.push(request);
                    kept.len() - 1
                };
                let (says, after) = answer(number);
                std::thread::sleep(after);
                // It may have gone away by now.
                let _ = write!(stream, "HTTP/1.1 {says}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Self { address, got }
    }

    /// An address of which nobody is at home.
    pub(crate) fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.got().iter().map(Got::id).collect()
    }
}

/// A request, whole; none when the other end has gone.
pub(crate) fn read(stream: &mut impl Read) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let line = |reader: &mut BufReader<_>| {
        let mut text = String::new();
        reader.read_line(&mut text).ok().filter(|bytes| *bytes > 0)?;
        Some(text.trim_end().to_owned())
    };
    let asks = line(&mut reader)?.trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let text = line(&mut reader)?;
        let Some((name, value)) = text.split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Got { asks, headers, text: String::from_utf8(body).unwrap() })
}
