import { type DecodeText, textDecoder } from './text-decoder.ts';

/** What a dump has said so far about how its own bytes are to be read. */
export interface TextSettings {
  /** The dump's first `SET client_encoding`. */
  readonly encoding: string | undefined;
  /** Reads names in the dump's encoding. */
  readonly decode: DecodeText;
  /** After `SET standard_conforming_strings = off`, plain strings have backslash escapes. */
  readonly escapesInStrings: boolean;
  /** Takes note of a statement. */
  obey(sql: Buffer): void;
}

/** Maximum length of a statement that sets one of the two, in bytes. */
const LONGEST = 100;
const SETTING =
  /^SET\s+(?:SESSION\s+)?(client_encoding|standard_conforming_strings)\s*(?:=|\sTO\s)\s*'?([\w-]+)'?\s*;$/i;

/** The settings at the beginning of a dump: names in UTF-8, and strings without escapes. */
export function createTextSettings(): TextSettings {
  const settings: { -readonly [P in keyof TextSettings]: TextSettings[P] } = {
    encoding: undefined,
    decode: textDecoder(undefined),
    escapesInStrings: false,
    obey(sql) {
      if (sql.length > LONGEST) return;
      const [, name, value] = SETTING.exec(sql.toString('latin1')) ?? [];
      if (name === undefined || value === undefined) return;
      if (name.toLowerCase() === 'client_encoding') {
        settings.encoding ??= value;
        settings.decode = textDecoder(value);
      } else settings.escapesInStrings = value.toLowerCase() === 'off';
    },
  };
  return settings;
}
