//! A bucket behind the S3 protocol whose answers can be held back.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::net::SocketAddr;
use std::path::Path;
use store::objects::{Config, Objects, S3Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes of a connection that come through while answers are held back: those of an answer's head, and some of its body.
const COME_THROUGH: usize = 100_000;

/// A bucket, empty at first, and a valve for its answers.
pub(crate) struct Bucket {
    endpoint: String,
    open: watch::Sender<bool>,
}

impl Bucket {
    /// Its files lie below `root`; the valve is open.
    pub(crate) async fn new(root: &Path) -> Self {
        std::fs::create_dir_all(root.join("audio")).unwrap();
        let (open, is_open) = watch::channel(true);
        let endpoint = format!("http://{}", throttle(serve(root).await, is_open).await);
        Self { endpoint, open }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// From here on no connection gives more than the beginning of its answers.
    pub(crate) fn shut(&self) {
        self.open.send_replace(false);
    }

    /// Lets everything through, what was held back as well.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

/// The bucket behind an endpoint.
pub(crate) async fn open_objects(endpoint: &str) -> Objects {
    let config = S3Config {
        endpoint: Some(endpoint.to_owned()),
        bucket: "audio".into(),
        region: "us-east-1".into(),
        access_key_id: "test".into(),
        secret_access_key: "secret".into(),
        path_style: true,
    };
    Objects::open(Config::S3(config)).await.unwrap()
}

async fn serve(root: &Path) -> SocketAddr {
    let mut service = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    service.set_auth(s3s::auth::SimpleAuth::from_single("test", "secret"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let connection = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), service.clone())
                .into_owned();
            tokio::spawn(connection);
        }
    });
    address
}

/// Passes connections on to `server`.
async fn throttle(server: SocketAddr, open: watch::Receiver<bool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(upstream) = TcpStream::connect(server).await else { return };
            tokio::spawn(pass_on(client, upstream, open.clone()));
        }
    });
    address
}

async fn pass_on(client: TcpStream, server: TcpStream, mut open: watch::Receiver<bool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let questions = async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    };
    let answers = async move {
        let (mut block, mut passed) = (vec![0; 16 << 10], 0);
        while let Ok(count @ 1..) = from_server.read(&mut block).await {
            if passed + count > COME_THROUGH && open.wait_for(|open| *open).await.is_err() {
                return;
            }
            passed += count;
            if to_client.write_all(&block[..count]).await.is_err() {
                return;
            }
        }
    };
    // Either end hangs up: so does the other.
    tokio::select! {
        () = questions => {}
        () = answers => {}
    }
}
