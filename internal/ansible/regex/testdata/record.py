"""Records what Python's re makes of the cases below: python3 record.py > recorded.json"""
import json, re, sys

PATTERNS = [
    (r"a(b)?c", ["abc", "ac", "xacx", ""]),
    (r"(?P<first>\w+)\s+(?P<second>\w+)", ["hello big world", "x", "Grüße an alle", "a\tb"]),
    (r"^(.*)\.conf$", ["a.conf", "a.conf\n", "dir/b.conf", "a.conf.bak"]),
    (r"(?m)^x=(.*)$", ["a\nx=1\nx=2\n", "x="]),
    (r"(?i)HELLO", ["hello Hello", "hell"]),
    (r"(?s)a.b", ["a\nb"]), (r"a.b", ["a\nb", "axb"]),
    (r"(?x) a \s* b  # comment )(\n c", ["a bc", "abc"]),
    (r"\d+", ["a1b22", "٣٤", ""]), (r"(?a)\d+", ["٣٤5"]), (r"(?a)\w+", ["Grüße"]), (r"\W+", ["a, b;c", "ü"]),
    (r"[\w.]+@[\w.]+", ["mail bob@example.org now"]),
    (r"[^\s]+", [" a b "]), (r"[\W_]+", ["a_b--c"]), (r"[]a]+", ["]a]"]), (r"[^]a]+", ["b]c"]), (r"[a\]b]+", ["a]b"]),
    (r"[a-c-]+", ["a-b"]), (r"[[]x", ["[x"]), (r"[a-z&&[^b]]", ["b]", "a"]), (r"[-a]+", ["-a"]),
    (r"(a)(?P<n>b)(c)\1(?P=n)\3", ["abcabc", "abcabd"]),
    (r"(a)|(b)", ["b", "ab"]), (r"(?:a|b)+", ["abba"]),
    (r"x*", ["abxd", "xx", ""]), (r"\b", ["a b"]), (r"(?=b)", ["abab"]), (r"a??", ["aa"]),
    (r"(?<=a)b", ["ab cb"]), (r"(?<!a)b", ["ab cb"]), (r"a(?!b)", ["abac"]),
    (r"(a)?b(?(1)c|d)", ["abc", "bd", "bc"]), (r"(?P<q>['\"])?x(?(q)(?P=q)|y)", ["'x'", "xy"]),
    (r"a{2}", ["aaa"]), (r"a{,2}", ["aaa"]), (r"a{1,}", ["aaa"]), (r"a{x}", ["a{x}"]), (r"a{", ["a{"]), (r"{}", ["{}"]), (r"a{,}", ["aa"]),
    (r"a++b", ["aab"]), (r"a++a", ["aaa"]), (r"(?>a+)a", ["aaa"]), (r"(ab)?+c", ["abc"]), (r"[ab]*+b", ["abab"]),
    (r"\Aabc\Z", ["abc", "abc\n"]), (r"abc$", ["abc\n", "abc\nx"]),
    (r"(?i:A)b", ["ab", "aB"]), (r"(?-i:a)B(?i)", ["x"]), (r"(?P<a>x)(?P<a>y)", ["xy"]), (r"(?<n>x)", ["x"]),
    (r"a\.b\-c\_d\ e\/f\#", ["a.b-c_d e/f#"]), (r"\x41\u00e4\U0001F600\101\0", ["Aä😀A\x00"]), (r"[\x41-\x43]+", ["ABCD"]),
    (r"\y", ["y"]), (r"(", ["("]), (r")", [")"]), (r"[a", ["a"]), (r"*a", ["a"]), (r"a**", ["a"]), (r"a{2}{3}", ["a"]), (r"\2(a)", ["a"]),
    (r"[z-a]", ["a"]), (r"[\w-a]", ["a"]), ("a\\", ["a"]), (r"(?P<1a>x)", ["x"]), (r"(?P=n)", ["x"]), (r"(?#note)a", ["a"]), (r"(?", ["a"]), (r"a(?i)b", ["ab"]),
    (r"a{3,2}", ["a"]), (r"(?P<n>a)(?P>n)", ["a"]), (r"(a\1)", ["aa"]), (r"\x4", ["x"]), (r"(?:", ["x"]), (r"(?#x", ["x"]), (r"|a", ["a", "b"]), (r"()", ["a"]),
    (r"(\w+)(?:\s*=\s*(\w+))?", ["key = value", "key"]), (r"é", ["café"]), (r".", ["😀é"]), (r"\s+", ["a\u00a0b\u2003c\x1cd"]),
    (r"([^,]*),?", ["a,b,,c"]), (r"(?m)$", ["a\nb\n"]), (r"(?m)^", ["a\nb\n"]), (r"\B", ["ab c"]), (r"[\d\-x]+", ["1-x"]), (r"[\S]+", ["a b"]), (r"[^\W\d]+", ["1ab2"]), (r"(?ms)^a.*?^b", ["x\na\nq\nb"]),
]
TEMPLATES = [r"<\1>", r"\g<0>!", r"\g<first>-\g<second>", r"\n\t\\", r"\g<1>0", r"\10", r"\q", r"\.", r"\g<nope>", r"\g<9>", r"\g<", r"\g", "\\", r"\0x\012", r"\101", r"$1", r"\g<-1>", r"\g<>"]

def tried(f):
    try:
        return {"value": f()}
    except re.error as e:
        return {"error": str(e)}
    except IndexError as e:
        return {"error": str(e)}

def match(m):
    return None if m is None else {"span": list(m.span()), "groups": list(m.groups()), "names": m.groupdict()}

out = []
for pattern, texts in PATTERNS:
    try:
        re.compile(pattern)
    except re.error as e:
        out.append({"pattern": pattern, "error": str(e)})
        continue
    r = re.compile(pattern)
    for t in texts:
        case = {"pattern": pattern, "text": t, "search": match(r.search(t)), "match": match(r.match(t)), "fullmatch": match(r.fullmatch(t)),
                "all": [list(m.span()) for m in r.finditer(t)], "split": r.split(t), "split1": r.split(t, 1), "sub": {}}
        for tpl in TEMPLATES[:2] + (TEMPLATES[2:] if r.groups >= 2 and "first" in r.groupindex or pattern == r"a(b)?c" else []):
            case["sub"][tpl] = tried(lambda: list(r.subn(tpl, t)))
        out.append(case)
print(json.dumps({"escape": {s: re.escape(s) for s in ["a.b*c", "x y\n#&~-", "é_1", "[](){}?+^$|\\/'\""]}, "cases": out}, indent=1, sort_keys=True))
