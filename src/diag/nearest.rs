//! Did you mean?

/// The name that is most like `wanted`, if it is close: one edit in four characters, and one more.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = wanted.chars().count() / 4 + 1;
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(wanted, name), name))
        .filter(|(edits, _)| *edits <= limit)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_close() {
        for (wanted, want) in [
            ("list_pet", Some("list_pets")),
            ("gte_pet", Some("get_pet")),
            ("zzzzzz", None),
        ] {
            let names = ["list_pets", "get_pet", "delete_pet"];
            assert_eq!(nearest(wanted, names), want);
        }
    }
}
