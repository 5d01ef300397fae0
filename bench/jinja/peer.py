"""Renders what the benchmark asks for, and tells how long one time took."""
import json
import sys
import time

import jinja2

from ansible.plugins.loader import init_plugin_loader

init_plugin_loader()

from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine
from ansible.parsing.dataloader import DataLoader

plain = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True)


def renderer(q):
    if q["engine"] == "jinja2":
        template = plain.from_string(q["source"])
        return lambda: template.render(q["variables"])
    engine = TemplateEngine(DataLoader(), q["variables"])
    source = TrustedAsTemplate().tag(q["source"])
    return lambda: engine.template(source)


def answer(q):
    render = renderer(q)
    result = str(render())
    n, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < q["seconds"]:
        render()
        n += 1
    return {"result": result, "nanoseconds": (time.perf_counter() - begin) / n * 1e9}


for line in sys.stdin:
    try:
        out = answer(json.loads(line))
    except Exception as ex:
        out = {"error": repr(ex)}
    print(json.dumps(out), flush=True)
