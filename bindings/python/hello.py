#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The least a service needs; beside examples/hello.c it shares its segment."""
import time

import smx

with smx.attach("hello") as s:
    orders = s.counter("orders_total", "Orders sent.")
    latency = s.histogram("order_ack_seconds",
                          "From sending an order to its acknowledgement.",
                          unit="seconds", exponent=9)
    for _ in range(3):
        with latency.time():
            time.sleep(0.001)  # send the order, wait for the answer
        orders.inc()
    with smx.Segment(smx.path_of("hello")) as segment:
        print("orders so far:", segment.read().get("orders_total").value)
