//! The Markdown table (pure).

use std::fmt;

use crate::{
    peer::PeerName,
    statistics::{Spread, human},
    workload::{Unit, Workload},
};

/// What stands where a workload meets a peer.
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

/// Rows of workloads under columns of peers; Throng's column is the one the ratios refer to.
#[derive(Debug)]
pub(crate) struct Table {
    peers: Vec<PeerName>,
    rows: Vec<(Workload, Vec<Cell>)>,
}

impl Table {
    pub(crate) fn new(peers: Vec<PeerName>) -> Table {
        Table { peers, rows: Vec::new() }
    }

    /// Adds a row, with one cell for each peer.
    pub(crate) fn push(&mut self, workload: Workload, cells: Vec<Cell>) {
        self.rows.push((workload, cells));
    }

    fn throng(&self, cells: &[Cell]) -> Option<Spread> {
        let column = self.peers.iter().position(|peer| *peer == PeerName::Throng)?;
        match cells.get(column)? {
            Cell::Measured(spread) => Some(*spread),
            Cell::Nothing | Cell::Failed => None,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads: Vec<&str> = self.peers.iter().map(|peer| peer.label()).collect();
        writeln!(out, "| | {} |", heads.join(" | "))?;
        write!(out, "|---{}|", "|---".repeat(heads.len()))?;
        for (workload, cells) in &self.rows {
            let throng = self.throng(cells);
            let texts: Vec<String> = self
                .peers
                .iter()
                .zip(cells)
                .map(|(peer, cell)| text(*cell, throng.filter(|_| *peer != PeerName::Throng)))
                .collect();
            write!(out, "\n| {}{} | {} |", workload.label(), hint(*workload), texts.join(" | "))?;
        }
        Ok(())
    }
}

fn hint(workload: Workload) -> &'static str {
    match workload.unit() {
        Unit::PerSecond => "",
        Unit::Bytes | Unit::Nanoseconds => " (less is better)",
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
        let mut table = Table::new(vec![PeerName::Throng, PeerName::Tokio, PeerName::Beam]);
        let tokio = measured(4e6, 3e6, 5e6);
        table.push(Workload::PingPong, vec![measured(6e6, 5e6, 7e6), tokio, Cell::Failed]);
        table.push(Workload::Memory, vec![measured(300.0, 290.0, 310.0), Cell::Nothing, Cell::Nothing]);
        let expected = "\
| | Throng | tokio task + mpsc | BEAM |
|---|---|---|---|
| ping-pong, round trips/s | 6.00 M (5.00 M to 7.00 M) | 4.00 M (3.00 M to 5.00 M) **×1.50** | failed |
| idle server with 64 B of state, RSS bytes (less is better) | 300 (290 to 310) | – | – |";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn without_throngs_figure_there_is_no_ratio() {
        let mut table = Table::new(vec![PeerName::Throng, PeerName::Tokio]);
        table.push(Workload::Ring, vec![Cell::Failed, measured(7e6, 7e6, 7e6)]);
        assert!(table.to_string().ends_with("| failed | 7.00 M (7.00 M to 7.00 M) |"));
    }
}
