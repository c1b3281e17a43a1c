//! Migrating is safe: again, at once from several processes, and where the platform's tables are already.

use crate::spec::{self, Column, PLATFORM_MIGRATIONS, Table};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use store::Error;
use store::migrate::{check, migrate};
use store::testing::TestDatabase;

#[tokio::test]
async fn a_second_time_there_is_nothing_to_do() {
    let database = TestDatabase::empty().await;
    let first = migrate(database.pool()).await.unwrap();
    assert_eq!(first.versions.first(), Some(&1));
    assert_eq!(first.versions.last(), Some(&first.latest));
    let second = migrate(database.pool()).await.unwrap();
    assert_eq!((second.versions, second.latest, second.newer), (Vec::new(), first.latest, false));
}

#[tokio::test]
async fn processes_that_start_at_once_do_not_disturb_one_another() {
    let database = TestDatabase::empty().await;
    let pool = database.pool();
    let (a, b, c, d) = tokio::join!(migrate(pool), migrate(pool), migrate(pool), migrate(pool));
    let latest: Vec<i64> = [a, b, c, d].into_iter().map(|applied| applied.unwrap().latest).collect();
    let once: i64 =
        sqlx::query_scalar("SELECT count(*) FROM _arsis_migrations").fetch_one(pool).await.unwrap();
    assert_eq!(usize::try_from(once).unwrap(), sqlx::migrate!("../migrations").iter().count());
    assert!(latest.iter().all(|version| *version == latest[0]), "{latest:?}");
}

#[tokio::test]
async fn a_database_that_a_newer_arsis_migrated_is_left_alone() {
    let database = TestDatabase::new().await;
    sqlx::query(
        "INSERT INTO _arsis_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, '', 0)",
    )
    .execute(database.pool())
    .await
    .unwrap();
    for _ in 0..2 {
        let applied = migrate(database.pool()).await.unwrap();
        assert_eq!((applied.versions, applied.latest, applied.newer), (Vec::new(), 9999, true));
    }
    check(database.pool()).await.unwrap();

    // One that lacks something of ours is another matter.
    sqlx::query("DELETE FROM _arsis_migrations WHERE version = 1").execute(database.pool()).await.unwrap();
    let error = migrate(database.pool()).await.unwrap_err();
    assert!(matches!(error, Error::SchemaTooNew { version: 9999 }), "{error}");
}

#[tokio::test]
async fn a_failed_migration_leaves_neither_tables_nor_locks() {
    let database = TestDatabase::empty().await;
    // Somebody else's table of that name: it has no email to index.
    sqlx::query("CREATE TABLE users (id INTEGER)").execute(database.pool()).await.unwrap();
    for _ in 0..2 {
        // The second would wait for ever for a lock that the first had kept.
        let error = migrate(database.pool()).await.unwrap_err();
        assert!(matches!(error, Error::Migration(_)), "{error}");
    }
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert_eq!(tables, ["_arsis_migrations", "users"]);
}

#[tokio::test]
async fn a_database_of_the_platforms_keeps_every_row_and_its_own_history() {
    let database = TestDatabase::empty().await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    make_the_platforms_tables(&mut connection).await;
    // Things the platform may have that ours would meet.
    spec::execute(
        &mut connection,
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, checksum BYTEA);
         INSERT INTO _sqlx_migrations VALUES (1, 'theirs');
         INSERT INTO roles (name) VALUES ('admin');
         INSERT INTO skill_definitions (key, name, category) VALUES ('rhythm', 'Their name for it', 'mental');
         INSERT INTO onboarding_flows (name) VALUES ('first_listening');
         CREATE FUNCTION cleanup_expired_sessions() RETURNS VOID LANGUAGE sql AS ''",
    )
    .await;
    let before = insert_a_row_everywhere(&mut connection).await;

    let pool = database.pool();
    let (powers, steps) = (count(pool, POWERS).await, count(pool, STEPS).await);

    migrate(pool).await.unwrap();

    for (table, row) in before {
        let kept = format!("SELECT count(*) FROM {table} t WHERE to_jsonb(t) @> $1");
        let kept: i64 =
            sqlx::query_scalar(AssertSqlSafe(kept)).bind(&row).fetch_one(&mut connection).await.unwrap();
        assert_eq!(kept, 1, "{table}: {row}");
    }
    assert_eq!(count(pool, "SELECT count(*) FROM _sqlx_migrations WHERE checksum = 'theirs'").await, 1);
    assert_eq!(
        count(pool, "SELECT count(*) FROM skill_definitions WHERE name = 'Their name for it'").await,
        1
    );
    assert_eq!(count(pool, "SELECT count(*) FROM skill_definitions WHERE key = 'rhythm'").await, 1);
    assert_eq!(count(pool, POWERS).await, powers, "a role of theirs must not gain power");
    assert_eq!(count(pool, STEPS).await, steps, "a flow of theirs must not grow");
    assert!(migrate(pool).await.unwrap().versions.is_empty());
}

const POWERS: &str =
    "SELECT count(*) FROM role_entitlements JOIN roles r ON r.id = role_id WHERE r.name = 'admin'";
const STEPS: &str = "SELECT count(*) FROM onboarding_steps s JOIN onboarding_flows f ON f.id = flow_id
                     WHERE f.name = 'first_listening'";

async fn count(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

/// The tables as another program would have made them: no history of ours.
async fn make_the_platforms_tables(connection: &mut PgConnection) {
    for migration in
        sqlx::migrate!("../migrations").iter().filter(|migration| migration.version <= PLATFORM_MIGRATIONS)
    {
        spec::execute(connection, migration.sql.as_str()).await;
    }
}

/// A row in each of the 77 tables, as it reads as JSON.
async fn insert_a_row_everywhere(connection: &mut PgConnection) -> Vec<(String, Value)> {
    let mut rows = Vec::new();
    for table in spec::tables() {
        let required = |column: &&Column| column.not_null && column.default.is_none();
        let columns: Vec<&Column> = table.columns.iter().filter(required).collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let values: Vec<String> = columns.into_iter().map(|column| some_value(&table, column)).collect();
        let insert = format!(
            "INSERT INTO {0} ({1}) VALUES ({2}) RETURNING to_jsonb({0})",
            table.name,
            names.join(", "),
            values.join(", ")
        );
        let row = sqlx::query_scalar(AssertSqlSafe(insert)).fetch_one(&mut *connection).await;
        rows.push((table.name.clone(), row.unwrap_or_else(|error| panic!("{}: {error}", table.name))));
    }
    rows
}

fn some_value(table: &Table, column: &Column) -> String {
    if let Some(reference) = &column.references {
        return format!("(SELECT {} FROM {} LIMIT 1)", reference.column, reference.table);
    }
    match column.sql_type.as_str() {
        "TEXT" => format!("'a {} of {}'", column.name, table.name),
        "INTEGER" | "BIGINT" | "REAL" => "7".to_owned(),
        "JSONB" => "'{\"kept\": true}'".to_owned(),
        "BYTEA" => "'\\x00ff'".to_owned(),
        "TIMESTAMPTZ" | "DATE" => "NOW()".to_owned(),
        "UUID" => "gen_random_uuid()".to_owned(),
        other => panic!("no value for {other}"),
    }
}
