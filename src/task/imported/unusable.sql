-- Indexes that PostgreSQL does not use.
SELECT coalesce(json_agg(indexrelid::regclass::text), '[]') FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive);
