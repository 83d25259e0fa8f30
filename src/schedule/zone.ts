import { IANAZone } from 'luxon';

/**
 * A time zone's clock. A *wall time* is what a clock on the wall shows, as the milliseconds of that reading taken as
 * UTC, so that calendar arithmetic on it is free of daylight saving.
 */
export interface Zone {
  /** As it was given: `Europe/Berlin`. */
  readonly name: string;
  /** Milliseconds that the wall clock is ahead of UTC at an instant (milliseconds since 1970). */
  offsetAt(instant: number): number;
}

/**
 * No zone is this far from UTC (Baker Island is 12 hours behind, Kiritimati 14 ahead; the most in history is 15:13).
 */
const MOST_OFFSET = 16 * 3_600_000;

/** No clock was ever set back or forward by this much; the most is a whole day, at the date line. */
const MOST_SHIFT = 25 * 3_600_000;

/** @returns undefined for a zone that is not in the time zone database */
export function openZone(name: string): Zone | undefined {
  // Since Node 22, offsets such as +02:00 are zones too, but Go's time.LoadLocation does not accept them.
  if (!/^[A-Za-z]/.test(name) || !IANAZone.isValidZone(name)) return undefined;
  const zone = IANAZone.create(name);
  return { name, offsetAt: (instant) => zone.offset(instant) * 60_000 };
}

/**
 * The first instant at which the wall clock has reached `wall`. For a reading that the clock shows twice this is the
 * first time; for one that it skips it is the instant after the gap.
 */
export function instantOf(zone: Zone, wall: number): number {
  const from = wall - MOST_OFFSET;
  const to = wall + MOST_OFFSET;
  const before = zone.offsetAt(from);
  const after = zone.offsetAt(to);
  if (before === after) return wall - before;
  const change = findChange(zone, from, to);
  return wall - before < change ? wall - before : Math.max(change, wall - after);
}

/**
 * The furthest reading that the wall clock has shown up to and including `instant`, which may be one from before the
 * clock was set back.
 */
export function furthestWall(zone: Zone, instant: number): number {
  const from = instant - MOST_SHIFT;
  const before = zone.offsetAt(from);
  const now = zone.offsetAt(instant);
  if (before <= now) return instant + now;
  const change = findChange(zone, from, instant);
  return Math.max(instant + now, change - 1 + before);
}

/** `2026-11-24 00:00:00 +01:00`: the zone's clock, and its distance from UTC. */
export function formatInZone(zone: Zone, time: Date): string {
  const offset = zone.offsetAt(time.getTime());
  const reading = new Date(time.getTime() + offset).toISOString().slice(0, 19).replace('T', ' ');
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0'));
  return `${reading} ${offset < 0 ? '-' : '+'}${hours}:${rest}`;
}

/** The instant between `from` and `to` from which the offset is that of `to`. Clocks change on whole seconds. */
function findChange(zone: Zone, from: number, to: number): number {
  const after = zone.offsetAt(to);
  let low = Math.floor(from / 1000);
  let high = Math.ceil(to / 1000);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetAt(middle * 1000) === after) high = middle;
    else low = middle;
  }
  return high * 1000;
}
