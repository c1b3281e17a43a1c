//! An S3 service of this process that can be made to fail, for each object in its own way.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use reqwest::{Method, StatusCode};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::stream::{ByteStream, DynByteStream};
use s3s::{HttpError, HttpRequest, HttpResponse};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;
use store::objects::{ObjectKey, S3Config};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

const BUCKET: &str = "audio";

/// What befalls those who read an object.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This answer instead of the object.
    Answer(StatusCode),
    /// The connection ends when these many bytes were sent.
    CutAfter(usize),
    /// The body takes this long, its bytes evenly spread over it.
    Lasting(Duration),
    /// The body trickles, a byte twice a second, until [`Storage::open_gate`] is called.
    Gate,
}

/// What was sent before a cut is on its way for so long.
const DELIVERY: Duration = Duration::from_millis(100);

/// Between two bytes of a body that trickles: the client gives up on one of which nothing comes for some seconds.
const TRICKLE: Duration = Duration::from_millis(500);

/// How many parts a body that takes long comes in.
const PARTS: u32 = 50;

/// A bucket behind HTTP on a port of this machine.
pub(crate) struct Storage {
    root: PathBuf,
    address: SocketAddr,
    door: Arc<Door>,
    serving: Mutex<Option<JoinHandle<()>>>,
    /// Its address while nobody listens there, so that no other test gets it.
    kept: Mutex<Option<TcpSocket>>,
}

/// What every request passes on its way to the service.
struct Door {
    service: S3Service,
    faults: Mutex<HashMap<String, (Fault, usize)>>,
    reads: Mutex<HashMap<String, usize>>,
    gate: watch::Sender<bool>,
}

impl Storage {
    /// The bucket's files lie below `root`.
    pub(crate) async fn start(root: &Path) -> Self {
        std::fs::create_dir_all(root.join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
        service.set_auth(s3s::auth::SimpleAuth::from_single("key", "secret"));
        let door = Arc::new(Door {
            service: service.build(),
            faults: Mutex::default(),
            reads: Mutex::default(),
            gate: watch::channel(false).0,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Mutex::new(Some(tokio::spawn(serve(listener, door.clone()))));
        Self { root: root.to_owned(), address, door, serving, kept: Mutex::default() }
    }

    pub(crate) fn config(&self) -> S3Config {
        S3Config {
            endpoint: Some(self.endpoint()),
            bucket: BUCKET.into(),
            region: "us-east-1".into(),
            access_key_id: "key".into(),
            secret_access_key: "secret".into(),
            path_style: true,
        }
    }

    /// The same for a worker process.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("S3_BUCKET", BUCKET.into()),
            ("S3_ENDPOINT", self.endpoint()),
            ("S3_ACCESS_KEY_ID", "key".into()),
            ("S3_SECRET_ACCESS_KEY", "secret".into()),
        ]
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next `times` reads of the object meet this.
    pub(crate) fn fail(&self, key: &ObjectKey, fault: Fault, times: usize) {
        self.door.faults.lock().unwrap().insert(key.as_str().to_owned(), (fault, times));
    }

    /// How often the object was asked for.
    pub(crate) fn reads(&self, key: &ObjectKey) -> usize {
        self.door.reads.lock().unwrap().get(key.as_str()).copied().unwrap_or(0)
    }

    /// Bodies that wait at the gate come, now and later.
    pub(crate) fn open_gate(&self) {
        self.door.gate.send_replace(true);
    }

    /// Nobody listens any more, and open connections end.
    pub(crate) async fn go_away(&self) {
        let serving = self.serving.lock().unwrap().take().unwrap();
        serving.abort();
        let _ = serving.await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        *self.kept.lock().unwrap() = Some(socket);
    }

    pub(crate) async fn come_back(&self) {
        let listener = self.kept.lock().unwrap().take().unwrap().listen(1024).unwrap();
        *self.serving.lock().unwrap() = Some(tokio::spawn(serve(listener, self.door.clone())));
    }

    /// The file that holds an object.
    pub(crate) fn file(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(BUCKET).join(key.as_str())
    }
}

async fn serve(listener: TcpListener, door: Arc<Door>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let door = door.clone();
        let service = tower::service_fn(move |request| pass(door.clone(), request));
        let http = Builder::new(TokioExecutor::new());
        let connection = http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
        let connection = connection.into_owned();
        connections.spawn(async move { drop(connection.await) });
    }
}

async fn pass<B>(door: Arc<Door>, request: HttpRequest<B>) -> Result<HttpResponse, HttpError>
where
    s3s::Body: From<B>,
{
    let fault = door.fault_of(request.method(), request.uri().path());
    if let Some(Fault::Answer(status)) = fault {
        let mut answer = HttpResponse::default();
        *answer.status_mut() = status;
        return Ok(answer);
    }
    let answer = door.service.call(request.map(s3s::Body::from)).await?;
    let Some(fault) = fault else { return Ok(answer) };
    let (head, mut body) = answer.into_parts();
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        bytes.extend_from_slice(&part.map_err(HttpError::new)?);
    }
    let body = Troubled(door.troubled(Bytes::from(bytes), fault));
    Ok(HttpResponse::from_parts(head, <s3s::Body as From<DynByteStream>>::from(Box::pin(body))))
}

impl Door {
    fn fault_of(&self, method: &Method, path: &str) -> Option<Fault> {
        let key = path.strip_prefix(&format!("/{BUCKET}/")).filter(|_| method == Method::GET)?;
        *self.reads.lock().unwrap().entry(key.to_owned()).or_default() += 1;
        let mut faults = self.faults.lock().unwrap();
        let (fault, times) = faults.get_mut(key)?;
        *times = times.checked_sub(1)?;
        Some(fault.clone())
    }

    fn troubled(&self, bytes: Bytes, fault: Fault) -> Parts {
        match fault {
            Fault::Answer(_) => unreachable!("answered without the service"),
            Fault::CutAfter(count) => {
                let cut = async {
                    tokio::time::sleep(DELIVERY).await;
                    Err(std::io::Error::other("cut").into())
                };
                let begin = futures::stream::once(async move { Ok(bytes.slice(..count)) });
                Box::pin(begin.chain(futures::stream::once(cut)))
            }
            Fault::Lasting(time) => {
                let size = bytes.len().div_ceil(PARTS as usize).max(1);
                let parts: Vec<Bytes> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
                Box::pin(futures::stream::iter(parts).then(move |part| async move {
                    tokio::time::sleep(time / PARTS).await;
                    Ok(part)
                }))
            }
            Fault::Gate => {
                let gate = self.gate.subscribe();
                Box::pin(futures::stream::unfold((bytes, gate), async |(mut bytes, mut gate)| {
                    let open = tokio::time::timeout(TRICKLE, gate.wait_for(|open| *open)).await.is_ok();
                    let part = bytes.split_to(if open { bytes.len() } else { 1.min(bytes.len()) });
                    (!part.is_empty()).then_some((Ok(part), (bytes, gate)))
                }))
            }
        }
    }
}

type Parts =
    Pin<Box<dyn Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Send + Sync>>;

/// A body as the service has them.
struct Troubled(Parts);

impl Stream for Troubled {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl ByteStream for Troubled {}
