// SPDX-License-Identifier: Apache-2.0
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import type { Socket } from 'node:net';
import { derBits, derIdentifier, derSequence } from '#formats';
import { type SshKey, sshStrings } from '../scenario/servers/ssh-keys.ts';
import { openSight, type OfferServer } from './offer.ts';
import { type SshOffer, HYBRID } from './ssh-offers.ts';
import { formatKexInit, formatPacket, MESSAGE, readIdentification, readPacket, readStrings } from './ssh-packets.ts';
import { startTcp } from './tcp.ts';

/** How the server names itself. */
export const IDENTIFICATION = 'SSH-2.0-Oakum';
const ML_KEM_768 = { identifier: '2.16.840.1.101.3.4.4.2', bytes: 1184 } as const;
const X25519 = { identifier: '1.3.101.110', bytes: 32 } as const;

/**
 * Starts a server of SSH whose one key exchange is ML-KEM-768 with X25519 (draft-ietf-sshm-mlkem-hybrid-kex): it goes as far as the
 * client's NEWKEYS, which a client sends once it has verified the host's signature over all that was exchanged, and then hangs up.
 * Its `control` does nothing: no other client here has this exchange.
 */
export async function startHybridOffer({ algorithms }: SshOffer, hostKey: SshKey): Promise<OfferServer> {
  const sight = openSight();
  const init = formatKexInit({
    keyExchanges: [algorithms.kex],
    hostKeys: [algorithms.serverHostKey],
    ciphers: [algorithms.cipher],
    macs: [algorithms.hmac],
  });
  const server = await startTcp((socket) => {
    converse(socket, { init, hostKey }).then(
      () => sight.completed.push(HYBRID),
      (error: Error) => sight.broken.push(error.message),
    );
  });
  return { ...server, sight, control: async () => {} };
}

interface Own {
  readonly init: Buffer;
  readonly hostKey: SshKey;
}

/** Speaks with one client until its NEWKEYS. Throws with what came instead. */
async function converse(socket: Socket, { init, hostKey }: Own): Promise<void> {
  try {
    socket.write(`${IDENTIFICATION}\r\n`);
    socket.write(formatPacket(init));
    const packets = readPackets(socket);
    const { line, payload: clientInit } = await next(packets, MESSAGE.kexInit);
    const { payload } = await next(packets, MESSAGE.exchangeInit);
    const [share = Buffer.alloc(0)] = readStrings(payload, 1, 1);
    const { reply, secret } = answerShare(share);
    const transcript = sshStrings(line, IDENTIFICATION, clientInit, init, hostKey.blob, share, reply, secret);
    const signature = signAs(hostKey, createHash('sha256').update(transcript).digest());
    const answer = sshStrings(hostKey.blob, reply, signature);
    socket.write(formatPacket(Buffer.concat([Buffer.of(MESSAGE.exchangeReply), answer])));
    socket.write(formatPacket(Buffer.of(MESSAGE.newKeys)));
    await next(packets, MESSAGE.newKeys);
  } finally {
    socket.end();
  }
}

interface Packet {
  /** The client's identification. */
  readonly line: string;
  readonly payload: Buffer;
}

async function* readPackets(socket: Socket): AsyncGenerator<Packet, void, undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  let line: string | undefined;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    if (line === undefined) {
      const head = readIdentification(bytes);
      if (head === undefined) continue;
      ({ line, rest: bytes } = head);
    }
    for (let packet = readPacket(bytes); packet !== undefined; packet = readPacket(bytes)) {
      bytes = packet.rest;
      yield { line, payload: packet.payload };
    }
  }
}

async function next(packets: AsyncGenerator<Packet, void, undefined>, message: number): Promise<Packet> {
  const { value } = await packets.next();
  if (!value) throw new Error('the client hung up');
  if (value.payload[0] === message) return value;
  const [said] = value.payload[0] === MESSAGE.disconnect ? readStrings(value.payload, 5, 1) : [];
  throw new Error(said?.toString() ?? `the client sent message ${value.payload[0]}, not ${message}`);
}

/** Takes the client's two public keys, one after the other; gives what is sent back, and the shared secret of both. */
function answerShare(share: Buffer): { readonly reply: Buffer; readonly secret: Buffer } {
  if (share.length !== ML_KEM_768.bytes + X25519.bytes) throw new Error(`a share of ${share.length} bytes`);
  const { ciphertext, sharedKey } = encapsulate(publicKeyOf(ML_KEM_768, share.subarray(0, ML_KEM_768.bytes)));
  const own = generateKeyPairSync('x25519');
  const point = own.publicKey.export({ type: 'spki', format: 'der' }).subarray(-X25519.bytes);
  const agreed = diffieHellman({
    privateKey: own.privateKey,
    publicKey: publicKeyOf(X25519, share.subarray(ML_KEM_768.bytes)),
  });
  const secret = createHash('sha256').update(sharedKey).update(agreed).digest();
  return { reply: Buffer.concat([ciphertext, point]), secret };
}

/** Gives a key out of its bytes alone (RFC 5280 4.1, SubjectPublicKeyInfo). */
function publicKeyOf({ identifier }: { readonly identifier: string }, bytes: Buffer): KeyObject {
  const key = derSequence(derSequence(derIdentifier(identifier)), derBits(bytes));
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/** Signs as a host key on P-256 does (RFC 5656 3.1.2). */
function signAs({ pem, type }: SshKey, hash: Buffer): Buffer {
  const both = sign('sha256', hash, { key: createPrivateKey(pem), dsaEncoding: 'ieee-p1363' });
  const [r, s] = [both.subarray(0, 32), both.subarray(32)].map(toMpint);
  return sshStrings(type, sshStrings(r ?? '', s ?? ''));
}

/** A number that is not negative, in the fewest bytes (RFC 4251 5). */
function toMpint(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = start < 0 ? Buffer.alloc(0) : bytes.subarray(start);
  return (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short;
}
