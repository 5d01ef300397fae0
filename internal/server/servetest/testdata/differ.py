"""Does the same things to two endpoints, and prints where their answers differ.

Its arguments are the URLs of tutti and of moto. Times, request IDs and what an
endpoint adds beyond the other's answer are left out of the comparison: moto leaves
out much that the service has. Scenarios are those in which moto is right: it has no
JSONata without Java, and takes any input for JSON.
"""

import json
import sys
import time

import boto3
import botocore
from botocore.config import Config

ROLE = "arn:aws:iam::123456789012:role/anybody"
ARN = "arn:aws:states:us-east-1:123456789012"


def client(url):
    return boto3.client("stepfunctions", endpoint_url=url, region_name="us-east-1",
                        config=Config(retries={"max_attempts": 0}, parameter_validation=False, inject_host_prefix=False))


def asl(**states):
    names = list(states)
    for i, name in enumerate(names):
        s = states[name]
        if s["Type"] not in ("Succeed", "Fail", "Choice") and "Next" not in s and "End" not in s:
            if i + 1 < len(names):
                s["Next"] = names[i + 1]
            else:
                s["End"] = True
    return json.dumps({"StartAt": names[0], "States": states})


PASS = asl(P={"Type": "Pass", "Result": {"r": 1}})

# Executions: a definition, an input.
EXECUTIONS = {
    "pass": (PASS, {}),
    "parameters": (asl(P={"Type": "Pass", "Parameters": {"a.$": "$.x", "b": [1, 2]}, "ResultPath": "$.r"}), {"x": {"y": 1}}),
    "paths": (asl(P={"Type": "Pass", "InputPath": "$.x", "ResultPath": "$.z", "OutputPath": "$.z"}), {"x": {"y": 1}}),
    "choice": (asl(C={"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": 3, "Next": "Big"}], "Default": "Small"},
                   Big={"Type": "Pass", "Result": {"is": "big"}, "End": True}, Small={"Type": "Pass", "Result": {"is": "small"}}), {"n": 4}),
    "default": (asl(C={"Type": "Choice", "Choices": [{"And": [{"Variable": "$.n", "IsPresent": True}, {"Variable": "$.n", "StringMatches": "a*"}], "Next": "Yes"}], "Default": "No"},
                    Yes={"Type": "Pass", "Result": {"is": "yes"}, "End": True}, No={"Type": "Pass", "Result": {"is": "no"}}), {"n": "b"}),
    "fail": (asl(F={"Type": "Fail", "Error": "E", "Cause": "C"}), {}),
    "wait": (asl(W={"Type": "Wait", "Seconds": 0}, P={"Type": "Pass"}), {"n": 4}),
    "parallel": (asl(Q={"Type": "Parallel", "Branches": [json.loads(PASS), json.loads(asl(S={"Type": "Succeed"}))]}), {"n": 4}),
    "map": (asl(M={"Type": "Map", "ItemsPath": "$.items", "ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"}, "ItemProcessor": json.loads(asl(S={"Type": "Succeed"}))}),
            {"items": [1, "two", None]}),
    "map fails": (asl(M={"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": json.loads(asl(F={"Type": "Fail", "Error": "E", "Cause": "C"})), "Catch": [{"ErrorEquals": ["E"], "ResultPath": "$.e", "Next": "Z"}]},
                      Z={"Type": "Pass"}), {"items": [1]}),
    "parallel fails": (asl(Q={"Type": "Parallel", "Branches": [json.loads(asl(F={"Type": "Fail", "Error": "E", "Cause": "C"}))]}), {}),
    "intrinsics": (asl(P={"Type": "Pass", "Parameters": {"f.$": "States.Format('{}-{}', $.a, $.b)", "p.$": "States.ArrayPartition($.l, 2)", "j.$": "States.JsonToString($.o)",
                                                        "h.$": "States.Hash($.a, 'SHA-1')", "m.$": "States.JsonMerge($.o, $.q, false)"}}),
                   {"a": "x", "b": 2, "l": [1, 2, 3], "o": {"k": 1}, "q": {"z": 2}}),
}


def code(f, **args):
    try:
        f(**args)
        return "no error"
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"]


def executed(c, name, text, given):
    arn = c.create_state_machine(name=name, definition=text, roleArn=ROLE)["stateMachineArn"]
    e = c.start_execution(stateMachineArn=arn, name="e", input=json.dumps(given))["executionArn"]
    for _ in range(1000):
        d = c.describe_execution(executionArn=e)
        if d["status"] != "RUNNING":
            break
        time.sleep(0.02)
    types = [x["type"] for x in c.get_execution_history(executionArn=e, maxResults=1000)["events"]]
    if "Map" in text or "Parallel" in text:
        types.sort()  # the order among iterations and branches is nobody's promise
    return {"arn": e, "status": d["status"], "output": json.loads(d["output"]) if d.get("output") else None, "error": d.get("error") or None,
            "input": json.loads(d["input"]), "machine": d["stateMachineArn"], "name": d["name"], "history": types}


def errors(c):
    c.create_state_machine(name="errors", definition=PASS, roleArn=ROLE)
    return {
        "no such machine": code(c.describe_state_machine, stateMachineArn=ARN + ":stateMachine:none"),
        "start of none": code(c.start_execution, stateMachineArn=ARN + ":stateMachine:none"),
        "bad arn": code(c.describe_state_machine, stateMachineArn="x"),
        "bad name": code(c.create_state_machine, name="a b", definition=PASS, roleArn=ROLE),
        "long name": code(c.create_state_machine, name="n" * 81, definition=PASS, roleArn=ROLE),
        "bad role": code(c.create_state_machine, name="r", definition=PASS, roleArn="x"),
        "no execution": code(c.describe_execution, executionArn=ARN + ":execution:errors:none"),
        "no activity": code(c.describe_activity, activityArn=ARN + ":activity:none"),
        "delete none": code(c.delete_state_machine, stateMachineArn=ARN + ":stateMachine:none"),
    }


def resources(c):
    act = c.create_activity(name="act")["activityArn"]
    arn = c.create_state_machine(name="res", definition=PASS, roleArn=ROLE, tags=[{"key": "k", "value": "v"}])["stateMachineArn"]
    c.tag_resource(resourceArn=arn, tags=[{"key": "l", "value": "w"}])
    c.untag_resource(resourceArn=arn, tagKeys=["k"])
    d = c.describe_state_machine(stateMachineArn=arn)
    return {"activity": act, "activities": [a["name"] for a in c.list_activities()["activities"]], "machine": arn, "type": d["type"], "status": d["status"], "definition": d["definition"],
            "role": d["roleArn"], "tags": c.list_tags_for_resource(resourceArn=arn)["tags"], "listed": "res" in [m["name"] for m in c.list_state_machines()["stateMachines"]]}


def main():
    both = [client(u) for u in sys.argv[1:3]]
    scenarios = {"errors": errors, "resources": resources}
    for i, (name, (text, given)) in enumerate(EXECUTIONS.items()):
        scenarios[name] = lambda c, i=i, text=text, given=given: executed(c, f"m{i}", text, given)
    differ = 0
    for name, f in scenarios.items():
        ours, theirs = [f(c) for c in both]
        for field in ours:
            if ours[field] != theirs[field]:
                differ += 1
                print(f"{name}: {field}\n  tutti {ours[field]}\n  moto  {theirs[field]}")
    print(f"{len(scenarios)} scenarios, {differ} differences")
    sys.exit(1 if differ else 0)


main()
