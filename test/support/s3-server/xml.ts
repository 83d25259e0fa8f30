/** A node to be written: a tag and what is in it. */
export type XmlNode = readonly [tag: string, content: string | number | boolean | Date | readonly XmlNode[]];

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

export function renderXml(root: string, children: readonly XmlNode[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${children.map(render).join('')}</${root}>`;
}

function render([tag, content]: XmlNode): string {
  if (content instanceof Date) return `<${tag}>${content.toISOString()}</${tag}>`;
  if (typeof content === 'object') return `<${tag}>${content.map(render).join('')}</${tag}>`;
  return `<${tag}>${escapeXml(String(content))}</${tag}>`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;');
}

function unescapeXml(text: string): string {
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, decimal: string) => String.fromCodePoint(Number(decimal)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

/** The inner texts of every `<tag>` of a request's body, which is flat enough to be read without a parser. */
export function elements(xml: string, tag: string): string[] {
  return [...xml.matchAll(new RegExp(`<${tag}(?:\\s[^>]*)?>([^]*?)</${tag}>`, 'g'))].map(
    (match) => match[1] ?? '',
  );
}

/** The text of the first `<tag>`. */
export function textOf(xml: string, tag: string): string | undefined {
  const inner = elements(xml, tag)[0];
  return inner === undefined ? undefined : unescapeXml(inner);
}
