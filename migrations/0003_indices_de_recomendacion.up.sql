-- What /api/recomendar reads, in the order in which it ranks equal scores: the cheapest first. The first index holds all
-- that a score is made of, so that the candidates of a zone are ranked without touching the table.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE INDEX idx_propiedades_candidatas ON propiedades (operacion, zona_normalizada, precio_usd, id)
    INCLUDE (tipo_propiedad, superficie_construida, superficie_total, num_dormitorios, distancias_m)
    WHERE estado_propiedad = 'disponible';

CREATE INDEX idx_propiedades_baratas ON propiedades (operacion, precio_usd, id)
    WHERE estado_propiedad = 'disponible';
