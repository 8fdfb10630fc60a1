SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TRIGGER servicios_vaciados ON servicios;
DROP TRIGGER servicios_movidos ON servicios;
DROP TRIGGER servicios_quitados ON servicios;
DROP TRIGGER servicios_nuevos ON servicios;
DROP TRIGGER propiedad_movida ON propiedades;
DROP TRIGGER propiedad_nueva ON propiedades;
DROP FUNCTION servicios_vaciados_miden_distancias();
DROP FUNCTION servicios_movidos_miden_distancias();
DROP FUNCTION servicios_miden_distancias();
DROP FUNCTION propiedad_mide_distancias();
DROP FUNCTION medir_distancias(geography[]);
DROP FUNCTION distancias_a_servicios(geography);
ALTER TABLE propiedades DROP COLUMN distancias_m;
