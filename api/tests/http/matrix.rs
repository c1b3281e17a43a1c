//! Every operation, asked by every kind of person.
//!
//! A new operation is one line in [`table`], and, where its path names a new kind of thing, an arm in [`Asker::fill`].

use crate::support::{Person, Server, without_id};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A kind of person, by what they bring to somebody's thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No token.
    Anonymous,
    /// A session that is over.
    Expired,
    /// A session in force, of an account that may not be used.
    Unapproved,
    /// Somebody else.
    Other,
    /// Whose it is.
    Owner,
    /// Somebody else with a role that grants this one right.
    Entitled,
    /// Somebody else with the seeds' role of administrators.
    Admin,
}

const KINDS: [Kind; 7] =
    [Kind::Anonymous, Kind::Expired, Kind::Unapproved, Kind::Other, Kind::Owner, Kind::Entitled, Kind::Admin];

/// What is sent along.
#[derive(Debug, Clone)]
enum Sent {
    Nothing,
    Json(Value),
    /// A form with a file.
    Audio,
    /// Plain text.
    Text(&'static str),
}

/// An operation, and what each kind of person gets.
#[derive(Debug, Clone)]
struct Row {
    operation: &'static str,
    /// In the order of [`KINDS`].
    expect: [u16; 7],
    /// Name of the entitlement that makes somebody [`Kind::Entitled`].
    entitlement: Option<&'static str>,
    sent: Sent,
    query: &'static str,
}

impl Row {
    fn new(operation: &'static str, expect: [u16; 7], entitlement: Option<&'static str>) -> Self {
        Self { operation, expect, entitlement, sent: Sent::Nothing, query: "" }
    }

    fn json(mut self, body: Value) -> Self {
        self.sent = Sent::Json(body);
        self
    }

    fn audio(mut self) -> Self {
        self.sent = Sent::Audio;
        self
    }

    fn text(mut self, body: &'static str) -> Self {
        self.sent = Sent::Text(body);
        self
    }

    fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }
}

/// Anybody may ask.
fn open(operation: &'static str, status: u16) -> Row {
    Row::new(operation, [status; 7], None)
}

/// Everybody with an account may, about their own things.
fn own(operation: &'static str, status: u16) -> Row {
    Row::new(operation, [401, 401, 403, status, status, status, status], None)
}

/// Its owner may, and whoever has `entitlement`; for others there is no such thing.
fn theirs(operation: &'static str, status: u16, entitlement: &'static str) -> Row {
    Row::new(operation, [401, 401, 403, 404, status, status, status], Some(entitlement))
}

/// Its owner may, and nobody else, whatever their role.
fn private(operation: &'static str, status: u16) -> Row {
    Row::new(operation, [401, 401, 403, 404, status, 404, 404], None)
}

/// Its owner alone may change it; those who may read its track see it, and are told that they may not.
fn authors(operation: &'static str, status: u16, entitlement: &'static str) -> Row {
    Row::new(operation, [401, 401, 403, 404, status, 403, 403], Some(entitlement))
}

/// Its owner may, and whoever has `entitlement` and may read the track as well.
fn seen(operation: &'static str, status: u16, entitlement: &'static str) -> Row {
    Row::new(operation, [401, 401, 403, 404, status, 404, status], Some(entitlement))
}

/// Whoever has `entitlement` may; others are told that they may not.
fn granted(operation: &'static str, status: u16, entitlement: &'static str) -> Row {
    Row::new(operation, [401, 401, 403, 403, 403, status, status], Some(entitlement))
}

