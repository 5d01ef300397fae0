class TestModule:
    def tests(self):
        return {"longer_than": lambda value, n: len(value) > n}
