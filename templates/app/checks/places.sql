-- Of each column with places: how many there are, and how many are not where they should be. Only degrees can be swapped or
-- lie outside the country: 4326 is what the app keeps places in.
WITH columns AS (
    SELECT format('%s.%I', c.oid::regclass, a.attname) AS name,
           format('SELECT count(g) AS places, '
                  'count(*) FILTER (WHERE NOT ST_IsValid(g)) AS invalid, '
                  'count(*) FILTER (WHERE ST_SRID(g) = 0) AS nowhere, '
                  'count(*) FILTER (WHERE ST_SRID(g) = 4326 AND ST_XMin(g) BETWEEN -23 AND -9 AND ST_XMax(g) BETWEEN -23 AND -9 '
                  'AND ST_YMin(g) BETWEEN -70 AND -57 AND ST_YMax(g) BETWEEN -70 AND -57) AS swapped, '
                  'count(*) FILTER (WHERE ST_SRID(g) = 4326 AND NOT ST_Within(g, ST_MakeEnvelope(-70, -23, -57, -9, 4326))) AS abroad, '
                  'count(*) FILTER (WHERE ST_SRID(g) = 4326 AND NOT ST_Within(g, ST_MakeEnvelope(-63.5, -18.5, -62.9, -17.4, 4326))) AS away '
                  'FROM (SELECT %I::geometry AS g FROM ONLY %s WHERE %I IS NOT NULL) all_of_it',
                  a.attname, c.oid::regclass, a.attname) AS sql
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relkind = 'r' AND t.typname IN ('geometry', 'geography')
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), asked AS (
    SELECT name, query_to_xml(sql, false, true, '') AS row FROM columns
), counted AS (
    SELECT name,
           (xpath('/row/places/text()', row))[1]::text::bigint AS places,
           (xpath('/row/invalid/text()', row))[1]::text::bigint AS invalid,
           (xpath('/row/nowhere/text()', row))[1]::text::bigint AS nowhere,
           (xpath('/row/swapped/text()', row))[1]::text::bigint AS swapped,
           (xpath('/row/abroad/text()', row))[1]::text::bigint AS abroad,
           (xpath('/row/away/text()', row))[1]::text::bigint AS away
    FROM asked
)
SELECT coalesce(json_agg(json_build_object(
    'name', name, 'places', places, 'invalid', invalid, 'nowhere', nowhere, 'swapped', swapped, 'abroad', abroad,
    -- What is abroad is not around the city either; it is told once.
    'around', greatest(away - abroad, 0)) ORDER BY name), '[]') FROM counted;
