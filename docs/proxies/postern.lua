-- Postern's check for HAProxy 2.6 or later: the action `http-request lua.postern`.
--
-- It asks Postern with HAProxy's own HTTP client. When Postern allows, the request goes on with Postern's identity
-- headers in the place of the client's and with the variable txn.postern.allowed set; everything else is answered here.
-- The line after the action in haproxy.cfg is part of it: HAProxy lets a request go on when Lua stumbles.
--
-- Settings come from the environment, by `setenv` above the line that loads this file, or from the service manager:
--   POSTERN_URL               where Postern takes checks; nothing of a client's request ever becomes part of it
--   POSTERN_SECRET            what HAProxy proves itself with; better not in haproxy.cfg
--   POSTERN_IDENTITY_HEADERS  names of the policy's identity headers: never the client's, only Postern's
--   POSTERN_CLIENT_HEADERS    names that go to the client of an allowed request, as txn.postern.header_<name>
--
-- It reads one variable: txn.postern.scheme, by which the client came, `http` or `https`.

local function setting(name)
  local value = os.getenv(name)
  if value == nil or value == "" then error("postern: " .. name .. " is not set", 0) end
  return value
end

local function names_of(list)
  local names = {}
  for name in list:gmatch("[^,%s]+") do names[#names + 1] = name:lower() end
  return names
end

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do set[name] = true end
  return set
end

local URL = setting("POSTERN_URL")
local SECRET = setting("POSTERN_SECRET")
local IDENTITY = names_of(setting("POSTERN_IDENTITY_HEADERS"))
local TO_CLIENT = names_of(os.getenv("POSTERN_CLIENT_HEADERS") or "")

-- Milliseconds of one try. Postern answers within 400; HAProxy tries up to four times.
local PATIENCE = 500

-- Header lines of one check. HAProxy's client writes past the end of its list and ends the whole process when it is
-- given as many as `tune.http.maxhdr` says (101), which HAProxy itself takes from clients.
local MOST_LINES = 100

-- What concerns one connection only, or the body, which stays here (RFC 9110 section 7.6.1).
local OF_A_CONNECTION = { "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
  "upgrade", "content-length" }
local NOT_ASKED = set_of(OF_A_CONNECTION)
for _, name in ipairs({ "host", "expect", "accept-encoding", "content-encoding", "proxy-authorization" }) do
  NOT_ASKED[name] = true
end
for _, name in ipairs(IDENTITY) do NOT_ASKED[name] = true end
local NOT_ANSWERED = set_of(OF_A_CONNECTION)

-- HAProxy counts the lines of one name from 0.
local function each_line(lines, act)
  for at = 0, #lines do
    if lines[at] ~= nil then act(lines[at]) end
  end
end

-- The one value of an answer's header; nil when there is none, or more than one.
local function single(answer, name)
  local lines = answer.headers and answer.headers[name]
  if lines == nil or lines[1] ~= nil then return nil end
  return lines[0]
end

-- What Postern gets to see: the client's headers, and what only HAProxy can say. And how many lines these are.
local function question(txn)
  local headers = {}
  local count = 0
  for name, lines in pairs(txn.http:req_get_headers()) do
    if not NOT_ASKED[name] and not name:find("^x%-forwarded%-") and not name:find("^x%-postern%-") then
      local values = {}
      each_line(lines, function(value) values[#values + 1] = value end)
      headers[name] = values
      count = count + #values
    end
  end
  -- A field that HAProxy cannot tell stays away: Postern refuses such a check.
  headers["x-forwarded-method"] = { txn.sf:method() }
  headers["x-forwarded-proto"] = { txn:get_var("txn.postern.scheme") }
  headers["x-forwarded-host"] = { txn.sf:req_fhdr("host") }
  headers["x-forwarded-uri"] = { txn.sf:pathq() }
  headers["x-forwarded-for"] = { txn.sf:src() }
  headers["x-postern-secret"] = { SECRET }
  return headers, count + 6
end

local function finish(txn, reply)
  reply:add_header("cache-control", "no-store")
  txn:done(reply)
end

local function unavailable(txn, why)
  core.Warning("postern: " .. why)
  local reply = txn:reply({ status = 503 })
  reply:add_header("retry-after", "1")
  finish(txn, reply)
end

local function deny(txn, answer)
  local reply = txn:reply({ status = answer.status, body = answer.body or "" })
  for name, lines in pairs(answer.headers) do
    if not NOT_ANSWERED[name] and name ~= "cache-control" then
      each_line(lines, function(value) reply:add_header(name, value) end)
    end
  end
  finish(txn, reply)
end

local function allow(txn, answer)
  for _, name in ipairs(IDENTITY) do
    local value = single(answer, name)
    if value ~= nil and value ~= "" then
      txn.http:req_set_header(name, value)
      -- Without room for a header HAProxy leaves it out and says nothing.
      if txn.sf:req_fhdr(name) ~= value then
        return unavailable(txn, "no room for " .. name .. ", see tune.bufsize and tune.maxrewrite")
      end
    end
  end
  for _, name in ipairs(TO_CLIENT) do
    local value = single(answer, name)
    if value ~= nil then txn:set_var("txn.postern.header_" .. name:gsub("%-", "_"), value) end
  end
  txn:set_var("txn.postern.allowed", true)
end

local function check(txn)
  for _, name in ipairs(IDENTITY) do txn.http:req_del_header(name) end
  local headers, count = question(txn)
  if count > MOST_LINES then return finish(txn, txn:reply({ status = 431 })) end
  local asked, answer = pcall(function()
    return core.httpclient():get({ url = URL, headers = headers, timeout = PATIENCE })
  end)
  if not asked then return unavailable(txn, tostring(answer)) end
  -- Only Postern says in its header what it says in its status line: another service on its port decides nothing.
  local status = answer and answer.status or 0
  if status == 0 or single(answer, "x-postern-status") ~= tostring(status) then
    return unavailable(txn, "no answer of Postern's, status " .. status)
  end
  if status == 200 then return allow(txn, answer) end
  if status >= 300 and status <= 599 then return deny(txn, answer) end
  unavailable(txn, "status " .. status .. " is no verdict")
end

core.register_action("postern", { "http-req" }, check, 0)
