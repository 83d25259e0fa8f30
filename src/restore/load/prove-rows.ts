import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describeBytes } from '../../dump/describe-bytes.ts';
import { qualifiedName } from '../../dump/tokens.ts';
import { DumpError } from '../../errors.ts';
import { formatHash } from '../../ui/format.ts';
import type { RowPiece } from './row-pieces.ts';

/**
 * What to do about rows that may have been cut in the wrong places: a restore takes into account what a verification
 * has found.
 */
export const IN_ONE_PIECE =
  'if it finds only checkpoints at fault, the next restore reads each table in one piece';

/** Compares the bytes of a piece with what the index says of them. */
interface RowsProof {
  /** @throws DumpError as soon as a checkpoint with a different CRC-32 is passed */
  add(chunk: Buffer): void;
  /** @throws DumpError unless all bytes came and are the right ones */
  finish(): void;
}

/** @param dump its name for errors, and what to do if its bytes differ */
export function proveRows(
  { table, offset, bytes, proof }: RowPiece,
  dump: { readonly name: string; readonly remedyForDamage: string },
): RowsProof {
  const wrong = (found: string) =>
    new DumpError({
      doing: `cannot restore ${dump.name}`,
      problem: `rows of ${qualifiedName(table)}${describeBytes(offset, offset + bytes)}, do not match the dump’s index: ${found}`,
      remedy: proof.by === 'sha256' ? dump.remedyForDamage : `${dump.remedyForDamage}; ${IN_ONE_PIECE}`,
    });
  let left = bytes;
  const check = proof.by === 'sha256' ? byHash(proof.sha256) : byCheckpoints(offset, proof);

  return {
    add(chunk) {
      left -= chunk.length;
      const found = check.add(chunk);
      if (found !== undefined) throw wrong(found);
    },
    finish() {
      const found = left === 0 ? check.finish() : `${bytes - left} bytes arrived`;
      if (found !== undefined) throw wrong(found);
    },
  };
}

/** Both return what is wrong, if anything. */
interface RowsCheck {
  add(chunk: Buffer): string | undefined;
  finish(): string | undefined;
}

function byHash(sha256: string): RowsCheck {
  const hash = createHash('sha256');
  return {
    add(chunk) {
      hash.update(chunk);
      return undefined;
    },
    finish() {
      const found = hash.digest('hex');
      return found === sha256 ? undefined : `they are ${formatHash(found)} instead of ${formatHash(sha256)}`;
    },
  };
}

function byCheckpoints(offset: number, proof: Extract<RowPiece['proof'], { by: 'crc32' }>): RowsCheck {
  let at = offset;
  let crc = proof.before;
  let passed = 0;
  return {
    add(chunk) {
      let rest = chunk;
      for (let mark = proof.marks[passed]; mark !== undefined; mark = proof.marks[passed]) {
        const upTo = rest.subarray(0, mark.offset - at);
        crc = crc32(upTo, crc);
        at += upTo.length;
        rest = rest.subarray(upTo.length);
        if (at < mark.offset) return undefined;
        if (crc !== mark.crc32) return `up to byte ${at} their CRC-32 is ${crc} instead of ${mark.crc32}`;
        passed += 1;
      }
      return undefined;
    },
    finish: () => undefined,
  };
}
