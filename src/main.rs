//! The `tapscope` program.

/// Millions of small owned events are made on one thread and dropped on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tapscope::cli::run(std::env::args_os())
}
