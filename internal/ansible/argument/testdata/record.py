"""Records what ansible-core makes of the arguments below.

Run it with the Python of a virtual environment that has ansible-core 2.19.14:
python record.py > recorded.json
"""
import json, os

os.environ.update(HOME="/home/me", WHO="you", FALL="back")
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.warnings import get_warnings

ALL = {t: {"type": t} for t in "str bool int float path list dict raw jsonarg bytes bits".split()}
VALUES = ["", "a", "1", " 42 ", "1.5", "1.0", "1e3", "yes", "True", "off", "10K", "1.5 MB", "10Kb", "3 kilobyte", "2x", "a,b", "a=1 b=2", "a='x y', b=\"2\"", "a=1, b",
          "{\"a\": [1, 2.5, null]}", "{'a': (1, None), 'b': True,}", "{bad", "~/x/$WHO/${WHO}/$NO", "[1, 2]", "  spaced  ", "0x10", "nan", "1_000", "-7",
          0, 1, 2, -3, 1.0, 1.5, True, False, None, [], ["a", 1], {}, {"k": "v"}, 10**12]
CASES = []

def case(options, args, **more):
    CASES.append((options, args, more))

for t, spec in ALL.items():
    for v in VALUES:
        case({"x": spec}, {"x": v})
STATE = {"state": {"type": "str", "choices": ["absent", "present"], "default": "present"}, "name": {"required": True}}
case(STATE, {}); case(STATE, {"name": "x"}); case(STATE, {"name": "x", "state": "gone"}); case(STATE, {"name": "x", "bogus": 1, "also": 2}); case(STATE, {"name": None}); case(STATE, {"state": None, "name": "x"})
case({"a": {"aliases": ["b", "c"]}, "d": {}}, {"b": "1"}); case({"a": {"aliases": ["b", "c"]}, "d": {}}, {"a": "0", "b": "1", "z": 1}); case({"a": {"aliases": ["b", "c"]}}, {"b": "1", "c": "2"})
ABC = {"a": {}, "b": {}, "c": {"type": "int"}}
case(ABC, {"a": "1", "b": "2"}, mutually_exclusive=[["a", "b"], ["b", "c"]]); case(ABC, {"a": "1", "b": "2", "c": 3}, mutually_exclusive=[["a", "b"], ["b", "c"]])
case(ABC, {"a": "1"}, required_together=[["a", "b"]]); case(ABC, {"c": "1"}, required_together=[["a", "b"]]); case(ABC, {}, required_one_of=[["a", "b"]]); case(ABC, {"b": None}, required_one_of=[["a", "b"]])
case(ABC, {"a": "x"}, required_if=[["a", "x", ["b", "c"]]]); case(ABC, {"a": "x"}, required_if=[["a", "x", ["b", "c"], True]]); case(ABC, {"a": "x", "b": "1"}, required_if=[["a", "x", ["b", "c"], True]])
case(ABC, {"c": "5"}, required_if=[["c", 5, ["a"]]]); case(ABC, {"a": "x"}, required_by={"a": ["b", "c"]}); case(ABC, {"a": None}, required_by={"a": ["b"]}); case(ABC, {"a": "1", "b": None}, required_by={"a": "b"})
case(ABC, {"a": "1", "c": "x", "z": 1}, required_together=[["a", "b"]], required_one_of=[["q"]])
case({"l": {"type": "list", "elements": "int"}}, {"l": "1,2,x"}); case({"l": {"type": "list", "elements": "int"}}, {"l": [1, "2"]}); case({"l": {"type": "list", "elements": "str", "choices": ["a", "b"]}}, {"l": "a,c,d"})
case({"l": {"elements": "int"}}, {"l": "12"}); case({"l": {"type": "list", "elements": "dict"}}, {"l": ["a=1", {"b": 2}]}); case({"l": {"type": "list", "elements": "path"}}, {"l": ["~/a", "b"]})
case({"b": {"type": "bool", "choices": [True]}}, {"b": "no"}); case({"b": {"choices": ["yes", "no"]}}, {"b": True}); case({"b": {"choices": ["yes", "on"]}}, {"b": True}); case({"n": {"type": "int", "choices": [1, 2]}}, {"n": "2"}); case({"n": {"type": "int", "choices": [1, 2]}}, {"n": "3"})
SUB = {"d": {"type": "dict", "options": {"p": {"type": "int", "required": True}, "q": {"default": "dq"}, "s": {"type": "dict", "options": {"t": {"choices": ["u"]}}}},
       "mutually_exclusive": [["q", "s"]], "required_if": [["p", 7, ["s"]]]}}
