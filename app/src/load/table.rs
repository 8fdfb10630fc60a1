//! The tables that a loader fills, and the statements that bring one up to date from staged rows.
//!
//! Rows travel as one JSON text and are staged in a temporary table. From there three set statements remove, update and
//! insert. A row that is already right is not written, so a second load leaves even `ultima_actualizacion` alone.

use std::fmt::Write;

/// A table, and how each of its columns comes from a staged row `n`. No text here comes from a user.
pub struct Table {
    /// The table's name.
    pub name: &'static str,
    /// Columns of the staging table with their types, as SQL; `codigo` identifies the row.
    staged: &'static str,
    /// Column, and its value from `n` where that is not the column of the same name. `$1` is the source.
    columns: &'static [(&'static str, &'static str)],
}

const POINT: &str = "ST_SetSRID(ST_MakePoint(n.lng, n.lat), 4326)::geography";

/// Agents.
pub const AGENTES: Table = Table {
    name: "agentes",
    staged: "codigo text, nombre text, telefono text, email text, empresa text",
    columns: &[
        ("nombre", ""),
        ("telefono", ""),
        ("email", ""),
        ("empresa", ""),
    ],
};

/// Services.
pub const SERVICIOS: Table = Table {
    name: "servicios",
    staged: "codigo text, nombre text, categoria text, subcategoria text, zona text, direccion text, telefono text,
             horario text, lat double precision, lng double precision",
    columns: &[
        ("nombre", ""),
        ("categoria", ""),
        ("subcategoria", ""),
        ("zona", ""),
        ("direccion", ""),
        ("telefono", ""),
        ("horario", ""),
        ("coordenadas", POINT),
    ],
};

/// Properties; their agent is found by its code.
pub const PROPIEDADES: Table = Table {
    name: "propiedades",
    staged: "codigo text, agente text, titulo text, descripcion text, tipo_propiedad text, operacion text,
             estado_propiedad text, precio_usd numeric(12, 2), moneda text, precio_original numeric(14, 2),
             direccion text, zona text, uv text, manzana text, superficie_total numeric(10, 2),
             superficie_construida numeric(10, 2), num_dormitorios integer, num_banos integer, num_garajes integer,
             lat double precision, lng double precision, fecha_publicacion date, url_origen text",
    columns: &[
        ("agente_id", "(SELECT a.id FROM agentes a WHERE a.fuente = $1 AND a.codigo = n.agente)"),
        ("titulo", ""),
        ("descripcion", ""),
        ("tipo_propiedad", ""),
        ("operacion", ""),
        ("estado_propiedad", ""),
        ("precio_usd", ""),
        ("moneda", ""),
        ("precio_original", ""),
        ("direccion", ""),
        ("zona", ""),
        ("uv", ""),
        ("manzana", ""),
        ("superficie_total", ""),
        ("superficie_construida", ""),
        ("num_dormitorios", ""),
        ("num_banos", ""),
        ("num_garajes", ""),
        ("coordenadas", POINT),
        ("fecha_publicacion", ""),
        ("url_origen", ""),
    ],
};

impl Table {
    /// Creates the staging table, which is dropped at the end of the transaction.
    pub fn create_staging(&self) -> String {
        format!(
            "CREATE TEMP TABLE nuevas_{} ({}) ON COMMIT DROP",
            self.name, self.staged
        )
    }

    /// Fills it from `$1`, a JSON array of objects with the staging table's columns.
    pub fn fill_staging(&self) -> String {
        let name = self.name;
        format!(
            "INSERT INTO nuevas_{name} SELECT * FROM json_populate_recordset(NULL::nuevas_{name}, $1::json)"
        )
    }

    /// Counts rows of the source `$1` that are missing, changed or surplus.
    pub fn compare(&self) -> String {
        format!(
            "SELECT count(*) FILTER (WHERE t.id IS NULL) AS missing,
                    count(*) FILTER (WHERE t.id IS NOT NULL AND ({old}) IS DISTINCT FROM ({new})) AS changed,
                    (SELECT count(*) FROM {name} s WHERE s.fuente = $1
                        AND NOT EXISTS (SELECT FROM nuevas_{name} k WHERE k.codigo = s.codigo)) AS surplus
             FROM nuevas_{name} n
             LEFT JOIN {name} t ON t.fuente = $1 AND t.codigo = n.codigo",
            name = self.name,
            old = self.join(|column, _| format!("t.{column}")),
            new = self.join(value),
        )
    }

    /// Removes the source's rows that are not staged.
    pub fn remove(&self) -> String {
        format!(
            "DELETE FROM {name} t WHERE t.fuente = $1
                AND NOT EXISTS (SELECT FROM nuevas_{name} n WHERE n.codigo = t.codigo)",
            name = self.name
        )
    }

    /// Updates the rows that differ from the staged ones.
    pub fn update(&self) -> String {
        format!(
            "UPDATE {name} t SET ({columns}, ultima_actualizacion) = ROW ({new}, now())
             FROM nuevas_{name} n
             WHERE t.fuente = $1 AND t.codigo = n.codigo AND ({old}) IS DISTINCT FROM ({new})",
            name = self.name,
            columns = self.join(|column, _| column.to_owned()),
            old = self.join(|column, _| format!("t.{column}")),
            new = self.join(value),
        )
    }

    /// Inserts the staged rows that the table lacks, in the order of their codes.
    pub fn insert(&self) -> String {
        format!(
            "INSERT INTO {name} (fuente, codigo, {columns})
             SELECT $1, n.codigo, {new} FROM nuevas_{name} n
             WHERE NOT EXISTS (SELECT FROM {name} t WHERE t.fuente = $1 AND t.codigo = n.codigo)
             ORDER BY n.codigo",
            name = self.name,
            columns = self.join(|column, _| column.to_owned()),
            new = self.join(value),
        )
    }

    fn join(&self, show: impl Fn(&str, &str) -> String) -> String {
        let mut text = String::new();
        for (column, expression) in self.columns {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{comma}{}", show(column, expression));
        }
        text
    }
}

fn value(column: &str, expression: &str) -> String {
    if expression.is_empty() {
        format!("n.{column}")
    } else {
        expression.to_owned()
    }
}
