import * as v from 'valibot';
import { duration, durationForm, flag, keyPrefix, text, yesOrNo } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** An address that says where the server is and nothing else; any other part would be ignored silently. */
const endpoint = v.pipe(text, v.check(isEndpoint));

/** What would be read as the name of a server, but is a mistyped scheme: a colon that begins no port, or none at all. */
const MISTYPED_SCHEME = /^(?:[^/[]*:(?!\d)|https?\/\/)/i;

function isEndpoint(value: string): boolean {
  // In an address it is read as a slash: `http:\\host` would lead to a server named http.
  if (value.includes('\\')) return false;
  const hasScheme = value.includes('://');
  if (!hasScheme && MISTYPED_SCHEME.test(value)) return false;
  const address = hasScheme ? value : `https://${value}`;
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return false;
  const { pathname, username, password, search, hash } = new URL(address);
  // Of two schemes the second is read as the name of the server.
  return !pathname.startsWith('//') && [username, password, search, hash].every((part) => part === '');
}

/** The S3 server and the bucket. */
export const STORE_SETTINGS = defineSettings({
  endpoint: {
    group: 'store',
    names: ['AWS_S3_ENDPOINT_URL', 'S3_ENDPOINT'],
    flag: 'endpoint',
    schema: endpoint,
    optional: true,
    form: 'an address such as https://s3.example.org or s3.example.org:9000',
    about: 'S3 server; AWS if unset.',
  },
  bucket: {
    group: 'store',
    names: ['AWS_STORAGE_BUCKET_NAME', 'S3_BUCKET'],
    flag: 'bucket',
    schema: v.pipe(text, v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{2,62}$/)),
    fallback: 'topobank-assets',
    form: 'a bucket name of 3 to 63 letters, digits, dots, dashes or underscores',
    about: 'S3 bucket; created if it is missing and the access key permits it.',
  },
  accessKeyId: {
    group: 'store',
    names: ['AWS_ACCESS_KEY_ID', 'AWS_ACCESS_KEY'],
    schema: text,
    secret: true,
    form: 'an access key',
    about: 'S3 access key.',
  },
  secretAccessKey: {
    group: 'store',
    names: ['AWS_SECRET_ACCESS_KEY', 'AWS_SECRET_KEY'],
    schema: text,
    secret: true,
    form: 'a secret key',
    about: 'S3 secret key.',
  },
  sessionToken: {
    group: 'store',
    names: ['AWS_SESSION_TOKEN'],
    schema: text,
    optional: true,
    emptyIsUnset: true,
    secret: true,
    form: 'the session token of a temporary key',
    about: 'S3 session token, if the access key is temporary.',
  },
  region: {
    group: 'store',
    names: ['S3_REGION', 'AWS_S3_REGION_NAME', 'AWS_REGION'],
    schema: v.pipe(text, v.regex(/^[A-Za-z0-9-]+$/)),
    fallback: 'eu-central-1',
    form: 'a region such as eu-central-1',
    about: 'Region for which requests are signed.',
  },
  prefix: {
    group: 'store',
    names: ['S3_PREFIX'],
    flag: 'prefix',
    schema: keyPrefix,
    fallback: 'backup/',
    form: 'a prefix such as backup/ without a leading slash',
    about:
      'Prefix of backups in the bucket. Each database needs its own: under a shared prefix, only backups whose manifests name another database can be told apart.',
  },
  forcePathStyle: {
    group: 'store',
    names: ['S3_FORCE_PATH_STYLE'],
    schema: flag,
    fallback: '1',
    form: yesOrNo,
    about: 'Put the bucket in the path of the address instead of in the host name.',
  },
  useTls: {
    group: 'store',
    names: ['AWS_S3_USE_SSL'],
    schema: flag,
    fallback: 'True',
    form: yesOrNo,
    about: 'Use https instead of http for an endpoint given without a scheme.',
  },
  serverWait: {
    group: 'store',
    names: ['S3_WAIT'],
    schema: duration,
    fallback: '2m',
    form: durationForm,
    about:
      'How long to keep retrying an S3 server that has answered before when connections fail or break off, or it returns 429, 502, 503, 504 or SlowDown. `doctor` and `health` do not wait.',
  },
  verifyTls: {
    group: 'store',
    names: ['AWS_S3_VERIFY'],
    schema: flag,
    fallback: 'True',
    form: yesOrNo,
    about: 'Verify the S3 server’s certificate.',
  },
});
