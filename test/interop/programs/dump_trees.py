"""Prints every znode of every server of HOSTS, one JSON object a line, each read after a sync."""
import base64
import json

from kazoo_common import connect, main

# Whoever can read the znodes that the programs here protect.
AUTH = [("digest", "picket:secret")]


def encoded(data):
    return None if data is None else base64.b64encode(data).decode("ascii")


def dump(client, member, path):
    data, stat = client.get(path)
    acls, _ = client.get_acls(path)
    fields = {name: getattr(stat, name) for name in stat._fields}
    acl = [[a.perms, a.id.scheme, a.id.id] for a in acls]
    line = {"member": member, "path": path, "data": encoded(data), "acl": acl, "stat": fields}
    print(json.dumps(line, sort_keys=True))
    for child in sorted(client.get_children(path)):
        dump(client, member, ("" if path == "/" else path) + "/" + child)


def program(hosts):
    for member in hosts.split(","):
        client = connect(member, auth_data=AUTH)
        client.sync("/")
        dump(client, member, "/")


main(program)
