//! `check --tokens`: the parts are the whole, and what is said to save saves that much.

use serde_json::Value;

use crate::support::{golden, run};

const SHOP: &str = "specs/bookshop/openapi.yaml";

fn check(args: &[&str]) -> Value {
    run(
        &[&["check", SHOP, "--tokens", "--json"], args].concat(),
        &[],
        "",
    )
    .json()
}

fn costs(args: &[&str]) -> Value {
    check(args)["tokens"].clone()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn the_parts_are_the_whole() {
    let all = costs(&["--enable", "destroy"]);
    let total = number(&all["tokens"]);
    let spent = all["spent"].as_object().unwrap();
    assert_eq!(spent.values().map(number).sum::<u64>(), total);
    assert!(spent.values().all(|part| number(part) > 0), "{spent:?}");
    let tools = all["tools"].as_array().unwrap();
    let each: Vec<u64> = tools.iter().map(|tool| number(&tool["tokens"])).collect();
    assert_eq!(each.iter().sum::<u64>(), total);
    assert!(each.is_sorted_by(|a, b| a >= b), "{each:?}");
    let list = run(&["list", SHOP, "--enable", "destroy", "--json"], &[], "").stdout;
    assert!(list.contains(&format!("\"tokens\": {}", each[0])), "{list}");
}

#[test]
fn what_is_said_to_save_saves_that_much() {
    let all = costs(&["--enable", "destroy"]);
    let savings = all["savings"].as_array().unwrap();
    assert!(savings.len() > 4, "{savings:?}");
    for saving in savings {
        let change = saving["change"].as_str().unwrap();
        let words: Vec<&str> = change.split(' ').collect();
        let args = match words.iter().position(|word| word.starts_with("--")) {
            Some(_) if change.contains("without --enable") => vec![],
            Some(at) if words[at] == "--enable" => words[at..].to_vec(),
            Some(at) => [&["--enable", "destroy"], &words[at..]].concat(),
            None => panic!("{change}"),
        };
        let args: Vec<&str> = args.iter().map(|word| word.trim_matches('\'')).collect();
        let after = number(&check(&args)["summary"]["tokens"]);
        let saved = number(&all["tokens"]) - after;
        assert_eq!(saved, number(&saving["tokens"]), "{change}");
    }
}

#[test]
fn the_report_fits_a_terminal() {
    let line = ["check", SHOP, "--tokens", "--enable", "destroy"];
    let text = run(&line, &[], "").expect(0).stdout;
    golden("tokens.txt", &text);
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{text}");
    let over = run(&["check", SHOP, "--tokens", "--budget", "100"], &[], "").stdout;
    assert!(over.contains("over the budget of 100"), "{over}");
}
