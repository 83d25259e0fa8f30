import { bareEtag } from './etag.ts';
import type { ObjectPage } from './object-page.ts';
import { noteRoom, type PageMemory } from './page-memory.ts';
import type { ObjectInfo } from './store.ts';
import { decodeEntities } from './xml-entities.ts';

/** The tags of an element as servers write them. */
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

/** Notes per object: start and end of its key, start and end of its ETag, its size, and its time. */
const NOTES_PER_OBJECT = 6;

/** An answer to ListObjectsV2, split up. */
export interface ListPage {
  /** Undefined if there are no objects. */
  readonly page: ObjectPage | undefined;
  /** The document without its objects. */
  readonly rest: Buffer;
}

/**
 * Takes the objects out of an answer to ListObjectsV2. The SDK reads XML character by character, which accounts for
 * most of the time and memory of listing a large bucket; this reads only the plain form in which servers write it.
 *
 * @param body the answer, which the page refers to until its objects are taken
 * @param memory holds notes about the objects
 * @param onTaken called when the page no longer needs either
 * @returns undefined for any other form, which is left to the SDK
 */
export function readListPage(body: Buffer, memory: PageMemory, onTaken: () => void): ListPage | undefined {
  // One character per byte, so that offsets in the text are offsets in the body.
  const text = body.toString('latin1');
  if (text.includes('<!') || text.includes('\r')) return undefined;
  const rest: Buffer[] = [];
  let objects = 0;
  let end = 0;
  for (let start = text.indexOf(CONTENTS.open); start >= 0; start = text.indexOf(CONTENTS.open, end)) {
    if (start > end) rest.push(body.subarray(end, start));
    const close = text.indexOf(CONTENTS.close, start);
    if (!noteObject({ text, start, end: close }, memory, objects)) return undefined;
    objects += 1;
    end = close + CONTENTS.close.length;
  }
  rest.push(body.subarray(end));
  const without = Buffer.concat(rest);
  // An element with attributes.
  if (without.includes('<Contents')) return undefined;
  const page = objects === 0 ? undefined : notedPage(body, memory.notes, objects, onTaken);
  return { page, rest: without };
}

function notedPage(body: Buffer, notes: Float64Array, objects: number, onTaken: () => void): ObjectPage {
  let taken = false;
  return {
    lastKey: notedObject(body, notes, objects - 1).key,
    take() {
      if (taken) throw new Error('a page of a listing was taken twice');
      taken = true;
      const all = Array.from({ length: objects }, (_, index) => notedObject(body, notes, index));
      onTaken();
      return all;
    },
  };
}

/** Where an object is in the answer. */
interface Contents {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** @returns whether the object has the plain form */
function noteObject(contents: Contents, memory: PageMemory, index: number): boolean {
  const key = findChild(contents, KEY);
  const etag = findChild(contents, ETAG);
  const bytes = Number(readChild(contents, SIZE));
  const lastModified = Date.parse(readChild(contents, LAST_MODIFIED) ?? '');
  if (key === undefined || key.start === key.end || etag === undefined) return false;
  if (!Number.isSafeInteger(bytes) || Number.isNaN(lastModified)) return false;
  const bare = withoutQuotes(contents.text, etag);
  if (!isDecodable(contents.text, key) || !isDecodable(contents.text, bare)) return false;
  const at = index * NOTES_PER_OBJECT;
  const notes = noteRoom(memory, at + NOTES_PER_OBJECT);
  notes[at] = key.start;
  notes[at + 1] = key.end;
  notes[at + 2] = bare.start;
  notes[at + 3] = bare.end;
  notes[at + 4] = bytes;
  notes[at + 5] = lastModified;
  return true;
}

function notedObject(body: Buffer, notes: Float64Array, index: number): ObjectInfo {
  const at = index * NOTES_PER_OBJECT;
  return {
    key: decode(body.toString('utf8', notes[at], notes[at + 1])),
    bytes: notes[at + 4] ?? 0,
    lastModified: new Date(notes[at + 5] ?? 0),
    etag: bareEtag(decode(body.toString('utf8', notes[at + 2], notes[at + 3]))),
  };
}

/** Where a piece of text is in the answer. */
interface Place {
  readonly start: number;
  readonly end: number;
}

function readChild(contents: Contents, child: Element): string | undefined {
  const found = findChild(contents, child);
  return found && contents.text.slice(found.start, found.end);
}

/** The text of a child element that contains nothing else. */
function findChild({ text, start, end }: Contents, { open, close }: Element): Place | undefined {
  const from = text.indexOf(open, start) + open.length;
  const to = text.indexOf('<', from);
  if (from < start + open.length || to > end || !text.startsWith(close, to)) return undefined;
  return { start: from, end: to };
}

const QUOTE = '&quot;';

/**
 * An ETag is quoted, and most servers write the quotes as entities; without them there is usually nothing to decode.
 */
function withoutQuotes(text: string, { start, end }: Place): Place {
  return {
    start: text.startsWith(QUOTE, start) ? start + QUOTE.length : start,
    end: text.endsWith(QUOTE, end) ? end - QUOTE.length : end,
  };
}

/** Whether every entity in the text is known. */
function isDecodable(text: string, { start, end }: Place): boolean {
  const first = text.indexOf('&', start);
  return first < 0 || first >= end || decodeEntities(text.slice(start, end)) !== undefined;
}

/** Decodes text that {@link isDecodable} accepts. */
function decode(text: string): string {
  return decodeEntities(text) ?? text;
}
