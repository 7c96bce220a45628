"""What the tutorials' Python services do to Redis with one event, in the same commands.

    tutorials.py SERVICE PORT < EVENT-OR-KEY

Prints as JSON what the service would make of it. Needs redis-py.
"""
import hashlib
import json
import sys

import redis


def connect(port):
    return redis.Redis(host="127.0.0.1", port=port, db=0, decode_responses=True)


def cxone(client, text):
    """SETNX, then EXPIRE."""
    received = json.loads(text)
    data = received.get("data", {})
    fields = {
        "triggerId": received["triggerId"], "entityId": received["entityId"],
        "eventType": data.get("eventType", "unknown"),
        "contactId": data.get("contactId", ""), "queueId": data.get("queueId", "")}
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    key = "cxone:dedup:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    if client.setnx(key, "1"):
        client.expire(key, 300)
        return "routed"
    trigger = f"cxone:metrics:duplicates:{received['triggerId']}"
    client.incr(trigger)
    client.expire(trigger, 86400)
    return "duplicate"


def cxone_checkpoint(client, _):
    """Every key with what is left of its life, away and back."""
    state = {}
    for key in client.keys("cxone:dedup:*"):
        ttl = client.ttl(key)
        if ttl > 0:
            state[key] = ttl
    state = json.loads(json.dumps(state))
    client.flushdb()
    for key, ttl in state.items():
        client.set(key, "1", ex=ttl)
    return len(state)


def exists(client, key):
    """SET NX EX, as the Genesys handler and the queue consumer do it."""
    return "routed" if client.set(key, "1", nx=True, ex=3600) else "duplicate"


def cognigy(client, key):
    """SET NX EX `processing`; else what is there must be a JSON object."""
    if client.set(key, "processing", nx=True, ex=300):
        return "routed"
    try:
        result = json.loads(client.get(key))
    except ValueError:
        return "not JSON"
    return result if isinstance(result, dict) else "not a result"


SERVICES = {"cxone": cxone, "cxone-checkpoint": cxone_checkpoint, "genesys": exists,
            "queue": exists, "cognigy": cognigy}

if __name__ == "__main__":
    print(json.dumps(SERVICES[sys.argv[1]](connect(int(sys.argv[2])), sys.stdin.read())))
