#!/usr/bin/env python3
"""The page of `inkstone explain` in a browser: what it shows, and a walk through it by keyboard. Development only.

    test_explain_page.py INKSTONE      exit 1 where something is wrong, 77 where there is no chromium
"""
import html
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../models"))
from peer import check, failed, run

browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if not browser:
    print("SKIP: no chromium")
    sys.exit(77)

# Runs in the page; `seen` is what it found. Keys go to the element that has the focus, as those of a person do.
WALK = """
const seen = {}, key = (name) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
const all = (selector) => [...document.querySelectorAll(selector)], one = (selector) => document.querySelector(selector);
const status = () => one("#status").textContent;
const options = all("#tokens [role=option]");
seen.stops = options.filter((e) => e.tabIndex === 0).length;
seen.labels = options.every((e) => e.getAttribute("aria-label"));
seen.texts = options.map((e) => e.firstChild.textContent);
seen.first = status();
options.find((e) => e.tabIndex === 0).focus();
key("Home");
seen.home = [options.indexOf(document.activeElement), status(), all("#alternatives li").length, all("#layers tr").length];
key("ArrowRight");
seen.right = [options.indexOf(document.activeElement), document.activeElement.getAttribute("aria-selected")];
key("End");
seen.end = [options.indexOf(document.activeElement), status()];
key("ArrowLeft"); key("ArrowLeft"); key("ArrowUp"); key("ArrowDown");
seen.selected = all("#tokens [aria-selected=true]").length;
options[options.length - 3].click();
seen.rows = all("#layers tbody tr").length;
seen.choices = all("#alternatives li").map((li) => li.innerText);
const buttons = all("#alternatives button");
seen.buttons = buttons.length;
buttons[0].focus(); buttons[0].click();
seen.branch = [one("#branch").hidden, one("#branched").textContent, one("#command").textContent, buttons[0].getAttribute("aria-pressed")];
key("Escape");
seen.escaped = [one("#branch").hidden, buttons[0].getAttribute("aria-pressed"), document.activeElement === buttons[0]];
const attention = one("#attention");
if (!attention.hidden) {
  const parts = () => all("#most i").map((e) => parseFloat(e.textContent));
  one("#layer").value = "1"; one("#layer").dispatchEvent(new Event("change"));
  one("#head").value = "0"; one("#head").dispatchEvent(new Event("change"));
  seen.most = parts();
  seen.heat = all("#heat span").map((e) => Number(e.style.getPropertyValue("--w")));
  seen.map = one("#map").width;
}
seen.intro = one("#attention-intro").textContent;
seen.named = all("button, select, [role=region]").every((e) => e.textContent.trim() || e.labels?.length || e.getAttribute("aria-labelledby"));
const result = document.createElement("output");
result.id = "seen";
result.textContent = JSON.stringify(seen);
document.body.append(result);
"""


def walk(name):
    """What WALK found in the page."""
    page = open(name, encoding="utf-8").read()
    with open("walk.html", "w", encoding="utf-8") as out:
        out.write(page.replace("</body>", f"<script>{{{WALK}}}</script></body>"))
    done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={os.getcwd()}/profile", "--window-size=400,900",
                           "--dump-dom", f"file://{os.getcwd()}/walk.html"], capture_output=True, text=True, timeout=600)
    found = re.search(r'<output id="seen">(.*?)</output>', done.stdout, re.S)
    if not found:
        sys.exit(f"{name}: the page's program failed\n{done.stderr[-2000:]}")
    return json.loads(html.unescape(found.group(1)))


with open("text", "w", encoding="utf-8") as out:
    for i in range(200):
        print(f"The {i}th line is about a cat, and a dog {i * 7 % 11}. 第{i}行。", file=out)
