/** Every transcript in test/scenario/transcripts, run and compared line by line. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkTranscript, rerun, transcriptNames } from '../helpers/zab-transcript.ts';

describe('transcripts', () => {
  for (const name of transcriptNames()) it(name.replace(/\.txt$/, ''), () => checkTranscript(name));

  it('fail when an expectation is not met', () => {
    const text = '> ensemble 3 participants\n> start 1\n> expect leader 1\n';
    assert.throws(() => rerun(text), /> expect leader 1/);
  });
});
