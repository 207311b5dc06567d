import { type Cancel, type Clock, every, timestamp } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { type Certificate, type CertificateFiles, type Pem, parseCertificate, readPem } from "./certificate.ts";

export interface CertificateWatchOptions {
  files: CertificateFiles;
  clock: Clock;
  logger: Logger;
}

type OnRenewal = (certificate: Certificate) => void;

/** Reading two small files costs next to nothing, and sees what no notice of the file system tells: symbolic links that change. */
const lookMs = 2000;

/**
 * Looks whether the certificate's files hold something else than the server uses. What is new must be the same at two looks, since
 * the files are written one after the other; if it cannot be used then, that is logged once and the old one stays.
 */
export class CertificateWatch {
  #used: Certificate;
  /** What the last look found, and what was found to be of no use, as text. */
  #seen = "";
  #refused = "";
  #isExpired = false;
  #cancel: Cancel = () => {};

  /** Throws `invalid` with one line when the files hold nothing that can be used. */
  constructor(private readonly options: CertificateWatchOptions) {
    this.#used = parseCertificate(readPem(options.files), options.files);
  }

  /** The certificate that is to be used. */
  get current(): Certificate {
    return this.#used;
  }

  /** `onRenewal` puts another certificate to use. What it throws is logged, and it is called again at the next look. */
  start(onRenewal: OnRenewal): void {
    this.#checkTime();
    this.#cancel = every(this.options.clock, lookMs, () => this.#look(onRenewal));
  }

  stop(): void {
    this.#cancel();
  }

  #look(onRenewal: OnRenewal): void {
    this.#checkTime();
    const found = this.#read();
    const text = textOf(found);
    const isSettled = text === this.#seen;
    this.#seen = text;
    if (isSettled && text !== this.#refused && text !== textOf(this.#used)) this.#renew(found, onRenewal);
  }

  #renew(found: Pem | string, onRenewal: OnRenewal): void {
    const { files, logger } = this.options;
    let certificate: Certificate;
    try {
      if (typeof found === "string") throw new Error(found);
      certificate = parseCertificate(found, files);
    } catch (error) {
      this.#refused = textOf(found);
      logger.error("the new certificate cannot be used; the old one stays", { error: messageOf(error), ...this.#validity() });
      return;
    }
    try {
      onRenewal(certificate);
    } catch (error) {
      logger.error("the new certificate could not be put to use; it is tried again", { error: messageOf(error) });
      return;
    }
    this.#used = certificate;
    this.#refused = "";
    this.#isExpired = false;
    logger.info("the certificate was renewed", this.#validity());
    this.#checkTime();
  }

  #read(): Pem | string {
    try {
      return readPem(this.options.files);
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Says once that clients will not trust the certificate. */
  #checkTime(): void {
    const now = this.options.clock.now();
    const hasExpired = now < this.#used.validFromMs || now >= this.#used.expiresAtMs;
    if (hasExpired && !this.#isExpired) {
      this.options.logger.warn("the certificate is not valid at this time: clients will refuse it", this.#validity());
    }
    this.#isExpired = hasExpired;
  }

  #validity(): { valid_from: string; expires_at: string } {
    return { valid_from: timestamp(this.#used.validFromMs), expires_at: timestamp(this.#used.expiresAtMs) };
  }
}

function textOf(found: Pem | string): string {
  return typeof found === "string" ? found : `${found.cert}\n${found.key}`;
}
