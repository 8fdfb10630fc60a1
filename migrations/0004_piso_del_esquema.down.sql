-- loses nothing: the marks of later migrations go with these, before it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE schema_floor;
