//! What is read of the catalogue of a live database.

use crate::support::postgres::{Database, introspected};

#[test]
fn smoke() {
    let database = Database::new(
        r#"
        CREATE EXTENSION citext;
        CREATE TYPE mood AS ENUM ('ok', 'it''s', '"');
        CREATE DOMAIN pos AS int CHECK (value > 0);
        CREATE DOMAIN pos2 AS pos NOT NULL;
        CREATE TYPE pair AS (a pos2, b citext[]);
        CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, p pair, r int4range, mr int4multirange, ar mood[], v varchar(20) NOT NULL UNIQUE,
          c citext DEFAULT 'x', ts tsvector GENERATED ALWAYS AS (to_tsvector('simple', 'a')) STORED, j jsonb, js json, pt point, x pos2);
        CREATE TABLE b (a_id bigint REFERENCES a, n int, PRIMARY KEY (a_id, n)) PARTITION BY RANGE (n);
        CREATE TABLE b1 PARTITION OF b FOR VALUES FROM (1) TO (10);
        CREATE INDEX ON a (lower(v), m);
        CREATE INDEX ON a (m, lower(v));
        CREATE VIEW vw WITH (security_invoker) AS SELECT a.id, b.n FROM a, b;
        CREATE POLICY pol ON a USING (true);
        COMMENT ON TABLE a IS 'hi';
        "#,
    );
    let snapshot = introspected(&database.dsn("postgres"), &[]).unwrap();
    println!("{}", snapshot.text());
}
