"""Counter: increments from every server at once, none lost."""
from kazoo_common import check_equal, connect, in_thread, main

ROUNDS = 15


def program(hosts, path):
    members = hosts.split(",")
    errors = []

    def count(member):
        try:
            counter = connect(member).Counter(path)
            for _ in range(ROUNDS):
                counter += 1
        except Exception as error:
            errors.append(error)

    # Creating the znode is not part of the race.
    check_equal(connect(hosts).Counter(path).value, 0, "a new counter")
    threads = [in_thread(count, member) for member in members]
    for thread in threads:
        thread.join(40)
    check_equal(errors, [], "errors while counting")
    last = connect(members[-1])
    last.sync(path)
    check_equal(last.Counter(path).value, ROUNDS * len(members), "the sum")
    data, stat = last.get(path)
    check_equal(stat.version, ROUNDS * len(members), "one version an increment")
    counter = last.Counter(path + "-float", default=0.5)
    counter -= 2.0
    check_equal(counter.value, -1.5, "a counter of floats")


main(program)
