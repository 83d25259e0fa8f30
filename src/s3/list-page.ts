import { bareEtag } from './etag.ts';
import type { ObjectInfo } from './store.ts';

/** An element's tags as servers write them. */
interface Element {
  readonly open: string;
  readonly close: string;
}

const element = (name: string): Element => ({ open: `<${name}>`, close: `</${name}>` });

const CONTENTS = element('Contents');
const KEY = element('Key');
const SIZE = element('Size');
const LAST_MODIFIED = element('LastModified');
const ETAG = element('ETag');

/** What XML itself has names for. */
const ENTITIES = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** The answer to ListObjectsV2, taken apart. */
export interface ListPage {
  readonly objects: readonly ObjectInfo[];
  /** The document without its objects. */
  readonly rest: Buffer;
}

/**
 * Takes the objects out of an answer to ListObjectsV2. The SDK reads XML letter by letter, which makes most of the time
 * and memory that the listing of a large bucket takes; this knows the plain form in which servers write it, and nothing
 * else of XML.
 *
 * @returns undefined for any other form, which is to be left to the SDK
 */
export function readListPage(body: Buffer): ListPage | undefined {
  // A character for each byte, so that places in the text are places in the body.
  const text = body.toString('latin1');
  if (text.includes('<!') || text.includes('\r')) return undefined;
  const objects: ObjectInfo[] = [];
  const rest: Buffer[] = [];
  let end = 0;
  for (let start = text.indexOf(CONTENTS.open); start >= 0; start = text.indexOf(CONTENTS.open, end)) {
    if (start > end) rest.push(body.subarray(end, start));
    const close = text.indexOf(CONTENTS.close, start);
    const object = readObjectInfo({ body, text, start, end: close });
    if (object === undefined) return undefined;
    objects.push(object);
    end = close + CONTENTS.close.length;
  }
  rest.push(body.subarray(end));
  const without = Buffer.concat(rest);
  // With attributes.
  if (without.includes('<Contents')) return undefined;
  return { objects, rest: without };
}

/** Where one object stands in the answer. */
interface Contents {
  readonly body: Buffer;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function readObjectInfo(contents: Contents): ObjectInfo | undefined {
  const key = readText(contents, KEY);
  const bytes = Number(readWord(contents, SIZE));
  const lastModified = new Date(readWord(contents, LAST_MODIFIED) ?? '');
  const etag = readText(contents, ETAG);
  if (key === undefined || key === '' || etag === undefined) return undefined;
  if (!Number.isSafeInteger(bytes) || Number.isNaN(lastModified.getTime())) return undefined;
  return { key, bytes, lastModified, etag: bareEtag(etag) };
}

/** What a child holds, to be kept: a part cut out of the text would hold all of it in memory. */
function readText(contents: Contents, child: Element): string | undefined {
  const found = findChild(contents, child);
  return found && decodeEntities(contents.body.toString('utf8', ...found));
}

/** The same of one that is a number or a time, and is read at once. */
function readWord(contents: Contents, child: Element): string | undefined {
  const found = findChild(contents, child);
  return found && contents.text.slice(...found);
}

/** From where to where the text of a child reaches that holds nothing else. */
function findChild(
  { text, start, end }: Contents,
  { open, close }: Element,
): readonly [from: number, to: number] | undefined {
  const from = text.indexOf(open, start) + open.length;
  const to = text.indexOf('<', from);
  if (from < start + open.length || to > end || !text.startsWith(close, to)) return undefined;
  return [from, to];
}

/** @returns undefined where something is no entity of XML's own */
function decodeEntities(text: string): string | undefined {
  if (!text.includes('&')) return text;
  // Around each ETag.
  const unquoted = text.replaceAll('&quot;', '"');
  if (!unquoted.includes('&')) return unquoted;
  let known = true;
  const decoded = unquoted.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));|&/gi,
    (_, hex, decimal, name) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      const character = name === undefined ? characterOf(code) : ENTITIES.get(name);
      if (character === undefined) known = false;
      return character ?? '';
    },
  );
  return known ? decoded : undefined;
}

function characterOf(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
