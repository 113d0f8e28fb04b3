--[[ emsync for DaVinci Resolve's Console (Lua), for editions that run no Python scripts.

    e = dofile("/path/to/emsync.lua")
    e.score{}                        e.score{style = "piano", takes = 2, part = "range"}
    e.choose(2)    e.regenerate{}    e.regenerate{bars = {5, 8}}    e.renew()
    e.remove()     e.fetch()         e.diagnose()

The work is done by `emsync host` (EMSYNC_COMMAND says where it is, else the PATH); Resolve waits for
it. What Resolve does that its documentation does not say is written in host.py. ]]

local OWN = "emsync"
local COLORS = {GREEN = "Green", YELLOW = "Yellow", RED = "Red"}
local NOTE_COLOR = "Cream"
local ARRAY = {}  -- the metatable of lists, so that an empty one is written as []

-- JSON ---------------------------------------------------------------------------------------

local function list(items) return setmetatable(items or {}, ARRAY) end

local ESCAPES = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"}

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(letter)
    return ESCAPES[letter] or string.format("\\u%04x", letter:byte())
  end) .. '"'
end

local function encode(value)
  local kind = type(value)
  if kind == "string" then return quoted(value) end
  if kind == "number" then
    return value == math.floor(value) and string.format("%d", value) or string.format("%.17g", value)
  end
  if kind ~= "table" then return tostring(value) end
  local parts = {}
  if getmetatable(value) == ARRAY or #value > 0 then
    for _, item in ipairs(value) do parts[#parts + 1] = encode(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, item in pairs(value) do parts[#parts + 1] = quoted(name) .. ":" .. encode(item) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function utf8_of(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then
    return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
  end
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40,
      0x80 + code % 0x40)
  end
  return string.char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
    0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

local UNESCAPES = {n = "\n", r = "\r", t = "\t", b = "\b", f = "\f"}

