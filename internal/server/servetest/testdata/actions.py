"""Drives every action of the Step Functions API with boto3, as a user would.

Its arguments are the endpoint's URL and the names of the checks to run; all of them
when there is none. Each check makes what it needs, under names of its own. A check
that fails says where and ends the program with 1.
"""

import datetime
import json
import sys
import threading
import time
import traceback

import boto3
import botocore
from botocore.config import Config

URL = sys.argv[1]
ROLE = "arn:aws:iam::123456789012:role/anybody"
DEFINITION_PREFIX = "arn:aws:states:us-east-1:123456789012"


def client(**more):
    config = Config(read_timeout=70, retries={"max_attempts": 0}, parameter_validation=False, inject_host_prefix=False)
    return boto3.client("stepfunctions", endpoint_url=URL, region_name="us-east-1", config=config, **more)


SFN = client()


def definition(*states, **more):
    """Chains states: each is (name, body)."""
    body = {}
    for i, (name, state) in enumerate(states):
        state = dict(state)
        if state["Type"] not in ("Succeed", "Fail", "Choice"):
            if i + 1 < len(states):
                state.setdefault("Next", states[i + 1][0])
            else:
                state["End"] = True
        body[name] = state
    return json.dumps({"StartAt": states[0][0], "States": body, **more})


PASS = definition(("P", {"Type": "Pass"}))
FOREVER = definition(("W", {"Type": "Wait", "Seconds": 3600}), ("P", {"Type": "Pass"}))


def machine(name, text=PASS, **more):
    return SFN.create_state_machine(name=name, definition=text, roleArn=ROLE, **more)["stateMachineArn"]


def fails(code, f, contains="", **args):
    """Expects an error of the service and gives its message."""
    try:
        answer = f(**args)
    except botocore.exceptions.ClientError as e:
        got = e.response["Error"]
        assert got["Code"] == code, got
        assert contains in got["Message"], got
        return e.response
    raise AssertionError(f"expected {code}, got {answer}")


def ended(arn, within=20):
    deadline = time.monotonic() + within
    while True:
        d = SFN.describe_execution(executionArn=arn)
        if d["status"] != "RUNNING":
            return d
        assert time.monotonic() < deadline, f"{arn} goes on: {history(arn)}"
        time.sleep(0.02)


def history(arn, **more):
    events, token = [], {}
    while True:
        page = SFN.get_execution_history(executionArn=arn, **more, **token)
        events += page["events"]
        if "nextToken" not in page:
            return events
        token = {"nextToken": page["nextToken"]}


def types(arn):
    return [e["type"] for e in history(arn)]


def pages(method, key, **args):
    items, token, count = [], {}, 0
    while True:
        page = method(**args, **token)
        items += page[key]
        count += 1
        if "nextToken" not in page:
            return items, count
        token = {"nextToken": page["nextToken"]}


def check_state_machines():
    created = SFN.create_state_machine(name="sm", definition=PASS, roleArn=ROLE, tags=[{"key": "team", "value": "books"}])
    arn = created["stateMachineArn"]
    assert arn == DEFINITION_PREFIX + ":stateMachine:sm", arn
    assert "stateMachineVersionArn" not in created
    assert abs((datetime.datetime.now(datetime.timezone.utc) - created["creationDate"]).total_seconds()) < 60
    again = SFN.create_state_machine(name="sm", definition=PASS, roleArn=ROLE + "2", tags=[])
    assert again["stateMachineArn"] == arn and again["creationDate"] == created["creationDate"]
    fails("StateMachineAlreadyExists", SFN.create_state_machine, f"State Machine Already Exists: '{arn}'", name="sm", definition=FOREVER, roleArn=ROLE)
    fails("StateMachineAlreadyExists", SFN.create_state_machine, name="sm", definition=PASS, roleArn=ROLE, type="EXPRESS")
    d = SFN.describe_state_machine(stateMachineArn=arn)
    assert (d["name"], d["status"], d["type"], d["definition"], d["roleArn"]) == ("sm", "ACTIVE", "STANDARD", PASS, ROLE), d
    assert d["loggingConfiguration"]["level"] == "OFF" and d["tracingConfiguration"] == {"enabled": False}, d
    assert d["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"} and "revisionId" not in d, d
    assert "definition" not in SFN.describe_state_machine(stateMachineArn=arn, includedData="METADATA_ONLY")
    u = SFN.update_state_machine(stateMachineArn=arn, definition=FOREVER)
    assert u["revisionId"] and u["updateDate"] >= created["creationDate"]
    assert SFN.describe_state_machine(stateMachineArn=arn)["revisionId"] == u["revisionId"]
    assert "revisionId" not in SFN.update_state_machine(stateMachineArn=arn, definition=FOREVER)
    fails("MissingRequiredParameter", SFN.update_state_machine, stateMachineArn=arn)
    fails("StateMachineDoesNotExist", SFN.update_state_machine, stateMachineArn=arn + "x", definition=PASS)
    assert "sm" in [m["name"] for m in pages(SFN.list_state_machines, "stateMachines")[0]]
    SFN.delete_state_machine(stateMachineArn=arn)
    SFN.delete_state_machine(stateMachineArn=arn)
    fails("StateMachineDoesNotExist", SFN.describe_state_machine, f"State Machine Does Not Exist: '{arn}'", stateMachineArn=arn)


