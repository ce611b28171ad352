//! What the bookshop knows, in memory, and what can be done with it.

use serde_json::{Map, Value, json};

const SEED: &str = include_str!("seed.json");
/// The clock of the shop stands still, so that every run shows the same.
const NOW: &str = "2026-11-20T12:00:00Z";
/// Page size where none is asked for.
const LIMIT_DEFAULT: usize = 20;
/// Largest page.
const LIMIT_MAX: usize = 100;

/// Why something cannot be done: status and detail of a problem (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem(pub(super) u16, pub(super) String);

type Outcome = Result<Value, Problem>;

/// A query string, decoded.
pub(super) struct Query(pub(super) Vec<(String, String)>);

impl Query {
    fn one(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    fn number(&self, name: &str, default: usize) -> Result<usize, Problem> {
        let wrong = |_| Problem(400, format!("{name} is not a whole number."));
        self.one(name)
            .map_or(Ok(default), |text| text.parse().map_err(wrong))
    }
}

/// The shop.
pub(super) struct Store {
    books: Vec<Value>,
    authors: Vec<Value>,
    categories: Vec<Value>,
    reviews: Vec<Value>,
    orders: Vec<Value>,
    pub(super) covers: Vec<(String, Vec<u8>)>,
}

impl Store {
    /// The shop as it opens.
    pub(super) fn open() -> Self {
        let mut seed: Value = serde_json::from_str(SEED).unwrap_or_default();
        let mut take = |name: &str| match seed.get_mut(name).map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        Self {
            books: take("books"),
            authors: take("authors"),
            categories: take("categories"),
            reviews: take("reviews"),
            orders: take("orders"),
            covers: Vec::new(),
        }
    }

    pub(super) fn list_books(&self, query: &Query) -> Outcome {
        let tags: Vec<&str> = query
            .one("tags")
            .map(|t| t.split(',').collect())
            .unwrap_or_default();
        let wanted = |book: &&Value| {
            let has = |tag: &&str| {
                book["tags"]
                    .as_array()
                    .is_some_and(|t| t.iter().any(|own| own == *tag))
            };
            tags.iter().all(has)
                && query.one("author").is_none_or(|a| {
                    book["authorIds"]
                        .as_array()
                        .is_some_and(|l| l.iter().any(|id| id == a))
                })
                && query
                    .one("inStock")
                    .is_none_or(|flag| (flag == "true") == in_stock(book))
        };
        let mut books: Vec<&Value> = self.books.iter().filter(wanted).collect();
        let sort = query.one("sort").unwrap_or("title");
        let key = sort.trim_start_matches('-');
        books.sort_by(|a, b| match key {
            "price" => amount(a).total_cmp(&amount(b)),
            "published" => a["published"].as_i64().cmp(&b["published"].as_i64()),
            _ => a["title"].as_str().cmp(&b["title"].as_str()),
        });
        if sort.starts_with('-') {
            books.reverse();
        }
        page(
            books.into_iter().map(|book| self.shown(book)).collect(),
            query,
        )
    }

    pub(super) fn search(&self, body: &Value) -> Value {
        let words = body["query"].as_str().unwrap_or_default().to_lowercase();
        let filter = &body["filter"];
        let listed = |key: &str, value: &Value| {
            filter[key]
                .as_array()
                .is_none_or(|list| list.contains(value))
        };
        let bound = |path: &str| filter.pointer(path).and_then(Value::as_f64);
        let limit = usize::try_from(body["limit"].as_u64().unwrap_or(10)).unwrap_or(10);
        let found = self.books.iter().filter(|book| {
            let year = book["published"].as_f64().unwrap_or_default();
            listed("categories", &book["category"])
                && listed("formats", &book["format"])
                && bound("/price/min").is_none_or(|min| amount(book) >= min)
                && bound("/price/max").is_none_or(|max| amount(book) <= max)
                && bound("/published/from").is_none_or(|from| year >= from)
                && bound("/published/to").is_none_or(|to| year <= to)
                && self.shown(book).to_string().to_lowercase().contains(&words)
        });
        let matches: Vec<Value> = found
            .take(limit)
            .map(|book| json!({"score": 1, "book": self.shown(book)}))
            .collect();
        json!({ "matches": matches })
    }

    pub(super) fn book(&self, id: &str) -> Outcome {
        find(&self.books, "id", id, "book").map(|book| self.shown(book))
    }

    pub(super) fn create_book(&mut self, body: &Value) -> Outcome {
        if self.books.iter().any(|book| book["isbn"] == body["isbn"]) {
            return Err(Problem(
                409,
                format!("There is a book with ISBN {}.", plain(&body["isbn"])),
            ));
        }
        let mut book =
            json!({"onHand": 0, "reserved": 0, "reorderAt": 0, "nextDelivery": null, "tags": []});
        merge(&mut book, body);
        book["id"] = json!(format!("bk_{:04}", self.books.len() + 1));
        self.books.push(book.clone());
        Ok(self.shown(&book))
    }