fn table() -> Vec<Row> {
    vec![
        // The server itself
        open("GET /healthz", 200),
        open("GET /readyz", 200),
        open("GET /openapi.json", 200),
        open("GET /docs", 200),
        open("GET /docs/reference.css", 200),
        open("GET /docs/reference.js", 200),
        open("GET /queue", 200),
        granted("GET /metrics", 200, "read_queue"),
        // Tracks
        own("GET /v1/tracks", 200),
        own("POST /v1/tracks", 201).audio(),
        theirs("GET /v1/tracks/{track_id}", 200, "read_tracks"),
        theirs("PATCH /v1/tracks/{track_id}", 200, "update_tracks").json(json!({ "name": "new" })),
        theirs("DELETE /v1/tracks/{track_id}", 204, "delete_tracks"),
        theirs("GET /v1/tracks/{track_id}/audio", 200, "read_tracks"),
        // Uploads: an address with another secret is that of nothing
        own("GET /v1/uploads", 200),
        own("POST /v1/uploads", 201).json(json!({ "size_bytes": 200 })),
        private("GET /v1/uploads/{upload_id}", 200),
        private("DELETE /v1/uploads/{upload_id}", 204),
        private("POST /v1/uploads/{upload_id}/complete", 409),
        open("PUT /v1/uploads/{upload_id}/content", 404).query("?secret=guessed"),
        // Annotations, of those for all, and regions
        theirs("GET /v1/tracks/{track_id}/annotations", 200, "read_tracks"),
        theirs("POST /v1/tracks/{track_id}/annotations", 201, "update_tracks")
            .json(json!({ "start_time_ms": 0, "title": "here" })),
        theirs("GET /v1/tracks/{track_id}/annotations/{annotation_id}", 200, "read_tracks"),
        authors("PATCH /v1/tracks/{track_id}/annotations/{annotation_id}", 200, "read_tracks")
            .json(json!({ "title": "there" })),
        seen("DELETE /v1/tracks/{track_id}/annotations/{annotation_id}", 204, "delete_tracks"),
        theirs("POST /v1/tracks/{track_id}/annotations/bulk", 200, "update_tracks")
            .json(json!({ "create": [{ "start_time_ms": 0, "title": "here" }] })),
        theirs("POST /v1/tracks/{track_id}/annotations/import", 201, "update_tracks").text("0.0\t0.5\there\n"),
        theirs("GET /v1/tracks/{track_id}/annotations/export/{format}", 200, "read_tracks"),
        theirs("GET /v1/tracks/{track_id}/regions", 200, "read_tracks"),
        theirs("POST /v1/tracks/{track_id}/regions", 201, "update_tracks")
            .json(json!({ "start_time_ms": 0, "end_time_ms": 9, "name": "verse" })),
        theirs("GET /v1/tracks/{track_id}/regions/{region_id}", 200, "read_tracks"),
        seen("PATCH /v1/tracks/{track_id}/regions/{region_id}", 200, "update_tracks")
            .json(json!({ "name": "chorus" })),
        seen("DELETE /v1/tracks/{track_id}/regions/{region_id}", 204, "delete_tracks"),
        theirs("POST /v1/tracks/{track_id}/regions/bulk", 200, "update_tracks")
            .json(json!({ "create": [{ "start_time_ms": 0, "end_time_ms": 9, "name": "verse" }] })),
        theirs("PUT /v1/tracks/{track_id}/regions/order", 200, "update_tracks").json(json!({ "region_ids": [] })),
        theirs("POST /v1/tracks/{track_id}/regions/from-analysis", 422, "update_tracks")
            .json(json!({ "analysis_id": Uuid::nil() })),
        theirs("POST /v1/tracks/{track_id}/regions/import", 201, "update_tracks").text("0.0\t0.5\tverse\n"),
        theirs("GET /v1/tracks/{track_id}/regions/export/{format}", 200, "read_tracks"),
        // Corrections and grids: everybody who may read a track has their own of it
        theirs("GET /v1/tracks/{track_id}/corrections", 200, "read_tracks"),
        theirs("POST /v1/tracks/{track_id}/corrections", 201, "read_tracks")
            .json(json!({ "corrections": [{ "kind": "beat", "time_ms": 5 }] })),
        theirs("DELETE /v1/tracks/{track_id}/corrections", 200, "read_tracks"),
        private("GET /v1/tracks/{track_id}/corrections/{correction_id}", 200),
        private("PATCH /v1/tracks/{track_id}/corrections/{correction_id}", 200).json(json!({ "time_ms": 6 })),
        private("DELETE /v1/tracks/{track_id}/corrections/{correction_id}", 204),
        theirs("POST /v1/analyses/{analysis_id}/regrid", 202, "read_tracks").json(json!({})),
        theirs("GET /v1/analyses/{analysis_id}/grid", 202, "read_tracks"),
        // There is none.
        theirs("DELETE /v1/analyses/{analysis_id}/grid", 404, "read_tracks"),
        // Analyses
        theirs("GET /v1/tracks/{track_id}/analyses", 200, "read_tracks"),
        theirs("POST /v1/tracks/{track_id}/analyses", 202, "update_tracks").json(json!({})),
        theirs("GET /v1/analyses/{analysis_id}", 200, "read_tracks"),
        theirs("POST /v1/analyses/{analysis_id}/cancel", 202, "update_tracks"),
        theirs("POST /v1/analyses/{failed_id}/retry", 202, "update_tracks"),
        theirs("GET /v1/analyses/{analysis_id}/attempts", 200, "read_tracks"),
        theirs("GET /v1/analyses/{analysis_id}/progress", 200, "read_tracks"),
        // Results, of an analysis that is not there yet
        theirs("GET /v1/analyses/{analysis_id}/manifest", 202, "read_tracks"),
        theirs("GET /v1/analyses/{analysis_id}/chunks/{index}", 202, "read_tracks"),
        theirs("GET /v1/analyses/{analysis_id}/frames", 202, "read_tracks"),
        theirs("GET /v1/analyses/{analysis_id}/events", 202, "read_tracks"),
        theirs("GET /v1/analyses/{analysis_id}/export/{format}", 202, "read_tracks"),
        theirs("GET /v1/audio-analysis/{track_id}", 202, "read_tracks"),
        theirs("GET /v1/audio-features/{track_id}", 202, "read_tracks"),
        // Batches and the queue
        own("GET /v1/batches", 200),
        own("POST /v1/batches", 202).json(json!({})),
        theirs("GET /v1/batches/{batch_id}", 200, "read_queue"),
        theirs("POST /v1/batches/{batch_id}/cancel", 202, "update_queue"),
        granted("GET /v1/queue", 200, "read_queue"),
        granted("GET /v1/queue/analyses", 200, "read_queue"),
        granted("POST /v1/queue/pause", 200, "update_queue"),
        granted("POST /v1/queue/resume", 200, "update_queue"),
        // Listening prompts
        own("GET /v1/listening-prompts/templates", 200),
        own("GET /v1/listening-prompts/templates/{template_id}", 200),
        granted("POST /v1/listening-prompts/templates", 201, "create_prompts")
            .json(json!({ "name": "Bass", "category": "timbre", "prompt_text": "Where does the bass rest?" })),
        granted("PATCH /v1/listening-prompts/templates/{template_id}", 200, "update_prompts")
            .json(json!({ "name": "new" })),
        granted("DELETE /v1/listening-prompts/templates/{unused_template_id}", 204, "delete_prompts"),
        own("GET /v1/listening-prompts/presets", 200),
        granted("POST /v1/listening-prompts/presets", 422, "create_presets").json(json!({
            "name": "Bass", "template_id": Uuid::nil(), "preset_type": "tap", "config": { "event_types": ["beat"] },
        })),
        own("GET /v1/listening-prompts/presets/{preset_id}", 200),
        granted("PATCH /v1/listening-prompts/presets/{preset_id}", 200, "update_presets")
            .json(json!({ "name": "new" })),
        granted("DELETE /v1/listening-prompts/presets/{preset_id}", 204, "delete_presets"),
        // Webhooks
        own("GET /v1/webhooks", 200),
        own("POST /v1/webhooks", 201)
            .json(json!({ "url": "https://hooks.example.org/", "events": ["analysis.completed"] })),
        private("GET /v1/webhooks/{webhook_id}", 200),
        private("PATCH /v1/webhooks/{webhook_id}", 200).json(json!({ "description": "new" })),
        private("DELETE /v1/webhooks/{webhook_id}", 204),
        private("POST /v1/webhooks/{webhook_id}/rotate-secret", 200),
        private("POST /v1/webhooks/{webhook_id}/test", 202),
        private("GET /v1/webhooks/{webhook_id}/deliveries", 200),
        private("GET /v1/webhooks/{webhook_id}/deliveries/{delivery_id}", 200),
        private("POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", 202),
        // Oneself
        own("GET /v1/me", 200),
        own("GET /v1/me/sessions", 200),
        private("DELETE /v1/me/sessions/{session_id}", 204),
        own("DELETE /v1/me/session", 204),
        own("POST /v1/me/session/rotate", 200),
        own("POST /v1/me/session/cookie", 204),
        // Administration
        granted("GET /v1/admin/users", 200, "read_users"),
        granted("POST /v1/admin/users", 201, "create_users").json(json!({ "email": "{fresh}@example.org" })),
        granted("GET /v1/admin/users/{user_id}", 200, "read_users"),
        granted("PATCH /v1/admin/users/{user_id}", 200, "update_users").json(json!({ "name": "new" })),
        granted("GET /v1/admin/users/{user_id}/sessions", 200, "read_sessions"),
        granted("DELETE /v1/admin/users/{user_id}/sessions", 204, "delete_sessions"),
        granted("DELETE /v1/admin/users/{user_id}/sessions/{session_id}", 204, "delete_sessions"),
        granted("GET /v1/admin/roles", 200, "read_roles"),
        granted("GET /v1/admin/users/{user_id}/roles", 200, "read_grants"),
        granted("PUT /v1/admin/users/{user_id}/roles/{role_id}", 200, "create_grants").json(json!({})),
        granted("DELETE /v1/admin/users/{user_id}/roles/{role_id}", 204, "delete_grants"),
        granted("GET /v1/admin/audit", 200, "read_audit_log"),
    ]
}