def check_bad_input():
    fails("InvalidArn", SFN.describe_state_machine, "Invalid Arn: 'nonsense'", stateMachineArn="nonsense")
    for name in ("with space", "a/b", "a:b", "tab\t", "star*", "q?"):
        fails("InvalidName", SFN.create_state_machine, f"Invalid Name: '{name}'", name=name, definition=PASS, roleArn=ROLE)
    fails("ValidationException", SFN.create_state_machine,
          f"1 validation error detected: Value '{'n' * 81}' at 'name' failed to satisfy constraint: Member must have length less than or equal to 80",
          name="n" * 81, definition=PASS, roleArn=ROLE)
    fails("ValidationException", SFN.create_state_machine, "2 validation errors detected: Value null at 'definition'", name="x", roleArn=ROLE, type="OTHER")
    fails("ValidationException", SFN.create_state_machine, "Member must satisfy enum value set: [STANDARD, EXPRESS]", name="x", roleArn=ROLE, definition=PASS, type="OTHER")
    fails("InvalidArn", SFN.create_state_machine, "Invalid Role Arn: 'me'", name="x", definition=PASS, roleArn="me")
    fails("InvalidDefinition", SFN.create_state_machine, "Invalid State Machine Definition: ", name="x", definition="{", roleArn=ROLE)
    fails("InvalidDefinition", SFN.create_state_machine, "MISSING_TRANSITION_TARGET", name="x", roleArn=ROLE, definition=definition(("A", {"Type": "Pass", "Next": "Gone"}), ("B", {"Type": "Pass"})))
    fails("InvalidLoggingConfiguration", SFN.create_state_machine, name="x", definition=PASS, roleArn=ROLE, loggingConfiguration={"level": "ALL"})
    fails("InvalidEncryptionConfiguration", SFN.create_state_machine, name="x", definition=PASS, roleArn=ROLE,
          encryptionConfiguration={"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"})
    fails("ValidationException", SFN.create_state_machine, "Version description can only be set when publish is true", name="x", definition=PASS, roleArn=ROLE, versionDescription="d")
    fails("ValidationException", SFN.list_state_machines, "at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000", maxResults=1001)
    fails("InvalidToken", SFN.list_state_machines, "Invalid Token: 'Invalid token'", nextToken="nonsense")
    fails("SerializationException", SFN.create_state_machine, name=["x"], definition=PASS, roleArn=ROLE)
    fails("TooManyTags", SFN.create_state_machine, name="x", definition=PASS, roleArn=ROLE, tags=[{"key": str(i), "value": ""} for i in range(51)])
    fails("StateMachineDoesNotExist", SFN.start_execution, stateMachineArn=DEFINITION_PREFIX + ":stateMachine:none")
    fails("InvalidArn", SFN.start_execution, stateMachineArn=DEFINITION_PREFIX + ":activity:none")
    fails("ExecutionDoesNotExist", SFN.describe_execution, executionArn=DEFINITION_PREFIX + ":execution:none:none")
    fails("InvalidArn", SFN.describe_execution, executionArn="nonsense")
    labeled = DEFINITION_PREFIX + ":stateMachine:none/Label"
    r = fails("ValidationException", SFN.start_execution, stateMachineArn=labeled)
    assert r["reason"] == "API_DOES_NOT_SUPPORT_LABELED_ARNS", r


