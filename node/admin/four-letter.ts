/**
 * The four-letter words of ZooKeeper's client port: text in, text out, line for line what ZooKeeper
 * 3.8 answers, because dashboards and scripts parse it. Reading the socket and closing it after the
 * answer is the client port's work.
 */
import { mntrText } from './four-letter-mntr.ts';
import { confText, consText, enviText, srvrText, statText } from './four-letter-stat.ts';
import type { ServerView } from './four-letter-view.ts';

/** Words that are answered here. */
const ANSWERED: ReadonlyMap<string, (view: ServerView) => string> = new Map([
  ['ruok', () => 'imok'],
  ['srvr', whileServing(srvrText)],
  ['stat', whileServing(statText)],
  ['mntr', whileServing(mntrText)],
  ['conf', whileServing(confText)],
  ['cons', whileServing(consText)],
  ['isro', isroText],
  ['envi', enviText],
]);

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests\n';

/** Words of ZooKeeper that act on the Java server or are not here yet. */
const NOT_ANSWERED =
  'crst dirs dump gtmk hash icfg lead lsnp obsr orst srst stmk sysp wchc wchp wchs'.split(' ');

/**
 * Every word that is not the beginning of a frame. Four bytes that are none of them are a length,
 * as ZooKeeper takes them.
 */
export const FOUR_LETTER_WORDS: ReadonlySet<string> = new Set([
  ...ANSWERED.keys(),
  ...NOT_ANSWERED,
]);

export interface Whitelist {
  has(word: string): boolean;
}

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

/** The whole answer to one of FOUR_LETTER_WORDS; the connection closes after it. */
export function answerFourLetterWord(word: string, view: ServerView, whitelist: Whitelist): string {
  if (!whitelist.has(word)) {
    return `${word} is not executed because it is not in the whitelist.\n`;
  }
  const answer = ANSWERED.get(word);
  return answer === undefined ? `${word} is not supported by this server.\n` : answer(view);
}

function whileServing(answer: (view: ServerView) => string): (view: ServerView) => string {
  return (view) => (view.isServing ? answer(view) : NOT_SERVING);
}

function isroText(view: ServerView): string {
  if (!view.isServing) return 'null';
  return view.mode === 'read-only' ? 'ro' : 'rw';
}
