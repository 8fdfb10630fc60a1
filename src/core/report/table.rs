//! Lists that people read: a head, columns, and what there is to say of a row. For a program each row is a datum.

use crate::core::datum::Datum;
use crate::core::plain;

/// Between two columns.
const GAP: usize = 2;
/// A remark has at least so much room beside its row, or stands below it.
const LEAST_REMARK: usize = 24;

/// A list with a head.
pub struct ListTable {
    heads: &'static [TableHead],
    rows: Vec<TableRow>,
}

/// The title of a column, and on which side its cells end.
#[derive(Clone, Copy, Debug)]
pub enum TableHead {
    Left(&'static str),
    /// For numbers.
    Right(&'static str),
}

impl TableHead {
    fn title(self) -> &'static str {
        match self {
            Self::Left(title) | Self::Right(title) => title,
        }
    }
}

/// One thing of a list.
pub struct TableRow {
    pub datum: Datum,
    /// As many as there are heads, or fewer.
    pub cells: Vec<String>,
    /// What has no column.
    pub remark: String,
}

impl ListTable {
    pub fn new(heads: &'static [TableHead]) -> Self {
        Self {
            heads,
            rows: Vec::new(),
        }
    }

    pub fn push(&mut self, mut row: TableRow) {
        row.cells.resize(self.heads.len(), String::new());
        for cell in row.cells.iter_mut().chain([&mut row.remark]) {
            *cell = plain::line(cell).into_owned();
        }
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn data(&self) -> impl Iterator<Item = &Datum> {
        self.rows.iter().map(|row| &row.datum)
    }

    /// The lines of it, the head first; each row and its remark within the width.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let (widths, narrowed) = self.fitted(width);
        let head: Vec<&str> = self.heads.iter().map(|head| head.title()).collect();
        let mut lines = vec![self.line(&widths, &head).trim_end().to_owned()];
        for row in &self.rows {
            let mut cells: Vec<&str> = row.cells.iter().map(String::as_str).collect();
            // The line of a row is as wide as its columns, so that a longer cell has no room beside it.
            let too_long = narrowed.filter(|at| cells[*at].chars().count() > widths[*at]);
            let long = too_long.map(|at| std::mem::take(&mut cells[at]));
            lines.extend(beside(&self.line(&widths, &cells), &row.remark, width));
            lines.extend(long.into_iter().flat_map(|cell| below(cell, width)));
        }
        lines
    }

    /// The widths of the columns. Where they do not fit, the widest one behind the first has the room that is left, and its cells that
    /// are longer stand below their rows; some of them must fit, or nothing is won by it.
    fn fitted(&self, width: usize) -> (Vec<usize>, Option<usize>) {
        let mut widths = self.widths();
        let whole = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let widest = (1..widths.len()).max_by_key(|at| widths[*at]);
        let Some(at) = widest.filter(|_| whole > width) else {
            return (widths, None);
        };
        let room = widths[at].saturating_sub(whole - width);
        let cells = self.rows.iter().map(|row| row.cells[at].chars().count());
        let fitting = cells.filter(|length| *length > 0 && *length <= room).max();
        let title = self.heads[at].title().chars().count();
        match fitting.map(|length| length.max(title)) {
            Some(length) if length <= room => {
                widths[at] = length;
                (widths, Some(at))
            }
            _ => (widths, None),
        }
    }

    fn widths(&self) -> Vec<usize> {
        let of = |(at, head): (usize, &TableHead)| {
            let cells = self.rows.iter().map(|row| row.cells[at].chars().count());
            cells
                .chain([head.title().chars().count()])
                .max()
                .unwrap_or_default()
        };
        self.heads.iter().enumerate().map(of).collect()
    }

