//! Users, sessions and what roles grant, against a real server.

use store::access::{self, Action, AuditEntry, TRACKS};
use store::sessions::{self, Lookup, Origin, Token};
use store::testing::TestDatabase;
use store::{Error, users};
use time::Duration;

#[tokio::test]
async fn adding_a_user_again_approves_the_one_there_is() {
    let database = TestDatabase::new().await;
    let mut db = database.pool().acquire().await.unwrap();
    assert!(!users::any(&mut db).await.unwrap());
    let first = users::add_local(&mut db, "Ada@Example.org", Some("Ada")).await.unwrap();
    assert!(first.approved && users::any(&mut db).await.unwrap());
    sqlx::raw_sql("UPDATE users SET approved = false").execute(&mut *db).await.unwrap();
    let second = users::add_local(&mut db, "ada@example.org", Some("Other")).await.unwrap();
    assert_eq!(second, first, "same row, same name, approved again");
    assert_eq!(users::get(&mut db, first.id).await.unwrap(), Some(first));
    let refused = users::add_local(&mut db, "nobody", None).await;
    assert!(matches!(refused, Err(Error::Invalid { field: "email", .. })), "{refused:?}");
}

#[tokio::test]
async fn a_session_is_valid_until_it_ends() {
    let database = TestDatabase::new().await;
    let mut db = database.pool().acquire().await.unwrap();
    let ada = users::add_local(&mut db, "ada@example.org", None).await.unwrap();
    let origin = Origin { user_agent: Some("test/1"), ip_address: Some("::1") };
    let token = sessions::create(&mut db, ada.id, Duration::HOUR, origin).await.unwrap();
    let Lookup::Valid(identity) = sessions::look_up(&mut db, &token).await.unwrap() else {
        panic!("not valid")
    };
    assert_eq!(identity.user_id, ada.id);
    let presented = Token::presented(token.expose());
    assert_eq!(sessions::look_up(&mut db, &presented).await.unwrap(), Lookup::Valid(identity));
    let other = Token::generate().unwrap();
    assert_eq!(sessions::look_up(&mut db, &other).await.unwrap(), Lookup::Unknown);
    sqlx::raw_sql("UPDATE users SET approved = false").execute(&mut *db).await.unwrap();
    assert_eq!(sessions::look_up(&mut db, &token).await.unwrap(), Lookup::Unapproved(identity));
    sessions::end(&mut db, identity.session_id).await.unwrap();
    sessions::end(&mut db, identity.session_id).await.unwrap();
    assert_eq!(sessions::look_up(&mut db, &token).await.unwrap(), Lookup::Expired);
}

#[tokio::test]
async fn roles_grant_what_they_and_their_parents_hold_and_nothing_else() {
    let database = TestDatabase::new().await;
    let mut db = database.pool().acquire().await.unwrap();
    let ada = users::add_local(&mut db, "ada@example.org", None).await.unwrap();
    let entitled = async |db: &mut store::PgConnection, action| {
        access::is_entitled(db, ada.id, TRACKS, action).await.unwrap()
    };
    assert!(!entitled(&mut db, Action::Read).await);
    let grant = "INSERT INTO user_roles (user_id, role_id) SELECT u.id, r.id FROM users u, roles r WHERE r.name = 'admin'";
    sqlx::raw_sql(grant).execute(&mut *db).await.unwrap();
    // The seeds' admin deletes by its own right, and reads by its parent's.
    assert!(entitled(&mut db, Action::Delete).await && entitled(&mut db, Action::Read).await);
    assert!(!access::is_entitled(&mut db, ada.id, "sessions", Action::Update).await.unwrap());
    sqlx::raw_sql("UPDATE user_roles SET expires_at = now()").execute(&mut *db).await.unwrap();
    assert!(!entitled(&mut db, Action::Read).await);
}

#[tokio::test]
async fn ending_all_sessions_meets_the_one_that_is_being_rotated() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut db = pool.acquire().await.unwrap();
    let ada = users::add_local(&mut db, "ada@example.org", None).await.unwrap();
    let token = sessions::create(&mut db, ada.id, Duration::HOUR, Origin::default()).await.unwrap();
    let Lookup::Valid(identity) = sessions::look_up(&mut db, &token).await.unwrap() else {
        panic!("not valid")
    };
    let mut rotation = pool.begin().await.unwrap();
    let rotated = sessions::rotate(&mut rotation, identity.session_id, Origin::default()).await.unwrap();
    let (fresh, _) = rotated.unwrap();
    let all = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            sessions::end_all(&mut tx, ada.id).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    let waiting = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut *db).await.unwrap() {}
    rotation.commit().await.unwrap();
    all.await.unwrap();
    assert_eq!(sessions::look_up(&mut db, &fresh).await.unwrap(), Lookup::Expired);
}

#[tokio::test]
async fn an_audit_entry_is_kept_as_it_was_written() {
    let database = TestDatabase::new().await;
    let mut db = database.pool().acquire().await.unwrap();
    let entry = AuditEntry {
        event_type: "test.happened",
        action: Some(Action::Update),
        details: Some(serde_json::json!({"why": "test"})),
        request_id: Some("r-1"),
        ..AuditEntry::default()
    };
    access::record(&mut db, &entry).await.unwrap();
    let row: (String, String, String, serde_json::Value) =
        sqlx::query_as("SELECT event_type, action, status, details FROM audit_log")
            .fetch_one(&mut *db)
            .await
            .unwrap();
    let expect =
        ("test.happened".into(), "update".into(), "failure".into(), serde_json::json!({"why": "test"}));
    assert_eq!(row, expect);
}
