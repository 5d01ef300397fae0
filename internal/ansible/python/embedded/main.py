# What runs a packed module: python3 PAYLOAD.zip, with one JSON object on standard input:
# {"name": as Python imports it, "args": {...}, "profile": how values travel}.
# It must work with every Python that the packed module_utils work with.
import json
import os
import runpy
import sys


def main():
    payload = os.path.abspath(sys.argv[0])
    try:
        os.getcwd()
    except OSError:
        # A folder that is gone, or closed to the user that this process has become.
        try:
            os.chdir(os.path.expanduser("~"))
        except OSError:
            os.chdir("/")
    # The folder of the payload and the current one are no places to import from.
    outside = ("", ".", os.path.dirname(payload))
    sys.path = [payload] + [p for p in sys.path if p not in outside and p != payload]
    call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    params = json.dumps({"ANSIBLE_MODULE_ARGS": call["args"]}).encode("utf-8")
    sys.argv = [payload]
    try:
        from ansible.module_utils._internal._ansiballz import _loader
    except ImportError:
        _loader = None
    if _loader is not None:
        _loader.run_module(json_params=params, profile=call["profile"], module_fqn=call["name"], modlib_path=payload, extensions={})
        return
    try:
        from ansible.module_utils import basic
        basic._ANSIBLE_ARGS = params
        if hasattr(basic, "_ANSIBLE_PROFILE"):
            basic._ANSIBLE_PROFILE = call["profile"]
    except ImportError:
        pass
    where = {"_module_fqn": call["name"], "_modlib_path": payload}
    runpy.run_module(call["name"], init_globals=where, run_name="__main__", alter_sys=True)
    print("{\"failed\": true, \"msg\": \"the module ended without a result\"}")
    sys.exit(1)


main()
