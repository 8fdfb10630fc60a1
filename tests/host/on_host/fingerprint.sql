-- One line for each table: its name, and a hash over all of its rows. The text of a row has its geometry in hexadecimal.
SELECT name || ' ' || (xpath('/row/h/text()', query_to_xml(format(
    'SELECT count(*) || '' '' || md5(coalesce(string_agg(t::text, E''\n'' ORDER BY t::text), '''')) AS h FROM %s t', name),
    false, true, '')))[1]::text
FROM (SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
    WHERE c.relkind = 'r' AND s.nspname NOT IN ('pg_catalog', 'information_schema')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')) tables
ORDER BY name;
SELECT 'complete';
