#!/usr/bin/python
from __future__ import annotations

DOCUMENTATION = "module: greet"

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import (
    to_native,  # a comment
    to_text,
)
from ..module_utils.deep import words as w
from ansible_collections.acme.tools.plugins.module_utils.moved import shout
try:
    import no_such_library
    from ansible_collections.acme.tools.plugins.module_utils import nothing
except ImportError:
    pass


def main():
    module = AnsibleModule(argument_spec=dict(name=dict(required=True), count=dict(type="int", default=1), secret=dict(no_log=True)),
                           supports_check_mode=True)
    if module.params["name"] == "nobody":
        module.fail_json(msg="there is nobody", code=7)
    module.warn("a warning")
    module.deprecate("an old thing", version="9.0", collection_name="acme.tools")
    module.exit_json(changed=not module.check_mode, said=shout(w.greeting(to_text(module.params["name"]))), count=module.params["count"],
                     verbosity=module._verbosity, diff=dict(before="", after="x") if module._diff else None)


if __name__ == "__main__":
    main()
