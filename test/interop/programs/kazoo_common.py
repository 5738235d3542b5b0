"""What the kazoo programs share: connecting, checking, and talking with the test that runs them.

A program prints upper-case words that the test waits for, reads lines the test sends, and ends with
exit code 0 only when every check held.
"""
import logging
import os
import sys
import threading
import time
import traceback

from kazoo.client import KazooClient
from kazoo.handlers.threading import SequentialThreadingHandler

SESSION_TIMEOUT_S = 4.0
CONNECT_TIMEOUT_S = 20.0

logging.basicConfig(level=logging.WARNING, stream=sys.stderr)

_clients = []


def connect(hosts, timeout=SESSION_TIMEOUT_S, **options):
    """A started client; hosts are tried in the order given."""
    options.setdefault("randomize_hosts", False)
    client = KazooClient(
        hosts=hosts, timeout=timeout, handler=SequentialThreadingHandler(), **options
    )
    client.start(timeout=CONNECT_TIMEOUT_S)
    _clients.append(client)
    return client


def close(client):
    """Ends the session, as a well-behaved program does."""
    client.stop()
    client.close()
    if client in _clients:
        _clients.remove(client)


def port_of(client):
    """The client port of the server this client is connected to, None while it is not."""
    try:
        return client._connection._socket.getpeername()[1] if client.connected else None
    except OSError:
        return None


def session_of(client):
    return client.client_id[0]


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_equal(actual, expected, what):
    if actual != expected:
        raise AssertionError("%s: got %r, expected %r" % (what, actual, expected))


def check_raises(error, what, function, *args, **options):
    try:
        result = function(*args, **options)
    except error:
        return
    except Exception as other:
        raise AssertionError("%s: raised %r, expected %s" % (what, other, error.__name__))
    raise AssertionError("%s: returned %r, expected %s" % (what, result, error.__name__))


def eventually(what, condition, seconds=15.0):
    """Polls until the condition holds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited %.0f s for %s" % (seconds, what))
        time.sleep(0.02)


def say(word):
    print(word, flush=True)


def await_line(expected):
    line = sys.stdin.readline()
    check_equal(line.strip(), expected, "line from the test")


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def main(program):
    """Runs program(*argv) and ends the process whatever threads kazoo still has."""
    code = 0
    try:
        program(*sys.argv[1:])
        for client in list(_clients):
            close(client)
        say("PASSED")
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
