"""Election: one leads at a time, in order of arrival, the next when the leader ends or its session
closes."""
import threading

from kazoo_common import check_equal, close, connect, eventually, in_thread, main


def program(hosts, path):
    names = ["first", "second", "third"]
    rotated = hosts.split(",")
    led, leading, errors = [], {name: threading.Event() for name in names}, []
    clients = {}
    lock = threading.Lock()
    active = [0]

    def lead(name):
        with lock:
            active[0] += 1
            led.append(name)
            check_equal(active[0], 1, "leaders at once")
        leading[name].wait(20)
        with lock:
            active[0] -= 1

    def contest(name):
        try:
            clients[name].Election(path, name).run(lead, name)
        except Exception as error:
            errors.append((name, error))

    threads = {}
    watcher = connect(hosts)
    for name in names:
        clients[name] = connect(",".join(rotated))
        rotated = rotated[1:] + rotated[:1]
        threads[name] = in_thread(contest, name)
        eventually(
            name + " to stand",
            lambda: name in watcher.Election(path).contenders(),
        )
    check_equal(watcher.Election(path).contenders(), names, "contenders in order of arrival")
    check_equal(led, ["first"], "who leads")
    # The first resigns by ending its work, the second by closing its session.
    leading["first"].set()
    eventually("the second to lead", lambda: led == ["first", "second"])
    in_second = in_thread(close, clients["second"])
    leading["second"].set()
    in_second.join(20)
    eventually("the third to lead", lambda: led == names)
    leading["third"].set()
    threads["third"].join(20)
    check_equal([e for e in errors if e[0] != "second"], [], "errors of the others")
    eventually("no contender left", lambda: watcher.Election(path).contenders() == [])


main(program)
