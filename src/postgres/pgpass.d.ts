declare module 'pgpass' {
  /** Passes `tell` the password that the file has for a connection, or undefined. */
  export default function pgpass(
    connection: {
      readonly host: string;
      readonly port: number;
      readonly database: string;
      readonly user: string;
    },
    tell: (password: string | undefined) => void,
  ): void;
}
