"""Znodes: paths, sequence numbers, ephemerals and the close of their session, stats and errors."""
from kazoo.exceptions import BadArgumentsError, BadVersionError, NoChildrenForEphemeralsError
from kazoo.exceptions import NodeExistsError, NoNodeError, NotEmptyError

from kazoo_common import check, check_equal, check_raises, close, connect, eventually, main
from kazoo_common import session_of


def program(hosts, path):
    members = hosts.split(",")
    client, other = connect(members[0]), connect(members[-1])
    client.ensure_path(path + "/a/b/c")
    client.ensure_path(path + "/a/b/c")
    check_equal(client.get_children(path + "/a"), ["b"], "ensure_path")

    names = [client.create(path + "/a/s-", sequence=True) for _ in range(3)]
    client.delete(names[1])
    names.append(other.create(path + "/a/s-", sequence=True))
    # The number counts the children ever made, b first; deletes take nothing back.
    check_equal([int(name[-10:]) for name in names], [1, 2, 3, 4], "sequence numbers")
    check_equal(names[0], path + "/a/s-0000000001", "a sequential name")

    owner = connect(members[1])
    owner.create(path + "/e", b"mine", ephemeral=True)
    name = owner.create(path + "/e-", ephemeral=True, sequence=True)
    other.sync(path)
    check_equal(other.get(path + "/e")[1].ephemeralOwner, session_of(owner), "the owner")
    check_raises(NoChildrenForEphemeralsError, "a child of an ephemeral", other.create,
                 path + "/e/child")
    gone = []
    check(other.exists(path + "/e", watch=gone.append), "the ephemeral is there")
    close(owner)
    check(client.sync(path), "sync")
    check(client.exists(path + "/e") is None, "an ephemeral after the close of its session")
    check(client.exists(name) is None, "the other one")
    eventually("the watch of the ephemeral", lambda: gone and gone[0].type == "DELETED")

    parent = client.create(path + "/p", b"0")
    check_raises(NodeExistsError, "create twice", client.create, parent)
    check_raises(NoNodeError, "no parent", client.create, path + "/none/x")
    check_raises(NoNodeError, "get", client.get, path + "/none")
    check_raises(NoNodeError, "children", client.get_children, path + "/none")
    check_raises(NoNodeError, "delete", client.delete, path + "/none")
    stat = client.set(parent, b"12")
    check_equal((stat.version, stat.dataLength, stat.cversion), (1, 2, 0), "stat of a set")
    check_raises(BadVersionError, "old version", client.set, parent, b"", version=0)
    check_raises(BadVersionError, "old version", client.delete, parent, version=0)
    client.create(parent + "/q")
    check_raises(NotEmptyError, "delete with a child", client.delete, parent)
    children, stat = client.get_children(parent, include_data=True)
    check_equal((children, stat.cversion, stat.numChildren), (["q"], 1, 1), "stat with children")
    made, stat = client.create(parent + "/r", b"xyz", include_data=True)
    check_equal((made, stat.dataLength, stat.version), (parent + "/r", 3, 0), "create2")
    check_equal(stat.czxid, client.exists(parent).pzxid, "a child's zxid in the parent's pzxid")

    big = bytes(range(256)) * 2048
    client.create(path + "/big", big)
    client.create(path + "/käse-Ω", b"names are UTF-8")
    check_raises(BadArgumentsError, "a name beyond the basic plane", client.create,
                 path + "/\U0001f9c0")
    other.sync(path)
    check_equal(other.get(path + "/big")[0], big, "half a megabyte")
    check("käse-Ω" in other.get_children(path), "a name beyond ASCII")
    client.delete(path, recursive=True)
    other.sync("/")
    check(other.exists(path) is None, "recursive delete")


main(program)
