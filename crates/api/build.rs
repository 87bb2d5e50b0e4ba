//! Builds again when the console was.
fn main() {
    println!("cargo:rerun-if-changed=../../console/dist");
}
