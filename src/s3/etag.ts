/** A server's ETag without the quotes around it; '' where it gave none. */
export function bareEtag(given: string | undefined): string {
  return (given ?? '').replaceAll('"', '');
}
