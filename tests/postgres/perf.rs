//! Temporary measurement.
use super::made::{call, form, of, postgres, server};
use crate::support::postgres::{Database, cluster};
use serde_json::json;
#[test]
#[ignore]
fn perf() {
    let database = Database::new(
        "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;",
    );
    let run = |args: &[&str]| {
        let out = std::process::Command::new("/usr/lib/postgresql/15/bin/pgbench")
            .args(args)
            .args([
                "-h",
                cluster().folder().to_str().unwrap(),
                "-U",
                "postgres",
                &database.name,
            ])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        text.lines()
            .filter(|l| l.contains("tps") || l.contains("latency"))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    run(&["-i", "-s", "5", "-q"]);
    database.run(
        "GRANT SELECT ON pgbench_accounts TO reader; REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    );
    let action = json!({"sql": {"read": {"get": {"keys": [["aid"]]}},
        "relation": {"schema": "public", "name": "pgbench_accounts", "columns": {
            "aid": {"type": of("int4")}, "bid": {"type": of("int4")}, "abalance": {"type": of("int4")}, "filler": {"type": form("bpchar", json!("text"))}}},
        "cell_bytes": 65536, "result_bytes": 524288}});
    let actions = serde_json::Map::from_iter([("get".to_owned(), action)]);
    for clients in [1usize, 8] {
        let c = clients.to_string();
        println!(
            "pgbench -c{c}: {}",
            run(&["-S", "-M", "prepared", "-T", "4", "-c", &c, "-j", "1", "-n"])
        );
        let mut spec = postgres();
        spec["connections"] = json!(clients);
        let server = server(&actions, spec, Some(&database.dsn("reader")));
        let rt = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let done = rt.block_on(async {
            server.ready().await.unwrap();
            let end = std::time::Instant::now() + std::time::Duration::from_secs(4);
            let tasks = (0..clients).map(|k| {
                let server = server.clone();
                tokio::spawn(async move {
                    let mut n = 0u64;
                    while std::time::Instant::now() < end {
                        let aid = (n * 7919 + k as u64 * 104729) % 500_000 + 1;
                        call(&server, "get", &json!({"aid": aid})).await.unwrap();
                        n += 1;
                    }
                    n
                })
            });
            let mut total = 0;
            for t in tasks {
                total += t.await.unwrap();
            }
            total
        });
        println!("envelope c{c}: {} calls/s", done / 4);
    }
}
