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
        session = "0x%x" % client.client_id[0]
        check("sid=" + session in client.command(b"cons"), "our own connection")
        client.get("/", watch=lambda event: None)
        wchs = client.command(b"wchs")
        check(re.search(r"^1 connections watching 1 paths\nTotal watches:1$", wchs, re.M), wchs)
        check_equal(client.command(b"wchc"), session + "\n\t/\n\n", "wchc")
        dump = client.command(b"dump")
        check(re.search(r"^SessionTracker dump:$", dump, re.M) and session in dump, dump)
        dirs = client.command(b"dirs")
        check(re.search(r"^datadir_size: \d+\nlogdir_size: \d+$", dirs, re.M), dirs)


main(program)
