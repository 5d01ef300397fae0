from .more import HELLO


def greeting(name):
    return HELLO + ", " + name


def shout(text):
    return text.upper()
