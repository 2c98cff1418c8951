"""The engine's HTTP face: Amazon SWF's wire protocol, so that any client in any language can be pointed at an engine.

    wire        requests and answers as AWS JSON 1.0: pure functions
    signature   Signature Version 4, verified
    waiting     polls that wait on an event loop, without a thread each
    clock       the clock that clients may move
    face        one request, from its path to its answer: an ASGI application
    server      the process: sockets, time-outs, signals

It calls the engine like any other caller and knows nothing of what operations do.
"""
