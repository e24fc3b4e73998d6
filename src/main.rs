//! The `tapscope` program.

fn main() -> std::process::ExitCode {
    tapscope::cli::run(std::env::args_os())
}
