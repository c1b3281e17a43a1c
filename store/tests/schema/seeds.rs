//! What a new installation starts with is complete, means something to the engine, and is there once.

use analysis_core::AnalysisType;
use analysis_core::events::EventType;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use store::testing::TestDatabase;

const SEEDED: [&str; 9] = [
    "roles",
    "entitlements",
    "role_entitlements",
    "skill_definitions",
    "achievement_definitions",
    "market_items",
    "onboarding_steps",
    "listening_prompt_templates",
    "listening_prompt_presets",
];

async fn counts(pool: &PgPool) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in SEEDED {
        let query = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        counts.push(sqlx::query_scalar(query).fetch_one(pool).await.unwrap());
    }
    counts
}

#[tokio::test]
async fn seeding_again_adds_nothing() {
    let database = TestDatabase::new().await;
    let before = counts(database.pool()).await;
    assert!(before.iter().all(|count| *count > 0), "{SEEDED:?} {before:?}");
    let migrations = sqlx::migrate!("../migrations");
    let seeds = migrations.iter().find(|migration| migration.version == 14).unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(seeds.sql.clone()).execute(&mut connection).await.unwrap();
    assert_eq!(counts(database.pool()).await, before);
}

#[tokio::test]
async fn every_prompt_has_hints_and_something_to_observe() {
    let database = TestDatabase::new().await;
    let poor: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM listening_prompt_templates
         WHERE jsonb_array_length(hints) < 2 OR jsonb_array_length(expected_observations) < 2
            OR cardinality(tags) = 0 OR difficulty NOT IN ('beginner', 'intermediate', 'advanced')",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(poor.is_empty(), "{poor:?}");
}

#[tokio::test]
async fn presets_ask_for_what_the_engine_can_answer() {
    let database = TestDatabase::new().await;
    let presets: Vec<(String, Value)> = sqlx::query_as("SELECT name, config FROM listening_prompt_presets")
        .fetch_all(database.pool())
        .await
        .unwrap();
    for (name, config) in presets {
        let analysis = serde_json::from_value::<AnalysisType>(config["analysis_type"].clone());
        assert!(analysis.is_ok(), "{name}: {config}");
        for key in ["event_types", "exclude_event_types"] {
            let Some(events) = config.get(key) else { continue };
            let events = serde_json::from_value::<Vec<EventType>>(events.clone());
            assert!(events.is_ok(), "{name}: {config}");
        }
    }
}

#[tokio::test]
async fn onboarding_counts_its_steps() {
    let database = TestDatabase::new().await;
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT f.name FROM onboarding_flows f
         WHERE total_steps <> (SELECT count(*) FROM onboarding_steps s WHERE s.flow_id = f.id)",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn clean_up_removes_what_has_expired_and_keeps_the_audit_trail() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::raw_sql(
        "INSERT INTO users (id, email) VALUES ('11111111-1111-4111-8111-111111111111', 'ada@example.org');
         INSERT INTO sessions (id, user_id, token, expires_at) VALUES
             ('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111', 'old', NOW() - INTERVAL '1 s'),
             ('33333333-3333-4333-8333-333333333333', '11111111-1111-4111-8111-111111111111', 'new', NOW() + INTERVAL '1 h');
         INSERT INTO audit_log (session_id, event_type, status, details) VALUES
             ('22222222-2222-4222-8222-222222222222', 'login', 'success', '{\"via\": \"token\"}'),
             ('33333333-3333-4333-8333-333333333333', 'login', 'success', NULL);
         INSERT INTO oauth_states (state, provider, expires_at) VALUES
             ('a', 'x', NOW() - INTERVAL '1 s'), ('b', 'x', NOW() - INTERVAL '1 s'), ('c', 'x', NOW() + INTERVAL '1 h');",
    )
    .execute(pool)
    .await
    .unwrap();

    let removed: (i64, i64) =
        sqlx::query_as("SELECT cleanup_expired_sessions(), cleanup_expired_oauth_states()")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(removed, (1, 2));
    let left: Vec<String> =
        sqlx::query_scalar("SELECT token FROM sessions UNION ALL SELECT state FROM oauth_states ORDER BY 1")
            .fetch_all(pool)
            .await
            .unwrap();
    assert_eq!(left, ["c", "new"]);
    let trail: Vec<Option<Value>> =
        sqlx::query_scalar("SELECT details FROM audit_log ORDER BY session_id NULLS FIRST")
            .fetch_all(pool)
            .await
            .unwrap();
    let moved = serde_json::json!({"via": "token", "session_id": "22222222-2222-4222-8222-222222222222"});
    assert_eq!(trail, [Some(moved), None]);
}