TRAIN = ("--size", "nano", "--layers", 2, "--context", 48, "--batch", 4, "--steps", 60, "--tokenizer", "byte", "--sample-tokens", 0, "--threads", 1, "-q")
run("train", "write", "text", "-o", "m", "--heads", 2, *TRAIN)
run("train", "write", "text", "-o", "r", "--arch", "gru", *TRAIN)

ARGS = ("--tokens", 12, "--seed", 3, "--ignore-end", "The 第7")
trace = json.loads(run("explain", "-m", "m", "--json", *ARGS))
tokens, count = trace["tokens"], len(trace["tokens"])
run("explain", "-m", "m", "-o", "page.html", *ARGS)
seen = walk("page.html")
check("every token is a choice, and what comes next", len(seen["texts"]) == count + 1)
check("characters of several tokens", [t for t in seen["texts"] if "第" in t] == ["第"] * 3, seen["texts"])
check("one stop of the tab key among tokens, all named", seen["stops"] == 1 and seen["labels"])
check("it begins with the first new token", seen["first"].startswith(f"Token {trace['prompt_tokens'] + 1}: "), seen["first"])
check("Home: the first token has no prediction", seen["home"][0] == 0 and "was given" in seen["home"][1] and seen["home"][2:] == [0, 0], seen["home"])
check("an arrow key goes on", seen["right"] == [1, "true"], seen["right"])
check("End: what comes next", seen["end"][0] == count and "what comes next" in seen["end"][1], seen["end"])
check("one token is chosen", seen["selected"] == 1)
prediction = tokens[count - 2]["prediction"]
check("a row for every layer", seen["rows"] == len(prediction["layers"]))
check("all alternatives", len(seen["choices"]) == len(prediction["alternatives"]))
branches = [a for a in prediction["alternatives"] if "continuation" in a]
check("a button for every branch", seen["buttons"] == len(branches))
hidden, text, command, pressed = seen["branch"]
check("a branch", not hidden and pressed == "true" and text.startswith("The 第7"), text)
check("its command", command.startswith("inkstone explain -m MODEL -o page.html 'The 第7"), command)
check("Escape leaves it", seen["escaped"] == [True, "false", True], seen["escaped"])
row = trace["attention"][1][0][count - 3]
check("weights of a head", max(abs(a - b) for a, b in zip(seen["heat"], row)) < 0.01 and not any(seen["heat"][len(row):]), seen["heat"])
check("most attention first", seen["most"] == sorted(seen["most"], reverse=True) and abs(seen["most"][0] - 100 * max(row)) < 1, seen["most"])
check("the map", seen["map"] == count)
check("all controls have names", seen["named"])
language = os.environ.pop("INKSTONE_LANG", None)
os.environ["INKSTONE_LANG"] = "zh"
run("explain", "-m", "m", "-o", "page.html", *ARGS)
check("what is told of a token has no English comma", ", " not in walk("page.html")["first"])
del os.environ["INKSTONE_LANG"]
if language:
    os.environ["INKSTONE_LANG"] = language

run("explain", "-m", "r", "-o", "page.html", *ARGS)
seen = walk("page.html")
check("without attention", "carries a state" in seen["intro"] and "map" not in seen and seen["rows"] == 3, seen["intro"])
# The report of a run: one curve at a time, over steps or over their logarithms.
WALK = """
const shown = () => [...document.querySelectorAll("figure.linear, figure.log")].filter((e) => getComputedStyle(e).display !== "none").map((e) => e.className);
const seen = [shown(), (document.querySelector("#log").click(), shown()), (document.querySelector("#linear").click(), shown())];
const result = document.createElement("output");
result.id = "seen";
result.textContent = JSON.stringify(seen);
document.body.append(result);
"""
with open("m/report.html", "a", encoding="utf-8") as out:
    out.write("</body>")
seen = walk("m/report.html")
check("linear and logarithmic steps", seen == [["linear"], ["log"], ["linear"]], seen)
if failed:
    sys.exit(f"{len(failed)} wrong: {', '.join(failed)}")
