"""The CXone tutorial's service as it would be run: FastAPI, uvicorn, redis-py. For bench.py.

    tutorial_service.py PORT REDIS_PORT FILE

What it does with an event is the tutorial's, command by command: SETNX, then
EXPIRE; for a duplicate INCR and EXPIRE of its trigger's counter. What is new is
appended to FILE, as Onceway's log sink does, instead of being posted on.
"""
import hashlib
import json
import logging
import sys
import typing

import fastapi
import pydantic
import redis
import uvicorn

WINDOW_S = 300
COUNTER_S = 86400

port, redis_port, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
logging.basicConfig(level=logging.INFO)
log = logging.getLogger("cxone")
store = redis.Redis(host="127.0.0.1", port=redis_port, decode_responses=True, socket_timeout=5)
record = open(path, "a", encoding="utf-8", buffering=1)
app = fastapi.FastAPI()


class Event(pydantic.BaseModel):
    triggerId: str
    entityId: str
    timestamp: str
    data: typing.Dict[str, typing.Any] = pydantic.Field(default_factory=dict)


def key_of(event):
    fields = {
        "triggerId": event.triggerId, "entityId": event.entityId,
        "eventType": event.data.get("eventType", "unknown"),
        "contactId": event.data.get("contactId", ""), "queueId": event.data.get("queueId", "")}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return "cxone:dedup:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def is_new(key):
    new = store.setnx(key, "1")
    if new:
        store.expire(key, WINDOW_S)
    return new


def count(trigger):
    key = f"cxone:metrics:duplicates:{trigger}"
    store.incr(key)
    store.expire(key, COUNTER_S)


@app.post("/webhook/dataaction")
async def take(event: Event):
    if not is_new(key_of(event)):
        count(event.triggerId)
        log.info("duplicate triggerId=%s entityId=%s", event.triggerId, event.entityId)
        return {"status": "duplicate_discarded", "triggerId": event.triggerId}
    record.write(json.dumps(event.dict()) + "\n")
    log.info("routed triggerId=%s entityId=%s", event.triggerId, event.entityId)
    return {"status": "routed", "triggerId": event.triggerId}


uvicorn.run(app, host="127.0.0.1", port=port)
