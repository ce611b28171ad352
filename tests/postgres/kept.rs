//! What a kept statement must not outlive: memberships and policies, names that are gone or mean something else,
//! the process that knows them.

use std::path::PathBuf;
use std::time::Duration;

use mcpgen::cluster::SUPERUSER;
use mcpgen::runtime::server::Server;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::envelope::{connections, superuser, until};
use super::made::{KEPT, SCHEMA, call, library, postgres, server, telling};
use crate::support::Scratch;
use crate::support::postgres::{Database, block_on, cluster};

/// Roles of this module's alone.
const ROLES: &str = "
DO $$
DECLARE made text;
BEGIN
  FOREACH made IN ARRAY ARRAY['kept_login', 'kept_taken', 'kept_staff', 'kept_guest', 'kept_owner', 'kept_crew'] LOOP
    BEGIN EXECUTE format('CREATE ROLE %I LOGIN', made);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA lib TO kept_login, kept_taken, kept_guest, kept_owner;
GRANT SELECT ON lib.books, lib.authors TO kept_login, kept_taken, kept_guest, kept_owner;
ALTER TABLE lib.books ENABLE ROW LEVEL SECURITY;
";

/// The title of the first book, or the code of why there is none.
async fn title(server: &Server) -> Result<String, &'static str> {
    let row = call(server, "books_get", &json!({"id": 1})).await;
    let title = row.map(|row| row["row"]["title"].as_str().map(str::to_owned));
    match title {
        Ok(title) => title.ok_or("no title"),
        Err(error) => Err(error.code),
    }
}

/// So often that what can be kept is, and that PostgreSQL has one plan for all values.
async fn often(server: &Server) {
    for time in 0..9 {
        assert_eq!(title(server).await.as_deref(), Ok("100%"), "{time}");
    }
}

/// Runs statements as the superuser while a server is connected.
async fn run(database: &Database, sql: &str) {
    let done = cluster().run_sql(&database.name, SUPERUSER, sql).await;
    done.unwrap_or_else(|error| panic!("{error}"));
}

/// PostgreSQL does not plan anew when a role loses what its row security depends on.
#[test]
fn a_role_that_loses_a_right_no_longer_sees_what_it_gave() {
    for role in [None, Some("kept_taken")] {
        let who = role.unwrap_or("kept_login");
        let staff = "CREATE POLICY staff ON lib.books TO kept_staff USING (true)";
        for (given, taken) in [
            (
                format!("{staff}; GRANT kept_staff TO {who}"),
                format!("REVOKE kept_staff FROM {who}"),
            ),
            (
                format!("{staff}; ALTER ROLE {who} BYPASSRLS"),
                format!("ALTER ROLE {who} NOBYPASSRLS"),
            ),
            // No policy: nobody else sees anything.
            (
                format!("ALTER ROLE {who} BYPASSRLS"),
                format!("ALTER ROLE {who} NOBYPASSRLS"),
            ),
            (
                "CREATE POLICY everybody ON lib.books USING (true)".to_owned(),
                "DROP POLICY everybody ON lib.books".to_owned(),
            ),
            (
                "ALTER TABLE lib.books DISABLE ROW LEVEL SECURITY".to_owned(),
                "ALTER TABLE lib.books ENABLE ROW LEVEL SECURITY".to_owned(),
            ),
        ] {
            let database = Database::new(&format!(
                "{SCHEMA}{ROLES} GRANT kept_taken TO kept_login; {given};"
            ));
            let mut spec = postgres();
            spec["posture"] = json!({"accept": "bypass_rls", "because": "it is taken away"});
            spec["role"] = json!(role);
            let server = server(&library(), spec, Some(&database.dsn("kept_login")));
            block_on(async {
                often(&server).await;
                run(&database, &taken).await;
                let after = title(&server).await;
                assert_eq!(after.as_deref(), Err(&"not_found"), "{role:?}: {taken}");
            });
        }
    }
}

/// The rows of a view are those that its owner may see.
#[test]
fn an_owner_of_a_view_that_loses_a_membership_shows_less() {
    let database = Database::new(&format!(
        "{SCHEMA}{ROLES} CREATE POLICY crew ON lib.books TO kept_crew USING (true);
         ALTER TABLE lib.books RENAME TO tomes; CREATE VIEW lib.books AS SELECT * FROM lib.tomes;
         ALTER VIEW lib.books OWNER TO kept_owner; GRANT SELECT ON lib.books TO kept_guest;
         GRANT kept_crew TO kept_owner;"
    ));
    let server = server(&library(), postgres(), Some(&database.dsn("kept_guest")));
    block_on(async {
        often(&server).await;
        run(&database, "REVOKE kept_crew FROM kept_owner").await;
        assert_eq!(title(&server).await.as_deref(), Err(&"not_found"));
    });
}

