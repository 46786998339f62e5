//! The program `wpengine`.

fn main() -> std::process::ExitCode {
    wpengine_cli::main()
}
