# SPDX-License-Identifier: Apache-2.0
"""smx, shared-memory metrics: write and read segments from Python.

    import smx

    with smx.attach("shop") as s:
        orders = s.counter("orders_total", "Orders sent.")
        orders.inc()

    with smx.Segment(smx.path_of("shop")) as segment:
        print(segment.read().get("orders_total").value)

Written from docs/SEGMENT.md alone.  See README.md for limits.
"""
from .bounds import Native
from .errors import BeingCreated, Busy, Error, Full, NotSound
from .metrics import Counter, Gauge, Histogram, Labelled
from .reader import Live, Segment, Snapshot, Value, path_of
from .writer import Writer, attach

__all__ = ["BeingCreated", "Busy", "Counter", "Error", "Full", "Gauge",
           "Histogram", "Labelled", "Live", "Native", "NotSound", "Segment",
           "Snapshot", "Value", "Writer", "attach", "path_of"]
