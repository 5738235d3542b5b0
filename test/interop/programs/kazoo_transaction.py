"""Transactions: all or nothing, with an error a request."""
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError, NotEmptyError
from kazoo.exceptions import RolledBackError, RuntimeInconsistency

from kazoo_common import check, check_equal, connect, main


def kinds(results):
    return [r.__class__.__name__ if isinstance(r, Exception) else r for r in results]


def program(hosts, path):
    members = hosts.split(",")
    client, other = connect(members[0]), connect(members[-1])
    client.create(path)
    client.create(path + "/old", b"old")

    t = client.transaction()
    t.check(path, version=0)
    t.create(path + "/new", b"new")
    t.create(path + "/new/below", b"sees the parent made before it")
    t.create(path + "/seq-", b"", sequence=True)
    t.create(path + "/mine", b"", ephemeral=True)
    t.set_data(path + "/old", b"newer", version=0)
    t.set_data(path + "/old", b"newest", version=1)
    t.delete(path + "/mine")
    done = t.commit()
    check_equal(done[:3], [True, path + "/new", path + "/new/below"], "check and creates")
    check_equal(done[3], path + "/seq-0000000002", "a sequential create")
    check_equal(done[4], path + "/mine", "an ephemeral create")
    check_equal([s.version for s in done[5:7]], [1, 2], "stats of the sets")
    check_equal(done[7], True, "delete")
    old = client.exists(path + "/old")
    new = client.exists(path + "/new")
    check_equal(old.mzxid, new.czxid, "one zxid for the whole transaction")
    other.sync(path)
    check_equal(other.get(path + "/old")[0], b"newest", "on another server")

    def refused(build, index, error):
        before = client.exists(path)
        t = client.transaction()
        build(t)
        results = t.commit()
        check(len(results) > index, "a result for every request: %r" % (results,))
        for i, result in enumerate(results):
            kind = error if i == index else RolledBackError if i < index else RuntimeInconsistency
            check(isinstance(result, kind), "request %d of %r" % (i, kinds(results)))
        check_equal(client.exists(path), before, "the parent's stat after a refused transaction")
        check(client.exists(path + "/x") is None, "nothing of a refused transaction is there")

    refused(lambda t: (t.create(path + "/x"), t.check(path, 9), t.create(path + "/y")), 1,
            BadVersionError)
    refused(lambda t: (t.create(path + "/x"), t.set_data(path + "/none", b"")), 1, NoNodeError)
    refused(lambda t: (t.create(path + "/x"), t.create(path + "/x/y"), t.delete(path + "/x")), 2,
            NotEmptyError)
    refused(lambda t: (t.create(path + "/old"), t.create(path + "/x")), 0, NodeExistsError)
    refused(lambda t: (t.create(path + "/x"), t.delete(path + "/old", version=7)), 1,
            BadVersionError)

    with client.transaction() as t:
        t.delete(path + "/new/below")
        t.delete(path + "/new")
    check(client.exists(path + "/new") is None, "with-statement commits")


main(program)
