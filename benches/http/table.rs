//! The figures as a table.

use crate::process::median;

/// One measurement of one server under one load.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    /// Median latency, ms.
    pub(crate) p50: f64,
    /// 99th percentile, ms.
    pub(crate) p99: f64,
    /// Calls a second.
    pub(crate) throughput: f64,
    /// The server's CPU time, ms per 1,000 calls.
    pub(crate) cpu: f64,
    /// Peak resident set, MB.
    pub(crate) peak: f64,
}

/// One server under one load.
pub(crate) struct Row {
    name: &'static str,
    clients: usize,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    pub(crate) fn new(name: &'static str, clients: usize) -> Self {
        Self {
            name,
            clients,
            cells: Vec::new(),
        }
    }

    /// The median of one figure.
    fn median(&self, figure: impl Fn(&Cell) -> f64) -> f64 {
        let figures: Vec<f64> = self.cells.iter().map(figure).collect();
        median(&figures).unwrap_or(f64::NAN)
    }

    /// The mean of one figure: right for one that is read in coarse steps.
    #[allow(clippy::cast_precision_loss, reason = "rounds are few")]
    fn mean(&self, figure: impl Fn(&Cell) -> f64) -> f64 {
        let figures = self.cells.iter().map(figure);
        figures.sum::<f64>() / self.cells.len() as f64
    }

    /// How far the fastest round is above the slowest, in percent.
    fn spread(&self) -> f64 {
        let figures = self.cells.iter().map(|cell| cell.throughput);
        let (low, high) = figures.fold((f64::INFINITY, 0.0_f64), |(low, high), figure| {
            (low.min(figure), high.max(figure))
        });
        (high / low - 1.0) * 100.0
    }
}

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
