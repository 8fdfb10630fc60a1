-- What wrk asks: the JSON that is given as its argument, as a POST.
function init(arguments)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = arguments[1]
end
