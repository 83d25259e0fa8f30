/**
 * The server's error codes that the program handles, by condition name (manual, appendix A, "PostgreSQL Error Codes":
 * `insufficient_privilege` is `insufficientPrivilege`).
 */
export const SQLSTATE = {
  privilegeNotRevoked: '01006',
  privilegeNotGranted: '01007',
  featureNotSupported: '0A000',
  invalidParameterValue: '22023',
  untranslatableCharacter: '22P05',
  foreignKeyViolation: '23503',
  readOnlySqlTransaction: '25006',
  invalidAuthorizationSpecification: '28000',
  invalidPassword: '28P01',
  invalidCatalogName: '3D000',
  invalidSchemaName: '3F000',
  insufficientPrivilege: '42501',
  undefinedColumn: '42703',
  undefinedObject: '42704',
  wrongObjectType: '42809',
  undefinedFunction: '42883',
  undefinedTable: '42P01',
  duplicateDatabase: '42P04',
  duplicateSchema: '42P06',
  diskFull: '53100',
  tooManyConnections: '53300',
  objectNotInPrerequisiteState: '55000',
  objectInUse: '55006',
  lockNotAvailable: '55P03',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  undefinedFile: '58P01',
} as const;