def check_versions():
    created = SFN.create_state_machine(name="versions", definition=PASS, roleArn=ROLE, publish=True, versionDescription="first")
    arn = created["stateMachineArn"]
    v1 = created["stateMachineVersionArn"]
    assert v1 == arn + ":1"
    assert SFN.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == v1
    u = SFN.update_state_machine(stateMachineArn=arn, definition=FOREVER)
    fails("ConflictException", SFN.publish_state_machine_version, f"The current State Machine revision is {u['revisionId']}.", stateMachineArn=arn, revisionId="INITIAL")
    v2 = SFN.publish_state_machine_version(stateMachineArn=arn, revisionId=u["revisionId"], description="second")["stateMachineVersionArn"]
    assert v2 == arn + ":2"
    u = SFN.update_state_machine(stateMachineArn=arn, definition=PASS, publish=True, versionDescription="third")
    assert u["stateMachineVersionArn"] == arn + ":3"
    listed, count = pages(SFN.list_state_machine_versions, "stateMachineVersions", stateMachineArn=arn, maxResults=2)
    assert [v["stateMachineVersionArn"] for v in listed] == [arn + ":3", v2, v1] and count == 2
    d = SFN.describe_state_machine(stateMachineArn=v2)
    assert (d["stateMachineArn"], d["definition"], d["description"]) == (v2, FOREVER, "second"), d
    e = ended(SFN.start_execution(stateMachineArn=v1, name="by-version")["executionArn"])
    assert e["stateMachineVersionArn"] == v1 and e["stateMachineArn"] == arn and "stateMachineAliasArn" not in e, e
    SFN.delete_state_machine_version(stateMachineVersionArn=v1)
    SFN.delete_state_machine_version(stateMachineVersionArn=v1)
    fails("StateMachineDoesNotExist", SFN.start_execution, stateMachineArn=v1)
    assert SFN.describe_state_machine_for_execution(executionArn=e["executionArn"])["definition"] == PASS
    fails("InvalidArn", SFN.delete_state_machine_version, stateMachineVersionArn=arn)
    fails("InvalidArn", SFN.list_state_machine_versions, stateMachineArn=arn + "x")


def check_aliases():
    created = SFN.create_state_machine(name="aliases", definition=PASS, roleArn=ROLE, publish=True)
    arn, v1 = created["stateMachineArn"], created["stateMachineVersionArn"]
    v2 = SFN.update_state_machine(stateMachineArn=arn, definition=definition(("Q", {"Type": "Pass"})), publish=True)["stateMachineVersionArn"]
    half = [{"stateMachineVersionArn": v1, "weight": 50}, {"stateMachineVersionArn": v2, "weight": 50}]
    alias = SFN.create_state_machine_alias(name="PROD", routingConfiguration=half)["stateMachineAliasArn"]
    assert alias == arn + ":PROD"
    assert SFN.create_state_machine_alias(name="PROD", routingConfiguration=half)["stateMachineAliasArn"] == alias
    fails("ConflictException", SFN.create_state_machine_alias, name="PROD", routingConfiguration=[{"stateMachineVersionArn": v1, "weight": 100}])
    for wrong in ([], [{"stateMachineVersionArn": v1, "weight": 99}], [half[0], half[0]], [{"stateMachineVersionArn": arn, "weight": 100}],
                  [{"stateMachineVersionArn": v1, "weight": 101}], half + half):
        fails("ValidationException", SFN.create_state_machine_alias, name="WRONG", routingConfiguration=wrong)
    fails("ValidationException", SFN.create_state_machine_alias, "Member must satisfy regular expression pattern", name="123", routingConfiguration=half)
    fails("ResourceNotFound", SFN.create_state_machine_alias, name="WRONG", routingConfiguration=[{"stateMachineVersionArn": arn + ":9", "weight": 100}])
    seen = {}
    for i in range(40):
        e = ended(SFN.start_execution(stateMachineArn=alias, name=f"by-alias-{i}")["executionArn"])
        assert e["stateMachineAliasArn"] == alias
        seen[e["stateMachineVersionArn"]] = seen.get(e["stateMachineVersionArn"], 0) + 1
    assert set(seen) == {v1, v2}, seen
    assert len(pages(SFN.list_executions, "executions", stateMachineArn=alias, maxResults=7)[0]) == 40
    assert len(pages(SFN.list_executions, "executions", stateMachineArn=v1)[0]) == seen[v1]
    fails("ConflictException", SFN.delete_state_machine_version, "[PROD]", stateMachineVersionArn=v2)
    SFN.update_state_machine_alias(stateMachineAliasArn=alias, description="all on the first", routingConfiguration=[{"stateMachineVersionArn": v1, "weight": 100}])
    d = SFN.describe_state_machine_alias(stateMachineAliasArn=alias)
    assert (d["name"], d["description"], d["routingConfiguration"]) == ("PROD", "all on the first", [{"stateMachineVersionArn": v1, "weight": 100}]), d
    assert d["updateDate"] >= d["creationDate"]
    fails("ValidationException", SFN.update_state_machine_alias, stateMachineAliasArn=alias)
    SFN.delete_state_machine_version(stateMachineVersionArn=v2)
    listed = SFN.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]
    assert [a["stateMachineAliasArn"] for a in listed] == [alias]
    assert len(SFN.list_state_machine_aliases(stateMachineArn=v1)["stateMachineAliases"]) == 1
    SFN.delete_state_machine_alias(stateMachineAliasArn=alias)
    fails("ResourceNotFound", SFN.delete_state_machine_alias, stateMachineAliasArn=alias)
    fails("ResourceNotFound", SFN.describe_state_machine_alias, stateMachineAliasArn=alias)
    fails("StateMachineDoesNotExist", SFN.start_execution, stateMachineArn=alias)


