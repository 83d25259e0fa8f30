import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url);

/** The documents, as paths from the project's directory. */
async function listDocuments(): Promise<string[]> {
  const inDirectory = async (path: string) =>
    (await readdir(new URL(path, ROOT))).filter((name) => name.endsWith('.md')).map((name) => path + name);
  return [...(await inDirectory('./')), ...(await inDirectory('./docs/'))];
}

const read = (file: string | URL) => readFile(new URL(file, ROOT), 'utf8');

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

test('every link of the documents to another part of the project leads there', async () => {
  const dead: string[] = [];
  let links = 0;
  for (const document of await listDocuments()) {
    for (const [, link = ''] of (await read(document)).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      links += 1;
      const target = new URL(link, new URL(document, ROOT));
      const anchor = target.hash.slice(1);
      target.hash = '';
      const isDirectory = target.pathname.endsWith('/');
      const text = await (isDirectory ? readdir(target).then(String) : read(target)).catch(() => undefined);
      const anchors = [...(text ?? '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
      if (text === undefined || (anchor !== '' && !anchors.includes(anchor)))
        dead.push(`${document}: ${link}`);
    }
  }
  expect(links).toBeGreaterThan(10);
  expect(dead).toEqual([]);
});
