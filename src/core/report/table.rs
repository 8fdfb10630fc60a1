//! Lists that people read: a head, columns, and what there is to say of a row. For a program each row is a datum.

use crate::core::datum::Datum;
use crate::core::plain;
use crate::core::wrap;

/// Between two columns.
const GAP: usize = 2;
/// A remark has at least so much room beside its row, or stands below it.
const LEAST_REMARK: usize = 24;

/// A column of prose has at least so much.
const LEAST_PROSE: usize = 16;

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
    /// For long values: where the row has no room, they go on below.
    Prose(&'static str),
}

impl TableHead {
    fn title(self) -> &'static str {
        match self {
            Self::Left(title) | Self::Right(title) | Self::Prose(title) => title,
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
        let widths = self.widths(width);
        let head: Vec<&str> = self.heads.iter().map(|head| head.title()).collect();
        let mut lines = vec![self.line(&widths, &head).trim_end().to_owned()];
        for row in &self.rows {
            let mut rows = self.row_lines(&widths, &row.cells);
            let last = rows.pop().unwrap_or_default();
            lines.extend(rows.iter().map(|line| line.trim_end().to_owned()));
            lines.extend(beside(&last, &row.remark, width));
        }
        lines
    }

    /// The widths of the columns. One of prose gives way where a row has no room.
    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths = self.full_widths();
        let whole = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut heads = self.heads.iter();
        if let Some(at) = heads.position(|head| matches!(head, TableHead::Prose(_))) {
            let room = widths[at].saturating_sub(whole.saturating_sub(width));
            widths[at] = room.max(LEAST_PROSE.min(widths[at]));
        }
        widths
    }

    fn full_widths(&self) -> Vec<usize> {
        let of = |(at, head): (usize, &TableHead)| {
            let cells = self.rows.iter().map(|row| row.cells[at].chars().count());
            cells
                .chain([head.title().chars().count()])
                .max()
                .unwrap_or_default()
        };
        self.heads.iter().enumerate().map(of).collect()
    }

    /// A row as its lines: several where a cell of prose goes on below.
    fn row_lines(&self, widths: &[usize], cells: &[String]) -> Vec<String> {
        let in_column = |((head, width), cell): ((&TableHead, &usize), &String)| match head {
            TableHead::Prose(_) => broken(cell, *width),
            TableHead::Left(_) | TableHead::Right(_) => vec![cell.clone()],
        };
        let columns = self.heads.iter().zip(widths).zip(cells).map(in_column);
        let columns: Vec<Vec<String>> = columns.collect();
        let height = columns.iter().map(Vec::len).max().unwrap_or_default();
        let line = |at: usize| {
            let piece = |column: &Vec<String>| column.get(at).cloned().unwrap_or_default();
            let cells: Vec<String> = columns.iter().map(piece).collect();
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            self.line(widths, &cells)
        };
        (0..height).map(line).collect()
    }

    fn line(&self, widths: &[usize], cells: &[&str]) -> String {
        let cell = |((head, width), cell): ((&TableHead, &usize), &&str)| match head {
            TableHead::Left(_) | TableHead::Prose(_) => format!("{cell:<width$}"),
            TableHead::Right(_) => format!("{cell:>width$}"),
        };
        let padded = self.heads.iter().zip(widths).zip(cells).map(cell);
        padded.collect::<Vec<_>>().join(&" ".repeat(GAP))
    }
}

/// A cell of prose as the lines of its column.
fn broken(cell: &str, width: usize) -> Vec<String> {
    let options = wrap::options(width, "", "").break_words(true);
    let lines = textwrap::wrap(cell, options).into_iter();
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
    // What a host says keeps within the width, however long its words are.
    let options = wrap::options(width, &indent, &indent).break_words(true);
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
            (["20261129T211530Z-0123abcd", "live", "9 MB"], ""),
            (
                ["20261129T211530Z-4567cdef", "quarantined", "14 MB"],
                "by name",
            ),
        ]);
        assert_eq!(
            table.lines(80),
            [
                "RELEASE                    STATE         SIZE",
                "20261129T211530Z-0123abcd  live          9 MB",
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
    fn a_long_value_goes_on_in_its_column() {
        const HEADS: &[TableHead] = &[
            TableHead::Left("KEY"),
            TableHead::Prose("VALUE"),
            TableHead::Left("FROM"),
        ];
        let mut table = ListTable::new(HEADS);
        for (value, from) in [("one two three four five", "default"), ("8080", "a.yml:3")] {
            table.push(TableRow {
                datum: Datum::new(DatumKind::ConfigValue, Value::Null),
                cells: ["app.port", value, from].map(str::to_owned).to_vec(),
                remark: String::new(),
            });
        }
        assert_eq!(
            table.lines(37),
            [
                "KEY       VALUE               FROM",
                "app.port  one two three four  default",
                "          five",
                "app.port  8080                a.yml:3",
            ]
        );
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
