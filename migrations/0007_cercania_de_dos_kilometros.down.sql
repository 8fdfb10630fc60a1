SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DELETE FROM schema_floor WHERE version = 7;

CREATE OR REPLACE FUNCTION servicios_vaciados_miden_distancias() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        UPDATE propiedades
        SET (distancias_m, cantidades_1000m, medias_1000m) =
            (SELECT c.distancias_m, c.cantidades_1000m, c.medias_1000m FROM cercania_de(coordenadas) AS c)
        WHERE coordenadas IS NOT NULL;
        RETURN NULL;
    END
    $$;

CREATE OR REPLACE FUNCTION propiedad_mide_distancias() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        SELECT c.distancias_m, c.cantidades_1000m, c.medias_1000m
        INTO NEW.distancias_m, NEW.cantidades_1000m, NEW.medias_1000m
        FROM cercania_de(NEW.coordenadas) AS c;
        RETURN NEW;
    END
    $$;

CREATE OR REPLACE FUNCTION medir_distancias(puntos geography[]) RETURNS void
    LANGUAGE sql
    SET search_path = public, pg_temp
    AS $$
        WITH medidas AS MATERIALIZED (
            SELECT p.id, c.*
            FROM propiedades p
            CROSS JOIN LATERAL cercania_de(p.coordenadas) AS c
            WHERE p.id IN (
                SELECT cerca.id
                FROM unnest(puntos) AS t (punto)
                JOIN propiedades cerca ON ST_DWithin(cerca.coordenadas, t.punto, 1000)
            )
        )
        UPDATE propiedades p
        SET distancias_m = m.distancias_m, cantidades_1000m = m.cantidades_1000m, medias_1000m = m.medias_1000m
        FROM medidas m
        WHERE p.id = m.id
          AND (p.distancias_m, p.cantidades_1000m, p.medias_1000m)
              IS DISTINCT FROM (m.distancias_m, m.cantidades_1000m, m.medias_1000m)
    $$;

DROP FUNCTION cercanos_de(geography, double precision[]);
ALTER TABLE propiedades DROP COLUMN cercanos_2000m;