/// The path's placeholder in the description: those of the table may say more.
fn described(operation: &str) -> String {
    operation.replace("{failed_id}", "{analysis_id}").replace("{unused_template_id}", "{template_id}")
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let description = serde_json::to_value(api::description()).unwrap();
    let mut operations = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            operations.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let rows: BTreeSet<String> = table().iter().map(|row| described(row.operation)).collect();
    let missing: Vec<_> = operations.difference(&rows).collect();
    let superfluous: Vec<_> = rows.difference(&operations).collect();
    assert!(missing.is_empty(), "operations without a row: {missing:#?}");
    assert!(superfluous.is_empty(), "rows without an operation: {superfluous:#?}");
    assert_eq!(rows.len(), table().len(), "an operation has two rows");
}

/// A person of a kind, and somebody whose things they ask about.
struct Asker<'a> {
    server: &'a Server,
    kind: Kind,
    owner: Person,
    person: Option<Person>,
}

impl<'a> Asker<'a> {
    async fn new(server: &'a Server, kind: Kind, entitlement: Option<&str>) -> Self {
        let fresh = async || server.person(&Uuid::new_v4().simple().to_string()).await;
        let owner = fresh().await;
        let person = match kind {
            Kind::Anonymous => None,
            Kind::Owner => Some(owner.clone()),
            _ => Some(fresh().await),
        };
        let asker = Self { server, kind, owner, person };
        asker.prepare(entitlement).await;
        asker
    }

