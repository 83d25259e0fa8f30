import type { Config } from '../config/config.ts';
import type { MediaSettings } from '../media/record-media.ts';

/** Where media are, and which rows own them. */
export function mediaSettings(config: Config<'store' | 'media' | 'references'>): MediaSettings {
  const { mediaPrefix, auditReferences, auditReaders } = config;
  return { mediaPrefix, auditReferences, auditReaders, otherPrefixes: otherPrefixes(config) };
}

/** The prefixes of the backups and of the quarantine, neither of which contains media. */
export function otherPrefixes({ prefix, quarantinePrefix }: Config<'store' | 'media'>): readonly string[] {
  return [prefix, quarantinePrefix];
}
