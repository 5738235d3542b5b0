"""What kazoo asks of a server besides znodes: four-letter words and its version."""
import re

from kazoo_common import check, check_equal, connect, main


def program(hosts):
    for member in hosts.split(","):
        client = connect(member)
        check_equal(client.command(b"ruok"), "imok", "ruok")
        version = client.server_version()
        check(len(version) >= 3 and version >= (3, 5), "version %r" % (version,))
        srvr = client.command(b"srvr")
        check(re.search(r"^Mode: (leader|follower|observer)$", srvr, re.M), srvr)
        check(re.search(r"^Zxid: 0x[0-9a-f]+$", srvr, re.M), srvr)
        mntr = client.command(b"mntr")
        check("zk_server_state\t" in mntr and "zk_znode_count\t" in mntr, mntr)
        check_equal(client.command(b"isro"), "rw", "isro")
        check("sid=0x%x" % client.client_id[0] in client.command(b"cons"), "our own connection")


main(program)