    fn line(&self, widths: &[usize], cells: &[&str]) -> String {
        let cell = |((head, width), cell): ((&TableHead, &usize), &&str)| match head {
            TableHead::Left(_) => format!("{cell:<width$}"),
            TableHead::Right(_) => format!("{cell:>width$}"),
        };
        let padded = self.heads.iter().zip(widths).zip(cells).map(cell);
        padded.collect::<Vec<_>>().join(&" ".repeat(GAP))
    }
}

/// What has no room in its row.
fn below(text: &str, width: usize) -> Vec<String> {
    let indent = " ".repeat(2 * GAP);
    let options = textwrap::Options::new(width)
        .initial_indent(&indent)
        .subsequent_indent(&indent);
    let lines = textwrap::wrap(text, options).into_iter();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// A row with its remark: beside it where there is room, else below.
fn beside(row: &str, remark: &str, width: usize) -> Vec<String> {
    let (row_width, length) = (row.chars().count() + GAP, remark.chars().count());
    if remark.is_empty() || row_width.saturating_add(length) <= width {
        return vec![format!("{row}  {remark}").trim_end().to_owned()];
    }
    let indent = " ".repeat(if row_width + LEAST_REMARK <= width {
        row_width
    } else {
        2 * GAP
    });
    let options = textwrap::Options::new(width)
        .initial_indent(&indent)
        .subsequent_indent(&indent);
    let mut lines: Vec<String> = textwrap::wrap(remark, options)
        .into_iter()
        .map(|line| line.trim_end().to_owned())
        .collect();
    if indent.len() == row_width
        && let Some(first) = lines.first_mut()
    {
        *first = format!("{row}  {}", first.trim_start());
        return lines;
    }
    lines.insert(0, row.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::core::datum::DatumKind;

    const HEADS: &[TableHead] = &[
        TableHead::Left("RELEASE"),
        TableHead::Left("STATE"),
        TableHead::Right("SIZE"),
    ];

    fn table(rows: &[([&str; 3], &str)]) -> ListTable {
        let mut table = ListTable::new(HEADS);
        for (cells, remark) in rows {
            table.push(TableRow {
                datum: Datum::new(DatumKind::Release, Value::Null),
                cells: cells.map(str::to_owned).to_vec(),
                remark: (*remark).to_owned(),
            });
        }
        table
    }

    #[test]
    fn a_list_has_a_head_and_its_columns_stand_below_each_other() {
        let table = table(&[
            (["20261129T211530Z-0123abcd", "serves", "9 MB"], ""),
            (
                ["20261129T211530Z-4567cdef", "quarantined", "14 MB"],
                "by name",
            ),
        ]);
        assert_eq!(
            table.lines(80),
            [
                "RELEASE                    STATE         SIZE",
                "20261129T211530Z-0123abcd  serves        9 MB",
                "20261129T211530Z-4567cdef  quarantined  14 MB  by name",
            ]
        );
    }

    #[test]
    fn a_remark_without_room_stands_below_its_row() {
        let remark = "cannot be used: the database has migration 0012, which it does not know";
        let table = table(&[(["20261129T211530Z-0123abcd", "good", "9 MB"], remark)]);
        assert_eq!(
            table.lines(60)[1..],
            [
                "20261129T211530Z-0123abcd  good   9 MB",
                "    cannot be used: the database has migration 0012, which",
                "    it does not know",
            ]
        );
        assert_eq!(table.lines(usize::MAX).len(), 2);
    }

    #[test]
    fn a_cell_without_room_stands_below_its_row() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";
        let table = table(&[
            (["host.port", "22", "default"], ""),
            (["host.host_key", key, "citrino.yml:3"], ""),
        ]);
        let lines = table.lines(60);
        assert_eq!(
            lines[1..3],
            [
                "host.port      22           default",
                "host.host_key         citrino.yml:3"
            ]
        );
        assert!(
            lines[3].starts_with("    ssh-ed25519") && lines.len() == 6,
            "{lines:?}"
        );
        assert!(lines.iter().all(|line| line.chars().count() <= 60));
        assert_eq!(table.lines(usize::MAX).len(), 3);
    }

    #[test]
    fn what_a_host_says_makes_no_line_of_its_own() {
        let table = table(&[(["a\nserves", "\u{1b}[2J", ""], "x\nprod  serves")]);
        assert_eq!(table.lines(usize::MAX).len(), 2);
        assert!(!table.lines(80).concat().contains(char::is_control));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            state in "[a-z]{0,11}", remark in "([a-z]{1,14} ){0,20}", width in 50_usize..120,
        ) {
            let table = table(&[(["20261129T211530Z-0123abcd", &state, "14 MB"], &remark)]);
            for line in table.lines(width) {
                prop_assert!(line.chars().count() <= width, "{line}");
            }
        }
    }
}
