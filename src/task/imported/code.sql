-- What of a database runs by itself when the superuser counts, dumps or restores it, and is no extension's: routines and operators, which
-- may have a name that is called, and constraints that call what is not immutable, which rows are held against. Each with a digest
-- of its text. The rest (indexes, triggers, defaults, views) runs as the owner of the table, or never there.
SET search_path = pg_catalog;
SELECT coalesce(json_object_agg(what, text), '{}') FROM (
    SELECT format('the function %s', p.oid::regprocedure),
           md5(CASE p.prokind WHEN 'a' THEN (SELECT a::text FROM pg_aggregate a WHERE a.aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT format('the operator %s', o.oid::regoperator), o.oprcode::text
    FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')
    UNION ALL
    SELECT format('the constraint %s of %s', k.conname, CASE k.conrelid WHEN 0 THEN k.contypid::regtype::text ELSE k.conrelid::regclass::text END),
           md5(pg_get_constraintdef(k.oid))
    FROM pg_constraint k
    WHERE k.contype = 'c'
      AND EXISTS (SELECT FROM regexp_matches(k.conbin::text, ':funcid ([0-9]+)', 'g') AS called (id)
                  JOIN pg_proc f ON f.oid = called.id[1]::oid WHERE f.provolatile <> 'i')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e'
                      AND (d.classid, d.objid) IN (('pg_class'::regclass, k.conrelid), ('pg_type'::regclass, k.contypid)))
    UNION ALL
    -- Who owns an extension can call anything a part of it.
    SELECT format('the extension %s, made by the dump', e.extname), '' FROM pg_extension e WHERE e.extowner <> 10
) parts (what, text);
