//! What a statement does to those who are not told: releases that are older, writers that have to wait, rows that are lost.

mod altered;

use std::collections::BTreeSet;

use sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, CreateIndex, Delete, FromTable, ObjectName,
    ObjectType, Statement as Ast, TableFactor, TableObject,
};

use super::LintRule;
use super::statement::{Statement, words_within};
use altered::altered;

/// Where contractions are marked.
pub const FLOORS: &str = "schema_floor";
/// With one of these in it a DO may take anything.
const ACTS: &[&str] = &[
    "alter", "call", "delete", "drop", "execute", "merge", "rename", "revoke", "truncate",
];

/// What a statement does to releases and writers that are there already.
#[derive(Debug, Default)]
pub struct Effect {
    /// What it takes from older releases, each as the rest of a sentence.
    pub takes: Vec<String>,
    /// It reads or writes all of a table and keeps writers out meanwhile.
    pub blocks: bool,
    /// What may not stand in a migration at all, or cannot be read.
    pub fault: Option<(LintRule, String)>,
}

impl Effect {
    fn takes(what: impl Into<String>) -> Self {
        Self {
            takes: vec![what.into()],
            ..Self::default()
        }
    }

    fn fault(rule: LintRule, what: impl Into<String>) -> Self {
        Self {
            fault: Some((rule, what.into())),
            ..Self::default()
        }
    }

    fn blocks() -> Self {
        Self {
            blocks: true,
            ..Self::default()
        }
    }
}

/// What is there already, as far as the files tell.
pub struct KnownSchema<'a> {
    /// What this very file has made before: nobody older knows it.
    pub made: &'a BTreeSet<String>,
    /// Indices that refuse doubles.
    pub unique: &'a BTreeSet<String>,
}

impl KnownSchema<'_> {
    fn is_new(&self, name: &ObjectName) -> bool {
        self.made.contains(&last(name))
    }
}

/// What a statement makes, so that the rest of its file may do with it as it likes.
pub fn made(statement: &Statement) -> Option<String> {
    match statement.ast.as_ref().ok()? {
        Ast::CreateTable(table) if !table.if_not_exists => Some(last(&table.name)),
        Ast::CreateView(view) if !view.if_not_exists && !view.or_replace => Some(last(&view.name)),
        Ast::CreateFunction(function) if !function.or_replace => Some(last(&function.name)),
        Ast::CreateTrigger(trigger) if !trigger.or_replace => Some(last(&trigger.name)),
        Ast::CreateType { name, .. }
        | Ast::CreateSequence {
            name,
            if_not_exists: false,
            ..
        } => Some(last(name)),
        Ast::CreateIndex(index) if !index.if_not_exists => index.name.as_ref().map(last),
        _ => None,
    }
}

/// The name of an index that refuses doubles, when the statement makes one.
pub fn unique_index(statement: &Statement) -> Option<String> {
    match statement.ast.as_ref().ok()? {
        Ast::CreateIndex(index) if index.unique => index.name.as_ref().map(last),
        _ => None,
    }
}

/// What a statement of an up does.
pub fn effect(statement: &Statement, known: &KnownSchema) -> Effect {
    let ast = match &statement.ast {
        Ok(ast) => ast,
        Err(_) if statement.begins(&["do"]) => return program(statement),
        Err(_) if statement.begins(&["drop", "index", "concurrently"]) => {
            return dropped_beside(statement, known);
        }
        Err(reason) => {
            return Effect::fault(
                LintRule::NotUnderstood,
                format!("`{}` cannot be parsed ({reason})", title(statement)),
            );
        }
    };
    of_ast(ast, statement, known)
}