def check_executions():
    arn = machine("executions", definition(("P", {"Type": "Pass", "Result": {"n": 1}})))
    started = SFN.start_execution(stateMachineArn=arn, name="one", input='{"b": 2, "a": 1}', traceHeader="Root=1-2-3")
    assert started["executionArn"] == DEFINITION_PREFIX + ":execution:executions:one"
    d = ended(started["executionArn"])
    assert d["status"] == "SUCCEEDED" and json.loads(d["input"]) == {"a": 1, "b": 2} and json.loads(d["output"]) == {"n": 1}, d
    assert d["startDate"] == started["startDate"] and d["stopDate"] >= d["startDate"] and d["name"] == "one", d
    assert d["inputDetails"] == {"included": True} and d["outputDetails"] == {"included": True}, d
    assert d["redriveCount"] == 0 and d["redriveStatus"] == "NOT_REDRIVABLE" and "SUCCEEDED" in d["redriveStatusReason"], d
    assert d["traceHeader"] == "Root=1-2-3", d
    m = SFN.describe_execution(executionArn=started["executionArn"], includedData="METADATA_ONLY")
    assert "input" not in m and "output" not in m
    fails("ExecutionAlreadyExists", SFN.start_execution, f"Execution Already Exists: '{started['executionArn']}'", stateMachineArn=arn, name="one", input='{"b": 2, "a": 1}')
    unnamed = SFN.start_execution(stateMachineArn=arn)["executionArn"]
    assert json.loads(ended(unnamed)["input"]) == {}
    for text in ("{", "", "{} {}", "nonsense"):
        fails("InvalidExecutionInput", SFN.start_execution, "Invalid State Machine Execution Input: ", stateMachineArn=arn, input=text)
    fails("InvalidName", SFN.start_execution, stateMachineArn=arn, name="a b")

    long = machine("executions-long", FOREVER)
    first = SFN.start_execution(stateMachineArn=long, name="same", input='{"a":1}')
    assert SFN.start_execution(stateMachineArn=long, name="same", input='{ "a": 1 }') ["startDate"] == first["startDate"]
    fails("ExecutionAlreadyExists", SFN.start_execution, stateMachineArn=long, name="same", input='{"a":2}')
    assert "stopDate" not in SFN.describe_execution(executionArn=first["executionArn"])
    assert SFN.list_executions(stateMachineArn=long, statusFilter="RUNNING")["executions"][0]["name"] == "same"
    stopped = SFN.stop_execution(executionArn=first["executionArn"], error="Mine", cause="because")
    d = ended(first["executionArn"])
    assert (d["status"], d["error"], d["cause"]) == ("ABORTED", "Mine", "because"), d
    assert d["stopDate"] >= stopped["stopDate"] - datetime.timedelta(seconds=1), (d, stopped)
    assert types(first["executionArn"])[-1] == "ExecutionAborted"
    SFN.stop_execution(executionArn=first["executionArn"])
    assert SFN.list_executions(stateMachineArn=long, statusFilter="ABORTED")["executions"][0]["status"] == "ABORTED"

    failing = machine("executions-fail", definition(("F", {"Type": "Fail", "Error": "E", "Cause": "C"})))
    d = ended(SFN.start_execution(stateMachineArn=failing)["executionArn"])
    assert (d["status"], d["error"], d["cause"], d["redriveStatus"]) == ("FAILED", "E", "C", "REDRIVABLE") and "output" not in d, d
    late = machine("executions-late", definition(("W", {"Type": "Wait", "Seconds": 3600}), TimeoutSeconds=1))
    d = ended(SFN.start_execution(stateMachineArn=late)["executionArn"])
    assert d["status"] == "TIMED_OUT" and "error" not in d, d
    assert SFN.list_executions(stateMachineArn=late, statusFilter="TIMED_OUT")["executions"]
    assert not SFN.list_executions(stateMachineArn=late, statusFilter="FAILED")["executions"]

    for i in range(12):
        SFN.start_execution(stateMachineArn=arn, name=f"page-{i}")
    listed, count = pages(SFN.list_executions, "executions", stateMachineArn=arn, maxResults=5)
    assert len(listed) == 14 and count == 3, (len(listed), count)
    assert [e["name"] for e in listed[:12]] == [f"page-{i}" for i in range(11, -1, -1)], listed
    fails("ValidationException", SFN.list_executions)
    f = SFN.describe_state_machine_for_execution(executionArn=unnamed)
    assert f["stateMachineArn"] == arn and f["roleArn"] == ROLE and json.loads(f["definition"])["StartAt"] == "P"