    /// Makes the person what their kind says.
    async fn prepare(&self, entitlement: Option<&str>) {
        let statement = match self.kind {
            Kind::Expired => {
                "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = $1"
            }
            Kind::Unapproved => "UPDATE users SET approved = false WHERE id = $1",
            Kind::Admin => {
                "INSERT INTO user_roles (user_id, role_id) SELECT $1, id FROM roles WHERE name = 'admin'"
            }
            Kind::Entitled => {
                "WITH made AS (INSERT INTO roles (name) VALUES ('only-' || $1::uuid) RETURNING id),
                      may AS (INSERT INTO role_entitlements (role_id, entitlement_id)
                              SELECT made.id, e.id FROM made, entitlements e WHERE e.name = $2)
                 INSERT INTO user_roles (user_id, role_id) SELECT $1, id FROM made"
            }
            Kind::Anonymous | Kind::Other | Kind::Owner => return,
        };
        let query = sqlx::query(statement).bind(self.person.as_ref().unwrap().id);
        let query = if self.kind == Kind::Entitled { query.bind(entitlement) } else { query };
        assert!(query.execute(self.server.pool()).await.unwrap().rows_affected() > 0);
    }

    /// The path with ids of things that are the owner's.
    async fn fill(&self, path: &str) -> String {
        let mut filled = path.to_owned();
        let (mut uploaded, mut webhook) = (None, String::new());
        for name in ["track_id", "analysis_id", "failed_id"] {
            if path.contains(&format!("{{{name}}}")) && uploaded.is_none() {
                uploaded = Some(self.server.upload(&self.owner, "song", crate::support::wav(200)).await);
            }
        }
        while let Some((before, rest)) = filled.split_once('{') {
            let (name, after) = rest.split_once('}').unwrap();
            let uploaded = |part: &str| uploaded.as_ref().unwrap()[part]["id"].as_str().unwrap().to_owned();
            let id = match name {
                "track_id" => uploaded("track"),
                "analysis_id" => uploaded("analysis"),
                "failed_id" => {
                    let fail = "UPDATE track_analyses SET status = 'error', turn = NULL, completed_at = now() WHERE id = $1";
                    let id = uploaded("analysis").parse::<Uuid>().unwrap();
                    sqlx::query(fail).bind(id).execute(self.server.pool()).await.unwrap();
                    id.to_string()
                }
                "index" => "0".to_owned(),
                "format" => "jams".to_owned(),
                "annotation_id" => {
                    let body = json!({ "start_time_ms": 0, "title": "here", "is_private": false });
                    self.made(&format!("/v1/tracks/{}/annotations", uploaded("track")), body).await
                }
                "region_id" => {
                    let body = json!({ "start_time_ms": 0, "end_time_ms": 9, "name": "verse" });
                    self.made(&format!("/v1/tracks/{}/regions", uploaded("track")), body).await
                }
                "correction_id" => {
                    let body = json!({ "corrections": [{ "kind": "beat", "time_ms": 5 }] });
                    self.made(&format!("/v1/tracks/{}/corrections", uploaded("track")), body).await
                }
                "upload_id" => self.made("/v1/uploads", json!({ "size_bytes": 200 })).await,
                "webhook_id" => {
                    let body =
                        json!({ "url": "https://hooks.example.org/", "events": ["analysis.completed"] });
                    webhook = self.made("/v1/webhooks", body).await;
                    webhook.clone()
                }
                "delivery_id" => self.made(&format!("/v1/webhooks/{webhook}/test"), json!(null)).await,
                "unused_template_id" => {
                    let insert = "INSERT INTO listening_prompt_templates (name, category, prompt_text)
                                  VALUES ('unused', 'timbre', '?') RETURNING id";
                    self.first(insert).await
                }
                "preset_id" => self.first("SELECT id FROM listening_prompt_presets LIMIT 1").await,
                "batch_id" => self.batch().await,
                "template_id" => self.first("SELECT id FROM listening_prompt_templates LIMIT 1").await,
                "user_id" => self.owner.id.to_string(),
                "session_id" => self.session().await,
                "role_id" => self.role().await,
                other => panic!("nobody knows how to make a {other}"),
            };
            filled = format!("{before}{id}{after}");
        }
        filled
    }

