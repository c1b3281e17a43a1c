//! The migrations are part of the program (`sqlx::migrate!`): a new one means building again.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