case(SUB, {"d": {"p": "1"}}); case(SUB, {"d": {}}); case(SUB, {"d": {"p": 7}}); case(SUB, {"d": {"p": 1, "z": 2}}); case(SUB, {"d": {"p": "x"}}); case(SUB, {"d": {"p": 1, "s": {"t": "v"}}}); case(SUB, {"d": {"p": 1, "q": "1", "s": {"t": "u"}}}); case(SUB, {"d": "p=3"}); case(SUB, {"d": "nothing"}); case(SUB, {})
case(SUB, {"d": {"p": 1, "s": {"bad": 1}}}); case({"d": dict(SUB["d"], apply_defaults=True)}, {}); case({"d": {"type": "dict", "apply_defaults": True, "options": {"q": {"default": 3}, "r": {}}}}, {})
LST = {"l": {"type": "list", "elements": "dict", "options": {"p": {"type": "int", "required": True, "aliases": ["port"]}, "o": {"type": "list", "elements": "int"}}, "required_one_of": [["o", "w"]]}}
case(LST, {"l": [{"p": "1", "o": [1]}, {"port": 2, "p": 3, "o": "4,x"}, {"o": 1}]}); case(LST, {"l": {"p": 1}}); case(LST, {"l": ["p=1 o=2"]})
case({"pw": {"no_log": True}, "n": {"type": "int", "no_log": True}, "l": {"type": "list", "no_log": True}}, {"pw": "secret", "n": 1234, "l": ["x", {"k": "deep"}]}); case({"pw": {"no_log": True, "default": "dflt"}}, {})
case({"o": {"removed_in_version": "9.9"}, "d": {"type": "dict", "options": {"p": {"removed_in_version": "9.8"}}}}, {"o": 1, "d": {"p": 1}}); case({"o": {"aliases": ["p"], "deprecated_aliases": [{"name": "p", "version": "9.9"}]}}, {"p": 1})
case({"f": {"type": "str", "fallback": ["FALL"]}}, {}); case({"f": {"type": "str", "fallback": ["NOFALL"], "default": "d"}}, {}); case({"f": {"type": "str", "fallback": ["FALL"]}}, {"f": "own"})

def plain(v):
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    if isinstance(v, list): return [plain(x) for x in v]
    return "nan" if isinstance(v, float) and v != v else v

def fallbacks(options):
    return {k: dict(v, **({"fallback": (env_fallback, v["fallback"])} if "fallback" in v else {})) for k, v in options.items()}

out = []
for options, args, more in CASES:
    try:
        r = ArgumentSpecValidator(fallbacks(options), **more).validate(args)
    except (OverflowError, ValueError) as e:
        continue  # ansible-core itself falls over
    out.append({"options": options, "args": args, "more": more, "errors": r.error_messages, "params": plain(r.validated_parameters),
                "warnings": ["Both option %s and its alias %s are set." % (w["option"], w["alias"]) for w in r._warnings],
                "deprecations": [[d["msg"], d["version"]] for d in r._deprecations], "secrets": sorted(str(s) for s in r._no_log_values)})
print("[\n" + ",\n".join(json.dumps(o) for o in out) + "\n]")
