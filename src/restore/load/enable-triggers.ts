/**
 * The action of ALTER TABLE or ALTER EVENT TRIGGER that makes a trigger fire as `tgenabled` or `evtenabled` says
 * (PostgreSQL's `catalog/pg_trigger.h`).
 */
export const ENABLES = { O: 'ENABLE', A: 'ENABLE ALWAYS', R: 'ENABLE REPLICA' } as const;
