//! Names of environment variables that change what a program does before it is the program: which code the loader puts into
//! it, which file a shell or an interpreter reads first, how its memory is laid out.

/// All names that begin so.
const FAMILIES: [&str; 9] = [
    "LD_",
    "BASH_FUNC_",
    "DYLD_",
    "GCONV_",
    "GLIBC_",
    "MALLOC_",
    "PERL5",
    "PYTHON",
    "RESOLV_",
];

const NAMES: [&str; 34] = [
    "BASHOPTS",
    "BASH_ENV",
    "CDPATH",
    "CLASSPATH",
    "ENV",
    "GETCONF_DIR",
    "GLOBIGNORE",
    "HOSTALIASES",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LOCALDOMAIN",
    "LOCPATH",
    "LUA_INIT",
    "NIS_PATH",
    "NLSPATH",
    "NODE_OPTIONS",
    "NODE_PATH",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "PATH",
    "PERLLIB",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PROMPT_COMMAND",
    "PS4",
    "RES_OPTIONS",
    "RUBYLIB",
    "RUBYOPT",
    "SHELLOPTS",
    "SSLKEYLOGFILE",
    "TZDIR",
    "_JAVA_OPTIONS",
];

/// Whether a variable of this name steers programs, whichever they are.
pub fn steers_programs(name: &str) -> bool {
    FAMILIES.iter().any(|family| name.starts_with(family)) || NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The C library's own list of what a program with other rights than its user's must not see (ld.so(8), "secure-execution
    /// mode"), and what shells and interpreters read first.
    #[test]
    fn what_steers_programs_is_known_by_name_and_by_family() {
        for name in [
            "LD_PRELOAD",
            "LD_AUDIT",
            "LD_LIBRARY_PATH",
            "LD_DEBUG_OUTPUT",
            "GCONV_PATH",
            "GETCONF_DIR",
            "GLIBC_TUNABLES",
            "HOSTALIASES",
            "LOCALDOMAIN",
            "LOCPATH",
            "MALLOC_TRACE",
            "NIS_PATH",
            "NLSPATH",
            "RESOLV_HOST_CONF",
            "RES_OPTIONS",
            "TZDIR",
            "PATH",
            "BASH_ENV",
            "ENV",
            "IFS",
            "SHELLOPTS",
            "PS4",
            "BASH_FUNC_ls",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "NODE_OPTIONS",
            "PERL5LIB",
            "PERL5OPT",
            "RUBYOPT",
        ] {
            assert!(steers_programs(name), "{name}");
        }
        for name in [
            "DB_HOST",
            "ZAI_API_KEY",
            "NODE_ENV",
            "ENVIRONMENT",
            "TZ",
            "LDAP_URL",
            "RUST_LOG",
        ] {
            assert!(!steers_programs(name), "{name}");
        }
    }
}
