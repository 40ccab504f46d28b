# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as exceptions."""


class Error(Exception):
    """Anything that this package refuses; the message says what to do."""


class NotSound(Error):
    """A segment that says what cannot be: no part of it is believed."""


class BeingCreated(Error):
    """A file without a magic yet: come back later."""


class Full(Error):
    """A bound of the segment is reached; the message names the option."""


class Busy(Error):
    """Somebody else holds what is needed, and did not let go in time."""
