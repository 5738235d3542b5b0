"""Writes go on while a server is killed; whatever was acknowledged is on every server at the
end."""
from kazoo.exceptions import NodeExistsError

from kazoo_common import await_line, check_equal, connect, main, say

BEFORE, ALL = 60, 200


def program(hosts, path):
    members = hosts.split(",")
    clients = [connect(",".join(members[i:] + members[:i]), timeout=10.0) for i in range(3)]
    clients[0].create(path)
    acknowledged = {}
    for i in range(ALL):
        if i == BEFORE:
            say("WRITING")
        client, name = clients[i % 3], "%s/n-%04d" % (path, i)
        try:
            client.retry(client.create, name, b"%d" % i)
        except NodeExistsError:
            pass  # The reply to an earlier try was lost with its server.
        acknowledged[name] = b"%d" % i
    say("WRITTEN")
    await_line("restarted")
    for member in members:
        client = connect(member)
        client.sync(path)
        found = {"%s/%s" % (path, n): client.get("%s/%s" % (path, n))[0]
                 for n in client.get_children(path)}
        check_equal(found, acknowledged, "what " + member + " holds")


main(program)
