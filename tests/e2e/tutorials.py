"""The tutorials' Python services, as far as Redis and their answers go. Needs redis-py.

    tutorials.py PORT

Each line is JSON: [service, event]. When the service finds the event new it
prints the line `working`, and another line says what becomes of the work: JSON
for its result, nothing if it failed. Last comes what the service would answer,
as a line of JSON.

The services are as their authors meant them: where a tutorial gives redis-py a
dictionary, which it refuses, the text of its JSON is meant.
"""
import hashlib
import json
import sys

import redis


def work():
    """What comes behind the dedup, downstream or in a function: decided by the caller."""
    print("working", flush=True)
    result = sys.stdin.readline().strip()
    if not result:
        raise RuntimeError("the work failed")
    return json.loads(result)


def cxone(client, received):
    """SETNX, then EXPIRE. A failure keeps the key."""
    data = received.get("data", {})
    fields = {
        "triggerId": received["triggerId"], "entityId": received["entityId"],
        "eventType": data.get("eventType", "unknown"),
        "contactId": data.get("contactId", ""), "queueId": data.get("queueId", "")}
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    key = "cxone:dedup:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    trigger = received["triggerId"]
    if not client.setnx(key, "1"):
        counter = f"cxone:metrics:duplicates:{trigger}"
        client.incr(counter)
        client.expire(counter, 86400)
        return {"status": "duplicate_discarded", "triggerId": trigger}
    client.expire(key, 300)
    try:
        work()
    except RuntimeError:
        return {"detail": "Internal processing error"}
    return {"status": "routed", "triggerId": trigger}


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


def cognigy(client, received):
    """SET NX EX `processing`, then SET EX the result; a failure deletes the key."""
    text = f"{received['dialogId']}:{received['nodeId']}:{received['sequence']}"
    key = "cognigy:fp:" + hashlib.sha256(text.encode("utf-8")).hexdigest()
    if not client.set(key, "processing", nx=True, ex=300):
        try:
            result = json.loads(client.get(key))
        except ValueError:
            result = None
        # Its answer's type allows an object and nothing else.
        if not isinstance(result, dict):
            return {"detail": "Internal server error"}
        return {"status": "cached", "data": result, "fingerprint": key}
    try:
        result = work()
    except RuntimeError:
        client.delete(key)
        return {"detail": "Internal processing error"}
    client.set(key, json.dumps(result), ex=300)
    return {"status": "success", "data": result, "fingerprint": key}


def genesys(client, received):
    """SET NX EX. A failure keeps the key."""
    detail = received["detail"]
    conversation = detail.get("conversationId")
    key = f"{detail['eventType']}_{conversation or received['id']}"
    if not client.set(f"genesys_dedup:{key}", "1", nx=True, ex=3600):
        return {"status": "duplicate", "key": key}
    try:
        work()
    except RuntimeError as e:
        return {"error": "Processing failed", "details": str(e)}
    return {"status": "success", "processed_event_id": detail["id"],
            "conversation_id": conversation}


def queue(client, received):
    """SET NX EX, by the event's own id or by what its detail or payload tell."""
    detail, payload = received.get("detail"), received.get("payload")
    event_id = received.get("id")
    if not event_id and isinstance(detail, dict):
        found = detail.get("conversationId") or detail.get("interactionId")
        event_id = found and f"gc_{found}"
    if not event_id and isinstance(payload, dict) and payload.get("interactionId"):
        event_id = f"nice_{payload['interactionId']}"
    if not client.set(f"event:{event_id}", "1", nx=True, ex=300):
        return None
    try:
        work()
    except RuntimeError:
        return {"kept": "in the queue"}
    return received


SERVICES = {"cxone": cxone, "cxone-checkpoint": cxone_checkpoint, "cognigy": cognigy,
            "genesys": genesys, "auto": queue}

if __name__ == "__main__":
    connection = redis.Redis(host="127.0.0.1", port=int(sys.argv[1]), decode_responses=True)
    # Not `for line in`: work() reads lines, too.
    while line := sys.stdin.readline():
        service, event = json.loads(line)
        print(json.dumps(SERVICES[service](connection, event)), flush=True)
