SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DELETE FROM schema_floor WHERE version = 5;

DROP INDEX idx_propiedades_puntuadas;

CREATE OR REPLACE FUNCTION servicios_vaciados_miden_distancias() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        UPDATE propiedades
        SET distancias_m = distancias_a_servicios(coordenadas)
        WHERE coordenadas IS NOT NULL;
        RETURN NULL;
    END
    $$;

CREATE OR REPLACE FUNCTION propiedad_mide_distancias() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        NEW.distancias_m := distancias_a_servicios(NEW.coordenadas);
        RETURN NEW;
    END
    $$;

CREATE OR REPLACE FUNCTION medir_distancias(puntos geography[]) RETURNS void
    LANGUAGE sql
    SET search_path = public, pg_temp
    AS $$
        WITH medidas AS MATERIALIZED (
            SELECT p.id, distancias_a_servicios(p.coordenadas) AS distancias_m
            FROM propiedades p
            WHERE p.id IN (
                SELECT cerca.id
                FROM unnest(puntos) AS t (punto)
                JOIN propiedades cerca ON ST_DWithin(cerca.coordenadas, t.punto, 1000)
            )
        )
        UPDATE propiedades p
        SET distancias_m = m.distancias_m
        FROM medidas m
        WHERE p.id = m.id AND p.distancias_m IS DISTINCT FROM m.distancias_m
    $$;

DROP FUNCTION cercania_de(geography);
DROP TYPE cercania;
ALTER TABLE propiedades
    DROP COLUMN medias_1000m,
    DROP COLUMN cantidades_1000m,
    DROP COLUMN superficie_m2;
