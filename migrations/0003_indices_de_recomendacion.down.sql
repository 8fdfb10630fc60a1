-- loses nothing
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP INDEX idx_propiedades_baratas;
DROP INDEX idx_propiedades_candidatas;
