"""Holds a session with ephemerals through everything the test does, so that they are in the trees
compared; at the word of the test ends it and checks that they are gone."""
from kazoo.protocol.states import KazooState

from kazoo_common import await_line, check, check_equal, close, connect, main, say, session_of


def program(hosts, path):
    client = connect(hosts, timeout=10.0)
    states = []
    client.add_listener(states.append)
    client.ensure_path(path)
    mine = [client.create(path + "/e-", b"x", ephemeral=True, sequence=True) for _ in range(3)]
    session = session_of(client)
    say("HOLDING")
    await_line("end")
    check(KazooState.LOST not in states, "the session was lost: %r" % states)
    for name in mine:
        stat = client.retry(client.exists, name)
        check(stat is not None, name + " vanished while its session lived")
        check_equal(stat.ephemeralOwner, session, "owner of " + name)
    close(client)
    other = connect(hosts)
    other.sync("/")
    check_equal(other.get_children(path), [], "ephemerals after the close of their session")


main(program)
