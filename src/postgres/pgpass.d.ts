declare module 'pgpass' {
  /** Tells the password that the file holds for a connection, or undefined. */
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