local function decode_text(text, at)
  local parts, position = {}, at + 1
  while true do
    local letter = text:sub(position, position)
    if letter == '"' then return table.concat(parts), position + 1 end
    if letter == "" then error("a text does not end") end
    if letter ~= "\\" then
      local run = text:match('^[^"\\]+', position)
      parts[#parts + 1], position = run, position + #run
    else
      local kind = text:sub(position + 1, position + 1)
      if kind == "u" then
        local code = tonumber(text:sub(position + 2, position + 5), 16)
        position = position + 6
        if code >= 0xD800 and code < 0xDC00 and text:sub(position, position + 1) == "\\u" then
          local low = tonumber(text:sub(position + 2, position + 5), 16)
          code, position = 0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00, position + 6
        end
        parts[#parts + 1] = utf8_of(code)
      else
        parts[#parts + 1], position = UNESCAPES[kind] or kind, position + 2
      end
    end
  end
end

local decode_value

local function decode_members(text, at, closing, take)
  local position = text:match("^%s*()", at + 1)
  if text:sub(position, position) == closing then return position + 1 end
  while true do
    position = text:match("^%s*()", take(position))
    local mark = text:sub(position, position)
    position = text:match("^%s*()", position + 1)
    if mark == closing then return position end
    if mark ~= "," then error("a comma is missing") end
  end
end

decode_value = function(text, at)
  at = text:match("^%s*()", at)
  local letter = text:sub(at, at)
  if letter == '"' then return decode_text(text, at) end
  if letter == "{" then
    local object = {}
    return object, decode_members(text, at, "}", function(position)
      local name, after = decode_text(text, position)
      local value
      value, after = decode_value(text, text:match("^%s*:()", after))
      object[name] = value
      return after
    end)
  end
  if letter == "[" then
    local items = list()
    return items, decode_members(text, at, "]", function(position)
      local value, after = decode_value(text, position)
      items[#items + 1] = value
      return after
    end)
  end
  local word, after = text:match("^([%w%.%+%-]+)()", at)
  if word == "true" then return true, after end
  if word == "false" then return false, after end
  if word == "null" then return nil, after end
  return tonumber(word), after
end

local function decode(text)
  local done, value = pcall(function() return (decode_value(text, 1)) end)
  return done and value or nil
end

-- The work, in another process ---------------------------------------------------------------

local function fail(sentence) error({sentence = sentence}, 0) end

local function remaining(fraction, elapsed)
  if fraction < 0.05 or fraction >= 1 then return "" end  -- before that, it is a guess
  local seconds = math.floor(elapsed * (1 / fraction - 1) + 0.5)
  return string.format(" - %d:%02d left", math.floor(seconds / 60), seconds % 60)
end

local function run(request)
  local began = os.time()
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(encode(request))
  file:close()
  print("To cancel, delete the file " .. path)  -- Resolve waits, and hears no key
  local command = os.getenv("EMSYNC_COMMAND") or "emsync"
  local lines = io.popen(command .. ' host "' .. path .. '"', "r")
  local result, sentence
  for line in lines:lines() do
    local event = decode(line) or {}
    if event.progress then
      local fraction = event.progress.fraction or 0
      print(string.format("%3.0f %%  %s%s", fraction * 100, event.progress.note or "",
        remaining(fraction, os.time() - began)))
    elseif event.error then
      sentence = event.error.message
    elseif event.result then
      result = event.result
    end
  end
  lines:close()
  os.remove(path)
  if sentence then fail(sentence) end
  if not result then
    fail("emsync did not answer. Set EMSYNC_COMMAND to where it is, and run 'emsync doctor'.")
  end
  return result
end

-- Resolve ------------------------------------------------------------------------------------

local function handle() return resolve or Resolve() end

local function opened()
  local project = handle():GetProjectManager():GetCurrentProject()
  local timeline = project and project:GetCurrentTimeline()
  if not timeline then fail("No timeline is open. Open the one to score.") end
  return project, timeline
end

local function knows_subframes()
  local version = handle():GetVersion()
  return version[1] > 19 or (version[1] == 19 and version[2] >= 1)
end

local function whole(item, method)
  local value
  if knows_subframes() then value = item[method](item, false) else value = item[method](item) end
  return math.floor(value + 0.5)
end

local function rate_text(setting)
  local number = tonumber(tostring(setting):match("^[%d%.]+"))
  if number == math.floor(number) then return string.format("%d", number) end
  return string.format("%d/1001", math.floor(number * 1.001 + 0.5) * 1000)
end

local function path_of(media) return media and media:GetClipProperty("File Path") or "" end

local function own_data(marker)
  local data = decode(marker.customData or "")
  return type(data) == "table" and data[OWN] and data or nil
end

local function note_of(data)
  if data.note or not data.folder then return data.note end
  local file = io.open(data.folder .. "/order.json", "rb")  -- too long for a marker
  local note = file and decode(file:read("*a"))
  if file then file:close() end
  if note then note.take, note.span, note.folder = data.take, data.span, data.folder end
  return note
end

local function kept(timeline)
  local notes, stems, ducked = {}, {}, {}
  for _, marker in pairs(timeline:GetMarkers() or {}) do
    local data = own_data(marker) or {}
    for _, path in ipairs(data.stems or {}) do stems[path] = data[OWN] end
    if data.stems then
      notes[data[OWN]], ducked[data[OWN]] = note_of(data), data.ducked or false
    end
  end
  return notes, stems, ducked
end

local function cut_under(place, places)
  local nearest
  for _, other in ipairs(places) do
    for _, edge in ipairs(other ~= place and other or {}) do
      local inside = place[1] < edge and edge < place[2]
      local distance = math.abs(2 * edge - place[1] - place[2])
      if inside and (not nearest or distance < math.abs(2 * nearest - place[1] - place[2])) then
        nearest = edge
      end
    end
  end
  return nearest
end

local SEEN_THROUGH = {"text", "title", "scroll", "call out", "adjustment"}

local function kind_of(name, path)
  if path ~= "" then return "media" end
  for _, word in ipairs(SEEN_THROUGH) do
    if name:lower():find(word, 1, true) then return "title" end
  end
  return "solid"
end

local function read_track(timeline, kind, index, start, own)
  local items, places = timeline:GetItemListInTrack(kind, index) or {}, {}
  for number, item in ipairs(items) do
    local first = whole(item, "GetStart") - start
    places[number] = {first, first + whole(item, "GetDuration")}
  end
  local clips, joins, last = list(), list(), 0
  for number, item in ipairs(items) do
    local place, path = places[number], path_of(item:GetMediaPoolItem())
    local cut = path == "" and cut_under(place, places)
    if cut then
      joins[#joins + 1] = {name = item:GetName(), cut_frames = cut,
        before_frames = cut - place[1], after_frames = place[2] - cut}
    elseif not (kind == "audio" and own[path]) then
      clips[#clips + 1] = {name = item:GetName(), start_frames = place[1],
        length_frames = place[2] - place[1], kind = kind_of(item:GetName(), path),
        media = path ~= "" and path or nil,
        enabled = item:GetClipEnabled(),
        source_start_s = 0}
      if path ~= "" then
        local rate = tonumber(tostring(timeline:GetSetting("timelineFrameRate")):match("^[%d%.]+"))
        clips[#clips].source_start_s = math.max(0, whole(item, "GetLeftOffset") / rate)
      end
      last = math.max(last, place[2])
    end
  end
  return {name = timeline:GetTrackName(kind, index), clips = clips, transitions = joins,
    kind = kind == "video" and "picture" or "sound",
    enabled = timeline:GetIsTrackEnabled(kind, index)}, last
end

local function read(timeline)
  local start, _, own = timeline:GetStartFrame(), kept(timeline)
  local tracks, markers, length = list(), list(), 0
  for _, kind in ipairs({"video", "audio"}) do
    for index = 1, timeline:GetTrackCount(kind) do
      local track, last = read_track(timeline, kind, index, start, own)
      tracks[#tracks + 1] = track
      if kind == "video" then length = math.max(length, last) end
    end
  end
  for frame, marker in pairs(timeline:GetMarkers() or {}) do
    if not own_data(marker) then
      markers[#markers + 1] = {at_frames = math.floor(frame + 0.5), name = marker.name,
        color = marker.color}
    end
  end
  table.sort(markers, function(left, right) return left.at_frames < right.at_frames end)
  local found = {name = timeline:GetName(), start_frames = start, length_frames = length,
    rate = rate_text(timeline:GetSetting("timelineFrameRate")), tracks = tracks, markers = markers}
  local marked = knows_subframes() and (timeline:GetMarkInOut() or {}).video  -- both since 19.1
  if marked and marked["in"] then
    local first, final = marked["in"], marked["out"]
    if start > 0 and first >= start then first, final = first - start, final - start end
    found.range = {start_frames = first, length_frames = final - first + 1}
  end
  return found
end

local function imported(project, placement, ducked)
  local pool = project:GetMediaPool()
  local before, root, folder = pool:GetCurrentFolder(), pool:GetRootFolder(), nil
  for _, each in ipairs(root:GetSubFolderList() or {}) do
    if each:GetName() == OWN then folder = each end
  end
  folder = folder or pool:AddSubFolder(root, OWN) or root
  pool:SetCurrentFolder(folder)
  local function known()
    local found = {}
    for _, item in ipairs(folder:GetClipList() or {}) do found[path_of(item)] = item end
    return found
  end
  local have, new, wanted = known(), {}, {}
  for number, clip in ipairs(placement.stems) do
    wanted[number] = ducked and clip.ducked_media or clip.media
    if not have[wanted[number]] then new[#new + 1] = wanted[number] end
  end
  if #new > 0 then pool:ImportMedia(new) end
  have = known()
  pool:SetCurrentFolder(before)
  local media = {}
  for number, path in ipairs(wanted) do
    media[number] = have[path] or fail("DaVinci Resolve did not take '" .. path .. "'.")
  end
  return media
end

local function own_tracks(timeline, cue)
  local _, stems = kept(timeline)
  local found = {}
  for index = 1, timeline:GetTrackCount("audio") do
    for _, item in ipairs(timeline:GetItemListInTrack("audio", index) or {}) do
      if stems[path_of(item:GetMediaPoolItem())] == cue and found[#found] ~= index then
        if timeline:GetIsTrackLocked("audio", index) then
          fail("The track '" .. timeline:GetTrackName("audio", index) .. "' is locked. Unlock it.")
        end
        found[#found + 1] = index
      end
    end
  end
  return found, stems
end

local function drop_tracks(timeline, tracks, stems)
  for position = #tracks, 1, -1 do
    local index, ours = tracks[position], {}
    local items = timeline:GetItemListInTrack("audio", index) or {}
    for _, item in ipairs(items) do
      if stems[path_of(item:GetMediaPoolItem())] then ours[#ours + 1] = item end
    end
    if #ours == #items or #ours == 0 then
      timeline:DeleteTrack("audio", index)
    else
      timeline:DeleteClips(ours, false)
    end
  end
end

local function unmark(timeline, cue)
  for frame, marker in pairs(timeline:GetMarkers() or {}) do
    local data = own_data(marker)
    if data and data[OWN] == cue then timeline:DeleteMarkerAtFrame(frame) end
  end
end

local function mark(timeline, placement, ducked)
  local cue, note, stems = placement.cue, placement.note, list()
  for _, each in ipairs(placement.marks or {}) do
    timeline:AddMarker(each.at_frames, COLORS[each.color], each.name, "", 1,
      encode({[OWN] = cue, hit = each.name}))
  end
  for _, clip in ipairs(placement.stems) do
    stems[#stems + 1] = clip.media
    stems[#stems + 1] = clip.ducked_media
  end
  local frame = note.span.start_frames or 0
  local whole_note = {[OWN] = cue, stems = stems, ducked = ducked, note = note}
  local short = {[OWN] = cue, stems = stems, ducked = ducked, folder = note.folder,
    take = note.take, span = note.span}
  for _, data in ipairs({whole_note, short}) do
    local text = encode(data)
    for step = 0, 1000 do
      if timeline:AddMarker(frame + step, NOTE_COLOR, cue .. ": score", "", 1, text) then
        local laid = (timeline:GetMarkers() or {})[frame + step]
        if laid and laid.customData == text then return end
        timeline:DeleteMarkerAtFrame(frame + step)  -- it was cut off
        break
      end
    end
  end
  fail("DaVinci Resolve kept no note of the score: remove its tracks by hand later.")
end

local function on_edit_page(timeline, work)
  local page, playhead = handle():GetCurrentPage(), timeline:GetCurrentTimecode()
  if page ~= "edit" then handle():OpenPage("edit") end
  local done, problem = pcall(work)
  timeline:SetCurrentTimecode(playhead)
  if page ~= "edit" then handle():OpenPage(page) end
  if not done then error(problem, 0) end
end

local function place(placement, ducked)
  local project, timeline = opened()
  local earlier, stems = own_tracks(timeline, placement.cue)
  local media = imported(project, placement, ducked)
  local count = timeline:GetTrackCount("audio")
  on_edit_page(timeline, function()
    for number, clip in ipairs(placement.stems) do
      local added = timeline:AddTrack("audio", "stereo")  -- else it is mono
      local index = timeline:GetTrackCount("audio")
      if added then
        timeline:SetTrackName("audio", index, clip.name)
        project:GetMediaPool():AppendToTimeline({{mediaPoolItem = media[number], mediaType = 2,
          trackIndex = index, recordFrame = timeline:GetStartFrame() + (clip.start_frames or 0)}})
      end
      if not added or #(timeline:GetItemListInTrack("audio", index) or {}) == 0 then
        for last = timeline:GetTrackCount("audio"), count + 1, -1 do
          timeline:DeleteTrack("audio", last)
        end
        fail("DaVinci Resolve did not lay '" .. clip.name .. "'; the timeline is as it was.")
      end
    end
    drop_tracks(timeline, earlier, stems)
  end)
  unmark(timeline, placement.cue)
  mark(timeline, placement, ducked)
  local found, start = list(), timeline:GetStartFrame()
  for index = count - #earlier + 1, timeline:GetTrackCount("audio") do
    local name = timeline:GetTrackName("audio", index)
    for _, item in ipairs(timeline:GetItemListInTrack("audio", index) or {}) do
      found[#found + 1] = {name = name, track = name, media = path_of(item:GetMediaPoolItem()),
        start_frames = whole(item, "GetStart") - start, length_frames = whole(item, "GetDuration")}
    end
  end
  for _, line in ipairs(run({compare = {placement = placement, found = found}}).lines) do
    print(line)
  end
  print(#placement.stems .. " stems laid.")
end

local function playhead(timeline)
  local hours, minutes, seconds, mark, frames =
    tostring(timeline:GetCurrentTimecode()):match("(%d+):(%d%d):(%d%d)([:;])(%d+)")
  if not hours then return nil end
  local rate = tonumber(tostring(timeline:GetSetting("timelineFrameRate")):match("^[%d%.]+"))
  local nominal, all = math.floor(rate + 0.5), 60 * hours + minutes
  local count = (60 * all + seconds) * nominal + frames
  if mark == ";" then  -- two numbers of thirty a minute, but not in each tenth minute
    count = count - math.floor(nominal / 15) * (all - math.floor(all / 10))
  end
  return count - timeline:GetStartFrame()
end

local function score_here()
  local _, timeline = opened()
  local notes, _, ducked = kept(timeline)
  local at, cues = playhead(timeline), {}
  for cue in pairs(notes) do cues[#cues + 1] = cue end
  local function first(cue) return notes[cue].span.start_frames or 0 end
  table.sort(cues, function(left, right) return first(left) < first(right) end)
  if #cues == 0 then
    fail("There is no score of emsync on this timeline. Score it first.")
  end
  local chosen = cues[1]
  for _, cue in ipairs(cues) do
    if at and first(cue) <= at and at < first(cue) + notes[cue].span.length_frames then
      chosen = cue
    end
  end
  return chosen, notes[chosen], timeline, ducked[chosen]
end

local function said(work)
  return function(...)
    local arguments = {...}
    local done, problem = pcall(function() work(unpack(arguments)) end)
    if done then return true end
    print("emsync: " .. (type(problem) == "table" and problem.sentence or tostring(problem)))
    return false
  end
end

local function file_name(name)
  local plain = name:gsub('[%c/\\:*?"<>|]+', " "):gsub("^[%s.]+", ""):gsub("[%s.]+$", "")
  return plain ~= "" and plain or "untitled"
end

local function folder_of(project, timeline)
  local home = os.getenv("HOME") or os.getenv("USERPROFILE") or ""
  return table.concat({home, OWN, file_name(project:GetName()), file_name(timeline:GetName())}, "/")
end

local function clip_here(timeline)
  local item = timeline:GetCurrentVideoItem()
  if not item then fail("There is no clip under the playhead. Move it onto the one to score.") end
  return {start_frames = whole(item, "GetStart") - timeline:GetStartFrame(),
    length_frames = whole(item, "GetDuration")}
end

local function ordered(brief)
  local project, timeline = opened()
  local order = {timeline = read(timeline), wishes = {brief = {style = brief.style,
    key = brief.key, density = brief.density, families = list(brief.instruments)},
    mood = brief.mood, takes = brief.takes or 1, seed = brief.seed or 0,
    min_spacing_s = brief.spacing or 4, keep_key = brief.keep_key or false,
    keep_tempo = brief.keep_tempo or false}, folder = brief.folder or folder_of(project, timeline)}
  if brief.part == "range" then
    order.span = order.timeline.range or fail("There are no in and out points. Set them.")
  elseif brief.part == "clip" then
    order.span = clip_here(timeline)
  end
  if (brief.keep_key or brief.keep_tempo) and next((kept(timeline))) then
    local _, note = score_here()
    order.former = note
  end
  return order
end

return {
  score = said(function(brief)
    brief = brief or {}
    place(run({score = ordered(brief)}), brief.stems == "ducked")
  end),
  choose = said(function(take)
    local _, note, _, ducked = score_here()
    place(run({choose = {note = note, number = take}}), ducked)
  end),
  regenerate = said(function(how)
    local bars = how and how.bars
    local _, note, timeline, ducked = score_here()
    local span = read(timeline).range
    if not (bars or span) then fail("There are no in and out points. Set them, or name bars.") end
    place(run({regenerate = {note = note, seed = how and how.seed or (note.seed or 0) + 1,
      span = not bars and span or nil,
      bars = bars and {first = bars[1], ["end"] = bars[2] + 1} or nil}}), ducked)
  end),
  renew = said(function()
    local project, timeline = opened()
    local notes, _, ducked = kept(timeline)
    local all = list()
    for _, note in pairs(notes) do all[#all + 1] = note end
    if #all == 0 then fail("There is no score of emsync on this timeline. Score it first.") end
    local renewal = run({renew = {timeline = read(timeline), notes = all,
      folder = folder_of(project, timeline)}})
    for _, line in ipairs(renewal.lines) do print(line) end
    for _, placement in ipairs(renewal.placements or {}) do
      place(placement, ducked[placement.cue])
    end
  end),
  fetch = said(function()
    local project, timeline = opened()
    place(run({resume = {folder = folder_of(project, timeline)}}))
  end),
  remove = said(function()
    local cue, _, timeline = score_here()
    local tracks, stems = own_tracks(timeline, cue)
    on_edit_page(timeline, function() drop_tracks(timeline, tracks, stems) end)
    unmark(timeline, cue)
    print(#tracks .. " stems were removed; their files stay in their folder.")
  end),
  diagnose = said(function()
    for _, line in ipairs(run({diagnose = setmetatable({}, nil)}).lines) do print(line) end
  end),
}
