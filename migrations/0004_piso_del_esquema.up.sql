-- How far back a release may lie and still run on this schema. A migration that takes something from older releases
-- says so in the very transaction that takes it: INSERT INTO schema_floor (version, floor) VALUES (its own, the floor).
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE schema_floor (
    version bigint PRIMARY KEY,
    floor   bigint NOT NULL,
    CHECK (floor BETWEEN 1 AND version)
);

COMMENT ON TABLE schema_floor IS 'Contractions: the floor in force is the highest one, 0 without any.';
COMMENT ON COLUMN schema_floor.version IS 'The migration that took something from older releases.';
COMMENT ON COLUMN schema_floor.floor IS 'From then on only a release whose newest migration is this one or a later one can run.';
