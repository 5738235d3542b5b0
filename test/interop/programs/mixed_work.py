"""Every kind of write through every server of HOSTS, and sessions that move from one to the next.

Leaves persistent znodes below PATH/ROUND for the comparison of trees. What one server acknowledged
is read through the next one.
"""
import socket

from kazoo.exceptions import BadVersionError, NoNodeError, NodeExistsError, RolledBackError
from kazoo.security import make_digest_acl

from kazoo_common import check, check_equal, check_raises, close, connect, eventually, main
from kazoo_common import port_of, session_of

AUTH = [("digest", "picket:secret")]


def write_all_kinds(client, base):
    client.create(base, b"data of " + base.encode(), include_data=True)
    check_raises(NodeExistsError, "create twice", client.create, base)
    check_raises(NoNodeError, "no parent", client.create, base + "/none/x")
    check_raises(BadVersionError, "old version", client.set, base, b"", version=7)
    made = [client.create(base + "/s-", b"%d" % i, sequence=True) for i in range(3)]
    client.delete(made[1])
    client.create(base + "/null", None)
    client.create(base + "/big", bytes(range(256)) * 200)
    client.create(base + "/private", b"p", acl=[make_digest_acl("picket", "secret", all=True)])
    client.create(base + "/aversion")
    readable = make_digest_acl("picket", "secret", read=True, admin=True)
    client.set_acls(base + "/aversion", [readable])
    for i in range(3):
        client.set(made[0], b"again %d" % i)

    t = client.transaction()
    t.create(base + "/multi", b"1")
    t.create(base + "/multi/s-", b"", sequence=True)
    t.set_data(base + "/multi", b"2")
    t.check(base + "/multi", 1)
    t.delete(made[2])
    results = t.commit()
    check(not any(isinstance(r, Exception) for r in results), "multi: %r" % (results,))

    t = client.transaction()
    t.create(base + "/never", b"")
    t.delete(base + "/none")
    results = t.commit()
    check_equal([type(r) for r in results], [RolledBackError, NoNodeError], "a refused multi")
    check(client.exists(base + "/never") is None, "a refused multi left something")


def set_quota(client, path):
    """As zkCli's setquota does; each server then counts below path on its own."""
    quota = "/zookeeper/quota" + path
    client.ensure_path(quota)
    client.create(quota + "/zookeeper_limits", b"count=100000,bytes=-1")
    client.create(quota + "/zookeeper_stats", b"count=0,bytes=0")


def move(client, member):
    """Takes the session to another server, if it is another, by breaking its connection."""
    if port_of(client) == int(member.split(":")[1]):
        return
    session, port = session_of(client), int(member.split(":")[1])
    client.set_hosts(member)
    client._connection._socket.shutdown(socket.SHUT_RDWR)
    eventually("the move to " + member, lambda: port_of(client) == port)
    check_equal(session_of(client), session, "the session after its move")


def program(hosts, path, round_name):
    members = hosts.split(",")
    root = "%s/%s" % (path, round_name)
    first = connect(members[0])
    first.ensure_path(root)
    set_quota(first, root)
    for i, member in enumerate(members):
        other = members[(i + 1) % len(members)]
        client = connect(member, auth_data=AUTH)
        client.sync("/")
        base = "%s/m%d" % (root, i)
        write_all_kinds(client, base)
        mine = client.create(base + "/e-", b"", ephemeral=True, sequence=True)

        reader = connect(other, auth_data=AUTH)
        reader.sync("/")
        check_equal(reader.get(base)[0], b"data of " + base.encode(), "through the next server")
        check_equal(reader.get(base + "/private")[0], b"p", "a protected znode")
        check(reader.exists(mine), "an ephemeral seen through the next server")
        move(client, other)
        check(client.exists(mine), "the ephemeral after the move")
        client.set(mine, b"moved")
        client.create(base + "/made-after-the-move")
        move(client, member)
        check_equal(client.get(mine)[0], b"moved", "after the move back")
        close(client)
        reader.sync("/")
        check(reader.exists(mine) is None, "the ephemeral after the close")


main(program)
