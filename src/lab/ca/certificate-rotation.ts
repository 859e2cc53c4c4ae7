/** Keeps one workload's certificate fresh: renewed at half of its life, with a jitter, and retried while the authority is away. */
import { CaUnavailable, type MeshCa, type WorkloadCertificate } from './mesh-ca.ts';

export interface RotationOptions {
  readonly ca: Pick<MeshCa, 'issue'>;
  readonly spiffeId: string;
  readonly ttlSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly onCertificate: (certificate: WorkloadCertificate) => void;
}

export interface Rotation {
  close(): void;
}

/** Istio's SECRET_GRACE_PERIOD_RATIO and its jitter. */
const graceRatio = 0.5;
const graceJitter = 0.01;
const firstRetryMs = 500;
const maxRetryMs = 10_000;
/** The longest delay that a timer takes. */
const maxTimerMs = 2 ** 31 - 1;

/** Asks for the first certificate at once. While the authority is away the old one stays in use, past its end too. */
export function startRotation(options: RotationOptions): Rotation {
  const { ca, spiffeId, ttlSeconds, now, random, onCertificate } = options;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const after = (delayMs: number, retryMs: number): void => {
    if (closed) return;
    timer = setTimeout(() => void renew(retryMs), Math.min(Math.max(0, delayMs), maxTimerMs));
    timer.unref();
  };
  const renew = async (retryMs: number): Promise<void> => {
    try {
      const certificate = await ca.issue({ spiffeId, ttlSeconds });
      if (closed) return;
      onCertificate(certificate);
      const life = ttlSeconds * 1000;
      const share = graceRatio + (random() * 2 - 1) * graceJitter;
      after(certificate.notAfter.getTime() - life * share - now(), firstRetryMs);
    } catch (error) {
      if (!(error instanceof CaUnavailable)) throw error;
      after(retryMs * (0.5 + random() / 2), Math.min(retryMs * 2, maxRetryMs));
    }
  };
  void renew(firstRetryMs);
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
