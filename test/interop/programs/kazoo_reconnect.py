"""A client whose server is killed goes on at another one in the same session."""
from kazoo.protocol.states import KazooState

from kazoo_common import await_line, check, check_equal, connect, eventually, main, port_of, say
from kazoo_common import session_of


def program(hosts, path):
    client = connect(hosts, timeout=8.0)
    states = []
    client.add_listener(states.append)
    client.create(path)
    client.create(path + "/mine", b"still", ephemeral=True)
    session, port = session_of(client), port_of(client)
    say("CONNECTED %d" % port)
    await_line("killed")
    eventually("the loss to be noticed", lambda: KazooState.SUSPENDED in states)
    eventually("another server", lambda: port_of(client) not in (None, port), 20)
    check(KazooState.LOST not in states, "the session was kept: %r" % states)
    check_equal(session_of(client), session, "the session id")
    stat = client.retry(client.exists, path + "/mine")
    check(stat is not None, "the ephemeral outlived its server")
    check_equal(stat.ephemeralOwner, session, "its owner")
    client.retry(client.set, path + "/mine", b"written after the move")
    say("RECONNECTED %d" % port_of(client))
    await_line("restarted")
    other = connect("127.0.0.1:%d" % port)
    other.sync(path)
    check_equal(other.get(path + "/mine")[0], b"written after the move", "the restarted server")


main(program)
