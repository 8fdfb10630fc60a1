SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DELETE FROM schema_floor WHERE version = 6;

DROP TRIGGER propiedades_se_quitan ON propiedades;
DROP FUNCTION propiedades_se_quitan();
DROP TABLE propiedades_quitadas;

DROP TRIGGER propiedad_cambia ON propiedades;
DROP FUNCTION propiedad_cambia();
ALTER TABLE propiedades DROP COLUMN cambio;
