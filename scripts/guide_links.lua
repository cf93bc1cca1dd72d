-- For pandoc (scripts/guide.sh): all chapters become one file, so links between them become links within it, and links to
-- other files of the source tree, which does not come along, become their text.
function Pandoc(document)
  local titles = {} -- the identifiers of the headings of level 1, one per chapter
  for _, block in ipairs(document.blocks) do
    if block.t == "Header" and block.level == 1 then table.insert(titles, block.identifier) end
  end
  return document:walk({
    Link = function(link)
      local chapter, heading = link.target:match("^(%d)[%w-]*%.md#?(.*)$")
      if chapter then
        link.target = "#" .. (heading ~= "" and heading or titles[tonumber(chapter)] or "")
        return link
      end
      if not link.target:match("^#") and not link.target:match("^%a+://") then return link.content end
    end,
  })
end
