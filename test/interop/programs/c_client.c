/*
 * ZooKeeper's C client on an ensemble: every call that C programs use, watches, a transaction,
 * a thousand pipelined writes in order, and a session that outlives the server it sits on.
 *
 *   c_client HOSTS PATH
 *
 * Prints CONNECTED <port> when it wants that server killed and reads a line once it is; ends with
 * exit code 0 when every check held, 1 with the reason when one did not.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zookeeper/zookeeper.h>

#define PIPELINED 1000
#define WAIT_MS 20000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int connected, lost, events;
static int event_type[64];
static char event_path[64][256];

static void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "FAILED: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

static void expect(const char *what, int rc, int expected) {
    if (rc != expected)
        fail("%s: %d (%s), expected %d (%s)", what, rc, zerror(rc), expected, zerror(expected));
}

static void check(const char *what, int holds) {
    if (!holds) fail("%s", what);
}

/* The default watcher and that of every call: states and events, in the order they came. */
static void on_event(zhandle_t *zh, int type, int state, const char *path, void *context) {
    (void)zh;
    (void)context;
    pthread_mutex_lock(&mutex);
    if (type == ZOO_SESSION_EVENT) {
        connected = state == ZOO_CONNECTED_STATE;
        if (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE) lost = 1;
    } else if (events < 64) {
        event_type[events] = type;
        snprintf(event_path[events], sizeof event_path[0], "%s", path);
        events++;
    }
    pthread_mutex_unlock(&mutex);
}

static int read_locked(int *value) {
    pthread_mutex_lock(&mutex);
    int copy = *value;
    pthread_mutex_unlock(&mutex);
    return copy;
}

static void wait_for(const char *what, int *value, int at_least) {
    for (int ms = 0; read_locked(value) < at_least; ms += 10) {
        if (ms > WAIT_MS) fail("waited %d ms for %s", WAIT_MS, what);
        if (read_locked(&lost)) fail("the session was lost while waiting for %s", what);
        usleep(10000);
    }
}

static void expect_event(int index, int type, const char *path) {
    wait_for("an event", &events, index + 1);
    if (event_type[index] != type || strcmp(event_path[index], path) != 0)
        fail("event %d: type %d at %s, expected %d at %s", index, event_type[index],
             event_path[index], type, path);
}

static zhandle_t *connect_to(const char *hosts) {
    connected = 0;
    zhandle_t *zh = zookeeper_init(hosts, on_event, 8000, NULL, NULL, 0);
    if (zh == NULL) fail("zookeeper_init");
    wait_for("the connection", &connected, 1);
    return zh;
}

static char *below(const char *path, const char *name) {
    static char buffers[8][256];
    static int next;
    char *buffer = buffers[next++ % 8];
    snprintf(buffer, sizeof buffers[0], "%s/%s", path, name);
    return buffer;
}

static void nodes_and_watches(zhandle_t *zh, const char *path) {
    char name[256], data[64];
    int length = sizeof data;
    struct Stat stat;
    struct String_vector children;

    expect("create", zoo_create(zh, path, "root", 4, &ZOO_OPEN_ACL_UNSAFE, 0, name, sizeof name),
           ZOK);
    check("create returns the path", strcmp(name, path) == 0);
    expect("create again", zoo_create(zh, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0),
           ZNODEEXISTS);
    char *node = below(path, "node");
    expect("wexists before", zoo_wexists(zh, node, on_event, NULL, &stat), ZNONODE);
    expect("wget_children2", zoo_wget_children2(zh, path, on_event, NULL, &children, &stat), ZOK);
    check("no children yet", children.count == 0 && stat.numChildren == 0);
    deallocate_String_vector(&children);
    expect("create2", zoo_create2(zh, node, "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, name, sizeof name,
                                  &stat), ZOK);
    check("create2's stat", stat.dataLength == 3 && stat.version == 0 && stat.czxid == stat.mzxid);
    expect_event(0, ZOO_CREATED_EVENT, node);
    expect_event(1, ZOO_CHILD_EVENT, path);

    expect("wget", zoo_wget(zh, node, on_event, NULL, data, &length, &stat), ZOK);
    check("the data", length == 3 && memcmp(data, "one", 3) == 0);
    expect("set2", zoo_set2(zh, node, "three", 5, 0, &stat), ZOK);
    check("set2's stat", stat.version == 1 && stat.dataLength == 5);
    expect_event(2, ZOO_CHANGED_EVENT, node);
    expect("set, old version", zoo_set(zh, node, "", 0, 0), ZBADVERSION);
    expect("set of no data", zoo_set(zh, node, NULL, -1, 1), ZOK);
    length = sizeof data;
    expect("get of no data", zoo_get(zh, node, 0, data, &length, &stat), ZOK);
    check("null data stays null", length == -1 && stat.dataLength == 0);

    expect("wexists", zoo_wexists(zh, node, on_event, NULL, &stat), ZOK);
    expect("get_children2", zoo_get_children2(zh, path, 0, &children, &stat), ZOK);
    check("one child", children.count == 1 && strcmp(children.data[0], "node") == 0);
    deallocate_String_vector(&children);
    expect("delete, not empty", zoo_delete(zh, path, -1), ZNOTEMPTY);
    expect("delete, old version", zoo_delete(zh, node, 9), ZBADVERSION);
    expect("delete", zoo_delete(zh, node, 2), ZOK);
    expect_event(3, ZOO_DELETED_EVENT, node);
    expect("get of nothing", zoo_get(zh, node, 0, data, &length, &stat), ZNONODE);

    /* The number counts the children ever made: the deleted one was the first. */
    for (int i = 0; i < 3; i++) {
        char expected[32];
        expect("sequence", zoo_create(zh, below(path, "s-"), "", 0, &ZOO_OPEN_ACL_UNSAFE,
                                      ZOO_SEQUENCE, name, sizeof name), ZOK);
        snprintf(expected, sizeof expected, "s-%010d", i + 1);
        if (strcmp(name, below(path, expected)) != 0) fail("%s, expected %s", name, expected);
    }
}

