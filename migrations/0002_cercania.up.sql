-- How far each property is from the nearest service of each category, kept by the database itself, so that a
-- recommendation ranks every candidate without measuring every pair anew.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Metres on the spheroid, at index categorias_servicios.id; NULL where none lies within 1000 m, a walk.
-- The whole array is NULL where the property has no coordinates.
ALTER TABLE propiedades ADD COLUMN distancias_m double precision[];

CREATE FUNCTION distancias_a_servicios(punto geography) RETURNS double precision[]
    LANGUAGE sql STABLE STRICT
    SET search_path = public, pg_temp
    AS $$
        SELECT array_agg(cercano.metros ORDER BY lugar.id)
        FROM generate_series(1, (SELECT max(id) FROM categorias_servicios)) AS lugar (id)
        LEFT JOIN (
            SELECT c.id, min(ST_Distance(s.coordenadas, punto)) AS metros
            FROM servicios s
            JOIN categorias_servicios c ON c.codigo = s.categoria
            WHERE ST_DWithin(s.coordenadas, punto, 1000)
            GROUP BY c.id
        ) AS cercano USING (id)
    $$;

-- Measures anew the properties within reach of these points; rows that come out the same are not written.
CREATE FUNCTION medir_distancias(puntos geography[]) RETURNS void
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

CREATE FUNCTION propiedad_mide_distancias() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        NEW.distancias_m := distancias_a_servicios(NEW.coordenadas);
        RETURN NEW;
    END
    $$;

CREATE TRIGGER propiedad_nueva BEFORE INSERT ON propiedades
    FOR EACH ROW EXECUTE FUNCTION propiedad_mide_distancias();

CREATE TRIGGER propiedad_movida BEFORE UPDATE OF coordenadas ON propiedades
    FOR EACH ROW WHEN (NEW.coordenadas IS DISTINCT FROM OLD.coordenadas)
    EXECUTE FUNCTION propiedad_mide_distancias();

CREATE FUNCTION servicios_miden_distancias() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        PERFORM medir_distancias((SELECT array_agg(DISTINCT coordenadas) FROM tocados WHERE coordenadas IS NOT NULL));
        RETURN NULL;
    END
    $$;

CREATE TRIGGER servicios_nuevos AFTER INSERT ON servicios
    REFERENCING NEW TABLE AS tocados
    FOR EACH STATEMENT EXECUTE FUNCTION servicios_miden_distancias();

CREATE TRIGGER servicios_quitados AFTER DELETE ON servicios
    REFERENCING OLD TABLE AS tocados
    FOR EACH STATEMENT EXECUTE FUNCTION servicios_miden_distancias();

CREATE FUNCTION servicios_movidos_miden_distancias() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        PERFORM medir_distancias((
            SELECT array_agg(DISTINCT punto)
            FROM (
                SELECT unnest(ARRAY[a.coordenadas, d.coordenadas]) AS punto
                FROM antes a
                FULL JOIN despues d USING (id)
                WHERE a.coordenadas IS DISTINCT FROM d.coordenadas OR a.categoria IS DISTINCT FROM d.categoria
            ) AS movidos
            WHERE punto IS NOT NULL
        ));
        RETURN NULL;
    END
    $$;

CREATE TRIGGER servicios_movidos AFTER UPDATE ON servicios
    REFERENCING OLD TABLE AS antes NEW TABLE AS despues
    FOR EACH STATEMENT EXECUTE FUNCTION servicios_movidos_miden_distancias();

CREATE FUNCTION servicios_vaciados_miden_distancias() RETURNS trigger
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

CREATE TRIGGER servicios_vaciados AFTER TRUNCATE ON servicios
    FOR EACH STATEMENT EXECUTE FUNCTION servicios_vaciados_miden_distancias();

UPDATE propiedades SET distancias_m = distancias_a_servicios(coordenadas);
