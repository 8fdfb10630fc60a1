-- What wrk asks: the JSON that is given as its argument, as a POST; without one a GET.
function init(arguments)
  if not arguments[1] then return end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = arguments[1]
end
