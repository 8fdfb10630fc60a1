WITH runs AS (
    SELECT n, at, version, lag(n, 1, 0::bigint) OVER (ORDER BY n) AS before
    FROM rehearsal.notes WHERE version IS NOT NULL
), seen AS (
    SELECT r.version, r.at AS ended, l.relation, l.mode, min(l.n) AS n,
        array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
            'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode) AS strength
    FROM runs r
    JOIN rehearsal.locks l ON l.n > r.before AND l.n <= r.n
    GROUP BY r.version, r.at, l.relation, l.mode
), strongest AS (
    SELECT DISTINCT ON (version, relation) * FROM seen ORDER BY version, relation, strength DESC
), held AS (
    SELECT s.version, t.name, s.strength, upper(regexp_replace(replace(s.mode, 'Lock', ''), '([a-z])([A-Z])', '\1 \2', 'g')) AS mode,
        extract(epoch FROM s.ended - coalesce(
            (SELECT max(earlier.at) FROM rehearsal.notes earlier WHERE earlier.n < s.n AND earlier.began = note.began), note.began)) * 1000 AS ms
    FROM strongest s
    JOIN rehearsal.notes note ON note.n = s.n
    JOIN rehearsal.tables t ON t.oid = s.relation
)
SELECT coalesce(json_agg(json_build_object(
    'name', format('%s_%s', lpad(m.version::text, 4, '0'), replace(m.description, ' ', '_')),
    'ms', round(m.execution_time / 1e6, 1),
    'locks', (
        SELECT coalesce(json_agg(json_build_object('table', h.name, 'mode', h.mode, 'ms', round(h.ms, 1), 'blocks', h.strength >= 5)
            ORDER BY h.strength DESC, h.name), '[]')
        FROM held h WHERE h.version = m.version)
) ORDER BY m.version), '[]')
FROM public._sqlx_migrations m
JOIN runs USING (version);
