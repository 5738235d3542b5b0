"""A write that reaches the leader when its followers are gone: the leader logs what nobody else
has, and must take it back (TRUNC) once the others have gone on without it."""
from kazoo.exceptions import KazooException
from kazoo.protocol.states import KazooState

from kazoo_common import await_line, connect, eventually, main, say


def program(leader, path):
    client = connect(leader)
    states = []
    client.add_listener(states.append)
    say("READY")
    await_line("go")
    results = [client.create_async("%s-%d" % (path, i), b"never committed") for i in range(3)]
    say("SENT")
    eventually("the leader to give up", lambda: KazooState.SUSPENDED in states, 30)
    for result in results:
        try:
            say("ACKNOWLEDGED " + result.get(timeout=10))
        except KazooException:
            pass
    say("LOST")
    await_line("end")


main(program)