fn of_ast(ast: &Ast, statement: &Statement, known: &KnownSchema) -> Effect {
    match ast {
        Ast::Set(_) if !statement.begins(&["set", "local"]) => Effect::fault(
            LintRule::Transaction,
            "SET without LOCAL outlives the migration; write SET LOCAL",
        ),
        Ast::StartTransaction { .. } | Ast::Commit { .. } | Ast::Rollback { .. } => Effect::fault(
            LintRule::Transaction,
            "the migrator opens the transaction and records the migration in it; remove this statement",
        ),
        Ast::Query(_) | Ast::Insert(_) | Ast::Update(_)
            if statement.has("delete") || statement.has("merge") =>
        {
            Effect::takes("deletes rows")
        }
        Ast::Set(_)
        | Ast::Query(_)
        | Ast::Insert(_)
        | Ast::Update(_)
        | Ast::CreateTable(_)
        | Ast::CreateType { .. }
        | Ast::CreateDomain(_)
        | Ast::CreateSequence { .. }
        | Ast::CreateSchema { .. }
        | Ast::Comment { .. }
        | Ast::Grant(_)
        | Ast::Analyze(_) => Effect::default(),
        Ast::Delete(delete) => deleted(delete, known),
        Ast::Truncate(truncate) => {
            let old = truncate
                .table_names
                .iter()
                .find(|table| !known.is_new(&table.name));
            old.map_or_else(Effect::default, |table| {
                Effect::takes(format!("empties {}", last(&table.name)))
            })
        }
        Ast::CreateIndex(index) => indexed(index, known),
        Ast::CreateView(view) => replaced(view.or_replace, &view.name, known),
        Ast::CreateFunction(function) => replaced(function.or_replace, &function.name, known),
        Ast::CreateTrigger(trigger) => replaced(trigger.or_replace, &trigger.name, known),
        Ast::AlterTable(alter) => altered(alter, known),
        Ast::Drop {
            object_type, names, ..
        } => dropped(*object_type, names, known),
        Ast::DropFunction(drop) => gone(
            "function",
            drop.func_desc.iter().map(|function| &function.name),
            known,
        ),
        Ast::DropTrigger(drop) => gone("trigger", [&drop.trigger_name], known),
        _ => Effect::takes(format!(
            "does `{}`, which may break older releases",
            title(statement)
        )),
    }
}

/// Whether a statement of a down gives up no row and no value.
pub fn loses_nothing(statement: &Statement) -> bool {
    if statement.has("cascade") {
        return false;
    }
    let Ok(ast) = &statement.ast else {
        return statement.begins(&["drop", "index", "concurrently"]);
    };
    match ast {
        Ast::Set(_)
        | Ast::Comment { .. }
        | Ast::CreateIndex(_)
        | Ast::CreateView(_)
        | Ast::CreateFunction(_)
        | Ast::CreateTrigger(_)
        | Ast::CreateTable(_)
        | Ast::DropFunction(_)
        | Ast::DropTrigger(_) => true,
        Ast::Drop {
            object_type, names, ..
        } => match object_type {
            ObjectType::Index | ObjectType::View | ObjectType::MaterializedView => true,
            // Its rows went with the downs before.
            ObjectType::Table => names.iter().all(|name| last(name) == FLOORS),
            _ => false,
        },
        Ast::Delete(delete) => target(delete).is_some_and(|name| last(name) == FLOORS),
        Ast::AlterTable(alter) => alter.operations.iter().all(|operation| match operation {
            AlterTableOperation::DropConstraint { .. }
            | AlterTableOperation::AddConstraint { .. }
            | AlterTableOperation::ValidateConstraint { .. }
            | AlterTableOperation::AddColumn { .. }
            | AlterTableOperation::RenameColumn { .. }
            | AlterTableOperation::RenameTable { .. }
            | AlterTableOperation::RenameConstraint { .. } => true,
            AlterTableOperation::AlterColumn { op, .. } => {
                !matches!(op, AlterColumnOperation::SetDataType { .. })
            }
            _ => false,
        }),
        _ => false,
    }
}

/// Whether it writes to the table of the floors.
pub fn sets_floor(statement: &Statement) -> bool {
    match &statement.ast {
        Ok(Ast::Insert(insert)) => {
            matches!(&insert.table, TableObject::TableName(name) if last(name) == FLOORS)
        }
        _ => false,
    }
}

