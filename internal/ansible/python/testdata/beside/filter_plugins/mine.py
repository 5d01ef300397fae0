import datetime


def fail(value):
    raise ValueError("not this: %s" % value)


class FilterModule(object):
    def filters(self):
        print("printed by a plugin")
        return {"reverse_text": lambda s, end="": s[::-1] + end, "raises": fail, "kinds": lambda x: [1, 2.5, True, None, (1, 2), {3}, datetime.date(2026, 1, 2), b"b"],
                "echo": lambda x: x}
