/**
 * zoo.cfg to PeerConfig: the files people have start as they are, defaults are ZooKeeper's, and
 * nothing is dropped in silence.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError } from '../../node/runtime/config/config-error.ts';
import {
  type LoadedConfig,
  loadConfig,
  loadConfigFile,
} from '../../node/runtime/config/load-config.ts';

const STANDALONE = 'tickTime=2000\ndataDir=/var/lib/picket\nclientPort=2181\n';
const COURSE = `${STANDALONE}server.1=siserver1.local:2888:3888
server.2=siserver2.local:2888:3888
server.3=siserver3.local:2888:3888
`;
const MYID = '/var/lib/picket/myid';

function load(
  text: string,
  files: Record<string, string> = {},
  hostNames: string[] = [],
): LoadedConfig {
  return loadConfig(text, { file: 'zoo.cfg', readText: (file) => files[file], hostNames });
}

/** The lines of the error that `text` causes. */
function problems(text: string, files: Record<string, string> = {}): string[] {
  try {
    load(text, files);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split('\n');
  }
  return assert.fail('the configuration was accepted');
}

function warnings(text: string, files: Record<string, string> = {}): readonly string[] {
  return load(text, files).warnings;
}

describe('the files of the course', () => {
  it('starts the standalone file as it is', () => {
    const { config, warnings } = load(STANDALONE);
    assert.deepEqual(warnings, []);
    assert.equal(config.mode, 'standalone');
    assert.equal(config.sid, 1);
    assert.equal(config.tickTimeMs, 2000);
    assert.equal(config.clientPort, 2181);
    assert.equal(config.dataDir, '/var/lib/picket');
    assert.deepEqual([config.minSessionTimeoutMs, config.maxSessionTimeoutMs], [4000, 40_000]);
  });

  it('starts the ensemble file as it is, and says what it assumed', () => {
    const { config, warnings } = load(COURSE, {}, ['SIserver2', 'siserver2.local', '10.0.0.2']);
    assert.equal(config.mode, 'replicated');
    assert.equal(config.sid, 2);
    assert.equal(config.isObserver, false);
    assert.deepEqual([config.initLimitTicks, config.syncLimitTicks], [10, 5]);
    assert.equal(config.connectToLearnerMasterLimitTicks, 10);
    assert.equal(warnings.length, 3);
    assert.match(warnings.join('\n'), /initLimit: is not set; 10 ticks/);
    assert.match(warnings.join('\n'), /syncLimit: is not set; 5 ticks/);
    assert.match(
      warnings.join('\n'),
      /myid is missing; server\.2 \(siserver2\.local\) is this board/,
    );
  });

  it('prefers myid to the host name', () => {
    const { config } = load(COURSE, { [MYID]: '3\n' }, ['siserver2.local']);
    assert.equal(config.sid, 3);
  });
});

describe('myid', () => {
  it('is needed where no line, or more than one, is this machine', () => {
    assert.match(problems(COURSE).join(), /dataDir=.*myid is missing and no server line matches/);
    const same = COURSE.replaceAll(/siserver\d\.local:2888:3888/g, (_, at: number) => {
      return `127.0.0.1:${3000 + at}:${4000 + at}`;
    });
    assert.throws(() => load(same, {}, ['127.0.0.1']), /server\.1, server\.2, server\.3 matches/);
  });

  it('must be a number from 1 to 255 with a server line', () => {
    for (const text of ['', 'one', '0', '256', '-1', '1.5']) {
      const [problem = ''] = problems(COURSE, { [MYID]: text });
      assert.match(
        problem,
        /^zoo\.cfg:2: dataDir=\/var\/lib\/picket: .*myid .* from 1 to 255$/,
        text,
      );
    }
    assert.match(
      problems(COURSE, { [MYID]: '4' }).join(),
      /says 4, but there is no line server\.4/,
    );
    assert.equal(load(COURSE, { [MYID]: ' 2 \r\nrest' }).config.sid, 2);
  });
});

