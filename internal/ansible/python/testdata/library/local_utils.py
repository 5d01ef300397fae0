#!/usr/bin/python3
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.house import KEY

module = AnsibleModule(argument_spec={})
module.exit_json(said=KEY)
