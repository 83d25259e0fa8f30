/** Turns names in a dump's own encoding into text. */
export type DecodeText = (bytes: Buffer) => string;

/** PostgreSQL's encodings (manual, table 24.3) that the WHATWG Encoding Standard knows by other names. */
const LABELS: Readonly<Record<string, string>> = {
  GBK: 'gbk',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_6: 'iso-8859-6',
  ISO_8859_7: 'iso-8859-7',
  ISO_8859_8: 'iso-8859-8',
  KOI8R: 'koi8-r',
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  UNICODE: 'utf-8',
  UTF8: 'utf-8',
  WIN874: 'windows-874',
  WIN1250: 'windows-1250',
  WIN1251: 'windows-1251',
  WIN1253: 'windows-1253',
  WIN1254: 'windows-1254',
  WIN1255: 'windows-1255',
  WIN1256: 'windows-1256',
  WIN1257: 'windows-1257',
  WIN1258: 'windows-1258',
};

/** Encodings of which that standard has some other characters than PostgreSQL, or lacks some. */
const SIMILAR: Readonly<Record<string, string>> = {
  BIG5: 'big5',
  EUC_CN: 'gbk',
  EUC_JIS_2004: 'euc-jp',
  EUC_JP: 'euc-jp',
  EUC_KR: 'euc-kr',
  GB18030: 'gb18030',
  SHIFT_JIS_2004: 'shift_jis',
  SJIS: 'shift_jis',
  UHC: 'euc-kr',
};

/**
 * Single-byte encodings of which Node's decoder has other characters than PostgreSQL, or that it lacks: those from a
 * byte on, where they are not those of LATIN1.
 */
const TABLES: Readonly<Record<string, { readonly from: number; readonly characters: string }>> = {
  KOI8U: {
    from: 0x80,
    characters:
      '─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\u00a0⌡°²·÷═║╒ёє╔ії╗╘╙╚╛ґ╝╞╟╠╡ЁЄ╣ІЇ╦╧╨╩╪Ґ╬©юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ',
  },
  LATIN5: { from: 0xd0, characters: 'ĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ' },
  LATIN10: {
    from: 0xa0,
    characters:
      '\u00a0ĄąŁ€„Š§š©Ș«Ź\u00adźŻ°±ČłŽ”¶·žčș»ŒœŸżÀÁÂĂÄĆÆÇÈÉÊËÌÍÎÏĐŃÒÓÔŐÖŚŰÙÚÛÜĘȚßàáâăäćæçèéêëìíîïđńòóôőöśűùúûüęțÿ',
  },
  WIN866: {
    from: 0x80,
    characters:
      'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u00a0',
  },
  WIN1252: { from: 0x80, characters: '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ' },
};

/**
 * How the names of a dump in `encoding` are read. Bytes that the encoding does not allow, or whose encoding has no
 * decoder here, are read as UTF-8 or, failing that, one by one, so that different names stay different.
 *
 * @param encoding of the dump's `SET client_encoding`; UTF-8 if there is none
 */
export function textDecoder(encoding: string | undefined): DecodeText {
  const name = nameOf(encoding);
  if (name === 'LATIN1') return (bytes) => bytes.toString('latin1');
  const table = TABLES[name];
  if (table !== undefined) {
    const { from, characters } = table;
    return (bytes) =>
      Array.from(bytes, (byte) => characters[byte - from] ?? String.fromCharCode(byte)).join('');
  }
  const decoder = new TextDecoder(LABELS[name] ?? SIMILAR[name] ?? 'utf-8', { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return bytes.toString('latin1');
    }
  };
}

/** Whether {@link textDecoder} has for every character of `encoding` the one that PostgreSQL has. */
export function isReadExactly(encoding: string | undefined): boolean {
  const name = nameOf(encoding);
  return name === 'LATIN1' || name in TABLES || name in LABELS;
}

function nameOf(encoding: string | undefined): string {
  return encoding?.toUpperCase() ?? 'UTF8';
}