static void transaction(zhandle_t *zh, const char *path) {
    char made[256];
    struct Stat stat;
    zoo_op_t ops[4];
    zoo_op_result_t results[4];
    char *node = below(path, "multi");

    zoo_create_op_init(&ops[0], node, "m", 1, &ZOO_OPEN_ACL_UNSAFE, 0, made, sizeof made);
    zoo_check_op_init(&ops[1], node, 0);
    zoo_set_op_init(&ops[2], node, "mm", 2, 0, &stat);
    zoo_create_op_init(&ops[3], below(path, "multi/x"), "", 0, &ZOO_OPEN_ACL_UNSAFE,
                       ZOO_EPHEMERAL, NULL, 0);
    expect("multi", zoo_multi(zh, 4, ops, results), ZOK);
    for (int i = 0; i < 4; i++) expect("a multi's result", results[i].err, ZOK);
    check("a multi's create and set", strcmp(made, node) == 0 && stat.version == 1);

    zoo_delete_op_init(&ops[0], below(path, "multi/x"), -1);
    zoo_delete_op_init(&ops[1], node, 7);
    zoo_delete_op_init(&ops[2], node, -1);
    expect("refused multi", zoo_multi(zh, 3, ops, results), ZBADVERSION);
    expect("before the failure", results[0].err, ZOK);
    expect("the failure", results[1].err, ZBADVERSION);
    expect("after the failure", results[2].err, ZRUNTIMEINCONSISTENCY);
    expect("nothing was done", zoo_exists(zh, below(path, "multi/x"), 0, &stat), ZOK);
    check("the ephemeral's owner", stat.ephemeralOwner == zoo_client_id(zh)->client_id);
    expect("a child of an ephemeral",
           zoo_create(zh, below(path, "multi/x/y"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0),
           ZNOCHILDRENFOREPHEMERALS);
}

static void on_auth(int rc, const void *context) {
    pthread_mutex_lock(&mutex);
    *(int *)context = rc == ZOK ? 1 : rc;
    pthread_mutex_unlock(&mutex);
}

static void access_control(zhandle_t *zh, const char *hosts, const char *path) {
    char data[8];
    int length = sizeof data, done = 0;
    struct Stat stat;
    struct ACL_vector acl;
    char *node = below(path, "private");

    expect("auth before authenticating",
           zoo_create(zh, node, "", 0, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZINVALIDACL);
    expect("add_auth", zoo_add_auth(zh, "digest", "user:secret", 11, on_auth, &done), ZOK);
    wait_for("the authentication", &done, 1);
    expect("private", zoo_create(zh, node, "p", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZOK);
    expect("get_acl", zoo_get_acl(zh, node, &acl, &stat), ZOK);
    check("the creator's digest", acl.count == 1 && acl.data[0].perms == ZOO_PERM_ALL &&
                                      strcmp(acl.data[0].id.scheme, "digest") == 0 &&
                                      strncmp(acl.data[0].id.id, "user:", 5) == 0);
    deallocate_ACL_vector(&acl);

    zhandle_t *other = connect_to(hosts);
    /* Whether exists asks for READ depends on the version; get always does. */
    int rc = zoo_get(other, node, 0, data, &length, &stat);
    for (int ms = 0; rc == ZNONODE && ms < WAIT_MS; ms += 10) {
        usleep(10000);
        rc = zoo_get(other, node, 0, data, &length, &stat);
    }
    expect("get without the password", rc, ZNOAUTH);
    expect("set without the password", zoo_set(other, node, "", 0, -1), ZNOAUTH);
    expect("close", zookeeper_close(other), ZOK);
    pthread_mutex_lock(&mutex);
    connected = 1;
    pthread_mutex_unlock(&mutex);

    expect("set_acl", zoo_set_acl(zh, node, 0, &ZOO_READ_ACL_UNSAFE), ZOK);
    length = sizeof data;
    expect("get as world", zoo_get(zh, node, 0, data, &length, &stat), ZOK);
    check("aversion", stat.aversion == 1);
    expect("set as world", zoo_set(zh, node, "", 0, -1), ZNOAUTH);
}

static int replies, out_of_order;

static void on_set(int rc, const struct Stat *stat, const void *context) {
    pthread_mutex_lock(&mutex);
    long expected = (long)context;
    if (rc != ZOK || expected != replies || stat->version != replies + 1) out_of_order++;
    replies++;
    pthread_mutex_unlock(&mutex);
}

static void pipelined(zhandle_t *zh, const char *path) {
    char data[64];
    int length = sizeof data;
    struct Stat stat;
    char *node = below(path, "pipe");

    expect("create", zoo_create(zh, node, "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    for (long i = 0; i < PIPELINED; i++) {
        int size = snprintf(data, sizeof data, "%ld", i);
        expect("aset", zoo_aset(zh, node, data, size, (int)i, on_set, (void *)i), ZOK);
    }
    /* A read behind the writes, in the same session, sees all of them. */
    expect("get behind the sets", zoo_get(zh, node, 0, data, &length, &stat), ZOK);
    wait_for("the replies", &replies, PIPELINED);
    if (out_of_order != 0) fail("%d of %d replies failed or were out of order", out_of_order,
                                PIPELINED);
    check("the last write won", stat.version == PIPELINED && length == 3 &&
                                    memcmp(data, "999", 3) == 0);
}

static int port_of(zhandle_t *zh) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (zookeeper_get_connected_host(zh, (struct sockaddr *)&address, &size) == NULL)
        fail("not connected");
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static void reconnect(zhandle_t *zh, const char *path) {
    char line[64];
    struct Stat stat;
    char *node = below(path, "mine");
    int64_t session = zoo_client_id(zh)->client_id;
    int port = port_of(zh), seen = read_locked(&events), rc;

    expect("mine", zoo_create(zh, node, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0), ZOK);
    expect("watch", zoo_wexists(zh, node, on_event, NULL, &stat), ZOK);
    printf("CONNECTED %d\n", port);
    fflush(stdout);
    check("a line from the test", fgets(line, sizeof line, stdin) != NULL);
    /* Requests fail with connection loss until the client sits on another server. */
    for (int ms = 0;; ms += 10) {
        rc = zoo_exists(zh, node, 0, &stat);
        if (rc == ZOK && port_of(zh) != port) break;
        if (rc != ZOK && rc != ZCONNECTIONLOSS && rc != ZOPERATIONTIMEOUT)
            expect("exists after the kill", rc, ZOK);
        if (ms > WAIT_MS) fail("still not on another server after %d ms", WAIT_MS);
        usleep(10000);
    }
    check("the session was kept", !read_locked(&lost));
    check("its id", zoo_client_id(zh)->client_id == session && stat.ephemeralOwner == session);
    while ((rc = zoo_set(zh, node, "moved", 5, 0)) == ZCONNECTIONLOSS) usleep(10000);
    expect("set after the move", rc, ZOK);
    expect_event(seen, ZOO_CHANGED_EVENT, node);
    printf("RECONNECTED %d\n", port_of(zh));
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: c_client HOSTS PATH\n");
        return 2;
    }
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    zhandle_t *zh = connect_to(argv[1]);
    nodes_and_watches(zh, argv[2]);
    transaction(zh, argv[2]);
    access_control(zh, argv[1], argv[2]);
    pipelined(zh, argv[2]);
    reconnect(zh, argv[2]);
    expect("close", zookeeper_close(zh), ZOK);

    struct Stat stat;
    zh = connect_to(argv[1]);
    expect("an ephemeral after close", zoo_exists(zh, below(argv[2], "mine"), 0, &stat), ZNONODE);
    expect("close", zookeeper_close(zh), ZOK);
    printf("PASSED\n");
    return 0;
}
