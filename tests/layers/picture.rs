//! docs/architecture.svg: the list from top to bottom, and a dot where one layer imports from another.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::imports::{Import, imports};
use crate::list::{self, Layer};
use crate::product;

const PLACE: &str = "docs/architecture.svg";

const WIDTH: usize = 800;
const MARGIN: usize = 16;
/// Where the second column begins, and where the dots do.
const HOLDS: usize = 150;
const DOTS: usize = 494;
/// A column of dots is so wide.
const STEP: usize = 21;
/// The head's height: the names stand in it from bottom to top.
const HEAD: usize = 106;
const LINE: usize = 16;
/// More characters do not fit between the two columns.
const CHARACTERS: usize = 52;

const STYLE: &str = "\
text { font: 12.5px 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif; fill: #334155 }
.name { font: bold 13px 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace; fill: #0f172a }
.small { font-size: 12px }
.dot { fill: #2563eb }
.self { fill: #cbd5e1 }
.rule { stroke: #e2e8f0 }
.band { fill: #f8fafc }";

/// `CITRINO_BLESS=1` writes it anew.
#[test]
fn the_picture_is_made_from_the_list() {
    let drawn = draw(&list::layers(), &imports(product()));
    if env::var_os("CITRINO_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PLACE);
        return fs::write(path, drawn).unwrap();
    }
    assert!(
        list::text(PLACE) == drawn,
        "{PLACE} is out of date. Write it anew with CITRINO_BLESS=1 cargo test --test layers, and look at what changed"
    );
}

struct Row<'a> {
    layer: &'a Layer,
    lines: Vec<String>,
    top: usize,
}

impl Row<'_> {
    fn height(&self) -> usize {
        self.lines.len() * LINE + 14
    }

    fn middle(&self) -> usize {
        self.top + self.height() / 2
    }
}

fn draw(layers: &[Layer], imports: &[Import]) -> String {
    let rows = rows(layers);
    let bottom = rows.last().map_or(HEAD, |row| row.top + row.height());
    let height = bottom + 34;
    let mut svg = String::new();
    let mut put = |line: String| writeln!(svg, "{line}").unwrap();
    put(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">"#
    ));
    put(
        "<title>The layers of src, from top to bottom, and which imports from which</title>".into(),
    );
    put(format!("<style>\n{STYLE}\n</style>"));
    put(format!(
        r##"<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>"##
    ));
    head(&rows).into_iter().for_each(&mut put);
    for (index, row) in rows.iter().enumerate() {
        band(index, row).into_iter().for_each(&mut put);
    }
    dots(&rows, imports).into_iter().for_each(&mut put);
    put(text(
        MARGIN,
        bottom + 22,
        "small",
        "A dot: this row imports from this column. There is no dot left of the diagonal, because imports go down only.",
    ));
    put("</svg>".into());
    svg
}

fn rows(layers: &[Layer]) -> Vec<Row<'_>> {
    let mut top = HEAD;
    let row = |layer| {
        let row = Row {
            layer,
            lines: wrapped(&layer.holds.replace('`', "")),
            top,
        };
        top += row.height();
        row
    };
    layers.iter().map(row).collect()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().unwrap();
        if last.is_empty() {
            last.push_str(word);
        } else if last.len() + 1 + word.len() <= CHARACTERS {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// The names over the columns of dots.
fn head(rows: &[Row]) -> Vec<String> {
    let name = |(index, row): (usize, &Row)| {
        let (x, y) = (column(index) + 4, HEAD - 8);
        format!(
            r#"<text class="small" transform="translate({x} {y}) rotate(-90)">{}</text>"#,
            escaped(&row.layer.folder)
        )
    };
    rows.iter().enumerate().map(name).collect()
}

/// The middle of a column of dots.
fn column(index: usize) -> usize {
    DOTS + index * STEP + STEP / 2
}

fn band(index: usize, row: &Row) -> Vec<String> {
    let (top, height) = (row.top, row.height());
    let mut lines = Vec::new();
    if index.is_multiple_of(2) {
        lines.push(format!(
            r#"<rect class="band" y="{top}" width="{WIDTH}" height="{height}"/>"#
        ));
    }
    lines.push(format!(
        r#"<line class="rule" x1="0" y1="{top}" x2="{WIDTH}" y2="{top}"/>"#
    ));
    lines.push(text(MARGIN, row.middle() + 4, "name", &row.layer.folder));
    for (number, line) in row.lines.iter().enumerate() {
        lines.push(text(HOLDS, top + 19 + number * LINE, "holds", line));
    }
    lines
}

fn dots(rows: &[Row], imports: &[Import]) -> Vec<String> {
    let mut dots: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| circle(index, row, "self"))
        .collect();
    for (from, to) in pairs(rows, imports) {
        dots.push(circle(to, &rows[from], "dot"));
    }
    dots
}

fn circle(index: usize, row: &Row, class: &str) -> String {
    let (x, y) = (column(index), row.middle());
    format!(r#"<circle class="{class}" cx="{x}" cy="{y}" r="5"/>"#)
}

/// The layers that import from another one.
fn pairs(rows: &[Row], imports: &[Import]) -> BTreeSet<(usize, usize)> {
    let floor = |path: &[String]| {
        let top = path.first().map_or("lib", String::as_str);
        rows.iter().position(|row| row.layer.has(top))
    };
    let both = |import: &Import| Some((floor(&import.from)?, floor(&import.to)?));
    let pairs = imports.iter().filter_map(both);
    pairs.filter(|(from, to)| from != to).collect()
}

fn text(x: usize, y: usize, class: &str, words: &str) -> String {
    format!(
        r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#,
        escaped(words)
    )
}

fn escaped(words: &str) -> String {
    words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