describe('defaults', () => {
  it("are ZooKeeper's", () => {
    const { config } = load('dataDir=/d\nclientPort=2181');
    assert.equal(config.tickTimeMs, 3000);
    assert.equal(config.maxClientCnxns, 60);
    assert.equal(config.maxCnxns, 0);
    assert.equal(config.clientPortListenBacklog, -1);
    assert.equal(config.clientPortAddress, undefined);
    assert.deepEqual(config.fourLetterWhitelist, ['srvr']);
    assert.equal(config.leaderServes, true);
    assert.equal(config.globalOutstandingLimit, 1000);
    assert.equal(config.juteMaxBufferBytes, 0xfffff);
    assert.equal(config.cnxTimeoutMs, 5000);
    assert.deepEqual(config.containers, {
      checkIntervalMs: 1000,
      maxPerMinute: 10_000,
      neverUsedMs: 0,
    });
    assert.equal(config.extendedTypesEnabled, true);
    assert.deepEqual(
      [config.minNotificationIntervalMs, config.maxNotificationIntervalMs],
      [200, 60_000],
    );
    assert.equal(config.skipAcl, false);
    assert.equal(config.superDigest, undefined);
    assert.equal(config.dataLogDir, '/d');
    assert.equal(config.journalSegmentBytes, 4_194_304);
    assert.equal(config.mqtt, undefined);
  });

  it('give way to what the file says, with or without the zookeeper. prefix', () => {
    const { config, warnings } = load(
      `${STANDALONE}minSessionTimeout=100\nmaxSessionTimeout=900\nmaxClientCnxns=0
zookeeper.globalOutstandingLimit=5\njute.maxbuffer=0x10000\nleaderServes=no
4lw.commands.whitelist=stat, ruok ,,srvr\nelectionAlg=3\nclientPortAddress=127.0.0.1
dataLogDir=/log/\nextendedTypesEnabled=false\nznode.container.checkIntervalMs=50
zookeeper.cnxTimeout=77\n`,
    );
    assert.deepEqual(warnings, []);
    assert.deepEqual([config.minSessionTimeoutMs, config.maxSessionTimeoutMs], [100, 900]);
    assert.equal(config.maxClientCnxns, 0);
    assert.equal(config.globalOutstandingLimit, 5);
    assert.equal(config.juteMaxBufferBytes, 65_536);
    assert.equal(config.leaderServes, false);
    assert.deepEqual(config.fourLetterWhitelist, ['srvr', 'stat', 'ruok']);
    assert.equal(config.clientPortAddress, '127.0.0.1');
    assert.equal(config.dataLogDir, '/log');
    assert.equal(config.extendedTypesEnabled, false);
    assert.equal(config.containers.checkIntervalMs, 50);
    assert.equal(config.cnxTimeoutMs, 77);
  });
});

describe('mistakes', () => {
  it('are all reported at once, by line', () => {
    assert.deepEqual(
      problems('tickTime=0\n\nclientPort=99999\nelectionAlg=2\nleaderServes=maybe\n'),
      [
        'zoo.cfg:1: tickTime=0: must be milliseconds from 1 to 107374182',
        'zoo.cfg:3: clientPort=99999: must be a port (0 for none) from 0 to 65535',
        'zoo.cfg:4: electionAlg=2: must be 3, fast leader election',
        'zoo.cfg:5: leaderServes=maybe: must be true or false (or yes or no)',
        'zoo.cfg: dataDir: is not set; name the directory for the data, dataDir=/var/lib/picket',
      ],
    );
  });

  it('in session timeouts name both', () => {
    const [problem = ''] = problems(`${STANDALONE}minSessionTimeout=50000`);
    assert.match(problem, /^zoo\.cfg:4: minSessionTimeout=50000: .*\(50000 > 40000 ms\)$/);
    assert.match(
      problems(`${STANDALONE}maxSessionTimeout=3999`).join(),
      /:4: maxSessionTimeout=3999/,
    );
  });

  it('in a secret do not show it', () => {
    const key = 'zookeeper.DigestAuthenticationProvider.superDigest';
    const [problem = ''] = problems(`${STANDALONE}${key}=super:opensesame`);
    assert.match(problem, /^zoo\.cfg:4: zookeeper\.Digest.*: must be user:base64/);
    assert.doesNotMatch(problem, /opensesame/);
    const digest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';
    assert.equal(load(`${STANDALONE}${key}=${digest}`).config.superDigest, digest);
  });

  it('such as not closing a port are not made: 0 and unset mean no listener', () => {
    assert.deepEqual(load('dataDir=/d\nclientPort=0').warnings, []);
    assert.equal(load('dataDir=/d\nclientPort=0').config.clientPort, 0);
    assert.match(warnings('dataDir=/d').join(), /clientPort: is not set; no client can connect/);
    assert.match(problems('dataDir=/d\nclientPortAddress=10.0.0.1').join(), /clientPort is not/);
  });
});

