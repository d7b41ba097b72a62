//! The page and its files, from the program itself: no file beside it is needed.

use super::ApiError;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "../../web/"]
#[exclude = "tests/*"]
#[exclude = "vendor/*.md"]
struct Web;

/// A file, packed once.
struct Packed {
    plain: Vec<u8>,
    gzip: Vec<u8>,
    /// Hash of the content: a browser asks whether its copy is still right.
    tag: String,
    kind: String,
}

static FILES: LazyLock<BTreeMap<String, Packed>> = LazyLock::new(|| {
    let files = Web::iter().filter_map(|name| {
        let file = Web::get(&name)?;
        let plain = file.data.to_vec();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain).ok()?;
        let packed = Packed {
            gzip: encoder.finish().ok()?,
            tag: format!("\"{}\"", blake3::hash(&plain).to_hex()),
            kind: file.metadata.mimetype().to_owned(),
            plain,
        };
        Some((name.to_string(), packed))
    });
    files.collect()
});

/// A file of the page, or the page itself.
pub(crate) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        let hint = "GET /v1/openapi.json lists what may be posted";
        return ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method", "files are read only", hint)
            .into_response();
    }
    let name = uri.path().trim_start_matches('/');
    let name = if name.is_empty() { "index.html" } else { name };
    // Names are looked up in a table that the program carries: a path leads nowhere else.
    let Some(file) = FILES.get(name) else {
        let message = format!("{} is not there", uri.path().chars().take(200).collect::<String>());
        let hint = "the page is at /, the API under /v1, its document at /v1/openapi.json";
        return ApiError::new(StatusCode::NOT_FOUND, "not_found", message, hint).into_response();
    };
    let says = |name: header::HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let mut response = if says(header::IF_NONE_MATCH).contains(&file.tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if says(header::ACCEPT_ENCODING).contains("gzip") {
        let mut response = Body::from(file.gzip.as_slice()).into_response();
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        Body::from(file.plain.as_slice()).into_response()
    };
    let answer = response.headers_mut();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, &file.kind);
    put(header::ETAG, &file.tag);
    put(header::CACHE_CONTROL, "no-cache");
    put(header::VARY, "Accept-Encoding");
    response
}
