//! A WebSocket that sends back what it gets: what conformance suites run against.
//!
//! `cargo run -p throng-web --features fuzzing --example echo [PORT [compress]]`

use throng_web::{
    Compress,
    axum::{Router, extract::Request, routing::get},
    fuzzing,
};
use tokio::net::TcpListener;

/// The largest messages of the suites have 16 MiB.
const MESSAGE_BYTES_MAX: usize = 32 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(0), |port| port.parse::<u16>())?;
    let compress = arguments.any(|word| word == "compress").then(|| {
        // The suites send what compresses very well.
        Compress::default().with(|compress| compress.ratio_max = 2_000)
    });
    let echo = get(async move |request: Request| fuzzing::echo(request, MESSAGE_BYTES_MAX, compress).await);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("ws://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(echo)).await?;
    Ok(())
}