/// A plan for all values takes a lock on each partition, and memory for each.
#[test]
fn a_get_of_a_partitioned_table_locks_its_partition_alone() {
    let database = Database::new(&format!(
        "{SCHEMA} ALTER TABLE lib.books RENAME TO tomes;
         CREATE TABLE lib.books (LIKE lib.tomes, PRIMARY KEY (id)) PARTITION BY HASH (id);
         DO $$ BEGIN FOR it IN 0..49 LOOP
           EXECUTE format('CREATE TABLE lib.part_%s PARTITION OF lib.books FOR VALUES WITH (MODULUS 50, REMAINDER %s)', it, it);
         END LOOP; END $$;
         INSERT INTO lib.books SELECT * FROM lib.tomes;
         CREATE FUNCTION lib.locks() RETURNS bigint LANGUAGE sql AS
           'SELECT count(*) FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid()';
         CREATE VIEW lib.counted AS SELECT id, lib.locks()::text AS title, tenant FROM lib.books;
         GRANT SELECT ON lib.counted TO reader;"
    ));
    let mut actions = library();
    let relation = &mut actions["books_get"]["sql"]["relation"];
    relation["name"] = json!("counted");
    let server = server(&actions, postgres(), Some(&database.dsn("reader")));
    block_on(async {
        for _ in 0..9 {
            let args = json!({"id": 1, "fields": ["title"]});
            let row = call(&server, "books_get", &args).await.unwrap();
            let locks = row["row"]["title"].as_str().unwrap();
            assert!(locks.parse::<u32>().unwrap() < 20, "{locks}");
        }
    });
}

/// A function of a view can take names away and give them to other statements, and what is prepared stays after a
/// ROLLBACK. All of it is within transactions that only read.
#[test]
fn names_that_a_function_changes_write_nothing() {
    let gone = "EXECUTE 'DEALLOCATE ALL';";
    let other = "FOR it IN SELECT * FROM pg_catalog.pg_prepared_statements LOOP
        EXECUTE pg_catalog.format('DEALLOCATE %I', it.name);
        EXECUTE CASE
          WHEN it.statement OPERATOR(pg_catalog.=) 'BEGIN READ ONLY' THEN
            pg_catalog.format('PREPARE %I AS SELECT WHERE false', it.name)
          WHEN it.statement OPERATOR(pg_catalog.~~) '%json_each_text%' THEN
            pg_catalog.format('PREPARE %I (text) AS SELECT 9::int8, ''on''::text, pg_catalog.pg_backend_pid(), false', it.name)
          WHEN it.statement OPERATOR(pg_catalog.~~) '%books%' THEN
            pg_catalog.format('PREPARE %I %s AS SELECT pg_catalog.json_build_object(''title'',
              pg_catalog.nextval(''lib.reads''))::text', it.name,
              pg_catalog.translate(it.parameter_types::text, '{}', '()'))
          ELSE pg_catalog.format('PREPARE %I AS SELECT WHERE false', it.name)
        END;
      END LOOP;";
    for body in [other, gone] {
        let database = Database::new(SCHEMA);
        database.run(&format!(
            "CREATE SEQUENCE lib.reads; GRANT USAGE ON SEQUENCE lib.reads TO reader;
             CREATE FUNCTION lib.odd() RETURNS text LANGUAGE plpgsql AS $$
             DECLARE it record; BEGIN {body} RETURN 'odd'; END $$"
        ));
        let actions = telling(&database, "lib.odd()");
        let mut spec = postgres();
        spec["connections"] = json!(1);
        spec["posture"] = json!({"accept": "writer", "because": "it has a sequence"});
        let server = server(&actions, spec, Some(&database.dsn("reader")));
        block_on(async {
            for _ in 0..3 {
                often(&server).await;
                let page = call(&server, "books_list", &json!({})).await.unwrap();
                assert_eq!(page["rows"][0]["title"], "odd");
                // What the name means now would write.
                let after = title(&server).await;
                assert!([Ok("100%"), Err(&"not_permitted")].contains(&after.as_deref()));
            }
        });
        // A division by zero, had it been written to.
        database.run("SELECT 1 / (NOT is_called)::int FROM lib.reads");
    }
}