    pub(super) fn replace_book(&mut self, id: &str, body: &Value) -> Outcome {
        let book = find_mut(&mut self.books, "id", id, "book")?;
        for key in ["subtitle", "tags", "published"] {
            book[key] = Value::Null;
        }
        merge(book, body);
        let book = book.clone();
        Ok(self.shown(&book))
    }

    pub(super) fn delete(&mut self, kind: &str, id: &str) -> Outcome {
        let list = if kind == "book" {
            &mut self.books
        } else {
            &mut self.reviews
        };
        find(list, "id", id, kind)?;
        list.retain(|item| item["id"] != id);
        Ok(Value::Null)
    }

    pub(super) fn reviews(&self, book: &str, query: &Query) -> Outcome {
        find(&self.books, "id", book, "book")?;
        let least = i64::try_from(query.number("minRating", 1)?).unwrap_or(1);
        let of_book = self
            .reviews
            .iter()
            .filter(|r| r["bookId"] == book && r["rating"].as_i64() >= Some(least));
        page(
            of_book
                .rev()
                .map(|review| without(review, &["bookId"]))
                .collect(),
            query,
        )
    }

    pub(super) fn create_review(&mut self, book: &str, body: &Value) -> Outcome {
        find(&self.books, "id", book, "book")?;
        let mut review = json!({"id": format!("rv_{:04}", self.reviews.len() + 1), "bookId": book, "verified": false, "writtenAt": NOW});
        merge(&mut review, body);
        self.reviews.push(review.clone());
        Ok(without(&review, &["bookId"]))
    }

    pub(super) fn authors(&self, query: &Query) -> Outcome {
        let text = query.one("name").unwrap_or_default().to_lowercase();
        let named = self
            .authors
            .iter()
            .filter(|a| plain(&a["name"]).to_lowercase().contains(&text));
        page(
            named
                .map(|author| without(author, &["life", "links"]))
                .collect(),
            query,
        )
    }

    pub(super) fn author(&self, id: &str) -> Outcome {
        let mut author = find(&self.authors, "id", id, "author")?.clone();
        let own = self.books.iter().filter(|b| {
            b["authorIds"]
                .as_array()
                .is_some_and(|ids| ids.iter().any(|a| a == id))
        });
        author["books"] = own
            .map(|b| json!({"id": b["id"], "title": b["title"], "published": b["published"]}))
            .collect();
        Ok(author)
    }

    pub(super) fn categories(&self) -> Value {
        let roots = self
            .categories
            .iter()
            .filter(|category| category["parent"].is_null());
        roots.map(|category| self.tree(category)).collect()
    }

    pub(super) fn category(&self, slug: &str) -> Outcome {
        find(&self.categories, "slug", slug, "category").map(|category| self.tree(category))
    }

    fn tree(&self, category: &Value) -> Value {
        let children: Vec<Value> = self
            .categories
            .iter()
            .filter(|c| c["parent"] == category["slug"])
            .map(|c| self.tree(c))
            .collect();
        let own = self
            .books
            .iter()
            .filter(|book| book["category"] == category["slug"])
            .count() as u64;
        let below: u64 = children
            .iter()
            .filter_map(|child| child["books"].as_u64())
            .sum();
        json!({"slug": category["slug"], "name": category["name"], "books": own + below, "children": children})
    }

    pub(super) fn inventory(&self, query: &Query) -> Outcome {
        let ids = query.all("bookId");
        let below = query.number("below", usize::MAX)?;
        let few = |book: &&Value| {
            book["onHand"]
                .as_u64()
                .is_some_and(|n| usize::try_from(n).is_ok_and(|n| n < below))
        };
        let some = self
            .books
            .iter()
            .filter(|b| ids.is_empty() || ids.iter().any(|id| b["id"] == *id))
            .filter(few);
        page(some.map(stock).collect(), query)
    }

    pub(super) fn update_stock(&mut self, id: &str, body: &Value) -> Outcome {
        let book = find_mut(&mut self.books, "id", id, "book")?;
        if body["onHand"]
            .as_u64()
            .is_some_and(|n| Some(n) < book["reserved"].as_u64())
        {
            return Err(Problem(
                409,
                format!("{} copies of {id} are reserved.", book["reserved"]),
            ));
        }
        merge(book, body);
        Ok(stock(book))
    }

    pub(super) fn orders(&self, query: &Query) -> Outcome {
        let states = query.all("status");
        let day = |order: &Value| {
            plain(&order["placedAt"])
                .chars()
                .take(10)
                .collect::<String>()
        };
        let wanted = |order: &&Value| {
            (states.is_empty() || states.iter().any(|state| order["status"] == *state))
                && query
                    .one("placed[from]")
                    .is_none_or(|from| day(order).as_str() >= from)
                && query
                    .one("placed[to]")
                    .is_none_or(|to| day(order).as_str() <= to)
        };
        page(
            self.orders.iter().rev().filter(wanted).cloned().collect(),
            query,
        )
    }

