// Spans of time as options and actions' parameters take them.
import { z } from 'zod';

/** `90s`, `2m`, `1h30m`: a span of time, as ms. */
export const durationSchema = z
  .string()
  .trim()
  .regex(/^(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?$/, 'a span such as 90s, 2m or 1h30m')
  .transform((text) => {
    const part = (unit: string) => Number(new RegExp(`([0-9]+)${unit}`).exec(text)?.[1] ?? 0);
    return ((part('h') * 60 + part('m')) * 60 + part('s')) * 1000;
  })
  .refine((ms) => ms >= 1000 && ms <= 24 * 3_600_000, 'a span from 1s to 24h');