/// A pooler in transaction mode that tells the key of its first server, as some do.
struct Pooler {
    folder: Scratch,
}

impl Pooler {
    fn start() -> Self {
        let folder = Scratch::new();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let target = cluster().folder().join(".s.PGSQL.5432");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carried(client, target.clone()));
            }
        });
        Self { folder }
    }
    fn dsn(&self, database: &str, user: &str) -> String {
        let folder = self.folder.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://{user}@{folder}/{database}")
    }
}

/// All of a server's messages until it is ready, and whether it is in no transaction.
async fn until_ready(server: &mut UnixStream) -> Option<(Vec<u8>, bool)> {
    let mut all = Vec::new();
    loop {
        let kind = server.read_u8().await.ok()?;
        let length = server.read_u32().await.ok()?;
        let mut content = vec![0; usize::try_from(length - 4).unwrap()];
        server.read_exact(&mut content).await.ok()?;
        all.push(kind);
        all.extend(length.to_be_bytes());
        all.extend(&content);
        if kind == b'Z' {
            return Some((all, content == b"I"));
        }
    }
}

async fn carried(mut client: UnixStream, target: PathBuf) -> Option<()> {
    let length = client.read_u32().await.ok()?;
    let mut content = vec![0; usize::try_from(length - 4).unwrap()];
    client.read_exact(&mut content).await.ok()?;
    let mut servers = Vec::new();
    for index in 0..2 {
        let mut server = UnixStream::connect(&target).await.ok()?;
        server.write_u32(length).await.ok()?;
        server.write_all(&content).await.ok()?;
        if content.starts_with(&80_877_102_u32.to_be_bytes()) {
            return None;
        }
        let (all, _) = until_ready(&mut server).await?;
        if index == 0 {
            client.write_all(&all).await.ok()?;
        }
        servers.push(server);
    }
    let mut at = 0;
    let mut transactions = 0;
    loop {
        let kind = client.read_u8().await.ok()?;
        let length = client.read_u32().await.ok()?;
        let mut content = vec![0; usize::try_from(length - 4).unwrap()];
        client.read_exact(&mut content).await.ok()?;
        let server = &mut servers[at];
        server.write_u8(kind).await.ok()?;
        server.write_u32(length).await.ok()?;
        server.write_all(&content).await.ok()?;
        if kind == b'X' {
            return None;
        }
        if kind == b'S' {
            let (all, rests) = until_ready(server).await?;
            client.write_all(&all).await.ok()?;
            if rests {
                transactions += 1;
                if transactions % 5 == 0 {
                    at = 1 - at;
                }
            }
        }
    }
}

/// Names are given, mean nothing in the other process, and are given no more.
#[test]
fn calls_go_through_a_pooler_that_tells_the_key_of_a_server() {
    let database = Database::new(SCHEMA);
    let actions = telling(&database, KEPT);
    block_on(async {
        let pooler = Pooler::start();
        let dsn = pooler.dsn(&database.name, "reader");
        let servers = [1, 3].map(|most| {
            let mut spec = postgres();
            spec["connections"] = json!(most);
            server(&actions, spec, Some(&dsn))
        });
        for time in 0..24 {
            for server in &servers {
                assert_eq!(title(server).await.as_deref(), Ok("100%"), "{time}");
            }
        }
        for server in &servers {
            let kept = call(server, "books_list", &json!({})).await.unwrap();
            assert_eq!(kept["rows"][0]["title"], "0");
        }
    });
}

/// Calls that nobody waits for any more, at every moment of what is prepared and read.
#[test]
fn calls_that_end_at_any_moment_leave_nothing() {
    let database = Database::new(SCHEMA);
    let mut spec = postgres();
    spec["connections"] = json!(1);
    let server = server(&library(), spec, Some(&database.dsn("reader")));
    block_on(async {
        server.ready().await.unwrap();
        for time in 0..100 {
            let args = json!({"id": 1, "fields": if time % 2 == 0 { ["title"] } else { ["id"] }});
            let calling = call(&server, "books_get", &args);
            let ended = tokio::time::timeout(Duration::from_micros(100 * time), calling).await;
            if let Ok(row) = ended {
                row.unwrap();
            }
        }
        assert_eq!(title(&server).await.as_deref(), Ok("100%"));
        let admin = superuser().await;
        until(&admin, &connections(&database, "AND state <> 'idle'"), 0).await;
    });
}
