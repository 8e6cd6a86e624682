// Makes X.509 certificates (RFC 5280): forge lays out the fields, node:crypto signs. Called by authority.ts only.
// forge knows no EC keys, so the SubjectPublicKeyInfo that node:crypto exports is put into the finished structure in its place:
//
//   Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature BIT STRING }
//   tbsCertificate: [0] version, [1] serial, [2] algorithm, [3] issuer, [4] validity, [5] subject, [6] SubjectPublicKeyInfo ← here, [7] extensions

import assert from 'node:assert/strict';
import { createHash, type KeyObject, sign } from 'node:crypto';
import forge from 'node-forge';

const { asn1, pki } = forge;

/** Position of SubjectPublicKeyInfo in tbsCertificate (RFC 5280 4.1). */
const PUBLIC_KEY_INDEX = 6;
/** Position of the signature in Certificate. */
const SIGNATURE_INDEX = 2;
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';

export type DistinguishedName = readonly forge.pki.CertificateField[];

export interface CertificateRequest {
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  readonly publicKey: KeyObject;
  /** RSA. */
  readonly issuerKey: KeyObject;
  readonly issuerPublicKey: KeyObject;
  /** 16 random bytes. */
  readonly serial: Buffer;
  /** Wall milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly use:
    | { readonly kind: 'authority' }
    | { readonly kind: 'server'; readonly names: readonly string[]; readonly addresses: readonly string[] };
}

/** The certificate as PEM, signed with SHA-256 and RSA. */
export function issueCertificate(request: CertificateRequest): string {
  const certificate = pki.createCertificate();
  certificate.serialNumber = positiveSerial(request.serial);
  certificate.validity.notBefore = new Date(request.notBefore);
  certificate.validity.notAfter = new Date(request.notAfter);
  certificate.setSubject([...request.subject]);
  certificate.setIssuer([...request.issuer]);
  certificate.setExtensions(extensionsFor(request));
  certificate.siginfo.algorithmOid = SHA256_WITH_RSA;
  certificate.signatureOid = SHA256_WITH_RSA;
  certificate.signature = '';
  certificate.publicKey = placeholderKey();
  const whole = pki.certificateToAsn1(certificate);
  const parts = childrenOf(whole);
  const tbs = parts[0]!;
  childrenOf(tbs)[PUBLIC_KEY_INDEX] = asn1.fromDer(spki(request.publicKey).toString('latin1'));
  const signature = sign('sha256', derBytes(tbs), request.issuerKey);
  // The first byte of a BIT STRING counts its unused bits.
  const bits = `\0${signature.toString('latin1')}`;
  parts[SIGNATURE_INDEX] = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, bits);
  return toPem(derBytes(whole));
}

function childrenOf(node: forge.asn1.Asn1): forge.asn1.Asn1[] {
  assert(Array.isArray(node.value));
  return node.value;
}

const derBytes = (node: forge.asn1.Asn1): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');

function extensionsFor(request: CertificateRequest): object[] {
  const keyIdentifiers = [
    { id: '2.5.29.14', value: octetString(keyIdentifier(request.publicKey)) },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifier(request.issuerPublicKey).toString('latin1') },
  ];
  const { use } = request;
  if (use.kind === 'authority') {
    return [
      { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
      { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true, digitalSignature: true },
      ...keyIdentifiers,
    ];
  }
  // keyEncipherment only means something for RSA keys (RFC 3279 2.3.1, RFC 5480 3).
  const isRsa = request.publicKey.asymmetricKeyType === 'rsa';
  return [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, ...(isRsa ? { keyEncipherment: true } : {}) },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    {
      name: 'subjectAltName',
      altNames: [...use.names.map((value) => ({ type: 2, value })), ...use.addresses.map((ip) => ({ type: 7, ip }))],
    },
    ...keyIdentifiers,
  ];
}

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

/** RFC 5280 4.2.1.2 leaves the method free; RFC 7093 2 (4): a hash of the SubjectPublicKeyInfo. */
const keyIdentifier = (key: KeyObject): Buffer => createHash('sha256').update(spki(key)).digest().subarray(0, 20);

const octetString = (bytes: Buffer): string =>
  asn1.toDer(asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, bytes.toString('latin1'))).getBytes();

/** RFC 5280 4.1.2.2: positive, not zero, at most 20 octets. */
function positiveSerial(random: Buffer): string {
  const serial = Buffer.from(random);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return serial.toString('hex');
}

/** forge insists on an RSA key of its own while it lays out the fields. */
const placeholderKey = () => pki.rsa.setPublicKey(new forge.jsbn.BigInteger('3'), new forge.jsbn.BigInteger('3'));

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
