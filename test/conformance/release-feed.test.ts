// SPDX-License-Identifier: Apache-2.0
// The feed of revisions, read by feedparser, which we did not write.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildCatalog, digestOfRelease, formatAtom, type ReleaseDocument } from '#release';
import { openFinding, releaseDocument } from '#testing';
import { pythonJudge } from '../judges.ts';

const READ = `
import feedparser, json, sys
feed = feedparser.parse(open(sys.argv[1], 'rb').read(), sanitize_html=False)
print(json.dumps({
  'bozo': bool(feed.bozo), 'version': feed.version, 'id': feed.feed.id, 'updated': feed.feed.updated,
  'links': [[link.rel, link.href] for link in feed.feed.get('links', [])],
  'entries': [{'id': e.id, 'title': e.title, 'updated': e.updated, 'parsed': list(e.updated_parsed)[:3],
    'summary': e.summary, 'content': e.content[0].value, 'type': e.content[0].type} for e in feed.entries],
}))
`;

describe('the Atom feed', () => {
  it('is well-formed Atom 1.0 to feedparser, whatever strangers wrote into documents', async () => {
    const judge = await pythonJudge('feedparser-6.0.12', ['feedparser==6.0.12']);
    if (judge === undefined) return;
    const strange = 'a <b>&amp; "]]>\u0000 \u{1F680}';
    const first = releaseDocument('2.9.1-r0', {
      created: '2026-07-01T00:00:00Z',
      open: [{ ...openFinding('CVE-2026-0001'), package: strange }],
    });
    const second = releaseDocument('2.9.2-r0', { predecessor: first, created: '2026-08-01T12:00:00Z' });
    const source = (document: ReleaseDocument) => ({ document, digest: digestOfRelease(document), from: 'x' });
    const catalog = buildCatalog([first, second].map(source));
    const folder = mkdtempSync(join(tmpdir(), 'oakum-feed-'));
    try {
      const file = join(folder, 'feed.atom');
      writeFileSync(file, formatAtom(catalog, { url: 'https://flux.example.com/a.atom?x=1&y=2' }));
      writeFileSync(join(folder, 'read.py'), READ);
      const { stdout, stderr } = judge(join(folder, 'read.py'), [file]);
      expect(stderr).toBe('');
      const feed = JSON.parse(stdout);
      expect(feed).toMatchObject({
        bozo: false,
        version: 'atom10',
        id: 'tag:oakum.dev,2026:releases/example',
        updated: '2026-08-01T12:00:00Z',
        links: [['self', 'https://flux.example.com/a.atom?x=1&y=2']],
      });
      expect(feed.entries.map((entry: { id: string; parsed: number[] }) => [entry.id, entry.parsed])).toEqual([
        ['tag:oakum.dev,2026:releases/example/2.9.2-r0', [2026, 8, 1]],
        ['tag:oakum.dev,2026:releases/example/2.9.1-r0', [2026, 7, 1]],
      ]);
      expect(feed.entries[0]).toMatchObject({ type: 'text/html', summary: expect.stringContaining('1 fixed') });
      expect(feed.entries[0].content).toContain('a &lt;b&gt;&amp;amp; &quot;]]&gt;\uFFFD \u{1F680}');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
