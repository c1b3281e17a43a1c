//! A server for a test, and people who use it.

use api::{App, Config};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use store::PgPool;
use store::objects::{self, ObjectKey, Objects, S3Config};
use store::sessions::{self, Origin};
use store::testing::TestDatabase;
use store::users;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A running server with everything it stands on.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) objects: Objects,
    pub(crate) client: Client,
    database: TestDatabase,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
    folder: TempDir,
}

/// A user with a session.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) token: String,
}

impl Server {
    /// With objects in a directory.
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(objects::Config::Directory(folder.path().into())).await.unwrap();
        Self::on(config, objects, folder).await
    }

    /// With objects behind the S3 protocol.
    pub(crate) async fn on_s3() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(objects::Config::S3(serve_s3(folder.path().into()).await)).await.unwrap();
        Self::on(Config::default(), objects, folder).await
    }

    async fn on(config: Config, objects: Objects, folder: TempDir) -> Self {
        let database = TestDatabase::new().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = App::new(database.pool().clone(), objects.clone(), config);
        let (stop, stopped) = oneshot::channel::<()>();
        // An answer that never ends is a failure, not a wait.
        let client = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        let running = tokio::spawn(api::serve(listener, app, async { drop(stopped.await) }));
        Self { address, objects, client, database, stop: Some(stop), running, folder }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request without a token.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// A request of `person`.
    pub(crate) fn request(&self, person: &Person, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&person.token)
    }

    pub(crate) async fn get(&self, person: &Person, path: &str) -> Response {
        self.request(person, Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn json(&self, person: &Person, path: &str) -> Value {
        let response = self.get(person, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// An approved user with a session for an hour.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let mut db = self.pool().acquire().await.unwrap();
        let user = users::add_local(&mut db, &format!("{name}@example.org"), None).await.unwrap();
        let token =
            sessions::create(&mut db, user.id, time::Duration::HOUR, Origin::default()).await.unwrap();
        Person { id: user.id, token: token.expose().to_owned() }
    }

    /// Uploads audio with a name; gives the answer's body.
    pub(crate) async fn upload(&self, person: &Person, name: &str, audio: Vec<u8>) -> Value {
        let part = reqwest::multipart::Part::bytes(audio).file_name(format!("{name}.wav"));
        let form = reqwest::multipart::Form::new().text("name", name.to_owned()).part("file", part);
        let response = self.request(person, Method::POST, "/v1/tracks").multipart(form).send().await.unwrap();
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::CREATED, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The id of a freshly uploaded track.
    pub(crate) async fn track(&self, person: &Person) -> Uuid {
        id(&self.upload(person, "song", wav(1000)).await["track"]["id"])
    }

    /// Whether a track's audio is in storage.
    pub(crate) async fn has_audio(&self, track_id: Uuid) -> bool {
        match self.objects.head(&ObjectKey::audio(track_id)).await {
            Ok(_) => true,
            Err(objects::Error::NotFound { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Files in the storage's directory, finished and unfinished.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.path().to_owned()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }

    /// The storage's directory.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Where another process finds the database.
    pub(crate) fn database_url(&self) -> &str {
        self.database.url()
    }

    /// Makes the storage fail: its directory is gone.
    pub(crate) fn remove_storage(&self) {
        std::fs::remove_dir_all(self.folder.path()).unwrap();
    }

    /// A number that a query gives.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.pool()).await.unwrap()
    }

    /// Runs a statement.
    pub(crate) async fn execute(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(self.pool()).await.unwrap();
    }

    /// Has a statement run with every line of the audit trail: in the middle of a request that leaves one.
    pub(crate) async fn meanwhile(&self, statement: &str) {
        let trigger = format!(
            "CREATE OR REPLACE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN {statement}; RETURN NEW; END $$;
             CREATE OR REPLACE TRIGGER meanwhile AFTER INSERT ON audit_log
                 FOR EACH ROW EXECUTE FUNCTION meanwhile();"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(self.pool()).await.unwrap();
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.end().await;
    }

    /// The same, for a look at what stays.
    pub(crate) async fn end(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.running).await.unwrap().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// An S3 service of this process, over a directory.
async fn serve_s3(root: PathBuf) -> S3Config {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let bucket = "audio".to_owned();
    std::fs::create_dir(root.join(&bucket)).unwrap();
    let mut builder = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    builder.set_auth(s3s::auth::SimpleAuth::from_single("key", "secret"));
    let service = builder.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        let http = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        while let Ok((stream, _)) = listener.accept().await {
            let connection = http.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    let (access_key_id, secret_access_key) = ("key".into(), "secret".into());
    S3Config {
        endpoint,
        bucket,
        region: "us-east-1".into(),
        access_key_id,
        secret_access_key,
        path_style: true,
    }
}

/// Something that begins like a WAV file and goes on with bytes that differ from place to place.
pub(crate) fn wav(bytes: usize) -> Vec<u8> {
    let mut audio = b"RIFF\xff\xff\xff\x7fWAVEfmt ".to_vec();
    audio.extend((audio.len()..bytes).map(|i| u8::try_from(i * 31 % 251).unwrap()));
    audio
}

/// The UUID in a JSON string.
#[track_caller]
pub(crate) fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

/// Checks that an answer is a problem of this kind and status; gives its body without the id of its request.
pub(crate) async fn expect_problem(response: Response, status: u16, slug: &str) -> Value {
    assert_eq!(response.status().as_u16(), status, "{}", response.url());
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["type"], format!("{}{slug}", api::problem::TYPE_BASE), "{body}");
    assert_eq!(body["status"], status);
    without_id(body)
}

/// A problem without the id of its request, which no two have in common.
#[track_caller]
pub(crate) fn without_id(mut problem: Value) -> Value {
    assert!(problem.as_object_mut().unwrap().remove("request_id").is_some(), "{problem}");
    problem
}

/// The pointers of a problem's errors.
pub(crate) fn pointers(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

/// Waits until something becomes true, and fails loudly when it does not.
pub(crate) async fn eventually<F, Fut>(what: &str, mut condition: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await; // between looks, not instead of them
    }
}
