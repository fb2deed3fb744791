//! What a record says of the machine that it was measured on.

use std::process::Command;

/// Processor, cores, compiler and load, a line each; a line says `unknown` where the system does
/// not tell.
pub fn describe() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|rest| rest.split_once(": ")).map_or("unknown", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or_else(|_| "unknown".into(), display);
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_string());
    let rustc = rustc.unwrap_or_else(|_| "unknown".into());
    let load = read("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let load = if load.len() == 3 { load.join(" ") } else { "unknown".into() };
    format!("processor  {model}\ncores      {cores}\ncompiler   {rustc}\nload       {load}\n")
}

fn display(value: impl std::fmt::Display) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_compiler_is_named() {
        let text = super::describe();
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("compiler   rustc 1."), "{text}");
    }
}
