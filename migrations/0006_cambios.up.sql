-- What changed since a given moment: citrino-app keeps in memory what it ranks by, and asks with every answer whether that is
-- still all there is.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The trigger on deletes takes nothing from older releases.
INSERT INTO schema_floor (version, floor) VALUES (6, 1);

-- The transaction that wrote the row last, as a number (xid8); 0 before this migration. A reader who kept the snapshot of his last
-- look knows by it which rows are news to him, however late their transaction committed.
ALTER TABLE propiedades ADD COLUMN cambio bigint NOT NULL DEFAULT 0;

CREATE INDEX idx_propiedades_cambio ON propiedades (cambio);

CREATE FUNCTION propiedad_cambia() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        NEW.cambio := pg_current_xact_id()::text::bigint;
        RETURN NEW;
    END
    $$;

CREATE TRIGGER propiedad_cambia BEFORE INSERT OR UPDATE ON propiedades
    FOR EACH ROW EXECUTE FUNCTION propiedad_cambia();

-- A deleted row can tell nothing, so its transaction is written down here: one row for all that it deletes.
CREATE TABLE propiedades_quitadas (
    cambio bigint PRIMARY KEY
);

CREATE FUNCTION propiedades_se_quitan() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$
    BEGIN
        INSERT INTO propiedades_quitadas (cambio)
        SELECT pg_current_xact_id()::text::bigint
        WHERE EXISTS (SELECT FROM quitadas)
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END
    $$;

CREATE TRIGGER propiedades_se_quitan AFTER DELETE ON propiedades
    REFERENCING OLD TABLE AS quitadas
    FOR EACH STATEMENT EXECUTE FUNCTION propiedades_se_quitan();
