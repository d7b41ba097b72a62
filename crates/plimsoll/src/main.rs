//! Entry point: everything is in the library, so that tests call the same code.

fn main() -> std::process::ExitCode {
    plimsoll::main()
}
