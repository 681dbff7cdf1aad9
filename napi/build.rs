//! Sets up the link flags that a Node addon needs, and puts the JavaScript half together.

use std::{env, fs, io, path::Path};

/// The files of `src/js`, each an expression; the last puts the others together.
const PARTS: [&str; 9] = ["errors", "trace", "pending", "trust", "guard", "connector", "options", "plain", "index"];

fn main() -> io::Result<()> {
    napi_build::setup();
    println!("cargo::rerun-if-changed=src/js");
    let parts = PARTS.map(|name| {
        let source = fs::read_to_string(Path::new("src/js").join(name).with_extension("js"))?;
        Ok(format!("parts.{name} = {}", in_parentheses(&source)))
    });
    let parts = parts.into_iter().collect::<io::Result<String>>()?;
    let script =
        format!("(() => {{ const parts = {{}};\n{parts}return parts; }})()\n//# sourceURL=connector-smsaero-native/js");
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo runs this"))?;
    fs::write(Path::new(&folder).join("parts.js"), script)
}

/// Puts each `const name = function` into parentheses: V8 then compiles it at once with what is around it, not in a second
/// pass when it is first called. Here, because formatters take such parentheses away.
fn in_parentheses(source: &str) -> String {
    let mut end = None;
    let lines = source.lines().map(|line| {
        if let Some((name, rest)) = line.split_once(" = function (") {
            assert!(end.is_none(), "inside a function that is compiled at once, write an arrow function: {line}");
            end = Some(format!("{:1$}}};", "", line.len() - line.trim_start().len()));
            return format!("{name} = (function ({rest}\n");
        }
        if end.as_deref() == Some(line) {
            end = None;
            return line.replace("};", "});\n");
        }
        format!("{line}\n")
    });
    let result = lines.collect();
    assert!(end.is_none(), "a function of src/js does not end where a formatter puts its end");
    result
}
