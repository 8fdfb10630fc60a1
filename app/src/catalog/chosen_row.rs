//! The row of a property that was chosen for a page.

use crate::catalog::property::Property;
use crate::catalog::services::NearbyColumns;

/// The row, and whether the memory that it was chosen from is still current.
#[derive(Debug, sqlx::FromRow)]
pub struct ChosenRow {
    pub al_dia: bool,
    #[sqlx(flatten)]
    pub propiedad: Property,
    #[sqlx(flatten)]
    pub cerca: NearbyColumns,
}
