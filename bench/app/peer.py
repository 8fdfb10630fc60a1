"""The peer: Flask as the original used it, written anew for this comparison.

It reads the catalogue once, at its start, and answers from memory; a recommendation scores every candidate in Python, by the
original's weights, and without its mistakes that would make it answer nothing. `/api/recomendar-sql` asks the database the
statements that citrino-app asks, with psycopg2, and ranks nothing, as the hardest peer that this stack could be.
"""

import json
import os

import psycopg2
import psycopg2.extras
from flask import Flask, jsonify, request
from flask_cors import CORS

app = Flask(__name__)
CORS(app, resources={r"/api/*": {"origins": "*"}})

COLUMNS = """id, titulo, descripcion, precio_usd::float8 AS precio, tipo_propiedad, zona, direccion, fuente,
    coalesce(superficie_total, 0)::float8 AS superficie_total, coalesce(superficie_construida, 0)::float8 AS superficie,
    coalesce(num_dormitorios, 0) AS habitaciones, coalesce(num_banos, 0) AS banos, coalesce(num_garajes, 0) AS garajes"""


def connect():
    return psycopg2.connect(os.environ["PEER_DATABASE"])


def catalogue():
    with connect() as connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM propiedades WHERE operacion = 'venta' ORDER BY id")
        return [dict(row) for row in cursor]


ROWS = catalogue()
with open(os.environ["PEER_STATEMENTS"], encoding="utf-8") as file:
    STATEMENTS = json.load(file)
connection = None


def contains(row, key, wanted):
    return wanted.lower() in (row[key] or "").lower()


def item(row):
    return {
        "id": str(row["id"]), "nombre": row["titulo"], "precio": row["precio"], "superficie_m2": row["superficie"],
        "habitaciones": row["habitaciones"], "banos": row["banos"], "zona": row["zona"], "fuente": row["fuente"],
    }


@app.get("/api/health")
def health():
    return jsonify(status="ok", message="API funcionando", total_propiedades=len(ROWS), datos_cargados=True, version="1.0.0")


@app.get("/api/zonas")
def zonas():
    found = sorted({row["zona"] for row in ROWS if row["zona"]})
    return jsonify(success=True, zonas=found, total_zonas=len(found))


@app.get("/api/estadisticas")
def estadisticas():
    prices = [row["precio"] for row in ROWS if row["precio"]]
    surfaces = [row["superficie"] for row in ROWS if row["superficie"]]
    zones, buckets = {}, {}
    for row in ROWS:
        zones[row["zona"] or "sin_zona"] = zones.get(row["zona"] or "sin_zona", 0) + 1
    for price in prices:
        name = next((name for most, name in BUCKETS if price < most), "300k+")
        buckets[name] = buckets.get(name, 0) + 1
    return jsonify(success=True, estadisticas={
        "total_propiedades": len(ROWS), "precio_promedio": sum(prices) / len(prices), "precio_minimo": min(prices),
        "precio_maximo": max(prices), "superficie_promedio": sum(surfaces) / len(surfaces), "total_zonas": len(zones),
        "distribucion_zonas": dict(sorted(zones.items())[:10]), "distribucion_precios": buckets,
    })


BUCKETS = [(50_000, "0-50k"), (100_000, "50k-100k"), (150_000, "100k-150k"), (200_000, "150k-200k"), (300_000, "200k-300k")]


@app.post("/api/buscar")
def buscar():
    wish = request.get_json()
    rows = ROWS
    if wish.get("zona"):
        rows = [row for row in rows if contains(row, "zona", wish["zona"])]
    if wish.get("precio_max"):
        rows = [row for row in rows if (row["precio"] or 0) <= float(wish["precio_max"])]
    page = [item(row) | {"direccion": row["direccion"], "descripcion": (row["descripcion"] or "")[:300]} for row in rows[:wish.get("limite", 20)]]
    return jsonify(success=True, total_resultados=len(page), propiedades=page)


@app.post("/api/recomendar")
def recomendar():
    wish = request.get_json()
    low, high = float(wish.get("presupuesto_min", 0)), float(wish.get("presupuesto_max", 1_000_000))
    rows = ROWS
    # A filter that leaves nothing is passed over.
    rows = [row for row in rows if contains(row, "zona", wish.get("zona_preferida", ""))] or rows
    rows = [row for row in rows if low <= (row["precio"] or 0) <= high] or rows
    scored = [(score(row, wish, low, high), row) for row in rows]
    scored = sorted((one for one in scored if one[0] >= 30), key=lambda one: -one[0])[:wish.get("limite", 10)]
    found = [item(row) | {"compatibilidad": points, "justificacion": reasons(row, high)} for points, row in scored]
    return jsonify(success=True, total_recomendaciones=len(found), recomendaciones=found)


def score(row, wish, low, high):
    zone, price = (row["zona"] or "").lower(), row["precio"] or 0
    wanted = wish.get("zona_preferida", "").lower()
    place = 0.4 if wanted in zone else 0.25 if any(word in zone for word in wanted.split()) else 0
    if not price:
        cost = 0
    elif low <= price <= high:
        cost = 0.7
    elif price < low:
        cost = max(0.2, 0.7 - 0.3 * (low - price) / (high - low))
    else:
        cost = max(0.1, 0.7 - 0.5 * (price - high) / (high - low))
    surface = row["superficie"]
    size = 0.3 if surface >= 100 else 0.2 if surface >= 60 else 0.1 if surface > 0 else 0
    extras = sum([row["garajes"] > 0, row["habitaciones"] >= 3, row["banos"] >= 2, surface >= 200])
    traits = min(1, 0.4 * contains(row, "tipo_propiedad", wish.get("tipo_propiedad", "")) + size + min(extras, 3) * 0.1)
    return round(100 * (0.35 * place + 0.25 * cost + 0.2 * 0.5 + 0.15 * traits + 0.05 * 0.3), 1)


def reasons(row, high):
    told = [f"Precio {row['precio']} dentro de {high}", f"Ubicada en {row['zona']}"]
    if row["superficie"] >= 100:
        told.append(f"Superficie de {row['superficie']} m2")
    return ". ".join(told)


@app.post("/api/recomendar-sql")
def recomendar_sql():
    global connection
    if connection is None:
        connection = connect()
        connection.autocommit = True
    wish = request.get_json()
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        for statement in STATEMENTS[wish["zona_preferida"].lower()]:
            cursor.execute(statement)
            rows = cursor.fetchall()
    return jsonify(success=True, total_recomendaciones=len(rows), recomendaciones=[dict(row) for row in rows])