def check_history():
    arn = machine("history", definition(("A", {"Type": "Pass"}), ("B", {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": 0, "Next": "C"}]}), ("C", {"Type": "Succeed"})))
    e = SFN.start_execution(stateMachineArn=arn, input='{"n":1}')["executionArn"]
    ended(e)
    events = history(e)
    want = ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ChoiceStateEntered", "ChoiceStateExited", "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded"]
    assert [x["type"] for x in events] == want, events
    assert [x["id"] for x in events] == list(range(1, 9)) and [x["previousEventId"] for x in events] == list(range(8))
    assert events[0]["executionStartedEventDetails"]["roleArn"] == ROLE
    assert json.loads(events[1]["stateEnteredEventDetails"]["input"]) == {"n": 1}
    assert isinstance(events[0]["timestamp"], datetime.datetime)
    assert history(e, maxResults=3) == events and history(e, maxResults=1) == events
    assert history(e, reverseOrder=True, maxResults=3) == events[::-1]
    assert history(e, reverseOrder=True) == events[::-1]
    assert "input" not in history(e, includeExecutionData=False)[0]["executionStartedEventDetails"]
    fails("InvalidToken", SFN.get_execution_history, executionArn=e, nextToken="nonsense")
    fails("ExecutionDoesNotExist", SFN.get_execution_history, executionArn=e + "x")


def check_redrive():
    text = definition(("A", {"Type": "Pass"}), ("T", {"Type": "Task", "Resource": "arn:tutti:command", "Parameters": {"Command": ["sh", "-c", "test -e ok && echo '{}'"]}}))
    arn = machine("redrive", text)
    e = SFN.start_execution(stateMachineArn=arn)["executionArn"]
    d = ended(e)
    assert d["status"] == "FAILED" and d["redriveStatus"] == "REDRIVABLE", d
    first = SFN.redrive_execution(executionArn=e, clientToken="token-1")["redriveDate"]
    d = ended(e)
    assert d["status"] == "FAILED" and d["redriveCount"] == 1, d
    assert SFN.redrive_execution(executionArn=e, clientToken="token-1")["redriveDate"] == first
    assert SFN.describe_execution(executionArn=e)["redriveCount"] == 1
    open("ok", "w").close()
    SFN.redrive_execution(executionArn=e)
    d = ended(e)
    assert d["status"] == "SUCCEEDED" and d["redriveCount"] == 2 and d["redriveDate"] >= first, d
    assert types(e).count("ExecutionRedriven") == 2 and types(e).count("PassStateEntered") == 1
    fails("ExecutionNotRedrivable", SFN.redrive_execution, "Execution is SUCCEEDED and cannot be redriven", executionArn=e)
    assert [x["redriveCount"] for x in SFN.list_executions(stateMachineArn=arn, redriveFilter="REDRIVEN")["executions"]] == [2]
    assert not SFN.list_executions(stateMachineArn=arn, redriveFilter="NOT_REDRIVEN")["executions"]


def check_activities():
    created = SFN.create_activity(name="act", tags=[{"key": "k", "value": "v"}])
    act = created["activityArn"]
    assert act == DEFINITION_PREFIX + ":activity:act"
    assert SFN.create_activity(name="act")["creationDate"] == created["creationDate"]
    assert SFN.describe_activity(activityArn=act)["name"] == "act"
    assert "act" in [a["name"] for a in SFN.list_activities()["activities"]]
    fails("ActivityDoesNotExist", SFN.describe_activity, activityArn=act + "x")
    fails("ActivityDoesNotExist", SFN.get_activity_task, activityArn=act + "x")
    fails("InvalidName", SFN.create_activity, name="a b")
    arn = machine("activity", definition(("T", {"Type": "Task", "Resource": act, "HeartbeatSeconds": 600})))
    e = SFN.start_execution(stateMachineArn=arn, input='{"job":1}')["executionArn"]
    task = SFN.get_activity_task(activityArn=act, workerName="worker-1")
    assert json.loads(task["input"]) == {"job": 1}, task
    SFN.send_task_heartbeat(taskToken=task["taskToken"])
    fails("InvalidOutput", SFN.send_task_success, taskToken=task["taskToken"], output="{")
    SFN.send_task_success(taskToken=task["taskToken"], output='{"done":true}')
    assert json.loads(ended(e)["output"]) == {"done": True}
    started = [x for x in history(e) if x["type"] == "ActivityStarted"]
    assert started[0]["activityStartedEventDetails"]["workerName"] == "worker-1", started
    fails("TaskTimedOut", SFN.send_task_success, taskToken=task["taskToken"], output="{}")
    fails("InvalidToken", SFN.send_task_success, "Invalid Token: 'Invalid token'", taskToken="nonsense", output="{}")
    # A worker that waits first gets the task that comes.
    got = []
    waiting = threading.Thread(target=lambda: got.append(client().get_activity_task(activityArn=act)))
    waiting.start()
    e = SFN.start_execution(stateMachineArn=arn)["executionArn"]
    waiting.join()
    SFN.send_task_failure(taskToken=got[0]["taskToken"], error="Bad", cause="why")
    d = ended(e)
    assert (d["status"], d["error"], d["cause"]) == ("FAILED", "Bad", "why"), d
    # A task whose execution was stopped is offered to nobody.
    e = SFN.start_execution(stateMachineArn=arn, name="gone")["executionArn"]
    SFN.stop_execution(executionArn=e)
    e = SFN.start_execution(stateMachineArn=arn, name="there", input='{"there":1}')["executionArn"]
    task = SFN.get_activity_task(activityArn=act)
    assert json.loads(task["input"]) == {"there": 1}
    SFN.send_task_success(taskToken=task["taskToken"], output="{}")
    ended(e)
    slow = machine("activity-slow", definition(("T", {"Type": "Task", "Resource": act, "HeartbeatSeconds": 1})))
    e = SFN.start_execution(stateMachineArn=slow)["executionArn"]
    task = SFN.get_activity_task(activityArn=act)
    d = ended(e)
    assert d["status"] == "FAILED" and d["error"] == "States.HeartbeatTimeout" or d["error"] == "States.Timeout", d
    fails("TaskTimedOut", SFN.send_task_heartbeat, "Task Timed Out: ", taskToken=task["taskToken"])
    SFN.delete_activity(activityArn=act)
    SFN.delete_activity(activityArn=act)
    fails("ActivityDoesNotExist", SFN.describe_activity, activityArn=act)


def check_callback():
    text = definition(("T", {"Type": "Task", "Resource": "arn:tutti:command.waitForTaskToken",
                             "Parameters": {"Command": ["sh", "-c", "printf %s \"$TOKEN\" >token; echo '{}'"], "Environment": {"TOKEN.$": "$$.Task.Token"}}}))
    arn = machine("callback", text)
    e = SFN.start_execution(stateMachineArn=arn)["executionArn"]
    token, deadline = "", time.monotonic() + 20
    while not token and time.monotonic() < deadline:
        try:
            token = open("token").read()
        except FileNotFoundError:
            pass
        time.sleep(0.02)
    SFN.send_task_success(taskToken=token, output='{"called":"back"}')
    assert json.loads(ended(e)["output"]) == {"called": "back"}
    assert "TaskSubmitted" in types(e) or "TaskSucceeded" in types(e), types(e)


def check_map_runs():
    inner = {"StartAt": "P", "States": {"P": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 3, "Next": "F"}], "Default": "S"},
                                        "F": {"Type": "Fail", "Error": "Three"}, "S": {"Type": "Succeed"}}}
    text = definition(("M", {"Type": "Map", "Label": "Items", "MaxConcurrency": 2, "ToleratedFailureCount": 1,
                             "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **inner}}))
    arn = machine("maprun", text)
    e = SFN.start_execution(stateMachineArn=arn, input="[1,2,3,4]")["executionArn"]
    d = ended(e)
    assert d["status"] == "SUCCEEDED" and json.loads(d["output"]) == [1, 2, 4], d
    runs = SFN.list_map_runs(executionArn=e)["mapRuns"]
    assert len(runs) == 1 and runs[0]["stateMachineArn"] == arn + "/Items" and runs[0]["executionArn"] == e, runs
    run = runs[0]["mapRunArn"]
    m = SFN.describe_map_run(mapRunArn=run)
    assert m["status"] == "SUCCEEDED" and m["executionArn"] == e and m["maxConcurrency"] == 2 and m["toleratedFailureCount"] == 1, m
    assert (m["itemCounts"]["total"], m["itemCounts"]["succeeded"], m["itemCounts"]["failed"]) == (4, 3, 1), m
    assert m["executionCounts"]["total"] == 4
    listed, _ = pages(SFN.list_executions, "executions", mapRunArn=run, maxResults=3)
    assert len(listed) == 4 and {x["status"] for x in listed} == {"SUCCEEDED", "FAILED"} and listed[0]["mapRunArn"] == run, listed
    failed = SFN.list_executions(mapRunArn=run, statusFilter="FAILED")["executions"]
    assert len(failed) == 1 and failed[0]["itemCount"] == 1, failed
    child = SFN.describe_execution(executionArn=failed[0]["executionArn"])
    assert (child["status"], child["error"], child["input"], child["mapRunArn"]) == ("FAILED", "Three", "3", run), child
    assert types(failed[0]["executionArn"])[0] == "ExecutionStarted"
    f = SFN.describe_state_machine_for_execution(executionArn=failed[0]["executionArn"])
    assert (f["stateMachineArn"], f["mapRunArn"], f["label"], f["definition"]) == (arn + "/Items", run, "Items", text), f
    assert [x["mapRunStartedEventDetails"]["mapRunArn"] for x in history(e) if x["type"] == "MapRunStarted"] == [run]
    r = fails("ValidationException", SFN.update_map_run, mapRunArn=run, maxConcurrency=5)
    assert r["reason"] == "CANNOT_UPDATE_COMPLETED_MAP_RUN", r
    fails("ResourceNotFound", SFN.describe_map_run, mapRunArn=run + "x")

    slow = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    arn = machine("maprun-slow", definition(("M", {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **slow}})))
    e = SFN.start_execution(stateMachineArn=arn, input="[1,2,3]")["executionArn"]
    deadline = time.monotonic() + 20
    runs = []
    while time.monotonic() < deadline and not runs:
        runs = SFN.list_map_runs(executionArn=e)["mapRuns"]
    run = runs[0]["mapRunArn"]
    SFN.update_map_run(mapRunArn=run, maxConcurrency=2)
    m = SFN.describe_map_run(mapRunArn=run)
    assert m["status"] == "RUNNING" and m["maxConcurrency"] == 2 and m["itemCounts"]["running"] == 2 and m["itemCounts"]["pending"] == 1, m
    SFN.stop_execution(executionArn=e)
    assert ended(e)["status"] == "ABORTED"


def check_express():
    text = definition(("P", {"Type": "Pass", "Parameters": {"got.$": "$.n"}}))
    arn = machine("express", text, type="EXPRESS")
    s = SFN.start_sync_execution(stateMachineArn=arn, name="sync", input='{"n":7}')
    assert s["status"] == "SUCCEEDED" and json.loads(s["output"]) == {"got": 7} and s["name"] == "sync", s
    assert s["executionArn"].startswith(DEFINITION_PREFIX + ":express:express:sync:"), s
    assert s["billingDetails"]["billedMemoryUsedInMB"] == 64 and s["billingDetails"]["billedDurationInMilliseconds"] % 100 == 0, s
    assert s["stopDate"] >= s["startDate"]
    one = SFN.start_execution(stateMachineArn=arn, name="again", input='{"n":1}')
    two = SFN.start_execution(stateMachineArn=arn, name="again", input='{"n":2}')
    assert one["executionArn"] != two["executionArn"]
    fails("StateMachineTypeNotSupported", SFN.list_executions, stateMachineArn=arn)
    fails("InvalidArn", SFN.describe_execution, executionArn=s["executionArn"])
    fails("InvalidArn", SFN.get_execution_history, executionArn=s["executionArn"])
    standard = machine("express-not", PASS)
    fails("StateMachineTypeNotSupported", SFN.start_sync_execution, stateMachineArn=standard)
    bad = machine("express-fail", definition(("F", {"Type": "Fail", "Error": "E", "Cause": "C"})), type="EXPRESS")
    s = SFN.start_sync_execution(stateMachineArn=bad)
    assert (s["status"], s["error"], s["cause"]) == ("FAILED", "E", "C") and "output" not in s, s
    late = machine("express-late", definition(("W", {"Type": "Wait", "Seconds": 3600}), TimeoutSeconds=1), type="EXPRESS")
    assert SFN.start_sync_execution(stateMachineArn=late)["status"] == "TIMED_OUT"
    fails("InvalidDefinition", SFN.create_state_machine, name="express-token", roleArn=ROLE, type="EXPRESS",
          definition=definition(("T", {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {}})))


def check_tags():
    arn = machine("tags", tags=[{"key": "a", "value": "1"}])
    SFN.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}, {"key": "a", "value": "3"}])
    assert SFN.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "3"}, {"key": "b", "value": "2"}]
    SFN.untag_resource(resourceArn=arn, tagKeys=["a", "zzz"])
    assert SFN.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    act = SFN.create_activity(name="tagged")["activityArn"]
    SFN.tag_resource(resourceArn=act, tags=[{"key": "x", "value": ""}])
    assert SFN.list_tags_for_resource(resourceArn=act)["tags"] == [{"key": "x", "value": ""}]
    fails("ResourceNotFound", SFN.tag_resource, f"Resource not found: '{arn}x'", resourceArn=arn + "x", tags=[{"key": "b", "value": "2"}])
    fails("TooManyTags", SFN.tag_resource, resourceArn=arn, tags=[{"key": str(i), "value": ""} for i in range(50)])
    fails("InvalidArn", SFN.list_tags_for_resource, resourceArn="nonsense")


