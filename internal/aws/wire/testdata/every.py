"""Reads calls, one a line, and writes what botocore's serializers make of each, one a line.

With the argument "answers" it reads answers, and writes what botocore's parsers make of each.
"""
import base64
import datetime
import json
import re
import sys
from urllib.parse import parse_qsl

import botocore.model
import botocore.parsers
import botocore.serialize
import botocore.session
from botocore.awsrequest import HeadersDict

# Samples have every member, those of unions too.
botocore.model.StructureShape.is_tagged_union = False

loader = botocore.session.Session().get_component("data_loader")
services = {}


def service(name):
    if name not in services:
        model = botocore.model.ServiceModel(loader.load_service_model(name, "service-2"), name)
        # CloudFront's names end in the API's date.
        names = {re.sub(r"\d{4}_\d{2}_\d{2}$", "", n): n for n in model.operation_names}
        services[name] = model, names
    return services[name]


def native(shape, value, payload=False):
    """Turns binary values, in base64 but for bodies, into bytes, and puts members into the model's order."""
    if shape.type_name == "structure" and not shape.is_document_type:
        body = shape.serialization.get("payload")
        return {n: native(m, value[n], n == body) for n, m in shape.members.items() if n in value}
    if shape.type_name == "list":
        return [native(shape.member, v) for v in value]
    if shape.type_name == "map":
        return {k: native(shape.value, v) for k, v in value.items()}
    if shape.type_name == "blob":
        return value.encode() if payload else base64.b64decode(value)
    return value


def pairs(items):
    out = []
    for name, value in items:
        for one in value if isinstance(value, (list, tuple)) else [value]:
            out.append([name, str(one)])
    return out


def plain(shape, value, payload=False):
    """Turns what a parser gives into JSON: times in ISO 8601, bytes in base64 but for bodies."""
    if value is None:
        return None
    if shape.type_name == "structure" and not shape.is_document_type:
        body = shape.serialization.get("payload")
        return {n: plain(shape.members[n], v, n == body) for n, v in value.items() if n in shape.members}
    if shape.type_name == "list":
        return [plain(shape.member, v) for v in value]
    if shape.type_name == "map":
        return {k: plain(shape.value, v) for k, v in value.items()}
    if shape.type_name == "blob" and not isinstance(value, str):
        return value.decode() if payload else base64.b64encode(value).decode()
    if shape.type_name == "timestamp":
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def sent(call, operation):
    shape = operation.input_shape
    serializer = botocore.serialize.create_serializer(call["protocol"], include_validation=False)
    request = serializer.serialize_to_request(native(shape, call["input"]) if shape else {}, operation)
    path, _, query = request["url_path"].partition("?")
    body, form = request["body"], []
    if isinstance(body, dict):
        body, form = b"", pairs(body.items())
    if isinstance(body, str):
        body = body.encode()
    return {
        "method": request["method"],
        "path": path,
        "query": [list(p) for p in parse_qsl(query, keep_blank_values=True)] + pairs((request["query_string"] or {}).items()),
        "headers": {n.lower(): str(v) for n, v in request["headers"].items()},
        "host": request.get("host_prefix") or "",
        "form": form,
        "body": base64.b64encode(bytes(body)).decode(),
    }


def answered(call, operation):
    parser = botocore.parsers.create_parser(call["protocol"])
    answer = {"status_code": 200, "headers": HeadersDict(call["headers"]), "body": base64.b64decode(call["body"] or "")}
    output = parser.parse(answer, operation.output_shape)
    output.pop("ResponseMetadata", None)
    return plain(operation.output_shape, output)


work = answered if sys.argv[1:] == ["answers"] else sent
for line in sys.stdin:
    call = json.loads(line)
    model, names = service(call["service"])
    print(json.dumps(work(call, model.operation_model(names[call["operation"]]))))
