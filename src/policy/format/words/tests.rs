//! Words as they are written: what is read, and what is not. A word's pattern and its reader agree.

use std::fmt::Debug;

use serde_json::Value;

use super::*;

/// Whether the schema of a word takes a text.
fn is_valid<T: JsonSchema>(text: &str) -> bool {
    let schema = SchemaGenerator::default()
        .into_root_schema_for::<T>()
        .to_value();
    let validator = checked(jsonschema::draft202012::options()).build(&schema);
    validator.unwrap().is_valid(&Value::String(text.to_owned()))
}

/// What a text is read as, if it is a word.
fn read<T>(text: &str) -> Option<T>
where
    T: TryFrom<String, Error: Debug> + JsonSchema,
{
    let valid = is_valid::<T>(text);
    let found = T::try_from(text.to_owned()).ok();
    assert!(
        !valid || found.is_some(),
        "{text} is valid and cannot be read"
    );
    found.filter(|_| valid)
}

#[test]
fn durations() {
    for (text, want) in [
        ("1ms", Some(1)),
        ("500ms", Some(500)),
        ("30s", Some(30_000)),
        ("2m", Some(120_000)),
        ("60m", Some(3_600_000)),
        ("3600s", Some(3_600_000)),
        ("3600000ms", Some(3_600_000)),
        ("3600001ms", None),
        ("3601s", None),
        ("61m", None),
        ("0s", None),
        ("0ms", None),
        ("30", None),
        ("s", None),
        ("", None),
        ("-1s", None),
        ("1.5s", None),
        ("30 s", None),
        (" 30s", None),
        ("30s ", None),
        ("30S", None),
        ("1h", None),
        ("99999999s", None),
        ("307445734561825861m", None),
        ("\u{661}s", None),
    ] {
        let found = read::<Duration>(text).map(|duration| duration.0.as_millis());
        assert_eq!(found, want, "{text:?}");
    }
    for text in ["1ms", "1500ms", "30s", "90s", "2m", "60m"] {
        let word = read::<Duration>(text).map(|word| word.to_string());
        assert_eq!(word.as_deref(), Some(text));
    }
}

#[test]
fn sizes() {
    for (text, want) in [
        ("1B", Some(1)),
        ("64KiB", Some(65_536)),
        ("2MiB", Some(2_097_152)),
        ("1024MiB", Some(1 << 30)),
        ("1048576KiB", Some(1 << 30)),
        ("1025MiB", None),
        ("1048577KiB", None),
        ("0B", None),
        ("0MiB", None),
        ("64", None),
        ("64KB", None),
        ("64kib", None),
        ("1GiB", None),
        ("-1B", None),
        ("1.5MiB", None),
        ("MiB", None),
        ("", None),
        ("18446744073709551616B", None),
        ("18014398509481985KiB", None),
    ] {
        let found = read::<Size>(text).map(|size| size.0);
        assert_eq!(found, want, "{text:?}");
    }
}

#[test]
fn rates() {
    for (text, want) in [
        ("1/s", Some((1, 1))),
        ("120/min", Some((120, 60))),
        ("5/h", Some((5, 3_600))),
        ("5000/day", Some((5_000, 86_400))),
        ("9999999/day", Some((9_999_999, 86_400))),
        ("0/s", None),
        ("10000000/s", None),
        ("120", None),
        ("/min", None),
        ("120/m", None),
        ("120/hour", None),
        ("120 / min", None),
        ("-1/s", None),
        ("1.5/s", None),
        ("", None),
    ] {
        let found = read::<PerTime>(text).map(|rate| (rate.count, rate.period.as_secs()));
        assert_eq!(found, want, "{text:?}");
    }
}

#[test]
fn networks() {
    for (text, want) in [
        ("10.20.0.0/16", Some(("10.20.0.0", 16))),
        ("0.0.0.0/0", Some(("0.0.0.0", 0))),
        ("192.168.1.7/32", Some(("192.168.1.7", 32))),
        ("fd00::/8", Some(("fd00::", 8))),
        ("::1/128", Some(("::1", 128))),
        ("::ffff:10.0.0.0/104", Some(("::ffff:10.0.0.0", 104))),
        ("10.20.0.0", None),
        ("10.20.0.0/33", None),
        ("10.20.0/16", None),
        ("10.20.0.256/16", None),
        ("010.20.0.0/16", None),
        ("10.20.0.0/-1", None),
        ("10.20.0.0/+8", None),
        ("10.20.0.0/8/8", None),
        ("::1/129", None),
        ("::1/256", None),
        ("[::1]/128", None),
        ("host/8", None),
        ("/8", None),
        ("", None),
    ] {
        let found = read::<Cidr>(text).map(|cidr| (cidr.address.to_string(), cidr.prefix));
        let want = want.map(|(address, prefix)| (address.to_owned(), prefix));
        assert_eq!(found, want, "{text:?}");
    }
}

#[test]
fn references_to_secrets() {
    for (text, want) in [
        ("${env:SHOP_KEY}", Some("SHOP_KEY")),
        ("${env:_x9}", Some("_x9")),
        ("${file:/run/secrets/shop}", Some("file:/run/secrets/shop")),
        ("${file:./key}", Some("file:folder/key")),
        ("${file:key}", Some("file:folder/key")),
        ("${file:a:b}", Some("file:folder/a:b")),
        ("${env:9X}", None),
        ("${env:A-B}", None),
        ("${env:}", None),
        ("${env: X}", None),
        ("${ENV:X}", None),
        ("${file:}", None),
        ("${file:{x}}", None),
        ("${env:X}${env:Y}", None),
        ("Bearer ${env:X}", None),
        ("${env:X} ", None),
        ("$env:X", None),
        ("${vault:X}", None),
        ("hunter2", None),
        ("", None),
    ] {
        let found = read::<Secret>(text).map(|secret| {
            let folder = Path::new("folder");
            secret.reference(folder)
        });
        assert_eq!(found.as_deref(), want, "{text:?}");
    }
    // No error quotes what stands where a reference should.
    let error = Secret::try_from("hunter2".to_owned()).unwrap_err();
    assert!(!error.contains("hunter2"));
}
