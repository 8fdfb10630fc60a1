//! Builds again when a migration or a file of the page changes: macros embed the folders, and cargo cannot see into them.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed=ui");
}
