"""Access control: digest authentication, denied without it."""
from kazoo.exceptions import AuthFailedError, InvalidACLError, NoAuthError
from kazoo.security import CREATOR_ALL_ACL, make_acl, make_digest_acl
from kazoo.security import READ_ACL_UNSAFE

from kazoo_common import check_equal, check_raises, connect, main


def program(hosts, path):
    members = hosts.split(",")
    alice = connect(members[0])
    alice.create(path)
    check_raises(InvalidACLError, "scheme auth before authenticating", alice.create,
                 path + "/early", acl=CREATOR_ALL_ACL)
    alice.add_auth("digest", "alice:secret")
    alice.create(path + "/secret", b"x", acl=CREATOR_ALL_ACL)
    acls, stat = alice.get_acls(path + "/secret")
    expected = make_digest_acl("alice", "secret", all=True)
    check_equal(acls, [expected], "auth becomes the creator's digest")
    check_equal(stat.aversion, 0, "aversion of a new znode")

    nobody = connect(members[-1])
    nobody.sync(path)
    secret = path + "/secret"
    check_raises(NoAuthError, "get", nobody.get, secret)
    check_raises(NoAuthError, "set", nobody.set, secret, b"")
    check_raises(NoAuthError, "children", nobody.get_children, secret)
    check_raises(NoAuthError, "create below", nobody.create, secret + "/x")
    check_raises(NoAuthError, "set_acls", nobody.set_acls, secret, READ_ACL_UNSAFE)

    mallory = connect(members[1], auth_data=[("digest", "alice:guessed")])
    mallory.sync(path)
    check_raises(NoAuthError, "a wrong password is another identity", mallory.get, secret)

    again = connect(members[-1], auth_data=[("digest", "alice:secret")])
    check_equal(again.get(secret)[0], b"x", "authenticated at the start, on another server")
    reader = make_acl("world", "anyone", read=True)
    stat = again.set_acls(secret, [expected, reader], version=0)
    check_equal(stat.aversion, 1, "aversion after set_acls")
    nobody.sync(path)
    check_equal(nobody.get(secret)[0], b"x", "world may read now")
    check_raises(NoAuthError, "and still not write", nobody.set, secret, b"")

    # CREATE and DELETE are asked of the parent.
    only = [make_acl("world", "anyone", create=True), expected]
    alice.create(path + "/dropbox", acl=only)
    nobody.sync(path)
    nobody.create(path + "/dropbox/letter")
    check_raises(NoAuthError, "delete from a drop box", nobody.delete, path + "/dropbox/letter")
    alice.delete(path + "/dropbox/letter")
    check_raises(AuthFailedError, "an unknown scheme", connect(members[0]).add_auth, "nosuch", "x")
    alice.delete(path, recursive=True)


main(program)
