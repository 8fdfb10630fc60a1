//! Builds again when a migration changes: `sqlx::migrate!` embeds the folder, and cargo cannot see into a macro.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