describe('metrics', () => {
  const PROMETHEUS =
    'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider';
  const metricsOf = (lines: string) => load(`${STANDALONE}${lines}\n`).config.metrics;

  it('are served where the provider is set, by default where ZooKeeper does', () => {
    assert.equal(metricsOf(''), undefined);
    assert.deepEqual(metricsOf(PROMETHEUS), {
      host: '0.0.0.0',
      port: 7000,
      hasProcessMetrics: true,
    });
    const lines = `${PROMETHEUS}\nmetricsProvider.httpHost=127.0.0.1\nmetricsProvider.httpPort=9
metricsProvider.exportJvmInfo=false`;
    assert.deepEqual(metricsOf(lines), { host: '127.0.0.1', port: 9, hasProcessMetrics: false });
  });

  it('are not served by the providers that open no port', () => {
    const name = 'org.apache.zookeeper.metrics.impl.DefaultMetricsProvider';
    assert.equal(metricsOf(`metricsProvider.className=${name}`), undefined);
  });

  it('need a provider that is known and a port', () => {
    const lines = `metricsProvider.className=a.B\n`;
    assert.match(problems(`${STANDALONE}${lines}`).join(), /className=a\.B: must be org\.apache/);
    const port = `${PROMETHEUS}\nmetricsProvider.httpPort=0\n`;
    assert.match(problems(`${STANDALONE}${port}`).join(), /httpPort=0: must be a port from 1/);
  });

  it('warn of keys that do nothing', () => {
    const lines = warnings(`${STANDALONE}metricsProvider.httpPort=7000\n`);
    assert.match(lines.join(), /httpPort: has no effect without metricsProvider\.className=org/);
    const others = warnings(`${STANDALONE}${PROMETHEUS}\nmetricsProvider.maxQueueSize=5\n`);
    assert.match(others.join(), /maxQueueSize: has no effect: Picket serves metrics over plain/);
  });
});

describe('keys without effect', () => {
  it('are named with the reason', () => {
    const text = `${STANDALONE}snapCount=1000\nautopurge.purgeInterval=1\nforceSync=no
secureClientPort=2281\nskipACL=yes\nmetricsProvider.httpPort=7000\n`;
    const lines = warnings(text);
    assert.equal(lines.length, 6);
    assert.match(
      lines.join('\n'),
      /zoo\.cfg:4: snapCount: has no effect: Picket's snapshots follow/,
    );
    assert.match(lines.join('\n'), /:5: autopurge\.purgeInterval: has no effect/);
    assert.match(lines.join('\n'), /:6: forceSync: has no effect: Picket acknowledges nothing/);
    assert.match(lines.join('\n'), /:7: secureClientPort: has no effect: Picket has no TLS/);
    assert.match(lines.join('\n'), /:8: skipACL: every client/);
  });

  it('cause no warning where they ask for what happens anyway', () => {
    const same =
      'forceSync=yes\nadmin.enableServer=false\nreconfigEnabled=false\nsyncEnabled=true\n';
    assert.deepEqual(warnings(`${STANDALONE}${same}sslQuorum=false\n`), []);
  });

  it('are refused where they promise protection', () => {
    const lines = problems(`${STANDALONE}sslQuorum=true\nquorum.auth.serverRequireSasl=true`);
    assert.match(lines[0] ?? '', /:4: sslQuorum=true: Picket has no TLS yet.*set it to false/);
    assert.match(
      lines[1] ?? '',
      /:5: quorum\.auth\.serverRequireSasl=true: Picket has no SASL yet/,
    );
  });

  it('that nobody knows are named with the nearest one that somebody does', () => {
    const lines = warnings(`${STANDALONE}tiktime=1\nsynclimit=4\npicket.mqtt.ulr=x\nqqqqqqqqq=1`);
    assert.match(lines[0] ?? '', /:4: tiktime: is no key .* did you mean tickTime\?/);
    assert.match(lines[1] ?? '', /:5: synclimit: .*did you mean syncLimit\?/);
    assert.match(lines[2] ?? '', /:6: picket\.mqtt\.ulr: .*did you mean picket\.mqtt\.url\?/);
    assert.match(lines[3] ?? '', /:7: qqqqqqqqq: .*it has no effect$/);
  });

  it('that are set twice are named, and the last counts', () => {
    const { config, warnings } = load(`${STANDALONE}tickTime=500\n`);
    assert.equal(config.tickTimeMs, 500);
    assert.match(warnings.join(), /:4: tickTime: set before, on line 1/);
  });
});

