/**
 * A range of bytes of a dump, in the form that follows a name: `, bytes 900 to 5000`.
 *
 * @param end the byte after the last one
 */
export function describeBytes(start: number, end: number): string {
  return end > start ? `, bytes ${start} to ${end - 1}` : `, at byte ${start}`;
}