def check_validate():
    ok = SFN.validate_state_machine_definition(definition=PASS)
    assert ok["result"] == "OK" and ok["diagnostics"] == [] and ok["truncated"] is False, ok
    bad = SFN.validate_state_machine_definition(definition=definition(("A", {"Type": "Pass", "Next": "Gone"}), ("B", {"Type": "Pass", "Next": "Lost"}), ("C", {"Type": "Pass"})))
    assert bad["result"] == "FAIL" and {d["code"] for d in bad["diagnostics"]} >= {"MISSING_TRANSITION_TARGET"}, bad
    assert bad["diagnostics"][0]["severity"] == "ERROR" and bad["diagnostics"][0]["location"].startswith("/States/"), bad
    one = SFN.validate_state_machine_definition(definition="{}", maxResults=1)
    assert one["result"] == "FAIL" and len(one["diagnostics"]) == 1, one
    fails("ValidationException", SFN.validate_state_machine_definition, maxResults=101, definition=PASS)


def check_test_state():
    r = SFN.test_state(definition=json.dumps({"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.r", "End": True}), input='{"i":1}', roleArn=ROLE)
    assert r["status"] == "SUCCEEDED" and json.loads(r["output"]) == {"i": 1, "r": {"a": 1}}, r
    r = SFN.test_state(definition=json.dumps({"Type": "Choice", "Choices": [{"Variable": "$.n", "IsPresent": True, "Next": "Yes"}], "Default": "No"}), input='{"n":1}', roleArn=ROLE)
    assert r["status"] == "SUCCEEDED" and r["nextState"] == "Yes", r
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}, "End": True,
            "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 3}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    r = SFN.test_state(definition=json.dumps(task), roleArn=ROLE, mock={"errorOutput": {"error": "Busy", "cause": "c"}})
    assert r["status"] == "RETRIABLE" and r["error"] == "Busy", r
    r = SFN.test_state(definition=json.dumps(task), roleArn=ROLE, mock={"errorOutput": {"error": "Other", "cause": "c"}})
    assert r["status"] == "CAUGHT_ERROR" and r["nextState"] == "Caught", r
    r = SFN.test_state(definition=json.dumps(task), roleArn=ROLE, mock={"result": '{"StatusCode":200,"Payload":"{}"}', "fieldValidationMode": "NONE"}, inspectionLevel="DEBUG")
    assert r["status"] == "SUCCEEDED" and "inspectionData" in r, r
    fails("InvalidDefinition", SFN.test_state, definition="{", roleArn=ROLE)