    async fn first(&self, query: &'static str) -> String {
        sqlx::query_scalar::<_, Uuid>(query).fetch_one(self.server.pool()).await.unwrap().to_string()
    }

    /// The id of something that the owner makes.
    async fn made(&self, path: &str, body: Value) -> String {
        let request = self.server.request(&self.owner, Method::POST, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let made: Value = request.send().await.unwrap().json().await.unwrap();
        let made = made.get("corrections").map_or(&made, |corrections| &corrections[0]);
        made["id"].as_str().unwrap_or_else(|| panic!("{path}: {made}")).to_owned()
    }

    async fn batch(&self) -> String {
        let request = self.server.request(&self.owner, Method::POST, "/v1/batches").json(&json!({}));
        let batch: Value = request.send().await.unwrap().json().await.unwrap();
        batch["id"].as_str().unwrap().to_owned()
    }

    /// Another session of the owner's.
    async fn session(&self) -> String {
        let insert = "INSERT INTO sessions (user_id, token, expires_at)
                      VALUES ($1, gen_random_uuid()::text, now() + interval '1 hour') RETURNING id";
        let query = sqlx::query_scalar::<_, Uuid>(insert).bind(self.owner.id);
        query.fetch_one(self.server.pool()).await.unwrap().to_string()
    }

    /// A role that permits nothing, which the owner has.
    async fn role(&self) -> String {
        let insert = "WITH made AS (INSERT INTO roles (name) VALUES (gen_random_uuid()::text) RETURNING id)
                      INSERT INTO user_roles (user_id, role_id) SELECT $1, id FROM made RETURNING role_id";
        let query = sqlx::query_scalar::<_, Uuid>(insert).bind(self.owner.id);
        query.fetch_one(self.server.pool()).await.unwrap().to_string()
    }

    async fn ask(&self, row: &Row, method: Method, path: &str) -> Response {
        let path = format!("{path}{}", row.query);
        let request = match &self.person {
            Some(person) => self.server.request(person, method, &path),
            None => self.server.anonymous(method, &path),
        };
        let request = match &row.sent {
            Sent::Nothing => request,
            Sent::Json(body) => {
                let text = body.to_string().replace("{fresh}", &Uuid::new_v4().simple().to_string());
                request.header("content-type", "application/json").body(text)
            }
            Sent::Text(text) => request.header("content-type", "text/plain").body(*text),
            Sent::Audio => {
                let part = reqwest::multipart::Part::bytes(crate::support::wav(200)).file_name("song.wav");
                request.multipart(reqwest::multipart::Form::new().part("file", part))
            }
        };
        request.send().await.unwrap()
    }
}

/// The same path with ids that nothing has.
fn nobodys(path: &str) -> String {
    let parts = path.split('/').map(|part| match Uuid::parse_str(part) {
        Ok(_) => Uuid::new_v4().to_string(),
        Err(_) => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Everything that an answer tells, apart from what no two have in common.
async fn told(response: Response) -> (u16, Vec<(String, String)>, Value) {
    let differ = ["x-request-id", "date", "ratelimit"];
    let headers = response.headers().iter().filter(|(name, _)| !differ.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let headers = headers.collect();
    let status = response.status().as_u16();
    (status, headers, without_id(response.json().await.unwrap()))
}

/// Every operation whose number leaves `remainder`; the rest is left to the other tests, which run beside.
async fn check_rows(remainder: usize) {
    let server = Server::start().await;
    let mut wrong = Vec::new();
    let rows = table().into_iter().enumerate().filter(|(i, _)| i % SHARES == remainder);
    for (row, kind) in rows.flat_map(|(_, row)| KINDS.map(|kind| (row.clone(), kind))) {
        let asker = Asker::new(&server, kind, row.entitlement).await;
        let (method, path) = row.operation.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let path = asker.fill(path).await;
        let place = KINDS.iter().position(|known| *known == kind).unwrap();
        if row.expect[place] == 404 && kind != Kind::Owner {
            let theirs = told(asker.ask(&row, method.clone(), &path).await).await;
            let nobodys = told(asker.ask(&row, method.clone(), &nobodys(&path)).await).await;
            assert_eq!(theirs, nobodys, "{kind:?} {}", row.operation);
        }
        let got = asker.ask(&row, method, &path).await.status().as_u16();
        if got != row.expect[place] {
            wrong.push(format!("{kind:?} {}: {got}, not {}", row.operation, row.expect[place]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Into how many tests the table is cut.
const SHARES: usize = 3;

#[tokio::test]
async fn everybody_gets_what_the_table_says() {
    check_rows(0).await;
}

#[tokio::test]
async fn everybody_gets_what_the_table_says_as_well() {
    check_rows(1).await;
}

#[tokio::test]
async fn everybody_gets_what_the_rest_of_the_table_says() {
    check_rows(2).await;
}
