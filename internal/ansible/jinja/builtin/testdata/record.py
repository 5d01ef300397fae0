"""Records what ansible-core makes of the templates in corpus.txt.

Run it with the Python of an installed ansible-core 2.19:
    python record.py

Each line of corpus.txt is a template; one that begins with a quote is a JSON string, one
that begins with "? " a condition, one with "! " the text of a template file. What comes
out is written to recorded.json as Python prints it, or as the error's message.
"""
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))

from ansible.plugins.loader import init_plugin_loader

init_plugin_loader()

from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible._internal._errors import _error_factory
from ansible._internal._templating._engine import TemplateEngine, TemplateOptions
from ansible.module_utils._internal import _event_utils

Display.warning = lambda self, *args, **kwargs: None
Display.deprecated = lambda self, *args, **kwargs: None


def trusted(v):
    if isinstance(v, str):
        return TrustedAsTemplate().tag(v)
    if isinstance(v, dict):
        return {k: trusted(x) for k, x in v.items()}
    if isinstance(v, list):
        return [trusted(x) for x in v]
    return v


def record(line, variables, loader):
    engine = TemplateEngine(loader, variables)
    try:
        if line.startswith("? "):
            return {"out": repr(engine.evaluate_conditional(trusted(line[2:])))}
        if line.startswith("! "):
            text = json.loads(line[2:]) if line.startswith('! "') else line[2:]
            return {"out": repr(engine.template(trusted(text), options=TemplateOptions(escape_backslashes=False)))}
        text = json.loads(line) if line.startswith('"') else line
        return {"out": repr(engine.template(trusted(text)))}
    except Exception as ex:
        event = _error_factory.ControllerEventFactory.from_exception(ex, False)
        return {"error": _event_utils.format_event_brief_message(event)}


def main():
    with open(os.path.join(HERE, "variables.json")) as f:
        variables = json.load(f)
    loader = DataLoader()
    loader.set_basedir(os.path.join(HERE, "templates"))
    recorded = []
    with open(os.path.join(HERE, "corpus.txt")) as f:
        for line in f:
            line = line.rstrip("\n")
            if line and not line.startswith("#"):
                recorded.append({"in": line, **record(line, trusted(variables), loader)})
    with open(os.path.join(HERE, "recorded.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r) for r in recorded) + "\n]\n")
    print(len(recorded), "recorded")


main()
