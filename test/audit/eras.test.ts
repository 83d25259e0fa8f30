import { afterEach, describe, expect, inject, test } from 'vitest';
import { type AuditBed, brief, createAuditBed } from './audit-bed.ts';
import { CASES } from './era-cases.ts';

let bed: AuditBed;

afterEach(() => bed.close());

const LABELS = { topography: 'Line scan', surface: 'Polished Si', owner: 'ada' };

describe.each(CASES)('$name', ({ era, sql, objects, findings }) => {
  test('finds what dangles and what is orphaned, and nothing else', async () => {
    bed = await createAuditBed(inject('postgres'), sql);
    for (const key of objects) await bed.put(key);
    const report = await bed.report();
    expect(brief(report.findings)).toEqual(findings);
    expect(report).toMatchObject({ era, database: bed.database.name, prefix: 'media/' });
    expect(report.objects).toBe(objects.filter((key) => key.startsWith('media/')).length);
    for (const finding of report.findings) {
      if (finding.kind === 'dangling' && era !== 'B+C') expect(finding).toMatchObject(LABELS);
    }
  });
});