    pub(super) fn order(&self, id: &str) -> Outcome {
        find(&self.orders, "id", id, "order").cloned()
    }

    pub(super) fn create_order(&mut self, body: &Value) -> Outcome {
        let mut total = 0.0;
        let mut items = Vec::new();
        for item in body["items"].as_array().into_iter().flatten() {
            let (id, quantity) = (
                plain(&item["bookId"]),
                item["quantity"].as_u64().unwrap_or(0),
            );
            let book =
                find_mut(&mut self.books, "id", &id, "book").map_err(|p| Problem(422, p.1))?;
            let free = book["onHand"]
                .as_u64()
                .unwrap_or(0)
                .saturating_sub(book["reserved"].as_u64().unwrap_or(0));
            if quantity > free {
                return Err(Problem(
                    409,
                    format!("Only {free} copies of {id} are left."),
                ));
            }
            book["reserved"] = json!(book["reserved"].as_u64().unwrap_or(0) + quantity);
            total += amount(book) * f64::from(u32::try_from(quantity).unwrap_or(0));
            let wrap = item["giftWrap"].as_bool().unwrap_or(false);
            items.push(json!({"bookId": id, "quantity": quantity, "unitPrice": book["price"], "giftWrap": wrap}));
        }
        let total = (total * 100.0).round() / 100.0;
        let order = json!({
            "id": format!("or_{:04}", self.orders.len() + 1), "status": "open", "customerId": body["customerId"],
            "items": items, "delivery": body["delivery"], "note": body["note"],
            "total": {"amount": total, "currency": "EUR"}, "placedAt": NOW,
        });
        self.orders.push(order.clone());
        Ok(order)
    }

    pub(super) fn cancel_order(&mut self, id: &str) -> Outcome {
        let order = find_mut(&mut self.orders, "id", id, "order")?;
        if order["status"] == "shipped" || order["status"] == "delivered" {
            return Err(Problem(
                409,
                format!("Order {id} is {} already.", plain(&order["status"])),
            ));
        }
        order["status"] = json!("cancelled");
        Ok(order.clone())
    }

    /// A book as the API shows it.
    fn shown(&self, book: &Value) -> Value {
        let mut shown = without(
            book,
            &[
                "authorIds",
                "onHand",
                "reserved",
                "reorderAt",
                "nextDelivery",
            ],
        );
        let names = book["authorIds"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|id| {
                let author = self.authors.iter().find(|author| author["id"] == *id);
                json!({"id": id, "name": author.map_or(id, |author| &author["name"])})
            });
        shown["authors"] = names.collect();
        shown["inStock"] = json!(in_stock(book));
        shown
    }
}

fn in_stock(book: &Value) -> bool {
    book["onHand"].as_u64() > book["reserved"].as_u64()
}

fn amount(book: &Value) -> f64 {
    book.pointer("/price/amount")
        .and_then(Value::as_f64)
        .unwrap_or_default()
}

fn stock(book: &Value) -> Value {
    json!({"bookId": book["id"], "onHand": book["onHand"], "reserved": book["reserved"],
        "reorderAt": book["reorderAt"], "nextDelivery": book["nextDelivery"]})
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn find<'s>(list: &'s [Value], key: &str, id: &str, kind: &str) -> Result<&'s Value, Problem> {
    list.iter()
        .find(|item| item[key] == id)
        .ok_or_else(|| Problem(404, format!("There is no {kind} {id}.")))
}

fn find_mut<'s>(
    list: &'s mut [Value],
    key: &str,
    id: &str,
    kind: &str,
) -> Result<&'s mut Value, Problem> {
    list.iter_mut()
        .find(|item| item[key] == id)
        .ok_or_else(|| Problem(404, format!("There is no {kind} {id}.")))
}

/// Puts the entries of an object over those of another.
fn merge(target: &mut Value, patch: &Value) {
    for (key, value) in patch.as_object().into_iter().flatten() {
        target[key] = value.clone();
    }
}

fn without(value: &Value, keys: &[&str]) -> Value {
    let entries = value.as_object().into_iter().flatten();
    let kept = entries.filter(|(key, _)| !keys.contains(&key.as_str()));
    Value::Object(
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}

fn page(items: Vec<Value>, query: &Query) -> Outcome {
    let limit = query.number("limit", LIMIT_DEFAULT)?;
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Problem(
            400,
            format!("limit is not between 1 and {LIMIT_MAX}."),
        ));
    }
    let number = query.number("page", 1)?;
    let total = items.len();
    let items: Vec<Value> = items
        .into_iter()
        .skip(number.saturating_sub(1) * limit)
        .take(limit)
        .collect();
    Ok(json!({"items": items, "page": number, "limit": limit, "total": total}))
}
