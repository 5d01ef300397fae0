"""Reads calls, one a line, and writes what botocore's serializers make of each, one a line."""
import base64
import json
import re
import sys
from urllib.parse import parse_qsl

import botocore.model
import botocore.serialize
import botocore.session

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


for line in sys.stdin:
    call = json.loads(line)
    model, names = service(call["service"])
    operation = model.operation_model(names[call["operation"]])
    shape = operation.input_shape
    serializer = botocore.serialize.create_serializer(call["protocol"], include_validation=False)
    sent = serializer.serialize_to_request(native(shape, call["input"]) if shape else {}, operation)
    path, _, query = sent["url_path"].partition("?")
    body, form = sent["body"], []
    if isinstance(body, dict):
        body, form = b"", pairs(body.items())
    if isinstance(body, str):
        body = body.encode()
    print(json.dumps({
        "method": sent["method"],
        "path": path,
        "query": [list(p) for p in parse_qsl(query, keep_blank_values=True)] + pairs((sent["query_string"] or {}).items()),
        "headers": {n.lower(): str(v) for n, v in sent["headers"].items()},
        "host": sent.get("host_prefix") or "",
        "form": form,
        "body": base64.b64encode(bytes(body)).decode(),
    }))
