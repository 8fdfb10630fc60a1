-- What of a database is code, and is no extension's: a name for each, and its text as a digest or as it is. What the live database has with
-- the same text is the app's. The rest is what somebody could lay for others to run: routines, operators, casts and
-- conversions, which may have a name that is called; checks, views, rules and policies over what is not immutable, which may do
-- something else for somebody else; whatever calls a routine that the app's role may not execute, and so waits for another.
-- Asked of the catalogue alone, after the dump was loaded: how it was written hides nothing.
WITH own AS (
    SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), expressions AS (
    -- Whether it may only call what is immutable, and its tree.
    SELECT format('the constraint %s of %s', k.conname, CASE k.conrelid WHEN 0 THEN k.contypid::regtype::text ELSE k.conrelid::regclass::text END) AS what,
           pg_get_constraintdef(k.oid) AS text, true AS strict, k.conbin::text AS tree
    FROM pg_constraint k
    WHERE k.contype = 'c'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e'
                      AND (d.classid, d.objid) IN (('pg_class'::regclass, k.conrelid), ('pg_type'::regclass, k.contypid)))
    UNION ALL
    SELECT CASE WHEN r.rulename = '_RETURN' THEN format('the view %s', own.oid::regclass) ELSE format('the rule %s of %s', r.rulename, own.oid::regclass) END,
           pg_get_ruledef(r.oid), true, concat(r.ev_qual, r.ev_action)
    FROM pg_rewrite r JOIN own ON own.oid = r.ev_class
    UNION ALL
    SELECT format('the policy %s of %s', p.polname, own.oid::regclass),
           concat_ws(' ', p.polcmd, p.polroles, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), true, concat(p.polqual, p.polwithcheck)
    FROM pg_policy p JOIN own ON own.oid = p.polrelid
    UNION ALL
    SELECT format('the default of %s.%s', own.oid::regclass, a.attname), pg_get_expr(d.adbin, d.adrelid), false, d.adbin::text
    FROM pg_attrdef d JOIN own ON own.oid = d.adrelid JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.adrelid, d.adnum)
    UNION ALL
    SELECT format('the index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid), false, concat(i.indexprs, i.indpred)
    FROM pg_index i JOIN own ON own.oid = i.indrelid
    UNION ALL
    SELECT format('the trigger %s of %s', t.tgname, own.oid::regclass), pg_get_triggerdef(t.oid), false, concat(t.tgqual, ' :funcid ', t.tgfoid, ' ')
    FROM pg_trigger t JOIN own ON own.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT format('the statistics %s', s.oid::regclass::text), pg_get_statisticsobjdef(s.oid), false, s.stxexprs::text
    FROM pg_statistic_ext s JOIN own ON own.oid = s.stxrelid
    UNION ALL
    SELECT format('the partitions of %s', own.oid::regclass), pg_get_partkeydef(own.oid), false, p.partexprs::text
    FROM pg_partitioned_table p JOIN own ON own.oid = p.partrelid
    UNION ALL
    SELECT format('the default of %s', t.oid::regtype), t.typdefault, false, t.typdefaultbin::text
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), calls AS (
    SELECT e.what, called.id[1]::oid AS routine
    FROM expressions e, regexp_matches(e.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid|hashfuncid|negfuncid) ([0-9]+)', 'g') AS called (id)
), foreign_calls AS (
    SELECT DISTINCT e.what FROM expressions e JOIN calls USING (what) JOIN pg_proc f ON f.oid = calls.routine
    WHERE (e.strict AND f.provolatile <> 'i')
       OR NOT has_function_privilege((SELECT datdba FROM pg_database WHERE datname = current_database()), f.oid, 'EXECUTE')
    UNION
    -- What has no routine: who asks, when, and the next of a sequence.
    SELECT e.what FROM expressions e WHERE e.strict AND e.tree ~ '\{(SQLVALUEFUNCTION|NEXTVALUEEXPR|CURRENTOFEXPR) '
)
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
    SELECT format('the cast from %s to %s', c.castsource::regtype, c.casttarget::regtype), format('%s %s', c.castfunc::regprocedure, c.castcontext)
    FROM pg_cast c
    WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    UNION ALL
    SELECT format('the conversion %I.%I', n.nspname, c.conname), format('%s %s %s', c.conforencoding, c.contoencoding, c.conproc)
    FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.oid >= 16384
    UNION ALL
    SELECT e.what, md5(e.text) FROM expressions e JOIN foreign_calls USING (what)
    UNION ALL
    -- Who is called so finds what is in it first.
    SELECT format('the schema %I, which has the name of a role', n.nspname), '' FROM pg_namespace n JOIN pg_roles r ON r.rolname = n.nspname
    UNION ALL
    SELECT 'large objects', '' WHERE EXISTS (SELECT FROM pg_largeobject_metadata)
    UNION ALL
    SELECT format('the publication %s', p.pubname), '' FROM pg_publication p
    UNION ALL
    -- Who owns an extension can call anything a part of it.
    SELECT format('the extension %s, made by the dump', e.extname), '' FROM pg_extension e WHERE e.extowner <> 10
) parts (what, text);
