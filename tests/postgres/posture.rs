//! A role that may do more than read is refused before anything is read, with SQL that makes one that only
//! reads; or it is accepted with a reason.

use serde_json::json;

use super::made::{SCHEMA, call, library, postgres, server};
use crate::support::postgres::{Database, block_on, cluster};

/// Roles, made once in each database that wants them: they are the cluster's.
const ROLES: &str = "
DO $$
DECLARE made text;
BEGIN
  FOREACH made IN ARRAY ARRAY['p_owner', 'p_member', 'p_writer', 'p_column', 'p_bypass', 'p_super', 'p_creator', 'p_noinherit'] LOOP
    BEGIN EXECUTE format('CREATE ROLE %I LOGIN', made);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
  END LOOP;
END $$;
ALTER ROLE p_super SUPERUSER; ALTER ROLE p_bypass BYPASSRLS; ALTER ROLE p_noinherit NOINHERIT;
ALTER TABLE lib.authors OWNER TO p_owner;
GRANT p_owner TO p_member, p_noinherit;
GRANT USAGE ON SCHEMA lib TO p_owner, p_member, p_writer, p_column, p_bypass, p_creator, p_noinherit;
GRANT SELECT ON lib.authors, lib.books TO p_owner, p_member, p_writer, p_column, p_bypass, p_creator, p_noinherit;
GRANT SELECT ON lib.authors TO reader;
GRANT TRUNCATE ON lib.books TO p_writer;
GRANT UPDATE (title) ON lib.books TO p_column;
GRANT CREATE ON SCHEMA lib TO p_creator;
";

#[test]
fn roles_that_may_write_are_refused() {
    let database = Database::new(&format!("{SCHEMA}{ROLES}"));
    for (role, kind, reason) in [
        ("reader", None, ""),
        (
            "p_super",
            Some("superuser"),
            "it is a superuser, or may become one",
        ),
        (
            "p_bypass",
            Some("bypass_rls"),
            "row security does not hold for it",
        ),
        ("p_owner", Some("owner"), "it owns lib.authors"),
        ("p_member", Some("owner"), "it owns lib.authors"),
        ("p_noinherit", Some("owner"), "it owns lib.authors"),
        ("p_writer", Some("writer"), "it may write to lib.books"),
        ("p_column", Some("writer"), "it may write to lib.books"),
        ("p_creator", Some("writer"), "it may create objects in lib"),
    ] {
        let dsn = database.dsn(role);
        let plain = server(&library(), postgres(), Some(&dsn));
        let ready = block_on(plain.ready());
        let Some(kind) = kind else {
            ready.unwrap();
            continue;
        };
        let refused = ready.unwrap_err();
        for part in [
            &format!("the role `{role}` may do more than read"),
            reason,
            "GRANT SELECT ON \"lib\".\"books\" TO mcpgen_reader;",
            &format!("posture: {{accept: {kind}, because: …}}"),
        ] {
            assert!(refused.contains(part), "{role}: no {part} in\n{refused}");
        }
        let error = block_on(call(&plain, "books_get", &json!({"id": 1}))).unwrap_err();
        assert_eq!(error.code, "database_refused");
        assert!(!error.text().contains("GRANT") && !error.text().contains(role));
        // Accepted for what it is, and not for less.
        let order = ["writer", "owner", "bypass_rls", "superuser"];
        let at = order.iter().position(|name| *name == kind).unwrap();
        for (index, accept) in order.iter().enumerate() {
            let mut spec = postgres();
            spec["posture"] = json!({"accept": accept, "because": "a test"});
            let server = server(&library(), spec, Some(&dsn));
            assert_eq!(
                block_on(server.ready()).is_ok(),
                index >= at,
                "{role} {accept}"
            );
        }
    }
}

#[test]
fn a_role_that_cannot_be_taken_is_named() {
    let database = Database::new(&format!("{SCHEMA}{ROLES}"));
    for role in ["no_such_role", "p_writer", "none; --"] {
        let mut spec = postgres();
        spec["role"] = json!(role);
        let server = server(&library(), spec, Some(&database.dsn("reader")));
        let refused = block_on(server.ready()).unwrap_err();
        let expected = format!("the role `{role}` cannot be taken");
        assert!(refused.contains(&expected), "{refused}");
        let error = block_on(call(&server, "books_get", &json!({"id": 1}))).unwrap_err();
        assert_eq!(error.code, "database_refused");
    }
}

#[test]
fn the_sql_that_is_offered_makes_a_role_that_is_taken() {
    let database = Database::new(&format!("{SCHEMA}{ROLES}"));
    let server = |user: &str| server(&library(), postgres(), Some(&database.dsn(user)));
    let refused = block_on(server("p_owner").ready()).unwrap_err();
    let sql: Vec<&str> = refused
        .lines()
        .filter(|line| line.trim_end().ends_with(';'))
        .collect();
    assert!(sql.len() >= 6, "{refused}");
    // The role is the cluster's, and this is the only test that makes it.
    database.run(&sql.join("\n"));
    let taken = server("mcpgen_reader");
    block_on(async {
        taken.ready().await.unwrap();
        call(&taken, "books_find", &json!({"include": ["author"]}))
            .await
            .unwrap();
    });
}

#[test]
fn a_database_that_is_away_is_asked_again() {
    let database = Database::new(SCHEMA);
    let nowhere = cluster().folder().join("nothing");
    let dsn = format!(
        "postgres://reader@{}/x",
        nowhere.to_string_lossy().replace('/', "%2F")
    );
    for (dsn, starts, code) in [
        (Some(dsn.as_str()), true, "database_unreachable"),
        (
            Some(cluster().dsn(&database.name, "nobody_here").as_str()),
            false,
            "database_refused",
        ),
        (
            Some(cluster().dsn("no_such_database", "reader").as_str()),
            false,
            "database_refused",
        ),
        (None, false, "no_connection_string"),
    ] {
        let server = server(&library(), postgres(), dsn);
        let ready = block_on(server.ready());
        assert_eq!(ready.is_ok(), starts, "{ready:?}");
        let error = block_on(call(&server, "books_get", &json!({"id": 1}))).unwrap_err();
        let known = [code, "database_refused"].contains(&error.code);
        assert!(known, "{}", error.text());
    }
}

#[test]
fn a_role_is_taken_for_each_transaction() {
    let database = Database::new(&format!(
        "{SCHEMA} DO $$ BEGIN CREATE ROLE p_login LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; \
         GRANT reader TO p_login;"
    ));
    let mut spec = postgres();
    spec["role"] = json!("reader");
    let server = server(&library(), spec, Some(&database.dsn("p_login")));
    block_on(async {
        server.ready().await.unwrap();
        call(&server, "books_get", &json!({"id": 1})).await.unwrap();
    });
    let mut spec = postgres();
    spec["role"] = json!("no_such_role");
    let server = super::made::server(&library(), spec, Some(&database.dsn("p_login")));
    assert!(block_on(server.ready()).is_err());
}
