//! The platform's schema specification, and a schema built straight from it to compare the migrations with.

use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgConnection};
use std::fmt::Write;

/// How many migrations of ours are the platform's.
pub(crate) const PLATFORM_MIGRATIONS: i64 = 13;

#[derive(Deserialize)]
struct Specification {
    migrations: Vec<Migration>,
}

#[derive(Deserialize)]
struct Migration {
    tables: Vec<Table>,
}

#[derive(Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    primary_key: Vec<String>,
    indexes: Vec<Index>,
}

#[derive(Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) sql_type: String,
    pub(crate) not_null: bool,
    unique: bool,
    pub(crate) references: Option<Reference>,
    pub(crate) default: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Reference {
    pub(crate) table: String,
    pub(crate) column: String,
    on_delete: Option<String>,
}

#[derive(Deserialize)]
struct Index {
    name: String,
    unique: bool,
    columns: Vec<String>,
    #[serde(rename = "where")]
    predicate: Option<String>,
}

/// Every table, in an order in which each refers only to itself and earlier ones.
pub(crate) fn tables() -> Vec<Table> {
    let specification: Specification = serde_json::from_str(include_str!("../platform_schema.json")).unwrap();
    let count = i64::try_from(specification.migrations.len()).unwrap();
    assert_eq!(count, PLATFORM_MIGRATIONS);
    specification.migrations.into_iter().flat_map(|migration| migration.tables).collect()
}

/// Builds the specified tables in the schema `spec`, plainly: what PostgreSQL then says about them is what it must say
/// about the migrated ones.
pub(crate) async fn build(connection: &mut PgConnection) {
    execute(connection, "CREATE SCHEMA spec; SET search_path = spec").await;
    for table in tables() {
        execute(connection, &table.ddl()).await;
    }
}

impl Table {
    fn ddl(&self) -> String {
        let name = &self.name;
        let mut sql = format!("CREATE TABLE {name} ();\n");
        for column in &self.columns {
            writeln!(sql, "ALTER TABLE {name} ADD COLUMN {} {};", column.name, column.sql_type).unwrap();
        }
        writeln!(sql, "ALTER TABLE {name} ADD PRIMARY KEY ({});", self.primary_key.join(", ")).unwrap();
        for column in &self.columns {
            sql += &column.constraints(name);
        }
        for index in &self.indexes {
            sql += &index.ddl(name);
        }
        sql
    }
}

impl Column {
    fn constraints(&self, table: &str) -> String {
        let mut sql = String::new();
        let column = &self.name;
        if self.not_null {
            writeln!(sql, "ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;").unwrap();
        }
        if let Some(default) = &self.default {
            writeln!(sql, "ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default};").unwrap();
        }
        if self.unique {
            writeln!(sql, "ALTER TABLE {table} ADD UNIQUE ({column});").unwrap();
        }
        if let Some(Reference { table: other, column: key, on_delete }) = &self.references {
            let on_delete = on_delete.as_ref().map_or(String::new(), |action| format!(" ON DELETE {action}"));
            writeln!(
                sql,
                "ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {other} ({key}){on_delete};"
            )
            .unwrap();
        }
        sql
    }
}

impl Index {
    fn ddl(&self, table: &str) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let predicate =
            self.predicate.as_ref().map_or(String::new(), |condition| format!(" WHERE {condition}"));
        format!("CREATE {unique}INDEX {} ON {table} ({}){predicate};\n", self.name, self.columns.join(", "))
    }
}

/// Runs statements that are put together at run time, which only tests do.
pub(crate) async fn execute(connection: &mut PgConnection, statements: &str) {
    let result = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(connection).await;
    result.unwrap_or_else(|error| panic!("{error}\n{statements}"));
}
