"""COUNT writes through HOSTS, pipelined, to PATH: more than a leader keeps in memory for a DIFF."""
from kazoo_common import check_equal, connect, main

PADDING = b"." * 4000


def program(hosts, path, count):
    client = connect(hosts)
    client.ensure_path(path)
    start = client.exists(path).version
    pending = [client.set_async(path, PADDING + b"%d" % i) for i in range(int(count))]
    for i, result in enumerate(pending):
        check_equal(result.get(timeout=30).version, start + i + 1, "version of write %d" % i)
    check_equal(client.get(path)[0], PADDING + b"%d" % (int(count) - 1), "the last write")


main(program)
