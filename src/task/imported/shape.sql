-- What a database is made of but its rows, and what is no extension's: a list of sentence fragments.
WITH own AS (
    SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT coalesce(json_agg(what ORDER BY what), '[]') FROM (
    SELECT format('the %s %s', CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END, oid::regclass)
    FROM own WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT format('the column %s of %s as %s', a.attname, own.oid::regclass, format_type(a.atttypid, a.atttypmod))
    FROM own JOIN pg_attribute a ON a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE own.relkind IN ('r', 'p')
    UNION ALL
    SELECT format('the index %s', i.indexrelid::regclass) FROM own JOIN pg_index i ON i.indrelid = own.oid
    UNION ALL
    SELECT format('the constraint %s of %s', k.conname, own.oid::regclass) FROM own JOIN pg_constraint k ON k.conrelid = own.oid
    UNION ALL
    SELECT format('the trigger %s of %s', t.tgname, own.oid::regclass)
    FROM own JOIN pg_trigger t ON t.tgrelid = own.oid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT format('the function %s', p.oid::regprocedure)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
) parts (what);
