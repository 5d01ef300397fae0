#!/usr/bin/python3
import json
args = json.loads(r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>""")
print(json.dumps({"said": args["name"]}))
