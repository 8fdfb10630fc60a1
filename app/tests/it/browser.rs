//! The page in a real browser, as the app itself serves it.

#[path = "../browser/drive.rs"]
mod drive;

use crate::app::App;
use crate::cluster::Database;

#[test]
fn people_can_use_the_page() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let Some(browser) = drive::browser() else {
        return;
    };
    let app = App::start(&database);
    browser.plays(&format!("http://{}", app.address));
}
