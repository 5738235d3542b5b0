"""DataWatch and ChildrenWatch see the changes another client makes on another server."""
from kazoo_common import check, check_equal, connect, eventually, main


def data_watch(watching, changing, path):
    seen = []

    @watching.DataWatch(path)
    def changed(data, stat, event):
        seen.append((data, None if stat is None else stat.version, event and event.type))

    def see(count):
        eventually("%d calls, had %r" % (count, seen), lambda: len(seen) == count)

    see(1)
    changing.create(path, b"one")
    see(2)
    changing.set(path, b"two")
    see(3)
    changing.delete(path)
    see(4)
    changing.create(path, b"")
    see(5)
    expected = [
        (None, None, None),
        (b"one", 0, "CREATED"),
        (b"two", 1, "CHANGED"),
        (None, None, "DELETED"),
        (b"", 0, "CREATED"),
    ]
    check_equal(seen, expected, "what the DataWatch saw")


def children_watch(watching, changing, path):
    changing.create(path)
    watching.sync(path)
    seen, done = [], []

    @watching.ChildrenWatch(path)
    def changed(children):
        seen.append(sorted(children))
        if children == ["last"]:
            done.append(True)
            return False

    eventually("the first call", lambda: len(seen) == 1)
    for name, expected in (("b", ["b"]), ("a", ["a", "b"])):
        changing.create(path + "/" + name)
        eventually("child " + name, lambda: seen[-1] == expected)
    # Data of a child is no business of the list.
    changing.set(path + "/a", b"x")
    changing.delete(path + "/a")
    eventually("a gone", lambda: seen[-1] == ["b"])
    changing.delete(path + "/b")
    eventually("all gone", lambda: seen[-1] == [])
    changing.create(path + "/last")
    eventually("the end", lambda: done)
    changing.create(path + "/unseen")
    check_equal(seen, [[], ["b"], ["a", "b"], ["b"], [], ["last"]], "what the ChildrenWatch saw")


def one_shot(watching, changing, path):
    """A plain watch fires once, before the client can read the new value."""
    changing.create(path, b"0")
    watching.sync(path)
    events = []
    watching.get(path, watch=events.append)
    watching.get_children(path, watch=events.append)
    check(watching.exists(path + "/child", watch=events.append) is None, "no child yet")
    changing.set(path, b"1")
    changing.set(path, b"2")
    changing.create(path + "/child")
    eventually("three events", lambda: len(events) >= 3)
    watching.sync(path)
    check_equal(
        [(e.type, e.path) for e in events],
        [("CHANGED", path), ("CREATED", path + "/child"), ("CHILD", path)],
        "the events, in order",
    )


def program(hosts, path):
    members = hosts.split(",")
    watching, changing = connect(members[0]), connect(members[-1])
    changing.create(path)
    watching.sync(path)
    data_watch(watching, changing, path + "/data")
    children_watch(watching, changing, path + "/children")
    one_shot(watching, changing, path + "/once")


main(program)
