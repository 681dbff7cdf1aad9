//! Sets up the link flags that a Node addon needs, when there is a Node room to link.

fn main() {
    if std::env::var_os("CARGO_FEATURE_NODE").is_some() {
        napi_build::setup();
    }
}
