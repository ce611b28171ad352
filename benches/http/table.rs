//! The figures as a table.

use crate::server::{Cell, Row};

/// A Markdown table with ratios to the second floor at the same number of clients.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = "\
| server | clients | p50, ms | p99, ms | calls/s | CPU, ms per 1,000 | peak RSS, MB | p50 ÷ floor 2 | calls/s ÷ floor 2 | CPU ÷ floor 2 |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
"
    .to_owned();
    for row in rows {
        let floor = rows
            .iter()
            .find(|other| other.name.starts_with("floor 2") && other.clients == row.clients)
            .unwrap_or(row);
        let over = |figure: fn(&Cell) -> f64| row.median(figure) / floor.median(figure);
        let cpu = |row: &Row| row.mean(|cell| cell.cpu);
        text.push_str(&format!(
            "| {} | {} | {:.3} | {:.3} | {:.0} | {:.0} | {:.1} | {:.2} | {:.2} | {:.2} |\n",
            row.name,
            row.clients,
            row.median(|cell| cell.p50),
            row.median(|cell| cell.p99),
            row.median(|cell| cell.throughput),
            cpu(row),
            row.median(|cell| cell.peak),
            over(|cell| cell.p50),
            over(|cell| cell.throughput),
            cpu(row) / cpu(floor),
        ));
    }
    let rounds = rows.first().map_or(0, |row| row.cells.len());
    let spread = rows.iter().map(Row::spread).fold(0.0, f64::max);
    text.push_str(&format!(
        "\nEach figure is the median of {rounds} rounds (CPU: the mean). Between rounds, the throughput of one row differed by up to {spread:.0} %.\n"
    ));
    text
}