fn program(statement: &Statement) -> Effect {
    let [body] = statement.bodies.as_slice() else {
        return Effect::fault(
            LintRule::NotUnderstood,
            "this DO has not exactly one body in dollar quotes",
        );
    };
    match words_within(body) {
        Err(reason) => Effect::fault(
            LintRule::NotUnderstood,
            format!("the body of this DO cannot be parsed ({reason})"),
        ),
        Ok(words) => match words.iter().find(|word| ACTS.contains(&word.as_str())) {
            None => Effect::default(),
            Some(word) => Effect::fault(
                LintRule::NotUnderstood,
                format!(
                    "this DO contains {}, so it may remove anything",
                    word.to_uppercase()
                ),
            ),
        },
    }
}

fn dropped_beside(statement: &Statement, known: &KnownSchema) -> Effect {
    let unique = statement
        .words
        .iter()
        .find(|word| known.unique.contains(*word));
    unique.map_or_else(Effect::default, |name| {
        Effect::takes(format!(
            "drops the index {name}, which an ON CONFLICT may need"
        ))
    })
}

fn deleted(delete: &Delete, known: &KnownSchema) -> Effect {
    match target(delete) {
        Some(name) if known.is_new(name) => Effect::default(),
        Some(name) => Effect::takes(format!("deletes rows of {}", last(name))),
        None => Effect::takes("deletes rows"),
    }
}

fn target(delete: &Delete) -> Option<&ObjectName> {
    let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
    match tables.as_slice() {
        [table] => match &table.relation {
            TableFactor::Table { name, .. } => Some(name),
            _ => None,
        },
        _ => None,
    }
}

fn indexed(index: &CreateIndex, known: &KnownSchema) -> Effect {
    let table = last(&index.table_name);
    if known.is_new(&index.table_name) {
        return Effect::default();
    }
    let mut effect = if index.concurrently {
        Effect::default()
    } else {
        Effect::blocks()
    };
    if index.unique {
        effect.takes.push(format!(
            "makes {table} refuse duplicates, which older releases may write"
        ));
    }
    effect
}

fn replaced(or_replace: bool, name: &ObjectName, known: &KnownSchema) -> Effect {
    if !or_replace || known.is_new(name) {
        return Effect::default();
    }
    Effect::takes(format!(
        "replaces {}, which older releases may use",
        last(name)
    ))
}

fn dropped(kind: ObjectType, names: &[ObjectName], known: &KnownSchema) -> Effect {
    if kind != ObjectType::Index {
        return gone(&kind.to_string().to_lowercase(), names, known);
    }
    let unique = names
        .iter()
        .map(last)
        .find(|name| known.unique.contains(name));
    unique.map_or_else(Effect::default, |name| {
        Effect::takes(format!(
            "drops the index {name}, which an ON CONFLICT may need"
        ))
    })
}

fn gone<'n>(
    kind: &str,
    names: impl IntoIterator<Item = &'n ObjectName>,
    known: &KnownSchema,
) -> Effect {
    let old = names.into_iter().find(|name| !known.is_new(name));
    old.map_or_else(Effect::default, |name| {
        Effect::takes(format!("drops the {kind} {}", last(name)))
    })
}

/// The first words of a statement.
fn title(statement: &Statement) -> String {
    let words: Vec<String> = statement
        .words
        .iter()
        .take(4)
        .map(|word| word.to_uppercase())
        .collect();
    words.join(" ")
}

/// A name without its schema, as `PostgreSQL` folds it.
fn last(name: &ObjectName) -> String {
    let Some(part) = name.0.last() else {
        return String::new();
    };
    match part.as_ident() {
        Some(ident) if ident.quote_style.is_none() => ident.value.to_lowercase(),
        Some(ident) => ident.value.clone(),
        None => part.to_string(),
    }
}
