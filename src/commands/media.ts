import { ConfigError, EXIT } from '../errors.ts';
import { checkMedia } from '../media/check-media.ts';
import type { FirstMediaFindings, MediaFinding, MediaFindingSink } from '../media/media-finding.ts';
import { restoreMedia } from '../media/restore-media.ts';
import { checkQuarantinePrefix } from '../quarantine/quarantine-keys.ts';
import { readBackupId } from './backup-id.ts';
import { chooseFor } from './choose.ts';
import { firstFindings } from './first-findings.ts';
import { MEDIA_GROUPS } from './groups.ts';
import { jsonFindings } from './json-findings.ts';
import { isWhole, mediaContext, renderMediaChecked, renderMediaRestored } from './media-report.ts';
import { type CommonOptions, type Invocation, openSession, type Session, withStore } from './session.ts';

/** `media check ID`, `media restore ID`: the media that a backup recorded. @returns the exit status */
export async function run(invocation: Invocation, what: string, id: string): Promise<number> {
  const { dryRun } = invocation.options as CommonOptions & { readonly dryRun?: true };
  if (what !== 'check' && what !== 'restore') throw usage(`${JSON.stringify(what)} is not accepted`);
  if (what === 'check' && dryRun === true) throw usage('--dry-run applies only to restore');
  const wanted = readBackupId(id, 'ID');
  const session = openSession(invocation, MEDIA_GROUPS);
  const { config, options, signal } = session;
  const json = options.json === true;
  checkQuarantinePrefix(config);
  return withStore(session, async (store) => {
    const backup = await chooseFor(session, store, wanted);
    const context = mediaContext(session, store);
    if (what === 'check') {
      const check = (sink: MediaFindingSink) => checkMedia(context, backup, sink, signal);
      const { totals } = await report(session, json, check, renderMediaChecked);
      return totals.missing + totals.changed > 0 ? EXIT.fault : EXIT.done;
    }
    const restore = (sink: MediaFindingSink) =>
      restoreMedia(context, backup, { dryRun: dryRun === true }, sink, signal);
    return isWhole(await report(session, json, restore, renderMediaRestored)) ? EXIT.done : EXIT.fault;
  });
}

/** Writes the findings and the result of `work`: for people when it is done, as JSON while it proceeds. */
async function report<R extends object>(
  { write, tell }: Pick<Session<'store'>, 'write' | 'tell'>,
  json: boolean,
  work: (sink: MediaFindingSink) => Promise<R>,
  render: (result: R & FirstMediaFindings) => string,
): Promise<R> {
  if (json) {
    const document = jsonFindings<MediaFinding>(write);
    const result = await work(document);
    await document.end(result);
    return result;
  }
  const first = firstFindings<MediaFinding>();
  const result = await work(first);
  tell(render({ ...result, findings: first.all }));
  return result;
}

function usage(problem: string): ConfigError {
  return new ConfigError({
    doing: 'cannot run `media`',
    problem,
    remedy: 'use `media check ID` or `media restore ID [--dry-run]`',
  });
}
