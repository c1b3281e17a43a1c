//! A table of words, for a terminal and for Markdown.

use std::fmt::Write;

/// Head and rows, all of one length.
pub(crate) struct Grid {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|word| (*word).to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.head.len());
        self.rows.push(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Without the columns in which no row says anything.
    pub(crate) fn without_empty_columns(mut self) -> Self {
        let says: Vec<bool> =
            (0..self.head.len()).map(|column| self.rows.iter().any(|row| row[column] != "–")).collect();
        for row in self.rows.iter_mut().chain([&mut self.head]) {
            let mut column = 0..;
            row.retain(|_| column.next().is_some_and(|column: usize| says[column]));
        }
        self
    }

    /// Columns aligned with spaces.
    pub(crate) fn text(&self) -> String {
        let all = || self.rows.iter().chain([&self.head]);
        let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut out = String::new();
        for row in [&self.head].into_iter().chain(&self.rows) {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            let _ = writeln!(out, "{}", cells.join("  ").trim_end());
        }
        out
    }

    /// A Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        let mut line = |cells: &[String]| {
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        };
        line(&self.head);
        line(&vec!["---".to_owned(); self.head.len()]);
        self.rows.iter().for_each(|row| line(row));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_reads_in_both_forms() {
        let mut grid = Grid::new(&["group", "empty", "n"]);
        grid.push(vec!["rock".into(), "–".into(), "12".into()]);
        let grid = grid.without_empty_columns();
        assert_eq!(grid.text(), "group  n\nrock   12\n");
        assert_eq!(grid.markdown(), "| group | n |\n| --- | --- |\n| rock | 12 |\n");
    }
}
