//! What PostgreSQL says about the migrated tables is what it says about the specified ones.

use crate::spec::{self, PLATFORM_MIGRATIONS};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use store::testing::TestDatabase;

async fn connect(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(database.url()).await.unwrap()
}

/// Everything that the catalogue has to say about a schema's tables, one fact a line.
async fn describe(connection: &mut PgConnection, schema: &str) -> BTreeSet<String> {
    // Unqualified names: the two schemas are to read the same.
    spec::execute(connection, &format!("SET search_path = {schema}")).await;
    let facts: Vec<String> = sqlx::query_scalar(
        "SELECT format('%s column %s %s: %s%s%s', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
                       CASE WHEN a.attnotnull THEN ' NOT NULL' END, ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
         FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r'
         UNION ALL
         SELECT format('%s constraint: %s', c.relname, pg_get_constraintdef(k.oid, true))
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         WHERE k.connamespace = $1::regnamespace AND k.contype <> 'n'
         UNION ALL
         SELECT format('%s index: %s', t.relname, pg_get_indexdef(i.indexrelid, 0, true))
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
         WHERE t.relnamespace = $1::regnamespace
           AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))",
    )
    .bind(schema)
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let count = facts.len();
    let facts: BTreeSet<String> = facts.into_iter().collect();
    assert_eq!(facts.len(), count, "a constraint or index is there twice");
    facts
}

#[tokio::test]
async fn the_platforms_migrations_make_exactly_the_specified_tables() {
    let database = TestDatabase::empty().await;
    let mut connection = connect(&database).await;
    // Not `store::migrate`: without what comes after the platform's own.
    sqlx::migrate!("../migrations").run_to(PLATFORM_MIGRATIONS, &mut connection).await.unwrap();
    spec::execute(&mut connection, "DROP TABLE _sqlx_migrations").await;
    spec::build(&mut connection).await;

    let specified = describe(&mut connection, "spec").await;
    let migrated = describe(&mut connection, "public").await;
    let missing: Vec<_> = specified.difference(&migrated).collect();
    let added: Vec<_> = migrated.difference(&specified).collect();
    assert!(missing.is_empty() && added.is_empty(), "missing: {missing:#?}\nadded: {added:#?}");

    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(tables, 77);
}

#[tokio::test]
async fn our_own_migrations_only_add() {
    let database = TestDatabase::new().await;
    let mut connection = connect(&database).await;
    spec::build(&mut connection).await;
    let specified = describe(&mut connection, "spec").await;
    let migrated = describe(&mut connection, "public").await;
    let missing: Vec<_> = specified.difference(&migrated).collect();
    assert!(missing.is_empty(), "taken away or changed: {missing:#?}");

    let columns: BTreeSet<(String, String)> = spec::tables()
        .into_iter()
        .flat_map(|table| table.columns.into_iter().map(move |column| (table.name.clone(), column.name)))
        .collect();
    let tables: BTreeSet<&String> = columns.iter().map(|(table, _)| table).collect();
    for fact in migrated.difference(&specified) {
        let table = fact.split(' ').next().unwrap().to_owned();
        if tables.contains(&table) {
            assert!(leaves_the_platforms_writes_alone(fact, &table, &columns), "{fact}");
        }
    }
}

/// Whether the platform, which knows nothing of the addition to its table, can write there as it always did.
fn leaves_the_platforms_writes_alone(fact: &str, table: &str, columns: &BTreeSet<(String, String)>) -> bool {
    let ours = |column: &str| !columns.contains(&(table.to_owned(), column.to_owned()));
    if fact.contains(" column ") {
        return !fact.contains("NOT NULL") || fact.contains("DEFAULT");
    }
    if let Some(column) = between(fact, "FOREIGN KEY (", ")") {
        return ours(column);
    }
    if fact.contains(" index: CREATE UNIQUE") {
        return fact
            .split_once(" WHERE ")
            .is_some_and(|(_, condition)| ours(condition.split(' ').next().unwrap()));
    }
    fact.contains(" index: CREATE INDEX")
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(between, _)| between)
}

#[test]
fn additions_that_would_break_the_platforms_writes_are_seen() {
    let columns = BTreeSet::from([("t".to_owned(), "theirs".to_owned())]);
    let fine = |fact| leaves_the_platforms_writes_alone(fact, "t", &columns);
    assert!(fine("t column 9 more: text"));
    assert!(fine("t column 9 more: text NOT NULL DEFAULT ''::text"));
    assert!(!fine("t column 9 more: text NOT NULL"));
    assert!(fine("t constraint: FOREIGN KEY (more) REFERENCES u(id)"));
    assert!(!fine("t constraint: FOREIGN KEY (theirs) REFERENCES u(id)"));
    assert!(!fine("t constraint: CHECK (theirs > 0)"));
    assert!(!fine("t constraint: UNIQUE (theirs)"));
    assert!(fine("t index: CREATE UNIQUE INDEX i ON t USING btree (theirs) WHERE more IS NOT NULL"));
    assert!(!fine("t index: CREATE UNIQUE INDEX i ON t USING btree (theirs)"));
    assert!(fine("t index: CREATE INDEX i ON t USING btree (theirs)"));
}

#[tokio::test]
async fn every_foreign_key_is_led_by_an_index() {
    let database = TestDatabase::new().await;
    // A partial index serves only if it leaves out nothing but nulls, which refer to nothing.
    let bare: Vec<String> = sqlx::query_scalar(
        "SELECT k.conrelid::regclass || ': ' || pg_get_constraintdef(k.oid)
         FROM pg_constraint k
         WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
           AND NOT EXISTS (
               SELECT 1 FROM pg_index i
               JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.conkey[1]
               WHERE i.indrelid = k.conrelid AND i.indisvalid
                 AND (i.indkey::int2[])[0 : cardinality(k.conkey) - 1] = k.conkey
                 AND (i.indpred IS NULL
                      OR pg_get_expr(i.indpred, i.indrelid) = format('(%s IS NOT NULL)', a.attname)))",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(bare.is_empty(), "{bare:#?}");

    let keys: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace",
    )
    .fetch_one(database.pool())
    .await
    .unwrap();
    assert!(keys >= 96, "the specification has 96 foreign keys, the database {keys}");
}
