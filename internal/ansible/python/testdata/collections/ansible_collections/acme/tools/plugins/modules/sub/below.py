#!/usr/bin/python
from ansible.module_utils.basic import *


def main():
    module = AnsibleModule(argument_spec={})
    raise ValueError("not caught")


main()
