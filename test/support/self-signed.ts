/**
 * A certificate that no authority signed, for 127.0.0.1, valid for a hundred years. Its key guards nothing but tests.
 * Made by: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500
 * -subj /CN=topobank-backup-test -addext subjectAltName=IP:127.0.0.1
 */
export const SELF_SIGNED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqTPGyck3pbHz/Qv2
hgXk5yZie4YyammV6KzYFrQwopqhRANCAAR/rIFE9RNORC2If5Aa3+gXx8Rf53pE
R+XH5ihq2dFnpwSiUSgsenslYVZeYH0FrayUGNzi5bZ/5TVIO6VV7FQk
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBpjCCAUygAwIBAgIUbm1XS+C8FDhtbBbw/us64B+kV44wCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUdG9wb2JhbmstYmFja3VwLXRlc3QwIBcNMjYxMTI0MjM0MTEz
WhgPMjEyNjEwMzEyMzQxMTNaMB8xHTAbBgNVBAMMFHRvcG9iYW5rLWJhY2t1cC10
ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf6yBRPUTTkQtiH+QGt/oF8fE
X+d6REflx+YoatnRZ6cEolEoLHp7JWFWXmB9Ba2slBjc4uW2f+U1SDulVexUJKNk
MGIwHQYDVR0OBBYEFIyFcpjPJzZNkS4xyM20nmezSSifMB8GA1UdIwQYMBaAFIyF
cpjPJzZNkS4xyM20nmezSSifMA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocE
fwAAATAKBggqhkjOPQQDAgNIADBFAiA/LFQJzGMuOQ8JOWikCgbvqdVFYMXmXCiT
s3L248wMWQIhANK++YexECCYdm7AxcOXzQE2eFuoHbLff5ELkPhWF+pw
-----END CERTIFICATE-----`,
} as const;
