/** Counts up as time goes by. */
import { useEffect, useState } from 'react';

/** @param everyMs undefined: it does not count */
export function useTick(everyMs: number | undefined): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => setTick((before) => before + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return tick;
}
