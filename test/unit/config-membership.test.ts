/**
 * The ensemble in zoo.cfg: server lines, groups and weights, dynamic files, and the text that goes
 * out to Apache's servers.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configText, quorumVerifierOf } from '../../node/runtime/config/config-text.ts';
import { type LoadedConfig, loadConfig } from '../../node/runtime/config/load-config.ts';
import { parseServerLine } from '../../node/runtime/config/server-line.ts';

const HEAD = 'tickTime=2000\ndataDir=/d\nclientPort=2181\ninitLimit=10\nsyncLimit=5\n';

function load(lines: string, files: Record<string, string> = { '/d/myid': '1' }): LoadedConfig {
  const readText = (file: string): string | undefined => files[file];
  return loadConfig(HEAD + lines, { file: 'zoo.cfg', readText, hostNames: [] });
}

function servers(n: number, more = ''): string {
  const line = (_: unknown, index: number): string =>
    `server.${index + 1}=h${index + 1}:2888:3888\n`;
  return Array.from({ length: n }, line).join('') + more;
}

function refused(lines: string, message: RegExp, files?: Record<string, string>): void {
  assert.throws(() => load(lines, files), message);
}

describe('a server line', () => {
  it('has host, two ports, and perhaps a role and a client address', () => {
    const base = { sid: 1, host: 'pi1.local', quorumPort: 2888, electionPort: 3888 };
    const participant = { ...base, role: 'participant' as const };
    const cases: Array<[string, unknown]> = [
      ['pi1.local:2888:3888', participant],
      ['pi1.local:2888:3888:Observer', { ...base, role: 'observer' }],
      ['pi1.local:2888:3888;2181', { ...participant, clientHost: '0.0.0.0', clientPort: 2181 }],
      [
        'pi1.local:2888:3888:participant;10.0.0.1:2181',
        { ...participant, clientHost: '10.0.0.1', clientPort: 2181 },
      ],
      [
        '[fe80::1]:2888:3888:participant;[::1]:2181',
        { ...participant, host: 'fe80::1', clientHost: '::1', clientPort: 2181 },
      ],
    ];
    for (const [text, server] of cases) {
      assert.deepEqual(parseServerLine(1, text), { server, addresses: 1 }, text);
    }
  });

  it('names what is wrong with it', () => {
    const cases: Array<[string, RegExp]> = [
      ['h', /^must be host:quorumPort/],
      ['h:2888', /election port is missing/],
      ['h:0:3888', /quorum port 0 must be from 1 to 65535/],
      ['h:2888:70000', /election port 70000 must/],
      ['h:2888:2888', /must differ/],
      ['h:2888:3888:witness', /role witness must be/],
      ['h:2888:3888:observer:1', /^must be host/],
      ['h:2888:3888;2181;2182', /^must be host/],
      ['h:2888:3888;', /nothing stands after/],
      ['h:2888:3888;h:x', /client port x must/],
      ['fe80::1:2888:3888', /^must be host|quorum port/],
      ['[fe80::1:2888:3888', /brackets/],
      [':2888:3888', /^must be host/],
    ];
    for (const [text, message] of cases) {
      const result = parseServerLine(1, text);
      assert.equal(typeof result, 'string', text);
      assert.match(String(result), message, text);
    }
  });

  it('may have several addresses, of which the first is used, with a warning', () => {
    const { config, warnings } = load(servers(2, 'server.3=a:1:2|b:3:4\n'));
    assert.equal(config.servers[2]?.host, 'a');
    assert.match(warnings.join(), /server\.3: has 2 addresses; only the first/);
  });
});

describe('an ensemble', () => {
  it('of three is replicated, without a warning', () => {
    const { config, warnings } = load(servers(3));
    assert.deepEqual(warnings, []);
    assert.equal(config.mode, 'replicated');
    assert.deepEqual([...quorumVerifierOf(config).participants], [1, 2, 3]);
  });

  it('of one runs standalone, unless standaloneEnabled=false', () => {
    const { config, warnings } = load(servers(1));
    assert.equal(config.mode, 'standalone');
    assert.match(warnings.join(), /the only server: it runs standalone/);
    assert.deepEqual([...quorumVerifierOf(config).participants], [1]);
    assert.equal(load(`${servers(1)}standaloneEnabled=false`).config.mode, 'replicated');
  });

  it('of two or four is warned of', () => {
    assert.match(load(servers(2)).warnings.join(), /no failure of a server will be tolerated/);
    assert.match(load(servers(4)).warnings.join(), /4 participants: no more failures.* with 3/);
  });

  it('has observers beside participants, never alone', () => {
    const observer = 'server.9=h9:2888:3888:observer\n';
    const { config } = load(servers(3, `${observer}peerType=observer\n`), { '/d/myid': '9' });
    assert.equal(config.isObserver, true);
    assert.deepEqual([...quorumVerifierOf(config).observers], [9]);
    refused(observer, /observers need participants/, { '/d/myid': '9' });
    refused(servers(1, observer), /observers need a quorum/);
  });

  it('takes the role from the server line when peerType differs', () => {
    const { config, warnings } = load(servers(3, 'peerType=observer\n'));
    assert.equal(config.isObserver, false);
    assert.match(warnings.join(), /peerType: differs from the server line/);
    refused(servers(3, 'peerType=witness\n'), /peerType=witness: must be participant or observer/);
  });

  it('has no two servers on one address, and no sid out of range', () => {
    refused(servers(2, 'server.3=H1:2888:3889\n'), /H1:2888 is already used by server\.1/);
    refused(servers(2, 'server.300=h3:2888:3888\n'), /server\.300=.*from 1 to 255/);
    refused(servers(2, 'server.x=h3:2888:3888\n'), /server\.x=.*from 1 to 255/);
  });

  it('may give the client address in the server line; it must agree with clientPort', () => {
    const line = (client: string): string =>
      servers(2).replace('h1:2888:3888', `h1:2888:3888;${client}`);
    const { config } = load(line('10.0.0.1:2181'));
    assert.deepEqual([config.clientPort, config.clientPortAddress], [2181, '10.0.0.1']);
    assert.equal(load(line('2181')).config.clientPortAddress, undefined);
    refused(line('2182'), /clientPort=2181: server\.1 says 0\.0\.0\.0:2182; they must agree/);
    refused(servers(2).replace('2888', '2181'), /is a quorum or election port of server\.1 too/);
  });
});

describe('groups', () => {
  const groups = 'group.1=1:2:3\ngroup.2=4:5\n';

  it('make a hierarchical quorum', () => {
    const { config, warnings } = load(servers(5, `${groups}weight.4=3\nweight.5=0\n`));
    assert.deepEqual(warnings, []);
    const verifier = quorumVerifierOf(config);
    assert.equal(verifier.containsQuorum(new Set([1, 2, 4])), true);
    assert.equal(verifier.containsQuorum(new Set([1, 2, 3, 5])), false);
    assert.equal(verifier.weightOf(4), 3);
  });

  it('must hold every participant once, and nobody else', () => {
    refused(servers(5, 'group.1=1:2:3\n'), /server\.4=.*is in no group/);
    refused(servers(3, 'group.1=1:2:3\ngroup.2=3\n'), /group\.2=3: server 3 is in group 1 too/);
    refused(servers(3, 'group.1=1:2:3:7\n'), /7 is no participant/);
    refused(servers(3, 'group.1=1:2:3:\n'), /nothing is no participant/);
    refused(servers(3, 'weight.1=2\n'), /weights count in groups only/);
    refused(servers(3, 'group.1=1:2:3\nweight.9=2\n'), /server 9 is no participant/);
    refused(servers(3, 'group.1=1:2:3\nweight.1=-2\n'), /weight\.1=-2: must be a whole number/);
    const zero = 'weight.1=0\nweight.2=0\nweight.3=0\n';
    refused(servers(3, `group.1=1:2:3\n${zero}`), /every weight is 0/);
  });
});

describe('the text of the configuration', () => {
  it("is that of Apache's server for the same lines", () => {
    const lines = `server.9=127.0.0.1:23309:23409:observer
server.1=127.0.0.1:23301:23401\nserver.2=127.0.0.1:23302:23402\nserver.3=127.0.0.1:23303:23403\n`;
    assert.equal(
      configText(load(lines).config),
      `server.1=127.0.0.1:23301:23401:participant
server.2=127.0.0.1:23302:23402:participant
server.3=127.0.0.1:23303:23403:participant
server.9=127.0.0.1:23309:23409:observer
version=0`,
    );
  });

  it('has client addresses, brackets, groups and weights', () => {
    const lines = `server.10=[fe80::1]:2888:3888;[::1]:2182\nserver.1=h1:2888:3888;2181
group.2=10\ngroup.1=1\nweight.10=2\n`;
    assert.equal(
      configText(load(lines).config),
      `server.1=h1:2888:3888:participant;0.0.0.0:2181
server.10=[fe80::1]:2888:3888:participant;[::1]:2182
group.1=1\ngroup.2=10\nweight.1=1\nweight.10=2\nversion=0`,
    );
  });

  it('is empty for a standalone server', () => {
    assert.equal(configText(load('').config), '');
  });
});

describe('a dynamic file', () => {
  const file = '/etc/zoo.cfg.dynamic.10000001f';

  it('holds the servers, and its name the version', () => {
    const { config } = load(`dynamicConfigFile=${file}\n`, { [file]: servers(3), '/d/myid': '2' });
    assert.equal(config.sid, 2);
    assert.equal(config.configVersion, 0x10000001f);
    assert.match(configText(config), /\nversion=10000001f$/);
  });

  it('is named in what is wrong with it', () => {
    const key = `dynamicConfigFile=${file}\n`;
    refused(key, /dynamicConfigFile=.*: cannot be read/);
    refused(`${key}${servers(1)}`, /server\.1=.*must be in the dynamic file/, { [file]: '' });
    const files = (text: string) => ({ '/d/myid': '1', [file]: servers(3, text) });
    refused(key, /10000001f:4: tickTime=1: a dynamic file holds server/, files('tickTime=1'));
    refused(key, /10000001f:4: version=1: the version is in the name/, files('version=1'));
  });
});
