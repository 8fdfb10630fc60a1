SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE servicios;
DROP TABLE categorias_servicios;
DROP TABLE propiedades;
DROP TABLE agentes;
DROP FUNCTION normalizar(text);
