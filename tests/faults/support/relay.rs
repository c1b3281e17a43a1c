//! Stands between a worker and PostgreSQL, and is the network that fails.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Name of the socket in its directory, as PostgreSQL has it.
const SOCKET: &str = ".s.PGSQL.5432";

/// What a statement says that completes an analysis: the commit of its transaction is the commit of a result.
const COMPLETES: &str = "status = 'completed'";

/// Where to cut the connection that commits a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server never hears of the commit.
    BeforeCommit,
    /// The server has committed; the worker never hears of it.
    AfterCommit,
}

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Nothing passes, and no connection ends.
    Stalled,
    /// Connections up to this one have ended for the server, and their clients never hear of it; later ones are fair.
    Forgotten {
        up_to: u64,
    },
}

/// A Unix socket that hands all it is told to PostgreSQL and back.
pub(crate) struct Relay {
    dir: TempDir,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    upstream: Mutex<PathBuf>,
    weather: watch::Sender<Weather>,
    connections: watch::Sender<u64>,
    cut: Mutex<Option<Cut>>,
    cuts: watch::Sender<usize>,
}

impl Relay {
    /// To the server whose socket lies in `upstream`.
    pub(crate) fn to(upstream: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("arsis-relay-").tempdir_in("/tmp").unwrap();
        let listener = UnixListener::bind(dir.path().join(SOCKET)).unwrap();
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream.join(SOCKET)),
            weather: watch::channel(Weather::Fair).0,
            connections: watch::channel(0).0,
            cut: Mutex::new(None),
            cuts: watch::channel(0).0,
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { dir, shared, accepting }
    }

    /// The address of a database, on the way through here.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@localhost/{database}?host={}", self.dir.path().display())
    }

    /// The server is elsewhere from now on.
    pub(crate) fn lead_to(&self, upstream: &Path) {
        *self.shared.upstream.lock().unwrap() = upstream.join(SOCKET);
    }

    /// Cuts the next connection that commits a result.
    pub(crate) fn cut_next(&self, cut: Cut) {
        *self.shared.cut.lock().unwrap() = Some(cut);
    }

    /// Waits until a connection was cut.
    pub(crate) async fn until_cut(&self) {
        self.shared.cuts.subscribe().wait_for(|cuts| *cuts > 0).await.unwrap();
    }

    /// From now on nothing passes on any connection, nor is any closed, as when a cable is pulled.
    pub(crate) fn stall(&self) {
        self.shared.weather.send_replace(Weather::Stalled);
    }

    /// Connections made from now on are fair; those there are have ended, which nobody tells the clients, as when a host
    /// loses its power or a router forgets.
    pub(crate) fn forget_open_connections(&self) {
        let up_to = *self.shared.connections.borrow();
        self.shared.weather.send_replace(Weather::Forgotten { up_to });
    }

    /// All is well again, also on connections that were stalled.
    pub(crate) fn resume(&self) {
        self.shared.weather.send_replace(Weather::Fair);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let mut number = 0;
        shared.connections.send_modify(|count| {
            *count += 1;
            number = *count;
        });
        let shared = shared.clone();
        // An error of either side ends both, as a connection's end does.
        tokio::spawn(async move { drop(shared.connect(client, number).await) });
    }
}

impl Shared {
    async fn connect(&self, client: UnixStream, number: u64) -> io::Result<()> {
        self.until_fair().await;
        let upstream = self.upstream.lock().unwrap().clone();
        let (from_server, to_server) = UnixStream::connect(upstream).await?.into_split();
        let (mut from_client, mut to_client) = client.into_split();
        let lost_answer = watch::channel(false).0;
        tokio::select! {
            ended = self.ask(&mut from_client, to_server, &lost_answer) => ended,
            ended = self.answer(from_server, &mut to_client, &lost_answer) => ended,
            () = self.until_forgotten(number) => std::future::pending().await,
        }
    }

    /// From the client to the server, a message at a time.
    async fn ask(
        &self,
        client: &mut OwnedReadHalf,
        mut server: OwnedWriteHalf,
        lost_answer: &watch::Sender<bool>,
    ) -> io::Result<()> {
        let mut conversation = Conversation::default();
        loop {
            let message = conversation.read(client).await?;
            self.until_fair().await;
            if conversation.commits_a_result(&message) {
                match self.cut.lock().unwrap().take() {
                    Some(Cut::BeforeCommit) => {
                        self.cuts.send_modify(|cuts| *cuts += 1);
                        return Ok(());
                    }
                    Some(Cut::AfterCommit) => drop(lost_answer.send_replace(true)),
                    None => {}
                }
            }
            server.write_all(&message).await?;
        }
    }

    /// From the server to the client, as it comes.
    async fn answer(
        &self,
        mut server: OwnedReadHalf,
        client: &mut OwnedWriteHalf,
        lost_answer: &watch::Sender<bool>,
    ) -> io::Result<()> {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let count = server.read(&mut bytes).await?;
            if count == 0 {
                return Ok(());
            }
            if *lost_answer.borrow() {
                // The server answers a commit when it has committed.
                self.cuts.send_modify(|cuts| *cuts += 1);
                return Ok(());
            }
            self.until_fair().await;
            client.write_all(&bytes[..count]).await?;
        }
    }

    async fn until_fair(&self) {
        self.weather.subscribe().wait_for(|weather| *weather != Weather::Stalled).await.unwrap();
    }

    async fn until_forgotten(&self, number: u64) {
        let forgotten =
            |weather: &Weather| matches!(weather, Weather::Forgotten { up_to } if number <= *up_to);
        self.weather.subscribe().wait_for(forgotten).await.unwrap();
    }
}

/// What is known of a connection from the messages that the client has sent: protocol version 3.
#[derive(Default)]
struct Conversation {
    started: bool,
    /// Statements by the name under which they were prepared.
    prepared: HashMap<Vec<u8>, String>,
    /// Since the transaction began a statement has completed an analysis.
    completes: bool,
}

impl Conversation {
    /// The next message, whole. Until the connection is started messages have no type.
    async fn read(&mut self, client: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
        let mut message = vec![0; if self.started { 5 } else { 4 }];
        client.read_exact(&mut message).await?;
        let length = message.last_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let head = message.len();
        message.resize(head + usize::try_from(length).unwrap() - 4, 0);
        client.read_exact(&mut message[head..]).await?;
        // A request for TLS is answered, and the start follows.
        self.started = self.started || message[4..8] == [0, 3, 0, 0];
        self.note(&message);
        Ok(message)
    }

    fn note(&mut self, message: &[u8]) {
        match message.split_first() {
            Some((b'P', body)) => {
                let mut parts = body[4..].splitn(3, |byte| *byte == 0);
                let (name, text) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                self.prepared.insert(name.to_vec(), String::from_utf8_lossy(text).into_owned());
            }
            // Bind: the name of the portal, then that of the statement.
            Some((b'B', body)) => {
                let name = body[4..].split(|byte| *byte == 0).nth(1).unwrap_or_default();
                self.completes |= self.prepared.get(name).is_some_and(|text| text.contains(COMPLETES));
            }
            Some((b'Q', body)) if body[4..].starts_with(b"BEGIN") => self.completes = false,
            _ => {}
        }
    }

    fn commits_a_result(&self, message: &[u8]) -> bool {
        self.completes && message.first() == Some(&b'Q') && message[5..].starts_with(b"COMMIT")
    }
}
