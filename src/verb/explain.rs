//! `explain`: what stands behind an error code.

use anyhow::Result;

use crate::core::catalogue;
use crate::core::error::{Code, Fault, exit};
use crate::core::report::Report;

pub fn run(report: &mut Report, code: Option<&str>) -> Result<u8> {
    let pages = catalogue::pages()?;
    let Some(text) = code else {
        for (code, page) in pages {
            report.text(&format!("{code}  {}", page.title));
        }
        return Ok(exit::OK);
    };
    let code: Option<Code> = text.parse().ok();
    let (code, page) = code
        .and_then(|code| pages.get_key_value(&code))
        .ok_or_else(|| {
            Fault::new(Code::E0002, format!("there is no error code `{text}`"))
                .hint("`citrino-ops explain` lists all codes")
        })?;
    report.text(&format!(
        "{code}: {}\n\nCause    {}\nChanged  {}\nNext     {}\nExit     {}",
        page.title,
        page.cause,
        page.changed,
        page.next,
        code.exit()
    ));
    Ok(exit::OK)
}
