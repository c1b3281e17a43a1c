//! Announced uploads: one verification at a time, and a lost one writes nothing.

use serde_json::json;
use store::objects::ObjectKey;
use store::testing::TestDatabase;
use store::tracks::{self, Details, NewTrack};
use store::uploads::{self, NewUpload, Room};
use store::users;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

const PLENTY: Room = Room { count: 10, bytes: 1000 };

fn upload(user_id: Uuid, size_bytes: i64) -> NewUpload {
    let now = OffsetDateTime::now_utc();
    NewUpload {
        id: Uuid::now_v7(),
        user_id,
        size_bytes,
        sha256: None,
        content_type: "audio/flac".into(),
        about: json!({}),
        secret: None,
        expires_at: now + Duration::HOUR,
        kept_until: now + Duration::DAY,
    }
}

#[tokio::test]
async fn a_verification_that_was_lost_writes_nothing() {
    let database = TestDatabase::new().await;
    let mut db = database.pool().acquire().await.unwrap();
    let ada = users::add_local(&mut db, "ada@example.org", None).await.unwrap().id;
    let new = upload(ada, 10);
    assert!(uploads::announce(&mut db, &new, PLENTY).await.unwrap());
    // Its lease is over the moment it begins.
    let lost = uploads::begin_verification(&mut db, new.id, Duration::ZERO).await.unwrap().unwrap();
    let held = uploads::begin_verification(&mut db, new.id, Duration::HOUR).await.unwrap().unwrap();
    assert_eq!(uploads::begin_verification(&mut db, new.id, Duration::HOUR).await.unwrap(), None);
    let id = Uuid::now_v7();
    let track = NewTrack {
        id,
        user_id: ada,
        r2_key: ObjectKey::audio(id).as_str().into(),
        file_size_bytes: 10,
        mime_type: "audio/flac".into(),
        content_sha256: "0".repeat(64),
        name: "song".into(),
        details: Details::default(),
    };
    tracks::insert(&mut db, &track).await.unwrap();
    let answer = json!({"track": id});
    assert!(!uploads::extend(&mut db, lost, Duration::HOUR).await.unwrap());
    assert!(!uploads::complete(&mut db, lost, id, &answer, Duration::DAY).await.unwrap());
    uploads::give_up(&mut db, lost).await.unwrap();
    assert!(uploads::extend(&mut db, held, Duration::HOUR).await.unwrap());
    assert!(uploads::complete(&mut db, held, id, &answer, Duration::DAY).await.unwrap());
    assert!(!uploads::complete(&mut db, held, id, &answer, Duration::DAY).await.unwrap());
    assert!(!uploads::abort(&mut db, new.id).await.unwrap(), "it became a track");
    let row = uploads::get(&mut db, new.id).await.unwrap().unwrap();
    assert_eq!((row.track_id, row.answer, row.verifying), (Some(id), Some(answer), false));
}

#[tokio::test]
async fn room_is_counted_per_person_and_of_what_is_open() {
    let database = TestDatabase::new().await;
    let mut db = database.pool().acquire().await.unwrap();
    let ada = users::add_local(&mut db, "ada@example.org", None).await.unwrap().id;
    let bob = users::add_local(&mut db, "bob@example.org", None).await.unwrap().id;
    let room = Room { count: 2, bytes: 100 };
    let first = upload(ada, 40);
    assert!(uploads::announce(&mut db, &first, room).await.unwrap());
    assert!(!uploads::announce(&mut db, &upload(ada, 61), room).await.unwrap(), "bytes");
    assert!(uploads::announce(&mut db, &upload(ada, 60), room).await.unwrap());
    assert!(!uploads::announce(&mut db, &upload(ada, 0), room).await.unwrap(), "count");
    assert!(uploads::announce(&mut db, &upload(bob, 100), room).await.unwrap());
    assert!(uploads::abort(&mut db, first.id).await.unwrap());
    assert!(
        !uploads::announce(&mut db, &upload(ada, 40), room).await.unwrap(),
        "its address still takes audio"
    );
}

#[tokio::test]
async fn an_aborted_upload_whose_address_is_closed_leaves_its_room() {
    let database = TestDatabase::new().await;
    let mut db = database.pool().acquire().await.unwrap();
    let ada = users::add_local(&mut db, "ada@example.org", None).await.unwrap().id;
    let room = Room { count: 1, bytes: 100 };
    let closed = NewUpload { expires_at: OffsetDateTime::now_utc() - Duration::SECOND, ..upload(ada, 100) };
    assert!(uploads::announce(&mut db, &closed, room).await.unwrap());
    assert!(!uploads::announce(&mut db, &upload(ada, 100), room).await.unwrap(), "it can still be completed");
    assert!(uploads::abort(&mut db, closed.id).await.unwrap());
    assert!(uploads::announce(&mut db, &upload(ada, 100), room).await.unwrap());
}