describe('directories', () => {
  const rest = '\nclientPort=2181';

  it('in /tmp are warned of, for they are lost at a reboot', () => {
    assert.match(warnings(`dataDir=/tmp/zookeeper${rest}`).join(), /lost at a reboot/);
    assert.deepEqual(warnings(`dataDir=/tmpfiles${rest}`), []);
  });

  it('with Windows backslashes are an error or a warning, never a strange directory', () => {
    const [problem = ''] = problems(`dataDir=\\tmp\\zookeeper${rest}`);
    assert.match(
      problem,
      /^zoo\.cfg:1: dataDir=mpzookeeper: \\tmp\\zookeeper has .*write \/tmp\/zookeeper or/,
    );
    assert.match(
      warnings(`dataDir=C:\\zookeeper\\data${rest}`)[0] ?? '',
      /is read as C:zookeeperdata/,
    );
    assert.match(problems(`dataDir=C:\\users\\pi${rest}`).join(), /malformed/);
  });

  it('are made absolute', () => {
    const { config, warnings } = load(`dataDir=data${rest}`);
    assert.equal(config.dataDir, path.resolve('data'));
    assert.match(warnings.join(), /is relative/);
  });
});

describe("Picket's own keys", () => {
  const broker = 'picket.mqtt.url=mqtt://127.0.0.1:1883\n';

  it('describe the bridge', () => {
    assert.deepEqual(load(`${STANDALONE}${broker}`).config.mqtt, {
      url: 'mqtt://127.0.0.1:1883',
      topic: 'picket',
      username: undefined,
      passwordFile: undefined,
    });
    const more = 'picket.mqtt.topic=lab/zk\npicket.mqtt.username=u\npicket.mqtt.passwordFile=/pw\n';
    const { mqtt } = load(`${STANDALONE}${broker}${more}`, { '/pw': 'secret' }).config;
    assert.deepEqual(mqtt, {
      url: 'mqtt://127.0.0.1:1883',
      topic: 'lab/zk',
      username: 'u',
      passwordFile: '/pw',
    });
  });

  it('are checked', () => {
    const with_ = (line: string): string[] => problems(`${STANDALONE}${broker}${line}`);
    assert.match(with_('picket.mqtt.url=http://x').join(), /must be a broker like mqtt:/);
    const [secret = ''] = with_('picket.mqtt.url=mqtt://u:pw123@h');
    assert.match(secret, /must not hold credentials/);
    assert.doesNotMatch(secret, /pw123/);
    for (const topic of ['a/#', 'a+', '/a', 'a/', '$SYS', '']) {
      assert.match(with_(`picket.mqtt.topic=${topic}`).join(), /must be a topic/, topic);
    }
    assert.match(with_('picket.mqtt.passwordFile=/none').join(), /cannot be read/);
    for (const bytes of ['65535', '70000', '2e9', '-4096']) {
      assert.match(with_(`picket.journal.segmentBytes=${bytes}`).join(), /multiple of 4096/, bytes);
    }
    const { config } = load(`${STANDALONE}picket.journal.segmentBytes=65536`);
    assert.equal(config.journalSegmentBytes, 65_536);
    assert.match(warnings(`${STANDALONE}picket.mqtt.topic=x`).join(), /without picket\.mqtt\.url/);
  });
});

describe('files', () => {
  it('are read from disk, with a byte order mark or not, and myid beside the data', () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-'));
    try {
      fs.writeFileSync(path.join(dir, 'myid'), '1\n');
      const file = path.join(dir, 'zoo.cfg');
      fs.writeFileSync(file, `\ufefftickTime=2000\ndataDir=${dir}\nclientPort=2181\n`);
      const { config } = loadConfigFile(file);
      assert.equal(config.tickTimeMs, 2000);
      assert.equal(config.file, file);
      assert.throws(
        () => loadConfigFile(path.join(dir, 'none.cfg')),
        /none\.cfg: file: cannot be read/,
      );
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  });

  it('include the annotated sample, which has nothing to complain of', () => {
    const sample = new URL('../../../deploy/zoo.cfg.sample', import.meta.url);
    const { config, warnings } = load(fs.readFileSync(sample, 'utf8'), { [MYID]: '1' });
    assert.deepEqual(warnings, []);
    assert.equal(config.servers.length, 3);
  });
});
