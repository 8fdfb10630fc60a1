use std::process::ExitCode;

fn main() -> ExitCode {
    citrino_ops::verb::answer_shell();
    citrino_ops::verb::run(&citrino_ops::verb::parse_args())
}
