# The helper process: one JSON object a line on standard input, one on standard output for each.
# It loads plugins written in Python and calls them. What plugins print goes to standard error.
import importlib
import importlib.util
import json
import os
import sys
import traceback

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
sys.stdout = sys.stderr

found = {"filter": {}, "test": {}, "lookup": {}}
classes = {"filter": ("FilterModule", "filters"), "test": ("TestModule", "tests")}


def plain(value):
    if value is None or isinstance(value, (bool, int, float, str)):
        # Kinds of text and numbers of others' making become the built-in ones.
        for kind in (bool, int, float, str):
            if isinstance(value, kind):
                return kind(value)
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "__next__") or isinstance(value, (type({}.keys()), type({}.values()), type({}.items()), range, map, filter, zip)):
        return [plain(v) for v in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def setup(call):
    for path in reversed(call.get("paths") or []):
        if path not in sys.path:
            sys.path.insert(0, path)
    return {"python": sys.version.split()[0]}


def module_of(path, name):
    if name:
        return importlib.import_module(name)
    unit = "tutti_plugin_" + "".join(c if c.isalnum() else "_" for c in path)
    if unit in sys.modules:
        return sys.modules[unit]
    spec = importlib.util.spec_from_file_location(unit, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[unit] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[unit]
        raise
    return module


def load(call):
    kind = call["kind"]
    names, problems = [], []
    prefix = call.get("prefix") or ""
    for directory in call["dirs"]:
        for entry in sorted(os.listdir(directory)):
            base, end = os.path.splitext(entry)
            if end != ".py" or base.startswith(("_", ".")):
                continue
            path = os.path.join(directory, entry)
            try:
                module = module_of(path, call.get("package") and call["package"] + "." + base)
                if kind == "lookup":
                    added = {base: module.LookupModule}
                else:
                    name, method = classes[kind]
                    if not hasattr(module, name):
                        continue
                    added = getattr(getattr(module, name)(), method)()
            except BaseException as problem:
                if isinstance(problem, KeyboardInterrupt):
                    raise
                problems.append({"file": path, "error": "%s: %s" % (type(problem).__name__, problem)})
                continue
            for name, value in added.items():
                if prefix + name not in found[kind]:
                    found[kind][prefix + name] = value
                    names.append(prefix + name)
    return {"names": names, "problems": problems}


def loader_and_templar(variables):
    try:
        from ansible.parsing.dataloader import DataLoader
    except ImportError:
        # A plugin that imports nothing of ansible needs neither.
        return None, None
    loader = DataLoader()
    templar = None
    try:
        from ansible.template import Templar
        templar = Templar(loader=loader, variables=variables)
    except Exception:
        pass
    return loader, templar


def lookup(plugin, args, named):
    variables = named.pop("variables", None) or {}
    loader, templar = loader_and_templar(variables)
    made = plugin(loader=loader, templar=templar)
    # Plugins of files find their options by these; Ansible's loader sets them.
    if not getattr(made, "_load_name", None):
        name = plugin.__module__.rsplit(".", 1)[-1]
        made._load_name = name
        made._original_path = getattr(sys.modules.get(plugin.__module__), "__file__", "")
    return made.run(args[0] if args and isinstance(args[0], list) else args, variables=variables, **named)


def call_plugin(call):
    kind = call["kind"]
    plugin = found[kind][call["name"]]
    args, named = call.get("args") or [], call.get("named") or {}
    if kind == "lookup":
        return lookup(plugin, args, named)
    return plugin(*args, **named)


def inventory(call):
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.vars.manager import VariableManager
    try:
        from ansible.plugins.loader import init_plugin_loader
        init_plugin_loader(call.get("collections") or [])
    except ImportError:
        pass
    loader = DataLoader()
    loader.set_basedir(call["base"])
    manager = InventoryManager(loader=loader, sources=[call["source"]])
    VariableManager(loader=loader, inventory=manager)
    groups = {}
    for name, group in manager.groups.items():
        groups[name] = {"hosts": [h.name for h in group.hosts], "children": [g.name for g in group.child_groups], "vars": group.vars}
    groups["_meta"] = {"hostvars": {name: host.vars for name, host in manager.hosts.items()}}
    return groups


calls = {"setup": setup, "load": load, "call": call_plugin, "inventory": inventory}

for line in sys.stdin:
    try:
        request = json.loads(line)
        answer = {"value": plain(calls[request["do"]](request))}
    except BaseException as problem:
        if isinstance(problem, KeyboardInterrupt):
            raise
        answer = {"error": "%s: %s" % (type(problem).__name__, problem), "trace": traceback.format_exc()}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
