//! The Markdown table (pure).

use std::fmt;

use crate::statistics::{Spread, human};

/// What stands where a row meets a peer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    Measured(Spread),
    /// The peer has no such thing.
    Nothing,
    Failed,
}

impl Cell {
    pub(crate) fn of(spread: Option<Spread>) -> Cell {
        spread.map_or(Cell::Nothing, Cell::Measured)
    }
}

/// Rows under columns of peers; the first column is Throng's, and the ratios refer to it.
#[derive(Debug)]
pub(crate) struct Table {
    peers: Vec<&'static str>,
    rows: Vec<(String, Vec<Cell>)>,
}

impl Table {
    pub(crate) fn new(peers: Vec<&'static str>) -> Table {
        Table { peers, rows: Vec::new() }
    }

    /// Adds a row, with one cell for each peer.
    pub(crate) fn push(&mut self, label: &str, less_is_better: bool, cells: Vec<Cell>) {
        let hint = if less_is_better { " (less is better)" } else { "" };
        self.rows.push((format!("{label}{hint}"), cells));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "| | {} |", self.peers.join(" | "))?;
        write!(out, "|---{}|", "|---".repeat(self.peers.len()))?;
        for (label, cells) in &self.rows {
            let throng = match cells.first() {
                Some(Cell::Measured(spread)) => Some(*spread),
                _ => None,
            };
            let texts: Vec<String> = cells
                .iter()
                .enumerate()
                .map(|(column, cell)| text(*cell, throng.filter(|_| column > 0)))
                .collect();
            write!(out, "\n| {label} | {} |", texts.join(" | "))?;
        }
        Ok(())
    }
}

fn text(cell: Cell, throng: Option<Spread>) -> String {
    let spread = match cell {
        Cell::Measured(spread) => spread,
        Cell::Nothing => return "–".to_owned(),
        Cell::Failed => return "failed".to_owned(),
    };
    let range = format!("{} ({} to {})", human(spread.median), human(spread.min), human(spread.max));
    match throng {
        Some(throng) => format!("{range} **×{:.2}**", throng.median / spread.median),
        None => range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(median: f64, min: f64, max: f64) -> Cell {
        Cell::Measured(Spread { median, min, max })
    }

    #[test]
    fn every_peer_has_its_figure_its_range_and_throngs_ratio_to_it() {
        let mut table = Table::new(vec!["Throng", "tokio task + mpsc", "BEAM"]);
        let tokio = measured(4e6, 3e6, 5e6);
        table.push("ping-pong, round trips/s", false, vec![measured(6e6, 5e6, 7e6), tokio, Cell::Failed]);
        table.push(
            "idle server with 64 B of state, RSS bytes",
            true,
            vec![measured(300.0, 290.0, 310.0), Cell::Nothing, Cell::Nothing],
        );
        let expected = "\
| | Throng | tokio task + mpsc | BEAM |
|---|---|---|---|
| ping-pong, round trips/s | 6.00 M (5.00 M to 7.00 M) | 4.00 M (3.00 M to 5.00 M) **×1.50** | failed |
| idle server with 64 B of state, RSS bytes (less is better) | 300 (290 to 310) | – | – |";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn without_throngs_figure_there_is_no_ratio() {
        let mut table = Table::new(vec!["Throng", "tokio task + mpsc"]);
        table.push("ring", false, vec![Cell::Failed, measured(7e6, 7e6, 7e6)]);
        assert!(table.to_string().ends_with("| failed | 7.00 M (7.00 M to 7.00 M) |"));
    }
}
