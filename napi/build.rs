//! Sets up the link flags that a Node addon needs.

fn main() {
    napi_build::setup();
}
