"""Lock: contenders in order, refusal while held, and (as two processes) a holder that is killed."""
from kazoo.exceptions import LockTimeout

from kazoo_common import await_line, check, check_equal, check_raises, connect, eventually
from kazoo_common import in_thread, main, say


def contend(hosts, path, name):
    """One contender: says when it waits and when it holds, releases when told to."""
    client = connect(hosts)
    lock = client.Lock(path, name)
    say("WAITING")
    lock.acquire()
    say("ACQUIRED")
    await_line("release")
    lock.release()
    say("RELEASED")


def together(hosts, path):
    """Two clients on two servers in one process."""
    first, second = connect(hosts), connect(",".join(reversed(hosts.split(","))))
    one, two = first.Lock(path, "one"), second.Lock(path, "two")
    check(one.acquire(), "a free lock is acquired")
    check(not two.acquire(blocking=False), "a held lock is refused at once")
    check_raises(LockTimeout, "a held lock with a timeout", two.acquire, timeout=0.3)
    got = []
    waiter = in_thread(lambda: got.append(two.acquire()))
    eventually("two contenders", lambda: first.Lock(path).contenders() == ["one", "two"])
    check_equal(got, [], "the second has it while the first holds it")
    one.release()
    waiter.join(10)
    check_equal(got, [True], "the second after the first released")
    check_equal(second.Lock(path).contenders(), ["two"], "contenders at the end")
    two.release()
    check_equal(first.get_children(path), [], "no contender's znode is left")

    readers = [c.ReadLock(path + "-rw", "r") for c in (first, second)]
    writer = first.WriteLock(path + "-rw", "w")
    check(all(r.acquire() for r in readers), "two readers at once")
    check(not writer.acquire(blocking=False), "a writer while readers read")
    for reader in readers:
        reader.release()
    check(writer.acquire(timeout=10), "the writer after the readers")
    writer.release()

    semaphores = [c.Semaphore(path + "-sem", max_leases=1) for c in (first, second)]
    check(semaphores[0].acquire(), "a free semaphore")
    check(not semaphores[1].acquire(blocking=False), "a semaphore with no lease left")
    semaphores[0].release()
    check(semaphores[1].acquire(timeout=10), "a semaphore with a lease again")
    semaphores[1].release()


def program(mode, *args):
    {"contend": contend, "together": together}[mode](*args)


main(program)
