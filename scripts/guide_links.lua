-- For pandoc (scripts/guide.sh): all chapters become one file, so links between them become links within it, and links to
-- other files of the source tree, which does not come along, become their text.
function Link(link)
  local chapter, heading = link.target:match("^(%d[%w-]*)%.md#?(.*)$")
  if chapter then
    link.target = "#" .. (heading ~= "" and heading or "chapter-" .. chapter)
    return link
  end
  if not link.target:match("^#") and not link.target:match("^%a+://") then return link.content end
end

-- Emphasized Chinese gets dots (guide.css); its fonts have no italics.
function Emph(emph)
  if pandoc.utils.stringify(emph):match("[\xE3-\xE9]") then return pandoc.Span(emph.content, { class = "stress" }) end
end
