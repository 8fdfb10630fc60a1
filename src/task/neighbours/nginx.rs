//! Other sites of the host's nginx: they stay, included by the stack's nginx.conf.

use std::path::Path;

use anyhow::Result;

use crate::host::neighbours::{NeighbourRecord, NginxSite, is_ours};
use crate::host::system::{Kind, System};

const CONFIGURATION: &str = "/etc/nginx/nginx.conf";

/// The site that Debian's and Ubuntu's package brings, without comments and blanks.
const PACKAGED: &str = "server{listen80default_server;listen[::]:80default_server;root/var/www/html;indexindex.htmlindex.htmindex.nginx-debian.html;server_name_;location/{try_files$uri$uri/=404;}}";
/// What its folder holds until somebody puts a page there.
const PACKAGED_PAGES: [&str; 1] = ["index.nginx-debian.html"];

pub struct NginxLook {
    pub sites: Vec<FoundSite>,
    pub sentences: Vec<String>,
}

pub struct FoundSite {
    path: String,
    text: String,
}

impl FoundSite {
    /// How it goes on; none of a file whose name cannot stand in nginx.conf.
    pub fn kept(self) -> Option<NginxSite> {
        let listens = statements(&self.text, "listen");
        let is_default = |https: bool| {
            listens.iter().any(|words| {
                let is_default = words
                    .iter()
                    .any(|word| matches!(&**word, "default_server" | "default"));
                let is_https = words
                    .iter()
                    .any(|word| word == "ssl" || word.ends_with("443"));
                is_default && is_https == https
            })
        };
        let (default_http, default_https) = (is_default(false), is_default(true));
        let path = self.path.parse().ok()?;
        Some(NginxSite {
            path,
            default_http,
            default_https,
        })
    }

    fn sentence(&self) -> String {
        let path = &self.path;
        if path.parse::<crate::core::value::HostPath>().is_err() {
            return format!(
                "nginx: {path} would no longer be served, because of the letters in its name"
            );
        }
        format!("nginx: {path} is not the stack's; nginx.conf is replaced by one that includes it")
    }
}

/// # Errors
/// When a file is there and cannot be read.
pub fn look(system: &System, before: Option<&NeighbourRecord>) -> Result<NginxLook> {
    let mut found = NginxLook {
        sites: Vec::new(),
        sentences: Vec::new(),
    };
    let Some(configuration) = system.read_text(CONFIGURATION)? else {
        return Ok(found);
    };
    let ours = is_ours(&configuration);
    // Beside the stack's own configuration nothing is served but what was agreed on, so that nothing can be lost there.
    if ours && before.is_none_or(|before| before.sites.is_empty()) {
        return Ok(found);
    }
    let bare = without_comments(&configuration);
    if !ours && has_servers(&bare) {
        found.sentences.push(format!(
            "nginx: {CONFIGURATION} has servers of its own, which would no longer be served"
        ));
    }
    for (folder, ending) in [
        ("/etc/nginx/conf.d", ".conf"),
        ("/etc/nginx/sites-enabled", ""),
    ] {
        if ours || bare.contains(folder.trim_start_matches("/etc/nginx/")) {
            found.sites.extend(sites(system, folder, ending)?);
        }
    }
    found
        .sentences
        .extend(found.sites.iter().map(FoundSite::sentence));
    Ok(found)
}

fn sites(system: &System, folder: &str, ending: &str) -> Result<Vec<FoundSite>> {
    let mut names = system.names(folder)?;
    names.sort();
    let mut sites = Vec::new();
    for name in names
        .iter()
        .filter(|name| name.ends_with(ending) && !name.starts_with('.'))
    {
        let path = format!("{folder}/{name}");
        let file = system.resolve(&path)?;
        if system
            .stat(&file)?
            .is_none_or(|found| found.kind != Kind::File)
        {
            continue;
        }
        let text = without_comments(&system.read_text(file)?.unwrap_or_default());
        if !is_packaged(system, &text)? && !text.trim().is_empty() {
            sites.push(FoundSite { path, text });
        }
    }
    Ok(sites)
}

/// Whether it is the site of the package, and nobody has put a page into it.
fn is_packaged(system: &System, text: &str) -> Result<bool> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if bare != PACKAGED {
        return Ok(false);
    }
    let pages = system.names(Path::new("/var/www/html"))?;
    Ok(pages.iter().all(|page| PACKAGED_PAGES.contains(&&**page)))
}

/// nginx's comments go from a `#` at the begin of a word to the end of the line.
fn without_comments(text: &str) -> String {
    let bare = |line: &str| {
        let starts = |(at, _): &(usize, char)| {
            line[..*at]
                .chars()
                .next_back()
                .is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '{' | '}'))
        };
        let end = line.char_indices().filter(|(_, c)| *c == '#').find(starts);
        line[..end.map_or(line.len(), |(at, _)| at)].to_owned() + "\n"
    };
    text.lines().map(bare).collect()
}

fn has_servers(bare: &str) -> bool {
    let words = words(bare);
    let opens =
        |pair: &[String]| matches!(&*pair[0], "server" | "stream" | "mail") && pair[1] == "{";
    words.windows(2).any(opens)
}

/// The words of each statement of this name.
fn statements(bare: &str, name: &str) -> Vec<Vec<String>> {
    let words = words(bare);
    let each = words.split(|word| matches!(&**word, ";" | "{" | "}"));
    each.filter(|words| words.first().is_some_and(|word| word == name))
        .map(<[String]>::to_vec)
        .collect()
}

fn words(bare: &str) -> Vec<String> {
    let mut parted = String::with_capacity(bare.len());
    for c in bare.chars() {
        match c {
            ';' | '{' | '}' => parted.extend([' ', c, ' ']),
            _ => parted.push(c),
        }
    }
    parted.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> (bool, bool) {
        let path = "/etc/nginx/sites-enabled/shop".to_owned();
        let site = FoundSite {
            path,
            text: without_comments(text),
        }
        .kept()
        .unwrap();
        (site.default_http, site.default_https)
    }

    #[test]
    fn who_answers_for_a_name_that_nobody_has_is_found() {
        assert_eq!(kept("server { listen 80; server_name a; }"), (false, false));
        assert_eq!(kept("server{listen 80 default_server;}"), (true, false));
        assert_eq!(
            kept("server { # listen 80 default_server;\n listen [::]:443 ssl default_server; }"),
            (false, true)
        );
        assert_eq!(kept("server { listen 8443 ssl default; }"), (false, true));
    }

    #[test]
    fn servers_in_the_main_file_are_found_and_upstreams_are_none() {
        let servers = |text: &str| has_servers(&without_comments(text));
        assert!(servers("http { server\n{ listen 80; } }"));
        assert!(servers("stream{ server { listen 25; } }"));
        assert!(!servers(
            "http { upstream a { server b:80; } include x; # server { }\n }"
        ));
    }
}
