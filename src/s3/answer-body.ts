import { collect } from './reader.ts';

/** An answer as the client's middleware has it. */
export interface HttpAnswer {
  statusCode: number;
  body: Buffer | AsyncIterable<Buffer>;
}

/** The body of a short answer, which stays there for whoever reads it next. */
export async function readBody(answer: HttpAnswer): Promise<Buffer> {
  const { body } = answer;
  const whole = Buffer.isBuffer(body) ? body : Buffer.concat(await collect(body));
  answer.body = whole;
  return whole;
}
