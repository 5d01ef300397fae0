"""Writes what happens in a run as notes, one JSON object a line, to the file $NOTES."""
from __future__ import annotations

import json
import os
import re

from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: notes
type: notification
short_description: notes
description: Writes notes.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "notes"

    def __init__(self):
        super().__init__()
        self.numbers = {}
        self.entries = []

    def write(self, kind, **fields):
        fields = {k: v for k, v in fields.items() if v not in (None, "", False, [])}
        self.entries.append(dict(kind=kind, **fields))
        if kind == "recap":
            with open(os.environ["NOTES"], "w", encoding="utf-8") as out:
                for entry in self.entries:
                    out.write(json.dumps(entry, default=str, ensure_ascii=False) + "\n")

    def complete(self, host, results):
        """Gives items what a callback does not see of them."""
        mine = [e for e in self.entries if e["kind"] == "item" and e["host"] == host and not e["result"].get("_ansible_complete")]
        for entry, result in zip(mine, results):
            entry["result"]["_ansible_complete"] = True
            for key in ("failed", "skipped"):
                if isinstance(result, dict) and key in result:
                    entry["result"][key] = result[key]

    def number(self, task):
        return self.numbers.setdefault(task._uuid, len(self.numbers) + 1)

    def task(self, task, **more):
        path = task.get_path()
        if task._origin and task._origin.col_num:
            path += ":%d" % task._origin.col_num
        return dict(task=task.get_name().strip(), action=str(task.action), number=self.number(task), path=path, **more)

    def causes(self, event):
        out = []
        while event:
            context = event.formatted_source_context or ""
            found = re.match(r"Origin: (\S+)", context)
            out.append(dict(msg=event.msg, origin=found.group(1) if found else "", help=event.help_text or ""))
            event = event.chain.event if event.chain and event.chain.follow else None
        return out

    def result(self, kind, r, status, **more):
        d = dict(r.result)
        if kind == "result":
            self.complete(r.host.get_name(), r.result.get("results") or [])
        d.pop("results", None)
        if d.pop("exception", None) and r.exception:
            d["_ansible_causes"] = self.causes(r.exception.event)
        else:
            d["_ansible_causes"] = []
        for key in ("failed", "skipped"):
            if key in r._return_data:
                d[key] = r._return_data[key]
        d.pop("warnings", None)
        if r.warnings:
            d["warnings"] = [w.event.msg for w in r.warnings]
        d.pop("deprecations", None)
        d["_ansible_delegated_vars"] = d.get("_ansible_delegated_vars", {})
        host = d["_ansible_delegated_vars"].get("ansible_host")
        display = "always" if d.get("_ansible_verbose_always") else "never" if d.get("_ansible_verbose_override") else ""
        item = self._get_item_label(d)
        label = kind == "item"
        keep = ("_ansible_causes", "_ansible_no_log", "_ansible_delegated_vars")
        shown = {k: v for k, v in d.items() if not k.startswith("_ansible_") or k in keep}
        delegate = r.task.delegate_to
        self.write(kind, host=r.host.get_name(), delegate=str(delegate) if delegate else "", status=status, display=display,
                   item=item if label else None, label=label or bool(r.task.loop) and "results" in r.result, result=shown, **self.task(r.task), **more)

    def v2_playbook_on_start(self, playbook):
        self.write("playbook", text=playbook._file_name)

    def v2_playbook_on_play_start(self, play):
        self.write("play", play=play.get_name().strip(), check=bool(play.check_mode), display="late" if play.strategy in ("free", "host_pinned") else "")

    def v2_playbook_on_no_hosts_matched(self):
        self.write("no-hosts")

    def v2_playbook_on_no_hosts_remaining(self):
        self.write("none-left")

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.write("task", check=bool(task.check_mode), **self.task(task))

    def v2_playbook_on_handler_task_start(self, task):
        self.write("task", check=bool(task.check_mode), handler=True, **self.task(task))

    def status(self, r):
        return "changed" if r.result.get("changed") else "ok"

    def v2_runner_on_ok(self, r):
        if not isinstance(r.task, TaskInclude):
            self.result("result", r, self.status(r))

    def v2_runner_on_failed(self, r, ignore_errors=False):
        self.result("result", r, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, r):
        self.result("result", r, "skipped")

    def v2_runner_on_unreachable(self, r):
        self.result("result", r, "ignored" if r.task.ignore_unreachable else "unreachable")

    def v2_runner_item_on_ok(self, r):
        if not isinstance(r.task, TaskInclude):
            self.result("item", r, self.status(r))

    def v2_runner_item_on_failed(self, r):
        self.result("item", r, "failed")

    def v2_runner_item_on_skipped(self, r):
        self.result("item", r, "skipped")

    def v2_runner_retry(self, r):
        self.result("retry", r, "", retries=r.result["retries"], attempt=r.result["attempts"])

    def v2_playbook_on_include(self, included):
        item = self._get_item_label(included._vars)
        self.write("included", text=included._filename, hosts=[h.name for h in included._hosts], item=item, label=bool(item),
                   number=self.number(included._task))

    def v2_playbook_on_notify(self, handler, host):
        self.write("notified", host=str(host), text=handler.get_name())

    def v2_runner_on_async_poll(self, r):
        self.result("async-poll", r, "")

    def v2_runner_on_async_ok(self, r):
        self.result("async-poll", r, "ok")

    def v2_runner_on_async_failed(self, r):
        self.result("async-poll", r, "failed")

    def v2_playbook_on_stats(self, stats):
        recap = []
        for h in sorted(stats.processed):
            t = stats.summarize(h)
            recap.append(dict(host=h, ok=t["ok"], changed=t["changed"], unreachable=t["unreachable"], failed=t["failures"],
                              skipped=t["skipped"], rescued=t["rescued"], ignored=t["ignored"]))
        self.write("recap", recap=recap, custom=stats.custom or None)
