//! Parts of texts, where a rule opts in: what is looked for is a text, and nothing else of it is told.

use mcpgen::policy::PolicyFile;
use serde_json::{Value, json};

use super::made::call;
use crate::support::postgres::{Database, Serving, block_on};

const SCHEMA: &str = r"
DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA shop;
CREATE EXTENSION citext SCHEMA shop;
CREATE TABLE shop.items (
  id int PRIMARY KEY, name text, alias shop.citext, note text, code text, kind varchar(20), tags text[]);
INSERT INTO shop.items VALUES
  (1, '100% wool', 'WOOL', 'canary', 'AB', 'yarn', '{a}'),
  (2, 'a_b', 'x', 'canary', 'CD', 'yarn', '{a}'),
  (3, 'back\slash', 'y', 'canary', 'EF', 'tool', '{a}'),
  (4, 'Élan''s', NULL, NULL, 'GH', NULL, NULL);
GRANT USAGE ON SCHEMA shop TO reader;
GRANT SELECT ON shop.items TO reader;
";

fn policy() -> PolicyFile {
    let rules = json!([
        {
            "match": {"table": "items"},
            "columns": {"mask": {"note": "null"}},
            "contains_on": ["name", "alias", "note", "kind"],
        },
        // A later rule narrows.
        {"match": {"operation": "items_find"}, "contains_on": ["name", "alias", "note"]},
    ]);
    serde_json::from_value(json!({"version": 1, "rules": rules})).unwrap()
}

#[test]
fn parts_of_texts_are_found_where_a_rule_says_so() {
    let database = Database::new(SCHEMA);
    let serving = Serving {
        policy: Some(policy()),
        ..Serving::default()
    };
    let (_, server) = serving.introspected(&database.dsn("reader"), &["shop"]);
    let find = async |filter: Value| {
        let args = json!({"filter": filter, "fields": ["id"], "sort": ["id"]});
        let found = call(&server, "items_find", &args).await;
        found.map(|page| {
            let rows = page["rows"].as_array().unwrap().clone();
            rows.iter()
                .map(|row| row["id"].as_i64().unwrap())
                .collect::<Vec<_>>()
        })
    };
    block_on(async {
        for (filter, ids) in [
            (json!({"name": {"contains": "wool"}}), vec![1]),
            (json!({"name": {"contains": "WOOL"}}), vec![]),
            (json!({"alias": {"contains": "oo"}}), vec![1]),
            (json!({"name": {"contains": "%"}}), vec![1]),
            (json!({"name": {"contains": "_"}}), vec![2]),
            (json!({"name": {"contains": "\\"}}), vec![3]),
            (json!({"name": {"contains": "lan's"}}), vec![4]),
            (json!({"name": {"contains": "' OR true --"}}), vec![]),
            (
                json!({"any": [{"name": {"contains": "_b"}}, {"alias": {"contains": "Y"}}]}),
                vec![2, 3],
            ),
        ] {
            assert_eq!(find(filter.clone()).await.unwrap(), ids, "{filter}");
        }
        // Masked, taken back by the later rule, not opted in, and no text at all; and nothing to look for.
        for filter in [
            json!({"note": {"contains": "canary"}}),
            json!({"kind": {"contains": "ya"}}),
            json!({"code": {"contains": "A"}}),
            json!({"id": {"contains": "1"}}),
            json!({"tags": {"contains": "a"}}),
            json!({"name": {"contains": ""}}),
            json!({"name": {"contains": null}}),
        ] {
            let error = find(filter.clone()).await.unwrap_err();
            assert_eq!(error.code, "invalid_arguments", "{filter}");
        }
    });
}
