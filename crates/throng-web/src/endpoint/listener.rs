//! The process that listens: it accepts connections and serves the endpoint's routes on them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::ConnectInfo;
use futures_util::TryFutureExt;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use throng_runtime::{Ctx, Exit, GenServer, Init, Node, ProcessId};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Semaphore, watch},
};

use super::{
    Endpoint,
    descriptors::{self, Reserve},
    drain,
    exchange::{Exchanges, Watched},
    peers::Peers,
};
use crate::telemetry;

/// How long to wait after the system refused to accept: it is out of descriptors, and they come back in time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Clients that wait in the kernel's queue to be accepted, as far as the system lets them. When it is full their first packets
/// are dropped, and they try again after one second, then after three: too long for all clients of a node that went away.
const BACKLOG: u32 = 4096;
/// What a request's head may take.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The listening process of an endpoint; [`Endpoint::listen`] makes its child spec.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    acceptor: ProcessId,
    /// A permit for each open HTTP connection.
    places: Arc<Semaphore>,
    /// Dropping it tells the open HTTP connections to finish.
    finish: watch::Sender<()>,
}

impl GenServer for Listener {
    type Args = (Endpoint, SocketAddr);

    async fn init((endpoint, addr): (Endpoint, SocketAddr), ctx: &mut Ctx<Self>) -> Init<Self> {
        let fail = |source| ListenError { addr, source };
        descriptors::raise_limit(&endpoint.shared.limits);
        let socket = bind(addr).map_err(fail)?;
        let local_addr = socket.local_addr().map_err(fail)?;
        *endpoint.shared.addr.lock() = Some(local_addr);
        endpoint.shared.connections.open();
        telemetry::listening(local_addr);
        let (finish, finished) = watch::channel(());
        let places = Arc::new(Semaphore::new(places_max(&endpoint)));
        let (served, free) = (endpoint.clone(), places.clone());
        let acceptor = ctx.spawn_link(|ctx| accept(ctx, socket, served, free, finished));
        Ok(Listener { endpoint, acceptor, places, finish })
    }

    async fn terminate(&mut self, _: &Exit, ctx: &mut Ctx<Self>) {
        // Health checks are answered to the last: only then does the socket close.
        drain::drain(&self.endpoint.shared).await;
        ctx.unlink(self.acceptor);
        ctx.exit(self.acceptor, Exit::Kill);
        ctx.node().wait(self.acceptor).await;
        *self.endpoint.shared.addr.lock() = None;
        self.finish.send_replace(());
        self.last_requests_done().await;
    }
}

impl Listener {
    /// Resolves when no HTTP connection is open; each ends within its grace, and patience is for a machine that is busy.
    async fn last_requests_done(&self) {
        let all = u32::try_from(places_max(&self.endpoint)).unwrap_or(u32::MAX);
        let drain = &self.endpoint.shared.drain;
        let patience = drain.request_grace.saturating_add(drain.patience);
        drop(tokio::time::timeout(patience, self.places.acquire_many(all)).await);
    }
}

/// Listens, on an address that a listener before it may have left a moment ago.
fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// How many HTTP connections may be open: what is asked for, within what a semaphore can count.
fn places_max(endpoint: &Endpoint) -> usize {
    endpoint.shared.limits.connections_max.clamp(1, u32::MAX as usize >> 3)
}

/// The address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}")]
pub struct ListenError {
    addr: SocketAddr,
    source: io::Error,
}

async fn accept(
    ctx: Ctx,
    socket: TcpListener,
    endpoint: Endpoint,
    places: Arc<Semaphore>,
    finished: watch::Receiver<()>,
) {
    let peers = Peers::new(endpoint.shared.limits.connections_per_peer_max);
    let mut reserve = Reserve::new();
    // Told once, and not for each client that comes meanwhile.
    let mut is_failing = false;
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match socket.accept().await {
            Ok((stream, peer)) => {
                is_failing = false;
                // A proxy's connections are those of many clients.
                let is_proxy = endpoint.shared.proxies.trust(peer.ip());
                let visit = (!is_proxy).then(|| peers.admit(peer.ip()));
                if let Some(None) = visit {
                    telemetry::peer_refused(peer.ip());
                    continue;
                }
                let (endpoint, finished) = (endpoint.clone(), finished.clone());
                ctx.node().spawn(move |_| async move {
                    serve(stream, peer, &endpoint, finished).await;
                    drop((place, visit));
                });
            }
            Err(error) => {
                if !is_failing {
                    telemetry::accept_failed(&error);
                }
                is_failing = true;
                if !(descriptors::none_left(&error) && reserve.turn_one_away(&socket)) {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Serves one connection until it ends, takes too long, or was upgraded.
async fn serve(stream: TcpStream, peer: SocketAddr, endpoint: &Endpoint, mut finished: watch::Receiver<()>) {
    let (limits, drain) = (&endpoint.shared.limits, &endpoint.shared.drain);
    // Without it small frames would wait for the acknowledgement of earlier ones; where it fails they do.
    let _ = stream.set_nodelay(true);
    let exchanges = Arc::new(Exchanges::default());
    let stream = TokioIo::new(Watched::new(stream, exchanges.clone()));
    let routes = TowerToHyperService::new(endpoint.router());
    let (begun, proxies) = (exchanges.clone(), &endpoint.shared.proxies);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let exchange = begun.begin();
        let client = proxies.client(peer, request.headers());
        request.extensions_mut().insert(ConnectInfo(client));
        routes.call(request).map_ok(|response| response.map(|body| exchange.answered_with(body)))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(stream, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // An error is the peer's: it broke off, or broke the protocol.
    tokio::select! {
        () = exchanges.in_time(connection.as_mut(), limits.request_timeout) => {}
        _ = finished.changed() => {
            connection.as_mut().graceful_shutdown();
            drop(tokio::time::timeout(drain.request_grace, connection).await);
        }
    }
}

impl Endpoint {
    /// The node whose processes serve it.
    pub fn node(&self) -> &Node {
        &self.shared.node
    }
}
