//! A live server for clients that are no Rust: the real binary on a database of the test's own, somebody who may do
//! everything, and a track that was analysed.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use store::access;
use store::sessions::{self, Origin};
use store::testing::TestDatabase;
use tempfile::TempDir;
use testmusic::Score;
use uuid::Uuid;

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_secs(600);

/// A process of the command, killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `arsis api`, with `arsis worker` beside it while something is to be analysed.
pub(crate) struct Live {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) user: Uuid,
    client: Client,
    // They end before what they work on.
    api: Option<Process>,
    worker: Option<Process>,
    database: TestDatabase,
    folder: TempDir,
}

impl Live {
    /// A server whose environment has `variables` besides.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let (database, folder) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
        let (url, token, client) = (String::new(), String::new(), Client::new());
        let user = Uuid::nil();
        let mut live = Self { url, token, user, client, api: None, worker: None, database, folder };
        live.user = live.person("ada@example.org").await;
        live.token = live.session(live.user).await;
        let mut db = live.database.pool().acquire().await.unwrap();
        for role in [access::OPERATOR, access::ADMIN] {
            access::grant(&mut db, live.user, role).await.unwrap().unwrap();
        }
        drop(db);
        let mut api = live.command(&["api", "--listen", "127.0.0.1:0"]);
        let mut api = Process(api.envs(variables.iter().copied()).stdout(Stdio::piped()).spawn().unwrap());
        let mut greeting = String::new();
        BufReader::new(api.0.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
        let url = greeting.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        live.url = url.trim_end_matches('/').to_owned();
        live.api = Some(api);
        live
    }

    /// Somebody with an account.
    pub(crate) async fn person(&self, email: &str) -> Uuid {
        let mut db = self.database.pool().acquire().await.unwrap();
        store::users::add_local(&mut db, email, None).await.unwrap().id
    }

    /// The token of a new session of a person.
    pub(crate) async fn session(&self, user: Uuid) -> String {
        let mut db = self.database.pool().acquire().await.unwrap();
        let token = sessions::create(&mut db, user, sessions::OPERATOR_LIFETIME, Origin::default()).await;
        token.unwrap().expose().to_owned()
    }

    /// Analyses what waits from now on.
    pub(crate) fn work(&mut self) {
        self.worker =
            Some(Process(self.command(&["worker", "--jobs", "1"]).stdout(Stdio::null()).spawn().unwrap()));
    }

    /// Analyses nothing any more.
    pub(crate) fn rest(&mut self) {
        self.worker = None;
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(arguments).env_clear().stdin(Stdio::null()).env("RUST_LOG", "warn");
        command.env("DATABASE_URL", self.database.url());
        command.env("ARSIS_DATA_DIR", self.folder.path()).env("ARSIS_TEMP_DIR", self.folder.path());
        command
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    pub(crate) async fn json(&self, request: RequestBuilder) -> Value {
        let response = request.send().await.unwrap();
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{status}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// A file of music of a few seconds.
    pub(crate) fn music(&self) -> PathBuf {
        let path = self.folder.path().join("song.wav");
        let score = Score { form: "AB".into(), bars_per_section: 2, ..Score::default() };
        std::fs::write(&path, score.render().wav()).unwrap();
        path
    }

    /// Uploads a piece of music; gives the ids of its track and of its analysis.
    pub(crate) async fn upload(&self) -> (Uuid, Uuid) {
        let part =
            reqwest::multipart::Part::bytes(std::fs::read(self.music()).unwrap()).file_name("song.wav");
        let form = reqwest::multipart::Form::new().text("name", "The song").part("file", part);
        let body = self.json(self.request(Method::POST, "/v1/tracks").multipart(form)).await;
        let id = |value: &Value| value["id"].as_str().unwrap().parse().unwrap();
        (id(&body["track"]), id(&body["analysis"]))
    }

    /// Follows an analysis to its end, which must be a good one.
    pub(crate) async fn completed(&self, analysis: Uuid) {
        let request = self.request(Method::GET, &format!("/v1/analyses/{analysis}/progress"));
        let all = async { request.send().await.unwrap().text().await.unwrap() };
        tokio::time::timeout(PATIENCE, all).await.unwrap();
        let now = self.json(self.request(Method::GET, &format!("/v1/analyses/{analysis}"))).await;
        assert_eq!(now["status"], "completed", "{now}");
    }

    /// Another analysis of a track.
    pub(crate) async fn analysis(&self, track: Uuid, analysis_type: &str) -> Uuid {
        let request = self.request(Method::POST, &format!("/v1/tracks/{track}/analyses"));
        let body = self.json(request.json(&json!({ "analysis_type": analysis_type }))).await;
        body["id"].as_str().unwrap().parse().unwrap()
    }
}

/// The interpreter named by `ARSIS_TEST_PYTHON`, or that of `scripts/setup --tests`, or `python3`.
pub(crate) fn python() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-python/bin/python");
    let made = if made.exists() { made } else { "python3".into() };
    std::env::var_os("ARSIS_TEST_PYTHON").map_or(made, PathBuf::from)
}