def check_deleting():
    arn = machine("deleting", FOREVER)
    e = SFN.start_execution(stateMachineArn=arn)["executionArn"]
    SFN.delete_state_machine(stateMachineArn=arn)
    d = ended(e)
    assert d["status"] == "ABORTED", d
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert SFN.describe_state_machine(stateMachineArn=arn)["status"] == "DELETING"
        except SFN.exceptions.StateMachineDoesNotExist:
            break
    fails("StateMachineDoesNotExist", SFN.start_execution, stateMachineArn=arn)


def check_regions():
    far = boto3.client("stepfunctions", endpoint_url=URL, region_name="eu-west-1")
    arn = far.create_state_machine(name="far", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    assert arn.startswith("arn:aws:states:eu-west-1:"), arn
    assert "far" not in [m["name"] for m in pages(SFN.list_state_machines, "stateMachines")[0]]
    assert "far" in [m["name"] for m in far.list_state_machines()["stateMachines"]]


def check_covers():
    """Every action of the service is driven by some check."""
    text = open(__file__).read()
    missing = [m for m in SFN.meta.method_to_api_mapping if f"SFN.{m}" not in text and f".{m}(" not in text]
    assert not missing, missing


def main():
    names = sys.argv[2:] or [n[len("check_"):] for n in globals() if n.startswith("check_")]
    wrong = 0
    for name in names:
        try:
            globals()["check_" + name]()
            print("ok", name, flush=True)
        except Exception:
            wrong += 1
            print("FAILED", name, flush=True)
            traceback.print_exc(file=sys.stdout)
    sys.exit(1 if wrong else 0)


main()
