//! What ALTER TABLE does, operation by operation.

use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, ColumnDef, ColumnOption, Expr,
};

use super::{Effect, KnownSchema, last};

pub fn altered(alter: &AlterTable, known: &KnownSchema) -> Effect {
    if known.is_new(&alter.name) {
        return Effect::default();
    }
    let table = last(&alter.name);
    let mut effect = Effect::default();
    for operation in &alter.operations {
        let (takes, blocks) = operated(&table, operation);
        effect.takes.extend(takes);
        effect.blocks |= blocks;
    }
    effect
}

/// What an operation takes, and whether it goes through the whole table.
fn operated(table: &str, operation: &AlterTableOperation) -> (Option<String>, bool) {
    match operation {
        AlterTableOperation::AddColumn { column_def, .. } => added(table, column_def),
        AlterTableOperation::ValidateConstraint { .. } => (None, false),
        AlterTableOperation::AddConstraint { not_valid, .. } => (
            Some(format!(
                "adds a constraint to {table}, which writes of older releases may violate"
            )),
            !not_valid,
        ),
        AlterTableOperation::AlterColumn { column_name, op } => match op {
            AlterColumnOperation::SetDefault { .. } => (None, false),
            other => (
                Some(format!("does {} to {table}.{column_name}", shape(other))),
                matches!(
                    op,
                    AlterColumnOperation::SetNotNull | AlterColumnOperation::SetDataType { .. }
                ),
            ),
        },
        AlterTableOperation::DropColumn { column_names, .. } => {
            let names: Vec<String> = column_names
                .iter()
                .map(|name| format!("{table}.{}", name.value))
                .collect();
            (
                Some(format!("drops the column {}", names.join(", "))),
                false,
            )
        }
        AlterTableOperation::RenameColumn {
            old_column_name, ..
        } => (
            Some(format!("renames the column {table}.{old_column_name}")),
            false,
        ),
        AlterTableOperation::RenameTable { .. } => {
            (Some(format!("renames the table {table}")), false)
        }
        other => (
            Some(format!(
                "does `{other}` to {table}, which may break older releases"
            )),
            false,
        ),
    }
}

fn shape(operation: &AlterColumnOperation) -> &'static str {
    match operation {
        AlterColumnOperation::SetNotNull => "SET NOT NULL",
        AlterColumnOperation::DropNotNull => "DROP NOT NULL",
        AlterColumnOperation::DropDefault => "DROP DEFAULT",
        AlterColumnOperation::SetDataType { .. } => "TYPE",
        _ => "something",
    }
}

fn added(table: &str, column: &ColumnDef) -> (Option<String>, bool) {
    let options = || column.options.iter().map(|option| &option.option);
    let is_serial = column
        .data_type
        .to_string()
        .to_lowercase()
        .contains("serial");
    let default = options().find_map(|option| match option {
        ColumnOption::Default(value) => Some(value),
        _ => None,
    });
    let generated = options().find_map(|option| match option {
        ColumnOption::Generated {
            generation_expr, ..
        } => Some(generation_expr.is_some()),
        _ => None,
    });
    let is_filled = is_serial || default.is_some() || generated == Some(false);
    let is_wanted = options().any(|option| match option {
        ColumnOption::NotNull | ColumnOption::PrimaryKey(_) => true,
        ColumnOption::Check(check) => check
            .expr
            .to_string()
            .to_uppercase()
            .contains("IS NOT NULL"),
        _ => false,
    });
    let is_unique = options().any(|option| matches!(option, ColumnOption::Unique(_)));
    let name = format!("{table}.{}", column.name.value);
    let takes = if is_wanted && !is_filled {
        Some(format!(
            "adds the column {name}, which must not be NULL and which older releases do not write"
        ))
    } else if is_unique && default.is_some() {
        Some(format!(
            "adds the column {name}, which is unique and has one default for all rows"
        ))
    } else {
        None
    };
    // One value for all rows is kept beside the table; another for each row makes all of them anew.
    let blocks =
        is_serial || generated.is_some() || default.is_some_and(|value| !is_constant(value));
    (takes, blocks)
}

fn is_constant(value: &Expr) -> bool {
    match value {
        Expr::Value(_) | Expr::TypedString { .. } => true,
        Expr::Cast { expr, .. } | Expr::UnaryOp { expr, .. } | Expr::Nested(expr) => {
            is_constant(expr)
        }
        Expr::Array(array) => array.elem.iter().all(is_constant),
        Expr::Function(function) => {
            ["now", "current_timestamp", "current_date"].contains(&last(&function.name).as_str())
        }
        _ => false,
    }
}
