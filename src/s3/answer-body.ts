import { collect } from './reader.ts';

/** An answer as the client's middleware sees it. */
export interface HttpAnswer {
  statusCode: number;
  body: Buffer | AsyncIterable<Buffer>;
}

/** Reads the body of a short answer and leaves it in place for later readers. */
export async function readBody(answer: HttpAnswer): Promise<Buffer> {
  const { body } = answer;
  const whole = Buffer.isBuffer(body) ? body : Buffer.concat(await collect(body));
  answer.body = whole;
  return whole;
}
