"""Records what botocore, the foundation of the AWS SDK for Python, sends for the calls in cases.json:

    python3 record.py < cases.json > recorded.json

Nothing is sent: a handler answers in the place of the network.
"""
import base64
import json
import sys

import botocore.awsrequest
import botocore.config
import botocore.session


class Sent(Exception):
    pass


def native(shape, value, payload=False):
    """Turns the binary values of a case, in base64 but for bodies, into bytes."""
    if shape.type_name == "structure" and not shape.is_document_type:
        body = shape.serialization.get("payload")
        return {k: native(shape.members[k], v, k == body) for k, v in value.items()}
    if shape.type_name == "list":
        return [native(shape.member, v) for v in value]
    if shape.type_name == "map":
        return {k: native(shape.value, v) for k, v in value.items()}
    if shape.type_name == "blob":
        return value.encode() if payload else base64.b64decode(value)
    return value


def record(case):
    config = botocore.config.Config(
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"total_max_attempts": 1},
        sigv4a_signing_region_set="*",
        account_id_endpoint_mode="disabled",
    )
    session = botocore.session.Session()
    session.set_credentials("AKID", "SECRET")
    client = session.create_client(case["service"], region_name="us-east-1", config=config)
    sent = []

    def answer(request, **_):
        sent.append(request)
        raise Sent

    client.meta.events.register("before-send." + client.meta.service_model.service_id.hyphenize(), answer)
    shape = client.meta.service_model.operation_model(case["operation"]).input_shape
    try:
        client._make_api_call(case["operation"], native(shape, case["input"]))
    except Sent:
        pass
    request = sent[0]
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    headers = {}
    for name, v in request.headers.items():
        name = name.lower()
        if name in ("user-agent", "authorization", "x-amz-date", "content-length", "x-amz-content-sha256", "expect"):
            continue
        if name.startswith("amz-sdk-"):
            continue
        headers[name] = v.decode() if isinstance(v, bytes) else v
    return {**case, "method": request.method, "url": request.url, "headers": headers, "body": body.decode("latin-1")}


# Tokens and dates are in the cases, so that a recording says the same every time.
lines = [json.dumps(record(case), ensure_ascii=False, sort_keys=True) for case in json.load(sys.stdin)]
print("[\n" + ",\n".join(lines) + "\n]")
