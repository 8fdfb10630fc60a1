-- What wrk asks: no two requests alike, so that no cache decides. Arguments: the path, and the zones.
local path, zones = nil, {}

function init(arguments)
  path = arguments[1]
  for at = 2, #arguments do zones[#zones + 1] = arguments[at] end
  math.randomseed(20251016)
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local zone, most = zones[math.random(#zones)], math.random(40000, 400000)
  if path == "/api/buscar" then
    return wrk.format("POST", path, nil, string.format('{"zona":"%s","precio_max":%d,"operacion":"venta","limite":20}', zone, most))
  elseif path:find("sin-zona", 1, true) then
    return wrk.format("POST", path, nil, string.format('{"presupuesto_max":%d,"adultos":2,"limite":10}', most))
  elseif path:find("recomendar") then
    return wrk.format("POST", path, nil, string.format('{"zona_preferida":"%s","presupuesto_max":%d,"adultos":2,"limite":10}', zone, most))
  end
  return wrk.format("GET", path)
end
