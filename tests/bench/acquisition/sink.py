"""The far end of the peer: subscribes, counts, and answers the gateway's question.  Shell: MQTT.

Runs in the peer's own virtual environment, started by `thingsboard.py`.  Without the answer about
session limits the gateway never sends.  stdin "count" prints values, messages and the median and
worst age of values in ms since the last "count".
"""

import json
import statistics
import sys
import time

import paho.mqtt.client as mqtt

LIMITS = {
    "maxPayloadSize": 65_536,
    "maxInflightMessages": 1_000,
    "rateLimits": {},
    "gatewayRateLimits": {},
}
_REQUEST = "v1/devices/me/rpc/request/"


class Sink:
    """What came since the last question."""

    def __init__(self) -> None:
        self.values = self.messages = 0
        self.ages_ms: list[float] = []

    def take(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.startswith(_REQUEST):
            answer = message.topic.replace("request", "response")
            client.publish(answer, json.dumps(LIMITS), qos=1)
            return
        now_ms = time.time_ns() / 1e6
        for rows in json.loads(message.payload).values():
            for row in rows:
                self.values += len(row["values"])
                self.ages_ms.append(now_ms - row["ts"])
        self.messages += 1


def main() -> None:
    sink = Sink()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench-sink")
    client.on_message = sink.take
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.subscribe([("v1/gateway/telemetry", 1), (_REQUEST + "+", 1)])
    client.loop_start()
    print("ready", flush=True)
    for _ in sys.stdin:
        ages, sink.ages_ms = sink.ages_ms, []
        middle = statistics.median(ages) if ages else 0.0
        worst = max(ages, default=0.0)
        print(f"{sink.values} {sink.messages} {middle:.1f} {worst:.1f}", flush=True)
    client.loop_stop()


main()
