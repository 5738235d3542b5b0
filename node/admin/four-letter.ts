/**
 * The four-letter words of ZooKeeper's client port: text in, text out, line for line what ZooKeeper
 * 3.8 answers, because dashboards and scripts parse it. Reading the socket and closing it after the
 * answer is the client port's work.
 */
import { dirsText, dumpText, wchcText, wchpText, wchsText } from './four-letter-dump.ts';
import { mntrText } from './four-letter-mntr.ts';
import { confText, consText, enviText, srvrText, statText } from './four-letter-stat.ts';
import type { ServerControl, ServerView } from './four-letter-view.ts';

/** Null: the connection ends without an answer. */
export type Answer = string | null | Promise<string>;

export interface FourLetterServer {
  /** Called once for a word that needs it. */
  readonly view: () => ServerView;
  readonly control: ServerControl;
  readonly whitelist: Whitelist;
}

export interface Whitelist {
  has(word: string): boolean;
}

type Command = (server: FourLetterServer, argument: Uint8Array) => Answer;

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests';

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['ruok', () => 'imok'],
  ['srvr', whileServing(srvrText)],
  ['stat', whileServing(statText)],
  ['mntr', whileServing(mntrText)],
  ['conf', whileServing(confText)],
  ['cons', whileServing(consText)],
  ['dirs', whileServing(dirsText)],
  ['dump', whileServing(dumpText)],
  ['wchs', whileServing(wchsText)],
  ['wchc', whileServing(wchcText)],
  ['wchp', whileServing(wchpText)],
  ['isro', ({ view }) => isroText(view())],
  ['envi', ({ view }) => enviText(view())],
  ['crst', resetConnections],
  ['srst', resetStatistics],
  ['gtmk', ({ control }) => String(control.traceMask)],
  ['stmk', setTraceMask],
  ['hash', hash],
]);

/**
 * Every word that is not the beginning of a frame. Four bytes that are none of them are a length,
 * as ZooKeeper takes them.
 */
export const FOUR_LETTER_WORDS: ReadonlySet<string> = new Set(COMMANDS.keys());

/**
 * From the list in the configuration: `*` allows every word, `srvr` is always allowed (zkServer.sh
 * needs it), and so is `isro` where the server may turn read-only.
 */
export function fourLetterWhitelist(configured: Iterable<string>, readOnlyMode = false): Whitelist {
  const words = new Set(configured);
  const allowed = new Set(words.has('*') ? FOUR_LETTER_WORDS : words);
  allowed.add('srvr');
  if (readOnlyMode) allowed.add('isro');
  return allowed;
}

/**
 * The whole answer to one of FOUR_LETTER_WORDS; the connection closes after it. `argument` is what
 * was received with the word.
 */
export function answerFourLetterWord(
  word: string,
  argument: Uint8Array,
  server: FourLetterServer,
): Answer {
  if (!server.whitelist.has(word)) {
    return `${word} is not executed because it is not in the whitelist.\n`;
  }
  return COMMANDS.get(word)?.(server, argument) ?? null;
}

function whileServing(textOf: (view: ServerView) => string): Command {
  return (server) => {
    const view = server.view();
    return view.isServing ? textOf(view) : `${NOT_SERVING}\n`;
  };
}

function isroText(view: ServerView): string {
  if (!view.isServing) return 'null';
  return view.mode === 'read-only' ? 'ro' : 'rw';
}

function resetConnections({ view, control }: FourLetterServer): string {
  if (!view().isServing) return `${NOT_SERVING}\n`;
  control.resetConnections();
  return 'Connection stats reset.\n';
}

function resetStatistics({ view, control }: FourLetterServer): string {
  if (!view().isServing) return `${NOT_SERVING}\n`;
  control.resetStatistics();
  return 'Server stats reset.\n';
}

const MASK_BYTES = 8;

/** The mask follows the word as a signed 64-bit number; without it ZooKeeper hangs up, too. */
function setTraceMask({ control }: FourLetterServer, argument: Uint8Array): string | null {
  if (argument.length < MASK_BYTES) return null;
  const bytes = new DataView(argument.buffer, argument.byteOffset, MASK_BYTES);
  control.traceMask = bytes.getBigInt64(0);
  return String(control.traceMask);
}

/**
 * ZooKeeper prints what it noted at every 128th zxid. Picket keeps no digest along (it would cost
 * every write a checksum over its znode) and makes the one of the present zxid when asked.
 */
function hash({ view, control }: FourLetterServer): Answer {
  if (!view().isServing) return NOT_SERVING;
  return control
    .digest()
    .then(({ zxid, digest }) => `${zxid.toString(16)}: ${BigInt.asIntN(64, digest)}\n`);
}
