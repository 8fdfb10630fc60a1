-- Notes, within the migrator's own transactions, which locks it holds on tables that were there before: at the start and
-- the end of every DDL statement, and when sqlx records the migration, its last act. Locks are kept until a transaction ends,
-- so none is missed, however short. A mode that was first seen at a note was taken since the one before.
CREATE SCHEMA rehearsal;
GRANT USAGE ON SCHEMA rehearsal TO PUBLIC;

CREATE TABLE rehearsal.tables AS
    SELECT c.oid, c.relname::text AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'rehearsal')
      AND c.relname <> '_sqlx_migrations'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
CREATE TABLE rehearsal.notes (
    n       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    began   timestamptz NOT NULL DEFAULT transaction_timestamp(),
    version bigint
);
CREATE TABLE rehearsal.locks (n bigint NOT NULL, relation oid NOT NULL, mode text NOT NULL);
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA rehearsal TO PUBLIC;

CREATE FUNCTION rehearsal.note(of_version bigint) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$
        WITH note AS (INSERT INTO rehearsal.notes (version) VALUES (of_version) RETURNING n)
        INSERT INTO rehearsal.locks (n, relation, mode)
        SELECT note.n, l.relation, l.mode
        FROM note, pg_locks l
        JOIN rehearsal.tables t ON t.oid = l.relation
        WHERE l.pid = pg_backend_pid() AND l.granted AND l.locktype = 'relation'
          AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    $$;
CREATE FUNCTION rehearsal.of_statement() RETURNS event_trigger
    LANGUAGE plpgsql AS $$ BEGIN PERFORM rehearsal.note(NULL); END $$;
CREATE FUNCTION rehearsal.of_migration() RETURNS trigger
    LANGUAGE plpgsql AS $$ BEGIN PERFORM rehearsal.note(NEW.version); RETURN NULL; END $$;

CREATE TRIGGER rehearsal AFTER INSERT ON public._sqlx_migrations FOR EACH ROW EXECUTE FUNCTION rehearsal.of_migration();
CREATE EVENT TRIGGER rehearsal_start ON ddl_command_start EXECUTE FUNCTION rehearsal.of_statement();
CREATE EVENT TRIGGER rehearsal_end ON ddl_command_end EXECUTE FUNCTION rehearsal.of_statement();
