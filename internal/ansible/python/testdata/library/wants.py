#!/usr/bin/python3
# WANT_JSON
import json
import sys
args = json.load(open(sys.argv[1]))
print("noise before")
print(json.dumps({"changed": False, "said": args["name"], "check": args["_ansible_check_mode"]}))
print("noise after")
